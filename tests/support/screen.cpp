#include "tests/support/screen.h"

#include <algorithm>
#include <utility>

namespace distill::test {

namespace {

bool between(char32_t code, char32_t low, char32_t high) {
    return code >= low && code <= high;
}

// From the blocks that the tests write in, not from the product's tables.
int width_of(char32_t code) {
    if (between(code, 0x300, 0x36F) || code == 0x200D || between(code, 0xFE00, 0xFE0F)) return 0;
    if (between(code, 0x1100, 0x115F) || between(code, 0x2E80, 0xA4CF) || between(code, 0xAC00, 0xD7A3) ||
        between(code, 0xFF01, 0xFF60) || between(code, 0x1F300, 0x1FAFF)) {
        return 2;
    }
    return 1;
}

bool flag_letter(char32_t code) {
    return between(code, 0x1F1E6, 0x1F1FF);
}

}  // namespace

Screen::Screen(int columns, int rows)
    : columns_(columns),
      rows_(rows),
      cells_(static_cast<std::size_t>(rows), Row(static_cast<std::size_t>(columns), " ")) {}

void Screen::resize(int columns) {
    columns_ = columns;
    for (Row& row : cells_) row.resize(static_cast<std::size_t>(columns), " ");
    column_ = std::min(column_, columns - 1);
    pending_ = false;
}

std::string Screen::joined(const Row& row) {
    std::string text;
    for (const std::string& cell : row) text += cell;
    const std::size_t last = text.find_last_not_of(' ');
    return text.substr(0, last == std::string::npos ? 0 : last + 1);
}

std::string Screen::row(int index) const {
    return joined(cells_[static_cast<std::size_t>(index)]);
}

std::string Screen::text() const {
    std::string all;
    for (const Row& row : cells_) all += joined(row) + "\n";
    all.erase(std::min(all.find_last_not_of('\n') + 1, all.size()));
    return all;
}

std::string Screen::all_text() const {
    std::string all;
    for (const std::string& row : scrolled_) all += row + "\n";
    return all + text();
}

void Screen::line_feed() {
    if (row_ + 1 < rows_) {
        ++row_;
        return;
    }
    scrolled_.push_back(joined(cells_.front()));
    cells_.erase(cells_.begin());
    cells_.emplace_back(static_cast<std::size_t>(columns_), " ");
}

void Screen::put(char32_t code, std::string_view bytes) {
    const int width = width_of(code);
    const char32_t before = std::exchange(last_, code);
    // Joined to the character before: marks, what follows a joiner, the second letter of a flag.
    const bool flag = flag_letter(code) && flag_letter(before);
    if (width == 0 || before == 0x200D || flag) {
        auto& row = cells_[static_cast<std::size_t>(row_)];
        int at = pending_ ? column_ : column_ - 1;
        while (at > 0 && row[static_cast<std::size_t>(at)].empty()) --at;
        if (at >= 0) row[static_cast<std::size_t>(at)] += bytes;
        // Flags, and what is asked to look like an emoji, become wide.
        const bool narrow = at + 1 < columns_ && !pending_ && !row[static_cast<std::size_t>(at + 1)].empty();
        if ((flag || code == 0xFE0F) && narrow) {
            row[static_cast<std::size_t>(at + 1)].clear();
            if (++column_ == columns_) {
                column_ = columns_ - 1;
                pending_ = true;
            }
        }
        if (flag) last_ = 0;
        return;
    }
    if (pending_ || column_ + width > columns_) {
        pending_ = false;
        column_ = 0;
        line_feed();
    }
    auto& row = cells_[static_cast<std::size_t>(row_)];
    row[static_cast<std::size_t>(column_)] = bytes;
    if (width == 2) row[static_cast<std::size_t>(column_ + 1)].clear();
    column_ += width;
    if (column_ >= columns_) {
        column_ = columns_ - 1;
        pending_ = true;
    }
}

void Screen::sequence(std::string_view parameters, char final_byte) {
    const int n = parameters.empty() || parameters[0] == '?' ? 1 : std::stoi(std::string(parameters));
    if (final_byte == 'm' || (parameters == "?2004" && (final_byte == 'h' || final_byte == 'l'))) return;
    pending_ = false;
    const auto blank = [&](int row, int from) {
        auto& cells = cells_[static_cast<std::size_t>(row)];
        std::fill(cells.begin() + from, cells.end(), " ");
    };
    if (final_byte == 'A') {
        row_ = std::max(row_ - n, 0);
    } else if (final_byte == 'B') {
        row_ = std::min(row_ + n, rows_ - 1);
    } else if (final_byte == 'C') {
        column_ = std::min(column_ + n, columns_ - 1);
    } else if (final_byte == 'H' && parameters.empty()) {
        row_ = column_ = 0;
    } else if (final_byte == 'K' && parameters.empty()) {
        blank(row_, column_);
    } else if (final_byte == 'J' && (parameters.empty() || parameters == "2")) {
        blank(row_, parameters.empty() ? column_ : 0);
        for (int row = parameters.empty() ? row_ + 1 : 0; row < rows_; ++row) blank(row, 0);
    } else {
        complaints_ += "sequence ";
        complaints_ += parameters;
        complaints_ += final_byte;
        complaints_ += '\n';
    }
}

void Screen::feed(std::string_view bytes) {
    held_ += bytes;
    std::size_t at = 0;
    while (at < held_.size()) {
        const auto byte = static_cast<unsigned char>(held_[at]);
        if (byte == 0x1b) {
            const std::size_t end =
                held_.size() > at + 1 ? held_.find_first_not_of("0123456789;?", at + 2) : std::string::npos;
            if (end == std::string::npos) break;
            sequence(std::string_view(held_).substr(at + 2, end - at - 2), held_[end]);
            at = end + 1;
        } else if (byte < 0x20) {
            pending_ = false;
            last_ = 0;
            if (byte == '\r') column_ = 0;
            if (byte == '\n') line_feed();
            if (byte != '\r' && byte != '\n') complaints_ += "control byte\n";
            ++at;
        } else {
            const std::size_t size = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
            if (at + size > held_.size()) break;
            char32_t code = size == 1 ? byte : byte & (0x7fu >> size);
            for (std::size_t i = 1; i < size; ++i) {
                const auto next = static_cast<unsigned char>(held_[at + i]);
                if ((next & 0xc0) != 0x80) complaints_ += "bad UTF-8\n";
                code = code << 6 | (next & 0x3fu);
            }
            put(code, std::string_view(held_).substr(at, size));
            at += size;
        }
    }
    held_.erase(0, at);
}

}  // namespace distill::test
