// Builds the one line that a user sees, and keeps what came from outside from doing anything to a terminal.
#include "engine/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace distill {
namespace {

// The contract's 512 bytes hold the whole line: the "distill: error: " that main puts in front and the newline as well.
constexpr std::size_t kMaxLine = 512 - 16 - 1;
constexpr std::size_t kMaxWhere = 300;
constexpr std::size_t kMaxPath = 160;  // leaves room for a tensor name of 120 in kMaxWhere
constexpr std::string_view kDots = "...";

// Length of the well-formed UTF-8 character at the front of `text`, 0 if there is none (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(text[i])); };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    const unsigned second = byte(1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool outside = (first == 0xED && second >= 0xA0) || (first == 0xF4 && second >= 0x90);
    return overlong || outside ? 0 : length;
}

// The C1 controls U+0080..U+009F are well-formed UTF-8, but some terminals obey them.
bool is_control(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) return first < 0x20 || first == 0x7F;
    return character.size() == 2 && first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

// Cuts to max_bytes without cutting through a character; "..." takes the place of what is gone.
std::string cut_end(std::string text, std::size_t max_bytes) {
    if (text.size() <= max_bytes) return text;
    std::size_t end = max_bytes - kDots.size();
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
    return text.append(kDots);
}

// A long path is cut in front: its end tells more.
std::string cut_start(std::string text, std::size_t max_bytes) {
    if (text.size() <= max_bytes) return text;
    std::size_t start = text.size() - (max_bytes - kDots.size());
    while (start < text.size() && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) ++start;
    return std::string{kDots} + text.substr(start);
}

// Nothing is cut here, but a hostile text may be megabytes long: reading stops where no caller would look any more.
std::string escaped(std::string_view text, std::size_t enough) {
    std::string out;
    while (!text.empty() && out.size() <= enough) {
        const std::size_t length = utf8_length(text);
        const std::size_t taken = std::max<std::size_t>(length, 1);
        const std::string_view character = text.substr(0, taken);
        if (length == 0 || is_control(character)) {
            for (const char c : character) out += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
        } else {
            out += character;
        }
        text.remove_prefix(taken);
    }
    return out;
}

std::string place(std::string_view path, std::string_view kind, std::string_view name) {
    return fmt::format("{}: {} '{}'", cut_start(escaped(path, 1u << 16), kMaxPath), kind, printable(name));
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
    return cut_end(escaped(text, max_bytes), std::max(max_bytes, kDots.size()));
}

std::string at_tensor(std::string_view path, std::string_view name) {
    return place(path, "tensor", name);
}

std::string at_key(std::string_view path, std::string_view name) {
    return place(path, "key", name);
}

Error::Error(std::string_view where, std::string_view what, std::optional<std::uint64_t> offset, Status status)
    : where_(cut_start(escaped(where, 1u << 16), kMaxWhere)),
      problem_(printable(what, kMaxLine)),
      offset_(offset),
      status_(status) {
    const std::string tail = offset ? fmt::format(" [byte {}]", *offset) : std::string{};
    line_ = where_.empty() ? problem_ : fmt::format("{}: {}", where_, problem_);
    line_ = cut_end(std::move(line_), kMaxLine - tail.size()) + tail;
}

}  // namespace distill
