// Prints an answer while it is made: the answer to stdout, the thinking as --think-show says, never to a stdout that is
// no terminal; and the thinking once more to a file or descriptor of the user's own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "cli/terminal.h"

namespace distill {

class MarkdownStyle;

enum class ThinkShow {
    full,   // as it comes, between its tags
    dim,    // as it comes, in a faint style (between tags where no colour may be used)
    brief,  // "short" on the command line: one line that says how long it takes, and in the end how long it was
    hide,
};

class AnswerPrinter {
  public:
    // mode: what the user asked for. The printer sends thinking to stdout if that is a terminal, else to stderr.
    AnswerPrinter(Output& out, Output& err, ThinkShow mode, ColorMode color);
    ~AnswerPrinter();

    // Marks up the answer, where colour may be used; must outlive the printer.
    void set_style(MarkdownStyle* style) { style_ = style; }
    void text(std::string_view text, bool thinking);
    void thinking_tokens(int tokens) { think_tokens_ = tokens; }  // so far; the brief line tells them
    // Ends what is open; one newline after an answer that has any text.
    void finish();

  private:
    void answer(std::string_view text);
    void think(std::string_view text);
    void end_thinking(std::string_view tail);
    void brief_line(std::string_view begin);

    Output& out_;
    Output& think_out_;
    ThinkShow mode_;
    bool color_;
    MarkdownStyle* style_ = nullptr;
    bool thinking_ = false;  // something of the thinking stands on the stream, unfinished
    std::string newlines_;   // held back: the end of an answer has exactly one
    bool answered_ = false;
    int think_tokens_ = 0;
    std::size_t brief_width_ = 0;  // of what stands on the brief line
    std::chrono::steady_clock::time_point think_start_, brief_time_;
};

// The side stream of --think-file or --think-fd: the thinking as text, one newline at its end, a line with a form feed
// between the thinking of several answers. Whoever reads it may leave; the answer does not depend on it.
class ThinkingCopy {
  public:
    // Created, or emptied. Throws Error{usage} for a file that cannot be written.
    static ThinkingCopy to_file(const std::string& path);
    // Throws Error{usage} for one that is not open for writing, and for stdout, which is the answer's.
    static ThinkingCopy to_descriptor(int fd);

    void write(std::string_view text);
    void finish();    // of one answer
    void separate();  // another one follows

  private:
    // The descriptor stays open for the rest of the program's life.
    ThinkingCopy(int fd, std::string_view name) : out_(std::in_place, fd, name) {}
    void put(std::string_view text);
    std::optional<Output> out_;  // none once its reader has left
    bool open_ = false;          // some text, whose last newline is missing
};

// What stands between several answers (and their thinking): a line that no text has by chance.
inline constexpr std::string_view kAnswerSeparator = "\f\n";

}  // namespace distill
