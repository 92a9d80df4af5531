// Reads the GGUF container. Nothing in the file is believed: every count is compared with the bytes that are left
// before it is used, every sum and product is overflow-checked, and nothing recurses. Strings are walked over, never
// copied, so opening a model with 150,000 tokens costs a millisecond or two.
#include "engine/gguf.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/error.h"
#include "engine/limits.h"

static_assert(std::endian::native == std::endian::little, "GGUF fields are read as they lie in the file");

namespace distill {
namespace {

constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;             // name length, name, type, smallest value
constexpr std::uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;  // name length, name, dims, one shape, type, offset

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Fields of a file stand at any address.
template <class T>
T load(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

// Bytes of one element in the file; for strings and arrays the least that one can take. 0: no such type.
std::uint64_t element_bytes(ValueType type) {
    switch (type) {
        case ValueType::u8:
        case ValueType::i8:
        case ValueType::boolean:
            return 1;
        case ValueType::u16:
        case ValueType::i16:
            return 2;
        case ValueType::u32:
        case ValueType::i32:
        case ValueType::f32:
            return 4;
        case ValueType::u64:
        case ValueType::i64:
        case ValueType::f64:
        case ValueType::string:
            return 8;
        case ValueType::array:
            return 12;
    }
    return 0;
}

// The bytes of one file, unmapped at the end; or bytes of somebody else's, which are left alone.
class Mapping {
  public:
    explicit Mapping(std::span<const std::byte> borrowed) : bytes_(borrowed) {}
    Mapping(Mapping&& other) noexcept
        : bytes_(std::exchange(other.bytes_, {})), owned_(std::exchange(other.owned_, false)) {}
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    Mapping& operator=(Mapping&&) = delete;
    ~Mapping() {
        if (owned_) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
    }

    static Mapping of_file(const std::string& path);

    std::span<const std::byte> bytes() const { return bytes_; }
    bool owned() const { return owned_; }

  private:
    std::span<const std::byte> bytes_;
    bool owned_ = false;
};

struct FileDescriptor {
    int fd;
    ~FileDescriptor() {
        if (fd >= 0) ::close(fd);
    }
};

[[noreturn]] void refuse(std::string_view where, std::string_view what, std::optional<std::uint64_t> offset = {}) {
    throw Error{where, what, offset, Status::bad_model};
}

Mapping Mapping::of_file(const std::string& path) {
    // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. It changes nothing for regular files.
    const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    if (file.fd < 0) refuse(path, fmt::format("cannot be opened: {}", std::strerror(errno)));

    struct stat status {};
    if (::fstat(file.fd, &status) != 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (S_ISDIR(status.st_mode)) refuse(path, "is a directory; a GGUF file is needed");
    if (S_ISFIFO(status.st_mode)) refuse(path, "is a pipe; a model is mapped into memory and must be a regular file");
    if (!S_ISREG(status.st_mode)) refuse(path, "is not a regular file; a GGUF file is needed");
    if (status.st_size == 0) refuse(path, "is empty; download it again");

    const auto size = static_cast<std::size_t>(status.st_size);
    void* base = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (base == MAP_FAILED) {
        const int reason = errno;
        throw Error{path, fmt::format("cannot be mapped into memory: {}", std::strerror(reason)), std::nullopt,
                    reason == ENOMEM ? Status::failure : Status::bad_model};
    }
    Mapping mapping{std::span{static_cast<const std::byte*>(base), size}};
    mapping.owned_ = true;
    return mapping;
}

// A cursor over one file. `where_` is the key or tensor being read, so that each error can name it.
class Reader {
  public:
    Reader(const std::string& path, std::span<const std::byte> bytes) : path_(path), where_(path), bytes_(bytes) {}

    std::uint64_t position() const { return position_; }
    std::uint64_t left() const { return bytes_.size() - position_; }

    void at_file() { where_ = path_; }
    void at_metadata_key(std::string_view name) { where_ = at_key(path_, name); }
    void at_tensor_entry(std::string_view name) { where_ = at_tensor(path_, name); }

    [[noreturn]] void fail(std::string_view what, std::uint64_t offset) const { refuse(where_, what, offset); }

    std::span<const std::byte> take(std::uint64_t n, std::string_view what) {
        if (n > left()) cut_short(n, what);
        const auto bytes = bytes_.subspan(position_, n);
        position_ += n;
        return bytes;
    }

    template <class T>
    T read(std::string_view what) {
        return load<T>(take(sizeof(T), what).data());
    }

    // A length and as many bytes, walked over.
    std::string_view string(std::string_view what) {
        const std::uint64_t start = position_;
        const auto length = read<std::uint64_t>(what);
        if (length > left()) {
            fail(fmt::format("{} of {} bytes runs past the end of the file, {}", what, length, bytes_.size()), start);
        }
        return as_text(take(length, what));
    }

    // The name of a key or tensor.
    std::string_view name(std::string_view what) {
        const std::uint64_t start = position_;
        const std::string_view text = string(what);
        if (text.empty()) fail(fmt::format("{} is empty", what), start);
        if (text.size() > kMaxNameBytes) {
            fail(fmt::format("{} has {} bytes, more than {}", what, text.size(), kMaxNameBytes), start);
        }
        const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
        if (std::any_of(text.begin(), text.end(), is_control)) {
            fail(fmt::format("{} '{}' holds control bytes", what, printable(text)), start);
        }
        return text;
    }

    ValueType value_type(std::string_view what) {
        const std::uint64_t start = position_;
        const auto type = static_cast<ValueType>(read<std::uint32_t>(what));
        if (element_bytes(type) == 0) {
            fail(fmt::format("{} {} is not known; 0 to 12 are", what, static_cast<std::uint32_t>(type)), start);
        }
        return type;
    }

    // Type and count of an array, the count checked against the bytes that are there.
    std::pair<ValueType, std::uint64_t> array_header() {
        const ValueType element = value_type("array element type");
        const std::uint64_t start = position_;
        const auto count = read<std::uint64_t>("array length");
        if (count > left() / element_bytes(element)) {
            fail(fmt::format("array of {} x {} runs past the end of the file, {}", count, name_of(element),
                             bytes_.size()),
                 start);
        }
        return {element, count};
    }

    // Moves over the elements of an array whose header was just read.
    void skip_elements(ValueType element, std::uint64_t count) {
        struct Level {
            ValueType element;
            std::uint64_t left;
        };
        std::array<Level, kMaxArrayNesting> open;  // in place of recursion
        open[0] = {element, count};
        int depth = 1;
        while (depth > 0) {
            Level& level = open[static_cast<std::size_t>(depth - 1)];
            if (level.element == ValueType::string) {
                for (; level.left > 0; --level.left) string("string in an array");
            } else if (level.element != ValueType::array) {
                take(level.left * element_bytes(level.element), "array");  // cannot wrap: compared with the file's size
                level.left = 0;
            }
            if (level.left == 0) {
                --depth;
                continue;
            }
            --level.left;
            const std::uint64_t start = position_;
            const auto [inner, inner_count] = array_header();
            if (depth == kMaxArrayNesting) fail(fmt::format("arrays nest deeper than {}", kMaxArrayNesting), start);
            open[static_cast<std::size_t>(depth++)] = {inner, inner_count};
        }
    }

  private:
    [[noreturn]] void cut_short(std::uint64_t n, std::string_view what) const {
        fail(fmt::format("the file ends after {} bytes, but {} needs {} more; it is cut short, download it again",
                         bytes_.size(), what, n - left()),
             position_);
    }

    const std::string& path_;
    std::string where_;
    std::span<const std::byte> bytes_;
    std::uint64_t position_ = 0;
};

// Indices of `items` by name. Sorted instead of hashed: a hostile file cannot choose names that collide, and equal
// names end up side by side.
template <class Item, class Name>
std::vector<std::uint32_t> sorted_by_name(const std::vector<Item>& items, Name name) {
    std::vector<std::uint32_t> order(items.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        const int by_name = name(items[a]).compare(name(items[b]));
        return by_name != 0 ? by_name < 0 : a < b;
    });
    return order;
}

template <class Item, class Name>
const Item* find_by_name(const std::vector<Item>& items, const std::vector<std::uint32_t>& order,
                         std::string_view wanted, Name name) {
    const auto found = std::lower_bound(order.begin(), order.end(), wanted,
                                        [&](std::uint32_t i, std::string_view w) { return name(items[i]) < w; });
    return found != order.end() && name(items[*found]) == wanted ? &items[*found] : nullptr;
}

std::string_view key_of(const Value& value) {
    return value.key;
}
std::string_view name_of_tensor(const Tensor& tensor) {
    return tensor.name;
}

// Metadata with its index; `path` is the file that errors name.
struct Metadata {
    std::string path;
    std::vector<Value> values;
    std::vector<std::uint32_t> order;

    const Value* find(std::string_view key) const { return find_by_name(values, order, key, key_of); }
    std::optional<std::uint64_t> find_uint(std::string_view key) const;
};

// --- conversions -----------------------------------------------------------------------------------------------------

[[noreturn]] void unfitting(const std::string& path, const Value& value, std::string_view wanted) {
    const std::string found = value.type == ValueType::array ? fmt::format("array of {}", name_of(value.element))
                                                             : std::string{name_of(value.type)};
    refuse(at_key(path, value.key), fmt::format("holds {}, expected {}", found, wanted), value.offset);
}

// An integer of any type as its bits and whether they mean a negative number; nullopt if the type is no integer.
struct Integer {
    bool negative;
    std::uint64_t bits;  // two's complement

    std::string text() const {
        return negative ? fmt::format("{}", static_cast<std::int64_t>(bits)) : fmt::format("{}", bits);
    }
};

std::optional<Integer> integer_at(ValueType type, const std::byte* at) {
    const auto from_signed = [](std::int64_t v) { return Integer{v < 0, static_cast<std::uint64_t>(v)}; };
    switch (type) {
        case ValueType::u8:
            return Integer{false, load<std::uint8_t>(at)};
        case ValueType::u16:
            return Integer{false, load<std::uint16_t>(at)};
        case ValueType::u32:
            return Integer{false, load<std::uint32_t>(at)};
        case ValueType::u64:
            return Integer{false, load<std::uint64_t>(at)};
        case ValueType::i8:
            return from_signed(load<std::int8_t>(at));
        case ValueType::i16:
            return from_signed(load<std::int16_t>(at));
        case ValueType::i32:
            return from_signed(load<std::int32_t>(at));
        case ValueType::i64:
            return from_signed(load<std::int64_t>(at));
        default:
            return std::nullopt;
    }
}

std::uint64_t to_uint(const std::string& path, const Value& value) {
    const auto integer = integer_at(value.type, value.bytes.data());
    if (!integer) unfitting(path, value, "an integer");
    if (integer->negative) {
        refuse(at_key(path, value.key), fmt::format("is {}, expected 0 or more", integer->text()), value.offset);
    }
    return integer->bits;
}

std::optional<std::uint64_t> Metadata::find_uint(std::string_view key) const {
    const Value* value = find(key);
    return value ? std::optional{to_uint(path, *value)} : std::nullopt;
}

// --- reading one file ------------------------------------------------------------------------------------------------

// A guess at what the user has instead of a GGUF file; the bytes themselves are part of the message in any case.
std::string_view guess(std::string_view start) {
    const auto starts = [&](std::string_view prefix) { return start.substr(0, prefix.size()) == prefix; };
    if (starts("<!") || starts("<h") || starts("<H")) return "; it looks like a web page, download the model itself";
    if (starts("version https://git-lfs")) return "; it is a Git LFS pointer, fetch the file itself with git lfs pull";
    if (starts("FUGG")) return "; it is a big-endian GGUF file, convert the model for little-endian machines";
    if (starts("lmgg") || starts("fmgg") || starts("tjgg"))
        return "; it is a format from before GGUF, convert it again";
    if (starts("PK\x03\x04")) return "; it is a zip archive or a PyTorch checkpoint, convert it to GGUF";
    if (start.size() > 9 && start[8] == '{') return "; it looks like a safetensors file, convert it to GGUF";
    return "";
}

void check_magic_and_version(Reader& reader, std::span<const std::byte> bytes) {
    const std::string_view start = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 64)));
    if (start.substr(0, 4) != "GGUF") {
        reader.fail(
            fmt::format("is not a GGUF file: it starts with '{}'{}", printable(start.substr(0, 8)), guess(start)), 0);
    }
    reader.take(4, "the magic number");
    const auto version = reader.read<std::uint32_t>("the version");
    if (version == 2 || version == 3) return;
    if (version != 0 && (version & 0xFFFF) == 0) {
        reader.fail("is a big-endian GGUF file; only little-endian is supported, convert the model again", 4);
    }
    if (version == 1) reader.fail("is GGUF version 1; versions 2 and 3 are supported, convert the model again", 4);
    reader.fail(fmt::format("is GGUF version {}; versions 2 and 3 are supported{}", version,
                            version > 3 ? ", a newer program may read it" : ""),
                4);
}

// A count from the header that has to fit the bytes left and our own limit, before anything is allocated for it.
std::uint64_t read_count(Reader& reader, std::string_view what, std::uint64_t least_bytes, std::uint64_t limit) {
    const std::uint64_t start = reader.position();
    const auto count = reader.read<std::uint64_t>(fmt::format("the number of {}", what));
    if (count > reader.left() / least_bytes) {
        reader.fail(fmt::format("{} {} cannot fit in the {} bytes that follow", count, what, reader.left()), start);
    }
    if (count > limit) reader.fail(fmt::format("{} {} are more than the {} supported", count, what, limit), start);
    return count;
}

Value read_value(Reader& reader, std::span<const std::byte> bytes) {
    reader.at_file();
    Value value{};
    value.key = reader.name("key");
    reader.at_metadata_key(value.key);
    value.type = reader.value_type("value type");
    value.element = value.type;
    value.count = 1;
    if (value.type == ValueType::array) {
        const auto [element, count] = reader.array_header();
        value.element = element;
        value.count = count;
        value.offset = reader.position();
        reader.skip_elements(element, count);
    } else {
        value.offset = reader.position();
        if (value.type == ValueType::string) {
            reader.string("string");
        } else {
            reader.take(element_bytes(value.type), "the value");
        }
    }
    value.bytes = bytes.subspan(value.offset, reader.position() - value.offset);
    return value;
}

std::uint64_t read_alignment(const Metadata& metadata) {
    const Value* value = metadata.find("general.alignment");
    if (!value) return kDefaultAlignment;
    const std::uint64_t alignment = to_uint(metadata.path, *value);
    if (!std::has_single_bit(alignment) || alignment < kMinAlignment || alignment > kMaxAlignment) {
        refuse(at_key(metadata.path, value->key),
               fmt::format("is {}, expected a power of two from {} to {}", alignment, kMinAlignment, kMaxAlignment),
               value->offset);
    }
    return alignment;
}

std::string supported_types() {
    std::string names;
    for (const Format& format : formats()) names += fmt::format("{}{}", names.empty() ? "" : " ", format.name);
    return names;
}

// Size of the data from shape and type. The shape is from the file: nothing is multiplied unchecked.
std::uint64_t data_bytes(const Reader& reader, const Tensor& tensor) {
    const auto shape_text = [&] {
        return fmt::format("[{}]", fmt::join(tensor.shape.begin(), tensor.shape.begin() + tensor.n_dims, ", "));
    };
    std::uint64_t weights = 1;
    for (const std::uint64_t dim : tensor.shape) {
        if (dim == 0) reader.fail(fmt::format("shape {} holds a zero", shape_text()), tensor.entry_offset);
        if (!checked_mul(weights, weights, dim)) {
            reader.fail(fmt::format("shape {} has more weights than 64 bits count", shape_text()), tensor.entry_offset);
        }
    }
    if (!tensor.format) return 0;
    const Format& format = *tensor.format;
    if (tensor.columns() % format.block_weights != 0) {
        reader.fail(fmt::format("shape {}: rows of {} weights are not whole blocks of {}, as {} needs", shape_text(),
                                tensor.columns(), format.block_weights, format.name),
                    tensor.entry_offset);
    }
    std::uint64_t bytes = 0;
    if (!checked_mul(bytes, weights / format.block_weights, format.block_bytes)) {
        reader.fail(fmt::format("shape {} in {} has more bytes than 64 bits count", shape_text(), format.name),
                    tensor.entry_offset);
    }
    return bytes;
}

// One directory entry; its data is found later, when it is known where the data section starts.
Tensor read_tensor_entry(Reader& reader, int part, UnsupportedTypes unsupported) {
    reader.at_file();
    Tensor tensor{};
    tensor.part = part;
    tensor.entry_offset = reader.position();
    tensor.name = reader.name("tensor name");
    reader.at_tensor_entry(tensor.name);

    const std::uint64_t dims_start = reader.position();
    const auto n_dims = reader.read<std::uint32_t>("the number of dimensions");
    if (n_dims == 0 || n_dims > kMaxDims) {
        reader.fail(fmt::format("has {} dimensions, expected 1 to {}", n_dims, kMaxDims), dims_start);
    }
    tensor.n_dims = static_cast<int>(n_dims);
    tensor.shape.fill(1);
    for (std::uint32_t i = 0; i < n_dims; ++i) tensor.shape[i] = reader.read<std::uint64_t>("the shape");

    const std::uint64_t type_start = reader.position();
    tensor.type = reader.read<std::uint32_t>("the tensor type");
    tensor.format = find_format(tensor.type);
    if (!tensor.format && unsupported == UnsupportedTypes::refuse) {
        const std::string_view known = gguf_type_name(tensor.type);
        reader.fail(fmt::format("type {} is not supported; these are: {}",
                                known.empty() ? fmt::format("{}", tensor.type) : std::string{known}, supported_types()),
                    type_start);
    }
    tensor.offset = reader.read<std::uint64_t>("the data offset");
    return tensor;
}

// Turns the offsets of `tensors` (all of one file, read in order) into spans of its bytes.
void place_tensors(Reader& reader, std::span<Tensor> tensors, std::span<const std::byte> bytes,
                   std::uint64_t directory_end, std::uint64_t alignment) {
    std::uint64_t data_start = 0;
    if (tensors.empty()) return;  // a vocabulary alone needs no padding after its metadata
    if (!checked_round_up(data_start, directory_end, alignment)) reader.fail("has no room for data", directory_end);

    for (Tensor& tensor : tensors) {
        reader.at_tensor_entry(tensor.name);
        if (tensor.offset % alignment != 0) {
            reader.fail(fmt::format("data offset {} is no multiple of the alignment, {}", tensor.offset, alignment),
                        tensor.entry_offset);
        }
        const std::uint64_t size = data_bytes(reader, tensor);
        std::uint64_t start = 0, end = 0;
        if (!checked_add(start, data_start, tensor.offset) || !checked_add(end, start, size)) {
            reader.fail(fmt::format("{} bytes at data offset {} are beyond 64 bits", size, tensor.offset),
                        tensor.entry_offset);
        }
        if (end > bytes.size()) {
            reader.fail(
                fmt::format("{} bytes at {} run past the end of the file, {}; it is cut short, download it again", size,
                            start, bytes.size()),
                tensor.entry_offset);
        }
        tensor.offset = start;
        tensor.data = bytes.subspan(start, size);
    }

    std::vector<Tensor*> by_place(tensors.size());
    std::transform(tensors.begin(), tensors.end(), by_place.begin(), [](Tensor& t) { return &t; });
    std::sort(by_place.begin(), by_place.end(), [](const Tensor* a, const Tensor* b) {
        return a->offset != b->offset ? a->offset < b->offset : a->entry_offset < b->entry_offset;
    });
    for (std::size_t i = 0; i < by_place.size(); ++i) {
        Tensor& tensor = *by_place[i];
        const bool last = i + 1 == by_place.size();
        const std::uint64_t next = last ? bytes.size() : by_place[i + 1]->offset;
        if (!tensor.format) tensor.data = bytes.subspan(tensor.offset, next - tensor.offset);
        if (tensor.offset + tensor.data.size() > next) {
            reader.at_tensor_entry(by_place[i + 1]->name);
            reader.fail(fmt::format("its data at {} overlaps tensor '{}', which ends at {}", next,
                                    printable(tensor.name), tensor.offset + tensor.data.size()),
                        by_place[i + 1]->entry_offset);
        }
    }
}

// What one file holds besides its tensors, which are appended to the list of all.
struct Part {
    Metadata metadata;
    std::uint32_t version;
};

Part read_part(const std::string& path, std::span<const std::byte> bytes, int index, std::vector<Tensor>& tensors,
               UnsupportedTypes unsupported) {
    Reader reader{path, bytes};
    check_magic_and_version(reader, bytes);
    Part part{{path, {}, {}}, load<std::uint32_t>(bytes.data() + 4)};
    const std::uint64_t n_tensors = read_count(reader, "tensors", kMinTensorBytes,
                                               kMaxTensors - std::min<std::uint64_t>(tensors.size(), kMaxTensors));
    const std::uint64_t n_keys = read_count(reader, "metadata keys", kMinKeyBytes, kMaxKeys);

    std::vector<Value>& values = part.metadata.values;
    values.reserve(n_keys);
    for (std::uint64_t i = 0; i < n_keys; ++i) values.push_back(read_value(reader, bytes));
    std::vector<std::uint32_t>& order = part.metadata.order;
    order = sorted_by_name(values, key_of);
    for (std::size_t i = 1; i < order.size(); ++i) {
        const Value& value = values[order[i]];
        if (value.key == values[order[i - 1]].key) refuse(at_key(path, value.key), "appears twice", value.offset);
    }

    const std::uint64_t alignment = read_alignment(part.metadata);
    const std::size_t first = tensors.size();
    tensors.reserve(first + n_tensors);
    for (std::uint64_t i = 0; i < n_tensors; ++i) tensors.push_back(read_tensor_entry(reader, index, unsupported));
    place_tensors(reader, std::span{tensors}.subspan(first), bytes, reader.position(), alignment);
    return part;
}

// --- split models ----------------------------------------------------------------------------------------------------

// "model-00002-of-00003.gguf"
struct SplitName {
    std::string prefix;  // "model"
    int part;            // 1-based
    int n_parts;

    std::string file(int which) const { return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, which, n_parts); }
};

std::optional<SplitName> parse_split_name(const std::string& path) {
    constexpr std::string_view kPattern = "-#####-of-#####.gguf";
    if (path.size() <= kPattern.size()) return std::nullopt;
    const std::size_t start = path.size() - kPattern.size();
    int numbers[2] = {0, 0};
    int which = 0;
    for (std::size_t i = 0; i < kPattern.size(); ++i) {
        const char c = path[start + i];
        if (kPattern[i] == '#') {
            if (c < '0' || c > '9') return std::nullopt;
            numbers[which] = 10 * numbers[which] + (c - '0');
            if (kPattern[i + 1] != '#') ++which;
        } else if (c != kPattern[i]) {
            return std::nullopt;
        }
    }
    if (numbers[0] < 1 || numbers[0] > numbers[1]) return std::nullopt;
    return SplitName{path.substr(0, start), numbers[0], numbers[1]};
}

// Each part says which one it is and of how many; a part of another split must not slip in.
void check_split_keys(const Metadata& metadata, int part, int n_parts) {
    const auto must_be = [&](std::string_view key, int wanted) {
        const auto found = metadata.find_uint(key);
        if (!found) {
            refuse(at_key(metadata.path, key),
                   fmt::format("is missing, but the name says part {} of {}", part + 1, n_parts));
        }
        if (*found != static_cast<std::uint64_t>(wanted)) {
            refuse(at_key(metadata.path, key),
                   fmt::format("is {}, but the name says {}: part {} of {}", *found, wanted, part + 1, n_parts),
                   metadata.find(key)->offset);
        }
    };
    must_be("split.count", n_parts);
    must_be("split.no", part);
}

}  // namespace

std::string_view name_of(ValueType type) {
    constexpr std::string_view kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                           "bool", "string", "array", "u64", "i64", "f64"};
    const auto index = static_cast<std::size_t>(type);
    return index < std::size(kNames) ? kNames[index] : "unknown";
}

struct Gguf::Impl {
    std::string path;
    std::vector<Mapping> mappings;      // one a part
    Metadata metadata;                  // of the first part
    std::vector<Metadata> later_parts;  // looked at while opening only: split.* keys, paths for errors
    std::uint32_t version = 0;
    std::uint64_t file_bytes = 0;
    std::vector<Tensor> tensors;  // of all parts
    std::vector<std::uint32_t> tensor_order;

    void add_part(const std::string& part_path, Mapping mapping, UnsupportedTypes unsupported) {
        const auto index = static_cast<int>(mappings.size());
        mappings.push_back(std::move(mapping));
        const auto bytes = mappings.back().bytes();
        file_bytes += bytes.size();
        Part part = read_part(part_path, bytes, index, tensors, unsupported);
        if (index == 0) {
            metadata = std::move(part.metadata);
            version = part.version;
        } else {
            later_parts.push_back(std::move(part.metadata));
        }
    }

    const std::string& part_path(int part) const {
        return part == 0 ? metadata.path : later_parts[static_cast<std::size_t>(part - 1)].path;
    }

    void index_tensors() {
        tensor_order = sorted_by_name(tensors, name_of_tensor);
        for (std::size_t i = 1; i < tensor_order.size(); ++i) {
            const Tensor& tensor = tensors[tensor_order[i]];
            if (tensor.name != tensors[tensor_order[i - 1]].name) continue;
            refuse(at_tensor(part_path(tensor.part), tensor.name), "appears twice", tensor.entry_offset);
        }
    }
};

Gguf Gguf::open(const std::string& path, UnsupportedTypes unsupported) {
    auto impl = std::make_unique<Impl>();
    impl->path = path;
    const auto split = parse_split_name(path);
    if (!split) {
        impl->add_part(path, Mapping::of_file(path), unsupported);
        const auto count = impl->metadata.find_uint("split.count");
        if (count.value_or(1) > 1) {
            refuse(at_key(path, "split.count"),
                   fmt::format(
                       "this is one of {} parts, but its name does not end in -00001-of-{:05}.gguf; give the parts "
                       "their names back",
                       *count, *count),
                   impl->metadata.find("split.count")->offset);
        }
    } else {
        // The named part first: a wrong path is the likelier mistake than a missing sibling.
        { Mapping::of_file(path); }
        for (int i = 0; i < split->n_parts; ++i) {
            const std::string part_path = split->file(i + 1);
            std::optional<Mapping> mapping;
            try {
                mapping.emplace(Mapping::of_file(part_path));
            } catch (const Error& error) {
                refuse(error.where(),
                       fmt::format("{}; it is part {} of {} of this model, which must all stand in one folder",
                                   error.problem(), i + 1, split->n_parts));
            }
            impl->add_part(part_path, std::move(*mapping), unsupported);
            const Metadata& metadata = i == 0 ? impl->metadata : impl->later_parts.back();
            // A whole model may have been given such a name by hand.
            if (split->n_parts > 1 || metadata.find("split.count")) check_split_keys(metadata, i, split->n_parts);
        }
        const auto total = impl->metadata.find_uint("split.tensors.count");
        if (total && *total != impl->tensors.size()) {
            refuse(at_key(impl->metadata.path, "split.tensors.count"),
                   fmt::format("is {}, but the {} parts hold {} tensors", *total, split->n_parts, impl->tensors.size()),
                   impl->metadata.find("split.tensors.count")->offset);
        }
    }
    impl->index_tensors();
    return Gguf{std::move(impl)};
}

Gguf Gguf::parse(std::span<const std::byte> bytes, const std::string& name, UnsupportedTypes unsupported) {
    auto impl = std::make_unique<Impl>();
    impl->path = name;
    if (bytes.empty()) refuse(name, "is empty; download it again");
    impl->add_part(name, Mapping{bytes}, unsupported);
    impl->index_tensors();
    return Gguf{std::move(impl)};
}

Gguf::Gguf(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gguf::Gguf(Gguf&&) noexcept = default;
Gguf& Gguf::operator=(Gguf&&) noexcept = default;
Gguf::~Gguf() = default;

const std::string& Gguf::path() const {
    return impl_->path;
}
std::uint32_t Gguf::version() const {
    return impl_->version;
}
std::uint64_t Gguf::file_bytes() const {
    return impl_->file_bytes;
}
int Gguf::n_parts() const {
    return static_cast<int>(impl_->mappings.size());
}
std::span<const Value> Gguf::values() const {
    return impl_->metadata.values;
}
std::span<const Tensor> Gguf::tensors() const {
    return impl_->tensors;
}

const Value* Gguf::find(std::string_view key) const {
    return impl_->metadata.find(key);
}

const Tensor* Gguf::find_tensor(std::string_view name) const {
    return find_by_name(impl_->tensors, impl_->tensor_order, name, name_of_tensor);
}

// --- typed look-ups --------------------------------------------------------------------------------------------------

std::optional<std::uint64_t> Gguf::find_uint(std::string_view key) const {
    return impl_->metadata.find_uint(key);
}

std::optional<std::int64_t> Gguf::find_int(std::string_view key) const {
    const Value* value = find(key);
    if (!value) return std::nullopt;
    const auto integer = integer_at(value->type, value->bytes.data());
    if (!integer) unfitting(impl_->metadata.path, *value, "an integer");
    if (!integer->negative && integer->bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        refuse(at_key(impl_->metadata.path, key), fmt::format("is {}, too large", integer->text()), value->offset);
    }
    return static_cast<std::int64_t>(integer->bits);
}

std::optional<double> Gguf::find_float(std::string_view key) const {
    const Value* value = find(key);
    if (!value) return std::nullopt;
    const std::byte* at = value->bytes.data();
    if (value->type == ValueType::f32) return static_cast<double>(load<float>(at));
    if (value->type == ValueType::f64) return load<double>(at);
    const auto integer = integer_at(value->type, at);
    if (!integer) unfitting(impl_->metadata.path, *value, "a number");
    return integer->negative ? static_cast<double>(static_cast<std::int64_t>(integer->bits))
                             : static_cast<double>(integer->bits);
}

std::optional<bool> Gguf::find_bool(std::string_view key) const {
    const Value* value = find(key);
    if (!value) return std::nullopt;
    if (value->type != ValueType::boolean) unfitting(impl_->metadata.path, *value, "a bool");
    const auto byte = load<std::uint8_t>(value->bytes.data());
    if (byte > 1) {
        refuse(at_key(impl_->metadata.path, key), fmt::format("is a bool of value {}, expected 0 or 1", byte),
               value->offset);
    }
    return byte == 1;
}

std::optional<std::string_view> Gguf::find_string(std::string_view key) const {
    const Value* value = find(key);
    if (!value) return std::nullopt;
    if (value->type != ValueType::string) unfitting(impl_->metadata.path, *value, "a string");
    return as_text(value->bytes.subspan(sizeof(std::uint64_t)));
}

namespace {

// Writers give an empty array any element type.
bool holds_array(const Value& value, bool element_fits) {
    return value.type == ValueType::array && (element_fits || value.count == 0);
}

}  // namespace

std::optional<std::vector<std::string_view>> Gguf::find_strings(std::string_view key) const {
    const Value* value = find(key);
    if (!value) return std::nullopt;
    if (!holds_array(*value, value->element == ValueType::string)) {
        unfitting(impl_->metadata.path, *value, "an array of strings");
    }
    std::vector<std::string_view> strings;
    strings.reserve(value->count);
    const std::byte* at = value->bytes.data();  // lengths were checked when the file was opened
    for (std::uint64_t i = 0; i < value->count; ++i) {
        const auto length = load<std::uint64_t>(at);
        at += sizeof(std::uint64_t);
        strings.push_back(as_text({at, length}));
        at += length;
    }
    return strings;
}

std::optional<std::vector<float>> Gguf::find_floats(std::string_view key) const {
    const Value* value = find(key);
    if (!value) return std::nullopt;
    const bool is_double = value->element == ValueType::f64;
    if (!holds_array(*value, is_double || value->element == ValueType::f32)) {
        unfitting(impl_->metadata.path, *value, "an array of floats");
    }
    std::vector<float> floats(value->count);
    for (std::size_t i = 0; i < floats.size(); ++i) {
        const std::byte* at = value->bytes.data() + i * element_bytes(value->element);
        // A double out of a float's range is infinite: converting it as it is would be undefined.
        const double number = is_double ? load<double>(at) : static_cast<double>(load<float>(at));
        constexpr double kMax = std::numeric_limits<float>::max();
        floats[i] = number > kMax    ? std::numeric_limits<float>::infinity()
                    : number < -kMax ? -std::numeric_limits<float>::infinity()
                                     : static_cast<float>(number);
    }
    return floats;
}

std::optional<std::vector<std::int32_t>> Gguf::find_ints(std::string_view key) const {
    const Value* value = find(key);
    if (!value) return std::nullopt;
    const bool is_integer = value->element != ValueType::array && value->element != ValueType::string &&
                            value->element != ValueType::boolean && value->element != ValueType::f32 &&
                            value->element != ValueType::f64;
    if (!holds_array(*value, is_integer)) unfitting(impl_->metadata.path, *value, "an array of integers");
    std::vector<std::int32_t> ints;
    ints.reserve(value->count);
    for (std::uint64_t i = 0; i < value->count; ++i) {
        const std::uint64_t at = i * element_bytes(value->element);
        const Integer integer = *integer_at(value->element, value->bytes.data() + at);
        const auto number = static_cast<std::int64_t>(integer.bits);
        const bool fits = number >= std::numeric_limits<std::int32_t>::min() &&
                          number <= std::numeric_limits<std::int32_t>::max() && integer.negative == (number < 0);
        if (!fits) {
            refuse(at_key(impl_->metadata.path, key),
                   fmt::format("element {} is {}, beyond 32 bits", i, integer.text()), value->offset + at);
        }
        ints.push_back(static_cast<std::int32_t>(number));
    }
    return ints;
}

void Gguf::release(std::span<const std::byte> bytes) const {
    if (bytes.empty()) return;
    for (const Mapping& mapping : impl_->mappings) {
        const auto all = mapping.bytes();
        const auto base = reinterpret_cast<std::uintptr_t>(all.data());
        const auto start = reinterpret_cast<std::uintptr_t>(bytes.data());
        if (!mapping.owned() || start < base || start - base >= all.size()) continue;
        // Only pages that nobody else's tensor shares; `base` itself is page-aligned. A hint, so failure is no error.
        const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        const std::uintptr_t first = (start + page - 1) / page * page;
        const std::uintptr_t last = (start + bytes.size()) / page * page;
        if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
        return;
    }
}

}  // namespace distill
