#include "cli/run.h"

#include <fmt/format.h>

#include <map>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/terminal.h"

namespace distill {

namespace {

// stdin, then -f, then -p, each without its last newline, joined by one newline.
std::string joined_prompt(const RunFlags& flags) {
    std::vector<std::string> parts;
    const bool stdin_named = flags.prompt == "-" || flags.prompt_file == "-";
    if (stdin_named || !stdin_is_terminal()) parts.push_back(without_last_newline(read_stdin()));
    if (flags.prompt_file && *flags.prompt_file != "-") {
        parts.push_back(without_last_newline(read_text_file(*flags.prompt_file)));
    }
    if (flags.prompt && *flags.prompt != "-") parts.push_back(*flags.prompt);
    std::string joined;
    for (const std::string& part : parts) {
        if (!joined.empty() && !part.empty()) joined += '\n';
        joined += part;
    }
    return joined;
}

Status run(const RunFlags& flags, const UserEnvironment& environment) {
    if (flags.prompt || flags.prompt_file || !stdin_is_terminal()) return one_shot(flags, joined_prompt(flags));
    if (flags.json || flags.strict || flags.extract || flags.samples > 1 || flags.think_fd ||
        !flags.think_file.empty()) {
        throw Error(
            "--json, --strict, --extract, --samples, --think-file and --think-fd need a prompt: -p, -f or stdin",
            Status::usage);
    }
    return chat(flags, environment);
}

}  // namespace

void add_run_command(const Command& program, Action& action, const UserEnvironment& environment) {
    const auto flags = std::make_shared<RunFlags>();
    const auto add = [&](const char* name, auto& value, const char* text, const char* type) {
        return program.value(name, value, text).type(type).from_environment();
    };
    // One of a few words.
    const auto add_choice = [&]<typename Choice, typename Value>(const char* name,
                                                                 const std::map<std::string, Choice>& choices,
                                                                 Value& value, const char* text, const char* type) {
        std::vector<std::string> words;
        for (const auto& [word, choice] : choices) words.push_back(word);
        const auto use = [choices, &value](const std::string& word) { value = choices.at(word); };
        program.word(name, words, use, text).type(type).from_environment();
    };
    const auto add_flag = [&](const char* name, bool& value, const char* text) {
        program.flag(name, value, text).from_environment();
    };
    add_model_flags(program, flags->model);
    add_context_flag(program, flags->model);
    add("-p,--prompt", flags->prompt, "prompt; - = stdin. Text from stdin that is no terminal comes first", "TEXT");
    add("-f,--file", flags->prompt_file, "file with the prompt", "FILE");
    add("--system-prompt", flags->system_prompt, "system prompt (also -sys)", "TEXT");
    add("--system-prompt-file", flags->system_prompt_file, "file with the system prompt (also -sysf)", "FILE");
    add("-n,--n-predict,--predict", flags->max_tokens, "tokens to make at most; -1 = until the model ends", "N")
        .range(-2);
    add("-r,--reverse-prompt", flags->stop, "text that ends the answer (may be given again)", "TEXT").repeatable();
    add_flag("--raw", flags->style.raw, "the prompt as it is, no chat template");
    add("--chat-template", flags->style.chat_template, "chat template, built-in or a file, instead of the model's",
        "NAME|FILE");
    add("--chat-template-kwargs", flags->style.template_kwargs,
        "variables for the template, such as {\"enable_thinking\": false}", "JSON");
    add_choice(
        "--think-show",
        std::map<std::string, ThinkShow>{
            {"full", ThinkShow::full}, {"dim", ThinkShow::dim}, {"short", ThinkShow::brief}, {"hide", ThinkShow::hide}},
        flags->think_show, "thinking: full, dim, short or hide (default: dim on a terminal, else hide)", "HOW");
    const Flag think_file = add("--think-file", flags->think_file, "the thinking goes to this file as well", "FILE");
    add("--think-fd", flags->think_fd, "the same for an open descriptor: --think-fd 3 3>FILE", "N")
        .excludes(think_file);
    add_choice("--reasoning",
               std::map<std::string, Reasoning>{
                   {"on", Reasoning::on}, {"off", Reasoning::off}, {"auto", Reasoning::automatic}},
               flags->style.reasoning, "on, off (the answer at once) or auto (as the chat template has it)", "WHEN");
    add("--reasoning-budget", flags->reasoning_budget,
        "tokens of thinking at most; -1 = no limit (default: half of the room that -n and -c leave)", "N")
        .range(kBudgetNone);
    add("--reasoning-budget-message", flags->budget_message, "put in front of the end of a thought that is cut",
        "TEXT");
    add_choice("--color",
               std::map<std::string, ColorMode>{
                   {"auto", ColorMode::automatic}, {"on", ColorMode::on}, {"off", ColorMode::off}},
               flags->color, "on, off or auto", "WHEN");
    add_flag("--json", flags->json, "one JSON record on stdout instead of the text");
    add_choice("--extract",
               std::map<std::string, Extract>{{"boxed", Extract::boxed},
                                              {"json", Extract::json},
                                              {"code", Extract::code},
                                              {"last-line", Extract::last_line}},
               flags->extract, "print only this of the answer: boxed, json, code or last-line; status 6 without one",
               "PART");
    add("--samples", flags->samples,
        "answers to the same prompt, seeds counting up; --json: one record a line, else a line with a form feed "
        "between",
        "N")
        .range(1, 1'000'000);
    add_flag("--strict", flags->strict, "status 5 for an answer that was cut");
    add("--prompt-cache", flags->cache.file, "what was read of the prompt is kept in this file, for the next run",
        "FILE");
    add_flag("--no-cache", flags->cache.off, "no automatic cache of prompts on disk");
    add("--cache-limit", flags->cache.limit_mib, "MiB of disk for the automatic cache of prompts; 0 = none", "N")
        .range(0);
    add_flag("--no-lookup", flags->no_lookup,
             "decode token by token, without guesses from the text so far (same answer)");
    add_flag("--ignore-eos", flags->ignore_eos, "go on after the model's end token");
    add_flag("--no-history", flags->no_history, "a chat neither reads nor keeps the lines typed");
    add_flag("-v,--verbose", flags->verbose, "settings and speed on stderr");
    program.when_chosen(
        [flags, environment, &action] { action = [flags, environment] { return run(*flags, environment); }; });
    add_sampling_flags(program, flags->sampling);
}

std::vector<Message> opening_messages(const RunFlags& flags) {
    std::optional<std::string> text = flags.system_prompt;
    if (flags.system_prompt_file) text = without_last_newline(read_text_file(*flags.system_prompt_file));
    if (!text || text->empty()) return {};
    return {Message{"system", *text}};
}

GenerateOptions generate_options(const RunFlags& flags, const SamplerOptions& sampler, const Prompt& prompt) {
    GenerateOptions options;
    options.sampler = sampler;
    options.max_tokens = flags.max_tokens;
    options.stop = flags.stop;
    options.ignore_end = flags.ignore_eos;
    options.split_thinking = prompt.split_thinking;
    options.thinking_open = prompt.thinking_open;
    // Asked for none: a model that opens a thought all the same is told to end it.
    options.reasoning_budget = flags.style.reasoning == Reasoning::off ? 0 : flags.reasoning_budget;
    options.budget_message = flags.budget_message;
    options.lookup = !flags.no_lookup;
    return options;
}

ThinkShow think_show(const RunFlags& flags, const Output& out) {
    return flags.think_show.value_or(out.is_terminal() ? ThinkShow::dim : ThinkShow::hide);
}

std::string why_incomplete(const Generation& g, int n_ctx) {
    std::string why;
    if (g.reason == StopReason::length) why = fmt::format("the text was cut after {} tokens (-n)", g.generated_tokens);
    if (g.reason == StopReason::context) why = fmt::format("the text was cut: the context of {} tokens is full", n_ctx);
    if (g.thinking_unfinished && g.reason != StopReason::cancelled) {
        why += why.empty() ? "the thinking never ended: there is no answer"
                           : ", and the thinking had not ended: there is no answer";
    }
    return why;
}

void print_speed(const RunFlags& flags, const Session& session, const Generation& g) {
    Output err = standard_error();
    if (!flags.verbose && !err.is_terminal()) return;
    // A terminal that is gone must not turn a good answer into a failure.
    try {
        err.write(speed_line(session, g) + "\n");
    } catch (const Error&) {
    }
}

}  // namespace distill
