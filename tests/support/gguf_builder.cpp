#include "tests/support/gguf_builder.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "quant/f16.h"
#include "quant/iq4.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"

namespace distill::test {

std::uint64_t Random::next() {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

float Random::normal() {  // a sum of twelve uniform numbers has deviation 1
    float sum = -6.0f;
    for (int i = 0; i < 12; ++i) sum += static_cast<float>(next() >> 40) * 0x1p-24f;
    return sum;
}

// --- files -----------------------------------------------------------------------------------------------------------

Bytes& Bytes::raw(std::span<const std::byte> bytes) {
    data_.insert(data_.end(), bytes.begin(), bytes.end());
    return *this;
}

Bytes& Bytes::text(std::string_view text) {
    return raw(std::as_bytes(std::span{text}));
}

Bytes& Bytes::string(std::string_view content, std::optional<std::uint64_t> length) {
    return put(length.value_or(content.size())).text(content);
}

Bytes& Bytes::zeros(std::size_t n) {
    data_.resize(data_.size() + n);
    return *this;
}

GgufBuilder& GgufBuilder::set(std::string_view key, std::string_view value) {
    return set_raw(key, static_cast<std::uint32_t>(ValueType::string), Bytes{big_endian}.string(value).data());
}

GgufBuilder& GgufBuilder::set(std::string_view key, const std::vector<std::string>& values) {
    Bytes bytes{big_endian};
    bytes.put(static_cast<std::uint32_t>(ValueType::string)).put(std::uint64_t{values.size()});
    for (const std::string& value : values) bytes.string(value);
    return set_raw(key, static_cast<std::uint32_t>(ValueType::array), bytes.data());
}

GgufBuilder& GgufBuilder::set_raw(std::string_view key, std::uint32_t type, std::vector<std::byte> value) {
    for (KeyEntry& entry : keys) {
        if (entry.key != key) continue;
        entry.type = type;
        entry.value = std::move(value);
        return *this;
    }
    return append_raw(key, type, std::move(value));
}

GgufBuilder& GgufBuilder::append_raw(std::string_view key, std::uint32_t type, std::vector<std::byte> value) {
    keys.push_back({std::string{key}, type, std::move(value)});
    return *this;
}

GgufBuilder& GgufBuilder::remove(std::string_view key) {
    if (std::erase_if(keys, [&](const KeyEntry& e) { return e.key == key; }) == 0) {
        throw std::logic_error("no key " + std::string{key});
    }
    return *this;
}

GgufBuilder& GgufBuilder::add_tensor(std::string_view name, std::vector<std::uint64_t> shape, FormatId format,
                                     std::vector<std::byte> data) {
    tensors.push_back({std::string{name}, std::move(shape), static_cast<std::uint32_t>(format), std::move(data)});
    return *this;
}

GgufBuilder& GgufBuilder::remove_tensor(std::string_view name) {
    if (std::erase_if(tensors, [&](const TensorEntry& t) { return t.name == name; }) == 0) {
        throw std::logic_error("no tensor " + std::string{name});
    }
    return *this;
}

TensorEntry& GgufBuilder::tensor(std::string_view name) {
    for (TensorEntry& entry : tensors) {
        if (entry.name == name) return entry;
    }
    throw std::logic_error("no tensor " + std::string{name});
}

namespace {

std::uint64_t padding(std::uint64_t size, std::uint64_t alignment) {
    return (alignment - size % alignment) % alignment;
}

}  // namespace

Bytes GgufBuilder::directory() const {
    Bytes out{big_endian};
    out.text(magic).put(version).put(n_tensors.value_or(tensors.size())).put(n_keys.value_or(keys.size()));
    for (const KeyEntry& entry : keys) out.string(entry.key, entry.key_length).put(entry.type).raw(entry.value);
    std::uint64_t offset = 0;
    for (const TensorEntry& entry : tensors) {
        out.string(entry.name, entry.name_length);
        out.put(entry.n_dims.value_or(static_cast<std::uint32_t>(entry.shape.size())));
        for (const std::uint64_t dim : entry.shape) out.put(dim);
        out.put(entry.type).put(entry.offset.value_or(offset));
        offset += entry.data.size() + padding(entry.data.size(), alignment);
    }
    return out;
}

std::vector<std::byte> GgufBuilder::build() const {
    Bytes out = directory();
    if (!tensors.empty()) out.zeros(padding(out.data().size(), alignment));
    for (const TensorEntry& entry : tensors) out.raw(entry.data).zeros(padding(entry.data.size(), alignment));
    return out.data();
}

std::size_t GgufBuilder::directory_end() const {
    return directory().data().size();
}

std::vector<GgufBuilder> GgufBuilder::split(int n) const {
    std::vector<GgufBuilder> parts;
    const auto count = static_cast<std::size_t>(n);
    for (std::size_t i = 0; i < count; ++i) {
        GgufBuilder part = *this;
        if (i > 0) part.keys.clear();  // only the first part describes the model
        part.tensors.clear();
        for (std::size_t t = tensors.size() * i / count; t < tensors.size() * (i + 1) / count; ++t) {
            part.tensors.push_back(tensors[t]);
        }
        part.set("split.no", static_cast<std::uint16_t>(i)).set("split.count", static_cast<std::uint16_t>(n));
        part.set("split.tensors.count", static_cast<std::int32_t>(tensors.size()));
        parts.push_back(std::move(part));
    }
    return parts;
}

// --- weights ---------------------------------------------------------------------------------------------------------

namespace {

// Two scales of a block as factors of its d, where the second is the minimum: chosen so that random quants are about as
// often negative as positive.
template <class Block>
void set_scales(Block& block, float d) {
    if constexpr (requires { block.dmin; }) {
        constexpr float kMiddle = sizeof block.qs == 64 ? 1.5f : requires {
            block.qh;
        }
        ? 15.5f : 7.5f;
        block.d = f32_to_f16(d);
        block.dmin = f32_to_f16(d * kMiddle);
    } else if constexpr (requires { block.m; }) {
        constexpr float kMiddle = requires {
            block.qh;
        }
        ? 15.5f : 7.5f;
        block.d = f32_to_f16(d);
        block.m = f32_to_f16(-d * kMiddle);
    } else {
        block.d = f32_to_f16(d);
    }
}

template <class Block>
void append_random_block(std::vector<std::byte>& out, Random& random, float rms) {
    Block block;
    std::byte bytes[sizeof(Block)];
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next() >> 56);
    std::memcpy(&block, bytes, sizeof block);
    float weights[Block::kWeights];
    set_scales(block, 1.0f);
    dequantize(weights, block);
    float sum = 0;
    for (const float w : weights) sum += w * w;
    if (sum > 0) set_scales(block, rms / std::sqrt(sum / static_cast<float>(Block::kWeights)));
    std::memcpy(bytes, &block, sizeof block);
    out.insert(out.end(), bytes, bytes + sizeof bytes);
}

template <class T>
void append(std::vector<std::byte>& out, T value) {
    const auto* raw = reinterpret_cast<const std::byte*>(&value);
    out.insert(out.end(), raw, raw + sizeof value);
}

}  // namespace

std::vector<std::byte> random_weights(FormatId format, std::size_t n, Random& random, float rms) {
    const Format& row = *find_format(static_cast<std::uint32_t>(format));
    if (n % row.block_weights != 0) throw std::logic_error("not whole blocks");
    std::vector<std::byte> out;
    out.reserve(row.row_bytes(n));
    for (std::size_t i = 0; i < n / row.block_weights; ++i) {
        switch (format) {
            case FormatId::f32:
                append(out, rms * random.normal());
                break;
            case FormatId::f16:
                append(out, f32_to_f16(rms * random.normal()));
                break;
            case FormatId::bf16: {
                const float value = rms * random.normal();
                append(out, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
                break;
            }
            case FormatId::q4_0:
                append_random_block<BlockQ4_0>(out, random, rms);
                break;
            case FormatId::q4_1:
                append_random_block<BlockQ4_1>(out, random, rms);
                break;
            case FormatId::q5_0:
                append_random_block<BlockQ5_0>(out, random, rms);
                break;
            case FormatId::q5_1:
                append_random_block<BlockQ5_1>(out, random, rms);
                break;
            case FormatId::q8_0:
                append_random_block<BlockQ8_0>(out, random, rms);
                break;
            case FormatId::q2_k:
                append_random_block<BlockQ2_K>(out, random, rms);
                break;
            case FormatId::q3_k:
                append_random_block<BlockQ3_K>(out, random, rms);
                break;
            case FormatId::q4_k:
                append_random_block<BlockQ4_K>(out, random, rms);
                break;
            case FormatId::q5_k:
                append_random_block<BlockQ5_K>(out, random, rms);
                break;
            case FormatId::q6_k:
                append_random_block<BlockQ6_K>(out, random, rms);
                break;
            case FormatId::iq4_nl:
                append_random_block<BlockIQ4_NL>(out, random, rms);
                break;
            case FormatId::iq4_xs:
                append_random_block<BlockIQ4_XS>(out, random, rms);
                break;
        }
    }
    return out;
}

// --- tiny models -----------------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kChatMl =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

void append_utf8(std::string& out, std::uint32_t code) {  // code < 0x800
    if (code < 0x80) {
        out.push_back(static_cast<char>(code));
        return;
    }
    out.push_back(static_cast<char>(0xC0 | (code >> 6)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
}

// Byte-level BPE writes a byte as a visible character: itself where it is one in Latin-1, else the next from U+0100 on.
std::vector<std::string> byte_alphabet() {
    std::vector<std::string> alphabet(256);
    std::uint32_t next = 0x100;
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        const bool visible = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        append_utf8(alphabet[byte], visible ? byte : next++);
    }
    return alphabet;
}

struct Vocabulary {
    std::vector<std::string> tokens;
    std::vector<std::int32_t> types;
    std::vector<float> scores;
    std::vector<std::string> merges;

    std::uint32_t add(std::string_view token, int type, float score = 0) {
        tokens.emplace_back(token);
        types.push_back(type);
        scores.push_back(score);
        return static_cast<std::uint32_t>(tokens.size() - 1);
    }
};

Vocabulary add_byte_level_tokenizer(GgufBuilder& b) {
    Vocabulary v;
    for (const std::string& token : byte_alphabet()) v.add(token, 1);
    const std::pair<std::string_view, std::string_view> kMerges[] = {
        {"t", "h"}, {"th", "e"}, {"Ġ", "the"}, {"i", "n"}, {"in", "g"}, {"Ġ", "a"}, {"l", "l"}, {"e", "ll"}};
    for (const auto& [left, right] : kMerges) {
        v.merges.push_back(fmt::format("{} {}", left, right));
        v.add(fmt::format("{}{}", left, right), 1);
    }
    const std::uint32_t end_of_text = v.add("<|endoftext|>", 3);
    v.add("<|im_start|>", 3);
    const std::uint32_t im_end = v.add("<|im_end|>", 3);
    v.add("<think>", 4);
    v.add("</think>", 4);
    b.set("tokenizer.ggml.model", "gpt2").set("tokenizer.ggml.pre", "qwen2");
    b.set("tokenizer.ggml.bos_token_id", end_of_text).set("tokenizer.ggml.eos_token_id", im_end);
    b.set("tokenizer.ggml.add_bos_token", false);
    return v;
}

Vocabulary add_sentencepiece_tokenizer(GgufBuilder& b) {
    Vocabulary v;
    v.add("<unk>", 2);
    const std::uint32_t bos = v.add("<s>", 3);
    const std::uint32_t eos = v.add("</s>", 3);
    for (int byte = 0; byte < 256; ++byte) v.add(fmt::format("<0x{:02X}>", byte), 6);
    float score = 0;  // each piece is merged later than the one before it
    for (const std::string_view piece : {"▁t", "he", "▁a", "in", "▁the", "ing", "ll", "ell"})
        v.add(piece, 1, score -= 1);
    for (const std::string_view piece : {"▁", ".", ",", "!", "?"}) v.add(piece, 1, score -= 1);
    for (char c = 'a'; c <= 'z'; ++c) v.add({&c, 1}, 1, score -= 1);
    for (char c = 'A'; c <= 'Z'; ++c) v.add({&c, 1}, 1, score -= 1);
    for (char c = '0'; c <= '9'; ++c) v.add({&c, 1}, 1, score -= 1);
    b.set("tokenizer.ggml.model", "llama").set("tokenizer.ggml.pre", "default");
    b.set("tokenizer.ggml.bos_token_id", bos).set("tokenizer.ggml.eos_token_id", eos);
    b.set("tokenizer.ggml.add_bos_token", true);
    return v;
}

}  // namespace

GgufBuilder tiny_builder(const TinyModelSpec& spec) {
    GgufBuilder b;
    const auto key = [&](std::string_view name) { return fmt::format("{}.{}", spec.arch, name); };
    const auto u32 = [](int value) { return static_cast<std::uint32_t>(value); };
    const bool llama = spec.arch == "llama";
    b.set("general.architecture", spec.arch).set("general.name", fmt::format("tiny {}", spec.arch));
    b.set(key("context_length"), u32(spec.n_ctx_train)).set(key("embedding_length"), u32(spec.d_model));
    b.set(key("block_count"), u32(spec.n_layers)).set(key("feed_forward_length"), u32(spec.d_ff));
    b.set(key("attention.head_count"), u32(spec.n_heads)).set(key("attention.head_count_kv"), u32(spec.n_kv_heads));
    b.set(key("rope.freq_base"), 10000.0f).set(key("attention.layer_norm_rms_epsilon"), 1e-6f);
    if (llama) b.set(key("rope.dimension_count"), u32(spec.d_model / spec.n_heads));

    std::size_t n_vocab = static_cast<std::size_t>(spec.n_vocab);
    if (spec.with_tokenizer) {
        Vocabulary v = llama ? add_sentencepiece_tokenizer(b) : add_byte_level_tokenizer(b);
        while (v.tokens.size() < n_vocab) v.add(fmt::format("[PAD{}]", v.tokens.size()), 5);
        n_vocab = v.tokens.size();
        b.set("tokenizer.ggml.tokens", v.tokens).set("tokenizer.ggml.token_type", v.types);
        if (llama) {
            b.set("tokenizer.ggml.scores", v.scores);
        } else {
            b.set("tokenizer.ggml.merges", v.merges);
        }
        const std::string text = spec.chat_template.value_or(llama ? "" : std::string{kChatMl});
        if (!text.empty()) b.set("tokenizer.chat_template", text);
    }
    for (const auto& [name, value] : spec.strings) b.set(name, value);

    Random random{spec.seed};
    const auto size = [](int n) { return static_cast<std::uint64_t>(n); };
    const std::uint64_t d_model = size(spec.d_model), d_ff = size(spec.d_ff);
    const std::uint64_t kv = size(spec.d_model / spec.n_heads * spec.n_kv_heads);
    const auto matrix = [&](const std::string& name, std::uint64_t columns, std::uint64_t rows) {
        FormatId format = spec.format;
        for (const auto& [end, chosen] : spec.formats) {
            if (name.ends_with(end)) format = chosen;
        }
        const float rms = 1.0f / std::sqrt(static_cast<float>(columns));  // keeps the size of a vector it is applied to
        b.add_tensor(name, {columns, rows}, format, random_weights(format, columns * rows, random, rms));
    };
    const auto vector = [&](const std::string& name, std::uint64_t n, float mean) {
        Bytes bytes;
        for (std::uint64_t i = 0; i < n; ++i) bytes.put(mean + 0.1f * random.normal());
        b.add_tensor(name, {n}, FormatId::f32, bytes.data());
    };
    matrix("token_embd.weight", d_model, n_vocab);
    for (int layer = 0; layer < spec.n_layers; ++layer) {
        const auto name = [&](std::string_view end) { return fmt::format("blk.{}.{}", layer, end); };
        vector(name("attn_norm.weight"), d_model, 1.0f);
        matrix(name("attn_q.weight"), d_model, d_model);
        matrix(name("attn_k.weight"), d_model, kv);
        matrix(name("attn_v.weight"), d_model, kv);
        if (!llama) {
            vector(name("attn_q.bias"), d_model, 0.0f);
            vector(name("attn_k.bias"), kv, 0.0f);
            vector(name("attn_v.bias"), kv, 0.0f);
        }
        matrix(name("attn_output.weight"), d_model, d_model);
        vector(name("ffn_norm.weight"), d_model, 1.0f);
        matrix(name("ffn_gate.weight"), d_model, d_ff);
        matrix(name("ffn_up.weight"), d_model, d_ff);
        matrix(name("ffn_down.weight"), d_ff, d_model);
    }
    vector("output_norm.weight", d_model, 1.0f);
    if (!spec.tied) matrix("output.weight", d_model, n_vocab);
    return b;
}

std::vector<std::byte> tiny_model(const TinyModelSpec& spec) {
    return tiny_builder(spec).build();
}

// --- temporary files -------------------------------------------------------------------------------------------------

TempDir::TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "distill-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp failed");
    path_ = name;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::write(std::string_view name, std::span<const std::byte> bytes) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream out{path, std::ios::binary};
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
    return path.string();
}

std::string TempDir::write(std::string_view name, std::string_view text) const {
    return write(name, std::as_bytes(std::span{text}));
}

}  // namespace distill::test
