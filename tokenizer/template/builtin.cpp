// Recognising and rendering the built-in templates. Message text always becomes a piece of its own that parses no
// control tokens; everything else in the output comes from here.
#include "tokenizer/template/builtin.h"

#include <fmt/format.h>

#include <array>

#include "engine/error.h"

namespace distill {

namespace {

constexpr std::string_view kUserMark = "<｜User｜>";
constexpr std::string_view kAssistantMark = "<｜Assistant｜>";
constexpr std::string_view kEndMark = "<｜end▁of▁sentence｜>";
constexpr std::string_view kThinkEnd = "</think>";

// Collects pieces; neighbours of one kind become one.
class PieceList {
  public:
    void write(std::string_view text) { put(text, Specials::parse); }
    void quote(std::string_view text) { put(text, Specials::as_text); }
    std::vector<Piece> take() { return std::move(pieces_); }

  private:
    void put(std::string_view text, Specials specials) {
        if (text.empty()) return;
        if (!pieces_.empty() && pieces_.back().specials == specials) {
            pieces_.back().text += text;
        } else {
            pieces_.push_back({std::string(text), specials});
        }
    }
    std::vector<Piece> pieces_;
};

std::string_view after_thinking(std::string_view content) {
    const std::size_t end = content.rfind(kThinkEnd);
    return end == std::string_view::npos ? content : content.substr(end + kThinkEnd.size());
}

std::string_view strip_newlines_left(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
    return text;
}

std::string_view strip_newlines_right(std::string_view text) {
    return text.substr(0, text.find_last_not_of('\n') + 1);  // npos + 1 = 0
}

// The text between the first </think> and the last <think> before it.
std::string_view thinking_of(std::string_view content) {
    const std::size_t end = content.find(kThinkEnd);
    if (end == std::string_view::npos) return {};
    content = strip_newlines_right(content.substr(0, end));
    const std::size_t begin = content.rfind("<think>");
    if (begin != std::string_view::npos) content.remove_prefix(begin + std::string_view("<think>").size());
    return strip_newlines_left(content);
}

[[noreturn]] void bad_role(std::string_view role, std::string_view name) {
    throw Error(fmt::format("a message has the role '{}'; the built-in template '{}' knows system, user and assistant",
                            printable(role, 40), name),
                Status::usage);
}

class R1 : public ChatTemplate {
  public:
    explicit R1(R1Style style) : style_(std::move(style)) {}
    std::string_view name() const override { return "deepseek-r1"; }
    bool thinks() const override { return true; }

    RenderedPrompt render(std::span<const Message> messages, bool add_generation_prompt) const override {
        PieceList out;
        out.write(style_.bos);
        if (!style_.system_in_place) {
            std::string_view system;
            for (const Message& message : messages) {
                if (message.role == "system") system = message.content;
            }
            out.quote(system);
        }
        for (const Message& message : messages) {
            if (message.role == "system") {
                if (style_.system_in_place) out.quote(message.content);
            } else if (message.role == "user") {
                out.write(kUserMark);
                out.quote(message.content);
                if (style_.eos_after_user) out.write(kEndMark);
            } else if (message.role == "assistant") {
                out.write(kAssistantMark);
                out.quote(after_thinking(message.content));
                out.write(kEndMark);
            } else {
                bad_role(message.role, name());
            }
        }
        RenderedPrompt prompt;
        if (add_generation_prompt) {
            // Files made before February 2025 end at the mark, and some copies close the tag again unless a variable
            // says otherwise. The model skips its thinking then, so the tag is always opened.
            out.write(kAssistantMark);
            out.write("<think>\n");
            prompt.thinking_open = true;
        }
        prompt.pieces = out.take();
        return prompt;
    }

  private:
    R1Style style_;
};

class ChatMl : public ChatTemplate {
  public:
    explicit ChatMl(ChatMlStyle style) : style_(std::move(style)) {}
    std::string_view name() const override { return "chatml"; }
    bool thinks() const override { return style_.thinking != Thinking::none; }

    RenderedPrompt render(std::span<const Message> messages, bool add_generation_prompt) const override {
        PieceList out;
        if (!style_.default_system.empty() && !messages.empty() && messages[0].role != "system") {
            out.write("<|im_start|>system\n");
            out.write(style_.default_system);
            out.write("<|im_end|>\n");
        }
        std::size_t last_question = messages.empty() ? 0 : messages.size() - 1;
        for (std::size_t i = messages.size(); i-- > 0;) {
            if (messages[i].role == "user") {
                last_question = i;
                break;
            }
        }
        for (std::size_t i = 0; i < messages.size(); ++i) {
            const Message& message = messages[i];
            if (message.role != "system" && message.role != "user" && message.role != "assistant") {
                bad_role(message.role, name());
            }
            out.write("<|im_start|>");
            out.write(message.role);
            out.write("\n");
            if (message.role == "assistant") {
                write_answer(out, message.content, i > last_question, i + 1 == messages.size());
            } else {
                out.quote(message.content);
            }
            out.write("<|im_end|>\n");
        }
        RenderedPrompt prompt;
        if (add_generation_prompt) {
            out.write("<|im_start|>assistant\n");
            if (style_.thinking == Thinking::forced) {
                out.write("<think>\n");
                prompt.thinking_open = true;
            }
        }
        prompt.pieces = out.take();
        return prompt;
    }

  private:
    void write_answer(PieceList& out, std::string_view content, bool after_question, bool last) const {
        switch (style_.thinking) {
            case Thinking::none:
                out.quote(content);
                return;
            case Thinking::forced:
                out.quote(last ? content : strip_newlines_left(after_thinking(content)));
                return;
            case Thinking::by_model: {
                const bool has_thinking = content.find(kThinkEnd) != std::string_view::npos;
                const std::string_view thinking = thinking_of(content);
                const std::string_view answer = has_thinking ? strip_newlines_left(after_thinking(content)) : content;
                if (after_question && (last || !thinking.empty())) {
                    out.write("<think>\n");
                    out.quote(strip_newlines_right(thinking));
                    out.write("\n</think>\n\n");
                    out.quote(strip_newlines_left(answer));
                } else {
                    out.quote(answer);
                }
                return;
            }
        }
    }

    ChatMlStyle style_;
};

// The template without blanks and with one kind of quote, so that spelling does not matter.
std::string squeezed(std::string_view source) {
    std::string out;
    out.reserve(source.size());
    for (const char c : source) {
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
        out += c == '"' ? '\'' : c;
    }
    return out;
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// The literal system message of a ChatML template: <|im_start|>system, a line end (real, or escaped in a string), text
// without anything that would end the string, <|im_end|>.
std::string find_default_system(std::string_view source) {
    constexpr std::string_view open = "<|im_start|>system";
    for (std::size_t at = source.find(open); at != std::string_view::npos; at = source.find(open, at + 1)) {
        std::string_view rest = source.substr(at + open.size());
        if (rest.starts_with("\\n")) {
            rest.remove_prefix(2);
        } else if (rest.starts_with('\n')) {
            rest.remove_prefix(1);
        } else {
            continue;
        }
        const std::size_t end = rest.find("<|im_end|>");
        if (end == std::string_view::npos) return {};
        const std::string_view text = rest.substr(0, end);
        if (text.find_first_of("'\"{}\\") == std::string_view::npos) return std::string(text);
    }
    return {};
}

}  // namespace

std::unique_ptr<ChatTemplate> make_r1(R1Style style) {
    return std::make_unique<R1>(std::move(style));
}
std::unique_ptr<ChatTemplate> make_chatml(ChatMlStyle style) {
    return std::make_unique<ChatMl>(std::move(style));
}

std::optional<R1Style> recognise_r1(std::string_view source) {
    const std::string text = squeezed(source);
    if (!has(text, kAssistantMark) || !has(text, kUserMark) || !has(text, kEndMark)) return std::nullopt;
    R1Style style;
    style.bos = "<｜begin▁of▁sentence｜>";
    style.eos_after_user = has(text, "'<｜User｜>'+message['content']+'<｜end▁of▁sentence｜>'");
    style.system_in_place = !has(text, "system_prompt");
    return style;
}

std::optional<ChatMlStyle> recognise_chatml(std::string_view source) {
    const std::string text = squeezed(source);
    if (!has(text, "<|im_end|>") || !has(text, "'<|im_start|>assistant")) return std::nullopt;
    // Each turn is mark, role, line end, text. Templates that build turns otherwise share only the marks.
    if (!has(text, "'<|im_start|>'+message['role']+'") && !has(text, "'<|im_start|>'+message.role+'"))
        return std::nullopt;
    // Phi-4 has a mark between role and text; the others write turns of their own making.
    static constexpr std::array<std::string_view, 5> kTwists = {"<|im_sep|>", "strftime_now", "macro", "reasoning_mode",
                                                                "|trim"};
    for (const std::string_view twist : kTwists) {
        if (has(text, twist)) return std::nullopt;
    }
    ChatMlStyle style;
    style.default_system = find_default_system(source);
    style.thinking = Thinking::none;
    if (has(text, "'<|im_start|>assistant\\n<think>")) {
        style.thinking = Thinking::forced;
    } else if (has(text, "<think>")) {
        style.thinking = Thinking::by_model;
    }
    return style;
}

}  // namespace distill
