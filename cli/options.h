// Flags that several commands share. Each flag's value may also come from the environment: DISTILL_ARG_<LONG_NAME>; the
// command line wins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/kv_cache.h"
#include "engine/sampler.h"

namespace distill {

class Command;
class Gguf;

struct ModelFlags {
    std::string model;    // "" = the built-in one
    std::string kernels;  // "" = the best
    bool no_repack = false;
    int threads = 0;   // 0 = physical cores
    int ctx_size = 0;  // 0 = the model's window
    KvTypes kv_types;
};
void add_model_flags(const Command& command, ModelFlags& flags);
// The window, and how its keys and values are kept.
void add_context_flag(const Command& command, ModelFlags& flags);
void add_cache_type_flags(const Command& command, KvTypes& types);

// What the user said about sampling; the rest comes from the model.
struct SamplingFlags {
    std::optional<float> temperature, top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty;
    std::optional<int> top_k, repeat_last_n;
    std::int64_t seed = -1;  // negative: a random one
};
void add_sampling_flags(const Command& command, SamplingFlags& flags);
// The model's own defaults under the user's words; the seed is drawn here if none was given.
SamplerOptions sampler_options(const SamplingFlags& flags, const Gguf& file, const Tokenizer& tokenizer);

// "1,2,8" or "1 2 8"; throws Error{usage} naming the flag, and where a number is outside [low, high].
std::vector<int> parse_int_list(const std::string& text, const std::string& flag, int low, int high);

// llama.cpp's long flags with one dash ("-sys"), which CLI11 would read as "-s ys", turned into their two-dash names.
std::vector<std::string> normalise_arguments(int argc, const char* const* argv);

}  // namespace distill
