// Text to token ids and back. Two families: byte-level BPE (tokenizer.ggml.model "gpt2") and SentencePiece BPE ("llama").
// Immutable after loading; safe to share between threads. Encoding is linear in the text (a logarithm at most).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace distill {

class Gguf;

using TokenId = std::int32_t;

enum class TokenKind : std::uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

enum class Specials {
    as_text,  // "<|im_end|>" in the text is nine plain characters: for user text
    parse,    // control and added tokens in the text become their ids: for rendered templates
};

// A stretch of rendered prompt: the template's own text may hold control tokens, the user's never does.
struct Piece {
    std::string text;
    Specials specials;
};

class Tokenizer {
  public:
    // Reads tokenizer.ggml.*; throws Error{bad_model} naming the key. The Gguf must outlive the tokenizer.
    static Tokenizer from_gguf(const Gguf& file);

    Tokenizer(Tokenizer&&) noexcept;
    Tokenizer& operator=(Tokenizer&&) noexcept;
    ~Tokenizer();

    // Ids of the text. No BOS is added. Any bytes are accepted.
    std::vector<TokenId> encode(std::string_view text, Specials specials = Specials::as_text) const;
    // The pieces as one text: merges, pre-tokens and normalisation run across piece borders exactly as for the joined
    // text, only a control token is never recognised where a byte of it comes from an as_text piece.
    std::vector<TokenId> encode(std::span<const Piece> pieces) const;

    // Appends the raw bytes of a token: half characters are possible. Control tokens give nothing unless print_control.
    void append_bytes(std::string& out, TokenId id, bool print_control = false) const;
    // All bytes of a sequence, a SentencePiece leading blank that encode() put in front removed again.
    std::string decode(std::span<const TokenId> ids, bool print_control = false) const;

    std::int32_t n_vocab() const;
    std::string_view text_of(TokenId id) const;   // as stored in the file
    TokenKind kind_of(TokenId id) const;
    TokenId find(std::string_view stored_text) const;  // -1 if absent

    TokenId bos() const;                 // -1 if none
    TokenId eos() const;                 // -1 if none
    bool add_bos() const;                // the file asks for BOS in front of a prompt
    bool is_end(TokenId id) const;       // any token that ends an answer: eos, eot, <|im_end|>, <|end|>, ...
    std::string_view model_name() const; // "gpt2", "llama"
    std::string_view pre_name() const;   // "qwen2", "deepseek-r1-qwen", ...; "" if none

  private:
    struct Impl;
    explicit Tokenizer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace distill
