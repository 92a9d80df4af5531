#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "tests/support/patience.h"

namespace distill::test {

namespace {

using Clock = std::chrono::steady_clock;

// Between fork and exec only async-signal-safe calls are allowed, so everything is prepared in memory first.
struct Prepared {
    Prepared(const std::string& program, const std::vector<std::string>& arguments,
             const std::vector<std::pair<std::string, std::string>>& changes) {
        strings.push_back(program);
        strings.insert(strings.end(), arguments.begin(), arguments.end());
        const std::size_t n_arguments = strings.size();
        for (char** e = environ; *e != nullptr; ++e) {
            const std::string_view entry = *e;
            const std::string_view name = entry.substr(0, entry.find('='));
            bool changed = false;
            for (const auto& change : changes) changed = changed || change.first == name;
            // What the tests pass decides alone.
            if (!changed && name.substr(0, 12) != "DISTILL_ARG_" && name != "NO_COLOR") strings.emplace_back(entry);
        }
        for (const auto& [name, value] : changes) {
            if (!value.empty()) strings.push_back(name + "=" + value);
        }
        for (std::size_t i = 0; i < strings.size(); ++i) {
            (i < n_arguments ? argv : envp).push_back(strings[i].data());
        }
        argv.push_back(nullptr);
        envp.push_back(nullptr);
    }
    [[noreturn]] void exec() {
        // Back to what a shell starts a program with: the test program ignores SIGPIPE, and nohup SIGHUP.
        ::signal(SIGPIPE, SIG_DFL);
        ::signal(SIGINT, SIG_DFL);
        ::signal(SIGHUP, SIG_DFL);
        ::execve(argv[0], argv.data(), envp.data());
        ::_exit(127);
    }
    std::vector<std::string> strings;
    std::vector<char*> argv, envp;
};

std::array<int, 2> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    return ends;
}

void close_fd(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
}

int to_status(int raw) {
    return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
}

Clock::time_point later(Clock::time_point start, std::chrono::milliseconds timeout) {
    return start + std::chrono::duration_cast<Clock::duration>(timeout * patience());
}

int milliseconds_until(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::max<long>(left, 0));
}

}  // namespace

std::string distill_binary() {
    const char* path = std::getenv("DISTILL_BIN");
    return path != nullptr ? path : "./distill";
}

ProcessResult run_process(const std::string& program, const ProcessOptions& options) {
    Prepared prepared(program, options.arguments, options.environment);
    auto in = make_pipe(), out = make_pipe(), err = make_pipe();
    int out_file = -1;
    if (!options.stdout_path.empty()) out_file = ::open(options.stdout_path.c_str(), O_WRONLY | O_CLOEXEC);
    const auto start = Clock::now();
    const auto deadline = later(start, options.timeout);
    const int pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork failed");
    if (pid == 0) {
        ::dup2(in[0], 0);
        ::dup2(out_file >= 0 ? out_file : out[1], 1);
        ::dup2(err[1], 2);
        if (options.close_stdin) ::close(0);
        if (options.close_stdout) ::close(1);
        prepared.exec();
    }
    ::close(in[0]);
    ::close(out[1]);
    ::close(err[1]);
    close_fd(out_file);
    ::fcntl(in[1], F_SETFL, O_NONBLOCK);

    ProcessResult result;
    std::size_t written = 0;
    bool interrupted = false;
    if (options.input.empty()) close_fd(in[1]);
    while (out[0] >= 0 || err[0] >= 0) {
        std::array<pollfd, 3> fds = {{{out[0], POLLIN, 0}, {err[0], POLLIN, 0}, {in[1], POLLOUT, 0}}};
        const int ready = ::poll(fds.data(), fds.size(), milliseconds_until(deadline));
        if (ready == 0 && Clock::now() >= deadline) {
            result.timed_out = true;
            ::kill(pid, SIGKILL);
            break;
        }
        if (ready < 0) continue;
        if (in[1] >= 0 && fds[2].revents != 0) {
            const ssize_t n = ::write(in[1], options.input.data() + written, options.input.size() - written);
            if (n > 0) written += static_cast<std::size_t>(n);
            if (written == options.input.size() || (n < 0 && errno == EPIPE)) close_fd(in[1]);
        }
        const auto drain = [&](int& fd, short events, std::string& text) {
            if (fd < 0 || events == 0) return;
            std::array<char, 65536> chunk;
            const ssize_t n = ::read(fd, chunk.data(), chunk.size());
            if (n <= 0) {
                close_fd(fd);
            } else {
                text.append(chunk.data(), static_cast<std::size_t>(n));
            }
        };
        drain(out[0], fds[0].revents, result.out);
        drain(err[0], fds[1].revents, result.err);
        if (options.close_after >= 0 && result.out.size() >= static_cast<std::size_t>(options.close_after)) {
            close_fd(out[0]);
        }
        if (options.interrupt_after_bytes >= 0 && !interrupted &&
            result.out.size() >= static_cast<std::size_t>(options.interrupt_after_bytes)) {
            interrupted = true;
            ::kill(pid, SIGINT);
        }
    }
    close_fd(in[1]);
    close_fd(out[0]);
    close_fd(err[0]);
    int raw = 0;
    ::waitpid(pid, &raw, 0);
    result.status = to_status(raw);
    result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return result;
}

ProcessResult run_distill(const ProcessOptions& options) {
    return run_process(distill_binary(), options);
}

ProcessResult run_distill(std::vector<std::string> arguments, std::string input) {
    ProcessOptions options;
    options.arguments = std::move(arguments);
    options.input = std::move(input);
    return run_distill(options);
}

Terminal::Terminal(const std::string& program, const std::vector<std::string>& arguments,
                   const std::vector<std::pair<std::string, std::string>>& environment) {
    auto changes = environment;
    bool has_term = false;
    for (const auto& change : changes) has_term = has_term || change.first == "TERM";
    if (!has_term) changes.emplace_back("TERM", "xterm-256color");
    Prepared prepared(program, arguments, changes);
    pid_ = ::forkpty(&fd_, nullptr, nullptr, nullptr);
    if (pid_ < 0) throw std::runtime_error("forkpty failed");
    if (pid_ == 0) prepared.exec();
}

Terminal::~Terminal() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    close_fd(fd_);
}

void Terminal::type(std::string_view keys) {
    while (!keys.empty()) {
        const ssize_t n = ::write(fd_, keys.data(), keys.size());
        if (n < 0 && errno != EINTR) return;
        if (n > 0) keys.remove_prefix(static_cast<std::size_t>(n));
    }
}

void Terminal::resize(int columns, int rows) {
    winsize size{};
    size.ws_col = static_cast<unsigned short>(columns);
    size.ws_row = static_cast<unsigned short>(rows);
    ::ioctl(fd_, TIOCSWINSZ, &size);
}

void Terminal::send_signal(int signal) {
    ::kill(pid_, signal);
}

bool Terminal::is_plain() const {
    termios mode{};
    return ::tcgetattr(fd_, &mode) == 0 && (mode.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG) &&
           (mode.c_iflag & ICRNL) != 0;
}

bool Terminal::read_some(Clock::time_point deadline) {
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, milliseconds_until(deadline)) <= 0) return false;
    std::array<char, 65536> chunk;
    const ssize_t n = ::read(fd_, chunk.data(), chunk.size());
    if (n <= 0) return false;  // EIO once the program has left
    all_.append(chunk.data(), static_cast<std::size_t>(n));
    return true;
}

std::string Terminal::wait_for(std::string_view text, bool& found, std::chrono::milliseconds timeout) {
    const auto deadline = later(Clock::now(), timeout);
    for (;;) {
        const std::size_t at = all_.find(text, seen_);
        found = at != std::string::npos;
        if (found || !read_some(deadline)) {
            const std::size_t end = found ? at + text.size() : all_.size();
            std::string fresh = all_.substr(seen_, end - seen_);
            seen_ = end;
            return fresh;
        }
    }
}

int Terminal::wait_exit(std::chrono::milliseconds timeout) {
    const auto deadline = later(Clock::now(), timeout);
    while (read_some(deadline)) {
    }
    const bool late = Clock::now() >= deadline;
    if (late) ::kill(pid_, SIGKILL);
    int raw = 0;
    ::waitpid(pid_, &raw, 0);
    pid_ = -1;
    return late ? -1 : to_status(raw);
}

}  // namespace distill::test
