// Decoding that guesses: text often repeats what stands before it (edited code, quotes, summaries, reasoning that
// restates the question), so the tokens that followed the same few tokens earlier are tried several at a time, in one
// reading of the weights (Saxena 2023, "Prompt lookup decoding"). Guesses change nothing but the time: each row of
// logits has the same bits as without, and what is chosen from it decides whether the next guess holds.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"

namespace distill {

// Finds what followed earlier occurrences of the last tokens, and learns how far such guesses can be trusted in this
// text.
class PromptLookup {
  public:
    PromptLookup() = default;
    PromptLookup(const PromptLookup&) = delete;  // points into itself
    PromptLookup& operator=(const PromptLookup&) = delete;
    void append(TokenId id);
    // At most `most` tokens that may come next: as many as are likely to pay, none where nothing repeats.
    std::span<const TokenId> guess(std::size_t most);
    // How many of the tokens that guess() gave last came true.
    void judge(std::size_t guessed, std::size_t held);

  private:
    // Runs of one length: where each ended last, by its hash, and how often a token guessed from such a run comes true.
    struct Runs {
        std::size_t length;
        double chance;
        double seen = 8;  // tokens that the chance rests on; the first ones are our prejudice
        std::unordered_map<std::uint64_t, std::uint32_t> ends = {};
    };
    std::uint64_t hash_of_last(std::size_t n) const;
    std::size_t find(const Runs& runs) const;

    std::vector<TokenId> text_;
    std::array<Runs, 3> runs_ = {{{6, 0.9}, {3, 0.7}, {2, 0.5}}};  // the longest one that is found decides
    Runs* asked_ = nullptr;                                        // what the last guess came from
};

// One token in, its row of logits out.
class Decoder {
  public:
    // Continues a sequence, whose tokens so far are the text to look things up in. guesses: false decodes token by
    // token.
    Decoder(Sequence& sequence, bool guesses);
    ~Decoder() { settle(); }
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    // Logits after `id`, valid until the next call.
    std::span<const float> next(TokenId id);
    // Tokens behind the last call; the sequence itself may hold guesses beyond them until settle() or the end.
    int length() const { return length_; }
    void settle();
    int passes() const { return passes_; }    // readings of the weights
    int guessed() const { return guessed_; }  // tokens tried
    int held() const { return held_; }        // of these, that came true

  private:
    Sequence& sequence_;
    bool guesses_;
    PromptLookup lookup_;
    int length_;
    std::vector<TokenId> tried_;   // the token asked for and the guesses after it, as the sequence holds them
    std::size_t confirmed_ = 0;    // of tried_
    std::span<const float> rows_;  // logits after each of tried_
    int passes_ = 0, guessed_ = 0, held_ = 0;
};

}  // namespace distill
