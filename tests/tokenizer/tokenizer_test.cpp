// The whole tokenizer: against real vocabularies with known ids, and on small ones made here for what those do not
// show.
#include "tokenizer/tokenizer.h"

#include <pthread.h>
#include <time.h>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

#include <algorithm>
#include <climits>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/shared_files.h"
#include "tests/tokenizer/vocabularies.h"
#include "tokenizer/unicode.h"

namespace distill::test {
namespace {

using Ids = std::vector<TokenId>;

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE(in);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

struct FileTokenizer {
    explicit FileTokenizer(const std::filesystem::path& path)
        : file(Gguf::open(path.string())), tokenizer(Tokenizer::from_gguf(file)) {}
    Gguf file;
    Tokenizer tokenizer;
};

// The texts of a .inp file and the ids of the .out file beside it.
void check_pairs(const std::filesystem::path& vocabulary) {
    const FileTokenizer t(vocabulary);
    const std::string texts = read_file(vocabulary.string() + ".inp");
    std::istringstream lines(read_file(vocabulary.string() + ".out"));
    constexpr std::string_view separator = "\n__ggml_vocab_test__\n";
    int n = 0;
    for (std::size_t begin = 0; begin <= texts.size(); ++n) {
        const std::size_t end = std::min(texts.find(separator, begin), texts.size());
        const std::string text = texts.substr(begin, end - begin);
        begin = end + separator.size();
        std::string line;
        std::getline(lines, line);
        std::istringstream numbers(line);
        const Ids expected{std::istream_iterator<TokenId>(numbers), std::istream_iterator<TokenId>()};
        INFO(vocabulary.filename().string() << ": '" << text << "'");
        CHECK(t.tokenizer.encode(text) == expected);
        CHECK(t.tokenizer.decode(expected) == text);
    }
    CHECK(n >= 46);
}

TEST_CASE("Qwen2: the ids of Hugging Face's tokenizer", "[tokenizer]") {
    DISTILL_SHARED_OR_SKIP(vocabulary, "tokenizer/ggml-vocab-qwen2.gguf");
    DISTILL_SHARED_OR_SKIP(cases, "tokenizer/qwen2_cases.jsonl");
    const FileTokenizer t(vocabulary);
    std::ifstream in(cases);
    int n = 0;
    std::string buffer;
    for (std::string line; std::getline(in, line); ++n) {
        const auto row = nlohmann::json::parse(line);
        const auto text = row["text"].get<std::string>();
        INFO("line " << n + 1 << ": " << text);
        const Ids ids = t.tokenizer.encode(text);
        CHECK(ids == row["ids"].get<Ids>());
        CHECK(t.tokenizer.decode(ids) == to_nfc(text, buffer));
    }
    CHECK(n == 596);
}

TEST_CASE("the published text and id pairs of real vocabularies", "[tokenizer]") {
    int found = 0;
    for (const char* name : {"qwen2", "llama-spm", "phi-3", "llama-bpe", "gpt-2", "deepseek-llm", "deepseek-coder"}) {
        const auto path = shared(std::string("tokenizer/ggml-vocab-") + name + ".gguf");
        if (!path) continue;
        ++found;
        check_pairs(*path);
    }
    if (found == 0) DISTILL_SKIP("no shared folder tokenizer/ (set DISTILL_SHARED)");
}

TEST_CASE("small real models round-trip", "[tokenizer]") {
    DISTILL_SHARED_OR_SKIP(stories, "models/stories260K.gguf");
    DISTILL_SHARED_OR_SKIP(trial, "models/trial-Q4_K_M.gguf");
    const FileTokenizer spm(stories);
    CHECK(spm.tokenizer.model_name() == "llama");
    CHECK(spm.tokenizer.add_bos());
    for (const std::string text : {"Once upon a time", " two  blanks ", "中文", "\n", "<s>", "a\xFF"}) {
        CHECK(spm.tokenizer.decode(spm.tokenizer.encode(text)) == text);
    }
    const FileTokenizer bytes(trial);
    CHECK(bytes.tokenizer.pre_name() == "deepseek-r1-qwen");
    CHECK(bytes.tokenizer.encode("1+1=?") == Ids{'1', '+', '1', '=', '?'});
    CHECK(bytes.tokenizer.bos() == 256);
    CHECK(bytes.tokenizer.is_end(257));
    CHECK(bytes.tokenizer.encode("<think>\n", Specials::parse) == Ids{260, '\n'});
    CHECK(bytes.tokenizer.encode("<think>").size() == 7);
}

// A byte vocabulary with a few merges and special tokens.
struct SmallBpe {
    SmallBpe() {
        th = list.merge("t", "h");
        the = list.merge("th", "e");
        blank_the = list.merge(" ", "the");
        begin = list.add("<|im_start|>", TokenKind::control);
        end = list.add("<|im_end|>", TokenKind::control);
        longer = list.add("<|im_end|>\n", TokenKind::control);
        think = list.add("<think>", TokenKind::user_defined);
        word = list.add("ü", TokenKind::user_defined);
    }
    TokenList list = byte_tokens();
    TokenId th, the, blank_the, begin, end, longer, think, word;
};

TEST_CASE("special tokens are read only where they are meant", "[tokenizer]") {
    const SmallBpe v;
    const LoadedTokenizer t(v.list.bpe());
    CHECK(t->encode("the") == Ids{v.the});
    CHECK(t->encode("the the") == Ids{v.the, v.blank_the});
    CHECK(t->encode("<think>").size() == 6);  // "th" is one
    CHECK(t->encode("<|im_end|>").size() == 10);
    CHECK(t->encode("<|im_start|>the<|im_end|>", Specials::parse) == Ids{v.begin, v.the, v.end});
    CHECK(t->encode("<|im_end|>\n", Specials::parse) == Ids{v.longer});  // the longest match
    CHECK(t->encode("<think>the", Specials::parse) == Ids{v.think, v.the});
    CHECK(t->encode("<<think>", Specials::parse) == Ids{'<', v.think});
    // A plain added word is matched in any text, as Hugging Face does.
    CHECK(t->encode("aü") == Ids{'a', v.word});
    // Stretches between special tokens are split apart: no merge reaches over one.
    CHECK(t->encode("t<think>he", Specials::parse) == Ids{'t', v.think, 'h', 'e'});
}

TEST_CASE("pieces read as one text, but quoted bytes never make a control token", "[tokenizer]") {
    const SmallBpe v;
    const LoadedTokenizer t(v.list.bpe());
    const auto encode = [&](std::vector<Piece> pieces) { return t->encode(pieces); };
    constexpr Specials parse = Specials::parse;
    constexpr Specials quote = Specials::as_text;
    CHECK(encode({}).empty());
    CHECK(encode({{"t", parse}, {"h", quote}, {"e", parse}}) == Ids{v.the});
    CHECK(encode({{"<|im_start|>", parse}, {"<|im_end|>", quote}, {"<|im_end|>", parse}}).size() == 12);
    // Split over two pieces of the template it is one token, with one quoted byte it is none.
    CHECK(encode({{"<|im_", parse}, {"start|>", parse}}) == Ids{v.begin});
    CHECK(encode({{"<|im_", parse}, {"start|>", quote}}).size() == 12);
    CHECK(encode({{"<|im_start|", quote}, {">", parse}}).size() == 12);
    CHECK(encode({{"", parse}, {"", quote}, {"<think>", parse}, {"", quote}}) == Ids{v.think});
    // The shorter match stays where the longer one runs into quoted text.
    CHECK(encode({{"<|im_end|>", parse}, {"\n", quote}}) == Ids{v.end, '\n'});
    // Normalisation runs across the border: e + U+0301 becomes one character.
    CHECK(encode({{"e", parse}, {"\u0301", quote}}) == Ids{0xC3, 0xA9});
}

TEST_CASE("pieces of one kind equal the joined text, wherever it is cut", "[tokenizer]") {
    const SmallBpe v;
    const LoadedTokenizer t(v.list.bpe());
    const std::string text = "the<|im_end|>\n e\u0301 the<think>ü <|im_st";
    for (const Specials specials : {Specials::as_text, Specials::parse}) {
        const Ids whole = t->encode(text, specials);
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            const std::vector<Piece> pieces = {{text.substr(0, cut), specials}, {text.substr(cut), specials}};
            REQUIRE(t->encode(pieces) == whole);
        }
    }
}

TEST_CASE("special tokens are split out before the text is normalised", "[tokenizer]") {
    TokenList list = byte_tokens();
    const TokenId angstrom = list.add("<\u212B>", TokenKind::control);
    const LoadedTokenizer t(list.bpe());
    CHECK(t->encode("<\u212B>", Specials::parse) == Ids{angstrom});
    // And a mark behind one has nothing to compose with.
    TokenList e = byte_tokens();
    const TokenId marker = e.add("<e", TokenKind::control);
    CHECK(LoadedTokenizer(e.bpe())->encode("<e\u0301", Specials::parse) == Ids{marker, 0xCC, 0x81});
}

TEST_CASE("only Qwen2's names normalise", "[tokenizer]") {
    const TokenList list = byte_tokens();
    const std::string text = "e\u0301";
    for (const char* pre : {"qwen2", "deepseek-r1-qwen"})
        CHECK(LoadedTokenizer(list.bpe(pre))->encode(text) == Ids{0xC3, 0xA9});
    for (const char* pre : {"gpt-2", "llama-bpe"})
        CHECK(LoadedTokenizer(list.bpe(pre))->encode(text) == Ids{'e', 0xCC, 0x81});
}

TEST_CASE("Llama 3 takes a word that is a token before it merges", "[tokenizer]") {
    TokenList list = byte_tokens();
    list.merge("a", "b");
    const TokenId abc = list.add("abc");  // no merges lead to it
    CHECK(LoadedTokenizer(list.bpe("llama-bpe"))->encode("abc") == Ids{abc});
    CHECK(LoadedTokenizer(list.bpe("qwen2"))->encode("abc") == Ids{256, 'c'});
}

TEST_CASE("decoding prints control tokens only when asked to, added ones always", "[tokenizer]") {
    const SmallBpe v;
    const LoadedTokenizer t(v.list.bpe());
    const Ids ids = {v.begin, v.blank_the, v.think, v.word, 0xE4, 0xB8, v.end};
    CHECK(t->decode(ids) == " the<think>ü\xE4\xB8");
    CHECK(t->decode(ids, true) == "<|im_start|> the<think>ü\xE4\xB8<|im_end|>");
    std::string out = "x";
    t->append_bytes(out, 0xE4);
    t->append_bytes(out, -5);
    t->append_bytes(out, 1 << 30);
    CHECK(out == "x\xE4");
}

TEST_CASE("SentencePiece: leading blank, merges by score, byte fallback", "[tokenizer]") {
    TokenList list = spm_tokens();
    const TokenId blank = 259;
    list.add("a", TokenKind::normal, -1000);
    const TokenId b = list.add("b", TokenKind::normal, -1000);
    const TokenId ab = list.add("ab", TokenKind::normal, -2);
    const TokenId blank_a = list.add("▁a", TokenKind::normal, -1);
    const TokenId two_blanks = list.add("▁▁", TokenKind::normal, -3);
    const TokenId turn = list.add("<|end|>", TokenKind::control);
    const auto byte = [](unsigned value) { return static_cast<TokenId>(value + 3); };
    const LoadedTokenizer t(list.spm());
    CHECK(t->encode("") == Ids{});
    CHECK(t->encode("ab") == Ids{blank_a, b});  // the higher score first
    CHECK(t->encode("bab") == Ids{blank, b, ab});
    CHECK(t->encode("  b") == Ids{two_blanks, blank, b});  // of equal pairs the leftmost
    CHECK(t->encode("é") == Ids{blank, byte(0xC3), byte(0xA9)});
    CHECK(t->encode("\n\xFF") == Ids{blank, byte('\n'), byte(0xFF)});
    CHECK(t->encode("a▁b") == Ids{blank_a, blank, b});
    // Texts of control and byte tokens stay text.
    CHECK(t->decode(t->encode("</s><0x41><unk>")) == "</s><0x41><unk>");
    CHECK(t->encode("</s>").size() > 1);
    CHECK(t->encode("<s>a<|end|>a", Specials::parse) == Ids{1, blank_a, turn, blank_a});
    CHECK(t->decode(Ids{1, blank_a, turn, blank_a}, true) == "<s>a<|end|>a");
    CHECK(t->decode(Ids{blank_a, blank_a}) == "a a");
    CHECK(t->decode(Ids{byte(0x41), blank_a}) == "A a");
    for (const std::string text : {" ", "  ", " a", "a ", " a  b ", "\n", "é a\xF0\x9F"}) {
        INFO(text);
        CHECK(t->decode(t->encode(text)) == text);
    }
    std::string streamed;
    t->append_bytes(streamed, blank_a);
    CHECK(streamed == " a");

    GgufBuilder without = list.spm();
    without.set("tokenizer.ggml.add_space_prefix", false);
    const LoadedTokenizer bare(without);
    CHECK(bare->encode("ab") == Ids{ab});
    CHECK(bare->decode(Ids{blank_a}) == " a");
    CHECK(bare->decode(bare->encode(" ab")) == " ab");
}

TEST_CASE("SentencePiece: pieces that run from word to word are found", "[tokenizer]") {
    // With such a piece the text cannot be cut at blanks.
    TokenList list = spm_tokens();
    list.add("a", TokenKind::normal, -1000);
    const TokenId blank_a = list.add("▁a", TokenKind::normal, -2);
    list.add("a▁", TokenKind::normal, -1);
    const TokenId over = list.add("a▁a", TokenKind::normal, -0.5f);
    const LoadedTokenizer t(list.spm());
    CHECK(t->encode("a a a") == Ids{259, over, blank_a});
}

TEST_CASE("SentencePiece follows the definition on random vocabularies", "[tokenizer]") {
    // By the definition: symbols are characters; join the neighbours whose text is the piece of the highest score.
    Random random{21};
    for (int round = 0; round < 200; ++round) {
        TokenList list = spm_tokens();
        for (const char* c : {"a", "b", "c"}) list.add(c, TokenKind::normal, -1000);
        for (int i = 0; i < 25; ++i) {
            std::string piece;
            for (std::uint64_t n = 2 + random.below(3); n > 0; --n) {
                const auto pick = random.below(4);
                piece += pick == 3 ? std::string("▁") : std::string(1, static_cast<char>('a' + pick));
            }
            if (std::find(list.texts.begin(), list.texts.end(), piece) != list.texts.end()) continue;
            list.add(piece, TokenKind::normal, -static_cast<float>(random.below(6)));  // ties
        }
        const LoadedTokenizer t(list.spm());
        for (int trial = 0; trial < 10; ++trial) {
            std::string text;
            for (std::uint64_t n = random.below(trial < 5 ? 10 : 80); n > 0; --n) text += " abc"[random.below(4)];
            std::vector<std::string> symbols;
            if (!text.empty()) symbols.push_back("▁");
            for (const char c : text) symbols.push_back(c == ' ' ? "▁" : std::string(1, c));
            for (;;) {
                std::size_t best = symbols.size();
                float score = 0;
                for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
                    const TokenId id = t->find(symbols[i] + symbols[i + 1]);
                    if (id < 0) continue;
                    const float s = list.scores[static_cast<std::size_t>(id)];
                    if (best == symbols.size() || s > score) {
                        best = i;
                        score = s;
                    }
                }
                if (best == symbols.size()) break;
                symbols[best] += symbols[best + 1];
                symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
            }
            Ids expected;
            for (const std::string& symbol : symbols) expected.push_back(t->find(symbol));
            INFO("round " << round << " '" << text << "'");
            REQUIRE(t->encode(text) == expected);
            REQUIRE(t->decode(expected) == text);
        }
    }
}

// Bytes that meet the interesting paths: letters of the small vocabularies, markers, marks, broken UTF-8, anything.
std::string random_text(Random& random) {
    static constexpr std::string_view kParts[] = {"the",          " ",        "  ",     "\n", "th", "<|im_end|>",
                                                  "<think>",      "</s>",     "<0x41>", "ü",  "中", "e\u0301",
                                                  "\u0327\u0301", "\xF0\x9F", "\xFF",   "7",  "'s", "\u1100\u1161"};
    std::string text;
    for (std::uint64_t n = random.below(14); n > 0; --n) {
        if (random.below(4) == 0) {
            text += static_cast<char>(static_cast<unsigned char>(random.below(256)));
        } else {
            text += kParts[random.below(std::size(kParts))];
        }
    }
    return text;
}

TEST_CASE("any bytes come back from their ids", "[tokenizer][hostile]") {
    const SmallBpe v;
    const LoadedTokenizer qwen(v.list.bpe());
    const LoadedTokenizer gpt(v.list.bpe("gpt-2"));
    TokenList pieces = spm_tokens();
    for (const char* piece : {"t", "h", "e", "th", "the", "▁t", "▁the", "<", "s", ">", "/"})
        pieces.add(piece, TokenKind::normal, -1);
    const LoadedTokenizer spm(pieces.spm());
    Random random{99};
    std::string buffer;
    for (int round = 0; round < 5000; ++round) {
        const std::string text = random_text(random);
        const Ids ids = qwen->encode(text);
        for (const TokenId id : ids) REQUIRE(qwen->kind_of(id) != TokenKind::control);
        // U+00FC itself is a token there, so what composes with it is normalised apart.
        if (text.find("ü") == std::string::npos) REQUIRE(qwen->decode(ids) == to_nfc(text, buffer));
        REQUIRE(gpt->decode(gpt->encode(text)) == text);
        REQUIRE(spm->decode(spm->encode(text)) == text);
        REQUIRE(gpt->decode(gpt->encode(text, Specials::parse), true) == text);
        REQUIRE(spm->decode(spm->encode(text, Specials::parse), true) == text);
    }
}

TEST_CASE("the cache of repeated words changes nothing", "[tokenizer]") {
    const SmallBpe v;
    const LoadedTokenizer t(v.list.bpe());
    Random random{4};
    std::string text;
    Ids expected;
    // Lines are encoded alike alone (too short for the cache) and together.
    while (text.size() < 20000) {
        std::string line = "x";
        for (std::uint64_t n = random.below(8); n > 0; --n) line += random.below(2) == 0 ? " the" : " te";
        line += "\n";
        text += line;
        const Ids ids = t->encode(line);
        expected.insert(expected.end(), ids.begin(), ids.end());
    }
    CHECK(t->encode(text) == expected);
}

// --- time and stack ---

double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Runs f on a thread whose stack has 64 KiB, or the least that the system gives (more under sanitizers, whose frames
// are larger).
void on_small_stack(const std::function<void()>& f) {
    pthread_attr_t attributes;
    REQUIRE(pthread_attr_init(&attributes) == 0);
    const auto least = static_cast<std::size_t>(PTHREAD_STACK_MIN);
    REQUIRE(pthread_attr_setstacksize(&attributes, std::max(least, (kSanitized ? 512u : 64u) * std::size_t{1024})) ==
            0);
    pthread_t thread;
    const auto enter = [](void* body) -> void* {
        (*static_cast<const std::function<void()>*>(body))();
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, &attributes, enter, const_cast<std::function<void()>*>(&f)) == 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
}

// The C library's allocator keeps blocks of up to 32 MiB for the next call but hands larger ones back to the system
// each time. The text twice as long would pay for fresh pages alone; so that both do, nothing is kept.
void allocate_afresh() {
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}

// Hostile texts of 1 MiB (the rarer ones of 256 KiB): two seconds at most, and twice the text takes at most three times
// as long: what is quadratic gives 4, and where the second-level cache ends between the two (2 MiB), 2.7 was measured.
void check_linear(const Tokenizer& tokenizer) {
    struct Row {
        const char* what;
        std::string unit;
    };
    const Row rows[] = {{"one letter", "a"},   {"blanks", " "},
                        {"Chinese", "中"},     {"digits", "7"},
                        {"marks", "\u0301"},   {"marks out of order", "\u0301\u0327"},
                        {"line ends", " \n"},  {"quotes", "'"},
                        {"two letters", "th"}, {"half characters", "\xE2\x96"},
                        {"less-than", "<"},    {"jamo", "\u1100\u1161\u11A8"}};
    allocate_afresh();
    const std::size_t size = kSanitized ? 1u << 17 : 1u << 20;
    for (const Row& row : rows) {
        std::string once;
        const bool rare = &row - rows >= 5;
        const double limit = 3;
        while (once.size() < (rare ? size / 4 : size)) once += row.unit;
        const std::string twice = once + once;
        double first = 1e9;
        double second = 1e9;
        on_small_stack([&] {
            // A busy machine gets more runs; the least of each counts.
            for (int run = 0; run == 0 || (run < 20 && second > limit * first); ++run) {
                double start = thread_seconds();
                tokenizer.encode(once, Specials::parse);
                first = std::min(first, thread_seconds() - start);
                start = thread_seconds();
                tokenizer.encode(twice, Specials::parse);
                second = std::min(second, thread_seconds() - start);
            }
        });
        INFO(row.what << ": " << first << " s, twice the text " << second << " s");
        CHECK(first < 2);
        CHECK(second <= limit * first);
    }
}

TEST_CASE("hostile text takes linear time and little stack: small vocabularies", "[tokenizer][hostile][slow]") {
    TokenList list = SmallBpe().list;
    for (const char* letter : {"a", " ", "'", "<"}) {
        std::string run = letter;
        for (int i = 0; i < 5; ++i, run += run) list.merge(run, run);
    }
    check_linear(*LoadedTokenizer(list.bpe()));
    TokenList pieces = spm_tokens();
    for (const std::string letter : {"a", "▁", "中"}) {
        if (letter != "▁") pieces.add(letter, TokenKind::normal, -1000);
        std::string run = letter + letter;
        for (int i = 0; i < 5; ++i, run += run) pieces.add(run, TokenKind::normal, -static_cast<float>(i));
    }
    check_linear(*LoadedTokenizer(pieces.spm()));
}

TEST_CASE("hostile text takes linear time and little stack: Qwen2 and Llama", "[tokenizer][hostile][slow]") {
    DISTILL_SHARED_OR_SKIP(qwen2, "tokenizer/ggml-vocab-qwen2.gguf");
    DISTILL_SHARED_OR_SKIP(llama, "tokenizer/ggml-vocab-llama-spm.gguf");
    check_linear(FileTokenizer(qwen2).tokenizer);
    check_linear(FileTokenizer(llama).tokenizer);
}

}  // namespace
}  // namespace distill::test
