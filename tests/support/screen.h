// A small terminal: takes the bytes that a program prints and tells what stands on the screen. Knows the sequences that
// distill uses, and complains about any other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace distill::test {

class Screen {
  public:
    Screen(int columns, int rows);

    void feed(std::string_view bytes);
    void resize(int columns);  // rows are cut or grow blanks; nothing is reflowed
    // A row without the blanks at its end; all rows of the screen without the empty ones at the end.
    std::string row(int index) const;
    std::string text() const;
    // Everything, with what has scrolled off the top.
    std::string all_text() const;
    int cursor_row() const { return row_; }
    int cursor_column() const { return column_; }
    const std::string& complaints() const { return complaints_; }  // unknown sequences, control bytes, bad UTF-8

  private:
    using Row = std::vector<std::string>;  // cells; a wide character's second one is empty
    void put(char32_t code, std::string_view bytes);
    void line_feed();
    void sequence(std::string_view parameters, char final_byte);
    static std::string joined(const Row& row);

    int columns_, rows_;
    std::vector<Row> cells_;
    std::vector<std::string> scrolled_;
    int row_ = 0, column_ = 0;
    bool pending_ = false;  // the last column is filled: the next character begins a new row
    char32_t last_ = 0;
    std::string held_;  // a sequence or character that has not come whole
    std::string complaints_;
};

}  // namespace distill::test
