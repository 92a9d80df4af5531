#include "cli/key_decoder.h"

#include <algorithm>
#include <utility>

#include "cli/text_width.h"
#include "tokenizer/unicode.h"

namespace distill {

namespace {

using Kind = Key::Kind;

constexpr char kEscape = '\033';
constexpr std::string_view kPasteEnd = "\033[201~";
// A terminal sends a sequence in one go; a person who pressed Escape waits longer than this.
constexpr int kEscapePatience = 50;
// A paste may stutter over a slow line, but one whose end never comes must not swallow Ctrl-C for good.
constexpr int kPastePatience = 2000;
// Longer than any sequence that means something.
constexpr std::size_t kMaxSequence = 64;

// nullopt for a sequence that means nothing to us.
std::optional<Kind> key_of(std::string_view parameters, char final_byte) {
    // "1;5" + C: Ctrl (5) or Alt (3) and right.
    const bool by_word = parameters.ends_with(";5") || parameters.ends_with(";3");
    switch (final_byte) {
        case 'A':
            return Kind::up;
        case 'B':
            return Kind::down;
        case 'C':
            return by_word ? Kind::word_right : Kind::right;
        case 'D':
            return by_word ? Kind::word_left : Kind::left;
        case 'H':
            return Kind::home;
        case 'F':
            return Kind::end;
        case '~':
            if (parameters == "1" || parameters == "7") return Kind::home;
            if (parameters == "4" || parameters == "8") return Kind::end;
            if (parameters == "3") return Kind::erase;
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

}  // namespace

int KeyDecoder::patience() const {
    if (pasting_) return kPastePatience;
    return bytes_.empty() ? -1 : kEscapePatience;
}

std::optional<Key> KeyDecoder::next(bool late) {
    for (;;) {
        if (pasting_) {
            std::optional<Key> key = paste(late);
            if (key || pasting_) return key;
        }
        if (bytes_.empty()) return std::nullopt;
        const auto byte = static_cast<unsigned char>(bytes_[0]);
        const std::size_t before = bytes_.size();
        if (byte == kEscape) {
            if (std::optional<Key> key = escape(late)) return key;
        } else if (byte >= 0x20 && byte != 0x7f) {
            if (std::optional<Key> key = text(late)) return key;
        } else {
            drop(1);
            if (byte == 0) continue;
            if (byte == '\r') return Key{Kind::enter};
            if (byte == '\n') return Key{Kind::newline};
            if (byte == '\t') return Key{Kind::tab};
            if (byte == '\b' || byte == 0x7f) return Key{Kind::backspace};
            return Key{Kind::ctrl, static_cast<char>(byte + 0x60)};
        }
        if (bytes_.size() == before && !pasting_) return std::nullopt;  // the rest must come first
    }
}

// At bytes_[0] stands an escape byte.
std::optional<Key> KeyDecoder::escape(bool late) {
    if (bytes_.size() == 1) {
        if (!late) return std::nullopt;
        drop(1);
        return Key{Kind::escape};
    }
    const char second = bytes_[1];
    if (second == '[') return csi(late);
    if (second == 'O') {
        if (bytes_.size() == 2) {
            if (late) drop(2);
            return std::nullopt;
        }
        const std::optional<Kind> kind = key_of("", bytes_[2]);
        drop(3);
        if (kind) return Key{*kind};
        return std::nullopt;
    }
    if (second == ']' || second == 'P' || second == '_' || second == '^') {
        // A terminal's answer to a question that somebody else asked: up to BEL or ESC backslash.
        const std::size_t bell = bytes_.find('\a'), st = bytes_.find("\033\\", 2);
        if (bell == std::string::npos && st == std::string::npos) {
            if (late) drop(bytes_.size());
            return std::nullopt;
        }
        drop(bell < st ? bell + 1 : st + 2);
        return std::nullopt;
    }
    drop(1);
    if (second == kEscape) return Key{Kind::escape};
    if (second == '\r' || second == '\n') {
        drop(1);
        return Key{Kind::newline};
    }
    if (static_cast<unsigned char>(second) >= 0x80)
        return std::nullopt;  // Alt and a letter we have no use for: the letter
    drop(1);
    return Key{Kind::alt, second};
}

// At the front stands ESC [.
std::optional<Key> KeyDecoder::csi(bool late) {
    std::size_t end = 2;
    while (end < bytes_.size() && bytes_[end] >= 0x20 && bytes_[end] <= 0x3f) ++end;
    if (end == bytes_.size() || end > kMaxSequence) {
        if (late || end > kMaxSequence) drop(end);
        return std::nullopt;
    }
    if (bytes_[end] < 0x20 || bytes_[end] == 0x7f) {  // broken off by something else; chars >= 0x80 are negative
        drop(end);
        return std::nullopt;
    }
    if (end == 2 && bytes_[2] == '[') {  // the Linux console's function keys: ESC [ [ A
        if (bytes_.size() == 3 && !late) return std::nullopt;
        drop(std::min<std::size_t>(4, bytes_.size()));
        return std::nullopt;
    }
    const std::string parameters = bytes_.substr(2, end - 2);
    const char final_byte = bytes_[end];
    drop(end + 1);
    if (parameters == "200" && final_byte == '~') {
        pasting_ = true;
        pasted_.clear();
        return std::nullopt;
    }
    if (const std::optional<Kind> kind = key_of(parameters, final_byte)) return Key{*kind};
    return std::nullopt;
}

// All whole characters at the front.
std::optional<Key> KeyDecoder::text(bool late) {
    std::size_t end = 0;
    while (end < bytes_.size()) {
        const auto byte = static_cast<unsigned char>(bytes_[end]);
        if (byte < 0x20 || byte == 0x7f) break;
        const Char c = decode_char(bytes_, end);
        if (c.cut && !late) break;
        end += c.size;
    }
    if (end == 0) return std::nullopt;
    Key key{Kind::text};
    key.text = clean_text(std::string_view(bytes_).substr(0, end));
    drop(end);
    if (key.text.empty()) return std::nullopt;
    return key;
}

std::optional<Key> KeyDecoder::paste(bool late) {
    const std::size_t end = bytes_.find(kPasteEnd);
    const bool ended = end != std::string::npos;
    // The end mark itself may have come in part.
    std::size_t take = ended ? end : bytes_.size() - std::min(bytes_.size(), kPasteEnd.size() - 1);
    if (late && !ended) take = bytes_.size();
    const std::size_t room = max_paste_ - std::min(max_paste_, pasted_.size());
    if (take > room) cut_ = true;
    pasted_.append(bytes_, 0, std::min(take, room));
    drop(ended ? take + kPasteEnd.size() : take);
    if (!ended && !late) return std::nullopt;
    pasting_ = false;
    Key key{Kind::paste};
    key.text = clean_text(std::exchange(pasted_, {}));
    if (key.text.empty()) return std::nullopt;
    return key;
}

}  // namespace distill
