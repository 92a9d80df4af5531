#include "cli/terminal_mode.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>

#include "cli/signals.h"

namespace distill {

TerminalMode::TerminalMode(int input, int output) : input_(input), output_(output) {
    termios original{};
    ::tcgetattr(input, &original);
    running_ = original;
    // Enter stays CR, so that Ctrl-J can mean a newline; no flow control and no key that quotes the next one.
    running_.c_iflag &= ~static_cast<tcflag_t>(ICRNL | INLCR | IGNCR | IXON);
    running_.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ECHONL | IEXTEN);
    running_.c_cc[VMIN] = 1;
    running_.c_cc[VTIME] = 0;
    editing_ = running_;
    editing_.c_lflag &= ~static_cast<tcflag_t>(ISIG);
    hold_terminal({input, output, original, running_});
}

TerminalMode::~TerminalMode() {
    release_terminal();
}

void TerminalMode::editing() {
    ::tcsetattr(input_, TCSANOW, &editing_);
}
void TerminalMode::running() {
    ::tcsetattr(input_, TCSANOW, &running_);
}

WindowSize TerminalMode::window() const {
    winsize size{};
    if (::ioctl(output_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_col, size.ws_row};
}

Wake TerminalMode::wait(int milliseconds) {
    const Wake wake = wait_for_key(input_, milliseconds);
    if (wake == Wake::resized) editing();  // perhaps we slept, and woke up in the other mode
    return wake;
}

void TerminalMode::suspend() const {
    // The whole job, as the terminal would do it.
    ::kill(0, SIGTSTP);
}

}  // namespace distill
