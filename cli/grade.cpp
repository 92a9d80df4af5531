// See the header for the rules; each step of normal_form() is one of them.
#include "cli/grade.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "cli/json_input.h"
#include "engine/error.h"

namespace distill {

namespace {

constexpr std::array<std::pair<Check, std::string_view>, 3> kChecks = {
    {{Check::boxed, "boxed"}, {Check::json, "json"}, {Check::contains, "contains"}}};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0;
}
bool starts_at(std::string_view text, std::size_t at, std::string_view part) {
    return text.substr(at, part.size()) == part;
}

// Blanks of ASCII, the no-break space and the ideographic one: how many bytes one takes, 0 if there is none.
std::size_t blank_at(std::string_view text, std::size_t at) {
    constexpr std::string_view kAscii = " \t\n\r\v\f";
    if (kAscii.find(text[at]) != std::string_view::npos) return 1;
    if (starts_at(text, at, "\xc2\xa0")) return 2;
    if (starts_at(text, at, "\xe3\x80\x80")) return 3;
    return 0;
}

// U+FF01..U+FF5E are the ASCII characters in the width of a Chinese one.
std::string without_full_width(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\xef' && i + 2 < text.size()) {
            const auto second = static_cast<unsigned char>(text[i + 1]),
                       third = static_cast<unsigned char>(text[i + 2]);
            const unsigned point = 0xf000u | (second & 0x3fu) << 6 | (third & 0x3fu);
            if (point >= 0xff01 && point <= 0xff5e) {
                out += static_cast<char>(point - 0xfee0);
                i += 2;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

// The place behind the brace that closes the one before `at`; npos if none does. \{ and \} are no braces.
std::size_t behind_closing_brace(std::string_view text, std::size_t at) {
    int depth = 1;
    for (; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '{') {
            ++depth;
        } else if (text[at] == '}' && --depth == 0) {
            return at + 1;
        }
    }
    return std::string_view::npos;
}

// Harmless LaTeX taken away; blanks stay, because a comma before one is no thousands comma.
std::string plain_latex(std::string_view text) {
    constexpr std::string_view kDropped[] = {"left", "right", "quad", "qquad", "displaystyle"};
    constexpr std::string_view kWrappers[] = {"text", "mathrm", "mathbf", "textbf", "textrm", "mbox"};
    std::string out;
    std::string closing;  // one a brace that is open: '}' stays, ' ' goes with its wrapper
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '$') continue;
        if (c == '{') {
            if (starts_at(text, i, "{,}")) {  // 12{,}345
                i += 2;
                continue;
            }
            closing += '}';
            out += c;
        } else if (c == '}') {
            const bool dropped = !closing.empty() && closing.back() == ' ';
            if (!closing.empty()) closing.pop_back();
            if (!dropped) out += c;
        } else if (c != '\\' || i + 1 == text.size()) {
            out += c;
        } else if (!is_letter(text[i + 1])) {
            ++i;
            const char next = text[i];
            if (std::string_view("%$").find(next) != std::string_view::npos)
                out += next;
            else if (next == ' ')
                out += ' ';
            else if (std::string_view(",;:!()[]").find(next) == std::string_view::npos)
                out.append({c, next});
        } else {
            std::size_t end = i + 1;
            while (end < text.size() && is_letter(text[end])) ++end;
            const std::string_view word = text.substr(i + 1, end - i - 1);
            i = end - 1;
            if (std::find(std::begin(kDropped), std::end(kDropped), word) != std::end(kDropped)) continue;
            if (end < text.size() && text[end] == '{' &&
                std::find(std::begin(kWrappers), std::end(kWrappers), word) != std::end(kWrappers)) {
                closing += ' ';
                i = end;
                continue;
            }
            out += '\\';
            out += word == "dfrac" || word == "tfrac" ? std::string_view("frac") : word;
        }
    }
    return out;
}

// 12,345,678 -> 12345678 wherever such a number stands alone.
std::string without_thousands(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const bool starts =
            is_digit(text[i]) && (i == 0 || (!is_digit(text[i - 1]) && text[i - 1] != ',' && text[i - 1] != '.'));
        if (!starts) {
            out += text[i++];
            continue;
        }
        std::size_t end = i;
        while (end < text.size() && is_digit(text[end])) ++end;
        const bool short_head = end - i <= 3;
        const auto group = [&](std::size_t at) {
            return at + 3 < text.size() && text[at] == ',' && is_digit(text[at + 1]) && is_digit(text[at + 2]) &&
                   is_digit(text[at + 3]) && (at + 4 == text.size() || !is_digit(text[at + 4]));
        };
        std::string number(text.substr(i, end - i));
        std::size_t at = end;
        while (short_head && group(at)) {
            number += text.substr(at + 1, 3);
            at += 4;
        }
        const bool whole = at == text.size() || text[at] != ',';
        out += whole ? number : std::string(text.substr(i, at - i));
        i = at;
    }
    return out;
}

// The braces of ^{x} and _{x} go.
std::string without_single_braces(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        if ((text[i] == '^' || text[i] == '_') && i + 3 < text.size() && text[i + 1] == '{' && text[i + 3] == '}' &&
            text[i + 2] != '\\' && text[i + 2] != '{') {
            out += text[i + 2];
            i += 3;
        }
    }
    return out;
}

std::string without_blanks(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t blank = blank_at(text, i);
        if (blank == 0) out += text[i];
        i += std::max<std::size_t>(blank, 1);
    }
    return out;
}

std::string normal_form(std::string_view text, bool thousands) {
    std::string out = plain_latex(without_full_width(text));
    if (thousands) out = without_thousands(out);
    out = without_single_braces(without_blanks(out));
    constexpr std::string_view kStop = "。";
    if (!out.empty() && out.back() == '.') {
        out.pop_back();
    } else if (std::string_view(out).ends_with(kStop)) {
        out.resize(out.size() - kStop.size());
    }
    return out;
}

bool boxed_is_right(std::string_view answer, std::string_view expected, std::string_view unit) {
    const auto content = last_boxed(answer);
    if (!content) return false;
    const std::string wanted = normal_form(expected, false);
    std::string got = normal_form(*content, wanted.find(',') == std::string::npos);
    if (got == wanted) return true;
    const std::string tail = normal_form(unit, false);
    if (tail.empty() || !std::string_view(got).ends_with(tail)) return false;
    got.resize(got.size() - tail.size());
    return got == wanted;
}

// What stands in the last ``` block, without its first line's "json"; the whole text if there is none.
std::string_view last_block(std::string_view text) {
    const std::size_t close = text.rfind("```");
    if (close == std::string_view::npos || close == 0) return text;
    const std::size_t open = text.rfind("```", close - 1);
    if (open == std::string_view::npos) return text;
    std::string_view block = text.substr(open + 3, close - open - 3);
    while (!block.empty() && is_letter(block.front())) block.remove_prefix(1);
    return block;
}

bool json_is_right(std::string_view answer, std::string_view expected) {
    try {
        return parse_json(last_block(answer)) == parse_json(expected);
    } catch (const Error&) {
        return false;
    }
}

// Each run of blanks becomes one; none at the ends.
std::string with_single_blanks(std::string_view text) {
    std::string out;
    bool blank_before = false;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t blank = blank_at(text, i);
        if (blank == 0) {
            if (blank_before && !out.empty()) out += ' ';
            out += text[i];
        }
        blank_before = blank > 0;
        i += std::max<std::size_t>(blank, 1);
    }
    return out;
}

}  // namespace

std::string_view name_of(Check check) {
    for (const auto& [value, name] : kChecks) {
        if (value == check) return name;
    }
    return {};
}

std::optional<Check> find_check(std::string_view name) {
    for (const auto& [value, known] : kChecks) {
        if (known == name) return value;
    }
    return std::nullopt;
}

std::optional<std::string> last_boxed(std::string_view text) {
    constexpr std::string_view kOpen = "\\boxed{";
    const std::size_t start = text.rfind(kOpen);
    if (start == std::string_view::npos) return std::nullopt;
    const std::size_t begin = start + kOpen.size();
    const std::size_t end = behind_closing_brace(text, begin);
    if (end == std::string_view::npos) return std::nullopt;
    return std::string(text.substr(begin, end - 1 - begin));
}

bool is_right(std::string_view answer, std::string_view expected, Check check, std::string_view unit) {
    switch (check) {
        case Check::boxed:
            return boxed_is_right(answer, expected, unit);
        case Check::json:
            return json_is_right(answer, expected);
        case Check::contains:
            return with_single_blanks(answer).find(with_single_blanks(expected)) != std::string::npos;
    }
    return false;
}

}  // namespace distill
