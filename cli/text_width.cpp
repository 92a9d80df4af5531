#include "cli/text_width.h"

#include <utf8proc.h>

#include <algorithm>

#include "tokenizer/unicode.h"

namespace distill {

namespace {

constexpr char32_t kEmojiStyle = 0xFE0F;  // "show the character before me as an emoji"
constexpr char32_t kKeycap = 0x20E3;
constexpr char32_t kReplacement = 0xFFFD;

bool between(char32_t code, char32_t low, char32_t high) {
    return code >= low && code <= high;
}

bool is_control(char32_t code) {
    return code < 0x20 || between(code, 0x7F, 0x9F);
}

const utf8proc_property_t& property(char32_t code) {
    return *utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
}

bool is_pictograph(char32_t code) {
    return property(code).boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

bool is_flag_letter(char32_t code) {
    return property(code).boundclass == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR;
}

// One code point by itself. utf8proc's table differs from what terminals do in three places.
int code_width(char32_t code) {
    // Vowels and finals of Hangul written in parts fall into the syllable's first part.
    if (between(code, 0x1160, 0x11FF) || between(code, 0xD7B0, 0xD7FF)) return 0;
    if (between(code, 0x4DC0, 0x4DFF)) return 2;                    // hexagrams, wide since Unicode 16
    if (property(code).category == UTF8PROC_CATEGORY_MC) return 1;  // vowel signs that stand beside their letter
    return utf8proc_charwidth(static_cast<utf8proc_int32_t>(code));
}

}  // namespace

Cluster cluster_at(std::string_view text, std::size_t at) {
    const Char first = decode_char(text, at);
    if (first.code == kBadChar) return {first.size, 1};
    if (is_control(first.code)) return {first.size, 0};
    std::size_t size = first.size;
    int width = code_width(first.code);
    // An emoji of several code points is drawn as one; other clusters take the room of their parts.
    const bool pictograph = is_pictograph(first.code), flag = is_flag_letter(first.code);
    bool emoji_style = false, keycap = false;
    utf8proc_int32_t state = 0;
    char32_t last = first.code;
    while (at + size < text.size()) {
        const Char next = decode_char(text, at + size);
        if (next.code == kBadChar || is_control(next.code)) break;
        if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last),
                                             static_cast<utf8proc_int32_t>(next.code), &state)) {
            break;
        }
        if (!pictograph && !flag) width += code_width(next.code);
        if (flag && is_flag_letter(next.code)) width = 2;
        emoji_style = emoji_style || next.code == kEmojiStyle;
        keycap = keycap || next.code == kKeycap;
        size += next.size;
        last = next.code;
    }
    if (emoji_style && (pictograph || keycap)) width = 2;
    return {size, width};
}

std::size_t cluster_before(std::string_view text, std::size_t at) {
    if (text[at - 1] == '\n') return at - 1;
    const std::size_t newline = text.rfind('\n', at - 1);
    std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    for (;;) {
        const std::size_t next = begin + cluster_at(text, begin).size;
        if (next >= at) return begin;
        begin = next;
    }
}

int text_width(std::string_view text) {
    int width = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Cluster cluster = cluster_at(text, at);
        width += cluster.width;
        at += cluster.size;
    }
    return width;
}

std::string clean_text(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
        const Char c = decode_char(bytes, at);
        if (c.code == kBadChar) {
            append_utf8(text, kReplacement);
        } else if (c.code == '\r') {
            if (at + 1 >= bytes.size() || bytes[at + 1] != '\n') text += '\n';
        } else if (!is_control(c.code) || c.code == '\n' || c.code == '\t') {
            text.append(bytes, at, c.size);
        }
        at += c.size;
    }
    return text;
}

}  // namespace distill
