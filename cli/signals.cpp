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
std::atomic<bool> terminal_styled{false};
std::array<char, 512> bus_line{};
std::atomic<std::size_t> bus_line_size{0};

static_assert(std::atomic<int>::is_always_lock_free && std::atomic<std::size_t>::is_always_lock_free);

constexpr std::string_view kPlainText = "\033[0m\n";

[[noreturn]] void leave(Status status, std::string_view line) {
    if (terminal_styled) [[maybe_unused]]
        const ssize_t n = ::write(STDOUT_FILENO, kPlainText.data(), kPlainText.size());
    if (!line.empty()) [[maybe_unused]]
        const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
    ::_exit(static_cast<int>(status));
}

void on_interrupt(int) {
    if (++interrupt_count >= 2) leave(Status::interrupted, {});
    const int saved = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(interrupt_event, &one, sizeof one);
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

}  // namespace

void install_signal_handlers() {
    interrupt_event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    // A shell starts background jobs with SIGINT ignored: that choice is respected.
    struct sigaction old {};
    ::sigaction(SIGINT, nullptr, &old);
    if (old.sa_handler != SIG_IGN) handle(SIGINT, on_interrupt);
    handle(SIGBUS, on_bus_error);
    handle(SIGPIPE, SIG_IGN);
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
