#include "tokenizer/utf8_stream.h"

#include <string>

#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"
#include "tokenizer/unicode.h"

namespace distill::test {
namespace {

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const Char c = decode_char(text, at);
        if (c.code == kBadChar) return false;
        at += c.size;
    }
    return true;
}

TEST_CASE("each split of whole text gives the text back, whole characters only", "[tokenizer]") {
    const std::string text = "aé中🙂 z\xEF\xBF\xBD";
    for (std::size_t first = 0; first <= text.size(); ++first) {
        for (std::size_t second = first; second <= text.size(); ++second) {
            Utf8Stream stream;
            std::string out;
            for (const std::string& part :
                 {text.substr(0, first), text.substr(first, second - first), text.substr(second)}) {
                const std::string flushed = stream.push(part);
                REQUIRE(is_utf8(flushed));
                out += flushed;
            }
            out += stream.finish();
            REQUIRE(out == text);
        }
    }
}

TEST_CASE("what can never become a character turns into U+FFFD at once", "[tokenizer][hostile]") {
    const auto all = [](std::string_view bytes) {
        Utf8Stream stream;
        const std::string out = stream.push(bytes);
        return out + "|" + stream.finish();
    };
    CHECK(all("a\x80"
              "b") == "a\uFFFDb|");
    CHECK(all("\xE2\x96z") == "\uFFFDz|");                // one for the maximal part
    CHECK(all("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD|");  // a surrogate: three parts
    CHECK(all("\xF0\x9F\x98") == "|\uFFFD");              // held back to the end
    CHECK(all("\xF0\x9F\x98\xF0\x9F\x98\x80") == "\uFFFD😀|");
    CHECK(all("") == "|");
    // Unicode 15, table 3-8.
    CHECK(all("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64") == "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd|");
}

TEST_CASE("random bytes stream like the whole", "[tokenizer][hostile]") {
    Random random{3};
    const std::string_view starts = "\xE2\x96\x81\xF0\x9F\x98\x80\xC3\xA9za\xED\xFF";
    for (int round = 0; round < 5000; ++round) {
        std::string bytes;
        for (std::uint64_t n = random.below(20); n > 0; --n) bytes += starts[random.below(starts.size())];
        Utf8Stream whole;
        std::string expected = whole.push(bytes);
        expected += whole.finish();
        REQUIRE(is_utf8(expected));
        Utf8Stream stream;
        std::string out;
        for (const char byte : bytes) out += stream.push({&byte, 1});
        out += stream.finish();
        REQUIRE(out == expected);
    }
}

}  // namespace
}  // namespace distill::test
