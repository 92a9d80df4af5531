// The bytes a terminal sends, as keys. Whatever comes in, something sensible or nothing comes out: unknown sequences
// are swallowed whole, and text is always valid UTF-8 without control characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace distill {

struct Key {
    enum class Kind {
        text,   // one character or more, as typed
        paste,  // pasted: newlines in it are text
        ctrl,   // with `letter`: 'a' for Ctrl-A
        alt,    // with `letter`
        enter,
        newline,  // Ctrl-J, Alt-Enter
        tab,
        backspace,
        erase,  // the Delete key
        left,
        right,
        word_left,
        word_right,
        up,
        down,
        home,
        end,
        escape,
    };
    Kind kind;
    char letter = 0;
    std::string text = {};
};

class KeyDecoder {
  public:
    // No more than `max_paste` bytes of a paste are kept.
    explicit KeyDecoder(std::size_t max_paste) : max_paste_(max_paste) {}

    void push(std::string_view bytes) { bytes_ += bytes; }
    // The next whole key. late: patience() has passed without more bytes, so what is there is all there is.
    std::optional<Key> next(bool late);
    // Milliseconds to wait for the rest of what has begun; -1 when nothing has.
    int patience() const;
    // Whether a paste was longer than allowed since the last call.
    bool paste_was_cut() { return std::exchange(cut_, false); }

  private:
    std::optional<Key> escape(bool late);
    std::optional<Key> csi(bool late);
    std::optional<Key> text(bool late);
    std::optional<Key> paste(bool late);
    void drop(std::size_t n) { bytes_.erase(0, n); }

    std::string bytes_;
    std::string pasted_;
    std::size_t max_paste_;
    bool pasting_ = false;
    bool cut_ = false;
};

}  // namespace distill
