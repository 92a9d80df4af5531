// UTF-8, character classes and NFC. utf8proc's own canonical ordering is quadratic on long runs of combining marks, so
// only its tables and its composition pass are used and the ordering is ours.
#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

namespace distill {

namespace {

constexpr bool in(char32_t c, char32_t first, char32_t last) {
    return c - first <= last - first;
}

constexpr std::array<CharClass, 128> make_ascii_classes() {
    std::array<CharClass, 128> classes{};
    for (unsigned c = 0; c < 128; ++c) {
        if (in(c | 0x20, 'a', 'z')) classes[c] = CharClass::letter;
        if (in(c, '0', '9')) classes[c] = CharClass::number;
        if (c == ' ' || in(c, 0x09, 0x0D)) classes[c] = CharClass::blank;
        if (c == '\n' || c == '\r') classes[c] = CharClass::newline;
    }
    return classes;
}
constexpr std::array<CharClass, 128> kAsciiClasses = make_ascii_classes();

// The non-ASCII characters with the property White_Space, which is what \s means in Hugging Face's engine.
constexpr bool is_wide_blank(char32_t c) {
    return c == 0x85 || c == 0xA0 || c == 0x1680 || in(c, 0x2000, 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

utf8proc_category_t category(char32_t code) {
    return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

const utf8proc_property_t& property(char32_t code) {
    return *utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
}

// Blocks met all the time whose characters neither decompose, combine nor compose with what stands before them.
constexpr bool is_plain_block(char32_t c) {
    return c < 0x300 || in(c, 0x3400, 0x9FFF) || in(c, 0xAC00, 0xD7A3) || in(c, 0x3041, 0x3096) ||
           in(c, 0x30A1, 0x30FA) || in(c, 0x3000, 0x3020) || in(c, 0xFF00, 0xFFEF) || in(c, 0x0400, 0x0482);
}

// True for a character at which a stretch of text may be cut: it never combines with or moves before an earlier one.
// Every character that does is a mark, or a vowel or final jamo (U+11A7 looks like one but is a filler).
bool starts_stretch(char32_t c) {
    if (c == kBadChar || is_plain_block(c)) return true;
    if (in(c, 0x1160, 0x11FF)) return c == 0x11A7;
    const utf8proc_category_t kind = category(c);
    return kind != UTF8PROC_CATEGORY_MN && kind != UTF8PROC_CATEGORY_MC && kind != UTF8PROC_CATEGORY_ME;
}

// True if a stretch of this one character is its own NFC.
bool is_stable_alone(char32_t c) {
    if (c == kBadChar || is_plain_block(c)) return true;
    const utf8proc_property_t& p = property(c);
    return p.decomp_seqindex == UINT16_MAX || p.decomp_type != 0;  // a type marks compatibility forms: not NFC's
}

// Sorts each run of marks by combining class, keeping the order of equals: counting sort, linear in the run.
void order_marks(std::vector<utf8proc_int32_t>& codes, std::vector<utf8proc_int32_t>& spare) {
    const auto class_at = [&](std::size_t i) {
        return static_cast<std::size_t>(property(static_cast<char32_t>(codes[i])).combining_class);
    };
    for (std::size_t begin = 0; begin < codes.size();) {
        if (class_at(begin) == 0) {
            ++begin;
            continue;
        }
        std::array<std::size_t, 257> place{};
        bool sorted = true;
        std::size_t end = begin;
        for (std::size_t last = 0; end < codes.size(); ++end) {
            const std::size_t mark = class_at(end);
            if (mark == 0) break;
            sorted = sorted && last <= mark;
            last = mark;
            ++place[mark + 1];
        }
        if (!sorted) {
            for (std::size_t c = 1; c < place.size(); ++c) place[c] += place[c - 1];
            spare.resize(end - begin);
            for (std::size_t i = begin; i < end; ++i) spare[place[class_at(i)]++] = codes[i];
            std::copy(spare.begin(), spare.end(), codes.begin() + static_cast<std::ptrdiff_t>(begin));
        }
        begin = end;
    }
}

}  // namespace

Char decode_multibyte(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(at);
    // What the second byte may be keeps out overlong forms, surrogates and codes past U+10FFFF (Unicode 15, table 3-7).
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    std::uint32_t size;
    char32_t code;
    if (in(first, 0xC2, 0xDF)) {
        size = 2;
        code = first & 0x1Fu;
    } else if (in(first, 0xE0, 0xEF)) {
        size = 3;
        code = first & 0x0Fu;
        if (first == 0xE0) low = 0xA0;
        if (first == 0xED) high = 0x9F;
    } else if (in(first, 0xF0, 0xF4)) {
        size = 4;
        code = first & 0x07u;
        if (first == 0xF0) low = 0x90;
        if (first == 0xF4) high = 0x8F;
    } else {
        return {kBadChar, 1, false};
    }
    for (std::uint32_t i = 1; i < size; ++i) {
        if (at + i >= text.size()) return {kBadChar, i, true};
        const unsigned char next = byte(at + i);
        if (next < low || next > high) return {kBadChar, i, false};
        code = code << 6 | (next & 0x3Fu);
        low = 0x80;
        high = 0xBF;
    }
    return {code, size, false};
}

void append_utf8(std::string& out, char32_t code) {
    const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6);
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3F));
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

CharClass class_of(char32_t code) {
    if (code < 128) return kAsciiClasses[code];
    if (code == kBadChar) return CharClass::other;
    if (in(code, 0x4E00, 0x9FFF) || in(code, 0xAC00, 0xD7A3) || in(code, 0x3041, 0x3096)) return CharClass::letter;
    if (is_wide_blank(code)) return CharClass::blank;
    switch (category(code)) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
            return CharClass::letter;
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO:
            return CharClass::number;
        default:
            return CharClass::other;
    }
}

bool is_punctuation(char32_t code) {
    if (code == kBadChar) return false;
    const utf8proc_category_t kind = category(code);
    return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO;
}

bool is_cased_letter(char32_t code) {
    if (code == kBadChar) return false;
    const utf8proc_category_t kind = category(code);
    return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL || kind == UTF8PROC_CATEGORY_LT;
}

std::string_view to_nfc(std::string_view text, std::string& buffer) {
    buffer.clear();
    std::vector<utf8proc_int32_t> codes;
    std::vector<utf8proc_int32_t> spare;
    std::size_t copied = 0;  // text[0, copied) is in the buffer
    std::size_t last = 0;    // where the latest stretch starts
    for (std::size_t at = 0; at < text.size();) {
        const Char c = decode_char(text, at);
        const bool starts = starts_stretch(c.code);
        if (starts && is_stable_alone(c.code)) {
            last = at;
            at += c.size;
            continue;
        }
        // A mark joins the character before it, unless that was no UTF-8.
        std::size_t begin = starts ? at : last;
        if (!starts && decode_char(text, begin).code == kBadChar) begin = at;
        codes.clear();
        for (at = begin; at < text.size();) {
            const Char next = decode_char(text, at);
            if (at != begin && starts_stretch(next.code)) break;
            std::array<utf8proc_int32_t, 8> parts;  // no canonical decomposition has more than four
            int boundary = UTF8PROC_BOUNDCLASS_START;
            const utf8proc_ssize_t n = utf8proc_decompose_char(
                static_cast<utf8proc_int32_t>(next.code), parts.data(), static_cast<utf8proc_ssize_t>(parts.size()),
                static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE), &boundary);
            assert(n > 0 && n <= static_cast<utf8proc_ssize_t>(parts.size()));
            codes.insert(codes.end(), parts.begin(), parts.begin() + n);
            at += next.size;
        }
        order_marks(codes, spare);
        const utf8proc_ssize_t n =
            utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
                                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
        assert(n > 0 && n <= static_cast<utf8proc_ssize_t>(codes.size()));
        buffer.append(text.substr(copied, begin - copied));
        for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
            append_utf8(buffer, static_cast<char32_t>(codes[i]));
        copied = at;
        last = at;  // the next character starts a stretch
    }
    if (copied == 0) return text;
    buffer.append(text.substr(copied));
    return buffer;
}

}  // namespace distill
