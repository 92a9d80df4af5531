// Reads tokenizer.ggml.* into a Vocab. Loading time is part of the time to the first token, so texts stay where they
// are in the mapping and the one table is sized up front.
#include "tokenizer/vocab.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>

#include "engine/error.h"
#include "engine/gguf.h"
#include "engine/limits.h"

namespace distill {

namespace {

[[noreturn]] void bad_key(const Gguf& file, std::string_view key, std::string_view what) {
    const Value* value = file.find(key);
    throw Error(at_key(file.path(), key), what, value ? std::optional(value->offset) : std::nullopt, Status::bad_model);
}

// A token id stored under `key`; -1 if the file has none.
TokenId find_id(const Gguf& file, std::string_view key, std::size_t n_vocab) {
    const std::optional<std::uint64_t> id = file.find_uint(key);
    if (!id) return -1;
    if (*id >= n_vocab) bad_key(file, key, fmt::format("token id {} is outside the vocabulary of {}", *id, n_vocab));
    return static_cast<TokenId>(*id);
}

std::vector<TokenKind> read_kinds(const Gguf& file, std::size_t n_vocab) {
    constexpr std::string_view key = "tokenizer.ggml.token_type";
    const std::optional<std::vector<std::int32_t>> types = file.find_ints(key);
    if (!types) return std::vector<TokenKind>(n_vocab, TokenKind::normal);
    if (types->size() != n_vocab) {
        bad_key(file, key, fmt::format("{} types for {} tokens", types->size(), n_vocab));
    }
    std::vector<TokenKind> kinds;
    kinds.reserve(n_vocab);
    for (std::size_t i = 0; i < n_vocab; ++i) {
        const std::int32_t type = (*types)[i];
        if (type < 0 || type > 6) bad_key(file, key, fmt::format("token {} has type {}, expected 1 to 6", i, type));
        kinds.push_back(type == 0 ? TokenKind::normal : static_cast<TokenKind>(type));  // 0 = "undefined"
    }
    return kinds;
}

std::vector<float> read_scores(const Gguf& file, std::size_t n_vocab) {
    constexpr std::string_view key = "tokenizer.ggml.scores";
    std::optional<std::vector<float>> scores = file.find_floats(key);
    if (!scores) bad_key(file, key, "missing; a SentencePiece vocabulary (tokenizer.ggml.model 'llama') needs scores");
    if (scores->size() != n_vocab) {
        bad_key(file, key, fmt::format("{} scores for {} tokens", scores->size(), n_vocab));
    }
    for (std::size_t i = 0; i < n_vocab; ++i) {
        if (std::isnan((*scores)[i])) bad_key(file, key, fmt::format("the score of token {} is no number", i));
    }
    return std::move(*scores);
}

// Tokens that end an answer whatever the file's eos says: instruct models of a family keep the base model's eos, and
// older files lack the eot key.
constexpr std::array<std::string_view, 12> kEndTexts = {
    "<|im_end|>", "<|endoftext|>", "<|end_of_text|>",       "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|EOT|>",
    "<|return|>", "<end_of_turn>", "<｜end▁of▁sentence｜>", "</s>",       "<EOT>"};

}  // namespace

bool TokenTable::fill() {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t id = 0; id < texts_.size(); ++id) {
        const std::uint64_t hashed = hash(texts_[id]);
        const auto tag = static_cast<std::uint32_t>(hashed >> 32);
        std::size_t at = hashed & mask;
        for (int probes = 0;; ++probes, at = (at + 1) & mask) {
            Slot& slot = slots_[at];
            if (slot.entry == 0) {
                slot = {tag, static_cast<std::uint32_t>(id + 1)};
                break;
            }
            if (slot.tag == tag && texts_[slot.entry - 1] == texts_[id]) {
                has_duplicates_ = true;  // the lower id stays
                break;
            }
            if (probes == kMaxProbes) return false;
        }
    }
    return true;
}

bool TokenTable::build(std::span<const std::string_view> texts) {
    texts_ = texts;
    for (int attempt = 0; attempt < kHashAttempts; ++attempt) {
        seed_ = mix(static_cast<std::uint64_t>(attempt) + 1);
        slots_.assign(std::bit_ceil(texts.size() + texts.size() / 2 + 1), Slot{});
        if (fill()) return true;
    }
    texts_ = {};
    slots_.clear();
    return false;
}

TokenId TokenTable::find(std::string_view text, std::uint64_t hash) const {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask; slots_[at].entry != 0; at = (at + 1) & mask) {
        const Slot& slot = slots_[at];
        if (slot.tag == tag && texts_[slot.entry - 1] == text) return static_cast<TokenId>(slot.entry - 1);
    }
    return -1;
}

int byte_of_token(std::string_view text) {
    if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
    int value = 0;
    for (const char c : text.substr(3, 2)) {
        int digit = 0;
        if (c >= '0' && c <= '9') {
            digit = c - '0';
        } else if (c >= 'A' && c <= 'F') {
            digit = c - 'A' + 10;
        } else if (c >= 'a' && c <= 'f') {
            digit = c - 'a' + 10;
        } else {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

Vocab Vocab::from_gguf(const Gguf& file) {
    Vocab v;
    v.path = file.path();
    v.model = file.find_string("tokenizer.ggml.model").value_or("");
    if (v.model.empty()) bad_key(file, "tokenizer.ggml.model", "missing; a model file needs a tokenizer");
    const bool is_spm = v.model == "llama";
    if (!is_spm && v.model != "gpt2") {
        bad_key(file, "tokenizer.ggml.model",
                fmt::format("'{}' is not supported; 'gpt2' (byte-level BPE) and 'llama' (SentencePiece) are",
                            printable(v.model, 40)));
    }
    v.pre = file.find_string("tokenizer.ggml.pre").value_or("");

    constexpr std::string_view tokens_key = "tokenizer.ggml.tokens";
    std::optional<std::vector<std::string_view>> tokens = file.find_strings(tokens_key);
    if (!tokens) bad_key(file, tokens_key, "missing");
    if (tokens->empty()) bad_key(file, tokens_key, "the token list is empty");
    if (tokens->size() > kMaxVocab) {
        bad_key(file, tokens_key, fmt::format("{} tokens; at most {} are supported", tokens->size(), kMaxVocab));
    }
    v.texts_ = std::move(*tokens);
    v.kinds_ = read_kinds(file, v.size());
    if (is_spm) v.scores_ = read_scores(file, v.size());
    if (!v.table_.build(v.texts_)) bad_key(file, tokens_key, "the tokens are made to collide in a hash table");

    v.bos = find_id(file, "tokenizer.ggml.bos_token_id", v.size());
    v.eos = find_id(file, "tokenizer.ggml.eos_token_id", v.size());
    v.unknown = find_id(file, "tokenizer.ggml.unknown_token_id", v.size());
    const TokenId eot = find_id(file, "tokenizer.ggml.eot_token_id", v.size());
    const TokenId eom = find_id(file, "tokenizer.ggml.eom_token_id", v.size());
    if (is_spm) {
        // Files without types or ids still follow SentencePiece's naming.
        if (v.bos < 0) v.bos = v.find("<s>");
        if (v.eos < 0) v.eos = v.find("</s>");
        if (v.unknown < 0) v.unknown = v.find("<unk>");
        if (!file.find("tokenizer.ggml.token_type")) {
            for (std::size_t i = 0; i < v.size(); ++i) {
                if (byte_of_token(v.texts_[i]) >= 0) v.kinds_[i] = TokenKind::byte;
            }
            for (const TokenId id : {v.bos, v.eos}) {
                if (id >= 0) v.kinds_[static_cast<std::size_t>(id)] = TokenKind::control;
            }
            if (v.unknown >= 0) v.kinds_[static_cast<std::size_t>(v.unknown)] = TokenKind::unknown;
        }
    }
    // Defaults where the file is silent: SentencePiece and Llama 3 models were trained with BOS, other BPE ones
    // without.
    const bool is_llama3 = v.pre == "llama3" || v.pre == "llama-v3" || v.pre == "llama-bpe";
    v.add_bos = file.find_bool("tokenizer.ggml.add_bos_token").value_or(is_spm || is_llama3) && v.bos >= 0;
    v.add_space_prefix = file.find_bool("tokenizer.ggml.add_space_prefix").value_or(true) && is_spm;

    for (const TokenId id : {v.eos, eot, eom}) {
        if (id >= 0) v.ends.push_back(id);
    }
    for (const std::string_view text : kEndTexts) {
        const TokenId id = v.find(text);
        if (id < 0) continue;
        const TokenKind kind = v.kind(id);
        if (kind == TokenKind::control || kind == TokenKind::user_defined) v.ends.push_back(id);
    }
    std::sort(v.ends.begin(), v.ends.end());
    v.ends.erase(std::unique(v.ends.begin(), v.ends.end()), v.ends.end());
    return v;
}

}  // namespace distill
