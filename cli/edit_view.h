// Shows a text that is being edited at the place where the cursor stands: wrapped at the window's width by columns, a
// part of it where it is taller than the window. Rewrites only the rows that changed.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace distill {

struct WindowSize {
    int columns = 80;
    int rows = 24;
};

// Where each part of a text stands. Rows of one line are drawn without a line break between them, so that a terminal
// that reflows its contents joins them again when it changes its width.
struct TextLayout {
    struct Row {
        std::size_t begin, end;  // bytes of the text
        bool wraps;              // goes on in the next row
        int indent;              // columns of the prompt before it
        std::string shown;       // with prompt; blanks for tabs
    };
    std::vector<Row> rows;  // one at least
    std::size_t cursor_row = 0;
    int cursor_column = 0;

    // cursor: a byte offset, or npos for none.
    TextLayout(std::string_view prompt, std::string_view more, std::string_view text, std::size_t cursor, int columns);
};

// The place in a row that is closest to a column.
std::size_t offset_at_column(std::string_view text, const TextLayout::Row& row, int column);

class EditView {
  public:
    EditView(std::function<void(std::string_view)> write, std::function<WindowSize()> size)
        : write_(std::move(write)), size_(std::move(size)) {}

    // prompt: before the first line; more: before the others.
    void show(std::string_view prompt, std::string_view more, std::string_view text, std::size_t cursor);
    // The whole text a last time, and the cursor below it.
    void finish(std::string_view prompt, std::string_view more, std::string_view text);
    // The cursor below what is shown, which stays; the next show() begins there.
    void leave();
    // Something else moved the cursor to the start of a line, or cleared the screen: what was shown is forgotten.
    void forget();
    // The window has changed its width: goes to where the first row must now be. The next show() draws all of it.
    void resized(std::string_view prompt, std::string_view more, std::string_view text, std::size_t cursor);

  private:
    std::function<void(std::string_view)> write_;
    std::function<WindowSize()> size_;
    std::vector<TextLayout::Row> shown_;  // what stands on the screen
    std::size_t top_ = 0;                 // of all rows the first one shown
    std::size_t cursor_row_ = 0;          // of those shown
};

}  // namespace distill
