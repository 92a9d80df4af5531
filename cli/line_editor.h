// Edits a message on a terminal: by characters as people see them, on several lines, with history, search, completion
// and pasting. Knows nothing of the chat: what is complete, what Tab offers and how signals arrive is passed in.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/edit_view.h"
#include "cli/key_decoder.h"
#include "cli/signals.h"

namespace distill {

class History;

// What Tab offers for the text before the cursor.
struct Completion {
    std::size_t begin = 0;                // the candidates stand for the text from here to the cursor
    std::vector<std::string> candidates;  // sorted; one that ends in '/' or is unfinished gets no blank behind it
};

struct EditorSettings {
    int input = 0, output = 2;  // descriptors; raw mode is the caller's business
    std::function<WindowSize()> window_size;
    std::function<Wake(int milliseconds)> wait;  // -1: as long as it takes
    std::function<void()> suspend;               // Ctrl-Z; may be empty
    std::function<Completion(std::string_view)> complete;
    // Whether Enter sends the text; if not, it may change the text, and a newline is added.
    std::function<bool(std::string& text)> finished;
    std::function<void()> sending;    // Enter was pressed, and nothing is drawn yet; may be empty
    std::string prompt, more_prompt;  // before the first and the other lines
    std::string search_label;
    std::string too_long;  // said when a message grows beyond the limit
};

class LineEditor {
  public:
    enum class Result { line, end, interrupted };
    LineEditor(EditorSettings settings, History& history);

    // Interrupted: by Ctrl-C or a signal; `touched` tells whether any key came before it.
    Result read(std::string& text);
    bool touched() const { return touched_; }

    static constexpr std::size_t kMaxText = 1 << 20;

  private:
    enum class Step { go_on, send, end, interrupted };
    Step handle(const Key& key);
    Step handle_control(char letter);
    Step handle_alt(char letter);
    Step enter();
    Step search_key(const Key& key);

    void insert(std::string_view text);
    void erase(std::size_t begin, std::size_t end);
    void kill(std::size_t begin, std::size_t end, bool forwards);
    std::size_t line_begin() const;
    std::size_t line_end() const;
    std::size_t word_before(bool blanks_only) const;
    std::size_t word_after() const;
    void vertical(bool up);
    void recall(std::size_t index);
    void complete();
    void search(bool again);
    void end_search(bool keep);
    void notice(std::string_view text);
    void show();
    std::string_view prompt() const;

    EditorSettings settings_;
    History& history_;
    EditView view_;
    KeyDecoder keys_;
    std::string text_;
    std::size_t cursor_ = 0;
    std::string killed_;
    bool killing_ = false;               // the last key killed as well: the next one adds to it
    std::optional<int> goal_column_;     // while moving up and down
    std::vector<std::string> recalled_;  // history with the changes made to it, and the new text last
    std::size_t recalled_index_ = 0;
    bool touched_ = false;

    struct Search {
        std::string query, prompt, saved_text;
        std::size_t saved_cursor, index;  // of the entry shown
        bool failed;
    };
    std::optional<Search> search_;
};

}  // namespace distill
