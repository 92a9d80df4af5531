// See the header. Each function quotes the expression it stands for; alternatives are tried in order at each place, as
// a backtracking engine would, but each decides by looking at most one character past what it takes.
#include "tokenizer/pretokenize.h"

#include "tokenizer/unicode.h"

namespace distill {

namespace {

using Ends = std::vector<std::uint32_t>;

void put(Ends& ends, std::size_t end) {
    ends.push_back(static_cast<std::uint32_t>(end));
}

struct Peek {
    CharClass kind = CharClass::newline;  // at the end of the text: a class that no word continues with
    std::size_t end = 0;                  // behind the character
    bool there = false;
};

Peek peek(std::string_view text, std::size_t at) {
    if (at >= text.size()) return {CharClass::newline, at, false};
    const Char c = decode_char(text, at);
    return {class_of(c.code), at + c.size, true};
}

// Past all characters of one class.
std::size_t skip(std::string_view text, std::size_t at, CharClass kind) {
    while (at < text.size()) {
        const Char c = decode_char(text, at);
        if (class_of(c.code) != kind) break;
        at += c.size;
    }
    return at;
}

// 's|'t|'re|'ve|'m|'ll|'d after the apostrophe at text[at]: where it ends, or 0. Without regard to case the long s
// (U+017F) folds to s as well.
std::size_t contraction(std::string_view text, std::size_t at, bool any_case) {
    const auto letter = [&](std::size_t i) -> char {
        if (i >= text.size()) return 0;
        const char c = text[i];
        return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    const char first = letter(at + 1);
    const char second = letter(at + 2);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
    if ((first == 'r' || first == 'v') && second == 'e') return at + 3;
    if (first == 'l' && second == 'l') return at + 3;
    if (any_case && text.substr(at + 1, 2) == "\xC5\xBF") return at + 3;
    return 0;
}

// \s+(?!\S)|\s+ from a blank at text[at]: a run gives its last blank to the word behind it, unless it is alone.
std::size_t blanks(std::string_view text, std::size_t at, std::size_t* after_newline) {
    std::size_t last = at;
    std::size_t end = at;
    for (Peek p = peek(text, at); p.there && is_blank(p.kind); p = peek(text, end)) {
        last = end;
        end = p.end;
        if (p.kind == CharClass::newline && after_newline != nullptr) *after_newline = end;
    }
    return end == text.size() || last == at ? end : last;
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
void split_gpt2(Ends& ends, std::string_view text) {
    for (std::size_t at = 0; at < text.size(); put(ends, at)) {
        if (text[at] == '\'') {
            if (const std::size_t end = contraction(text, at, false); end != 0) {
                at = end;
                continue;
            }
        }
        const Peek first = peek(text, at);
        const Peek word = text[at] == ' ' ? peek(text, first.end) : first;
        if (word.there && !is_blank(word.kind)) {
            at = skip(text, word.end, word.kind);
        } else {
            at = blanks(text, at, nullptr);
        }
    }
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max_digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
// \s+(?!\S)|\s+
void split_modern(Ends& ends, std::string_view text, int max_digits) {
    for (std::size_t at = 0; at < text.size(); put(ends, at)) {
        if (text[at] == '\'') {
            if (const std::size_t end = contraction(text, at, true); end != 0) {
                at = end;
                continue;
            }
        }
        const Peek first = peek(text, at);
        if (first.kind == CharClass::letter) {
            at = skip(text, first.end, CharClass::letter);
            continue;
        }
        if (first.kind == CharClass::number) {
            at = first.end;
            for (int digits = 1; digits < max_digits; ++digits) {
                const Peek next = peek(text, at);
                if (!next.there || next.kind != CharClass::number) break;
                at = next.end;
            }
            continue;
        }
        const Peek next = peek(text, first.end);
        if (next.kind == CharClass::letter && first.kind != CharClass::newline) {
            at = skip(text, next.end, CharClass::letter);
            continue;
        }
        const bool blank_then_signs = text[at] == ' ' && next.there && next.kind == CharClass::other;
        if (first.kind == CharClass::other || blank_then_signs) {
            at = skip(text, first.end, CharClass::other);
            while (at < text.size() && (text[at] == '\r' || text[at] == '\n')) ++at;
            continue;
        }
        std::size_t after_newline = 0;
        const std::size_t end = blanks(text, at, &after_newline);
        at = after_newline != 0 ? after_newline : end;  // \s*[\r\n]+ gives back what follows the last line end
    }
}

// One step of a cascade: every match of `match` becomes a word of its own, and so does what lies between two matches.
// match(text, at) gives the end of a match that starts at `at`, or `at`; text is one word of the step before.
template <class Match>
void refine(Ends& ends, std::string_view text, const Match& match) {
    Ends finer;
    finer.reserve(ends.size());
    std::size_t begin = 0;
    for (const std::uint32_t end : ends) {
        const std::string_view word = text.substr(begin, end - begin);
        std::size_t gap = 0;
        for (std::size_t at = 0; at < word.size();) {
            const std::size_t match_end = match(word, at);
            if (match_end == at) {
                at += decode_char(word, at).size;
                continue;
            }
            if (gap < at) put(finer, begin + at);
            put(finer, begin + match_end);
            gap = at = match_end;
        }
        if (gap < word.size()) put(finer, end);
        begin = end;
    }
    ends.swap(finer);
}

// Matches `\s?X+` (lead) or `X+` for a set X of characters.
template <class InSet>
auto run_of(const InSet& in_set, bool lead) {
    return [in_set, lead](std::string_view text, std::size_t at) {
        std::size_t begin = at;
        if (lead) {
            const Peek first = peek(text, at);
            if (is_blank(first.kind)) begin = first.end;
        }
        std::size_t end = begin;
        while (end < text.size()) {
            const Char c = decode_char(text, end);
            if (c.code == kBadChar || !in_set(c.code)) break;
            end += c.size;
        }
        return end == begin ? at : end;
    };
}

constexpr bool in(char32_t c, char32_t first, char32_t last) {
    return c - first <= last - first;
}

bool is_line_end(char32_t c) {
    return c == '\r' || c == '\n';
}
bool is_letter(char32_t c) {
    return class_of(c) == CharClass::letter;
}
bool is_number(char32_t c) {
    return class_of(c) == CharClass::number;
}
bool is_digit(char32_t c) {
    return in(c, '0', '9');
}

// [一-龥ࠀ-一가-퟿]
bool is_east_asian(char32_t c) {
    return in(c, 0x0800, 0x9FA5) || in(c, 0xAC00, 0xD7FF);
}

// The published class lists the cased letters of a Unicode version in which Georgian had no case.
bool is_deepseek_letter(char32_t c) {
    return is_cased_letter(c) && !in(c, 0x10D0, 0x10FF);
}

// [!-/:-~！-／：-～‘-‟　-。]
bool is_deepseek_sign(char32_t c) {
    return in(c, '!', '/') || in(c, ':', '~') || in(c, 0xFF01, 0xFF0F) || in(c, 0xFF1A, 0xFF5E) ||
           in(c, 0x2018, 0x201F) || in(c, 0x3000, 0x3002);
}

// [\p{P}\$\+<=>\^~\|]
bool is_legacy_sign(char32_t c) {
    return is_punctuation(c) ||
           (c < 128 && std::string_view("$+<=>^~|").find(static_cast<char>(c)) != std::string_view::npos);
}

std::size_t one_line_end(std::string_view text, std::size_t at) {
    return is_line_end(static_cast<unsigned char>(text[at])) ? at + 1 : at;
}

std::size_t one_number(std::string_view text, std::size_t at) {
    const Peek p = peek(text, at);
    return p.kind == CharClass::number ? p.end : at;
}

std::size_t three_digits(std::string_view text, std::size_t at) {
    const auto digit = [&](std::size_t i) { return i < text.size() && is_digit(static_cast<unsigned char>(text[i])); };
    return digit(at) && digit(at + 1) && digit(at + 2) ? at + 3 : at;
}

// \s+$ : the blanks that end each word.
void refine_trailing_blanks(Ends& ends, std::string_view text) {
    Ends finer;
    finer.reserve(ends.size());
    std::size_t begin = 0;
    for (const std::uint32_t end : ends) {
        std::size_t solid = begin;  // behind the last character that is no blank
        for (std::size_t at = begin; at < end;) {
            const Peek p = peek(text.substr(0, end), at);
            at = p.end;
            if (!is_blank(p.kind)) solid = at;
        }
        if (solid > begin && solid < end) put(finer, solid);
        put(finer, end);
        begin = end;
    }
    ends.swap(finer);
}

}  // namespace

std::optional<Splitter> find_splitter(std::string_view pre) {
    struct Name {
        std::string_view pre;
        Splitter splitter;
    };
    static constexpr Name kNames[] = {
        {"qwen2", Splitter::qwen2},
        {"deepseek-r1-qwen", Splitter::qwen2},
        {"llama-bpe", Splitter::llama3},
        {"llama3", Splitter::llama3},
        {"llama-v3", Splitter::llama3},
        {"gpt-2", Splitter::gpt2},
        {"gpt2", Splitter::gpt2},
        {"deepseek-llm", Splitter::deepseek_llm},
        {"deepseek-coder", Splitter::deepseek_coder},
        {"default", Splitter::legacy},
    };
    for (const Name& name : kNames) {
        if (name.pre == pre) return name.splitter;
    }
    return std::nullopt;
}

bool splits_nfc(Splitter splitter) {
    return splitter == Splitter::qwen2;
}

void split_words(std::vector<std::uint32_t>& ends, std::string_view text, Splitter splitter) {
    ends.clear();
    if (text.empty()) return;
    switch (splitter) {
        case Splitter::gpt2:
            split_gpt2(ends, text);
            break;
        case Splitter::qwen2:
            split_modern(ends, text, 1);
            break;
        case Splitter::llama3:
            split_modern(ends, text, 3);
            break;
        case Splitter::deepseek_llm:
            put(ends, text.size());
            refine(ends, text, one_line_end);
            refine(ends, text, run_of(is_deepseek_letter, true));
            refine(ends, text, run_of(is_deepseek_sign, true));
            refine_trailing_blanks(ends, text);
            refine(ends, text, run_of(is_east_asian, false));
            refine(ends, text, run_of(is_number, false));
            break;
        case Splitter::deepseek_coder:
            put(ends, text.size());
            refine(ends, text, one_line_end);
            refine(ends, text, run_of(is_letter, true));
            refine(ends, text, run_of(is_punctuation, true));
            refine(ends, text, run_of(is_east_asian, false));
            refine(ends, text, one_number);
            break;
        case Splitter::legacy: {
            put(ends, text.size());
            refine(ends, text, run_of(is_legacy_sign, false));
            // The GPT-2 expression within each word so far.
            Ends finer;
            Ends inner;
            std::size_t begin = 0;
            for (const std::uint32_t end : ends) {
                inner.clear();
                split_gpt2(inner, text.substr(begin, end - begin));
                for (const std::uint32_t inner_end : inner) put(finer, begin + inner_end);
                begin = end;
            }
            ends.swap(finer);
            refine(ends, text, run_of(is_number, false));
            refine(ends, text, three_digits);
            break;
        }
    }
}

}  // namespace distill
