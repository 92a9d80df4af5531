// One prompt, one answer or several, then the end.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/run.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "quant/kernels/kernels.h"

namespace distill {

namespace {

// What the records of one run share.
struct RunFacts {
    const Session& session;
    std::string model, model_hash;
    double cache_seconds = 0;
};

std::string json_record(const RunFacts& run, const Generation& g, const SamplerOptions& sampler,
                        std::optional<Extract> part, const std::optional<std::string>& extracted) {
    const auto rate = [](int tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0.0; };
    nlohmann::ordered_json record;
    record["answer"] = g.answer;
    if (part) record["extracted"] = extracted ? nlohmann::ordered_json(*extracted) : nlohmann::ordered_json(nullptr);
    record["thinking"] = g.thinking;
    record["stop_reason"] = name_of(g.reason);
    record["thinking_unfinished"] = g.thinking_unfinished;
    record["thinking_ended_by"] = name_of(g.thinking_end);
    record["prompt_tokens"] = g.prompt_tokens;
    record["cached_tokens"] = g.cached_tokens;
    record["completion_tokens"] = g.generated_tokens;
    record["thinking_tokens"] = g.thinking_tokens;
    record["decode_passes"] = g.decode_passes;
    record["timings"] = {{"load_seconds", run.session.load_seconds},
                         {"cache_seconds", run.cache_seconds},
                         {"prompt_seconds", g.prompt_seconds},
                         {"first_token_seconds", g.first_token_seconds},
                         {"text_seconds", g.text_seconds},
                         {"prompt_per_second", rate(g.prompt_tokens - g.cached_tokens, g.prompt_seconds)},
                         {"text_per_second", rate(g.decoded_tokens, g.text_seconds)}};
    record["seed"] = sampler.seed;
    record["sampling"] = sampling_record(sampler);
    record["model"] = run.model;
    record["model_hash"] = run.model_hash;
    record["kernels"] = run.session.engine.kernels().name;
    record["threads"] = run.session.pool->size();
    record["logits"] = fmt::format("{:08x}", g.logits_hash);
    record["version"] = kVersion;
    // Names from the file may be bad UTF-8; the text never is.
    return record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// The side stream that the user asked for, if any.
std::optional<ThinkingCopy> thinking_copy(const RunFlags& flags) {
    if (flags.think_fd) return ThinkingCopy::to_descriptor(*flags.think_fd);
    if (!flags.think_file.empty()) return ThinkingCopy::to_file(flags.think_file);
    return std::nullopt;
}

void tell_thinking_end(ThinkingEnd end) {
    switch (end) {
        case ThinkingEnd::model:
        case ThinkingEnd::soft:
            break;
        case ThinkingEnd::budget:
            note("the thinking was closed after its budget; --reasoning-budget -1 lifts it");
            break;
        case ThinkingEnd::repeat:
            note(
                "the thinking was closed because it went round in circles; another --seed or a higher --temp may help");
            break;
    }
}

void tell_stored(const PromptCache::Stored& stored, const PromptCache& cache, bool verbose) {
    // Who named a file wants to know; the automatic cache is nobody's concern unless asked.
    if (!stored.problem.empty() && (verbose || !cache.place().file.empty())) {
        warn(fmt::format("the prompt was not kept: {}", stored.problem));
    } else if (stored.pages > 0 && verbose) {
        note(fmt::format("prompt cache: {} pages of {} tokens stored, {:.1f} MB", stored.pages, kPromptPageTokens,
                         static_cast<double>(stored.bytes) * 1e-6));
    }
}

}  // namespace

Status one_shot(const RunFlags& flags, const std::string& prompt_text) {
    if (prompt_text.empty()) {
        // Nothing to say, but a broken file is reported all the same.
        check_model_file(flags.model);
        return Status::ok;
    }
    std::optional<ThinkingCopy> copy = thinking_copy(flags);
    const Session session = load_session(flags.model);
    const Engine& engine = session.engine;
    const Prompter prompter(engine, flags.style);
    std::vector<Message> messages = opening_messages(flags);
    messages.push_back({"user", prompt_text});
    const Prompt prompt = prompter.render(messages);
    SamplerOptions sampler = sampler_options(flags.sampling, engine.file(), engine.tokenizer());
    if (flags.verbose) {
        note(fmt::format("template {}, seed {}, temperature {}, top-k {}, top-p {}, min-p {}, repeat penalty {}",
                         prompter.template_name(), sampler.seed, sampler.temperature, sampler.top_k, sampler.top_p,
                         sampler.min_p, sampler.repeat_penalty));
    }

    Output out = standard_output();
    Output err = standard_error();
    Sequence sequence = session.sequence();
    RunFacts run{session, model_name(flags.model, engine.config()), {}};
    PromptCache cache(engine, cache_place(flags.cache));
    const auto start = std::chrono::steady_clock::now();
    const std::size_t restored = cache.restore(sequence, prompt.ids);
    run.cache_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (restored > 0 && flags.verbose) {
        note(fmt::format("prompt cache: {} of {} tokens restored in {:.3f} s", restored, prompt.ids.size(),
                         run.cache_seconds));
    }

    // These are lines of their own, which need nothing between them.
    const bool one_line = flags.extract == Extract::boxed || flags.extract == Extract::last_line;
    Status status = Status::ok;
    for (int i = 0; i < flags.samples; ++i, ++sampler.seed) {
        if (i > 0) {
            if (!flags.json && !one_line) out.write(kAnswerSeparator);
            if (copy) copy->separate();
        }
        AnswerPrinter printer(out, err, flags.json ? ThinkShow::hide : think_show(flags, out), flags.color);
        Progress progress("reading the prompt");
        GenerateEvents events;
        events.text = [&](std::string_view text, bool thinking) {
            progress.clear();
            cache.store(sequence, prompt.ids);  // with the first word the prompt is read; once
            if (thinking && copy) copy->write(text);
            if (!flags.json && (thinking || !flags.extract)) printer.text(text, thinking);
        };
        events.thinking = [&](int tokens) { printer.thinking_tokens(tokens); };
        events.prefill = [&](int done, int total) { progress.update(static_cast<double>(done) / total); };
        events.cancelled = [] { return interrupts() > 0; };
        const Generation g = generate(engine, sequence, prompt.ids, generate_options(flags, sampler, prompt), events);
        progress.clear();
        const bool cancelled = g.reason == StopReason::cancelled;
        if (!cancelled) cache.store(sequence, prompt.ids);  // there was no word
        std::optional<std::string> extracted;
        if (flags.extract) extracted = extract(*flags.extract, g.answer);
        if (extracted && !flags.json && !cancelled) printer.text(*extracted, false);
        printer.finish();
        if (copy) copy->finish();
        // Not before the answer: it reads the whole file.
        if (flags.json && run.model_hash.empty()) run.model_hash = model_fingerprint(engine.file());
        if (flags.json) out.write(json_record(run, g, sampler, flags.extract, extracted));

        tell_thinking_end(g.thinking_end);
        const std::string incomplete = why_incomplete(g, session.n_ctx);
        if (!incomplete.empty()) warn(incomplete);
        if (flags.extract && !extracted && !cancelled) {
            print_error(fmt::format("the answer holds {}, which --extract {} asks for", lack_of(*flags.extract),
                                    name_of(*flags.extract)));
            if (status == Status::ok) status = Status::constraint;
        }
        // Of two complaints this is the cause.
        if (!incomplete.empty() && flags.strict) status = Status::cut;
        print_speed(flags, session, g);
        if (cancelled) return Status::interrupted;
    }
    tell_stored(cache.finish(), cache, flags.verbose);
    return status;
}

}  // namespace distill
