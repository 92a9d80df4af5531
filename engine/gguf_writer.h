// Writes a GGUF file (version 3, little-endian): metadata, tensor directory, then the tensors' data in the same order.
// All goes to PATH.part, which takes the place of PATH only when it is complete and on the disk: nobody ever sees half
// a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gguf.h"

namespace distill {

class GgufWriter {
  public:
    explicit GgufWriter(std::string path);  // nothing is opened yet
    ~GgufWriter();                          // removes PATH.part unless finish() was reached
    GgufWriter(const GgufWriter&) = delete;
    GgufWriter& operator=(const GgufWriter&) = delete;

    // Metadata, in the order of the calls; a key given twice keeps its first place and its last value.
    void put(const Value& value);  // as it lies in its file, bit for bit
    void put(std::string_view key, std::uint32_t value);

    void add_tensor(std::string_view name, std::span<const std::uint64_t> shape, const Format& format);

    std::uint64_t file_bytes() const;  // of the finished file

    // All of these throw Error{failure} naming the file.
    void open();                                  // makes PATH.part and writes everything in front of the data
    void write(std::span<const std::byte> data);  // the next bytes of the tensors, cut anywhere
    void finish();                                // every tensor must be complete

  private:
    struct Key {
        std::string name;
        ValueType type;
        ValueType element;
        std::uint64_t count;
        std::vector<std::byte> bytes;
    };
    struct Entry {
        std::string name;
        std::vector<std::uint64_t> shape;
        const Format* format;
        std::uint64_t bytes, offset;
    };
    void put(Key key);
    std::uint64_t alignment() const;
    std::vector<std::byte> head() const;
    void write_raw(std::span<const std::byte> bytes);
    [[noreturn]] void fail(std::string_view what) const;

    std::string path_, part_;
    std::vector<Key> keys_;
    std::vector<Entry> tensors_;
    int fd_ = -1;
    std::size_t current_ = 0;  // tensor being written
    std::uint64_t done_ = 0;   // bytes of it
};

}  // namespace distill
