// The transformer, and only that.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "engine/kv_cache.h"
#include "engine/ops.h"

namespace distill {

// Working memory of one pass over at most `max_tokens` tokens. Rows are tokens.
struct Scratch {
    Scratch(const Config& config, std::size_t max_tokens);
    std::size_t max_tokens;
    Buffer<float> x;          // [tokens, d_model]: the residual stream
    Activation h;             // [tokens, d_model]
    Buffer<float> q, k, v;    // [tokens, n_heads * head_dim | n_kv_heads * head_dim]
    Activation attended;      // [tokens, n_heads * head_dim]
    Activation gate;          // [tokens, d_ff]
    Buffer<float> up;         // [tokens, d_ff]
    Activation output_pairs;  // [2 * rows asked for, d_model]
    std::vector<float> logits;  // [rows asked for, n_vocab]
};

// What one sequence of tokens has behind it.
struct Timeline {
    KvCache kv;
    RopeTable rope;
    std::vector<TokenId> tokens;
};

// Appends tokens (at most scratch.max_tokens; ids are valid) and returns logits [rows, n_vocab]. Throws Error{failure}
// naming the first layer with numbers that are not finite; the timeline is then as it was.
std::span<const float> forward(const Model& m, Timeline& timeline, Scratch& s, ThreadPool& pool,
                               std::span<const TokenId> tokens, Logits want);

}  // namespace distill
