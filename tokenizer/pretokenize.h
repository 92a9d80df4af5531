// Cuts text into the words that byte-level BPE merges within: the published split expressions as hand-written state
// machines. Linear in the text; a stretch of blanks is read at most three times.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace distill {

enum class Splitter : std::uint8_t {
    gpt2,          // blanks lead words, runs of digits whole
    qwen2,         // any sign may lead a word, single digits, contractions in either case
    llama3,        // as qwen2 with up to three digits
    deepseek_llm,  // cascades of simple splits
    deepseek_coder,
    legacy,  // what llama.cpp falls back to for files that name none
};

// By the file's tokenizer.ggml.pre; nullopt if we do not know it.
std::optional<Splitter> find_splitter(std::string_view pre);

// True if the Hugging Face tokenizer of this name brings text to NFC first.
bool splits_nfc(Splitter splitter);

// ends: where each word ends, ascending, the last one text.size(). text.size() < 2^32.
void split_words(std::vector<std::uint32_t>& ends, std::string_view text, Splitter splitter);

}  // namespace distill
