// What a file may say about its vocabulary: sound variants load, broken ones end in an error that names the key.
#include "tokenizer/vocab.h"

#include <chrono>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/patience.h"
#include "tests/tokenizer/vocabularies.h"

namespace distill::test {
namespace {

TEST_CASE("broken vocabularies are refused by key", "[tokenizer][hostile]") {
    struct Row {
        const char* defect;
        bool spm;
        const char* key;
        std::function<void(GgufBuilder&)> breaks;
    };
    const std::vector<std::int32_t> kinds(100, 1);
    const std::vector<float> scores(100, 0);
    const Row rows[] = {
        {"no model", false, "model", [](GgufBuilder& b) { b.remove("tokenizer.ggml.model"); }},
        {"unknown model", false, "model", [](GgufBuilder& b) { b.set("tokenizer.ggml.model", "bert"); }},
        {"model is a number", false, "model", [](GgufBuilder& b) { b.set("tokenizer.ggml.model", 7u); }},
        {"unknown pre", false, "pre", [](GgufBuilder& b) { b.set("tokenizer.ggml.pre", "qwen35"); }},
        {"no tokens", false, "tokens", [](GgufBuilder& b) { b.remove("tokenizer.ggml.tokens"); }},
        {"empty list", false, "tokens",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.tokens", std::vector<std::string>()); }},
        {"tokens are numbers", false, "tokens", [&](GgufBuilder& b) { b.set("tokenizer.ggml.tokens", kinds); }},
        {"fewer types", false, "token_type", [&](GgufBuilder& b) { b.set("tokenizer.ggml.token_type", kinds); }},
        {"types are floats", false, "token_type", [&](GgufBuilder& b) { b.set("tokenizer.ggml.token_type", scores); }},
        {"type 9", false, "token_type",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.token_type", std::vector<std::int32_t>(256, 9)); }},
        {"negative type", false, "token_type",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.token_type", std::vector<std::int32_t>(256, -1)); }},
        {"no merges", false, "merges", [](GgufBuilder& b) { b.remove("tokenizer.ggml.merges"); }},
        {"merges are numbers", false, "merges", [&](GgufBuilder& b) { b.set("tokenizer.ggml.merges", kinds); }},
        {"merge without a blank", false, "merges",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.merges", std::vector<std::string>{"ab"}); }},
        {"merge without a right half", false, "merges",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.merges", std::vector<std::string>{"a "}); }},
        {"empty merge", false, "merges",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.merges", std::vector<std::string>{""}); }},
        {"bos one past the end", false, "bos_token_id",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.bos_token_id", 256u); }},
        {"eos is huge", false, "eos_token_id", [](GgufBuilder& b) { b.set("tokenizer.ggml.eos_token_id", ~0u); }},
        {"eot is negative", false, "eot_token_id", [](GgufBuilder& b) { b.set("tokenizer.ggml.eot_token_id", -1); }},
        {"unknown is out of range", false, "unknown_token_id",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.unknown_token_id", 256u); }},
        {"bos is text", false, "bos_token_id", [](GgufBuilder& b) { b.set("tokenizer.ggml.bos_token_id", "one"); }},
        {"add_bos is text", false, "add_bos_token",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.add_bos_token", "yes"); }},
        {"no scores", true, "scores", [](GgufBuilder& b) { b.remove("tokenizer.ggml.scores"); }},
        {"fewer scores", true, "scores", [&](GgufBuilder& b) { b.set("tokenizer.ggml.scores", scores); }},
        {"scores are integers", true, "scores",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.scores", std::vector<std::int32_t>(260, 1)); }},
        {"a score is NaN", true, "scores",
         [](GgufBuilder& b) { b.set("tokenizer.ggml.scores", std::vector<float>(260, std::nanf(""))); }},
    };
    for (const Row& row : rows) {
        INFO(row.defect);
        GgufBuilder b = row.spm ? spm_tokens().spm() : byte_tokens().bpe();
        row.breaks(b);
        const std::optional<Error> error = error_of([&] { LoadedTokenizer{b}; });
        REQUIRE(error);
        CHECK(error->status() == Status::bad_model);
        CHECK(error->where() == at_key("test.gguf", std::string("tokenizer.ggml.") + row.key));
    }
    CHECK_NOTHROW(LoadedTokenizer(byte_tokens().bpe()));
    CHECK_NOTHROW(LoadedTokenizer(spm_tokens().spm()));
}

TEST_CASE("odd but sound vocabularies load, the lowest id wins", "[tokenizer][hostile]") {
    TokenList list = byte_tokens();
    list.add("");
    list.add("");
    list.add(std::string(100000, 'x'), TokenKind::control);  // too long for a marker, still a token
    list.add("\xFF\xFE", TokenKind::user_defined);
    const TokenId he = list.merge("h", "e");
    list.add("he");                    // the same text again
    list.merges.push_back("no such");  // halves that no token has
    list.merges.push_back("h e");      // the same merge again
    list.merges.push_back("\xFF\xFF \xFE");
    const LoadedTokenizer t(list.bpe());
    CHECK(t->find("he") == he);
    CHECK(t->encode("he") == std::vector<TokenId>{he});
    CHECK(t->find("") == 256);
    CHECK(t->find("nothing of the kind") == -1);
    CHECK(t->n_vocab() == 262);
    CHECK(t->text_of(he) == "he");
    CHECK(t->text_of(-1).empty());
    CHECK(t->text_of(262).empty());
    CHECK(t->kind_of(9999) == TokenKind::unknown);
    CHECK(t->bos() == -1);
    CHECK_FALSE(t->add_bos());
    CHECK_FALSE(t->is_end(-1));
}

TEST_CASE("types, ids and pre may be missing", "[tokenizer]") {
    GgufBuilder b = spm_tokens().spm();
    b.remove("tokenizer.ggml.token_type");
    const LoadedTokenizer spm(b);
    CHECK(spm->bos() == 1);
    CHECK(spm->eos() == 2);
    CHECK(spm->add_bos());
    CHECK(spm->is_end(2));
    CHECK(spm->kind_of(3) == TokenKind::byte);
    CHECK(spm->kind_of(1) == TokenKind::control);
    CHECK(spm->decode(spm->encode("héllo")) == "héllo");

    b = byte_tokens().bpe();
    b.remove("tokenizer.ggml.token_type").remove("tokenizer.ggml.pre");
    const LoadedTokenizer bpe(b);  // general.architecture is qwen2
    CHECK(bpe->pre_name().empty());
    CHECK(bpe->encode("e\u0301") == std::vector<TokenId>{0xC3, 0xA9});  // so it normalises like Qwen2
}

TEST_CASE("tokens that end an answer are known by id and by name", "[tokenizer]") {
    TokenList list = byte_tokens();
    const TokenId im_end = list.add("<|im_end|>", TokenKind::control);
    const TokenId eot = list.add("<turn over>", TokenKind::control);
    const TokenId eos = list.add("<stop>", TokenKind::control);
    const TokenId plain = list.add("</s>");  // a normal token of that text is none
    GgufBuilder b = list.bpe();
    b.set("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(eos));
    b.set("tokenizer.ggml.eot_token_id", static_cast<std::uint32_t>(eot));
    const LoadedTokenizer t(b);
    CHECK(t->eos() == eos);
    for (const TokenId id : {im_end, eot, eos}) CHECK(t->is_end(id));
    for (const TokenId id : {plain, TokenId{0}}) CHECK_FALSE(t->is_end(id));
}

TEST_CASE("byte tokens are read strictly", "[tokenizer][hostile]") {
    CHECK(byte_of_token("<0x0A>") == 10);
    CHECK(byte_of_token("<0xff>") == 255);
    for (const char* text : {"<0x-1>", "<0x1>", "<0x100>", "<0xG0>", "<0x 1>", "0x0A", "<0X0A>", "<0x0A", ""}) {
        INFO(text);
        CHECK(byte_of_token(text) == -1);
    }
    TokenList list = spm_tokens();
    const TokenId odd = list.add("<0x-1>", TokenKind::byte);
    const LoadedTokenizer t(list.spm());
    CHECK(t->decode(std::vector<TokenId>{odd}) == "<0x-1>");
}

TEST_CASE("a vocabulary without a byte of the text is an error, not a loss", "[tokenizer][hostile]") {
    TokenList list;
    list.add("a");
    const LoadedTokenizer t(list.bpe());
    CHECK(t->encode("aa") == std::vector<TokenId>{0, 0});
    const std::optional<Error> error = error_of([&] { t->encode("ab"); });
    REQUIRE(error);
    CHECK(error->status() == Status::bad_model);
    CHECK(contains(error->problem(), "0x62"));

    GgufBuilder b = list.bpe();
    b.set("tokenizer.ggml.unknown_token_id", 0u);
    const LoadedTokenizer with_unknown(b);
    CHECK(with_unknown->encode("ab") == std::vector<TokenId>{0, 0});
}

TEST_CASE("a vocabulary with flipped bytes loads or is an error, and encodes in bounds", "[tokenizer][hostile]") {
    TokenList bpe = byte_tokens();
    for (const char* right : {"b", "c", "d"}) bpe.merge("a", right);
    bpe.add("<|end|>", TokenKind::control);
    TokenList spm = spm_tokens();
    for (const char* piece : {"a", "b", "ab", "▁a", "▁▁"}) spm.add(piece, TokenKind::normal, -1);
    Random random{17};
    int loaded = 0;
    for (const std::vector<std::byte>& sound : {bpe.bpe().build(), spm.spm().build()}) {
        for (int round = 0; round < 2000; ++round) {
            std::vector<std::byte> bytes = sound;
            for (std::uint64_t n = 1 + random.below(2); n > 0; --n) {
                bytes[random.below(bytes.size())] ^= static_cast<std::byte>(1 + random.below(255));
            }
            const std::optional<Error> error = error_of([&] {
                const Gguf file = Gguf::parse(bytes, "test.gguf");
                const Tokenizer t = Tokenizer::from_gguf(file);
                ++loaded;
                for (const Specials specials : {Specials::as_text, Specials::parse}) {
                    const std::vector<TokenId> ids =
                        t.encode("abacad  aab <|end|> \xFF\u0301 abababababababababababab", specials);
                    for (const TokenId id : ids) CHECK((id >= 0 && id < t.n_vocab()));
                    t.decode(ids, true);
                }
            });
            if (error) CHECK(error->status() == Status::bad_model);
        }
    }
    CHECK(loaded > 500);
}

TEST_CASE("a large vocabulary of equal or alike tokens loads fast", "[tokenizer][hostile]") {
    const auto start = std::chrono::steady_clock::now();
    TokenList equal = byte_tokens();
    for (int i = 0; i < 100000; ++i) equal.add("same");
    CHECK(LoadedTokenizer(equal.bpe())->find("same") == 256);
    TokenList alike = byte_tokens();
    for (int i = 0; i < 20000; ++i) alike.add(std::string(40, '<') + std::to_string(i), TokenKind::control);
    const LoadedTokenizer t(alike.bpe());
    // Every place of the text is a candidate for twenty thousand markers that share their first forty bytes.
    CHECK(t->encode(std::string(50000, '<'), Specials::parse).size() == 50000);
    CHECK(std::chrono::steady_clock::now() - start < patience() * std::chrono::seconds(kSanitized ? 20 : 4));
}

}  // namespace
}  // namespace distill::test
