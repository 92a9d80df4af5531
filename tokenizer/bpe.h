// Byte-level BPE: each byte of a word is a token to begin with, and neighbours merge in the order of the file's merge
// list. Knows nothing about special tokens or Unicode beyond the splitter it calls.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/merge.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/vocab.h"
#include "tokenizer/word_cache.h"

namespace distill {

class Gguf;

// (left id, right id) -> rank, the place in the merge list, by open addressing.
class MergeTable {
  public:
    void build(const Gguf& file, const Vocab& vocab);
    std::uint32_t find(TokenId left, TokenId right) const;  // kNoMerge if the pair is not in the list
    TokenId merged(std::uint32_t rank) const { return merged_[rank]; }
    std::size_t size() const { return merged_.size(); }

  private:
    struct Slot {
        TokenId left = -1;
        TokenId right = -1;
        std::uint32_t rank = kNoMerge;  // kNoMerge: free
    };
    struct Line;
    bool insert(TokenId left, TokenId right, std::uint32_t rank);
    std::size_t home(TokenId left, TokenId right) const {
        const std::uint64_t pair =
            std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
        return mix(pair ^ seed_) & (slots_.size() - 1);
    }

    std::vector<Slot> slots_;      // a power of two
    std::vector<TokenId> merged_;  // by rank
    std::uint64_t seed_ = 0;
};

class Bpe {
  public:
    // The vocabulary must outlive it.
    Bpe(const Gguf& file, const Vocab& vocab);

    // What encode() works in, so that one call allocates once.
    struct Scratch {
        Merger merger;
        WordCache cache;
        std::vector<std::uint32_t> ends;
        std::string text;  // in NFC
        std::string word;  // in the vocabulary's alphabet
    };
    // Appends the ids of a stretch without special tokens.
    void encode(std::vector<TokenId>& out, std::string_view text, Scratch& scratch) const;

    // Appends the bytes that a token of the byte alphabet stands for; characters outside it as they are.
    static void append_bytes(std::string& out, std::string_view token_text);

  private:
    void encode_word(std::vector<TokenId>& out, std::string_view word, Scratch& scratch) const;

    const Vocab& vocab_;
    Splitter splitter_;
    bool whole_words_first_;             // Llama 3: a word that is a token needs no merges
    std::array<TokenId, 256> byte_ids_;  // -1: the vocabulary lacks it
    MergeTable merges_;
};

}  // namespace distill
