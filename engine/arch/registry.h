// The model families that run. An architecture is data: what it adds to the common hyper-parameters, and which tensors
// it wants in which shapes. The forward pass knows only Config. To add one: a file beside this, a line in registry.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/config.h"

namespace distill {

class Gguf;

// A size that a tensor's shape is made of.
enum class Dim {
    one,  // of the rows of a vector
    d_model,
    d_ff,
    q,   // n_heads * head_dim
    kv,  // n_kv_heads * head_dim
    n_vocab,
};

enum class Presence {
    required,
    unless_tied,    // Config::tied_output false
    with_qkv_bias,  // Config::qkv_bias true
};

struct TensorRule {
    std::string_view name;  // per_layer: behind "blk.<layer>."
    bool per_layer;
    Dim columns, rows;
    Presence presence;
};

struct Architecture {
    std::string_view name;  // general.architecture, and the prefix of its keys
    RopePairs rope_pairs;
    bool qkv_bias;  // biases are required; otherwise the file decides
    std::span<const TensorRule> tensors;
    void (*adjust)(Config&, const Gguf&);  // what else differs; null for nothing. Throws Error{bad_model}
};

std::span<const Architecture> architectures();
const Architecture* find_architecture(std::string_view name);  // null if it does not run

int size_of(Dim dim, const Config& config);
std::string full_name(const TensorRule& rule, int layer);
bool is_wanted(const TensorRule& rule, const Config& config);

// Every tensor that the architecture wants is there in its shape, and no other one: a tensor that nobody reads means a
// different model than we would compute. Throws Error{bad_model} naming the tensor, with both numbers.
void check_tensors(const Gguf& file, const Config& config);

// The plain pre-norm decoder with SwiGLU that Qwen2 and Llama share.
extern const std::span<const TensorRule> kDecoderTensors;

// Defined in qwen2.cpp, llama.cpp.
Architecture qwen2_architecture();
Architecture llama_architecture();

}  // namespace distill
