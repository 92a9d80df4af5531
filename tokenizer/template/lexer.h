// Template source to tokens. Knows the whitespace rules of Jinja2 with trim_blocks and lstrip_blocks set, as templates
// of published models expect them, and nothing of grammar.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace distill::jinja {

struct Position {
    std::uint32_t line = 1;
    std::uint32_t column = 1;  // in characters
};

struct Token {
    enum class Kind : std::uint8_t {
        text,         // what stands outside of tags
        print_begin,  // {{
        print_end,
        block_begin,  // {%
        block_end,
        name,
        string,  // its escapes resolved
        integer,
        real,
        op,  // brackets and punctuation as well
        end,
    };
    Kind kind;
    Position at;
    std::string text;  // text, name, string, op
    std::int64_t integer = 0;
    double real = 0;
};

// A mistake in the source.
struct SyntaxError {
    Position at;
    std::string message;
};

// Ends with a token of kind end. Throws SyntaxError.
std::vector<Token> tokenize(std::string_view source);

}  // namespace distill::jinja
