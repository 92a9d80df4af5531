// See the header. SentencePiece merges over the whole text; where no piece runs from one word into the next, merging
// word by word gives the same pieces and lets repeated words be remembered.
#include "tokenizer/sentencepiece.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "engine/error.h"
#include "tokenizer/unicode.h"

namespace distill {

namespace {

// Pieces that text may merge into. Control, byte and unknown tokens are reached by id only: "<s>" in a text stays text.
bool is_piece(TokenKind kind) {
    return kind == TokenKind::normal || kind == TokenKind::user_defined || kind == TokenKind::unused;
}

// Merge keys by id: the place of the token's score among all scores, highest first; equal scores share a key.
std::vector<std::uint32_t> rank_scores(const Vocab& vocab) {
    std::vector<TokenId> order(vocab.size());
    std::iota(order.begin(), order.end(), 0);
    const auto higher = [&](TokenId a, TokenId b) { return vocab.score(a) > vocab.score(b); };
    // Most vocabularies are in this order already, but for the few tokens in front.
    if (!std::is_sorted(order.begin(), order.end(), higher)) std::stable_sort(order.begin(), order.end(), higher);
    std::vector<std::uint32_t> keys(vocab.size());
    std::uint32_t key = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i > 0 && higher(order[i - 1], order[i])) ++key;
        keys[static_cast<std::size_t>(order[i])] = key;
    }
    return keys;
}

// Where a blank mark follows another character, from `at` on; npos if nowhere.
std::size_t next_word(std::string_view text, std::size_t at) {
    for (;;) {
        at = text.find(kBlankMark, at);
        if (at == std::string_view::npos) return at;
        if (at > 0 && !text.substr(0, at).ends_with(kBlankMark)) return at;
        at += kBlankMark.size();
    }
}

}  // namespace

SentencePiece::SentencePiece(const Vocab& vocab) : vocab_(vocab), keys_(rank_scores(vocab)) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
        const TokenId id = vocab.find(fmt::format("<0x{:02X}>", byte));
        byte_ids_[byte] = id >= 0 && vocab.kind(id) == TokenKind::byte ? id : -1;
    }
    for (std::size_t i = 0; i < vocab.size(); ++i) {
        const auto id = static_cast<TokenId>(i);
        if (!is_piece(vocab.kind(id))) continue;
        longest_ = std::max(longest_, vocab.text(id).size());
        words_are_apart_ = words_are_apart_ && next_word(vocab.text(id), 0) == std::string_view::npos;
    }
}

TokenId SentencePiece::find_piece(std::string_view text) const {
    if (text.size() > longest_) return -1;
    const TokenId id = vocab_.find(text);
    return id >= 0 && is_piece(vocab_.kind(id)) ? id : -1;
}

void SentencePiece::encode(std::vector<TokenId>& out, std::string_view text, Scratch& scratch) const {
    if (text.empty()) return;
    scratch.text.clear();
    scratch.text.reserve(text.size() + text.size() / 2);
    if (vocab_.add_space_prefix) scratch.text += kBlankMark;
    for (const char c : text) {
        if (c == ' ') {
            scratch.text += kBlankMark;
        } else {
            scratch.text += c;
        }
    }
    const std::string_view escaped = scratch.text;
    if (!words_are_apart_) {
        encode_chunk(out, escaped, scratch);
        return;
    }
    scratch.cache.begin(escaped);
    for (std::size_t begin = 0; begin < escaped.size();) {
        // The word's own leading marks do not end it.
        const std::size_t next = next_word(escaped.substr(begin), 0);
        const std::string_view word = escaped.substr(begin, next);
        begin += word.size();
        if (scratch.cache.repeat(out, word)) continue;
        const std::size_t first = out.size();
        encode_chunk(out, word, scratch);
        scratch.cache.remember(out, word, first);
    }
}

// What the merge loop asks: neighbours merge if their joined text is a piece.
struct SentencePiece::ByScore {
    const SentencePiece& pieces;
    std::string_view chunk;
    const std::vector<std::uint32_t>& begins;

    std::string_view text(const Merger& m, Merger::Place left, Merger::Place right) const {
        const Merger::Place next = m.next(right);
        const std::uint32_t end = next == Merger::kEnd ? begins.back() : begins[next];
        return chunk.substr(begins[left], end - begins[left]);
    }
    std::uint32_t key(const Merger& m, Merger::Place left, Merger::Place right) const {
        const TokenId id = pieces.find_piece(text(m, left, right));
        return id < 0 ? kNoMerge : pieces.keys_[static_cast<std::size_t>(id)];
    }
    std::size_t n_keys() const { return pieces.keys_.size(); }
    TokenId merged(const Merger& m, Merger::Place left, Merger::Place right, std::uint32_t) const {
        return pieces.find_piece(text(m, left, right));
    }
};

void SentencePiece::encode_chunk(std::vector<TokenId>& out, std::string_view chunk, Scratch& scratch) const {
    Merger& merger = scratch.merger;
    std::vector<std::uint32_t>& begins = scratch.begins;
    begins.clear();
    begins.reserve(chunk.size() + 1);
    for (std::size_t at = 0; at < chunk.size(); at += decode_char(chunk, at).size) {
        begins.push_back(static_cast<std::uint32_t>(at));
    }
    const std::size_t n = begins.size();
    begins.push_back(static_cast<std::uint32_t>(chunk.size()));
    merger.begin(n);
    for (std::size_t i = 0; i < n; ++i) merger.add(find_piece(chunk.substr(begins[i], begins[i + 1] - begins[i])));
    merger.run(ByScore{*this, chunk, begins});
    for (Merger::Place i = 0; i != Merger::kEnd; i = merger.next(i)) {
        if (merger.id(i) >= 0) {
            out.push_back(merger.id(i));
            continue;
        }
        // A character that is no piece has merged with nothing. Its bytes can be written back; one unknown token for
        // the whole character cannot.
        for (std::size_t at = begins[i]; at < begins[i + 1]; ++at) {
            const auto byte = static_cast<unsigned char>(chunk[at]);
            if (byte_ids_[byte] >= 0) {
                out.push_back(byte_ids_[byte]);
                continue;
            }
            if (vocab_.unknown < 0) {
                throw Error(at_key(vocab_.path, "tokenizer.ggml.tokens"),
                            fmt::format("the vocabulary has no token for the byte 0x{:02x} of the text", byte),
                            std::nullopt, Status::bad_model);
            }
            out.push_back(vocab_.unknown);
            break;
        }
    }
}

}  // namespace distill
