// Colours what a model writes in Markdown while it streams: headings and code blocks. The text itself stays as it is.
#pragma once

#include <string>
#include <string_view>

namespace distill {

class MarkdownStyle {
  public:
    // The next piece of text with escape sequences around what stands out. The start of a line is held back until it
    // is clear what the line is.
    std::string push(std::string_view text);
    // What was held back, and the plain style: the end of the text. The next push() begins a new one.
    std::string finish();

  private:
    void decide(std::string& out, bool at_end);

    std::string held_;          // start of a line that may be a mark
    bool line_start_ = true;    // the next character begins a line
    bool code_ = false;         // inside a block
    bool styled_line_ = false;  // a heading or a fence: until the end of the line
};

}  // namespace distill
