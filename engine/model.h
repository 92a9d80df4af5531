// The weights of a model, shapes checked. Matrices belong to a Packing, which rearranges them for the kernels; the
// embedding is looked up row by row in the mapping, so a large one costs only the rows that were used.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/config.h"
#include "engine/gguf.h"
#include "engine/packing.h"
#include "quant/kernels/kernels.h"

namespace distill {

using Vector = std::vector<float>;

struct LayerWeights {
    Vector attn_norm;               // [d_model]
    Matrix q, k, v;                 // [n_heads * head_dim | n_kv_heads * head_dim, d_model]
    Vector q_bias, k_bias, v_bias;  // as many as the rows; empty without bias
    Matrix o;                       // [d_model, n_heads * head_dim]
    Vector ffn_norm;                // [d_model]
    Matrix gate, up;                // [d_ff, d_model]
    Matrix down;                    // [d_model, d_ff]
};

struct Model {
    Config config;
    const Kernels* kernels = nullptr;
    const Tensor* token_embedding = nullptr;  // [n_vocab, d_model], in the file
    std::vector<LayerWeights> layers;
    Vector output_norm;                 // [d_model]
    Matrix output;                      // [n_vocab, d_model]
    std::uint64_t bytes_per_token = 0;  // of weights, that one decoded token reads

    std::unique_ptr<Packing> packing;
};

// Checks the tensors against the config. The file must outlive the model. Throws Error{bad_model} naming the tensor.
Model load_model(const Gguf& file, const Config& config, const Kernels& kernels);

}  // namespace distill
