#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <cstdlib>

#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"

namespace distill::test {
namespace {

std::string nfc(std::string_view text) {
    std::string buffer;
    return std::string(to_nfc(text, buffer));
}

std::string of(std::initializer_list<char32_t> codes) {
    std::string out;
    for (const char32_t code : codes) append_utf8(out, code);
    return out;
}

TEST_CASE("every character survives writing and reading", "[tokenizer]") {
    for (char32_t code = 0; code < 0x110000; ++code) {
        if (code >= 0xD800 && code < 0xE000) continue;
        std::string text;
        append_utf8(text, code);
        const Char c = decode_char(text, 0);
        if (c.code == code && c.size == text.size() && !c.cut) continue;
        INFO(static_cast<unsigned>(code));
        REQUIRE(c.code == code);
        REQUIRE(c.size == text.size());
    }
}

TEST_CASE("ill-formed bytes are taken in maximal parts", "[tokenizer][hostile]") {
    struct Row {
        const char* what;
        std::string_view bytes;
        std::uint32_t size;
        bool cut;
    };
    const Row rows[] = {
        {"lone continuation", "\x80z", 1, false},
        {"C0 is never a start", "\xC0\x80", 1, false},
        {"C1 is never a start", "\xC1\xBF", 1, false},
        {"overlong in three bytes", "\xE0\x9F\xBF", 1, false},
        {"surrogate", "\xED\xA0\x80", 1, false},
        {"overlong in four bytes", "\xF0\x8F\xBF\xBF", 1, false},
        {"past U+10FFFF", "\xF4\x90\x80\x80", 1, false},
        {"F5 is never a start", "\xF5\x80\x80\x80", 1, false},
        {"two of three, then a letter", "\xE2\x96z", 2, false},
        {"three of four, then a start", "\xF0\x9F\x98\xF0", 3, false},
        {"ends after one of two", "\xC3", 1, true},
        {"ends after two of three", "\xE2\x96", 2, true},
        {"ends after three of four", "\xF0\x9F\x98", 3, true},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        const Char c = decode_char(row.bytes, 0);
        CHECK(c.code == kBadChar);
        CHECK(c.size == row.size);
        CHECK(c.cut == row.cut);
    }
}

TEST_CASE("classes are those of the published expressions", "[tokenizer]") {
    CHECK(class_of('a') == CharClass::letter);
    CHECK(class_of(U'é') == CharClass::letter);
    CHECK(class_of(U'中') == CharClass::letter);
    CHECK(class_of(U'ª') == CharClass::letter);
    CHECK(class_of('7') == CharClass::number);
    CHECK(class_of(U'½') == CharClass::number);
    CHECK(class_of(U'Ⅳ') == CharClass::number);
    CHECK(class_of(U'٣') == CharClass::number);
    CHECK(class_of('\v') == CharClass::blank);
    CHECK(class_of(U'\u00A0') == CharClass::blank);
    CHECK(class_of(U'\u3000') == CharClass::blank);
    CHECK(class_of(U'\u2028') == CharClass::blank);
    CHECK(class_of('\r') == CharClass::newline);
    CHECK(class_of(0x1C) == CharClass::other);    // a separator, but not White_Space
    CHECK(class_of(0x200B) == CharClass::other);  // zero width space is none
    CHECK(class_of(0x0301) == CharClass::other);  // marks are no letters
    CHECK(class_of(0x1F642) == CharClass::other);
    CHECK(class_of(kBadChar) == CharClass::other);
}

TEST_CASE("NFC composes, orders and leaves the rest alone", "[tokenizer]") {
    struct Row {
        const char* what;
        std::string in, out;
    };
    const Row rows[] = {
        {"ASCII", "plain text\n", "plain text\n"},
        {"composes", of({'e', 0x301}), of({0xE9})},
        {"only the last letter takes part", of({'x', 'e', 0x301, 'y'}), of({'x', 0xE9, 'y'})},
        {"singleton", of({0x212B}), of({0xC5})},
        {"compatibility forms stay", of({0xFB01, 0x2460}), of({0xFB01, 0x2460})},
        {"composition exclusion", of({0x958}), of({0x915, 0x93C})},
        {"orders marks", of({'a', 0x315, 0x300, 0x5AE, 'b'}), of({0xE0, 0x5AE, 0x315, 'b'})},
        {"a mark of the same class blocks", of({'a', 0x304, 0x308}), of({0x101, 0x308})},
        {"Hangul LV", of({0x1100, 0x1161}), of({0xAC00})},
        {"Hangul LVT", of({0x1100, 0x1161, 0x11A8}), of({0xAC01})},
        {"Hangul syllable and final", of({0xAC00, 0x11A8}), of({0xAC01})},
        {"U+11A7 is no final", of({0xAC00, 0x11A7}), of({0xAC00, 0x11A7})},
        {"marks without a letter", of({0x301, 0x327}), of({0x327, 0x301})},
        {"a mark that is two", of({0x344}), of({0x308, 0x301})},
        {"CJK compatibility ideograph", of({0xF900}), of({0x8C48})},
        {"spacing marks compose", of({0x9C7, 0x9BE}), of({0x9CB})},
        {"bytes that are no UTF-8 stay", "\xFF\xCC\x81\xE2\x96", "\xFF\xCC\x81\xE2\x96"},
        {"kana with voiced mark", of({0x304B, 0x3099}), of({0x304C})},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        CHECK(nfc(row.in) == row.out);
        CHECK(nfc(row.out) == row.out);
    }
}

TEST_CASE("NFC agrees with utf8proc's own on short random text", "[tokenizer]") {
    // Letters and marks that meet, from blocks with every kind of composition; not U+11A7, which utf8proc swallows.
    const char32_t pool[] = {'a',   'e',   'o',   0x300,  0x301,  0x302,  0x304,  0x308,  0x30A,  0x315,   0x323,
                             0x327, 0x338, 0x345, 0x3B1,  0x1F00, 0x1100, 0x1161, 0x11A8, 0xAC00, 0x304B,  0x3099,
                             0x915, 0x93C, 0x9C7, 0x9BE,  0x9D7,  0x5AE,  0x1E9B, 0x212B, 0xF900, 0x1D15E, 0x4E00,
                             'z',   ' ',   0xE9,  0x1EBF, 0x0F73, 0x6D4,  0x622,  0x627,  0x653,  0x654};
    Random random{7};
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        for (std::uint64_t n = 1 + random.below(12); n > 0; --n) append_utf8(text, pool[random.below(std::size(pool))]);
        utf8proc_uint8_t* raw = utf8proc_NFC(reinterpret_cast<const utf8proc_uint8_t*>(text.c_str()));
        const std::string expected = reinterpret_cast<const char*>(raw);
        std::free(raw);
        if (nfc(text) == expected) continue;
        INFO(text);
        REQUIRE(nfc(text) == expected);
    }
}

}  // namespace
}  // namespace distill::test
