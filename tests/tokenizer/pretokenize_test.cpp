#include "tokenizer/pretokenize.h"

#include <string>

#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"

namespace distill::test {
namespace {

// The words with '|' between them.
std::string words(std::string_view text, Splitter splitter) {
    std::vector<std::uint32_t> ends;
    split_words(ends, text, splitter);
    std::string out;
    std::size_t begin = 0;
    for (const std::uint32_t end : ends) {
        REQUIRE(end > begin);
        if (begin > 0) out += '|';
        out += text.substr(begin, end - begin);
        begin = end;
    }
    REQUIRE(begin == text.size());
    return out;
}

struct Row {
    std::string_view text, words;
};

TEST_CASE("qwen2 splits as its expression says", "[tokenizer]") {
    const Row rows[] = {
        {"", ""},
        {"Hello world", "Hello| world"},
        {"don't DON'T we'LL I'Ve", "don|'t| DON|'T| we|'LL| I|'Ve"},
        {"'sfoo 'foo", "'s|foo| '|foo"},  // a contraction wins over a word with a leading sign
        {"'\xC5\xBF"
         "a",
         "'\xC5\xBF|a"},  // the long s folds to s
        {"'lx 'r", "'lx| '|r"},
        {"x=12345", "x|=|1|2|3|4|5"},
        {"a  b", "a| | b"},
        {"a   b", "a|  | b"},
        {"a \n b", "a| \n| b"},
        {"a\n\n  \n  b", "a|\n\n  \n| | b"},
        {"a  ", "a|  "},
        {"a \r\n", "a| \r\n"},
        {"  \t7", "  |\t|7"},
        {"\tword", "\tword"},
        {"\nword", "\n|word"},
        {"(word) [x]", "(word|)| [|x|]"},
        {" !!!\r\nx", " !!!\r\n|x"},
        {"\t!!", "\t|!!"},
        {"a 、b", "a| 、|b"},
        {"3½Ⅳ٣", "3|½|Ⅳ|٣"},
        {"中文7字", "中文|7|字"},
        {"\u3000中", "\u3000中"},
        {"e\u0301x", "e|\u0301x"},  // a mark is a sign
        {"\xFF\xFE"
         "abc",
         "\xFF\xFE|abc"},  // and so is a broken byte
    };
    for (const Row& row : rows) {
        INFO(row.text);
        CHECK(words(row.text, Splitter::qwen2) == row.words);
    }
}

TEST_CASE("llama3 takes up to three digits, gpt2 whole numbers", "[tokenizer]") {
    CHECK(words("1234567 x", Splitter::llama3) == "123|456|7| x");
    CHECK(words("1234567 89", Splitter::gpt2) == "1234567| 89");
    CHECK(words("Don'T don't", Splitter::gpt2) == "Don|'|T| don|'t");
    CHECK(words("a\n\nb", Splitter::gpt2) == "a|\n|\n|b");
    CHECK(words("a  \n b", Splitter::gpt2) == "a|  \n| b");
    CHECK(words("(word) !\n", Splitter::gpt2) == "(|word|)| !|\n");
    CHECK(words("a  ", Splitter::gpt2) == "a|  ");
}

TEST_CASE("cascades split each word of the step before", "[tokenizer]") {
    CHECK(words("a b12 34", Splitter::deepseek_coder) == "a| b|1|2| |3|4");
    CHECK(words("a,  \n\nb", Splitter::deepseek_coder) == "a|,|  |\n|\n|b");
    CHECK(words("中文 b", Splitter::deepseek_coder) == "中文| b");
    CHECK(words("a b12 34  ", Splitter::deepseek_llm) == "a| b|12| |34|  ");
    CHECK(words("中文ab", Splitter::deepseek_llm) == "中文|ab");
    CHECK(words("a+b 1234", Splitter::legacy) == "a|+|b| |123|4");
}

TEST_CASE("names of the file choose the splitter", "[tokenizer]") {
    CHECK(find_splitter("qwen2") == Splitter::qwen2);
    CHECK(find_splitter("deepseek-r1-qwen") == Splitter::qwen2);
    CHECK(find_splitter("llama-bpe") == Splitter::llama3);
    CHECK_FALSE(find_splitter("qwen35"));
    CHECK_FALSE(find_splitter(""));
}

TEST_CASE("any bytes are split without loss", "[tokenizer][hostile]") {
    Random random{11};
    const std::string_view pieces[] = {" ",  "\n",   "\r",       "'", "s",      "LL",     "7", "½",
                                       "中", "\xFF", "\xE2\x96", "!", "\u0301", "\u3000", "\t"};
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (std::uint64_t n = random.below(30); n > 0; --n) text += pieces[random.below(std::size(pieces))];
        for (const Splitter splitter : {Splitter::gpt2, Splitter::qwen2, Splitter::llama3, Splitter::deepseek_llm,
                                        Splitter::deepseek_coder, Splitter::legacy}) {
            words(text, splitter);
        }
    }
}

}  // namespace
}  // namespace distill::test
