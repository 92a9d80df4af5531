// Chat templates: messages to the exact text a model was trained on. For now two built-ins recognised from the template
// text in the file; the interpreter for any template takes their place behind the same function.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace distill {

struct Message {
    std::string role;     // "system", "user", "assistant"
    std::string content;
};

struct RenderedPrompt {
    std::vector<Piece> pieces;   // template text parses control tokens, message text never does
    bool thinking_open = false;  // the tail opened <think>: the answer starts inside the thinking
    std::string text() const;    // all pieces joined
};

class ChatTemplate {
  public:
    // Picks the template by the file's tokenizer.chat_template (or, without one, by vocabulary and architecture where
    // the family is beyond doubt: `note` then says which). Throws Error{bad_model} naming --raw for an unknown template;
    // returns null where the file has none and the family is unknown (the caller goes raw with a note).
    static std::unique_ptr<ChatTemplate> from_gguf(const Gguf& file, const Tokenizer& tokenizer, std::string& note);
    // By name, as --chat-template takes it; throws Error{usage} listing the names.
    static std::unique_ptr<ChatTemplate> by_name(std::string_view name);

    virtual ~ChatTemplate() = default;
    virtual std::string_view name() const = 0;  // "deepseek-r1", "chatml"
    virtual RenderedPrompt render(std::span<const Message> messages, bool add_generation_prompt) const = 0;
    // True when the family thinks between <think> and </think>: the splitter is armed.
    virtual bool thinks() const = 0;
};

}  // namespace distill
