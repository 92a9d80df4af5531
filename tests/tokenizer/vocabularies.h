// Small vocabularies for tests: files in memory, and the byte alphabet written down a second time.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gguf.h"
#include "tests/support/gguf_builder.h"
#include "tokenizer/tokenizer.h"

namespace distill::test {

inline std::string utf8_of(unsigned code) {  // below U+0800
    if (code < 0x80) return {static_cast<char>(code)};
    return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

// How a byte is written in a byte-level vocabulary.
inline std::string letter_of(unsigned char byte) {
    if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174) return utf8_of(byte);
    if (byte <= 32) return utf8_of(0x100u + byte);
    if (byte <= 160) return utf8_of(0x121u + byte - 127u);
    return utf8_of(0x143);
}

inline std::string letters_of(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) out += letter_of(static_cast<unsigned char>(c));
    return out;
}

struct TokenList {
    std::vector<std::string> texts;
    std::vector<std::int32_t> kinds;
    std::vector<float> scores;
    std::vector<std::string> merges;

    TokenId add(std::string text, TokenKind kind = TokenKind::normal, float score = 0) {
        texts.push_back(std::move(text));
        kinds.push_back(static_cast<std::int32_t>(kind));
        scores.push_back(score);
        return static_cast<TokenId>(texts.size() - 1);
    }
    // A merge of two byte strings into a token of its own.
    TokenId merge(std::string_view left, std::string_view right) {
        merges.push_back(letters_of(left) + " " + letters_of(right));
        return add(letters_of(left) + letters_of(right));
    }

    GgufBuilder bpe(std::string_view pre = "qwen2") const {
        GgufBuilder b;
        b.set("general.architecture", "qwen2").set("tokenizer.ggml.model", "gpt2").set("tokenizer.ggml.pre", pre);
        b.set("tokenizer.ggml.tokens", texts).set("tokenizer.ggml.token_type", kinds);
        b.set("tokenizer.ggml.merges", merges);
        return b;
    }
    GgufBuilder spm() const {
        GgufBuilder b;
        b.set("general.architecture", "llama").set("tokenizer.ggml.model", "llama");
        b.set("tokenizer.ggml.tokens", texts).set("tokenizer.ggml.token_type", kinds);
        b.set("tokenizer.ggml.scores", scores);
        return b;
    }
};

// Ids 0 to 255 are the bytes.
inline TokenList byte_tokens() {
    TokenList list;
    for (unsigned byte = 0; byte < 256; ++byte) list.add(letter_of(static_cast<unsigned char>(byte)));
    return list;
}

// <unk> <s> </s>, the byte tokens (id = byte + 3), then the blank mark.
inline TokenList spm_tokens() {
    TokenList list;
    list.add("<unk>", TokenKind::unknown);
    list.add("<s>", TokenKind::control);
    list.add("</s>", TokenKind::control);
    for (unsigned byte = 0; byte < 256; ++byte) list.add(fmt::format("<0x{:02X}>", byte), TokenKind::byte);
    list.add("▁", TokenKind::normal, -1000);
    return list;
}

// A file in memory together with its tokenizer.
class LoadedTokenizer {
  public:
    explicit LoadedTokenizer(const GgufBuilder& builder)
        : bytes_(builder.build()), file_(Gguf::parse(bytes_, "test.gguf")), tokenizer_(Tokenizer::from_gguf(file_)) {}
    const Tokenizer& operator*() const { return tokenizer_; }
    const Tokenizer* operator->() const { return &tokenizer_; }
    const Gguf& file() const { return file_; }

  private:
    std::vector<std::byte> bytes_;
    Gguf file_;
    Tokenizer tokenizer_;
};

}  // namespace distill::test
