#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <random>
#include <utility>

#include "cli/flags.h"
#include "engine/error.h"
#include "engine/gguf.h"

namespace distill {

namespace {

// More would only be a typing mistake; each costs a stack.
constexpr int kMaxThreads = 1024;

}  // namespace

void add_model_flags(const Command& command, ModelFlags& flags) {
    command.value("-m,--model", flags.model, "GGUF model file; none = the built-in demo model")
        .type("FILE")
        .from_environment();
    command.value("-t,--threads", flags.threads, "threads; 0 = physical cores")
        .range(0, kMaxThreads)
        .type("N")
        .from_environment();
    command.value("--kernels", flags.kernels, "kernel set, instead of the best this CPU runs")
        .type("NAME")
        .from_environment();
    command.flag("--no-repack", flags.no_repack, "leave the weights as they are in the file: less memory, slower text")
        .from_environment();
}

void add_context_flag(const Command& command, ModelFlags& flags) {
    command.value("-c,--ctx-size", flags.ctx_size, "tokens of context; 0 = the model's window")
        .range(0)
        .type("N")
        .from_environment();
    add_cache_type_flags(command, flags.kv_types);
}

void add_cache_type_flags(const Command& command, KvTypes& types) {
    const auto add = [&](const char* name, KvType& type, const char* text) {
        const auto use = [&type](const std::string& word) { type = word == "q8_0" ? KvType::q8_0 : KvType::f16; };
        command.word(name, {"f16", "q8_0"}, use, text).type("TYPE").from_environment();
    };
    add("--cache-type-k", types.keys, "keys of the context: f16, or q8_0 in half the memory");
    add("--cache-type-v", types.values, "values of the context: f16 or q8_0");
}

void add_sampling_flags(const Command& command, SamplingFlags& flags) {
    const auto add = [&](const char* name, auto& value, const char* text, const char* type) {
        command.value(name, value, text).type(type).group("Sampling").from_environment();
    };
    add("-s,--seed", flags.seed, "seed; -1 = a random one", "N");
    add("--temp", flags.temperature, "temperature; 0 = greedy", "X");
    add("--top-k", flags.top_k, "only the K likeliest tokens; 0 = off", "K");
    add("--top-p", flags.top_p, "only the likeliest tokens that make up P; 1 = off", "P");
    add("--min-p", flags.min_p, "only tokens at least P times as likely as the likeliest; 0 = off", "P");
    add("--repeat-penalty", flags.repeat_penalty, "divides the logits of recent tokens; 1 = off", "X");
    add("--repeat-last-n", flags.repeat_last_n, "tokens that count as recent; -1 = all", "N");
    add("--presence-penalty", flags.presence_penalty, "subtracted from the logits of recent tokens", "X");
    add("--frequency-penalty", flags.frequency_penalty, "the same for each time they occurred", "X");
}

SamplerOptions sampler_options(const SamplingFlags& flags, const Gguf& file, const Tokenizer& tokenizer) {
    SamplerOptions o = model_defaults(file, tokenizer);
    o.temperature = flags.temperature.value_or(o.temperature);
    o.top_k = flags.top_k.value_or(o.top_k);
    o.top_p = flags.top_p.value_or(o.top_p);
    o.min_p = flags.min_p.value_or(o.min_p);
    o.repeat_penalty = flags.repeat_penalty.value_or(o.repeat_penalty);
    o.repeat_last_n = flags.repeat_last_n.value_or(o.repeat_last_n);
    o.presence_penalty = flags.presence_penalty.value_or(o.presence_penalty);
    o.frequency_penalty = flags.frequency_penalty.value_or(o.frequency_penalty);
    // 32 bits of a random seed: short enough to type again.
    o.seed = flags.seed >= 0 ? static_cast<std::uint64_t>(flags.seed) : std::random_device{}();
    return o;
}

std::vector<int> parse_int_list(const std::string& text, const std::string& flag, int low, int high) {
    std::vector<int> numbers;
    const char* p = text.data();
    const char* const end = p + text.size();
    const auto is_separator = [](char c) { return c == ',' || c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
    while (p != end) {
        if (is_separator(*p)) {
            ++p;
            continue;
        }
        int number = 0;
        const auto [next, problem] = std::from_chars(p, end, number);
        if (problem != std::errc() || (next != end && !is_separator(*next))) {
            const char* const stop = std::find_if(p, end, is_separator);
            throw Error(fmt::format("{}: '{}' is not a number, or too large", flag,
                                    printable({p, static_cast<std::size_t>(stop - p)}, 40)),
                        Status::usage);
        }
        if (number < low || number > high) {
            throw Error(fmt::format("{}: {} is out of range: expected {} to {}", flag, number, low, high),
                        Status::usage);
        }
        numbers.push_back(number);
        p = next;
    }
    return numbers;
}

std::vector<std::string> normalise_arguments(int argc, const char* const* argv) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOneDash = {{
        {"-sys", "--system-prompt"},
        {"-sysf", "--system-prompt-file"},
        {"-co", "--color"},
        {"-rea", "--reasoning"},
        {"-ctk", "--cache-type-k"},
        {"-ctv", "--cache-type-v"},
    }};
    std::vector<std::string> arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const auto found =
            std::find_if(kOneDash.begin(), kOneDash.end(), [&](const auto& pair) { return pair.first == argument; });
        arguments.emplace_back(found != kOneDash.end() ? found->second : argument);
    }
    return arguments;
}

}  // namespace distill
