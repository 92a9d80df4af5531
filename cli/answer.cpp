#include "cli/answer.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/signals.h"
#include "engine/error.h"

namespace distill {

namespace {

constexpr std::string_view kDim = "\033[2m";
constexpr std::string_view kPlain = "\033[0m";

}  // namespace

AnswerPrinter::AnswerPrinter(Output& out, Output& err, ThinkShow mode, ColorMode color)
    : out_(out),
      think_out_(out.is_terminal() ? out : err),
      mode_(mode),
      color_(mode == ThinkShow::dim && use_color(color, think_out_)) {}

AnswerPrinter::~AnswerPrinter() {
    // Left by an exception: at least the terminal's style must be as before.
    if (!thinking_ || !color_) return;
    set_terminal_styled(false);
    try {
        think_out_.write(kPlain);
    } catch (const Error&) {
        // The terminal is gone, and its style with it.
    }
}

void AnswerPrinter::text(std::string_view text, bool thinking) {
    if (thinking) {
        think(text);
    } else {
        answer(text);
    }
}

void AnswerPrinter::think(std::string_view text) {
    if (mode_ == ThinkShow::hide || text.empty()) return;
    if (!thinking_) {
        thinking_ = true;
        think_chars_ = 0;
        think_start_ = std::chrono::steady_clock::now();
        if (color_) {
            set_terminal_styled(true);
            think_out_.write(kDim);
        } else if (mode_ != ThinkShow::brief) {
            think_out_.write("<think>\n");
        }
    }
    // Characters, not bytes: all but continuation bytes.
    think_chars_ += static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
    if (mode_ != ThinkShow::brief) think_out_.write(think_out_.is_terminal() ? safe_for_terminal(text) : text);
}

void AnswerPrinter::end_thinking(std::string_view tail) {
    if (!thinking_) return;
    thinking_ = false;
    if (color_) {
        think_out_.write(kPlain);
        set_terminal_styled(false);
    } else if (mode_ == ThinkShow::brief) {
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - think_start_).count();
        think_out_.write(fmt::format("(thought for {:.1f} s, {} characters)", seconds, think_chars_));
    } else {
        think_out_.write("\n</think>");
    }
    think_out_.write(tail);
}

void AnswerPrinter::answer(std::string_view text) {
    if (text.empty()) return;
    end_thinking("\n\n");
    std::string whole = std::move(newlines_);
    newlines_.clear();
    whole += text;
    const std::size_t last = whole.find_last_not_of('\n');
    const std::size_t keep = last == std::string::npos ? 0 : last + 1;
    newlines_ = whole.substr(keep);
    whole.resize(keep);
    if (whole.empty()) return;
    answered_ = true;
    out_.write(out_.is_terminal() ? safe_for_terminal(whole) : whole);
}

void AnswerPrinter::finish() {
    end_thinking("\n");
    if (answered_) out_.write("\n");
    answered_ = false;
    newlines_.clear();
}

}  // namespace distill
