#include "cli/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/error.h"

namespace distill {

namespace {

[[noreturn]] void fail(const std::string& path, std::string_view doing, int code) {
    throw Error(path, fmt::format("cannot be written: {}: {}", doing, std::strerror(code)), std::nullopt,
                Status::failure);
}

// The file under its provisional name: closed and removed unless it was put in its place.
class TemporaryFile {
  public:
    TemporaryFile(const std::string& path, const std::string& folder)
        : path_(path), name_(folder + "/.distill-XXXXXX") {
        fd_ = ::mkostemp(name_.data(), O_CLOEXEC);
        if (fd_ < 0) fail(path_, "making a file in its folder failed", errno);
    }
    ~TemporaryFile() {
        if (fd_ >= 0) ::close(fd_);
        if (!name_.empty()) ::unlink(name_.c_str());
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
            if (n > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(n));
            } else if (n == 0 || errno != EINTR) {
                fail(path_, "writing failed", n == 0 ? ENOSPC : errno);
            }
        }
    }
    void permissions(mode_t mode) { ::fchmod(fd_, mode); }  // where that fails the file is private, which harms nobody
    void finish() {
        while (::fsync(fd_) != 0) {
            // Some file systems have nothing to flush and say so.
            if (errno == EINVAL || errno == ENOTSUP) break;
            if (errno != EINTR) fail(path_, "flushing failed", errno);
        }
        // After EINTR the descriptor is closed all the same.
        if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) fail(path_, "closing failed", errno);
        if (::rename(name_.c_str(), path_.c_str()) != 0) fail(path_, "renaming failed", errno);
        name_.clear();
    }

  private:
    const std::string& path_;
    std::string name_;
    int fd_ = -1;
};

// So that the new name outlives a loss of power. The file is whole either way: a folder that cannot be read or flushed
// is no reason to call it unwritten.
void flush_folder(const std::string& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    while (::fsync(fd) != 0 && errno == EINTR) {
    }
    ::close(fd);
}

}  // namespace

void write_file_atomically(const std::string& path, std::span<const std::string_view> parts) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    struct stat old {};
    const bool exists = ::lstat(path.c_str(), &old) == 0;
    // Renaming over a device or a pipe would do away with it.
    if (exists && !S_ISREG(old.st_mode) && !S_ISLNK(old.st_mode)) {
        throw Error(path, "cannot be written: it is no regular file", std::nullopt, Status::failure);
    }
    TemporaryFile file(path, folder);
    for (const std::string_view part : parts) file.write(part);
    if (exists && S_ISREG(old.st_mode)) file.permissions(old.st_mode & 0777);
    file.finish();
    flush_folder(folder);
}

}  // namespace distill
