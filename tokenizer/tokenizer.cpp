// Puts the parts together: special tokens are split out of the raw text first, then each stretch between them goes
// through its family's encoder. Decoding is a look-up.
#include "tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <optional>

#include "engine/error.h"
#include "engine/gguf.h"
#include "tokenizer/bpe.h"
#include "tokenizer/markers.h"
#include "tokenizer/sentencepiece.h"
#include "tokenizer/vocab.h"

namespace distill {

namespace {

// Offsets in a text are 32 bits wide inside the encoders, and normalising or escaping may triple it.
constexpr std::size_t kMaxText = std::size_t{1} << 30;

// text[begin, end) may hold control tokens.
struct Parsed {
    std::size_t begin, end;
};

}  // namespace

struct Tokenizer::Impl {
    explicit Impl(const Gguf& file) : vocab(Vocab::from_gguf(file)), markers(vocab) {
        if (vocab.model == "llama") {
            sentencepiece.emplace(vocab);
        } else {
            bpe.emplace(file, vocab);
        }
    }

    // parsed: ascending, apart.
    std::vector<TokenId> encode(std::string_view text, std::span<const Parsed> parsed) const;

    Vocab vocab;
    Markers markers;
    std::optional<Bpe> bpe;  // exactly one of the two
    std::optional<SentencePiece> sentencepiece;
};

std::vector<TokenId> Tokenizer::Impl::encode(std::string_view text, std::span<const Parsed> parsed) const {
    if (text.size() > kMaxText) {
        throw Error(fmt::format("a text of {} bytes is too long; at most {} are supported", text.size(), kMaxText),
                    Status::usage);
    }
    std::vector<TokenId> ids;
    ids.reserve(text.size() / 4 + 1);  // about what English and Chinese take
    Bpe::Scratch bpe_scratch;
    SentencePiece::Scratch spm_scratch;
    const auto encode_plain = [&](std::string_view stretch) {
        if (stretch.empty()) return;
        if (bpe) {
            bpe->encode(ids, stretch, bpe_scratch);
        } else {
            sentencepiece->encode(ids, stretch, spm_scratch);
        }
    };
    if (markers.only_controls() && parsed.empty()) {
        encode_plain(text);
        return ids;
    }
    std::size_t plain = 0;  // text[plain, at) waits to be encoded
    for (std::size_t at = 0; at < text.size();) {
        while (!parsed.empty() && parsed.front().end <= at) parsed = parsed.subspan(1);
        if (!markers.starts_with(text[at])) {
            ++at;
            continue;
        }
        const bool inside = !parsed.empty() && parsed.front().begin <= at;
        const Markers::Match match = markers.longest(text, at, inside ? parsed.front().end : at);
        if (match.id < 0) {
            ++at;
            continue;
        }
        encode_plain(text.substr(plain, at - plain));
        ids.push_back(match.id);
        at += match.size;
        plain = at;
    }
    encode_plain(text.substr(plain));
    return ids;
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::from_gguf(const Gguf& file) {
    return Tokenizer(std::make_unique<Impl>(file));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, Specials specials) const {
    const Parsed all{0, text.size()};
    return impl_->encode(text, specials == Specials::parse ? std::span(&all, 1) : std::span<const Parsed>());
}

std::vector<TokenId> Tokenizer::encode(std::span<const Piece> pieces) const {
    std::string text;
    std::vector<Parsed> parsed;
    for (const Piece& piece : pieces) {
        const std::size_t begin = text.size();
        text += piece.text;
        if (piece.specials != Specials::parse || piece.text.empty()) continue;
        if (!parsed.empty() && parsed.back().end == begin) {
            parsed.back().end = text.size();
        } else {
            parsed.push_back({begin, text.size()});
        }
    }
    return impl_->encode(text, parsed);
}

void Tokenizer::append_bytes(std::string& out, TokenId id, bool print_control) const {
    const Vocab& vocab = impl_->vocab;
    if (!vocab.holds(id)) return;
    const std::string_view text = vocab.text(id);
    switch (vocab.kind(id)) {
        case TokenKind::control:
        case TokenKind::unknown:
            if (print_control) out += text;
            return;
        case TokenKind::user_defined:
            out += text;
            return;
        default:
            break;
    }
    if (impl_->bpe) {
        Bpe::append_bytes(out, text);
        return;
    }
    if (vocab.kind(id) == TokenKind::byte) {
        const int byte = byte_of_token(text);
        if (byte >= 0) {
            out += static_cast<char>(static_cast<unsigned char>(byte));
            return;
        }
    }
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t mark = std::min(text.find(kBlankMark, at), text.size());
        out += text.substr(at, mark - at);
        if (mark < text.size()) out += ' ';
        at = mark + kBlankMark.size();
    }
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool print_control) const {
    const Vocab& vocab = impl_->vocab;
    std::string out;
    bool after_special = true;  // encode() puts a blank in front of each stretch between special tokens
    for (const TokenId id : ids) {
        if (!vocab.holds(id)) continue;
        const std::size_t size = out.size();
        append_bytes(out, id, print_control);
        const TokenKind kind = vocab.kind(id);
        const bool special =
            kind == TokenKind::control || kind == TokenKind::unknown || kind == TokenKind::user_defined;
        if (vocab.add_space_prefix && after_special && !special && vocab.text(id).starts_with(kBlankMark)) {
            out.erase(size, 1);
        }
        after_special = special;
    }
    return out;
}

std::int32_t Tokenizer::n_vocab() const {
    return static_cast<std::int32_t>(impl_->vocab.size());
}

std::string_view Tokenizer::text_of(TokenId id) const {
    return impl_->vocab.holds(id) ? impl_->vocab.text(id) : std::string_view();
}

TokenKind Tokenizer::kind_of(TokenId id) const {
    return impl_->vocab.holds(id) ? impl_->vocab.kind(id) : TokenKind::unknown;
}

TokenId Tokenizer::find(std::string_view stored_text) const {
    return impl_->vocab.find(stored_text);
}
TokenId Tokenizer::bos() const {
    return impl_->vocab.bos;
}
TokenId Tokenizer::eos() const {
    return impl_->vocab.eos;
}
bool Tokenizer::add_bos() const {
    return impl_->vocab.add_bos;
}

bool Tokenizer::is_end(TokenId id) const {
    return std::binary_search(impl_->vocab.ends.begin(), impl_->vocab.ends.end(), id);
}

std::string_view Tokenizer::model_name() const {
    return impl_->vocab.model;
}
std::string_view Tokenizer::pre_name() const {
    return impl_->vocab.pre;
}

}  // namespace distill
