// A sorted list instead of a trie: each byte of the text narrows a range of candidates, which costs a binary search but
// no nodes to build at load.
#include "tokenizer/markers.h"

#include <algorithm>

namespace distill {

namespace {

// A user-defined token is either a plain word that training kept whole ("ü" in DeepSeek's list) and so is matched in
// any text, or a marker that only a template may write: R1's "<think>" and turn marks are user-defined, not control.
bool is_plain_word(std::string_view text, TokenKind kind) {
    return kind == TokenKind::user_defined && !text.starts_with('<') && !text.starts_with('[');
}

}  // namespace

Markers::Markers(const Vocab& vocab) {
    for (std::size_t i = 0; i < vocab.size(); ++i) {
        const auto id = static_cast<TokenId>(i);
        const TokenKind kind = vocab.kind(id);
        if (kind != TokenKind::control && kind != TokenKind::user_defined && kind != TokenKind::unknown) continue;
        const std::string_view text = vocab.text(id);
        if (text.empty() || text.size() > kMaxBytes) continue;
        sorted_.push_back({text, id, is_plain_word(text, kind)});
    }
    std::sort(sorted_.begin(), sorted_.end(), [](const Marker& a, const Marker& b) {
        return a.text != b.text ? a.text < b.text : a.id < b.id;  // of equal texts the lowest id stays
    });
    sorted_.erase(
        std::unique(sorted_.begin(), sorted_.end(), [](const Marker& a, const Marker& b) { return a.text == b.text; }),
        sorted_.end());
    sorted_.shrink_to_fit();
    for (const Marker& marker : sorted_) {
        starts_[static_cast<unsigned char>(marker.text[0])] = true;
        only_controls_ = only_controls_ && !marker.plain;
    }
}

Markers::Match Markers::longest(std::string_view text, std::size_t at, std::size_t limit) const {
    Match best;
    auto first = sorted_.begin();
    auto last = sorted_.end();
    const std::size_t room = std::min(text.size() - at, kMaxBytes);
    for (std::size_t depth = 0; depth < room; ++depth) {
        // Candidates share text[at, at + depth) and are longer than that; the first longer by nothing was seen before.
        if (first != last && first->text.size() == depth) ++first;
        const auto byte = static_cast<unsigned char>(text[at + depth]);
        const auto less = [depth](const Marker& m, unsigned char b) {
            return static_cast<unsigned char>(m.text[depth]) < b;
        };
        const auto greater = [depth](unsigned char b, const Marker& m) {
            return b < static_cast<unsigned char>(m.text[depth]);
        };
        first = std::lower_bound(first, last, byte, less);
        last = std::upper_bound(first, last, byte, greater);
        if (first == last) break;
        const std::size_t size = depth + 1;
        if (first->text.size() == size && (first->plain || at + size <= limit)) best = {first->id, size};
    }
    return best;
}

}  // namespace distill
