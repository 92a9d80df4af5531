// What the tokenizers need of Unicode: reading UTF-8 that may be broken, the character classes that pre-tokenizers
// split by, and normalisation form C in linear time. Tables come from utf8proc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace distill {

inline constexpr char32_t kBadChar = 0xFFFFFFFF;

struct Char {
    char32_t code;       // kBadChar if the bytes are no character
    std::uint32_t size;  // bytes it takes; for a bad one, of the maximal ill-formed part (1 to 3)
    bool cut;            // bad only because the text ends inside it
};

Char decode_multibyte(std::string_view text, std::size_t at);

// The character at text[at]; at < text.size().
inline Char decode_char(std::string_view text, std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    if (first < 0x80) return {first, 1, false};
    return decode_multibyte(text, at);
}

void append_utf8(std::string& out, char32_t code);

// The classes of the published split expressions: \p{L}, \p{N}, \s without and with \r \n, and all the rest.
enum class CharClass : std::uint8_t { other, letter, number, blank, newline };
CharClass class_of(char32_t code);

inline bool is_blank(CharClass c) {
    return c == CharClass::blank || c == CharClass::newline;
}

bool is_punctuation(char32_t code);   // \p{P}
bool is_cased_letter(char32_t code);  // Lu, Ll, Lt

// The text in NFC. Gives `text` itself where nothing changes, else a view of `buffer`. Bytes that are no UTF-8 stay.
std::string_view to_nfc(std::string_view text, std::string& buffer);

}  // namespace distill
