// What commands that run a model share: loading with a progress line, the prompt as token ids, the closing speed line.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/options.h"
#include "engine/engine.h"
#include "engine/generate.h"
#include "engine/thinking.h"
#include "tokenizer/template/chat.h"

namespace distill {

// A loaded model and its threads.
struct Session {
    std::unique_ptr<ThreadPool> pool;
    Engine engine;
    int n_ctx = 0;  // as asked for, else the model's window
    KvTypes kv_types;
    double load_seconds = 0;

    Sequence sequence() const { return Sequence(engine, *pool, n_ctx, kv_types); }
};
Session load_session(const ModelFlags& flags);

// What messages and records call the model: "built-in demo", else the name in the file, else the file's name.
std::string model_name(const ModelFlags& flags, const Config& config);

// Refuses a file that is no sound GGUF, without reading its weights.
void check_model_file(const ModelFlags& flags);

// How messages become a prompt.
struct PromptStyle {
    bool raw = false;             // the text as it is
    std::string chat_template;    // a built-in's name or a file; "" = what the model file asks for
    std::string template_kwargs;  // more variables for the template, a JSON object
    Reasoning reasoning = Reasoning::automatic;
};

struct Prompt {
    std::vector<TokenId> ids;
    bool split_thinking = false;
    bool thinking_open = false;
};

// Renders conversations for one model.
class Prompter {
  public:
    // Says on stderr which template was chosen where the file has none.
    Prompter(const Engine& engine, const PromptStyle& style);
    Prompt render(std::span<const Message> messages) const;
    void set_reasoning(Reasoning reasoning);
    std::string_view template_name() const { return chat_ ? chat_->name() : "raw"; }

  private:
    const Engine& engine_;
    std::unique_ptr<ChatTemplate> chat_;  // null: raw
    RenderOptions options_;
    Reasoning reasoning_;
};

// "avx2, 8 threads | prompt 42 tok, 310 tok/s | text 128 tok, 41.2 tok/s, 45 GB/s | logits 7f3a90c1"
std::string speed_line(const Session& session, const Generation& g);

// The sampling options as records show them, without the seed.
nlohmann::ordered_json sampling_record(const SamplerOptions& sampler);

// Multiply-adds of one token in the matrices of the layers. The output matrix works for the last position only.
double macs_per_token(const Gguf& file);

// 16 hex digits over the metadata and the tensors: two files with the same ones answer the same. Reads the whole file.
std::string model_fingerprint(const Gguf& file);

}  // namespace distill
