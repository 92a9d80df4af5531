// See the header. GPT-2 wrote each byte as a printable character, so that a vocabulary is readable text: printable
// bytes stand for themselves, the rest for U+0100 onwards in order.
#include "tokenizer/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "engine/error.h"
#include "engine/gguf.h"
#include "tokenizer/unicode.h"

namespace distill {

namespace {

constexpr bool is_printable(unsigned byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char16_t, 256> make_alphabet() {
    std::array<char16_t, 256> alphabet{};
    char16_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
        alphabet[byte] = is_printable(byte) ? static_cast<char16_t>(byte) : next++;
    }
    return alphabet;
}
constexpr std::array<char16_t, 256> kAlphabet = make_alphabet();
constexpr std::size_t kAlphabetEnd = 0x144;  // behind the last code in it

// code -> byte, -1 outside the alphabet.
constexpr std::array<std::int16_t, kAlphabetEnd> make_bytes() {
    std::array<std::int16_t, kAlphabetEnd> bytes{};
    for (std::int16_t& byte : bytes) byte = -1;
    for (unsigned byte = 0; byte < 256; ++byte) bytes[kAlphabet[byte]] = static_cast<std::int16_t>(byte);
    return bytes;
}
constexpr std::array<std::int16_t, kAlphabetEnd> kBytes = make_bytes();

// What the merge loop asks.
struct ByRank {
    const MergeTable& merges;

    std::uint32_t key(const Merger& m, Merger::Place left, Merger::Place right) const {
        return merges.find(m.id(left), m.id(right));
    }
    std::size_t n_keys() const { return merges.size(); }
    TokenId merged(const Merger&, Merger::Place, Merger::Place, std::uint32_t key) const { return merges.merged(key); }
};

constexpr std::string_view kMergesKey = "tokenizer.ggml.merges";
constexpr std::string_view kPreKey = "tokenizer.ggml.pre";

}  // namespace

// A line of the merge list on its way into the table.
struct MergeTable::Line {
    std::string_view left_text, right_text;
    std::uint64_t left_hash, right_hash;
    TokenId left, right;
};

bool MergeTable::insert(TokenId left, TokenId right, std::uint32_t rank) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = home(left, right);
    for (int probes = 0; probes <= kMaxProbes; ++probes, at = (at + 1) & mask) {
        Slot& slot = slots_[at];
        if (slot.rank == kNoMerge) {
            slot = {left, right, rank};
            return true;
        }
        if (slot.left == left && slot.right == right) return true;  // the earlier line of the list counts
    }
    return false;
}

std::uint32_t MergeTable::find(TokenId left, TokenId right) const {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = home(left, right); slots_[at].rank != kNoMerge; at = (at + 1) & mask) {
        if (slots_[at].left == left && slots_[at].right == right) return slots_[at].rank;
    }
    return kNoMerge;
}

void MergeTable::build(const Gguf& file, const Vocab& vocab) {
    const Value* value = file.find(kMergesKey);
    const auto fail = [&](std::string_view what) {
        throw Error(at_key(file.path(), kMergesKey), what, value ? std::optional(value->offset) : std::nullopt,
                    Status::bad_model);
    };
    if (value == nullptr || value->type != ValueType::array || value->element != ValueType::string) {
        fail("missing, or no array of strings; byte-level BPE needs merges");
    }
    if (value->count >= kNoMerge) fail("too many merges");
    const auto n_merges = static_cast<std::uint32_t>(value->count);
    merged_.assign(n_merges, -1);

    const auto split_line = [&](std::string_view text, std::uint32_t rank) -> Line {
        // A half is never empty, so the blank between the halves is not the first byte.
        const std::size_t blank = text.find(' ', 1);
        if (blank == std::string_view::npos || blank + 1 == text.size()) {
            fail(fmt::format("merge {} '{}' is not two tokens with a blank between them", rank, printable(text, 60)));
        }
        Line line{text.substr(0, blank), text.substr(blank + 1), 0, 0, -1, -1};
        line.left_hash = vocab.table().hash(line.left_text);
        line.right_hash = vocab.table().hash(line.right_text);
        vocab.table().prefetch(line.left_hash);
        vocab.table().prefetch(line.right_hash);
        return line;
    };
    std::string joined;
    TokenId last = -1;
    const auto find_merged = [&](const Line& line) {
        // Vocabularies mostly list merged tokens in the order of the merges: trying the one behind the last and
        // comparing texts is cheaper than a look-up. With duplicates it might not be the lowest id.
        const TokenId guess = last + 1;
        if (vocab.holds(guess) && !vocab.table().has_duplicates()) {
            const std::string_view text = vocab.text(guess);
            if (text.size() == line.left_text.size() + line.right_text.size() && text.starts_with(line.left_text) &&
                text.ends_with(line.right_text)) {
                return guess;
            }
        }
        joined.assign(line.left_text).append(line.right_text);
        return vocab.find(joined);
    };

    for (int attempt = 0; attempt < kHashAttempts; ++attempt) {
        seed_ = mix(static_cast<std::uint64_t>(attempt) + 1);
        slots_.assign(std::bit_ceil(std::size_t{n_merges} + n_merges / 2 + 1), Slot{});
        bool fits = true;
        // Walks the strings where they lie. Every look-up misses the cache, so the work goes in batches whose steps
        // prefetch for the next step: this halves the time to load.
        const char* at = reinterpret_cast<const char*>(value->bytes.data());
        std::array<Line, 32> batch;
        for (std::uint32_t first = 0; first < n_merges && fits;) {
            const std::size_t n = std::min<std::size_t>(batch.size(), n_merges - first);
            for (std::size_t i = 0; i < n; ++i) {
                std::uint64_t size = 0;
                std::memcpy(&size, at, sizeof size);
                batch[i] = split_line({at + sizeof size, size}, first + static_cast<std::uint32_t>(i));
                at += sizeof size + size;
            }
            for (std::size_t i = 0; i < n; ++i) {
                Line& line = batch[i];
                line.left = vocab.table().find(line.left_text, line.left_hash);
                line.right = vocab.table().find(line.right_text, line.right_hash);
                __builtin_prefetch(&slots_[home(line.left, line.right)], 1);
            }
            for (std::size_t i = 0; i < n && fits; ++i) {
                const Line& line = batch[i];
                const std::uint32_t rank = first + static_cast<std::uint32_t>(i);
                // A merge of or into an unknown token can never apply.
                if (line.left < 0 || line.right < 0) continue;
                const TokenId merged = find_merged(line);
                if (merged < 0) continue;
                last = merged;
                merged_[rank] = merged;
                fits = insert(line.left, line.right, rank);
            }
            first += static_cast<std::uint32_t>(n);
        }
        if (fits) return;
    }
    fail("the merges are made to collide in a hash table");
}

Bpe::Bpe(const Gguf& file, const Vocab& vocab) : vocab_(vocab) {
    std::string_view pre = vocab.pre;
    if (pre.empty()) {
        // Files from before the key existed: one architecture settles the question, else the fallback that they met.
        const std::string_view architecture = file.find_string("general.architecture").value_or("");
        pre = architecture == "qwen2" ? "qwen2" : "default";
    }
    const std::optional<Splitter> splitter = find_splitter(pre);
    if (!splitter) {
        const Value* value = file.find(kPreKey);
        throw Error(at_key(file.path(), kPreKey),
                    fmt::format("pre-tokenizer '{}' is not supported; qwen2, deepseek-r1-qwen, llama-bpe, gpt-2, "
                                "deepseek-llm and deepseek-coder are",
                                printable(pre, 60)),
                    value ? std::optional(value->offset) : std::nullopt, Status::bad_model);
    }
    splitter_ = *splitter;
    whole_words_first_ = splitter_ == Splitter::llama3;
    std::string text;
    for (std::size_t byte = 0; byte < 256; ++byte) {
        text.clear();
        append_utf8(text, kAlphabet[byte]);
        byte_ids_[byte] = vocab.find(text);
    }
    merges_.build(file, vocab);
}

void Bpe::encode(std::vector<TokenId>& out, std::string_view text, Scratch& scratch) const {
    if (splits_nfc(splitter_)) text = to_nfc(text, scratch.text);
    split_words(scratch.ends, text, splitter_);
    scratch.cache.begin(text);
    std::size_t begin = 0;
    for (const std::uint32_t end : scratch.ends) {
        const std::string_view word = text.substr(begin, end - begin);
        begin = end;
        if (scratch.cache.repeat(out, word)) continue;
        const std::size_t first = out.size();
        encode_word(out, word, scratch);
        scratch.cache.remember(out, word, first);
    }
}

void Bpe::encode_word(std::vector<TokenId>& out, std::string_view word, Scratch& scratch) const {
    if (whole_words_first_) {
        scratch.word.clear();
        for (const char c : word) append_utf8(scratch.word, kAlphabet[static_cast<unsigned char>(c)]);
        const TokenId id = vocab_.find(scratch.word);
        if (id >= 0) {
            out.push_back(id);
            return;
        }
    }
    Merger& merger = scratch.merger;
    merger.begin(word.size());
    for (const char c : word) {
        const auto byte = static_cast<unsigned char>(c);
        TokenId id = byte_ids_[byte];
        if (id < 0) id = vocab_.unknown;
        if (id < 0) {
            throw Error(at_key(vocab_.path, "tokenizer.ggml.tokens"),
                        fmt::format("the vocabulary has no token for the byte 0x{:02x} of the text", byte),
                        std::nullopt, Status::bad_model);
        }
        merger.add(id);
    }
    merger.run(ByRank{merges_});
    for (Merger::Place i = 0; i != Merger::kEnd; i = merger.next(i)) out.push_back(merger.id(i));
}

void Bpe::append_bytes(std::string& out, std::string_view token_text) {
    for (std::size_t at = 0; at < token_text.size();) {
        const Char c = decode_char(token_text, at);
        const int byte = c.code < kAlphabetEnd ? kBytes[c.code] : -1;
        if (byte >= 0) {
            out += static_cast<char>(static_cast<unsigned char>(byte));
        } else {
            out += token_text.substr(at, c.size);
        }
        at += c.size;
    }
}

}  // namespace distill
