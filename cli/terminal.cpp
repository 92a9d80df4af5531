#include "cli/terminal.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "engine/error.h"

namespace distill {

namespace {

constexpr auto kProgressDelay = std::chrono::milliseconds(500);
constexpr auto kProgressInterval = std::chrono::milliseconds(100);

bool dumb_terminal() {
    const char* term = std::getenv("TERM");
    return term == nullptr || *term == '\0' || std::strcmp(term, "dumb") == 0;
}

void say(std::string_view kind, std::string_view text) {
    write_all(STDERR_FILENO, fmt::format("distill: {}{}\n", kind, text));
}

}  // namespace

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(n));
        } else if (n < 0 && errno == EAGAIN) {
            // A pipe that its other user made non-blocking: wait for room.
            pollfd ready{fd, POLLOUT, 0};
            ::poll(&ready, 1, -1);
        } else if (n == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

Output::Output(int fd, std::string_view name) : fd_(fd), name_(name), terminal_(::isatty(fd) == 1) {}

void Output::write(std::string_view bytes) {
    if (write_all(fd_, bytes)) return;
    if (errno == EPIPE) throw Error(name_, "the reader is gone", std::nullopt, Status::reader_gone);
    throw Error(name_, fmt::format("writing failed: {}", std::strerror(errno)), std::nullopt, Status::failure);
}

Output standard_output() {
    return Output(STDOUT_FILENO, "stdout");
}
Output standard_error() {
    return Output(STDERR_FILENO, "stderr");
}
bool stdin_is_terminal() {
    return ::isatty(STDIN_FILENO) == 1;
}

void note(std::string_view text) {
    say("note: ", text);
}
void warn(std::string_view text) {
    say("warning: ", text);
}
void print_error(std::string_view text) {
    say("error: ", text);
}

bool use_color(ColorMode mode, const Output& out) {
    if (!out.is_terminal() || mode == ColorMode::off) return false;
    if (mode == ColorMode::on) return true;
    const char* no_color = std::getenv("NO_COLOR");
    return !dumb_terminal() && (no_color == nullptr || *no_color == '\0');
}

std::string safe_for_terminal(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // U+0080 to U+009F, two bytes in UTF-8, are control characters as well.
        const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c1 || byte == 0x7f || (byte < 0x20 && byte != '\n' && byte != '\t')) {
            out += "\xef\xbf\xbd";
            i += c1 ? 1 : 0;
        } else {
            out += text[i];
        }
    }
    return out;
}

Progress::Progress(std::string label)
    : label_(std::move(label)),
      enabled_(::isatty(STDERR_FILENO) == 1),
      fancy_(!dumb_terminal()),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

Progress::~Progress() {
    clear();
}

void Progress::update(double fraction, std::string_view detail) {
    if (!enabled_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - start_ < kProgressDelay || (shown_ > 0 && now - last_ < kProgressInterval)) return;
    last_ = now;
    std::string line = fmt::format("{} {:3.0f} %{}{}", label_, fraction * 100, detail.empty() ? "" : "  ", detail);
    const std::size_t size = line.size();
    if (size < shown_) line.append(shown_ - size, ' ');  // over what a longer line left
    write_all(STDERR_FILENO, "\r" + line);
    shown_ = std::max(size, shown_);
}

void Progress::clear() {
    if (shown_ == 0) return;
    write_all(STDERR_FILENO, fancy_ ? std::string("\r\033[K") : "\r" + std::string(shown_, ' ') + "\r");
    shown_ = 0;
    start_ = std::chrono::steady_clock::now();
}

}  // namespace distill
