// Chat templates: messages to the exact text a model was trained on. A file's own Jinja template is run by the
// interpreter beside this file; templates of ours (builtin.h) serve files that have none.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/template/template.h"
#include "tokenizer/tokenizer.h"

namespace distill {

struct Message {
    std::string role;  // "system", "user", "assistant"
    std::string content;
};

struct RenderedPrompt {
    std::vector<Piece> pieces;   // template text parses control tokens, message text never does
    bool thinking_open = false;  // the tail opened <think>: the answer starts inside the thinking
    std::string text() const;    // all pieces joined
};

struct RenderOptions {
    bool add_generation_prompt = true;
    jinja::Value tools = jinja::Value::none();  // as JSON had them
    jinja::Context kwargs;                      // more variables, such as enable_thinking
    std::int64_t now = 0;                       // for strftime_now: seconds since 1970
};

// Messages and whatever comes with them as a template sees them. All text counts as input but the names of the usual
// roles: templates build control tokens of them.
jinja::Value to_value(std::span<const Message> messages);
jinja::Value with_trusted_roles(const jinja::Value& messages);

class ChatTemplate {
  public:
    // The file's tokenizer.chat_template or, without one, a built-in by vocabulary and architecture where the family is
    // beyond doubt: `note` then says which. Throws Error{bad_model} with line and column for a template that cannot be
    // read; returns null where the file has none and the family is unknown (the caller goes raw with a note).
    static std::unique_ptr<ChatTemplate> from_gguf(const Gguf& file, const Tokenizer& tokenizer, std::string& note);
    // A built-in by name, as --chat-template takes it; throws Error{usage} listing the names. Without a tokenizer the
    // BOS and EOS texts are the family's own.
    static std::unique_ptr<ChatTemplate> by_name(std::string_view name, const Tokenizer* tokenizer = nullptr);
    static bool is_built_in(std::string_view name);
    // Any Jinja source. `where` is what errors call it; throws Error{bad}.
    static std::unique_ptr<ChatTemplate> from_source(std::string_view source, std::string where, Status bad,
                                                     const Tokenizer* tokenizer = nullptr);

    // The family as far as its marks tell: "deepseek-r1", "chatml", ... or "jinja".
    std::string_view name() const { return name_; }
    // Throws Error{usage} where the template refuses the messages.
    RenderedPrompt render(std::span<const Message> messages, bool add_generation_prompt) const;
    RenderedPrompt render(std::span<const Message> messages, const RenderOptions& options) const;
    RenderedPrompt render(const jinja::Value& messages, const RenderOptions& options) const;
    // True when template or vocabulary know <think>: the splitter is armed.
    bool thinks() const { return thinks_; }

  private:
    ChatTemplate(std::string_view source, std::string name, std::string where, Status bad, const Tokenizer* tokenizer);

    std::string name_;
    jinja::Template template_;
    std::string bos_, eos_;
    bool thinks_;
};

}  // namespace distill
