#include "cli/signals.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "engine/error.h"

namespace distill {

namespace {

// The only mutable globals of the program: a signal handler has no other way to reach its data.
std::atomic<int> interrupt_count{0};
std::atomic<int> interrupt_event{-1};  // an eventfd that becomes readable with the first interrupt
std::atomic<bool> window_changed{false};
std::atomic<bool> terminal_styled{false};
std::atomic<bool> terminal_held{false};  // held_terminal is valid; it changes only while this is false
HeldTerminal held_terminal{};
std::array<char, 512> bus_line{};
std::atomic<std::size_t> bus_line_size{0};

static_assert(std::atomic<int>::is_always_lock_free && std::atomic<std::size_t>::is_always_lock_free);

constexpr std::string_view kPlainText = "\033[0m\n";

// Tells a terminal to mark what is pasted, so that its newlines are not taken for Enter.
constexpr std::string_view kMarkPaste = "\033[?2004h";
constexpr std::string_view kPlainPaste = "\033[?2004l";

void set_terminal(const termios& mode, std::string_view paste) {
    ::tcsetattr(held_terminal.input, TCSANOW, &mode);
    [[maybe_unused]] const ssize_t n = ::write(held_terminal.output, paste.data(), paste.size());
}

// From a handler that ends the program.
void put_terminal_back() {
    if (terminal_styled) [[maybe_unused]]
        const ssize_t n = ::write(STDOUT_FILENO, kPlainText.data(), kPlainText.size());
    if (!terminal_held) return;
    ::signal(SIGTTOU, SIG_IGN);  // not to be put to sleep for it, should the terminal be another job's by now
    set_terminal(held_terminal.usual, kPlainPaste);
}

void wake_waiters() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(interrupt_event, &one, sizeof one);
}

[[noreturn]] void leave(Status status, std::string_view line) {
    put_terminal_back();
    if (!line.empty()) [[maybe_unused]]
        const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
    ::_exit(static_cast<int>(status));
}

void on_interrupt(int) {
    if (++interrupt_count >= 2) leave(Status::interrupted, {});
    const int saved = errno;
    wake_waiters();
    errno = saved;
}

void on_window_change(int) {
    const int saved = errno;
    window_changed = true;
    wake_waiters();
    errno = saved;
}

// The program dies of the signal as it would have without us, once the terminal is as before.
void on_terminate(int signal) {
    put_terminal_back();
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

// Sleeps with the terminal as the shell knows it, and takes it back afterwards. Where nobody could wake us (a process
// group without a shell) the system lets the signal pass.
void on_suspend(int signal) {
    const int saved = errno;
    const bool held = terminal_held;
    if (held) set_terminal(held_terminal.usual, kPlainPaste);
    struct sigaction ours {};
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    ::sigaction(signal, &usual, &ours);
    ::raise(signal);  // waits for this handler's own block to be lifted
    sigset_t only, before;
    sigemptyset(&only);
    sigaddset(&only, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &only, &before);  // here it sleeps
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::sigaction(signal, &ours, nullptr);
    if (held) set_terminal(held_terminal.ours, kMarkPaste);
    window_changed = true;
    wake_waiters();
    errno = saved;
}

void on_bus_error(int) {
    leave(Status::failure, {bus_line.data(), bus_line_size});
}

void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
}

// Unless whoever started us wants it ignored.
void handle_unless_ignored(int signal, void (*handler)(int)) {
    struct sigaction old {};
    ::sigaction(signal, nullptr, &old);
    if (old.sa_handler != SIG_IGN) handle(signal, handler);
}

}  // namespace

void install_signal_handlers() {
    interrupt_event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    // A shell starts background jobs with SIGINT ignored: that choice is respected.
    handle_unless_ignored(SIGINT, on_interrupt);
    handle(SIGBUS, on_bus_error);
    handle(SIGPIPE, SIG_IGN);
    handle(SIGXFSZ, SIG_IGN);
    name_mapped_file("the model file");
}

int interrupts() {
    return interrupt_count;
}
void reset_interrupts() {
    interrupt_count = 0;
}

bool wait_for_input(int fd, int seen) {
    for (;;) {
        if (interrupts() > seen) return false;
        std::array<pollfd, 2> ready = {{{fd, POLLIN, 0}, {interrupt_event, POLLIN, 0}}};
        const int n = ::poll(ready.data(), ready.size(), -1);
        if (n < 0 && errno != EINTR) return true;  // whatever it is, the read will tell
        if (n <= 0) continue;
        if (ready[1].revents != 0) {  // perhaps an old one: the count decides, and it is raised before the event
            std::uint64_t count = 0;
            [[maybe_unused]] const ssize_t got = ::read(interrupt_event, &count, sizeof count);
        } else if (ready[0].revents != 0) {
            return true;
        }
    }
}

Wake wait_for_key(int fd, int milliseconds) {
    for (;;) {
        if (window_changed.exchange(false)) return Wake::resized;
        if (interrupts() > 0) return Wake::interrupted;
        std::array<pollfd, 2> ready = {{{fd, POLLIN, 0}, {interrupt_event, POLLIN, 0}}};
        const int n = ::poll(ready.data(), ready.size(), milliseconds);
        if (n < 0 && errno != EINTR) return Wake::input;
        if (n == 0) return Wake::late;
        if (n < 0) continue;
        if (ready[1].revents != 0) {
            std::uint64_t count = 0;
            [[maybe_unused]] const ssize_t got = ::read(interrupt_event, &count, sizeof count);
        } else if (ready[0].revents != 0) {
            return Wake::input;
        }
    }
}

void hold_terminal(const HeldTerminal& terminal) {
    held_terminal = terminal;
    terminal_held = true;
    set_terminal(held_terminal.ours, kMarkPaste);
    for (const int signal : {SIGTERM, SIGHUP, SIGQUIT}) handle_unless_ignored(signal, on_terminate);
    handle_unless_ignored(SIGTSTP, on_suspend);
    handle_unless_ignored(SIGWINCH, on_window_change);
}

void release_terminal() {
    terminal_held = false;
    set_terminal(held_terminal.usual, kPlainPaste);
}

void name_mapped_file(std::string_view path) {
    bus_line_size = 0;
    const std::string line =
        fmt::format("distill: error: {}: the file changed or became unreadable while it was in use\n", printable(path));
    const std::size_t n = std::min(line.size(), bus_line.size());
    std::memcpy(bus_line.data(), line.data(), n);
    bus_line_size = n;
}

void set_terminal_styled(bool styled) {
    terminal_styled = styled;
}

}  // namespace distill
