// The generation loop: reads a prompt into a sequence (keeping what it already holds), samples until something ends the
// text, and hands out whole UTF-8 characters split into thinking and answer. Used by one-shot and chat alike; knows
// nothing of argv, terminals or HTTP.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/sampler.h"

namespace distill {

// How many tokens of thinking are let through before the engine closes it.
inline constexpr int kBudgetAuto = -2;  // half of the room left (see thinking_budget)
inline constexpr int kBudgetNone = -1;  // no limit

struct GenerateOptions {
    SamplerOptions sampler;
    int max_tokens = -1;            // -1 or less: until the model ends or the context is full
    std::vector<std::string> stop;  // the answer ends before the first of these
    bool ignore_end = false;        // go on after end tokens
    bool split_thinking = false;    // <think>...</think> is told apart from the answer
    bool thinking_open = false;     // the prompt's tail opened <think>
    int reasoning_budget = kBudgetAuto;
    bool lookup = true;  // tokens that repeat earlier text are tried several at a time (engine/lookup.h); same bits
    std::string budget_message;  // put in front of </think> where the engine has to end the thinking
};

// Who ended the thinking.
enum class ThinkingEnd {
    model,   // the model, or nobody
    soft,    // the engine, shortly before the budget's end, where the model was about to
    budget,  // the engine, at the budget's end
    repeat,  // the engine, because the thinking went round in circles
};
std::string_view name_of(ThinkingEnd end);  // "model", "soft", "budget", "repeat"

enum class StopReason {
    end,  // the model's own end token
    stop_string,
    length,   // max_tokens
    context,  // the window is full
    cancelled,
};
std::string_view name_of(StopReason reason);  // "end", "stop", "length", "context", "cancelled"

// What happens while generating. All are called on the generating thread; an exception thrown by one ends the
// generation and passes through.
struct GenerateEvents {
    std::function<void(std::string_view text, bool thinking)> text;  // whole UTF-8 characters
    std::function<void(int tokens)> thinking;                        // tokens of thinking so far; may be empty
    std::function<void(int done, int total)> prefill;                // now and then; may be empty
    std::function<bool()> cancelled;                                 // asked at each token and batch; may be empty
};

struct Generation {
    StopReason reason = StopReason::end;
    std::string answer;
    std::string thinking;
    bool thinking_unfinished = false;  // the text ended inside the thinking
    ThinkingEnd thinking_end = ThinkingEnd::model;
    int prompt_tokens = 0;
    int cached_tokens = 0;     // of these, already in the sequence
    int generated_tokens = 0;  // end token not counted
    int thinking_tokens = 0;   // of these
    int decoded_tokens = 0;    // read behind the prompt: what text_seconds measures
    int decode_passes = 0;     // readings of the weights for these: fewer where guesses held (engine/lookup.h)
    double prompt_seconds = 0;
    double text_seconds = 0;
    double first_token_seconds = 0;  // from the call to the first token
    std::uint32_t logits_hash = 0;   // of the last row of logits
};

// Tokens of thinking let through, so that an answer is always reached. The room is what is left of the context, or
// max_tokens where that is less. Without a request half of it; a request holds as far as it leaves the answer 512
// tokens or half of the room, whichever is less; only kBudgetNone takes it all.
int thinking_budget(int requested, int room, int max_tokens);

// Throws Error{context} with both numbers when the prompt does not leave room for one token, and what Sequence and
// Sampler throw. The sequence then holds what it held or a prefix of it and the prompt: it can be used again.
Generation generate(const Engine& engine, Sequence& sequence, std::span<const TokenId> prompt,
                    const GenerateOptions& options, const GenerateEvents& events);

// Hash of a row of logits, bit by bit: equal hashes mean equal results.
std::uint32_t hash_logits(std::span<const float> row);

}  // namespace distill
