// The cache of prompt prefixes: the same bits with and without, and nothing but whole sound pages believed.
#include "cli/prompt_cache.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "cli/atomic_file.h"
#include "engine/generate.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/process.h"

namespace distill::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::vector<TokenId> tokens(std::size_t n, std::size_t seed = 0, std::size_t common = 0) {
    std::vector<TokenId> ids(n);
    for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<TokenId>((i * 37 + (i < common ? 0 : seed * 11)) % 251);
    return ids;
}

std::vector<fs::path> pages_in(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator(folder, absent)) {
        if (entry.path().extension() == ".page") found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
}
void overwrite(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

struct Fixture {
    explicit Fixture(const TinyModelSpec& spec = {.n_ctx_train = 4096})
        : path(folder.write("tiny.gguf", tiny_model(spec))) {}
    TempDir folder;
    std::string path;
    ThreadPool pool{2};
    Engine engine = Engine::load({.path = path});
    CachePlace in_folder{.file = {}, .folder = folder.path() / "cache" / "prompts", .limit = 1u << 30};
    CachePlace in_file{.file = folder.path() / "prefix.cache", .folder = {}, .limit = 0};

    struct Run {
        std::size_t restored, stored;
        std::uint32_t hash;  // of the logits behind the prompt
        std::string problem;
    };
    // What one_shot does, without the answer.
    Run run(const CachePlace& place, const std::vector<TokenId>& prompt) { return run(engine, place, prompt); }
    Run run(const Engine& model, const CachePlace& place, const std::vector<TokenId>& prompt) {
        Sequence sequence(model, pool, 4096);
        PromptCache cache(model, place);
        Run r{};
        r.restored = cache.restore(sequence, prompt);
        CHECK(sequence.length() == static_cast<int>(r.restored));
        r.hash = hash_logits(sequence.forward(std::span(prompt).subspan(r.restored)));
        cache.store(sequence, prompt);
        const PromptCache::Stored stored = cache.finish();
        r.stored = stored.pages;
        r.problem = stored.problem;
        return r;
    }
    std::uint32_t truth(const std::vector<TokenId>& prompt) { return run({}, prompt).hash; }
};

TEST_CASE("a second prompt takes the pages it shares with the first, with the same bits", "[prompt-cache][slow]") {
    Fixture f;
    for (const CachePlace& place : {f.in_folder, f.in_file}) {
        const auto first = tokens(700), second = tokens(650, 1, 400);
        const auto cold = f.run(place, first);
        CHECK(cold.restored == 0);
        CHECK(cold.stored == 10);  // 640 tokens of 700
        CHECK(cold.problem.empty());
        CHECK(cold.hash == f.truth(first));

        const auto again = f.run(place, first);
        CHECK(again.restored == 640);
        CHECK(again.stored == 0);
        CHECK(again.hash == cold.hash);

        const auto other = f.run(place, second);
        CHECK(other.restored == 384);  // whole pages of the 400 tokens in common
        CHECK(other.hash == f.truth(second));
    }
}

TEST_CASE("a prompt of whole pages keeps its last token to be read", "[prompt-cache]") {
    Fixture f;
    const auto prompt = tokens(512);
    f.run(f.in_folder, prompt);
    const auto again = f.run(f.in_folder, prompt);
    CHECK(again.restored == 448);
    CHECK(again.hash == f.truth(prompt));
}

TEST_CASE("the folder keeps what pays: long prompts, long new parts", "[prompt-cache]") {
    Fixture f;
    CHECK(f.run(f.in_folder, tokens(255)).stored == 0);
    CHECK(f.run(f.in_folder, tokens(400)).stored == 6);
    CHECK(f.run(f.in_folder, tokens(600)).stored == 0);  // 3 pages more
    CHECK(f.run(f.in_folder, tokens(700)).stored == 4);
    CHECK(f.run(f.in_folder, tokens(255)).restored == 0);
    CHECK(f.run(f.in_folder, tokens(700)).restored == 640);
}

TEST_CASE("a file follows a prompt that grows and stays for prompts that only share its beginning", "[prompt-cache]") {
    Fixture f;
    CHECK(f.run(f.in_file, tokens(200)).stored == 3);
    CHECK(f.run(f.in_file, tokens(400)).stored == 6);
    CHECK(f.run(f.in_file, tokens(420, 1, 330)).stored == 0);
    CHECK(f.run(f.in_file, tokens(400)).restored == 384);
    CHECK(f.run(f.in_file, tokens(400, 2)).stored == 6);  // another prompt
    CHECK(f.run(f.in_file, tokens(400)).restored == 0);
}

TEST_CASE("a page of another model, kernel set or file time is not taken", "[prompt-cache][hostile][slow]") {
    Fixture f;
    const auto prompt = tokens(500);
    REQUIRE(f.run(f.in_folder, prompt).stored == 7);
    REQUIRE(f.run(f.in_file, prompt).stored == 7);
    const auto check_untaken = [&](const Engine& other, const char* what) {
        INFO(what);
        CHECK(f.run(other, f.in_folder, prompt).restored == 0);
        CHECK(f.run(other, f.in_file, prompt).restored == 0);
        f.run(f.in_file, prompt);  // its own again
    };
    const std::string path = f.folder.write("other.gguf", tiny_model({.n_ctx_train = 4096, .seed = 2}));
    check_untaken(Engine::load({.path = path}), "other weights");
    check_untaken(Engine::load({.path = f.path, .kernels = "scalar"}), "other kernels");
    CHECK(f.run(f.in_folder, prompt).restored == 448);
    fs::last_write_time(f.path, fs::last_write_time(f.path) + std::chrono::seconds(1));
    check_untaken(Engine::load({.path = f.path}), "the file was changed");
}

TEST_CASE("a page that is cut or changed anywhere is read afresh", "[prompt-cache][hostile][slow]") {
    Fixture f;
    const auto prompt = tokens(340);
    const std::uint32_t truth = f.truth(prompt);
    REQUIRE(f.run(f.in_folder, prompt).stored == 5);
    REQUIRE(f.run(f.in_file, prompt).stored == 5);
    const auto pages = pages_in(f.in_folder.folder);
    REQUIRE(pages.size() == 5);

    const std::string sound = bytes_of(pages[2]);
    std::vector<std::string> broken = {"",
                                       sound.substr(0, 7),
                                       sound.substr(0, 100),
                                       sound.substr(0, sound.size() - 1),
                                       sound + "x",
                                       std::string(sound.size(), '\0'),
                                       bytes_of(pages[3])};
    for (std::size_t i = 0; i < sound.size(); i += i < 320 ? 1 : 997) {
        broken.push_back(sound);
        broken.back()[i] = static_cast<char>(broken.back()[i] ^ 0x10);
    }
    for (const std::string& bytes : broken) {
        overwrite(pages[2], bytes);
        // A prompt one page too short to be stored again, so that each row meets the folder as it was.
        const auto r = f.run(f.in_folder, prompt);
        CHECK(r.restored < 320);
        CHECK(r.hash == truth);
        overwrite(pages[2], sound);
    }
    CHECK(f.run(f.in_folder, prompt).restored == 320);

    const std::string whole = bytes_of(f.in_file.file);
    for (std::size_t i = 8; i < whole.size(); i += 4999) {
        std::string bytes = whole;
        bytes[i] = static_cast<char>(bytes[i] ^ 0x01);
        overwrite(f.in_file.file, bytes);
        const auto r = f.run(f.in_file, prompt);
        CHECK(r.restored < 320);
        CHECK(r.hash == truth);
        overwrite(f.in_file.file, whole.substr(0, i));
        CHECK(f.run(f.in_file, prompt).hash == truth);
    }
    // What was bad has been replaced.
    CHECK(f.run(f.in_file, prompt).restored == 320);
}

TEST_CASE("a damaged first page is replaced", "[prompt-cache]") {
    Fixture f;
    const auto prompt = tokens(340);
    f.run(f.in_folder, prompt);
    for (const auto& page : pages_in(f.in_folder.folder)) fs::resize_file(page, fs::file_size(page) / 2);
    CHECK(f.run(f.in_folder, prompt).stored == 5);
    CHECK(f.run(f.in_folder, prompt).restored == 320);
}

TEST_CASE("a link in the folder is not followed", "[prompt-cache][hostile]") {
    Fixture f;
    const auto prompt = tokens(340);
    f.run(f.in_folder, prompt);
    for (const auto& page : pages_in(f.in_folder.folder)) {
        const fs::path elsewhere = f.folder.path() / page.filename();
        fs::rename(page, elsewhere);
        fs::create_symlink(elsewhere, page);
    }
    const auto r = f.run(f.in_folder, prompt);
    CHECK(r.restored == 0);
    CHECK(r.hash == f.truth(prompt));
}

TEST_CASE("a file that is no cache is not written over", "[prompt-cache][hostile]") {
    Fixture f;
    CachePlace place = f.in_file;
    place.file = f.folder.write("notes.txt", std::string_view("my notes, not yours"));
    const auto error = error_of([&] { f.run(place, tokens(300)); });
    REQUIRE(error);
    CHECK(error->status() == Status::usage);
    CHECK(contains(error->what(), "notes.txt"));
    CHECK(bytes_of(place.file) == "my notes, not yours");
    place.file = f.folder.path();
    CHECK(error_of([&] { f.run(place, tokens(300)); })->status() == Status::usage);
    place.file = f.folder.path() / "no such folder" / "x";
    CHECK(contains(f.run(place, tokens(300)).problem, "cannot be written"));
}

TEST_CASE("the folder stays within its limit: the longest unused go, ends before beginnings", "[prompt-cache]") {
    Fixture f;
    f.run(f.in_folder, tokens(340, 1));
    const std::uint64_t page = fs::file_size(pages_in(f.in_folder.folder).front());
    CachePlace place = f.in_folder;
    place.limit = 12 * page;
    const auto used = [&](std::size_t seed) {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));  // more than the pages of a prompt lie apart
        return f.run(place, tokens(340, seed)).restored;
    };
    CHECK(used(2) == 0);
    CHECK(used(1) == 320);  // 1 is younger now
    CHECK(used(3) == 0);    // 15 pages: the three last of 2 go
    CHECK(pages_in(place.folder).size() == 12);
    CHECK(used(1) == 320);
    CHECK(used(3) == 320);
    CHECK(used(2) == 128);

    place.limit = 3 * page;  // less than a prompt: its beginning is kept
    fs::remove_all(place.folder);
    CHECK(used(4) == 0);
    CHECK(used(4) == 192);
    CHECK(pages_in(place.folder).size() == 3);

    // What killed writers left goes once it is old.
    const fs::path left = fs::path(place.folder) / ".distill-abcdef",
                   fresh = fs::path(place.folder) / ".distill-ghijkl";
    overwrite(left, "x");
    overwrite(fresh, "x");
    fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(2));
    trim_cache_folder(place.folder, place.limit);
    CHECK_FALSE(fs::exists(left));
    CHECK(fs::exists(fresh));
}

TEST_CASE("where the folder is", "[prompt-cache]") {
    CHECK(cache_place({.file = "x"}).folder.empty());
    CHECK(cache_place({.file = "x", .off = true}).file == "x");
    CHECK(cache_place({.off = true}).folder.empty());
    CHECK(cache_place({.limit_mib = 0}).folder.empty());
    CHECK(cache_place({.limit_mib = 3}).limit == 3u << 20);
}

// Writers that are killed at any moment. Each round: a child stores prompts of its own into a folder and a file, dies
// by SIGKILL, and whatever it left must be whole: every page in the folder is taken by the run that looks for it, and
// the file holds one of the two prompts.
void kill_rounds(int rounds) {
    Fixture f;
    const auto one = tokens(340, 1), two = tokens(340, 2);
    const std::uint32_t truth_one = f.truth(one), truth_two = f.truth(two);
    CachePlace aside = f.in_folder;
    aside.folder += "-aside";
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(f.run(aside, one).stored == 5);
    // Long enough for a child, which has one thread, to store either prompt in both places.
    const auto a_run = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    const auto longest = static_cast<std::size_t>(std::max<std::int64_t>(40'000, 8 * a_run.count()));
    const std::uintmax_t page_size = fs::file_size(pages_in(aside.folder).front());
    Random random(7);
    int taken = 0;
    for (int round = 0; round < rounds; ++round) {
        const auto delay = std::chrono::microseconds(random.below(longest));
        const int pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            ThreadPool pool(1);  // the threads of the other one are not in the child
            for (std::size_t i = 0;; ++i) {
                const auto& prompt = i % 2 == 0 ? one : two;
                for (const CachePlace& place : {f.in_folder, f.in_file}) {
                    Sequence sequence(f.engine, pool, 512);
                    PromptCache cache(f.engine, place);
                    const std::size_t restored = cache.restore(sequence, prompt);
                    sequence.forward(std::span(prompt).subspan(restored));
                    cache.store(sequence, prompt);
                    cache.finish();
                }
                std::error_code ignored;
                fs::remove_all(f.in_folder.folder, ignored);
            }
        }
        std::this_thread::sleep_for(delay + std::chrono::milliseconds(2));
        ::kill(pid, SIGKILL);
        int raw = 0;
        ::waitpid(pid, &raw, 0);

        for (const auto& page : pages_in(f.in_folder.folder)) REQUIRE(fs::file_size(page) == page_size);
        for (const auto* prompt : {&one, &two}) {
            const std::uint32_t truth = prompt == &one ? truth_one : truth_two;
            Sequence sequence(f.engine, f.pool, 512);
            PromptCache cache(f.engine, f.in_folder);
            taken += cache.restore(sequence, *prompt) > 0;
            REQUIRE(hash_logits(sequence.forward(
                        std::span(*prompt).subspan(static_cast<std::size_t>(sequence.length())))) == truth);
        }
        if (fs::exists(f.in_file.file)) {
            std::size_t best = 0;
            for (const auto* prompt : {&one, &two}) {
                Sequence sequence(f.engine, f.pool, 512);
                PromptCache cache(f.engine, f.in_file);
                best = std::max(best, cache.restore(sequence, *prompt));
            }
            REQUIRE(best == 320);
            REQUIRE(fs::file_size(f.in_file.file) == 5 * page_size);
        }
    }
    CHECK(taken > 0);
}

TEST_CASE("a killed writer leaves whole pages or none", "[prompt-cache][fault][slow]") {
    kill_rounds(25);
}
TEST_CASE("a killed writer leaves whole pages or none, a thousand times", "[.][slow][prompt-cache]") {
    kill_rounds(1000);
}

TEST_CASE("two writers at once", "[prompt-cache][fault][slow]") {
    Fixture f;
    const auto prompt = tokens(700);
    const std::uint32_t truth = f.truth(prompt);
    std::atomic<int> bad{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&] {
            ThreadPool pool(1);
            for (int i = 0; i < 10; ++i) {
                Sequence sequence(f.engine, pool, 4096);
                PromptCache cache(f.engine, i % 2 == 0 ? f.in_folder : f.in_file);
                const std::size_t restored = cache.restore(sequence, prompt);
                bad += hash_logits(sequence.forward(std::span(prompt).subspan(restored))) != truth;
                cache.store(sequence, prompt);
                bad += !cache.finish().problem.empty();
                if (i % 4 == 0) trim_cache_folder(f.in_folder.folder, 0);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(bad == 0);
    CHECK(f.run(f.in_file, prompt).restored == 640);
}

// ---- the whole program

struct Program {
    Program() : model(folder.write("tiny.gguf", tiny_model({.n_ctx_train = 4096}))) {}
    TempDir folder;
    std::string model;

    ProcessResult run(const std::string& prompt, std::vector<std::string> more = {}) const {
        ProcessOptions options;
        options.arguments = {"-m", model, "--raw", "--temp", "0", "-n", "8", "--ignore-eos", "-t", "2", "-p", prompt};
        options.arguments.insert(options.arguments.end(), more.begin(), more.end());
        options.environment = {{"XDG_CACHE_HOME", folder.path() / "xdg"}, {"DISTILL_ARG_NO_CACHE", ""}};
        return run_distill(options);
    }
    fs::path pages() const { return folder.path() / "xdg" / "distill" / "prompts"; }
};

std::string long_text(std::string_view end) {
    std::string text;
    for (int i = 0; i < 150; ++i) text += std::to_string(i * i) + " ";
    return text + std::string(end);
}

TEST_CASE("a loop over files reads the instruction they share once", "[prompt-cache][cli][slow]") {
    const Program p;
    Json first;
    for (int i = 0; i < 20; ++i) {
        const std::string prompt = long_text("file " + std::to_string(i));
        const ProcessResult with = p.run(prompt, {"--json"}), without = p.run(prompt, {"--json", "--no-cache"});
        REQUIRE(with.status == 0);
        const Json record = Json::parse(with.out), plain = Json::parse(without.out);
        CHECK(record["answer"] == plain["answer"]);
        CHECK(record["logits"] == plain["logits"]);
        CHECK(plain["cached_tokens"] == 0);
        if (i == 0) {
            CHECK(record["cached_tokens"] == 0);
        } else {
            CHECK(record["cached_tokens"].get<int>() > record["prompt_tokens"].get<int>() - 100);
        }
    }
    // Private.
    CHECK((fs::status(p.pages()).permissions() & fs::perms::mask) == fs::perms::owner_all);
    for (const auto& page : pages_in(p.pages())) {
        CHECK((fs::status(page).permissions() & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
    }
}

TEST_CASE("-v tells of the cache, nothing else does; --no-cache and --cache-limit 0 leave no trace",
          "[prompt-cache][cli][slow]") {
    const Program p;
    CHECK(p.run(long_text(""), {"--no-cache"}).status == 0);
    CHECK(p.run(long_text(""), {"--cache-limit", "0"}).status == 0);
    CHECK(p.run("short").status == 0);
    CHECK_FALSE(fs::exists(p.pages()));
    const ProcessResult first = p.run(long_text(""), {"-v"});
    CHECK(contains(first.err, "pages of 64 tokens stored"));
    const ProcessResult second = p.run(long_text(""), {"-v"});
    CHECK(contains(second.err, "tokens restored in"));
    CHECK(second.out == first.out);
    CHECK_FALSE(contains(p.run(long_text("")).err, "cache"));
}

TEST_CASE("--prompt-cache keeps a prompt in a file of the user's", "[prompt-cache][cli][slow]") {
    const Program p;
    const std::string file = p.folder.path() / "mine.cache";
    const ProcessResult first = p.run(long_text("one"), {"--prompt-cache", file, "--json"});
    REQUIRE(first.status == 0);
    CHECK(fs::exists(file));
    CHECK_FALSE(fs::exists(p.pages()));
    const ProcessResult second = p.run(long_text("two"), {"--prompt-cache", file, "--json"});
    CHECK(Json::parse(second.out)["cached_tokens"].get<int>() > 300);
    const ProcessResult refused = p.run(long_text("two"), {"--prompt-cache", p.model});
    CHECK(refused.status == 2);
    CHECK(contains(refused.err, "is no prompt cache"));
    // Where it cannot be written the answer is still the answer.
    const ProcessResult unwritten = p.run(long_text("two"), {"--prompt-cache", "/nonexistent/x"});
    CHECK(unwritten.status == 0);
    CHECK_FALSE(unwritten.out.empty());
    CHECK(contains(unwritten.err, "the prompt was not kept: /nonexistent/x"));
}

}  // namespace
}  // namespace distill::test
