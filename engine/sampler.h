// From logits to the next token: penalties, top-k, top-p, min-p, temperature, seed, in llama.cpp's order
// (penalties; top_k; top_p; min_p; temperature).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace distill {

class Gguf;

struct SamplerOptions {
    float temperature = 0.8f;     // 0 = greedy
    int top_k = 40;               // 0 = off
    float top_p = 0.95f;          // 1 = off
    float min_p = 0.05f;          // 0 = off
    float repeat_penalty = 1.0f;  // 1 = off; logits > 0 are divided by it, others multiplied
    int repeat_last_n = 64;       // window of the three penalties; -1 = everything
    float presence_penalty = 0.0f;
    float frequency_penalty = 0.0f;
    std::uint64_t seed = 0;
};

// The file's own defaults over the general ones: general.sampling.* keys first, then the family's published ones
// (R1 distills: temperature 0.6, top-p 0.95; Qwen2.5-Instruct: 0.7, 0.8, top-k 20, repeat 1.05).
SamplerOptions model_defaults(const Gguf& file, const Tokenizer& tokenizer);

class Sampler {
  public:
    explicit Sampler(
        const SamplerOptions& options);  // throws Error{usage} naming an option out of range (NaN included)

    // The next token for logits [n_vocab]. Ties go to the lowest id. Throws Error{failure} if no logit is finite.
    TokenId sample(std::span<const float> logits);
    void accept(TokenId id);  // remembers a token (of prompt or answer) for the penalties
    const SamplerOptions& options() const { return options_; }

  private:
    struct Candidate {
        TokenId id;
        float logit;
    };
    std::uint64_t next_random();
    SamplerOptions options_;
    std::uint64_t state_;  // of the generator (splitmix64: 64 bits of state, any seed is good)
    std::deque<TokenId> recent_;
    std::vector<Candidate> candidates_;
};

}  // namespace distill
