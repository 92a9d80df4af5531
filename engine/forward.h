// The transformer, and only that.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "engine/kv_cache.h"
#include "engine/ops.h"

namespace distill {

// Working memory of one pass over at most `max_tokens` tokens. Rows are tokens.
struct Scratch {
    Scratch(const Model& model, int n_threads, std::size_t max_tokens);
    std::size_t max_tokens;
    OpsScratch ops;
    Buffer<float> x;            // [tokens, d_model]: the residual stream
    Activation h;               // [tokens, d_model]
    Buffer<float> q, k, v;      // [tokens, n_heads * head_dim | n_kv_heads * head_dim]
    Activation attended;        // [tokens, n_heads * head_dim]
    Activation gate;            // [tokens, d_ff]
    Buffer<float> up;           // [tokens, d_ff]
    std::vector<float> logits;  // [rows asked for, n_vocab]
};

// What one sequence of tokens has behind it.
struct Timeline {
    KvCache kv;
    RopeTable rope;
    std::vector<TokenId> tokens;
};

// What a pass appends to one timeline.
struct Part {
    Timeline* timeline;
    std::span<const TokenId> tokens;
};

// Appends tokens to timelines, each of which appears once (at most scratch.max_tokens tokens in all; ids are valid),
// reading the weights once for all of them. Returns logits [rows, n_vocab], part after part: a row for each token, or
// for the last one of each part. go_on, if given, is asked between layers and told how many are done; where it says
// false the pass is given up, with an empty result. Throws Error{failure} naming the first layer with numbers that are
// not finite. Given up or thrown, the timelines are as they were.
std::span<const float> forward(const Model& m, std::span<const Part> parts, Scratch& s, ThreadPool& pool, Logits want,
                               const std::function<bool(std::size_t layers)>& go_on = {});

}  // namespace distill
