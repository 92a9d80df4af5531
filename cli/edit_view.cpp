#include "cli/edit_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/text_width.h"

namespace distill {

namespace {

constexpr int kTabStop = 8;
// A window narrower than this has no room for prompts.
constexpr int kMinColumnsForPrompt = 12;

void move_rows(std::string& out, std::size_t from, std::size_t to) {
    if (to < from) out += fmt::format("\033[{}A", from - to);
    if (to > from) out += fmt::format("\033[{}B", to - from);
}

// Writes rows[first...] from the start of the first one's line; all below must be clear.
void draw(std::string& out, const std::vector<TextLayout::Row>& rows, std::size_t first) {
    for (std::size_t i = first; i < rows.size(); ++i) {
        out += rows[i].shown;
        if (i + 1 == rows.size()) break;
        if (!rows[i].wraps) {
            out += "\r\n";
        } else if (rows[i + 1].shown.empty()) {
            out += " \r";  // the terminal wraps with the next character only
        }
    }
}

}  // namespace

TextLayout::TextLayout(std::string_view prompt, std::string_view more, std::string_view text, std::size_t cursor,
                       int columns) {
    columns = std::max(columns, 2);
    const bool prompts = columns >= kMinColumnsForPrompt;
    int column = 0;
    const auto new_row = [&](std::size_t at, std::string_view before) {
        column = prompts ? text_width(before) : 0;
        rows.push_back({at, at, false, column, std::string(prompts ? before : "")});
    };
    const auto wrap = [&](std::size_t at) {
        // A wide character that does not fit leaves its half of the margin blank, in every terminal the same way.
        rows.back().shown.append(static_cast<std::size_t>(std::max(columns - column, 0)), ' ');
        rows.back().wraps = true;
        new_row(at, "");
    };
    new_row(0, prompt);
    for (std::size_t at = 0;;) {
        const bool end = at == text.size();
        const bool newline = !end && text[at] == '\n';
        Cluster cluster = end || newline ? Cluster{0, 0} : cluster_at(text, at);
        const bool tab = !end && text[at] == '\t';
        if (tab) cluster.width = column < columns ? std::min(kTabStop - column % kTabStop, columns - column) : 1;
        // The cursor needs a column of its own behind a full row.
        const int needs = end || newline ? (at == cursor ? 1 : 0) : cluster.width;
        if (column + needs > columns) wrap(at);
        if (at == cursor) {
            cursor_row = rows.size() - 1;
            cursor_column = column;
        }
        if (end) break;
        if (newline) {
            rows.back().end = at;
            ++at;
            new_row(at, more);
            continue;
        }
        if (tab) {
            rows.back().shown.append(static_cast<std::size_t>(cluster.width), ' ');
        } else {
            rows.back().shown.append(text, at, cluster.size);
        }
        column += cluster.width;
        at += cluster.size;
        rows.back().end = at;
    }
}

std::size_t offset_at_column(std::string_view text, const TextLayout::Row& row, int column) {
    int at_column = row.indent;
    std::size_t at = row.begin;
    while (at < row.end) {
        const Cluster cluster = cluster_at(text, at);
        at_column += text[at] == '\t' ? kTabStop - at_column % kTabStop : cluster.width;
        if (at_column > column) break;
        at += cluster.size;
    }
    // The end of a row that goes on is the start of the next.
    if (row.wraps && at == row.end && at > row.begin) at = cluster_before(text, at);
    return at;
}

void EditView::show(std::string_view prompt, std::string_view more, std::string_view text, std::size_t cursor) {
    const WindowSize size = size_();
    TextLayout layout(prompt, more, text, cursor, size.columns);
    const auto height = static_cast<std::size_t>(std::max(size.rows, 1));
    // Of a text taller than the window, the part around the cursor; it moves no more than it must.
    if (layout.cursor_row < top_) top_ = layout.cursor_row;
    if (layout.cursor_row >= top_ + height) top_ = layout.cursor_row - height + 1;
    top_ = std::min(top_, layout.rows.size() - std::min(layout.rows.size(), height));
    const auto begin = layout.rows.begin() + static_cast<std::ptrdiff_t>(top_);
    std::vector<TextLayout::Row> rows(begin,
                                      begin + static_cast<std::ptrdiff_t>(std::min(height, layout.rows.size() - top_)));

    std::string out;
    const auto same = [](const TextLayout::Row& a, const TextLayout::Row& b) {
        return a.shown == b.shown && a.wraps == b.wraps;
    };
    auto first = static_cast<std::size_t>(
        std::mismatch(rows.begin(), rows.end(), shown_.begin(), shown_.end(), same).first - rows.begin());
    if (first < rows.size() || rows.size() != shown_.size()) {
        // Rows below the last one shown do not exist on the screen yet: writing makes them.
        const std::size_t known = std::min(shown_.size(), rows.size());
        first = std::min(first, known > 0 ? known - 1 : 0);
        // Clearing a row may make a terminal forget that the one above went on in it, and reflow them wrongly later.
        while (first > 0 && rows[first - 1].wraps) --first;
        move_rows(out, cursor_row_, first);
        out += "\r\033[J";
        draw(out, rows, first);
        cursor_row_ = rows.size() - 1;
    }
    const std::size_t row = layout.cursor_row - top_;
    move_rows(out, cursor_row_, row);
    out += '\r';
    if (layout.cursor_column > 0) out += fmt::format("\033[{}C", layout.cursor_column);
    cursor_row_ = row;
    shown_ = std::move(rows);
    write_(out);
}

void EditView::finish(std::string_view prompt, std::string_view more, std::string_view text) {
    const TextLayout layout(prompt, more, text, std::string_view::npos, size_().columns);
    std::string out;
    move_rows(out, cursor_row_, 0);
    out += "\r\033[J";
    draw(out, layout.rows, 0);
    write_(out + "\r\n");
    forget();
}

void EditView::leave() {
    std::string out;
    if (!shown_.empty()) {
        move_rows(out, cursor_row_, shown_.size() - 1);
        out += "\r\n";
    }
    write_(out);
    forget();
}

void EditView::forget() {
    shown_.clear();
    top_ = 0;
    cursor_row_ = 0;
}

void EditView::resized(std::string_view prompt, std::string_view more, std::string_view text, std::size_t cursor) {
    const WindowSize size = size_();
    const TextLayout layout(prompt, more, text, cursor, size.columns);
    std::string out;
    if (top_ > 0 || layout.rows.size() > static_cast<std::size_t>(std::max(size.rows, 1))) {
        out += "\033[H";
    } else {
        move_rows(out, layout.cursor_row, 0);
    }
    write_(out + "\r\033[J");
    forget();
}

}  // namespace distill
