// The program without a subcommand: one answer (one_shot.cpp) or a conversation on a terminal (chat.cpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/answer.h"
#include "cli/environment.h"
#include "cli/extract.h"
#include "cli/options.h"
#include "cli/prompt_cache.h"
#include "cli/session.h"
#include "engine/error.h"

namespace distill {

struct RunFlags {
    ModelFlags model;
    SamplingFlags sampling;
    PromptStyle style;
    std::optional<std::string> prompt, prompt_file;  // -p, -f
    std::optional<std::string> system_prompt, system_prompt_file;
    std::vector<std::string> stop;
    int max_tokens = -1;
    int reasoning_budget = kBudgetAuto;
    std::string budget_message;
    std::optional<ThinkShow> think_show;  // dim on a terminal, else hide
    std::string think_file;               // "" = none
    std::optional<int> think_fd;
    std::optional<Extract> extract;
    CacheFlags cache;
    ColorMode color = ColorMode::automatic;
    int samples = 1;
    bool json = false;
    bool strict = false;
    bool no_lookup = false;
    bool ignore_eos = false;
    bool verbose = false;
    bool no_history = false;
};

Status one_shot(const RunFlags& flags, const std::string& prompt);
Status chat(const RunFlags& flags, const UserEnvironment& environment);

// Shared by both.
std::vector<Message> opening_messages(const RunFlags& flags);  // the system prompt, if any
GenerateOptions generate_options(const RunFlags& flags, const SamplerOptions& sampler, const Prompt& prompt);
ThinkShow think_show(const RunFlags& flags, const Output& out);
// "the answer was cut ..." for an answer that is not whole; "" for one that is.
std::string why_incomplete(const Generation& g, int n_ctx);
// With -v or on a terminal.
void print_speed(const RunFlags& flags, const Session& session, const Generation& g);

}  // namespace distill
