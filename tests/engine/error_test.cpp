// The error contract: one line, at most 512 bytes, nothing in it that a terminal would obey.
#include "engine/error.h"

#include <algorithm>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"

using namespace distill;
using namespace distill::test;

namespace {

constexpr std::size_t kMaxLine = 512 - std::string_view{"distill: error: \n"}.size();

}  // namespace

TEST_CASE("an error is where, what and byte", "[error]") {
    const Error full{at_tensor("model.gguf", "blk.0.attn_k.weight"), "4096 bytes at 81920 run past the end", 9184,
                     Status::bad_model};
    CHECK(std::string{full.what()} ==
          "model.gguf: tensor 'blk.0.attn_k.weight': 4096 bytes at 81920 run past the end [byte 9184]");
    CHECK(full.where() == "model.gguf: tensor 'blk.0.attn_k.weight'");
    CHECK(full.problem() == "4096 bytes at 81920 run past the end");
    CHECK(full.offset() == 9184u);
    CHECK(full.status() == Status::bad_model);

    CHECK(std::string{Error{"no place", Status::usage}.what()} == "no place");
    CHECK(std::string{Error{"a.gguf", "is empty", std::nullopt, Status::bad_model}.what()} == "a.gguf: is empty");
    CHECK(at_key("a.gguf", "x.y") == "a.gguf: key 'x.y'");
}

TEST_CASE("text from outside is made printable", "[error]") {
    struct Case {
        std::string_view text, expected;
    };
    const Case cases[] = {
        {"plain", "plain"},
        {"", ""},
        {"a\nb\tc", "a\\x0Ab\\x09c"},
        {"\x1b[31mred\x1b[0m", "\\x1B[31mred\\x1B[0m"},
        {std::string_view{"nul\0x", 5}, "nul\\x00x"},
        {"\x7f", "\\x7F"},
        {"Grüße 你好 🙂", "Grüße 你好 🙂"},
        {"\xc2\x9b"
         "31m",
         "\\xC2\\x9B31m"},                             // C1 control: CSI in one character
        {"\xff\xfe", "\\xFF\\xFE"},                    // no UTF-8 at all
        {"\xc0\xaf", "\\xC0\\xAF"},                    // overlong
        {"\xe0\x80\xaf", "\\xE0\\x80\\xAF"},           // overlong
        {"\xed\xa0\x80", "\\xED\\xA0\\x80"},           // surrogate
        {"\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"},  // above U+10FFFF
        {"cut \xe4\xbd", "cut \\xE4\\xBD"},            // ends inside a character
    };
    for (const Case& c : cases) CHECK(printable(c.text) == c.expected);
}

TEST_CASE("long text is cut between characters", "[error]") {
    CHECK(printable("abcdefghij", 10) == "abcdefghij");
    CHECK(printable("abcdefghijk", 10) == "abcdefg...");
    CHECK(printable("你你你你", 10) == "你你...");
    CHECK(printable(std::string(1u << 20, 'a')).size() == 120);
    CHECK(printable(std::string(100, '\x01'), 9) == "\\x01\\x...");
}

TEST_CASE("the line stays within 512 bytes and keeps place and offset", "[error][hostile]") {
    const std::string long_path = std::string(3000, 'd') + "/model.gguf";
    const Error error{at_tensor(long_path, std::string(5000, 'n')), std::string(5000, 'w'), ~std::uint64_t{0},
                      Status::bad_model};
    const std::string line = error.what();
    CHECK(line.size() <= kMaxLine);
    CHECK(contains(line, "/model.gguf: tensor 'nnn"));  // a path is cut in front
    CHECK(line.ends_with("... [byte 18446744073709551615]"));

    const Error plain{long_path, "is empty", std::nullopt, Status::bad_model};
    CHECK(std::string{plain.what()}.ends_with("/model.gguf: is empty"));
}

TEST_CASE("any bytes give one line", "[error][hostile]") {
    Random random{7};
    for (int i = 0; i < 5'000; ++i) {
        std::string noise(random.below(600), '\0');
        for (char& c : noise) c = static_cast<char>(random.next() >> 56);
        const Error error{at_key(noise, noise), noise, random.next(), Status::bad_model};
        const std::string_view line = error.what();
        REQUIRE(line.size() <= kMaxLine);
        const auto obeyed = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
        REQUIRE(std::none_of(line.begin(), line.end(), obeyed));
        REQUIRE(printable(line, 1000) == line);  // nothing left to escape
    }
}
