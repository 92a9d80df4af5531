#include "cli/line_editor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "cli/history.h"
#include "cli/terminal.h"
#include "cli/text_width.h"
#include "tokenizer/unicode.h"

namespace distill {

namespace {

using Kind = Key::Kind;

// A pasted page of Chinese has no blanks: letters and digits make words, whatever their script.
bool in_word(std::string_view text, std::size_t at) {
    const CharClass kind = class_of(decode_char(text, at).code);
    return kind == CharClass::letter || kind == CharClass::number;
}

bool is_blank_at(std::string_view text, std::size_t at) {
    return is_blank(class_of(decode_char(text, at).code));
}

// How much all of them begin with, in whole characters.
std::string_view common_start(const std::vector<std::string>& texts) {
    std::string_view common = texts.front();
    for (const std::string_view text : texts) {
        const auto differs = std::mismatch(common.begin(), common.end(), text.begin(), text.end()).first;
        common = common.substr(0, static_cast<std::size_t>(differs - common.begin()));
    }
    std::size_t whole = 0;
    while (whole < common.size()) {
        const std::size_t next = whole + cluster_at(texts.front(), whole).size;
        if (next > common.size()) break;
        whole = next;
    }
    return common.substr(0, whole);
}

}  // namespace

LineEditor::LineEditor(EditorSettings settings, History& history)
    : settings_(std::move(settings)),
      history_(history),
      view_([this](std::string_view bytes) { write_all(settings_.output, bytes); }, settings_.window_size),
      keys_(kMaxText) {}

LineEditor::Result LineEditor::read(std::string& text) {
    text_.clear();
    cursor_ = 0;
    killing_ = false;
    goal_column_.reset();
    search_.reset();
    touched_ = false;
    recalled_ = history_.entries();
    recalled_.emplace_back();
    recalled_index_ = recalled_.size() - 1;
    view_.forget();
    show();
    bool late = false;
    for (;;) {
        // All keys that have come so far, then one look at the result: pasting and fast typing draw once.
        Step step = Step::go_on;
        while (step == Step::go_on) {
            const std::optional<Key> key = keys_.next(late);
            if (!key) break;
            late = false;
            step = search_ ? search_key(*key) : handle(*key);
            touched_ = touched_ || step != Step::interrupted;
        }
        if (keys_.paste_was_cut()) notice(settings_.too_long);
        if (step != Step::go_on) {
            search_.reset();
            if (step == Step::send && settings_.sending) settings_.sending();
            view_.finish(settings_.prompt, settings_.more_prompt, text_);
            if (step == Step::interrupted) return Result::interrupted;
            if (step == Step::end) return Result::end;
            text = std::exchange(text_, {});
            return Result::line;
        }
        show();

        late = false;
        switch (settings_.wait(keys_.patience())) {
            case Wake::late:
                late = true;
                continue;
            case Wake::resized:
                view_.resized(prompt(), settings_.more_prompt, text_, cursor_);
                continue;
            case Wake::interrupted:
                view_.finish(settings_.prompt, settings_.more_prompt, text_);
                return Result::interrupted;
            case Wake::input:
                break;
        }
        std::array<char, 4096> chunk;
        const ssize_t n = ::read(settings_.input, chunk.data(), chunk.size());
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n <= 0) return Result::end;  // the terminal is gone, and with it whoever typed
        keys_.push({chunk.data(), static_cast<std::size_t>(n)});
    }
}

LineEditor::Step LineEditor::handle(const Key& key) {
    const bool killing = std::exchange(killing_, false);
    if (key.kind != Kind::up && key.kind != Kind::down) goal_column_.reset();
    switch (key.kind) {
        case Kind::text:
        case Kind::paste:
            insert(key.text);
            break;
        case Kind::ctrl:
            killing_ = killing;  // kill() looks at it
            return handle_control(key.letter);
        case Kind::alt:
            killing_ = killing;
            return handle_alt(key.letter);
        case Kind::enter:
            return enter();
        case Kind::newline:
            insert("\n");
            break;
        case Kind::tab:
            complete();
            break;
        case Kind::backspace:
            if (cursor_ > 0) erase(cluster_before(text_, cursor_), cursor_);
            break;
        case Kind::erase:
            if (cursor_ < text_.size()) erase(cursor_, cursor_ + cluster_at(text_, cursor_).size);
            break;
        case Kind::left:
            if (cursor_ > 0) cursor_ = cluster_before(text_, cursor_);
            break;
        case Kind::right:
            if (cursor_ < text_.size()) cursor_ += cluster_at(text_, cursor_).size;
            break;
        case Kind::word_left:
            cursor_ = word_before(false);
            break;
        case Kind::word_right:
            cursor_ = word_after();
            break;
        case Kind::up:
            vertical(true);
            break;
        case Kind::down:
            vertical(false);
            break;
        case Kind::home:
            cursor_ = line_begin();
            break;
        case Kind::end:
            cursor_ = line_end();
            break;
        case Kind::escape:
            break;
    }
    return Step::go_on;
}

LineEditor::Step LineEditor::handle_control(char letter) {
    const bool killing = std::exchange(killing_, false);
    switch (letter) {
        case 'a':
            cursor_ = line_begin();
            break;
        case 'b':
            if (cursor_ > 0) cursor_ = cluster_before(text_, cursor_);
            break;
        case 'c':
            return Step::interrupted;
        case 'd':
            if (text_.empty()) return Step::end;
            if (cursor_ < text_.size()) erase(cursor_, cursor_ + cluster_at(text_, cursor_).size);
            break;
        case 'e':
            cursor_ = line_end();
            break;
        case 'f':
            if (cursor_ < text_.size()) cursor_ += cluster_at(text_, cursor_).size;
            break;
        case 'k':
            killing_ = killing;
            // At its end, the line break goes.
            kill(cursor_, cursor_ == line_end() ? std::min(cursor_ + 1, text_.size()) : line_end(), true);
            break;
        case 'l':
            write_all(settings_.output, "\033[H\033[2J");
            view_.forget();
            break;
        case 'n':
            if (recalled_index_ + 1 < recalled_.size()) recall(recalled_index_ + 1);
            break;
        case 'p':
            if (recalled_index_ > 0) recall(recalled_index_ - 1);
            break;
        case 'r':
            search(false);
            break;
        case 'u':
            killing_ = killing;
            kill(cursor_ == line_begin() && cursor_ > 0 ? cursor_ - 1 : line_begin(), cursor_, false);
            break;
        case 'w':
            killing_ = killing;
            kill(word_before(true), cursor_, false);
            break;
        case 'y':
            insert(killed_);
            break;
        case 'z':
            if (!settings_.suspend) break;
            view_.leave();
            settings_.suspend();
            break;
        default:
            break;
    }
    return Step::go_on;
}

LineEditor::Step LineEditor::handle_alt(char letter) {
    const bool killing = std::exchange(killing_, false);
    switch (letter) {
        case 'b':
            cursor_ = word_before(false);
            break;
        case 'f':
            cursor_ = word_after();
            break;
        case 'd':
            killing_ = killing;
            kill(cursor_, word_after(), true);
            break;
        case '\x7f':
        case '\b':
            killing_ = killing;
            kill(word_before(false), cursor_, false);
            break;
        default:
            break;
    }
    return Step::go_on;
}

LineEditor::Step LineEditor::enter() {
    if (!settings_.finished || settings_.finished(text_)) return Step::send;
    cursor_ = text_.size();
    insert("\n");
    return Step::go_on;
}

void LineEditor::insert(std::string_view text) {
    if (text.size() > kMaxText - std::min(text_.size(), kMaxText)) {
        notice(settings_.too_long);
        return;
    }
    text_.insert(cursor_, text);
    cursor_ += text.size();
}

void LineEditor::erase(std::size_t begin, std::size_t end) {
    text_.erase(begin, end - begin);
    cursor_ = begin;
}

// Several in a row make one text for Ctrl-Y.
void LineEditor::kill(std::size_t begin, std::size_t end, bool forwards) {
    if (!killing_) killed_.clear();
    killing_ = true;
    killed_.insert(forwards ? killed_.size() : 0, text_, begin, end - begin);
    erase(begin, end);
}

std::size_t LineEditor::line_begin() const {
    if (cursor_ == 0) return 0;
    const std::size_t newline = text_.rfind('\n', cursor_ - 1);
    return newline == std::string::npos ? 0 : newline + 1;
}

std::size_t LineEditor::line_end() const {
    return std::min(text_.find('\n', cursor_), text_.size());
}

std::size_t LineEditor::word_before(bool blanks_only) const {
    const auto inside = [&](std::size_t at) { return blanks_only ? !is_blank_at(text_, at) : in_word(text_, at); };
    // Forwards over the whole text before the cursor: word starts are cheaper to see from there.
    std::size_t start = 0;
    bool in = false;
    for (std::size_t at = 0; at < cursor_;) {
        const bool now = inside(at);
        if (now && !in) start = at;
        in = now;
        at += cluster_at(text_, at).size;
    }
    return start;
}

std::size_t LineEditor::word_after() const {
    std::size_t at = cursor_;
    while (at < text_.size() && !in_word(text_, at)) at += cluster_at(text_, at).size;
    while (at < text_.size() && in_word(text_, at)) at += cluster_at(text_, at).size;
    return at;
}

// Through the rows as they are shown; beyond the first and the last one lies the history.
void LineEditor::vertical(bool up) {
    const TextLayout layout(settings_.prompt, settings_.more_prompt, text_, cursor_, settings_.window_size().columns);
    if (up ? layout.cursor_row == 0 : layout.cursor_row + 1 == layout.rows.size()) {
        goal_column_.reset();
        if (up && recalled_index_ > 0) recall(recalled_index_ - 1);
        if (!up && recalled_index_ + 1 < recalled_.size()) recall(recalled_index_ + 1);
        return;
    }
    if (!goal_column_) goal_column_ = layout.cursor_column;
    const std::size_t row = up ? layout.cursor_row - 1 : layout.cursor_row + 1;
    cursor_ = offset_at_column(text_, layout.rows[row], *goal_column_);
}

void LineEditor::recall(std::size_t index) {
    recalled_[recalled_index_] = text_;
    recalled_index_ = index;
    text_ = recalled_[index];
    cursor_ = text_.size();
}

void LineEditor::complete() {
    if (!settings_.complete) return;
    const Completion offer = settings_.complete(std::string_view(text_).substr(0, cursor_));
    if (offer.candidates.empty()) return;
    const std::size_t typed = cursor_ - offer.begin;
    if (offer.candidates.size() == 1) {
        std::string whole = offer.candidates.front();
        if (!whole.ends_with('/')) whole += ' ';
        erase(offer.begin, cursor_);
        insert(whole);
        return;
    }
    const std::string common(common_start(offer.candidates));
    if (common.size() > typed) {
        erase(offer.begin, cursor_);
        insert(common);
        return;
    }
    std::string list;
    for (const std::string& candidate : offer.candidates) {
        // Of a path, its last part says it all.
        const std::size_t slash = candidate.rfind('/', candidate.size() - 2);
        const bool path = slash != std::string::npos && slash > 0;
        list += (list.empty() ? "" : "  ") + candidate.substr(path ? slash + 1 : 0);
    }
    notice(list);
}

// A line below the text, which is shown again below that.
void LineEditor::notice(std::string_view text) {
    view_.leave();
    write_all(settings_.output, fmt::format("{}\r\n", text));
}

void LineEditor::search(bool again) {
    if (!search_) {
        search_ = Search{{}, {}, text_, cursor_, recalled_.size() - 1, false};
    } else if (search_->query.empty()) {
        return;
    }
    Search& s = *search_;
    if (!s.query.empty()) {
        s.failed = true;
        std::size_t index = s.index;
        if (again) {
            if (index == 0) return;
            --index;
        }
        for (;; --index) {
            const std::string& entry = index + 1 == recalled_.size() ? s.saved_text : recalled_[index];
            const std::size_t at = entry.find(s.query);
            if (at != std::string::npos) {
                s.failed = false;
                s.index = index;
                text_ = entry;
                cursor_ = at;
                break;
            }
            if (index == 0) break;
        }
    }
}

void LineEditor::end_search(bool keep) {
    if (!keep) {
        text_ = search_->saved_text;
        cursor_ = search_->saved_cursor;
    }
    search_.reset();
}

LineEditor::Step LineEditor::search_key(const Key& key) {
    Search& s = *search_;
    if (key.kind == Kind::text) {
        s.query += key.text;
        search(false);
    } else if (key.kind == Kind::backspace) {
        if (!s.query.empty()) s.query.erase(cluster_before(s.query, s.query.size()));
        s.index = recalled_.size() - 1;
        s.failed = false;
        search(false);
    } else if (key.kind == Kind::ctrl && key.letter == 'r') {
        search(true);
    } else if (key.kind == Kind::ctrl && (key.letter == 'g' || key.letter == 'c')) {
        end_search(false);
    } else {
        // Any other key takes what was found and then does what it always does.
        end_search(true);
        if (key.kind != Kind::escape) return handle(key);
    }
    return Step::go_on;
}

std::string_view LineEditor::prompt() const {
    return search_ ? std::string_view(search_->prompt) : std::string_view(settings_.prompt);
}

void LineEditor::show() {
    if (search_) {
        search_->prompt =
            fmt::format("({}{}) {}: ", settings_.search_label, search_->failed ? " ?" : "", search_->query);
    }
    view_.show(prompt(), settings_.more_prompt, text_, cursor_);
}

}  // namespace distill
