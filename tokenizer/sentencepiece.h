// SentencePiece BPE (tokenizer.ggml.model "llama"): blanks become U+2581, characters merge into pieces of the highest
// score, and what is no piece falls back to byte tokens.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/merge.h"
#include "tokenizer/vocab.h"
#include "tokenizer/word_cache.h"

namespace distill {

inline constexpr std::string_view kBlankMark = "\xE2\x96\x81";  // U+2581, stands for a blank

class SentencePiece {
  public:
    // The vocabulary must outlive it.
    explicit SentencePiece(const Vocab& vocab);

    struct Scratch {
        Merger merger;
        WordCache cache;
        std::string text;                   // with blanks as U+2581
        std::vector<std::uint32_t> begins;  // of each symbol in the word, and the word's end
    };
    // Appends the ids of a stretch without special tokens; one blank is put in front where the file asks for it.
    void encode(std::vector<TokenId>& out, std::string_view text, Scratch& scratch) const;

  private:
    struct ByScore;
    void encode_chunk(std::vector<TokenId>& out, std::string_view chunk, Scratch& scratch) const;
    TokenId find_piece(std::string_view text) const;

    const Vocab& vocab_;
    std::vector<std::uint32_t> keys_;    // by id: 0 for the tokens of the highest score, and so on
    std::array<TokenId, 256> byte_ids_;  // -1: the vocabulary lacks it
    std::size_t longest_ = 0;            // bytes of the longest piece
    bool words_are_apart_ = true;        // no piece holds a U+2581 behind another character
};

}  // namespace distill
