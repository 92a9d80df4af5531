// Writes GGUF files for tests, sound or broken: every field that a writer would compute can be overridden, so that a
// hostile file is one line. Also makes whole tiny models with random weights.
//
//   auto b = tiny_builder({.arch = "qwen2"});              // a valid two-layer model
//   b.set("qwen2.block_count", std::uint32_t{0});          // replaces the key
//   b.tensor("output_norm.weight").offset = 7;             // what is written instead of the true data offset
//   Gguf::parse(b.build(), "test");
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gguf.h"

namespace distill::test {

// splitmix64: the same numbers on every platform.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();
    std::uint64_t below(std::uint64_t n) { return next() % n; }
    float normal();  // mean 0, deviation 1, within +-6

  private:
    std::uint64_t state_;
};

// Little-endian fields one after another (big-endian if asked for).
class Bytes {
  public:
    explicit Bytes(bool big_endian = false) : big_endian_(big_endian) {}

    template <class T>
    requires std::is_arithmetic_v<T> Bytes& put(T value) {
        const auto* raw = reinterpret_cast<const std::byte*>(&value);
        if (big_endian_) {
            for (std::size_t i = sizeof value; i-- > 0;) data_.push_back(raw[i]);
        } else {
            data_.insert(data_.end(), raw, raw + sizeof value);
        }
        return *this;
    }
    Bytes& raw(std::span<const std::byte> bytes);
    Bytes& text(std::string_view text);  // the characters alone
    Bytes& string(std::string_view text,
                  std::optional<std::uint64_t> length = {});  // `length` written instead of the true one
    Bytes& zeros(std::size_t n);

    const std::vector<std::byte>& data() const { return data_; }

  private:
    bool big_endian_;
    std::vector<std::byte> data_;
};

struct KeyEntry {
    std::string key;
    std::uint32_t type;            // ValueType, or any number
    std::vector<std::byte> value;  // payload; of an array: element type, count, elements
    std::optional<std::uint64_t> key_length{};
};

struct TensorEntry {
    std::string name;
    std::vector<std::uint64_t> shape;  // as many as are written
    std::uint32_t type;                // FormatId, or any number
    std::vector<std::byte> data;
    std::optional<std::uint64_t> name_length{};
    std::optional<std::uint32_t> n_dims{};
    std::optional<std::uint64_t> offset{};
};

class GgufBuilder {
  public:
    std::string magic = "GGUF";
    std::uint32_t version = 3;
    bool big_endian = false;
    std::optional<std::uint64_t> n_tensors, n_keys;  // written instead of the true counts
    std::uint64_t alignment = 32;                    // used for padding; the key general.alignment is set apart

    std::vector<KeyEntry> keys;
    std::vector<TensorEntry> tensors;

    // set: replaces a key of that name, or appends. The type of the value is the type in the file.
    template <class T>
    requires std::is_arithmetic_v<T> GgufBuilder& set(std::string_view key, T value) {
        return set_raw(key, type_of<T>(), Bytes{big_endian}.put(value).data());
    }
    GgufBuilder& set(std::string_view key, std::string_view value);
    GgufBuilder& set(std::string_view key, const char* value) { return set(key, std::string_view{value}); }
    GgufBuilder& set(std::string_view key, const std::vector<std::string>& values);
    template <class T>
    requires std::is_arithmetic_v<T> GgufBuilder& set(std::string_view key, const std::vector<T>& values) {
        Bytes bytes{big_endian};
        bytes.put(type_of<T>()).put(std::uint64_t{values.size()});
        for (const T value : values) bytes.put(value);
        return set_raw(key, static_cast<std::uint32_t>(ValueType::array), bytes.data());
    }
    GgufBuilder& set_raw(std::string_view key, std::uint32_t type, std::vector<std::byte> value);
    // Appends even where the key is there already.
    GgufBuilder& append_raw(std::string_view key, std::uint32_t type, std::vector<std::byte> value);
    GgufBuilder& remove(std::string_view key);

    GgufBuilder& add_tensor(std::string_view name, std::vector<std::uint64_t> shape, FormatId format,
                            std::vector<std::byte> data);
    GgufBuilder& remove_tensor(std::string_view name);
    TensorEntry& tensor(std::string_view name);  // must be there

    std::vector<std::byte> build() const;
    std::size_t directory_end() const;  // bytes before the padding in front of the data
    // The same model in n files with split.* keys, the tensors dealt out in order.
    std::vector<GgufBuilder> split(int n) const;

    template <class T>
    static constexpr std::uint32_t type_of() {
        if constexpr (std::is_same_v<T, bool>) return 7;
        if constexpr (std::is_floating_point_v<T>) return sizeof(T) == 4 ? 6 : 12;
        constexpr std::uint32_t kUnsigned[] = {0, 2, 4, 10};
        constexpr std::uint32_t kSigned[] = {1, 3, 5, 11};
        constexpr std::size_t kLog = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
        return std::is_signed_v<T> ? kSigned[kLog] : kUnsigned[kLog];
    }

  private:
    Bytes directory() const;
};

// n weights in `format` (whole blocks): every bit pattern of the quants and group scales, block scales chosen so that
// each block's root mean square is `rms`.
std::vector<std::byte> random_weights(FormatId format, std::size_t n, Random& random, float rms = 1.0f);

struct TinyModelSpec {
    std::string arch = "qwen2";  // or "llama"
    int n_layers = 2;
    int d_model = 64;  // 256 for K-quants, whose blocks are as long
    int d_ff = 96;
    int n_heads = 4;
    int n_kv_heads = 2;
    int n_vocab = 0;  // rows of the embedding; 0 = as many as the vocabulary has (some 270), more are padding
    int n_ctx_train = 512;
    FormatId format = FormatId::f32;  // of every matrix ...
    std::map<std::string, FormatId>
        formats{};     // ... but these, by the end of the name: {"attn_v.weight", FormatId::q6_k}
    bool tied = true;  // no output.weight
    std::uint64_t seed = 1;
    bool with_tokenizer =
        true;  // qwen2: byte-level BPE, ids 0..255 are the bytes; llama: SentencePiece with byte tokens
    // Default: plain ChatML for qwen2, none for llama. "" = no key.
    std::optional<std::string> chat_template{};
    std::map<std::string, std::string>
        strings{};  // further string keys, e.g. {"tokenizer.ggml.pre", "deepseek-r1-qwen"}
};

// A complete valid model with random weights of a sane size: logits are finite and spread.
GgufBuilder tiny_builder(const TinyModelSpec& spec = {});
std::vector<std::byte> tiny_model(const TinyModelSpec& spec = {});

// A folder of its own, removed with all that is in it at the end.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::filesystem::path& path() const { return path_; }
    // Writes a file and returns its path.
    std::string write(std::string_view name, std::span<const std::byte> bytes) const;
    std::string write(std::string_view name, std::string_view text) const;

  private:
    std::filesystem::path path_;
};

}  // namespace distill::test
