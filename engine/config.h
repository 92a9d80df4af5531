// Hyper-parameters of a model, read from the metadata and validated once; everything behind trusts them.
#pragma once

#include <cstdint>
#include <string>

namespace distill {

class Gguf;

// Which elements of a head RoPE turns together.
enum class RopePairs {
    halves,      // (i, i + rope_dim / 2): Qwen2, Phi-3
    neighbours,  // (2i, 2i + 1): Llama GGUFs
};

struct Config {
    std::string architecture;  // "qwen2", "llama"
    std::string name;          // general.name, "" if absent
    int n_layers = 0;
    int d_model = 0;  // width of the residual stream
    int d_ff = 0;
    int n_heads = 0;
    int n_kv_heads = 0;   // divides n_heads
    int head_dim = 0;     // of K and Q and V
    int n_vocab = 0;      // rows of the embedding
    int n_ctx_train = 0;  // the window the file declares
    float norm_eps = 0;
    float rope_base = 10000.0f;
    int rope_dim = 0;  // even, at most head_dim; the rest of a head is not turned
    RopePairs rope_pairs = RopePairs::halves;
    bool qkv_bias = false;
    bool tied_output = false;  // the output matrix is the embedding

    std::uint64_t kv_bytes_per_token() const {  // f16 keys and values of all layers
        return std::uint64_t{4} * static_cast<std::uint64_t>(n_layers) * static_cast<std::uint64_t>(n_kv_heads) *
               static_cast<std::uint64_t>(head_dim);
    }
};

// Throws Error{bad_model} naming the key: missing, zero, out of range, contradicting another, or an unknown
// architecture.
Config read_config(const Gguf& file);

}  // namespace distill
