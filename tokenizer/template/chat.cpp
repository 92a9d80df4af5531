// Picks a built-in template for a file. An unknown template is an error, never a guess: a model fed the wrong turns
// answers badly without saying why.
#include "tokenizer/template/chat.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "engine/gguf.h"
#include "tokenizer/template/builtin.h"

namespace distill {

namespace {

constexpr std::string_view kTemplateKey = "tokenizer.chat_template";

bool has_marker(const Tokenizer& tokenizer, std::string_view text) {
    const TokenId id = tokenizer.find(text);
    if (id < 0) return false;
    const TokenKind kind = tokenizer.kind_of(id);
    return kind == TokenKind::control || kind == TokenKind::user_defined;
}

// The template's own BOS text, unless the file names another token.
std::string bos_text(const Tokenizer& tokenizer, std::string fallback) {
    return tokenizer.bos() >= 0 ? std::string(tokenizer.text_of(tokenizer.bos())) : fallback;
}

// For a file without a template: only marks that no other family has, or an end token that only instruct models set,
// settle the question.
std::unique_ptr<ChatTemplate> by_vocabulary(const Gguf& file, const Tokenizer& tokenizer, std::string& note) {
    if (has_marker(tokenizer, "<｜User｜>") && has_marker(tokenizer, "<｜Assistant｜>") &&
        has_marker(tokenizer, "<｜end▁of▁sentence｜>") && tokenizer.find("<think>") >= 0) {
        note = "the file has no chat template; using deepseek-r1, which its vocabulary belongs to";
        return make_r1({bos_text(tokenizer, "<｜begin▁of▁sentence｜>"), false, false});
    }
    const std::string_view architecture = file.find_string("general.architecture").value_or("");
    if (architecture == "qwen2" && has_marker(tokenizer, "<|im_start|>") && has_marker(tokenizer, "<|im_end|>") &&
        tokenizer.eos() == tokenizer.find("<|im_end|>")) {
        note = "the file has no chat template; using chatml, which its vocabulary and architecture belong to";
        return make_chatml({"", Thinking::none});
    }
    return nullptr;
}

}  // namespace

std::string RenderedPrompt::text() const {
    std::string joined;
    for (const Piece& piece : pieces) joined += piece.text;
    return joined;
}

std::unique_ptr<ChatTemplate> ChatTemplate::from_gguf(const Gguf& file, const Tokenizer& tokenizer, std::string& note) {
    note.clear();
    const std::string_view source = file.find_string(kTemplateKey).value_or("");
    if (source.empty()) return by_vocabulary(file, tokenizer, note);
    if (std::optional<R1Style> style = recognise_r1(source)) {
        style->bos = bos_text(tokenizer, style->bos);
        return make_r1(std::move(*style));
    }
    if (std::optional<ChatMlStyle> style = recognise_chatml(source)) return make_chatml(std::move(*style));
    const Value* value = file.find(kTemplateKey);
    throw Error(
        at_key(file.path(), kTemplateKey),
        "this chat template is not one of the built-in ones (deepseek-r1, chatml); give a prompt in the model's own "
        "format with --raw, or force one with --chat-template NAME",
        value->offset, Status::bad_model);
}

std::unique_ptr<ChatTemplate> ChatTemplate::by_name(std::string_view name) {
    if (name == "deepseek-r1") return make_r1({"<｜begin▁of▁sentence｜>", false, false});
    if (name == "chatml") return make_chatml({"", Thinking::none});
    throw Error(
        fmt::format("unknown chat template '{}'; the built-in ones are deepseek-r1 and chatml", printable(name, 60)),
        Status::usage);
}

}  // namespace distill
