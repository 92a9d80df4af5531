#include "cli/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/signals.h"
#include "engine/error.h"

namespace distill {

namespace {

// More text than any context holds, and little enough to keep twice. Only a mistake (a pipe from /dev/zero) goes
// beyond.
constexpr std::size_t kMaxPromptBytes = std::size_t{256} << 20;

std::string read_all(int fd, const std::string& name) {
    std::string text;
    std::array<char, 65536> chunk;
    for (;;) {
        if (!wait_for_input(fd, 0)) throw Error("interrupted", Status::interrupted);
        const ssize_t n = ::read(fd, chunk.data(), chunk.size());
        if (n == 0) return text;
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno == EBADF || errno == EIO) return text;  // closed, or a terminal that is gone
            throw Error(name, fmt::format("cannot be read: {}", std::strerror(errno)), std::nullopt, Status::usage);
        }
        text.append(chunk.data(), static_cast<std::size_t>(n));
        if (text.size() > kMaxPromptBytes) {
            throw Error(name, fmt::format("a prompt may have {} MiB at most", kMaxPromptBytes >> 20), std::nullopt,
                        Status::usage);
        }
    }
}

}  // namespace

std::string read_stdin() {
    return read_all(STDIN_FILENO, "stdin");
}

std::string read_text_file(const std::string& path) {
    if (path == "-") return read_stdin();
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        throw Error(path, fmt::format("cannot be opened: {}", std::strerror(errno)), std::nullopt, Status::usage);
    }
    struct Closer {
        int fd;
        ~Closer() { ::close(fd); }
    } closer{fd};
    return read_all(fd, path);
}

std::string without_last_newline(std::string text) {
    if (!text.empty() && text.back() == '\n') text.pop_back();
    if (!text.empty() && text.back() == '\r') text.pop_back();
    return text;
}

LineReader::Result LineReader::read(std::string& line, int seen) {
    for (;;) {
        const std::size_t newline = buffer_.find('\n');
        if (newline != std::string::npos) {
            line = without_last_newline(buffer_.substr(0, newline + 1));
            buffer_.erase(0, newline + 1);
            return Result::line;
        }
        std::array<char, 4096> chunk;
        if (!wait_for_input(STDIN_FILENO, seen)) {
            buffer_.clear();
            return Result::interrupted;
        }
        const ssize_t n = ::read(STDIN_FILENO, chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR) continue;  // a window that changed its size, say
        if (n <= 0) {
            if (buffer_.empty()) return Result::end;
            line = std::exchange(buffer_, {});
            return Result::line;
        }
        buffer_.append(chunk.data(), static_cast<std::size_t>(n));
    }
}

}  // namespace distill
