// Splits a model's text into thinking and answer while it streams. Whether the text starts inside the thinking is told
// by the prompt (its tail opened <think>), never guessed from the output: newer templates open the tag themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

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

}  // namespace distill
