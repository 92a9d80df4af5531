#include "engine/thinking.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace distill {
namespace {

struct Split {
    std::string thinking, answer;
    bool unfinished = false;
};

// The text in pieces of `size` bytes.
Split split(std::string_view text, bool inside, std::size_t size, bool armed = true) {
    ThinkingSplitter splitter(armed, inside);
    Split out;
    const auto take = [&](const std::vector<ThinkingSplitter::Part>& parts) {
        for (const auto& part : parts) {
            CHECK_FALSE(part.text.empty());
            (part.thinking ? out.thinking : out.answer) += part.text;
        }
    };
    for (std::size_t i = 0; i < text.size(); i += size) take(splitter.push(text.substr(i, size)));
    out.unfinished = splitter.inside();
    take(splitter.finish());
    return out;
}

TEST_CASE("thinking and answer are told apart, however the text is cut", "[thinking]") {
    struct Row {
        const char* what;
        bool inside;
        const char* text;
        const char* thinking;
        const char* answer;
        bool unfinished;
    };
    const Row rows[] = {
        {"opened by the prompt", true, "so x=1.\n</think>\n\nx is 1.", "so x=1.", "x is 1.", false},
        {"opened by the model", false, "<think>\nso x=1.\n</think>\n\nx is 1.", "so x=1.", "x is 1.", false},
        {"blanks before the tag", false, " \n<think>a</think>b", "a", "b", false},
        {"none at all", false, "x is 1.", "", "x is 1.", false},
        {"empty", true, "\n</think>\n\nx", "", "x", false},
        {"never ended", true, "and so on\n", "and so on", "", true},
        {"half a tag at the end", true, "a</thin", "a</thin", "", true},
        {"half a tag inside", true, "a < b </thi b</think>c", "a < b </thi b", "c", false},
        {"newlines inside stay", true, "a\n\nb\n\n</think>c\n\nd\n", "a\n\nb", "c\n\nd\n", false},
        {"a tag in the answer is text", false, "use <think> and </think>", "", "use <think> and </think>", false},
        {"a second tag is text", true, "a</think>b<think>c</think>", "a", "b<think>c</think>", false},
        {"half a tag, then the end", false, "<thi", "", "<thi", false},
        {"blanks only", false, " \n ", "", " \n ", false},
        {"nothing", true, "", "", "", true},
        {"the answer's own indent stays", true, "a</think>\n\n  b", "a", "  b", false},
    };
    for (const Row& row : rows) {
        for (std::size_t size = 1; size <= std::max<std::size_t>(1, std::string_view(row.text).size()); ++size) {
            const Split out = split(row.text, row.inside, size);
            INFO(row.what << ", pieces of " << size);
            CHECK(out.thinking == row.thinking);
            CHECK(out.answer == row.answer);
            CHECK(out.unfinished == row.unfinished);
        }
    }
}

TEST_CASE("a splitter that is not armed passes everything through", "[thinking]") {
    const Split out = split("<think>\na\n</think>\n\nb", true, 3, false);
    CHECK(out.thinking.empty());
    CHECK(out.answer == "<think>\na\n</think>\n\nb");
}

TEST_CASE("text that cannot become a tag is not held back", "[thinking]") {
    ThinkingSplitter splitter(true, true);
    const auto parts = splitter.push("hello");
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].text == "hello");
    const auto held = splitter.push(" <");
    REQUIRE(held.size() == 1);
    CHECK(held[0].text == " ");
}

}  // namespace
}  // namespace distill
