#include "engine/gguf_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "engine/error.h"

static_assert(std::endian::native == std::endian::little, "GGUF fields are written as they lie in memory");

namespace distill {
namespace {

constexpr std::uint64_t kDefaultAlignment = 32;

std::uint64_t round_up(std::uint64_t n, std::uint64_t step) {
    return (n + step - 1) / step * step;
}

class Bytes {
  public:
    template <class T>
    void put(T value) {
        const auto* raw = reinterpret_cast<const std::byte*>(&value);
        data.insert(data.end(), raw, raw + sizeof value);
    }
    void text(std::string_view text) {
        put(std::uint64_t{text.size()});
        const auto raw = std::as_bytes(std::span(text));
        data.insert(data.end(), raw.begin(), raw.end());
    }
    std::vector<std::byte> data;
};

}  // namespace

GgufWriter::GgufWriter(std::string path) : path_(std::move(path)), part_(path_ + ".part") {}

GgufWriter::~GgufWriter() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(part_.c_str());
}

void GgufWriter::fail(std::string_view what) const {
    throw Error(part_, fmt::format("{}: {}", what, std::strerror(errno)), std::nullopt, Status::failure);
}

void GgufWriter::put(Key key) {
    const auto same = std::find_if(keys_.begin(), keys_.end(), [&](const Key& k) { return k.name == key.name; });
    if (same != keys_.end())
        *same = std::move(key);
    else
        keys_.push_back(std::move(key));
}

void GgufWriter::put(const Value& value) {
    put(Key{std::string(value.key), value.type, value.element, value.count, {value.bytes.begin(), value.bytes.end()}});
}

void GgufWriter::put(std::string_view key, std::uint32_t value) {
    Bytes bytes;
    bytes.put(value);
    put(Key{std::string(key), ValueType::u32, ValueType::u32, 1, std::move(bytes.data)});
}

// The metadata came through Gguf, which checked it: a power of two of an integer type.
std::uint64_t GgufWriter::alignment() const {
    for (const Key& key : keys_) {
        if (key.name != "general.alignment") continue;
        std::uint64_t value = 0;
        std::memcpy(&value, key.bytes.data(), std::min(key.bytes.size(), sizeof value));
        if (std::has_single_bit(value)) return value;
    }
    return kDefaultAlignment;
}

void GgufWriter::add_tensor(std::string_view name, std::span<const std::uint64_t> shape, const Format& format) {
    Entry entry{std::string(name), {shape.begin(), shape.end()}, &format, 0, 0};
    std::uint64_t rows = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) rows *= shape[i];
    entry.bytes = rows * format.row_bytes(shape[0]);
    if (!tensors_.empty()) entry.offset = round_up(tensors_.back().offset + tensors_.back().bytes, alignment());
    tensors_.push_back(std::move(entry));
}

std::vector<std::byte> GgufWriter::head() const {
    Bytes out;
    for (const char c : {'G', 'G', 'U', 'F'}) out.put(c);
    out.put(std::uint32_t{3});
    out.put(std::uint64_t{tensors_.size()});
    out.put(std::uint64_t{keys_.size()});
    for (const Key& key : keys_) {
        out.text(key.name);
        out.put(static_cast<std::uint32_t>(key.type));
        if (key.type == ValueType::array) {
            out.put(static_cast<std::uint32_t>(key.element));
            out.put(key.count);
        }
        out.data.insert(out.data.end(), key.bytes.begin(), key.bytes.end());
    }
    for (const Entry& tensor : tensors_) {
        out.text(tensor.name);
        out.put(static_cast<std::uint32_t>(tensor.shape.size()));
        for (const std::uint64_t dim : tensor.shape) out.put(dim);
        out.put(static_cast<std::uint32_t>(tensor.format->id));
        out.put(tensor.offset);
    }
    out.data.resize(round_up(out.data.size(), alignment()));
    return std::move(out.data);
}

std::uint64_t GgufWriter::file_bytes() const {
    const std::uint64_t data = tensors_.empty() ? 0 : tensors_.back().offset + tensors_.back().bytes;
    return head().size() + round_up(data, alignment());
}

void GgufWriter::open() {
    assert(fd_ < 0);
    fd_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd_ < 0) fail("cannot be written");
    write_raw(head());
}

void GgufWriter::write_raw(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) fail("writing failed");
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

void GgufWriter::write(std::span<const std::byte> data) {
    while (!data.empty()) {
        assert(current_ < tensors_.size());
        const Entry& tensor = tensors_[current_];
        const std::uint64_t n = std::min<std::uint64_t>(data.size(), tensor.bytes - done_);
        write_raw(data.first(n));
        data = data.subspan(n);
        done_ += n;
        if (done_ < tensor.bytes) return;
        // The next tensor starts aligned, and so does the end of the file.
        const std::uint64_t end = tensor.offset + tensor.bytes;
        write_raw(std::vector<std::byte>(round_up(end, alignment()) - end));
        ++current_;
        done_ = 0;
    }
}

void GgufWriter::finish() {
    assert(current_ == tensors_.size());
    if (::fsync(fd_) != 0) fail("writing to the disk failed");
    if (::rename(part_.c_str(), path_.c_str()) != 0) fail("cannot take its final name");
    if (::close(std::exchange(fd_, -1)) != 0) fail("writing failed");
    // The new name as well; where a folder cannot be opened or synced the file is whole all the same.
    const std::size_t slash = path_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    [[maybe_unused]] const int ignored = ::fsync(fd);
    ::close(fd);
}

}  // namespace distill
