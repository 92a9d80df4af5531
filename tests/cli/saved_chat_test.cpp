// Saved conversations: what goes in comes out, and no file that was cut, changed or made up gets in.
#include "cli/saved_chat.h"

#include <sys/stat.h>

#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"

namespace distill::test {
namespace {

namespace fs = std::filesystem;

SavedChat example() {
    SavedChat chat;
    chat.model_name = "a model";
    chat.fingerprint = "0123456789abcdef";
    chat.sampler.temperature = 0.6f;
    chat.sampler.top_k = 7;
    chat.sampler.repeat_penalty = 1.05f;
    chat.sampler.seed = 18'446'744'073'709'551'615u;
    chat.max_tokens = 99;
    chat.reasoning_budget = 0;
    chat.stop = {"\n\n", "停"};
    chat.messages = {{"system", "你是助手", false},
                     {"user", "two\nlines \"checksum\": \"0000000000000000\" 👨‍👩‍👧", false},
                     {"assistant", "broken o", true}};
    return chat;
}

// A file with a checksum that fits, whatever else is wrong with it.
std::string resealed(std::string bytes) {
    const std::string key = "\"checksum\": \"";
    const std::size_t digits = bytes.rfind(key) + key.size();
    bytes.replace(digits, 16, std::string(16, '0'));
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::size_t i = 0; i < 16; ++i) bytes[digits + i] = kDigits[hash >> (60 - 4 * i) & 15];
    return bytes;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

TEST_CASE("a saved chat comes back as it was", "[saved-chat]") {
    TempDir folder;
    const std::string path = folder.path() / "chat.json";
    const SavedChat chat = example();
    save_chat(path, chat);
    const SavedChat back = load_chat(path);
    CHECK(back.model_name == chat.model_name);
    CHECK(back.fingerprint == chat.fingerprint);
    CHECK(back.sampler.temperature == chat.sampler.temperature);
    CHECK(back.sampler.top_k == chat.sampler.top_k);
    CHECK(back.sampler.repeat_penalty == chat.sampler.repeat_penalty);
    CHECK(back.sampler.seed == chat.sampler.seed);
    CHECK(back.max_tokens == 99);
    CHECK(back.reasoning_budget == 0);
    CHECK(back.stop == chat.stop);
    REQUIRE(back.messages.size() == 3);
    CHECK(back.messages[1].content == chat.messages[1].content);
    CHECK(back.messages[2].stopped);
    CHECK_FALSE(back.messages[1].stopped);
    CHECK(serialize_chat(back) == serialize_chat(chat));
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("a link is followed when a chat is saved", "[saved-chat]") {
    TempDir folder;
    fs::create_symlink("real.json", folder.path() / "link.json");
    save_chat(folder.path() / "link.json", example());
    CHECK(fs::is_symlink(folder.path() / "link.json"));
    CHECK(fs::is_regular_file(folder.path() / "real.json"));
    CHECK(load_chat(folder.path() / "link.json").messages.size() == 3);
}

TEST_CASE("a file with any byte changed, or cut anywhere, is refused", "[saved-chat][hostile]") {
    const std::string good = serialize_chat(example());
    REQUIRE(resealed(good) == good);
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const int bit : {0, 5, 7}) {
            std::string bad = good;
            bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
            const auto error = error_of([&] { parse_chat("chat.json", bad); });
            INFO("byte " << i << " bit " << bit);
            REQUIRE(error);
            REQUIRE(error->status() == Status::usage);
        }
        INFO("cut at " << i);
        const auto error = error_of([&] { parse_chat("chat.json", good.substr(0, i)); });
        REQUIRE(error);
        REQUIRE(contains(error->where(), "chat.json"));
    }
    CHECK(error_of([&] { parse_chat("chat.json", good + " "); }));
}

TEST_CASE("a file that only looks sound is refused as well", "[saved-chat][hostile]") {
    const std::string good = serialize_chat(example());
    struct Row {
        std::string_view from, to, says;
    };
    for (const Row& row :
         {Row{"\"version\": 1", "\"version\": 2", "version 2"}, Row{"\"distill chat\"", "\"other\"", "no saved chat"},
          Row{"\"version\": 1", "\"version\": \"1\"", "'version'"},
          Row{"\"temperature\": 0.6", "\"temperature\": -1", "out of range"},
          Row{"\"temperature\": 0.6", "\"temperature\": null", "'temperature'"},
          Row{"\"temperature\": 0.6", "\"temperature\": 1e999", "range"}, Row{"\"user\"", "\"root\"", "out of turn"},
          Row{"\"user\"", "\"assistant\"", "out of turn"}, Row{"\"role\": \"user\"", "\"roll\": \"user\"", "'role'"},
          Row{"\"messages\": [", "\"messages\": [[],", "'role'"},
          Row{"\"stopped\": true", "\"stopped\": 1", "'stopped'"}, Row{"\"stop\": [", "\"stop\": [1,", "'stop'"},
          Row{"{\n", "[\n", "JSON"}}) {
        INFO(row.from << " -> " << row.to);
        const std::string bad = resealed(replaced(good, row.from, row.to));
        const auto error = error_of([&] { parse_chat("chat.json", bad); });
        REQUIRE(error);
        INFO(error->problem());
        CHECK(contains(error->problem(), row.says));
    }
    SavedChat open = example();
    open.messages.pop_back();
    CHECK(error_of([&] { parse_chat("chat.json", serialize_chat(open)); }));
    std::string deep = std::string(100'000, '[') + "\"checksum\": \"0000000000000000\"";
    const auto error = error_of([&] { parse_chat("chat.json", resealed(deep)); });
    REQUIRE(error);
    CHECK(contains(error->problem(), "deep"));
    CHECK(error_of([&] { load_chat("/nonexistent/chat.json"); }));
    CHECK(error_of([&] { load_chat("/"); }));
}

TEST_CASE("a chat that cannot be saved leaves the old file", "[saved-chat][fault]") {
    TempDir folder;
    const auto missing = error_of([&] { save_chat(folder.path() / "none" / "chat.json", example()); });
    REQUIRE(missing);
    CHECK(missing->status() == Status::failure);
    CHECK(error_of([&] { save_chat("/dev/full", example()); }));
    CHECK(error_of([&] { save_chat(folder.path(), example()); }));
}

}  // namespace
}  // namespace distill::test
