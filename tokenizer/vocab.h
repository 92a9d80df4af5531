// The token list of a file: texts, kinds, scores and the ids with a meaning, range-checked once. Knows nothing about
// how text is cut into tokens.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/hash.h"
#include "tokenizer/tokenizer.h"

namespace distill {

// Text -> lowest id, by open addressing. Built once; the texts must outlive it.
class TokenTable {
  public:
    // False if the texts defeat the hash; then the table is empty.
    bool build(std::span<const std::string_view> texts);
    TokenId find(std::string_view text) const { return find(text, hash(text)); }  // -1 if absent
    bool has_duplicates() const { return has_duplicates_; }

    // For many look-ups in a row: hash and prefetch a batch, then find each when its slot has arrived.
    std::uint64_t hash(std::string_view text) const { return hash_bytes(text, seed_); }
    void prefetch(std::uint64_t hash) const { __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]); }
    TokenId find(std::string_view text, std::uint64_t hash) const;

  private:
    struct Slot {
        std::uint32_t tag;    // high half of the hash: spares most comparisons of texts
        std::uint32_t entry;  // id + 1; 0 = free
    };
    bool fill();

    std::span<const std::string_view> texts_;
    std::vector<Slot> slots_;  // a power of two
    std::uint64_t seed_ = 0;
    bool has_duplicates_ = false;
};

class Vocab {
  public:
    static Vocab from_gguf(const Gguf& file);

    std::size_t size() const { return texts_.size(); }
    bool holds(TokenId id) const { return id >= 0 && static_cast<std::size_t>(id) < texts_.size(); }
    std::string_view text(TokenId id) const { return texts_[static_cast<std::size_t>(id)]; }
    TokenKind kind(TokenId id) const { return kinds_[static_cast<std::size_t>(id)]; }
    float score(TokenId id) const { return scores_[static_cast<std::size_t>(id)]; }  // SentencePiece only
    TokenId find(std::string_view text) const { return table_.find(text); }
    const TokenTable& table() const { return table_; }

    std::string_view model;  // "gpt2" or "llama"
    std::string_view pre;    // "" if the file has none
    TokenId bos = -1;
    TokenId eos = -1;
    TokenId unknown = -1;
    bool add_bos = false;
    bool add_space_prefix = false;
    std::vector<TokenId> ends;  // sorted: tokens that end an answer
    std::string path;           // of the file, for errors

  private:
    std::vector<std::string_view> texts_;  // views into the mapping
    std::vector<TokenKind> kinds_;         // same length
    std::vector<float> scores_;            // same length, or empty for BPE
    TokenTable table_;
};

// The value of a byte token's text "<0xAB>", -1 if the text is none.
int byte_of_token(std::string_view text);

}  // namespace distill
