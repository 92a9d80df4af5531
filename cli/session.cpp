#include "cli/session.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/builtin_model.h"
#include "cli/input.h"
#include "cli/signals.h"
#include "cli/template_input.h"
#include "cli/terminal.h"
#include "engine/error.h"
#include "quant/kernels/kernels.h"

namespace distill {

namespace {

// Four independent lanes of multiply and rotate over 8-byte words: fast enough to hash a model in a fraction of a
// second.
class Fingerprint {
  public:
    void add(std::span<const std::byte> bytes) {
        std::size_t i = 0;
        for (; i + 32 <= bytes.size(); i += 32) {
            for (std::size_t lane = 0; lane < 4; ++lane) mix(lane, bytes.data() + i + 8 * lane, 8);
        }
        for (; i < bytes.size(); i += 8) mix(0, bytes.data() + i, std::min<std::size_t>(8, bytes.size() - i));
        const std::uint64_t size = bytes.size();  // so that moving a border between two parts changes the result
        mix(1, reinterpret_cast<const std::byte*>(&size), sizeof size);
    }
    void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
    std::uint64_t value() const {
        std::uint64_t h = 0;
        for (const std::uint64_t lane : lanes_) {
            h = (h ^ lane) * 0xff51afd7ed558ccdu;
            h ^= h >> 33;
        }
        return h;
    }

  private:
    void mix(std::size_t lane, const std::byte* bytes, std::size_t n) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes, n);
        const std::uint64_t h = (lanes_[lane] ^ word) * 0x9e3779b97f4a7c15u;
        lanes_[lane] = (h << 31) | (h >> 33);
    }
    std::array<std::uint64_t, 4> lanes_ = {1, 2, 3, 4};
};

jinja::Context parse_kwargs(const std::string& json) {
    constexpr std::string_view flag = "--chat-template-kwargs";
    try {
        const jinja::Value object = parse_template_value(json);
        if (!object.is_dict()) throw Error("expected a JSON object", Status::usage);
        jinja::Context context;
        for (const auto& [key, value] : object.dict().entries) context[std::string(key.view())] = value;
        return context;
    } catch (const Error& error) {
        throw Error(flag, error.problem(), std::nullopt, Status::usage);
    }
}

std::unique_ptr<ChatTemplate> template_by_name_or_file(const std::string& name, const Tokenizer& tokenizer) {
    std::error_code ignored;
    if (ChatTemplate::is_built_in(name) || !std::filesystem::exists(name, ignored)) {
        return ChatTemplate::by_name(name, &tokenizer);
    }
    return ChatTemplate::from_source(read_text_file(name), name, Status::usage, &tokenizer);
}

}  // namespace

Session load_session(const ModelFlags& flags) {
    const bool builtin = flags.model.empty();
    if (builtin) note_builtin_model();
    name_mapped_file(builtin ? std::string(kBuiltinName) : flags.model);
    const auto start = std::chrono::steady_clock::now();
    auto pool = std::make_unique<ThreadPool>(flags.threads > 0 ? flags.threads : default_threads());
    Engine engine = Engine::load({.path = builtin ? std::string(kBuiltinName) : flags.model,
                                  .bytes = builtin ? builtin_model() : std::span<const std::byte>{},
                                  .kernels = flags.kernels,
                                  .repack = !flags.no_repack});

    const int window = engine.config().n_ctx_train;
    const int n_ctx = flags.ctx_size > 0 ? flags.ctx_size : window;
    if (n_ctx > window) {
        warn(fmt::format("-c {} is more than the {} tokens this model was made for: expect nonsense beyond them", n_ctx,
                         window));
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return Session{std::move(pool), std::move(engine), n_ctx, flags.kv_types, seconds};
}

std::string model_name(const ModelFlags& flags, const Config& config) {
    if (flags.model.empty()) return std::string(kBuiltinName);
    return config.name.empty() ? std::filesystem::path(flags.model).filename().string() : config.name;
}

void check_model_file(const ModelFlags& flags) {
    read_config(open_model(flags.model));
}

Prompter::Prompter(const Engine& engine, const PromptStyle& style) : engine_(engine), reasoning_(style.reasoning) {
    if (style.raw) return;
    options_.now = template_clock();
    if (!style.template_kwargs.empty()) options_.kwargs = parse_kwargs(style.template_kwargs);
    if (style.reasoning != Reasoning::automatic) set_reasoning(style.reasoning);
    if (!style.chat_template.empty()) {
        chat_ = template_by_name_or_file(style.chat_template, engine.tokenizer());
        return;
    }
    std::string note_text;
    chat_ = ChatTemplate::from_gguf(engine.file(), engine.tokenizer(), note_text);
    if (!chat_ && note_text.empty()) {
        note_text = "the file has no chat template and its family is unknown: the prompt is used as it is (--raw)";
    }
    if (!note_text.empty()) note(note_text);
}

void Prompter::set_reasoning(Reasoning reasoning) {
    reasoning_ = reasoning;
    // The name that Qwen3 gave it and others took over; what a template makes nothing of, render() does at the prompt's end.
    options_.kwargs.insert_or_assign("enable_thinking", jinja::Value(reasoning != Reasoning::off));
}

Prompt Prompter::render(std::span<const Message> messages) const {
    const Tokenizer& tokenizer = engine_.tokenizer();
    Prompt prompt;
    if (chat_) {
        const RenderedPrompt rendered = chat_->render(messages, options_);
        prompt.ids = tokenizer.encode(rendered.pieces);
        prompt.split_thinking = chat_->thinks();
        prompt.thinking_open = rendered.thinking_open;
        if (chat_->thinks()) {
            prompt.thinking_open = distill::set_reasoning(prompt.ids, rendered.thinking_open, reasoning_, tokenizer);
        }
    } else {
        std::string text;
        for (const Message& message : messages) text += (text.empty() ? "" : "\n") + message.content;
        // Whoever writes the prompt by hand writes its control tokens as well.
        prompt.ids = tokenizer.encode(text, Specials::parse);
        // A model that thinks does so without a template, too: the text tells where its thinking stands.
        prompt.split_thinking = tokenizer.find("<think>") >= 0 && tokenizer.find("</think>") >= 0;
        const std::size_t open = text.rfind("<think>"), close = text.rfind("</think>");
        prompt.thinking_open =
            prompt.split_thinking && open != std::string::npos && (close == std::string::npos || close < open);
    }
    // Templates write BOS themselves: one is enough.
    const TokenId bos = tokenizer.bos();
    if (tokenizer.add_bos() && bos >= 0 && (prompt.ids.empty() || prompt.ids.front() != bos)) {
        prompt.ids.insert(prompt.ids.begin(), bos);
    }
    return prompt;
}

std::string speed_line(const Session& session, const Generation& g) {
    const auto rate = [](double tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0.0; };
    const int threads = session.pool->size();
    std::string line = fmt::format("{}, {} {} | prompt {} tok", session.engine.kernels().name, threads,
                                   threads == 1 ? "thread" : "threads", g.prompt_tokens);
    if (g.cached_tokens > 0) line += fmt::format(" ({} kept)", g.cached_tokens);
    line += fmt::format(", {:.0f} tok/s", rate(g.prompt_tokens - g.cached_tokens, g.prompt_seconds));
    line += fmt::format(" | text {} tok", g.generated_tokens);
    if (g.decoded_tokens > 0) {
        const double bytes = g.decode_passes * static_cast<double>(session.engine.weight_bytes_per_token());
        line += fmt::format(", {:.1f} tok/s, {:.1f} GB/s", rate(g.decoded_tokens, g.text_seconds),
                            rate(bytes * 1e-9, g.text_seconds));
    }
    return line + fmt::format(" | logits {:08x}", g.logits_hash);
}

nlohmann::ordered_json sampling_record(const SamplerOptions& sampler) {
    // 0.6f as 0.6, not as the double next to it.
    const auto readable = [](float value) { return std::stod(fmt::format("{}", value)); };
    return {{"temperature", readable(sampler.temperature)},
            {"top_k", sampler.top_k},
            {"top_p", readable(sampler.top_p)},
            {"min_p", readable(sampler.min_p)},
            {"repeat_penalty", readable(sampler.repeat_penalty)},
            {"repeat_last_n", sampler.repeat_last_n},
            {"presence_penalty", readable(sampler.presence_penalty)},
            {"frequency_penalty", readable(sampler.frequency_penalty)}};
}

double macs_per_token(const Gguf& file) {
    double macs = 0;
    for (const Tensor& t : file.tensors()) {
        if (t.n_dims == 2 && t.name.substr(0, 4) == "blk.") {
            macs += static_cast<double>(t.columns()) * static_cast<double>(t.rows());
        }
    }
    return macs;
}

std::string model_fingerprint(const Gguf& file) {
    Fingerprint fingerprint;
    for (const Value& value : file.values()) {
        fingerprint.add(value.key);
        fingerprint.add(value.bytes);
    }
    for (const Tensor& tensor : file.tensors()) {
        fingerprint.add(tensor.name);
        fingerprint.add(tensor.format->name);
        fingerprint.add(tensor.data);
        file.release(tensor.data);  // read once: need not stay in our memory
    }
    return fmt::format("{:016x}", fingerprint.value());
}

}  // namespace distill
