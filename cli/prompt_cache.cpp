#include "cli/prompt_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "cli/atomic_file.h"
#include "cli/version.h"
#include "engine/error.h"
#include "engine/gguf.h"
#include "quant/kernels/kernels.h"
#include "tokenizer/hash.h"

namespace distill {

namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 8> kMagic = {'D', 'S', 'T', 'L', 'K', 'V', '0', '1'};
constexpr std::string_view kPageSuffix = ".page";
// What a writer that was killed leaves in the folder, and when it cannot be at work any more.
constexpr std::string_view kTemporaryPrefix = ".distill-";
constexpr auto kTemporaryAge = std::chrono::hours(1);
// Of each tensor's data that tells two model files apart.
constexpr std::size_t kSample = 64;

class File {
  public:
    explicit File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK)) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    bool is_open() const { return fd_ >= 0; }
    // Bytes of a regular file.
    std::optional<std::uint64_t> size() const {
        struct stat status {};
        if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
        return static_cast<std::uint64_t>(status.st_size);
    }
    // False where the file ends before.
    bool read(std::span<std::byte> bytes) const {
        while (!bytes.empty()) {
            const ssize_t n = ::read(fd_, bytes.data(), bytes.size());
            if (n > 0) {
                bytes = bytes.subspan(static_cast<std::size_t>(n));
            } else if (n == 0 || errno != EINTR) {
                return false;
            }
        }
        return true;
    }
    void rewind() const { ::lseek(fd_, 0, SEEK_SET); }
    // now: the same for all pages of a prompt. The later one stands in it, the longer ago it counts as used: what gives
    // way first is the end of a prompt, because a page is worth nothing without those before it.
    void mark_used(std::chrono::system_clock::time_point now, std::size_t page) const {
        const auto since_epoch = now.time_since_epoch() - page * std::chrono::milliseconds(1);
        const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
        std::array<timespec, 2> times{};
        times[0].tv_nsec = UTIME_OMIT;
        times[1].tv_sec = static_cast<time_t>(seconds.count());
        times[1].tv_nsec = static_cast<long>(std::chrono::nanoseconds(since_epoch - seconds).count());
        ::futimens(fd_, times.data());  // a cache that may only be read is used all the same
    }

  private:
    int fd_;
};

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Hash {
  public:
    void add(std::string_view bytes) {
        for (std::uint64_t& word : words_) word = hash_bytes(bytes, word);
    }
    void add(std::uint64_t number) { add(as_text(std::as_bytes(std::span(&number, 1)))); }
    void add_status(const char* path) {
        struct stat status {};
        if (::stat(path, &status) != 0) return;  // the built-in model is no file; the program stands for it
        for (const auto number :
             {static_cast<std::uint64_t>(status.st_size), static_cast<std::uint64_t>(status.st_ino),
              static_cast<std::uint64_t>(status.st_mtim.tv_sec), static_cast<std::uint64_t>(status.st_mtim.tv_nsec)}) {
            add(number);
        }
    }
    std::array<std::uint64_t, 2> words() const { return words_; }

  private:
    std::array<std::uint64_t, 2> words_ = {0x243f6a8885a308d3u, 0x13198a2e03707344u};  // digits of pi: any two do
};

// Of everything that the numbers in a page depend on, but the tokens.
Hash origin_of(const Engine& engine, const Sequence& sequence) {
    Hash hash;
    hash.add(kVersion);
    hash.add_status("/proc/self/exe");  // another build may compute other bits
    hash.add(engine.kernels().name);
    hash.add(sequence.page_layout());
    hash.add(sequence.page_bytes());
    const Gguf& file = engine.file();
    hash.add_status(file.path().c_str());
    hash.add(file.file_bytes());
    for (const Value& value : file.values()) {
        hash.add(value.key);
        hash.add(as_text(value.bytes));
    }
    for (const Tensor& tensor : file.tensors()) {
        hash.add(tensor.name);
        hash.add(tensor.format->name);
        for (const std::uint64_t n : tensor.shape) hash.add(n);
        const std::size_t n = std::min(tensor.data.size(), kSample);
        hash.add(as_text(tensor.data.first(n)));
        hash.add(as_text(tensor.data.last(n)));
    }
    return hash;
}

// One for each whole page of the prompt. At least one token is left over: its logits start the answer.
std::vector<std::array<std::uint64_t, 2>> keys_of(std::span<const TokenId> prompt, Hash hash) {
    std::vector<std::array<std::uint64_t, 2>> keys;
    for (std::size_t end = kPromptPageTokens; end < prompt.size(); end += kPromptPageTokens) {
        hash.add(as_text(std::as_bytes(prompt.subspan(end - kPromptPageTokens, kPromptPageTokens))));
        keys.push_back(hash.words());
    }
    return keys;
}

}  // namespace

// What stands in front of a page's bytes.
struct PromptCache::Record {
    std::array<char, 8> magic = kMagic;
    Key key{};
    std::uint64_t page_bytes = 0;
    std::uint64_t checksum = 0;  // of all that follows it, the page included
    std::array<TokenId, kPromptPageTokens> tokens{};

    std::uint64_t checksum_of(std::span<const std::byte> page) const {
        const std::uint64_t seed = hash_bytes(as_text(std::as_bytes(std::span(tokens))), key[0]);
        return hash_bytes(as_text(page), seed);
    }
    std::string_view bytes() const { return as_text(std::as_bytes(std::span(this, 1))); }
    // Reads one from a file's next bytes; true if it is exactly the wanted one. Then the page's bytes come next.
    static bool read(const File& file, const Record& wanted, Record& found) {
        if (!file.read(std::as_writable_bytes(std::span(&found, 1)))) return false;
        return found.magic == kMagic && found.key == wanted.key && found.page_bytes == wanted.page_bytes &&
               found.tokens == wanted.tokens;
    }
};

CachePlace cache_place(const CacheFlags& flags) {
    CachePlace place{.file = flags.file, .folder = {}, .limit = static_cast<std::uint64_t>(flags.limit_mib) << 20};
    if (flags.off || !flags.file.empty() || flags.limit_mib == 0) return place;
    // A relative path is to be ignored, says the XDG specification.
    const char* cache = std::getenv("XDG_CACHE_HOME");
    const char* home = std::getenv("HOME");
    if (cache != nullptr && cache[0] == '/') {
        place.folder = std::string(cache) + "/distill/prompts";
    } else if (home != nullptr && home[0] == '/') {
        place.folder = std::string(home) + "/.cache/distill/prompts";
    }
    return place;
}

PromptCache::PromptCache(const Engine& engine, CachePlace place) : engine_(engine), place_(std::move(place)) {}

PromptCache::~PromptCache() {
    stop_ = true;
    if (writer_.joinable()) writer_.join();
}

std::string PromptCache::page_path(const Key& key) const {
    return fmt::format("{}/{:016x}{:016x}{}", place_.folder, key[0], key[1], kPageSuffix);
}

std::size_t PromptCache::restore(Sequence& sequence, std::span<const TokenId> prompt) {
    assert(sequence.length() == 0);
    restored_ = 0;
    if (prompt.size() >= static_cast<std::size_t>(sequence.n_ctx())) return 0;  // whoever reads it will refuse it
    if (place_.file.empty() && (place_.folder.empty() || prompt.size() < kMinTokens)) return 0;
    keys_ = keys_of(prompt, origin_of(engine_, sequence));

    Record wanted, found;
    wanted.page_bytes = sequence.page_bytes();
    // Takes the next page from the place where the file is read.
    const auto take = [&](const File& file) {
        const auto tokens = prompt.subspan(restored_ * kPromptPageTokens, kPromptPageTokens);
        wanted.key = keys_[restored_];
        std::copy(tokens.begin(), tokens.end(), wanted.tokens.begin());
        return Record::read(file, wanted, found) && sequence.restore_page(tokens, [&](std::span<std::byte> page) {
            return file.read(page) && found.checksum == found.checksum_of(page);
        });
    };
    if (!place_.file.empty()) {
        const File file(place_.file, O_RDONLY);
        if (!file.is_open() && errno == ENOENT) return 0;
        const std::optional<std::uint64_t> size = file.is_open() ? file.size() : std::nullopt;
        if (!size) {
            throw Error(place_.file,
                        file.is_open() ? "is no regular file: --prompt-cache takes one"
                                       : fmt::format("cannot be opened: {}", std::strerror(errno)),
                        std::nullopt, Status::usage);
        }
        std::array<char, kMagic.size()> magic{};
        const bool ours = file.read(std::as_writable_bytes(std::span(magic))) && magic == kMagic;
        if (*size > 0 && !ours) {
            throw Error(place_.file, "is no prompt cache and would be written over: give --prompt-cache another name",
                        std::nullopt, Status::usage);
        }
        file.rewind();
        file_pages_ = static_cast<std::size_t>(*size / (sizeof(Record) + wanted.page_bytes));
        while (restored_ < keys_.size() && take(file)) ++restored_;
    } else {
        const auto now = std::chrono::system_clock::now();
        while (restored_ < keys_.size()) {
            const File file(page_path(keys_[restored_]), O_RDONLY | O_NOFOLLOW);
            if (!file.is_open() || file.size() != sizeof(Record) + wanted.page_bytes || !take(file)) break;
            file.mark_used(now, restored_++);
        }
    }
    return restored_ * kPromptPageTokens;
}

void PromptCache::store(const Sequence& sequence, std::span<const TokenId> prompt) {
    const std::size_t n_new = keys_.size() - restored_;
    if (writer_.joinable() || n_new == 0) return;
    if (!place_.file.empty()) {
        // The file is for what prompts begin with, not for the one that came last: it changes where the prompt goes on
        // behind its end, or shares little with it.
        if (restored_ < file_pages_ && 2 * restored_ >= keys_.size()) return;
    } else if (n_new * kPromptPageTokens < kMinTokens) {
        return;
    }
    assert(sequence.length() >= static_cast<int>(keys_.size() * kPromptPageTokens));
    std::vector<std::span<const std::byte>> pages;
    for (std::size_t i = 0; i < keys_.size(); ++i) pages.push_back(sequence.page(i));
    std::vector<TokenId> tokens(prompt.begin(), prompt.end());
    writer_ = std::thread([this, pages = std::move(pages), tokens = std::move(tokens)] {
        try {
            write(pages, tokens);
        } catch (const std::exception& e) {
            stored_.problem = e.what();
        }
    });
}

PromptCache::Stored PromptCache::finish() {
    if (writer_.joinable()) writer_.join();
    return stored_;
}

void PromptCache::write(std::span<const std::span<const std::byte>> pages, std::span<const TokenId> tokens) {
    const bool one_file = !place_.file.empty();
    std::vector<Record> records(pages.size());
    for (std::size_t i = one_file ? 0 : restored_; i < pages.size() && !stop_; ++i) {
        Record& record = records[i];
        record.key = keys_[i];
        record.page_bytes = pages[i].size();
        const auto own = tokens.subspan(i * kPromptPageTokens, kPromptPageTokens);
        std::copy(own.begin(), own.end(), record.tokens.begin());
        record.checksum = record.checksum_of(pages[i]);
    }
    if (stop_) return;
    if (one_file) {
        write_file(records, pages);
    } else {
        write_folder(records, pages);
    }
}

void PromptCache::write_file(std::span<const Record> records, std::span<const std::span<const std::byte>> pages) {
    std::vector<std::string_view> parts;
    for (std::size_t i = 0; i < pages.size(); ++i) {
        parts.push_back(records[i].bytes());
        parts.push_back(as_text(pages[i]));
        stored_.bytes += parts[2 * i].size() + parts[2 * i + 1].size();
    }
    write_file_atomically(place_.file, parts);
    stored_.pages = pages.size();
}

void PromptCache::write_folder(std::span<const Record> records, std::span<const std::span<const std::byte>> pages) {
    // Prompts are private, and so is the folder made for them.
    const fs::path folder = place_.folder;
    fs::create_directories(folder.parent_path());
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        throw Error(place_.folder, fmt::format("cannot be made: {}", std::strerror(errno)), std::nullopt,
                    Status::failure);
    }
    const std::uint64_t each = sizeof(Record) + pages[0].size();
    const std::size_t end = std::min<std::size_t>(pages.size(), place_.limit / each);
    if (end <= restored_) return;
    if (fs::space(folder).available / 2 < (end - restored_) * each) {
        throw Error(place_.folder, "the disk is nearly full: nothing is cached", std::nullopt, Status::failure);
    }
    const auto now = std::chrono::system_clock::now();
    for (std::size_t i = restored_; i < end && !stop_; ++i) {
        const std::string path = page_path(records[i].key);
        const std::string_view parts[] = {records[i].bytes(), as_text(pages[i])};
        write_file_atomically(path, parts);
        if (const File file(path, O_RDONLY | O_NOFOLLOW); file.is_open()) file.mark_used(now, i);
        ++stored_.pages;
        stored_.bytes += each;
    }
    trim_cache_folder(place_.folder, place_.limit);
}

void trim_cache_folder(const std::string& folder, std::uint64_t limit) {
    struct Page {
        fs::file_time_type used;
        std::uint64_t size;
        fs::path path;
    };
    std::vector<Page> pages;
    std::uint64_t total = 0;
    std::error_code error;  // of a file that another process has removed: that is what was wanted
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        std::error_code gone;
        const std::string name = entry->path().filename().string();
        const auto used = entry->last_write_time(gone);
        const std::uint64_t size = entry->file_size(gone);
        if (gone) continue;
        if (name.ends_with(kPageSuffix)) {
            pages.push_back({used, size, entry->path()});
            total += size;
        } else if (name.starts_with(kTemporaryPrefix) && fs::file_time_type::clock::now() - used > kTemporaryAge) {
            fs::remove(entry->path(), gone);
        }
    }
    if (total <= limit) return;
    std::sort(pages.begin(), pages.end(), [](const Page& a, const Page& b) { return a.used < b.used; });
    for (const Page& page : pages) {
        if (total <= limit) break;
        fs::remove(page.path, error);
        total -= page.size;
    }
}

}  // namespace distill
