#include "cli/answer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/markdown_style.h"
#include "cli/signals.h"
#include "engine/error.h"

namespace distill {

namespace {

constexpr std::string_view kDim = "\033[2m";
constexpr std::string_view kPlain = "\033[0m";
constexpr auto kBriefInterval = std::chrono::milliseconds(200);

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
        think_start_ = std::chrono::steady_clock::now();
        if (color_) {
            set_terminal_styled(true);
            think_out_.write(kDim);
        } else if (mode_ != ThinkShow::brief) {
            think_out_.write("<think>\n");
        }
    }
    if (mode_ != ThinkShow::brief) {
        think_out_.write(think_out_.is_terminal() ? safe_for_terminal(text) : text);
    } else if (think_out_.is_terminal() &&
               (brief_width_ == 0 || std::chrono::steady_clock::now() - brief_time_ >= kBriefInterval)) {
        brief_time_ = std::chrono::steady_clock::now();
        brief_line("(thinking");
    }
}

// Over the line that stands there, without escape sequences: any terminal knows the carriage return.
void AnswerPrinter::brief_line(std::string_view begin) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - think_start_).count();
    std::string line =
        fmt::format("{} for {:.1f} s, {} token{})", begin, seconds, think_tokens_, think_tokens_ == 1 ? "" : "s");
    const std::size_t width = line.size();
    if (width < brief_width_) line.append(brief_width_ - width, ' ');
    think_out_.write(brief_width_ > 0 ? "\r" + line : line);
    brief_width_ = width;
}

void AnswerPrinter::end_thinking(std::string_view tail) {
    if (!thinking_) return;
    thinking_ = false;
    if (color_) {
        think_out_.write(kPlain);
        set_terminal_styled(false);
    } else if (mode_ == ThinkShow::brief) {
        brief_line("(thought");
        brief_width_ = 0;
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
    if (out_.is_terminal()) whole = safe_for_terminal(whole);
    out_.write(style_ != nullptr ? style_->push(whole) : whole);
}

void AnswerPrinter::finish() {
    end_thinking("\n");
    if (answered_ && style_ != nullptr) out_.write(style_->finish());
    if (answered_) out_.write("\n");
    answered_ = false;
    newlines_.clear();
}

ThinkingCopy ThinkingCopy::to_file(const std::string& path) {
    // Non-blocking: a FIFO that nobody reads is an error, not a wait.
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (fd < 0) {
        const std::string why = errno == ENXIO ? "nobody reads this pipe" : std::strerror(errno);
        throw Error(path, fmt::format("cannot be written: {} (--think-file)", why), std::nullopt, Status::usage);
    }
    return ThinkingCopy(fd, path);
}

ThinkingCopy ThinkingCopy::to_descriptor(int fd) {
    const int mode = ::fcntl(fd, F_GETFL);
    if (mode == -1) {
        throw Error(fmt::format("--think-fd {0}: no such descriptor is open; a shell opens one with {0}>FILE", fd),
                    Status::usage);
    }
    if (fd == STDOUT_FILENO) {
        throw Error("--think-fd 1 is stdout, which is the answer's; 2 is stderr", Status::usage);
    }
    if ((mode & O_ACCMODE) == O_RDONLY) {
        throw Error(fmt::format("--think-fd {}: this descriptor is open for reading only", fd), Status::usage);
    }
    return ThinkingCopy(fd, fmt::format("descriptor {}", fd));
}

void ThinkingCopy::put(std::string_view text) {
    if (!out_) return;
    try {
        out_->write(text);
    } catch (const Error& e) {
        if (e.status() != Status::reader_gone) throw;
        out_.reset();
    }
}

void ThinkingCopy::write(std::string_view text) {
    if (text.empty()) return;
    open_ = true;
    put(out_ && out_->is_terminal() ? safe_for_terminal(text) : text);
}

void ThinkingCopy::finish() {
    if (open_) put("\n");
    open_ = false;
}

void ThinkingCopy::separate() {
    put(kAnswerSeparator);
}

}  // namespace distill
