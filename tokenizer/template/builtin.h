// The built-in templates: what ChatTemplate::from_gguf recognises a file's template text as, and how each variant of
// the two families differs. Plain data, so that the rendering functions have no branches hidden in strings.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/template/chat.h"

namespace distill {

struct R1Style {
    std::string bos;       // written once, in front
    bool eos_after_user;   // llama.cpp's own copy of the template closes user turns as well
    bool system_in_place;  // system messages stand where they come; the published template puts the last one in front
};

enum class Thinking {
    none,      // Qwen2.5: message text goes through as it is
    by_model,  // Qwen3: the model opens <think> itself; thinking before the last question is dropped
    forced,    // QwQ: the prompt ends with an open <think>; all but a closing answer lose theirs
};

struct ChatMlStyle {
    std::string default_system;  // put in where the first message is no system message; "" = no system turn
    Thinking thinking;
};

std::unique_ptr<ChatTemplate> make_r1(R1Style style);
std::unique_ptr<ChatTemplate> make_chatml(ChatMlStyle style);

// What a template text is; nullopt if it is neither, or of the family with a twist that we do not know.
std::optional<R1Style> recognise_r1(std::string_view source);
std::optional<ChatMlStyle> recognise_chatml(std::string_view source);

}  // namespace distill
