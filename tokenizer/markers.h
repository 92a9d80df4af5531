// Finds tokens that are matched in the text itself, before it is cut into words: control tokens and added ones. The
// longest match at the leftmost place wins, as in Hugging Face's tokenizers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/vocab.h"

namespace distill {

class Markers {
  public:
    // Longer ones are left out: published markers have at most 50 bytes, and the limit keeps matching linear.
    static constexpr std::size_t kMaxBytes = 256;

    explicit Markers(const Vocab& vocab);

    struct Match {
        TokenId id = -1;
        std::size_t size = 0;
    };
    bool starts_with(char byte) const { return starts_[static_cast<unsigned char>(byte)]; }
    // The longest marker at text[at]. A control-like one must end within `limit`; plain added words may stand anywhere.
    Match longest(std::string_view text, std::size_t at, std::size_t limit) const;
    // True if no marker is a plain added word: text without a parsed stretch then needs no search at all.
    bool only_controls() const { return only_controls_; }

  private:
    struct Marker {
        std::string_view text;
        TokenId id;
        bool plain;
    };
    std::vector<Marker> sorted_;      // by text; equal texts appear once
    std::array<bool, 256> starts_{};  // first bytes
    bool only_controls_ = true;
};

}  // namespace distill
