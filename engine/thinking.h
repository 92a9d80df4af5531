// Thinking between <think> and </think>: told apart from the answer while the text streams, switched on or off at the
// end of a prompt, watched for going round in circles. Whether the text starts inside the thinking is told by the
// prompt (its tail opened <think>), never guessed from the output: newer templates open the tag themselves.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace distill {

class ThinkingSplitter {
  public:
    struct Part {
        bool thinking;
        std::string text;  // never empty
    };

    // armed = false passes everything through as answer.
    ThinkingSplitter(bool armed, bool starts_inside);

    // Takes a piece of text, cut anywhere; returns what can be told apart by now, in order. A possible tag, and
    // newlines that may turn out to stand next to one, are held back.
    std::vector<Part> push(std::string_view text);
    // The end of the text: a held-back half tag was text after all; newlines at the end of the thinking are dropped.
    std::vector<Part> finish();

    bool inside() const { return state_ == State::thinking; }
    bool thought() const { return thought_; }  // some thinking was opened, by the prompt or by the text

  private:
    enum class State {
        before,    // nothing but white space so far: <think> may still come
        thinking,  // up to </think>
        gap,       // newlines between </think> and the answer
        answer,    // a tag in here is text
    };
    void run(std::vector<Part>& parts, bool at_end);

    State state_;
    bool thought_;
    bool skip_newlines_;  // right after <think>
    std::string held_;
};

enum class Reasoning { automatic, on, off };  // automatic: as the template has it

// Ends the rendered prompt of a template that thinks in such a way that the model thinks, or answers at once: then an
// open <think> is closed, and where there is none an empty block follows. A template that closed it itself is left
// alone. Returns whether the thinking is open now.
bool set_reasoning(std::vector<TokenId>& prompt, bool open, Reasoning reasoning, const Tokenizer& tokenizer);

// Notices a text that goes round in circles: the same run of up to kMaxPeriod tokens, again and again, exactly. Working
// that only looks alike (rows of a table, long lists of numbers) differs in some token of each round and is let
// through; so is a short run of equal tokens (a ruler, a row of zeros), hence kMinSpan.
class RepeatGuard {
  public:
    static constexpr std::size_t kMaxPeriod = 512;
    static constexpr std::size_t kMinRounds = 4;
    static constexpr std::size_t kMinSpan = 400;  // tokens of all rounds together

    // Takes the next token; true when it ends rounds enough.
    bool push(TokenId id);

  private:
    std::array<TokenId, kMaxPeriod> recent_{};   // a ring
    std::array<std::size_t, kMaxPeriod> run_{};  // by period - 1: tokens in a row equal to the one a period before
    std::size_t count_ = 0;
};

}  // namespace distill
