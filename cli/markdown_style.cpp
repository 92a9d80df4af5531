#include "cli/markdown_style.h"

#include <algorithm>
#include <utility>

namespace distill {

namespace {

constexpr std::string_view kHeading = "\033[1m";
constexpr std::string_view kCode = "\033[36m";
constexpr std::string_view kPlain = "\033[0m";
constexpr std::size_t kMaxIndent = 3;  // more makes it another kind of text

enum class Mark { none, perhaps, heading, fence };

// What the beginning of a line is; perhaps: more characters are needed.
Mark mark_of(std::string_view line) {
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    if (indent > kMaxIndent) return Mark::none;
    const std::string_view rest = line.substr(indent);
    if (rest.empty()) return Mark::perhaps;
    if (rest[0] == '#') {
        const std::size_t level = std::min(rest.find_first_not_of('#'), rest.size());
        if (level > 6) return Mark::none;
        if (level == rest.size()) return Mark::perhaps;
        return rest[level] == ' ' ? Mark::heading : Mark::none;
    }
    if (rest[0] == '`') {
        const std::size_t ticks = std::min(rest.find_first_not_of('`'), rest.size());
        if (ticks >= 3) return Mark::fence;
        return ticks == rest.size() ? Mark::perhaps : Mark::none;
    }
    return Mark::none;
}

}  // namespace

// Looks at the start of the line in held_.
void MarkdownStyle::decide(std::string& out, bool at_end) {
    const Mark mark = mark_of(held_);
    if (mark == Mark::perhaps && !at_end) return;
    line_start_ = false;
    if (mark == Mark::fence) {
        if (!code_) out += kCode;
        code_ = !code_;
        styled_line_ = !code_;  // the closing fence still belongs to the block
    } else if (mark == Mark::heading && !code_) {
        out += kHeading;
        styled_line_ = true;
    }
    out += std::exchange(held_, {});
}

std::string MarkdownStyle::push(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            if (line_start_) decide(out, true);
            // Before the line break, so that no style runs on into whatever comes below.
            if (std::exchange(styled_line_, false)) out += kPlain;
            out += c;
            line_start_ = true;
        } else if (line_start_) {
            held_ += c;
            decide(out, false);
        } else {
            out += c;
        }
    }
    return out;
}

std::string MarkdownStyle::finish() {
    std::string out;
    if (line_start_ && !held_.empty()) decide(out, true);
    if (code_ || styled_line_) out += kPlain;
    code_ = styled_line_ = false;
    line_start_ = true;
    return out;
}

}  // namespace distill
