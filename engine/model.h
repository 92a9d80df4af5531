// The weights of a model, shapes checked and packed for the kernels. Matrices live as panels in memory of their own; the
// embedding is looked up row by row in the mapping, so a large one costs only the rows that were used.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "engine/config.h"
#include "engine/gguf.h"
#include "engine/thread_pool.h"
#include "quant/formats.h"
#include "quant/kernels/kernels.h"

namespace distill {

// [rows, columns], packed (quant/panels.h). The bytes belong to the Model.
struct Matrix {
    const Format* format = nullptr;
    MatmulFn matmul = nullptr;
    std::size_t rows = 0, columns = 0;
    const std::byte* panels = nullptr;
};

using Vector = std::vector<float>;

struct LayerWeights {
    Vector attn_norm;                // [d_model]
    Matrix q, k, v;                  // [n_heads * head_dim | n_kv_heads * head_dim, d_model]
    Vector q_bias, k_bias, v_bias;   // as many as the rows; empty without bias
    Matrix o;                        // [d_model, n_heads * head_dim]
    Vector ffn_norm;                 // [d_model]
    Matrix gate, up;                 // [d_ff, d_model]
    Matrix down;                     // [d_model, d_ff]
};

struct Model {
    Config config;
    const Kernels* kernels = nullptr;
    const Tensor* token_embedding = nullptr;  // [n_vocab, d_model], in the file
    std::vector<LayerWeights> layers;
    Vector output_norm;              // [d_model]
    Matrix output;                   // [n_vocab, d_model]
    std::uint64_t bytes_per_token = 0;   // of weights, that one decoded token reads

    struct Memory;
    std::shared_ptr<Memory> memory;  // what the panels lie in
};

struct LoadHooks {
    std::function<void(double fraction)> progress;
    const std::function<bool()>* cancelled = nullptr;
    std::function<void()> beside;  // run once on one of the threads while the others pack; may throw
};

// Checks the tensors against the config and packs them with all threads of the pool. The file must outlive the model.
// Throws Error{bad_model} naming the tensor, Error{failure} for lack of memory, Error{interrupted}.
Model load_model(const Gguf& file, const Config& config, const Kernels& kernels, ThreadPool& pool, const LoadHooks& hooks);

}  // namespace distill
