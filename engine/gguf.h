// The GGUF container: maps the file(s), checks and indexes metadata and tensor directory. Knows nothing about
// transformers. After open() returns, every string and tensor lies inside its mapping and every number was
// range-checked. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quant/formats.h"

namespace distill {

enum class ValueType : std::uint32_t {
    u8 = 0,
    i8 = 1,
    u16 = 2,
    i16 = 3,
    u32 = 4,
    i32 = 5,
    f32 = 6,
    boolean = 7,
    string = 8,
    array = 9,
    u64 = 10,
    i64 = 11,
    f64 = 12
};
std::string_view name_of(ValueType type);

// One metadata entry, still in file bytes. Accessors convert; they throw Error{bad_model} that names file and key.
struct Value {
    std::string_view key;
    ValueType type;                    // array: `element` and `count` say what it holds
    ValueType element;                 // = type for a scalar
    std::uint64_t count;               // elements; 1 for a scalar
    std::span<const std::byte> bytes;  // raw payload (strings: each a u64 length and its bytes)
    std::uint64_t offset;              // of the payload in the file
};

struct Tensor {
    std::string_view name;
    const Format* format;                // row of the formats table; null only for UnsupportedTypes::keep
    std::uint32_t type;                  // the file's type id, for messages about a type that is not supported
    std::array<std::uint64_t, 4> shape;  // shape[0] = columns (contiguous), shape[1] = rows, ...; unused ones are 1
    int n_dims;
    std::uint64_t offset;             // of the data in its file
    std::uint64_t entry_offset;       // of its directory entry in its file: what an Error about its shape points at
    std::span<const std::byte> data;  // inside the mapping; size = bytes of all elements
    int part;                         // which file of a split model, from 0

    std::uint64_t columns() const { return shape[0]; }
    std::uint64_t rows() const { return shape[1] * shape[2] * shape[3]; }
};

// What to do about a tensor whose type is not in the formats table.
enum class UnsupportedTypes {
    refuse,  // Error naming the type
    keep,    // for `info`: format is null, data reaches to the next tensor because the true size is not known
};

class Gguf {
  public:
    // Opens a file, or all parts of a split model when given any name "...-0000K-of-0000N.gguf". Throws
    // Error{bad_model} that names the file, key or tensor, and the byte. Never blocks on a FIFO or device.
    static Gguf open(const std::string& path, UnsupportedTypes unsupported = UnsupportedTypes::refuse);
    // The same for a model that is already in memory, not split. `bytes` must outlive the result and every move of it.
    static Gguf parse(std::span<const std::byte> bytes, const std::string& name,
                      UnsupportedTypes unsupported = UnsupportedTypes::refuse);

    Gguf(Gguf&&) noexcept;
    Gguf& operator=(Gguf&&) noexcept;
    ~Gguf();

    const std::string& path() const;  // as given
    std::uint32_t version() const;
    std::uint64_t file_bytes() const;  // of all parts together
    int n_parts() const;
    std::span<const Value> values() const;  // metadata of the first part, in file order
    std::span<const Tensor> tensors() const;

    const Value* find(std::string_view key) const;           // null if absent
    const Tensor* find_tensor(std::string_view name) const;  // null if absent

    // Typed look-ups. An absent key gives nullopt; a present one of an unfitting type or range throws with key and
    // offset. Any integer type converts to any other that holds the value.
    std::optional<std::uint64_t> find_uint(std::string_view key) const;
    std::optional<std::int64_t> find_int(std::string_view key) const;
    std::optional<double> find_float(std::string_view key) const;  // f32, f64, or any integer
    std::optional<bool> find_bool(std::string_view key) const;
    std::optional<std::string_view> find_string(std::string_view key) const;
    std::optional<std::vector<std::string_view>> find_strings(std::string_view key) const;  // views into the mapping
    std::optional<std::vector<float>> find_floats(std::string_view key) const;
    std::optional<std::vector<std::int32_t>> find_ints(std::string_view key) const;  // any integer element type

    // Tells the kernel that the pages wholly inside `bytes` (of this mapping) are no longer needed in memory.
    void release(std::span<const std::byte> bytes) const;

  private:
    struct Impl;
    explicit Gguf(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace distill
