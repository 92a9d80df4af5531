// Characters as Python's str methods class and map them. Bytes that are no UTF-8 are characters of no class.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/unicode.h"

namespace distill::jinja {

bool is_space(char32_t c);  // str.isspace, and \s
bool is_alpha(char32_t c);
bool is_decimal(char32_t c);
bool is_numeric(char32_t c);
bool is_alnum(char32_t c);
bool is_upper(char32_t c);
bool is_lower(char32_t c);
bool is_title(char32_t c);      // letters such as U+01C5
bool is_printable(char32_t c);  // repr() shows it as it is

// What the character becomes; most give one character, some several.
enum class Case { upper, lower, title, fold };
void append_case(std::string& out, char32_t c, Case to);

// Number of characters.
std::size_t count_chars(std::string_view text);
// Byte offset of each character and of the end.
std::vector<std::size_t> char_offsets(std::string_view text);
bool is_ascii(std::string_view text);

// Position of the first `part` at or after `from`, npos if there is none. Linear, whatever the texts are.
std::size_t find_text(std::string_view text, std::string_view part, std::size_t from = 0);
std::size_t rfind_text(std::string_view text, std::string_view part);

}  // namespace distill::jinja
