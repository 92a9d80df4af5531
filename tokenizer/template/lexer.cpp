#include "tokenizer/template/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "engine/error.h"
#include "tokenizer/template/budget.h"
#include "tokenizer/template/characters.h"

namespace distill::jinja {

namespace {

// Line ends become \n, and one at the very end goes, as in Jinja2.
std::string normalised(std::string_view source) {
    std::string out;
    out.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i] == '\r') {
            out += '\n';
            if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
        } else {
            out += source[i];
        }
    }
    if (out.ends_with('\n')) out.pop_back();
    return out;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

class Lexer {
  public:
    explicit Lexer(std::string_view source) : source_(normalised(source)) {}
    std::vector<Token> run();

  private:
    [[noreturn]] void fail(std::size_t at, std::string message) { throw SyntaxError{position(at), std::move(message)}; }

    // Offsets are asked for in rising order (but for mistakes), so that the whole text is walked once.
    Position position(std::size_t at) {
        if (at < walked_) {
            walked_ = 0;
            here_ = {};
        }
        while (walked_ < at) {
            const Char c = decode_char(source_, walked_);
            if (c.code == '\n') {
                ++here_.line;
                here_.column = 1;
            } else {
                ++here_.column;
            }
            walked_ += c.size;
        }
        return here_;
    }

    bool at(std::string_view part, std::size_t where) const {
        return std::string_view(source_).substr(std::min(where, source_.size())).starts_with(part);
    }
    std::size_t skip_space(std::size_t where) const {
        while (where < source_.size()) {
            const Char c = decode_char(source_, where);
            if (!is_space(c.code)) break;
            where += c.size;
        }
        return where;
    }
    void add(Token::Kind kind, std::size_t where, std::string text = {}) {
        tokens_.push_back({kind, position(where), std::move(text), 0, 0});
    }

    // Text before a tag whose sign is '-', '+' or 0.
    void add_text(std::size_t from, std::size_t to, char sign, bool may_lstrip);
    // Past the end of a tag that closes with `end`, 0 if it does not close here: "-" eats all space behind it, "+" and
    // nothing at all keep it, but a block's end takes one newline with it.
    std::size_t close(std::string_view end, std::size_t where, bool block) const;
    // Past "{% raw %}" if one begins here, else 0.
    std::size_t raw_begin(std::size_t where, char& sign) const;
    void raw(std::size_t where);
    void comment(std::size_t where, std::size_t begin);
    void tag(std::size_t where, bool block);
    void number();
    void string();
    void name();
    void op();

    std::string source_;
    std::size_t pos_ = 0;
    bool line_starts_ = true;  // what was read last ended with a newline
    std::string brackets_;     // that wait for their ends, as those ends
    std::vector<Token> tokens_;
    std::size_t walked_ = 0;
    Position here_;
};

void Lexer::add_text(std::size_t from, std::size_t to, char sign, bool may_lstrip) {
    std::string_view text = std::string_view(source_).substr(from, to - from);
    if (sign == '-') {
        std::size_t keep = 0;
        for (std::size_t i = 0; i < text.size();) {
            const Char c = decode_char(text, i);
            i += c.size;
            if (!is_space(c.code)) keep = i;
        }
        text = text.substr(0, keep);
    } else if (sign != '+' && may_lstrip) {
        const std::size_t line = text.rfind('\n') + 1;  // npos + 1 = 0
        if ((line > 0 || line_starts_) && line < text.size() && skip_space(from + line) >= to)
            text = text.substr(0, line);
    }
    if (!text.empty()) add(Token::Kind::text, from, std::string(text));
}

std::size_t Lexer::close(std::string_view end, std::size_t where, bool block) const {
    if (block && at("+", where) && at(end, where + 1)) return where + 1 + end.size();
    if (at("-", where) && at(end, where + 1)) return skip_space(where + 1 + end.size());
    if (!at(end, where)) return 0;
    where += end.size();
    return block && at("\n", where) ? where + 1 : where;
}

std::size_t Lexer::raw_begin(std::size_t where, char& sign) const {
    where += 2;
    sign = at("-", where) || at("+", where) ? source_[where] : '\0';
    where = skip_space(where + (sign != '\0' ? 1 : 0));
    if (!at("raw", where)) return 0;
    where = skip_space(where + 3);
    if (at("-%}", where)) return skip_space(where + 3);
    return at("%}", where) ? where + 2 : 0;
}

void Lexer::raw(std::size_t begin) {
    for (std::size_t open = source_.find("{%", pos_); open != std::string::npos; open = source_.find("{%", open + 1)) {
        std::size_t where = open + 2;
        const char sign = at("-", where) || at("+", where) ? source_[where] : '\0';
        where = skip_space(where + (sign != '\0' ? 1 : 0));
        if (!at("endraw", where)) continue;
        where = skip_space(where + 6);
        const std::size_t end = close("%}", where, true);
        if (end == 0) continue;
        add_text(pos_, open, sign, true);
        pos_ = end;
        return;
    }
    if (pos_ < source_.size()) fail(begin, "missing end of raw directive");  // with nothing in it, it may stay open
}

void Lexer::comment(std::size_t begin, std::size_t text) {
    const std::size_t hash = source_.find("#}", text);
    if (hash == std::string::npos) {
        if (text < source_.size()) fail(begin, "missing end of comment tag");
        pos_ = text;
        return;
    }
    const bool signed_end = hash > text && (source_[hash - 1] == '-' || source_[hash - 1] == '+');
    pos_ = close("#}", signed_end ? hash - 1 : hash, true);
}

void Lexer::number() {
    // A float needs digits on both sides of its point, or an exponent; underscores may stand between digits.
    const std::size_t begin = pos_;
    const auto digits = [&](std::size_t i) {  // past \d+(_\d+)*, or i
        if (i >= source_.size() || !is_digit(source_[i])) return i;
        while (i < source_.size() &&
               (is_digit(source_[i]) || (source_[i] == '_' && i + 1 < source_.size() && is_digit(source_[i + 1])))) {
            ++i;
        }
        return i;
    };
    const auto letter = [&](std::size_t i) { return i < source_.size() ? source_[i] | 0x20 : 0; };
    const std::size_t whole = digits(begin);
    std::size_t end = whole;
    bool is_float = false;
    if (begin == 0 || source_[begin - 1] != '.') {
        if (end < source_.size() && source_[end] == '.' && digits(end + 1) > end + 1) {
            end = digits(end + 1);
            is_float = true;
        }
        if (letter(end) == 'e') {
            const std::size_t sign =
                end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-') ? 1 : 0;
            if (digits(end + 1 + sign) > end + 1 + sign) {
                end = digits(end + 1 + sign);
                is_float = true;
            }
        }
    }
    Token token{Token::Kind::integer, position(begin), {}, 0, 0};
    std::string text;
    int base = 10;
    if (is_float) {
        token.kind = Token::Kind::real;
    } else if (source_[begin] == '0' &&
               (letter(begin + 1) == 'x' || letter(begin + 1) == 'o' || letter(begin + 1) == 'b')) {
        base = letter(begin + 1) == 'x' ? 16 : letter(begin + 1) == 'o' ? 8 : 2;
        const auto is_in_base = [&](std::size_t i) {
            const int digit = i < source_.size() ? hex_digit(source_[i]) : -1;
            return digit >= 0 && digit < base;
        };
        end = begin + 2;
        while (is_in_base(end) || (end < source_.size() && source_[end] == '_' && is_in_base(end + 1))) ++end;
        if (end == begin + 2) {
            end = begin + 1;  // a zero, then a name
            base = 10;
        }
    } else if (source_[begin] == '0') {
        end = begin + 1;  // 007 is three zeros and a seven, which the parser refuses
        while (end < whole &&
               (source_[end] == '0' || (source_[end] == '_' && end + 1 < whole && source_[end + 1] == '0')))
            ++end;
    }
    for (std::size_t i = base == 10 ? begin : begin + 2; i < end; ++i) {
        if (source_[i] != '_') text += source_[i];
    }
    if (is_float) {
        if (std::from_chars(text.data(), text.data() + text.size(), token.real).ec != std::errc()) {
            token.real = text.find("e-") != std::string::npos || text.find("E-") != std::string::npos ? 0 : HUGE_VAL;
        }
    } else if (std::from_chars(text.data(), text.data() + text.size(), token.integer, base).ec != std::errc()) {
        fail(begin, fmt::format("the integer {} does not fit 64 bits", printable(text, 40)));
    }
    tokens_.push_back(std::move(token));
    pos_ = end;
}

void Lexer::string() {
    const std::size_t begin = pos_;
    const char quote = source_[begin];
    std::size_t end = begin + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2u : 1u;
    if (end >= source_.size()) fail(begin, "a string is not closed");
    std::string out;
    for (std::size_t i = begin + 1; i < end;) {
        if (source_[i] != '\\') {
            out += source_[i++];
            continue;
        }
        const std::size_t escape = i++;
        const Char c = decode_char(source_, i);
        i += c.size;
        const auto hex = [&](int n) {
            char32_t code = 0;
            for (int k = 0; k < n; ++k, ++i) {
                const int digit = i < end ? hex_digit(source_[i]) : -1;
                if (digit < 0) fail(escape, "a truncated escape in a string");
                code = code * 16 + static_cast<char32_t>(digit);
            }
            if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) fail(escape, "an escape names no character");
            append_utf8(out, code);
        };
        switch (c.code) {
            case '\n':
                break;
            case '\\':
                out += '\\';
                break;
            case '\'':
                out += '\'';
                break;
            case '"':
                out += '"';
                break;
            case 'a':
                out += '\a';
                break;
            case 'b':
                out += '\b';
                break;
            case 'f':
                out += '\f';
                break;
            case 'n':
                out += '\n';
                break;
            case 'r':
                out += '\r';
                break;
            case 't':
                out += '\t';
                break;
            case 'v':
                out += '\v';
                break;
            case 'x':
                hex(2);
                break;
            case 'u':
                hex(4);
                break;
            case 'U':
                hex(8);
                break;
            case 'N':
                fail(escape, "character names (\\N) are not supported");
            default:
                if (c.code >= '0' && c.code <= '7') {
                    char32_t code = c.code - '0';
                    for (int k = 0; k < 2 && i < end && source_[i] >= '0' && source_[i] <= '7'; ++k, ++i) {
                        code = code * 8 + static_cast<char32_t>(source_[i] - '0');
                    }
                    append_utf8(out, code);
                } else if (c.code < 0x80 || c.code == kBadChar) {
                    out += '\\';
                    out.append(source_, i - c.size, c.size);
                } else {
                    // Jinja2 writes such a character as an escape first, and that escape's backslash pairs with ours.
                    out += c.code < 0x100     ? fmt::format("\\x{:02x}", static_cast<unsigned>(c.code))
                           : c.code < 0x10000 ? fmt::format("\\u{:04x}", static_cast<unsigned>(c.code))
                                              : fmt::format("\\U{:08x}", static_cast<unsigned>(c.code));
                }
        }
    }
    add(Token::Kind::string, begin, std::move(out));
    pos_ = end + 1;
}

void Lexer::name() {
    const std::size_t begin = pos_;
    while (pos_ < source_.size()) {
        const Char c = decode_char(source_, pos_);
        if (c.code != '_' && !is_alnum(c.code)) break;
        pos_ += c.size;
    }
    const Char first = decode_char(source_, begin);
    if (first.code != '_' && !is_alpha(first.code)) fail(begin, "invalid character in identifier");
    add(Token::Kind::name, begin, source_.substr(begin, pos_ - begin));
}

void Lexer::op() {
    static constexpr std::array<std::string_view, 6> kTwo = {"//", "**", "==", "!=", ">=", "<="};
    const std::size_t begin = pos_;
    std::string text = source_.substr(begin, 1);
    for (const std::string_view two : kTwo) {
        if (at(two, begin)) text = two;
    }
    const char c = text[0];
    if (text.size() == 1 && std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string_view::npos) {
        const Char bad = decode_char(source_, begin);
        fail(begin, fmt::format("unexpected character '{}'", printable(source_.substr(begin, bad.size), 8)));
    }
    if (c == '{' || c == '(' || c == '[') {
        if (brackets_.size() >= static_cast<std::size_t>(kMaxNesting)) fail(begin, "brackets are nested too deep");
        brackets_ += c == '{' ? '}' : c == '(' ? ')' : ']';
    } else if (c == '}' || c == ')' || c == ']') {
        if (brackets_.empty()) fail(begin, fmt::format("unexpected '{}'", c));
        if (brackets_.back() != c) fail(begin, fmt::format("unexpected '{}', expected '{}'", c, brackets_.back()));
        brackets_.pop_back();
    }
    pos_ = begin + text.size();
    add(Token::Kind::op, begin, std::move(text));
}

void Lexer::tag(std::size_t begin, bool block) {
    add(block ? Token::Kind::block_begin : Token::Kind::print_begin, begin);
    const std::string_view end = block ? "%}" : "}}";
    for (;;) {
        pos_ = skip_space(pos_);
        if (pos_ >= source_.size()) fail(begin, fmt::format("the tag is not closed, expected '{}'", end));
        if (brackets_.empty()) {
            if (const std::size_t past = close(end, pos_, block); past != 0) {
                add(block ? Token::Kind::block_end : Token::Kind::print_end, pos_);
                pos_ = past;
                return;
            }
        }
        const Char c = decode_char(source_, pos_);
        if (c.code < 0x80 && is_digit(static_cast<char>(c.code))) {
            number();
        } else if (c.code == '_' || is_alnum(c.code)) {
            name();
        } else if (c.code == '\'' || c.code == '"') {
            string();
        } else {
            op();
        }
    }
}

std::vector<Token> Lexer::run() {
    for (;;) {
        std::size_t open = pos_;
        do {
            open = source_.find('{', open);
        } while (open != std::string::npos && !at("{{", open) && !at("{%", open) && !at("{#", open) && ++open);
        if (open == std::string::npos) break;
        char sign = at("-", open + 2) || at("+", open + 2) ? source_[open + 2] : '\0';
        const std::size_t past = at("{%", open) ? raw_begin(open, sign) : 0;
        add_text(pos_, open, sign, source_[open + 1] != '{');
        if (past != 0) {
            pos_ = past;
            line_starts_ = source_[pos_ - 1] == '\n';
            raw(open);
        } else if (source_[open + 1] == '#') {
            comment(open, open + 2 + (sign != '\0' ? 1 : 0));
        } else {
            pos_ = open + 2 + (sign != '\0' ? 1 : 0);
            tag(open, source_[open + 1] == '%');
        }
        line_starts_ = pos_ > 0 && source_[pos_ - 1] == '\n';
    }
    if (pos_ < source_.size()) add(Token::Kind::text, pos_, source_.substr(pos_));
    add(Token::Kind::end, source_.size());
    return std::move(tokens_);
}

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
    return Lexer(source).run();
}

}  // namespace distill::jinja
