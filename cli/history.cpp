#include "cli/history.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include "cli/atomic_file.h"
#include "cli/text_width.h"
#include "engine/error.h"

namespace distill {

namespace {

namespace fs = std::filesystem;

// Another chat holds the lock for a moment only; one that hangs must not hold up this one.
constexpr int kLockTries = 20;
constexpr auto kLockPause = std::chrono::milliseconds(10);

std::string escaped(std::string_view entry) {
    std::string line;
    for (const char c : entry) {
        if (c == '\n') {
            line += "\\n";
        } else if (c == '\\') {
            line += "\\\\";
        } else {
            line += c;
        }
    }
    return line;
}

std::string unescaped(std::string_view line) {
    std::string entry;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] != '\\' || i + 1 == line.size()) {
            entry += line[i];
            continue;
        }
        ++i;
        entry += line[i] == 'n' ? '\n' : line[i];
    }
    return entry;
}

class OpenFile {
  public:
    OpenFile() = default;
    explicit OpenFile(int fd) : fd_(fd) {}
    OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    OpenFile& operator=(OpenFile&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~OpenFile() {
        if (fd_ >= 0) ::close(fd_);
    }
    explicit operator bool() const { return fd_ >= 0; }
    int fd() const { return fd_; }

  private:
    int fd_ = -1;
};

// A regular file of that name, not what a link points to; a pipe must not keep us waiting either.
OpenFile open_regular(const std::string& path, int flags) {
    OpenFile file(::open(path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    struct stat info {};
    if (file && (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode))) return {};
    return file;
}

// The last `most` bytes, from the start of a line on.
std::string read_tail(int fd, std::size_t most) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return {};
    const auto size = static_cast<std::size_t>(std::max<off_t>(info.st_size, 0));
    std::size_t at = size - std::min(size, most);
    const bool cut = at > 0;
    std::string text;
    std::array<char, 65536> chunk;
    while (text.size() < most) {
        const ssize_t n = ::pread(fd, chunk.data(), std::min(chunk.size(), most - text.size()), static_cast<off_t>(at));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        text.append(chunk.data(), static_cast<std::size_t>(n));
        at += static_cast<std::size_t>(n);
    }
    if (cut) text.erase(0, std::min(text.find('\n'), text.size() - 1) + 1);
    return text;
}

// Opened for appending and locked against other chats. Whoever shortens the file puts a new one in its place, so the
// lock counts only if the name still means the file that was locked.
OpenFile open_locked(const std::string& path) {
    for (int i = 0; i < kLockTries; ++i) {
        OpenFile file = open_regular(path, O_RDWR | O_APPEND | O_CREAT);
        if (!file) return {};
        if (::flock(file.fd(), LOCK_EX | LOCK_NB) == 0) {
            struct stat locked {
            }, named{};
            if (::fstat(file.fd(), &locked) == 0 && ::lstat(path.c_str(), &named) == 0 &&
                locked.st_ino == named.st_ino && locked.st_dev == named.st_dev) {
                return file;
            }
        } else if (errno != EWOULDBLOCK && errno != EINTR) {
            return file;  // a file system without locks: appending in one piece must do
        }
        std::this_thread::sleep_for(kLockPause);
    }
    return {};
}

}  // namespace

std::string history_path(std::string_view state_home, std::string_view home) {
    if (state_home.starts_with('/')) return fmt::format("{}/distill/history", state_home);
    if (home.starts_with('/')) return fmt::format("{}/.local/state/distill/history", home);
    return {};
}

History::History(std::string path) : path_(std::move(path)) {
    if (!path_.empty()) load();
}

void History::load() {
    const OpenFile file = open_regular(path_, O_RDONLY);
    if (!file) return;
    const std::string text = read_tail(file.fd(), kMaxFile);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        // Others may have written here: nothing that could disturb a terminal gets in.
        std::string entry = clean_text(unescaped(std::string_view(text).substr(at, end - at)));
        if (!entry.empty()) entries_.push_back(std::move(entry));
        at = end + 1;
    }
    if (entries_.size() > kMaxEntries) entries_.erase(entries_.begin(), entries_.end() - kMaxEntries);
}

void History::add(std::string_view entry) {
    if (!enabled_ || entry.find_first_not_of(" \t\n") == std::string_view::npos) return;
    if (!entries_.empty() && entries_.back() == entry) return;
    entries_.emplace_back(entry);
    if (entries_.size() > kMaxEntries) entries_.erase(entries_.begin());
    if (!path_.empty() && entry.size() <= kMaxEntry) append(escaped(entry) + "\n");
}

void History::append(std::string_view line) {
    std::error_code ignored;
    const fs::path folder = fs::path(path_).parent_path();
    if (!fs::exists(folder, ignored)) {
        fs::create_directories(folder.parent_path(), ignored);
        ::mkdir(folder.c_str(), 0700);
    }
    const OpenFile file = open_locked(path_);
    if (!file) return;
    struct stat info {};
    if (::fstat(file.fd(), &info) != 0) return;
    if ((info.st_mode & 077) != 0) ::fchmod(file.fd(), 0600);
    if (static_cast<std::size_t>(info.st_size) + line.size() > kMaxFile) {
        const std::string kept = read_tail(file.fd(), kMaxFile / 2);
        try {
            const std::array<std::string_view, 2> parts = {kept, line};
            write_file_atomically(path_, parts);
        } catch (const Error&) {
        }
        return;
    }
    // One piece and one write: entries of several chats never mix. A piece cut by a full disk is dropped again.
    const ssize_t n = ::write(file.fd(), line.data(), line.size());
    if (n != static_cast<ssize_t>(line.size()) && n > 0) {
        [[maybe_unused]] const int cut = ::ftruncate(file.fd(), info.st_size);
    }
}

}  // namespace distill
