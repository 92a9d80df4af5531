#include "cli/extract.h"

#include <algorithm>
#include <vector>

#include "cli/grade.h"
#include "cli/json_input.h"
#include "engine/error.h"

namespace distill {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";
// parse_json() refuses deeper ones: a scan that stops there as well stays linear in a text of nothing but brackets.
constexpr int kMaxDepth = 128;

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

bool is_json(std::string_view text) {
    try {
        parse_json(text);
        return true;
    } catch (const Error&) {
        return false;
    }
}

// Calls line(text) for each line, without its newline.
template <class F>
void for_each_line(std::string_view text, F&& line) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// Contents of the closed fenced blocks (``` or ~~~, indented or not), without their last newline.
std::vector<std::string_view> fenced_blocks(std::string_view text) {
    std::vector<std::string_view> blocks;
    char mark = 0;  // of the open block; 0 = outside
    std::size_t marks = 0;
    std::size_t begin = 0;
    for_each_line(text, [&](std::string_view line) {
        const std::string_view bare = trimmed(line);
        const auto at = static_cast<std::size_t>(line.data() - text.data());
        const char first = bare.empty() ? '\0' : bare[0];
        const std::size_t run = first == '`' || first == '~' ? std::min(bare.find_first_not_of(first), bare.size()) : 0;
        if (mark == 0) {
            if (run < 3) return;
            // A line like ```x``` is code within a line.
            if (first == '`' && bare.find('`', run) != std::string_view::npos) return;
            mark = first;
            marks = run;
            begin = at + line.size() + 1;
        } else if (first == mark && run >= marks && run == bare.size()) {
            blocks.push_back(text.substr(begin, begin < at ? at - 1 - begin : 0));  // without the newline before `at`
            mark = 0;
        }
    });
    return blocks;
}

// The bracket at text[at] up to the one that closes it; empty if none does.
std::string_view balanced(std::string_view text, std::size_t at) {
    std::string open;
    bool in_string = false;
    for (std::size_t i = at; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') {
                ++i;
            } else {
                in_string = c != '"';
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            open += c == '{' ? '}' : ']';
            if (open.size() > kMaxDepth) return {};
        } else if (c == '}' || c == ']') {
            if (open.back() != c) return {};
            open.pop_back();
            if (open.empty()) return text.substr(at, i + 1 - at);
        }
    }
    return {};
}

std::optional<std::string> last_json(std::string_view answer) {
    const std::vector<std::string_view> blocks = fenced_blocks(answer);
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
        if (is_json(trimmed(*block))) return std::string(trimmed(*block));
    }
    std::optional<std::string> last;
    for (std::size_t i = 0; i < answer.size(); ++i) {
        if (answer[i] != '{' && answer[i] != '[') continue;
        const std::string_view value = balanced(answer, i);
        if (value.empty() || !is_json(value)) continue;
        last = std::string(value);
        i += value.size() - 1;
    }
    if (!last && is_json(trimmed(answer))) last = std::string(trimmed(answer));
    return last;
}

std::optional<std::string> last_line(std::string_view answer) {
    std::string_view last;
    for_each_line(answer, [&](std::string_view line) {
        if (!trimmed(line).empty()) last = trimmed(line);
    });
    if (last.empty()) return std::nullopt;
    return std::string(last);
}

}  // namespace

std::string_view name_of(Extract part) {
    switch (part) {
        case Extract::boxed:
            return "boxed";
        case Extract::json:
            return "json";
        case Extract::code:
            return "code";
        case Extract::last_line:
            return "last-line";
    }
    return "";
}

std::optional<std::string> extract(Extract part, std::string_view answer) {
    switch (part) {
        case Extract::boxed: {
            std::optional<std::string> content = last_boxed(answer);
            // To LaTeX a newline is a blank, to a script it is another record.
            if (content) std::replace(content->begin(), content->end(), '\n', ' ');
            return content;
        }
        case Extract::json:
            return last_json(answer);
        case Extract::code: {
            const std::vector<std::string_view> blocks = fenced_blocks(answer);
            if (blocks.empty()) return std::nullopt;
            return std::string(blocks.back());
        }
        case Extract::last_line:
            return last_line(answer);
    }
    return std::nullopt;
}

std::string_view lack_of(Extract part) {
    switch (part) {
        case Extract::boxed:
            return "no \\boxed{...}";
        case Extract::json:
            return "no JSON value";
        case Extract::code:
            return "no fenced code block";
        case Extract::last_line:
            return "no line of text";
    }
    return "";
}

}  // namespace distill
