// One prompt, one answer (or several JSON records), then the end.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/run.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "quant/kernels/kernels.h"

namespace distill {

namespace {

std::string json_record(const Session& session, const Generation& g, const SamplerOptions& sampler,
                        const std::string& name, const std::string& fingerprint) {
    const auto rate = [](int tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0.0; };
    nlohmann::ordered_json record;
    record["answer"] = g.answer;
    record["thinking"] = g.thinking;
    record["stop_reason"] = name_of(g.reason);
    record["thinking_unfinished"] = g.thinking_unfinished;
    record["prompt_tokens"] = g.prompt_tokens;
    record["cached_tokens"] = g.cached_tokens;
    record["completion_tokens"] = g.generated_tokens;
    record["thinking_tokens"] = g.thinking_tokens;
    record["timings"] = {{"load_seconds", session.load_seconds},
                         {"prompt_seconds", g.prompt_seconds},
                         {"first_token_seconds", g.first_token_seconds},
                         {"text_seconds", g.text_seconds},
                         {"prompt_per_second", rate(g.prompt_tokens - g.cached_tokens, g.prompt_seconds)},
                         {"text_per_second", rate(g.decode_steps, g.text_seconds)}};
    record["seed"] = sampler.seed;
    record["sampling"] = sampling_record(sampler);
    record["model"] = name;
    record["model_hash"] = fingerprint;
    record["kernels"] = session.engine.kernels().name;
    record["threads"] = session.pool->size();
    record["logits"] = fmt::format("{:08x}", g.logits_hash);
    record["version"] = kVersion;
    // Names from the file may be bad UTF-8; the text never is.
    return record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

Status one_shot(const RunFlags& flags, const std::string& prompt_text) {
    if (prompt_text.empty()) {
        // Nothing to say, but a broken file is reported all the same.
        check_model_file(flags.model);
        return Status::ok;
    }
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
    std::string fingerprint;
    Status status = Status::ok;
    for (int i = 0; i < flags.samples; ++i, ++sampler.seed) {
        AnswerPrinter printer(out, err, flags.json ? ThinkShow::hide : think_show(flags, out), flags.color);
        Progress progress("reading the prompt");
        GenerateEvents events;
        events.text = [&](std::string_view text, bool thinking) {
            progress.clear();
            if (!flags.json) printer.text(text, thinking);
        };
        events.prefill = [&](int done, int total) { progress.update(static_cast<double>(done) / total); };
        events.cancelled = [] { return interrupts() > 0; };
        const Generation g = generate(engine, sequence, prompt.ids, generate_options(flags, sampler, prompt), events);
        progress.clear();
        printer.finish();
        // Not before the answer: it reads the whole file.
        if (flags.json && fingerprint.empty()) fingerprint = model_fingerprint(engine.file());
        if (flags.json) {
            out.write(json_record(session, g, sampler, model_name(flags.model, engine.config()), fingerprint));
        }

        if (g.thinking_closed_by_budget) {
            note(fmt::format("the thinking was closed after its budget; --reasoning-budget -1 lifts it"));
        }
        const std::string incomplete = why_incomplete(g, session.n_ctx);
        if (!incomplete.empty()) {
            warn(incomplete);
            if (flags.strict) status = Status::cut;
        }
        print_speed(flags, session, g);
        if (g.reason == StopReason::cancelled) return Status::interrupted;
    }
    return status;
}

}  // namespace distill
