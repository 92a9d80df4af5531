// Metadata to hyper-parameters. Each is checked against its own range and against the others here, and nowhere later.
#include "engine/config.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/arch/registry.h"
#include "engine/error.h"
#include "engine/gguf.h"
#include "engine/limits.h"

namespace distill {
namespace {

// The keys of one architecture: "<arch>.<name>".
class Keys {
  public:
    Keys(const Gguf& file, std::string_view architecture) : file_(file), prefix_(fmt::format("{}.", architecture)) {}

    std::string key(std::string_view name) const { return prefix_ + std::string{name}; }

    [[noreturn]] void fail(std::string_view name, std::string_view what) const {
        const Value* value = file_.find(key(name));
        throw Error{at_key(file_.path(), key(name)), what, value ? std::optional{value->offset} : std::nullopt,
                    Status::bad_model};
    }

    // A size: at least 1.
    int size(std::string_view name, std::uint64_t most) const {
        const auto value = optional_size(name, most);
        if (!value) fail(name, "is missing");
        return *value;
    }

    std::optional<int> optional_size(std::string_view name, std::uint64_t most) const {
        const auto value = file_.find_uint(key(name));
        if (!value) return std::nullopt;
        if (*value < 1 || *value > most) fail(name, fmt::format("is {}, expected 1 to {}", *value, most));
        return static_cast<int>(*value);
    }

    // A finite number within [least, most].
    std::optional<float> number(std::string_view name, double least, double most) const {
        const auto value = file_.find_float(key(name));
        if (!value) return std::nullopt;
        // Written so that NaN fails.
        if (!(*value >= least && *value <= most)) {
            fail(name, fmt::format("is {}, expected {} to {}", *value, least, most));
        }
        return static_cast<float>(*value);
    }

  private:
    const Gguf& file_;
    std::string prefix_;
};

// Stretched contexts change the angles of RoPE. Ignoring a key that asks for it would give a subtly worse model.
void refuse_rope_scaling(const Gguf& file, const Keys& keys) {
    const auto type = file.find_string(keys.key("rope.scaling.type"));
    const bool by_factor = !type || *type == "linear" || *type == "yarn";  // a lone factor means linear
    if (type && !by_factor && *type != "none") {
        keys.fail("rope.scaling.type", fmt::format("is '{}': RoPE scaling is not supported", printable(*type)));
    }
    if (by_factor) {
        for (const std::string_view name : {"rope.scaling.factor", "rope.scale_linear"}) {
            const auto factor = file.find_float(keys.key(name));
            if (factor && *factor != 0.0 && *factor != 1.0) {  // 0 is "not set" in old files
                keys.fail(name,
                          fmt::format("is {}: RoPE scaling ({}) is not supported", *factor, type.value_or("linear")));
            }
        }
        const auto attention = file.find_float(keys.key("rope.scaling.attn_factor"));
        if (attention && *attention != 1.0) {
            keys.fail("rope.scaling.attn_factor", fmt::format("is {}: RoPE scaling is not supported", *attention));
        }
    }
    for (const std::string_view name : {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"}) {
        const Tensor* tensor = file.find_tensor(name);
        if (!tensor) continue;
        throw Error{at_tensor(file.path(), name), "RoPE scaling by frequency (Llama 3, longrope) is not supported",
                    tensor->entry_offset, Status::bad_model};
    }
}

const Architecture& read_architecture(const Gguf& file) {
    constexpr std::string_view kKey = "general.architecture";
    const auto name = file.find_string(kKey);
    if (!name) throw Error{at_key(file.path(), kKey), "is missing", std::nullopt, Status::bad_model};
    const Architecture* architecture = find_architecture(*name);
    if (!architecture) {
        std::string known;
        for (const Architecture& a : architectures()) known += fmt::format("{}{}", known.empty() ? "" : ", ", a.name);
        throw Error{at_key(file.path(), kKey),
                    fmt::format("architecture '{}' is not supported; these are: {}", printable(*name), known),
                    file.find(kKey)->offset, Status::bad_model};
    }
    return *architecture;
}

// Rows of the embedding. The list of tokens may be shorter (rows are padded to a round number), never longer: its ids
// index the embedding.
int read_vocabulary_size(const Gguf& file) {
    constexpr std::string_view kEmbedding = "token_embd.weight";
    const Tensor* embedding = file.find_tensor(kEmbedding);
    if (!embedding) {
        throw Error{at_tensor(file.path(), kEmbedding), "is missing: the file holds no model", std::nullopt,
                    Status::bad_model};
    }
    const std::uint64_t rows = embedding->rows();
    if (rows > kMaxVocab) {
        throw Error{at_tensor(file.path(), kEmbedding), fmt::format("has {} rows, more than {}", rows, kMaxVocab),
                    embedding->entry_offset, Status::bad_model};
    }
    constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
    const Value* tokens = file.find(kTokens);
    if (tokens && tokens->type == ValueType::array && tokens->count > rows) {
        throw Error{at_key(file.path(), kTokens),
                    fmt::format("lists {} tokens, but {} has {} rows", tokens->count, kEmbedding, rows), tokens->offset,
                    Status::bad_model};
    }
    return static_cast<int>(rows);
}

}  // namespace

Config read_config(const Gguf& file) {
    const Architecture& architecture = read_architecture(file);
    const Keys keys{file, architecture.name};
    Config c;
    c.architecture = architecture.name;
    c.name = file.find_string("general.name").value_or("");
    c.rope_pairs = architecture.rope_pairs;

    c.n_layers = keys.size("block_count", kMaxLayers);
    c.d_model = keys.size("embedding_length", kMaxWidth);
    c.d_ff = keys.size("feed_forward_length", kMaxFfWidth);
    c.n_ctx_train = keys.size("context_length", kMaxContext);

    c.n_heads = keys.size("attention.head_count", kMaxWidth);
    c.n_kv_heads = keys.optional_size("attention.head_count_kv", kMaxWidth).value_or(c.n_heads);
    if (c.n_heads % c.n_kv_heads != 0) {
        keys.fail("attention.head_count_kv",
                  fmt::format("is {}, which does not divide the {} heads", c.n_kv_heads, c.n_heads));
    }
    const auto head_dim = keys.optional_size("attention.key_length", kMaxHeadDim);
    if (!head_dim && c.d_model % c.n_heads != 0) {
        keys.fail("attention.head_count",
                  fmt::format("is {}, which does not divide the width {}", c.n_heads, c.d_model));
    }
    c.head_dim = head_dim.value_or(c.d_model / c.n_heads);
    if (static_cast<std::uint64_t>(c.head_dim) > kMaxHeadDim) {
        keys.fail("attention.head_count", fmt::format("{} heads for a width of {} make heads of {}, more than {}",
                                                      c.n_heads, c.d_model, c.head_dim, kMaxHeadDim));
    }
    if (static_cast<std::uint64_t>(c.n_heads) * static_cast<std::uint64_t>(c.head_dim) > kMaxWidth) {
        keys.fail("attention.head_count",
                  fmt::format("{} heads of {} are wider than {}", c.n_heads, c.head_dim, kMaxWidth));
    }
    const int value_dim = keys.optional_size("attention.value_length", kMaxHeadDim).value_or(c.head_dim);
    if (value_dim != c.head_dim) {
        keys.fail("attention.value_length",
                  fmt::format("is {}, but keys have {}; different sizes are not supported", value_dim, c.head_dim));
    }

    const auto eps = keys.number("attention.layer_norm_rms_epsilon", 1e-20, 1.0);
    if (!eps) keys.fail("attention.layer_norm_rms_epsilon", "is missing");
    c.norm_eps = *eps;
    c.rope_base = keys.number("rope.freq_base", 1.0, 1e15).value_or(10000.0f);
    c.rope_dim = keys.optional_size("rope.dimension_count", kMaxHeadDim).value_or(c.head_dim);
    if (c.rope_dim > c.head_dim || c.rope_dim % 2 != 0) {
        keys.fail("rope.dimension_count",
                  fmt::format("is {}, expected an even number up to the head's {}", c.rope_dim, c.head_dim));
    }
    refuse_rope_scaling(file, keys);

    c.n_vocab = read_vocabulary_size(file);
    c.tied_output = file.find_tensor("output.weight") == nullptr;
    c.qkv_bias = architecture.qkv_bias || file.find_tensor("blk.0.attn_q.bias") != nullptr;
    if (architecture.adjust) architecture.adjust(c, file);
    return c;
}

}  // namespace distill
