// Prints an answer while it is made: the answer to stdout, the thinking as --think-show says, never to a stdout that is
// no terminal.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "cli/terminal.h"

namespace distill {

enum class ThinkShow {
    full,   // as it comes, between its tags
    dim,    // as it comes, in a faint style (between tags where no colour may be used)
    brief,  // "short" on the command line: one line that says how long it was
    hide,
};

class AnswerPrinter {
  public:
    // mode: what the user asked for. The printer sends thinking to stdout if that is a terminal, else to stderr.
    AnswerPrinter(Output& out, Output& err, ThinkShow mode, ColorMode color);
    ~AnswerPrinter();

    void text(std::string_view text, bool thinking);
    // Ends what is open; one newline after an answer that has any text.
    void finish();

  private:
    void answer(std::string_view text);
    void think(std::string_view text);
    void end_thinking(std::string_view tail);

    Output& out_;
    Output& think_out_;
    ThinkShow mode_;
    bool color_;
    bool thinking_ = false;  // something of the thinking stands on the stream, unfinished
    std::string newlines_;   // held back: the end of an answer has exactly one
    bool answered_ = false;
    std::size_t think_chars_ = 0;
    std::chrono::steady_clock::time_point think_start_;
};

}  // namespace distill
