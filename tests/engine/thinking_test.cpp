#include "engine/thinking.h"

#include <algorithm>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"

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

// How many tokens of `round`, over and over, the guard lets through; 0 = all of `limit`.
std::size_t caught_after(const std::vector<TokenId>& round, std::size_t limit) {
    RepeatGuard guard;
    for (std::size_t i = 0; i < limit; ++i) {
        if (guard.push(round[i % round.size()])) return i + 1;
    }
    return 0;
}

TEST_CASE("thinking in circles is noticed, after four rounds and 400 tokens", "[thinking]") {
    for (const std::size_t period : std::vector<std::size_t>{1, 2, 7, 63, 64, 65, 100, 101, 250, 511, 512}) {
        std::vector<TokenId> round(period);
        for (std::size_t i = 0; i < period; ++i) round[i] = static_cast<TokenId>(i * 7 + 1);
        INFO("period " << period);
        CHECK(caught_after(round, 10'000) == std::max<std::size_t>(400, 4 * period));
    }
    CHECK(caught_after(std::vector<TokenId>(400, 9), 399) == 0);

    // Also behind a sound beginning, and once again after another sound stretch.
    RepeatGuard guard;
    TokenId fresh = 0;
    for (int turn = 0; turn < 2; ++turn) {
        for (int i = 0; i < 5000; ++i) CHECK_FALSE(guard.push(fresh++ % 100'003));
        bool noticed = false;
        for (int i = 0; i < 500 && !noticed; ++i) noticed = guard.push(-1 - i % 50);
        CHECK(noticed);
    }
}

TEST_CASE("honest working is no circle", "[thinking]") {
    // Bytes as tokens: the hardest case, because every digit is a token of its own.
    const auto passes = [](const std::string& text) {
        RepeatGuard guard;
        return std::none_of(text.begin(), text.end(), [&](char c) { return guard.push(static_cast<TokenId>(c)); });
    };
    std::string table, squares, countdown, checks, steps, zeros;
    for (int i = 0; i < 600; ++i) {
        table += "| " + std::to_string(i) + " | " + std::to_string(i % 10) + " | yes | yes | yes |\n";
        squares += std::to_string(i) + "^2 = " + std::to_string(i * i) + ", ";
        countdown += std::to_string(10'000 - i) + "\n";
        checks += "Is 9973 divisible by " + std::to_string(i) + "? No, there is a remainder.\n";
        steps += "Step " + std::to_string(i) + ": move the disk to the next peg, as before.\n";
    }
    for (int i = 0; i < 12; ++i) zeros += "0 0 0 0 0 0 0 0 " + std::to_string(i) + " ";
    for (const std::string& text : {table, squares, countdown, checks, steps, zeros, std::string(399, '-')}) {
        INFO(text.substr(0, 60));
        CHECK(passes(text));
    }
    // A paragraph thought three times over is slow, but not yet stuck.
    const std::string paragraph = squares.substr(0, 400);
    CHECK(passes(paragraph + paragraph + paragraph + "So it is."));
    CHECK_FALSE(passes(paragraph + paragraph + paragraph + paragraph));
}

TEST_CASE("a prompt's end asks for thinking or for the answer at once", "[thinking]") {
    const auto file = test::tiny_model();
    const Engine engine = Engine::load({.path = "tiny", .bytes = file});
    const Tokenizer& tokenizer = engine.tokenizer();
    struct Row {
        const char* what;
        const char* prompt;
        bool open;
        Reasoning reasoning;
        const char* expected;
        bool open_after;
    };
    const Row rows[] = {
        {"auto leaves an open one", "a<think>\n", true, Reasoning::automatic, "a<think>\n", true},
        {"auto leaves none", "a", false, Reasoning::automatic, "a", false},
        {"on where it is open", "a<think>\n", true, Reasoning::on, "a<think>\n", true},
        {"on where there is none", "a\n", false, Reasoning::on, "a\n<think>\n", true},
        {"off closes an open one", "a<think>\n", true, Reasoning::off, "a<think>\n\n</think>\n\n", false},
        {"off, nothing behind the tag", "a<think>", true, Reasoning::off, "a<think>\n\n</think>\n\n", false},
        {"off within a thought", "a<think>\nso", true, Reasoning::off, "a<think>\nso\n</think>\n\n", false},
        {"off where there is none", "a\n", false, Reasoning::off, "a\n<think>\n\n</think>\n\n", false},
        {"off where the template did it", "a<think>\n\n</think>\n\n", false, Reasoning::off, "a<think>\n\n</think>\n\n",
         false},
        {"off, nothing at all", "", false, Reasoning::off, "<think>\n\n</think>\n\n", false},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        std::vector<TokenId> prompt = tokenizer.encode(row.prompt, Specials::parse);
        CHECK(set_reasoning(prompt, row.open, row.reasoning, tokenizer) == row.open_after);
        CHECK(tokenizer.decode(prompt, true) == row.expected);
        // The very tokens of the text, so that the model sees what it was trained on.
        CHECK(prompt == tokenizer.encode(row.expected, Specials::parse));
    }
}

}  // namespace
}  // namespace distill
