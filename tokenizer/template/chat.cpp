// Picks a template for a file and cuts what it renders into pieces by where each byte came from. A template that cannot
// be read is an error, never a guess: a model fed the wrong turns answers badly without saying why.
#include "tokenizer/template/chat.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/gguf.h"
#include "tokenizer/template/builtin.h"

namespace distill {

namespace {

using jinja::Origin;
using JinjaValue = jinja::Value;

constexpr std::string_view kTemplateKey = "tokenizer.chat_template";
constexpr std::string_view kAssistantMark = "<｜Assistant｜>";
constexpr std::string_view kThink = "<think>";

bool has_marker(const Tokenizer& tokenizer, std::string_view text) {
    const TokenId id = tokenizer.find(text);
    if (id < 0) return false;
    const TokenKind kind = tokenizer.kind_of(id);
    return kind == TokenKind::control || kind == TokenKind::user_defined;
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// For a file without a template: only marks that no other family has, or an end token that only instruct models set,
// settle the question.
std::string_view family_of(const Gguf& file, const Tokenizer& tokenizer) {
    const auto all = [&](std::initializer_list<std::string_view> marks) {
        return std::all_of(marks.begin(), marks.end(),
                           [&](std::string_view mark) { return has_marker(tokenizer, mark); });
    };
    if (all({"<｜User｜>", kAssistantMark, "<｜end▁of▁sentence｜>"}) && tokenizer.find(kThink) >= 0)
        return "deepseek-r1";
    const std::string_view architecture = file.find_string("general.architecture").value_or("");
    const auto ends_with = [&](std::string_view mark) {
        return tokenizer.eos() >= 0 && tokenizer.eos() == tokenizer.find(mark);
    };
    if (architecture == "qwen2" && all({"<|im_start|>", "<|im_end|>"}) && ends_with("<|im_end|>")) return "chatml";
    if (architecture == "llama" && all({"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}) &&
        ends_with("<|eot_id|>")) {
        return "llama-3";
    }
    if (architecture == "phi3" && all({"<|user|>", "<|assistant|>", "<|end|>"})) return "phi-3";
    return {};
}

// What messages call a template with these marks.
std::string family_by_marks(std::string_view source) {
    if (has(source, kAssistantMark)) return "deepseek-r1";
    if (has(source, "<|im_start|>")) return "chatml";
    if (has(source, "<|start_header_id|>")) return "llama-3";
    if (has(source, "[INST]")) return "llama-2";
    if (has(source, "<start_of_turn>")) return "gemma";
    if (has(source, "<|end|>")) return "phi-3";
    if (has(source, "<|user|>")) return "zephyr";
    return "jinja";
}

// A value from our own code, outside of any budget of a template.
JinjaValue make_dict(std::vector<std::pair<JinjaValue, JinjaValue>> entries) {
    jinja::Budget budget;
    return jinja::make_dict(budget, std::move(entries));
}

JinjaValue make_list(std::vector<JinjaValue> items) {
    jinja::Budget budget;
    return jinja::make_list(budget, std::move(items));
}

// Templates write "<|" + role + "|>": the usual names are as good as the template's own text.
Origin origin_of_role(std::string_view role) {
    static constexpr std::array<std::string_view, 9> kRoles = {
        "system", "user", "assistant", "tool", "developer", "function", "ipython", "model", "tool_response"};
    return std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end() ? Origin::trusted : Origin::input;
}

std::string text_of(const Tokenizer& tokenizer, TokenId id) {
    return id >= 0 ? std::string(tokenizer.text_of(id)) : std::string();
}

// Ends in an open <think>, blanks behind it or not.
bool opens_thinking(std::string_view text) {
    const std::size_t end = text.find_last_not_of(" \t\r\n");
    return end != std::string_view::npos && text.substr(0, end + 1).ends_with(kThink);
}

std::vector<Piece> pieces_of(const jinja::Text& text) {
    std::vector<Piece> pieces;
    for (std::size_t begin = 0; begin < text.size();) {
        const Origin origin = text.origin_at(begin);
        std::size_t end = begin + 1;
        while (end < text.size() && text.origin_at(end) == origin) ++end;
        pieces.push_back({std::string(text.view().substr(begin, end - begin)),
                          origin == Origin::trusted ? Specials::parse : Specials::as_text});
        begin = end;
    }
    return pieces;
}

}  // namespace

std::string RenderedPrompt::text() const {
    std::string joined;
    for (const Piece& piece : pieces) joined += piece.text;
    return joined;
}

JinjaValue to_value(std::span<const Message> messages) {
    std::vector<JinjaValue> list;
    for (const Message& message : messages) {
        list.push_back(
            make_dict({{JinjaValue::text("role"), JinjaValue::text(message.role, origin_of_role(message.role))},
                       {JinjaValue::text("content"), JinjaValue::text(message.content, Origin::input)}}));
    }
    return make_list(std::move(list));
}

JinjaValue with_trusted_roles(const JinjaValue& messages) {
    if (!messages.is_list()) return messages;
    std::vector<JinjaValue> list;
    for (const JinjaValue& message : messages.list().items) {
        if (!message.is_dict()) {
            list.push_back(message);
            continue;
        }
        auto entries = message.dict().entries;
        for (auto& [key, value] : entries) {
            if (key.is_string() && key.view() == "role" && value.is_string()) {
                value = JinjaValue::text(value.view(), origin_of_role(value.view()));
            }
        }
        list.push_back(make_dict(std::move(entries)));
    }
    return make_list(std::move(list));
}

ChatTemplate::ChatTemplate(std::string_view source, std::string name, std::string where, Status bad,
                           const Tokenizer* tokenizer)
    : name_(std::move(name)),
      template_(source, std::move(where), bad),
      thinks_(has(source, kThink) || has(source, "</think>")) {
    if (tokenizer == nullptr) return;
    bos_ = text_of(*tokenizer, tokenizer->bos());
    eos_ = text_of(*tokenizer, tokenizer->eos());
    thinks_ = thinks_ || (tokenizer->find(kThink) >= 0 && tokenizer->find("</think>") >= 0);
}

std::unique_ptr<ChatTemplate> ChatTemplate::from_gguf(const Gguf& file, const Tokenizer& tokenizer, std::string& note) {
    note.clear();
    const std::string_view source = file.find_string(kTemplateKey).value_or("");
    if (!source.empty()) return from_source(source, at_key(file.path(), kTemplateKey), Status::bad_model, &tokenizer);
    const std::string_view family = family_of(file, tokenizer);
    if (family.empty()) return nullptr;
    note = fmt::format("the file has no chat template; using {}, which its vocabulary belongs to", family);
    return by_name(family, &tokenizer);
}

bool ChatTemplate::is_built_in(std::string_view name) {
    const auto all = builtin_templates();
    return std::any_of(all.begin(), all.end(), [&](const BuiltinTemplate& b) { return b.name == name; });
}

std::unique_ptr<ChatTemplate> ChatTemplate::by_name(std::string_view name, const Tokenizer* tokenizer) {
    std::string names;
    const auto all = builtin_templates();
    for (const BuiltinTemplate& builtin : all) {
        if (builtin.name == name) {
            std::unique_ptr<ChatTemplate> chat(new ChatTemplate(
                builtin.source, std::string(name), fmt::format("chat template {}", name), Status::usage, tokenizer));
            // A vocabulary that names no BOS or EOS is asked for the family's.
            if (chat->bos_.empty()) chat->bos_ = builtin.bos;
            if (chat->eos_.empty()) chat->eos_ = builtin.eos;
            return chat;
        }
        if (!names.empty()) names += &builtin == &all.back() ? " and " : ", ";
        names += builtin.name;
    }
    throw Error(fmt::format("unknown chat template '{}': neither a file nor a built-in one, which are {}",
                            printable(name, 60), names),
                Status::usage);
}

std::unique_ptr<ChatTemplate> ChatTemplate::from_source(std::string_view source, std::string where, Status bad,
                                                        const Tokenizer* tokenizer) {
    std::unique_ptr<ChatTemplate> chat(
        new ChatTemplate(source, family_by_marks(source), std::move(where), bad, tokenizer));
    // Templates of the family that write their BOS themselves need no more than its text.
    if (chat->name_ == "deepseek-r1" && chat->bos_.empty()) chat->bos_ = "<｜begin▁of▁sentence｜>";
    return chat;
}

RenderedPrompt ChatTemplate::render(std::span<const Message> messages, bool add_generation_prompt) const {
    RenderOptions options;
    options.add_generation_prompt = add_generation_prompt;
    return render(messages, options);
}

RenderedPrompt ChatTemplate::render(std::span<const Message> messages, const RenderOptions& options) const {
    return render(to_value(messages), options);
}

RenderedPrompt ChatTemplate::render(const JinjaValue& messages, const RenderOptions& options) const {
    jinja::Context context = options.kwargs;
    context["messages"] = with_trusted_roles(messages);
    context["tools"] = options.tools;
    context["add_generation_prompt"] = options.add_generation_prompt;
    context["bos_token"] = JinjaValue::text(bos_);
    context["eos_token"] = JinjaValue::text(eos_);
    // Some copies of templates close the thinking at once where this is not defined.
    const JinjaValue& thinking = context.try_emplace("enable_thinking", JinjaValue(true)).first->second;
    const bool no_thinking = thinking.is_bool() && !thinking.boolean();

    jinja::Text text = template_.render(context, options.now);
    // Files made before February 2025 end at the mark; the model then skips its thinking.
    if (options.add_generation_prompt && thinks_ && text.view().ends_with(kAssistantMark)) {
        text.append(no_thinking ? "<think>\n\n</think>\n\n" : "<think>\n", Origin::trusted);
    }
    RenderedPrompt prompt;
    prompt.thinking_open = options.add_generation_prompt && opens_thinking(text.view());
    prompt.pieces = pieces_of(text);
    return prompt;
}

}  // namespace distill
