// Remembers, within one encode() call, the ids of words seen before: text repeats its words, and merging is most of the
// work. Holds no copies: a slot points at the earlier word in the text and at its ids in the output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/hash.h"
#include "tokenizer/tokenizer.h"

namespace distill {

class WordCache {
  public:
    // Starts on a text, which must stay in place until the next begin(). A short text is not worth clearing the slots.
    void begin(std::string_view text) {
        enabled_ = text.size() >= kMinText;
        if (enabled_) slots_.assign(kSlots, Slot{});
    }

    // Appends the ids of an equal word seen before; false if there is none.
    bool repeat(std::vector<TokenId>& out, std::string_view word) {
        if (!enabled_ || word.size() > kMaxWord) return false;
        slot_ = &slots_[hash_bytes(word, 0) % kSlots];
        if (slot_->word != word || slot_->n_ids == 0) return false;
        // By index: growing the output moves what we copy from.
        for (std::uint32_t i = 0; i < slot_->n_ids; ++i) out.push_back(out[slot_->first_id + i]);
        return true;
    }

    // The word that repeat() has just refused is now out[first, end).
    void remember(const std::vector<TokenId>& out, std::string_view word, std::size_t first) {
        if (!enabled_ || word.size() > kMaxWord) return;
        *slot_ = {word, first, static_cast<std::uint32_t>(out.size() - first)};
    }

  private:
    static constexpr std::size_t kMinText = 4096;
    static constexpr std::size_t kSlots = 4096;
    static constexpr std::size_t kMaxWord = 64;

    struct Slot {
        std::string_view word;
        std::size_t first_id = 0;
        std::uint32_t n_ids = 0;
    };
    std::vector<Slot> slots_;
    Slot* slot_ = nullptr;
    bool enabled_ = false;
};

}  // namespace distill
