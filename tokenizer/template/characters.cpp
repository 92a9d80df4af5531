#include "tokenizer/template/characters.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

namespace distill::jinja {

namespace {

utf8proc_category_t category(char32_t c) {
    if (c == kBadChar) return UTF8PROC_CATEGORY_CN;
    return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

// Letters that become several; utf8proc maps one to one.
struct Special {
    char32_t code;
    const char* upper;
    const char* title;
};
constexpr std::array<Special, 16> kSpecials = {{{0xDF, "SS", "Ss"},
                                                {0x149, "ʼN", "ʼN"},
                                                {0x1F0, "J̌", "J̌"},
                                                {0x390, "Ϊ́", "Ϊ́"},
                                                {0x3B0, "Ϋ́", "Ϋ́"},
                                                {0x587, "ԵՒ", "Եւ"},
                                                {0x1E96, "H̱", "H̱"},
                                                {0x1E97, "T̈", "T̈"},
                                                {0x1E98, "W̊", "W̊"},
                                                {0xFB00, "FF", "Ff"},
                                                {0xFB01, "FI", "Fi"},
                                                {0xFB02, "FL", "Fl"},
                                                {0xFB03, "FFI", "Ffi"},
                                                {0xFB04, "FFL", "Ffl"},
                                                {0xFB05, "ST", "St"},
                                                {0xFB06, "ST", "St"}}};

// Position of the first match by the table of borders: for parts long enough that repeating text would make the plain
// search quadratic.
std::size_t find_long(std::string_view text, std::string_view part, std::size_t from) {
    std::vector<std::uint32_t> border(part.size(), 0);
    for (std::size_t i = 1, k = 0; i < part.size(); ++i) {
        while (k > 0 && part[i] != part[k]) k = border[k - 1];
        if (part[i] == part[k]) ++k;
        border[i] = static_cast<std::uint32_t>(k);
    }
    for (std::size_t i = from, k = 0; i < text.size(); ++i) {
        while (k > 0 && text[i] != part[k]) k = border[k - 1];
        if (text[i] == part[k]) ++k;
        if (k == part.size()) return i + 1 - k;
    }
    return std::string_view::npos;
}

constexpr std::size_t kShortPart = 32;

}  // namespace

bool is_space(char32_t c) {
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_alpha(char32_t c) {
    switch (category(c)) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
            return true;
        default:
            return false;
    }
}

bool is_decimal(char32_t c) {
    return category(c) == UTF8PROC_CATEGORY_ND;
}

bool is_numeric(char32_t c) {
    const utf8proc_category_t kind = category(c);
    return kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_NL || kind == UTF8PROC_CATEGORY_NO;
}

bool is_alnum(char32_t c) {
    return is_alpha(c) || is_numeric(c);
}

bool is_upper(char32_t c) {
    return c != kBadChar && (c < 0x80 ? c >= 'A' && c <= 'Z' : utf8proc_isupper(static_cast<utf8proc_int32_t>(c)) != 0);
}

bool is_lower(char32_t c) {
    return c != kBadChar && (c < 0x80 ? c >= 'a' && c <= 'z' : utf8proc_islower(static_cast<utf8proc_int32_t>(c)) != 0);
}

bool is_title(char32_t c) {
    return category(c) == UTF8PROC_CATEGORY_LT;
}

bool is_printable(char32_t c) {
    if (c == ' ') return true;
    switch (category(c)) {
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_CS:
        case UTF8PROC_CATEGORY_CO:
        case UTF8PROC_CATEGORY_CN:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
        case UTF8PROC_CATEGORY_ZS:
            return false;
        default:
            return true;
    }
}

void append_case(std::string& out, char32_t c, Case to) {
    if (c < 0x80) {
        const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        const bool up = to == Case::upper || to == Case::title;
        if (up && lower) c -= 0x20;
        if (!up && upper) c += 0x20;
        out += static_cast<char>(c);
        return;
    }
    if (to == Case::upper || to == Case::title) {
        const auto special =
            std::find_if(kSpecials.begin(), kSpecials.end(), [&](const Special& s) { return s.code == c; });
        if (special != kSpecials.end()) {
            out += to == Case::upper ? special->upper : special->title;
            return;
        }
    }
    if (to == Case::lower && c == 0x130) {
        out += "i̇";
        return;
    }
    if (to == Case::fold && c == 0xDF) {
        out += "ss";
        return;
    }
    const auto code = static_cast<utf8proc_int32_t>(c);
    utf8proc_int32_t mapped = code;
    if (to == Case::upper) mapped = utf8proc_toupper(code);
    if (to == Case::title) mapped = utf8proc_totitle(code);
    if (to == Case::lower || to == Case::fold) mapped = utf8proc_tolower(code);
    append_utf8(out, static_cast<char32_t>(mapped));
}

std::size_t count_chars(std::string_view text) {
    std::size_t n = 0;
    for (std::size_t at = 0; at < text.size(); at += decode_char(text, at).size) ++n;
    return n;
}

std::vector<std::size_t> char_offsets(std::string_view text) {
    std::vector<std::size_t> offsets;
    offsets.reserve(text.size() + 1);
    for (std::size_t at = 0; at < text.size(); at += decode_char(text, at).size) offsets.push_back(at);
    offsets.push_back(text.size());
    return offsets;
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::size_t find_text(std::string_view text, std::string_view part, std::size_t from) {
    return part.size() <= kShortPart ? text.find(part, from) : find_long(text, part, from);
}

std::size_t rfind_text(std::string_view text, std::string_view part) {
    if (part.size() <= kShortPart) return text.rfind(part);
    const std::string text_backwards(text.rbegin(), text.rend()), part_backwards(part.rbegin(), part.rend());
    const std::size_t at = find_long(text_backwards, part_backwards, 0);
    return at == std::string_view::npos ? at : text.size() - at - part.size();
}

}  // namespace distill::jinja
