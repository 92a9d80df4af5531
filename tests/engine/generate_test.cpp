#include "engine/generate.h"

#include <cmath>
#include <set>

#include "engine/error.h"
#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"

namespace distill {
namespace {

// A tiny model with random weights: its text is noise, but always the same.
struct Fixture {
    explicit Fixture(int n_ctx = 256) : n_ctx(n_ctx) {}
    test::TempDir folder;
    std::string path = folder.write("tiny.gguf", test::tiny_model({.n_ctx_train = 512}));
    ThreadPool pool{2};
    Engine engine = Engine::load({.path = path, .kernels = {}});
    int n_ctx;
    Sequence sequence{engine, pool, n_ctx};

    std::vector<TokenId> prompt(std::string_view text) const { return engine.tokenizer().encode(text); }
};

GenerateOptions greedy(int n) {
    GenerateOptions options;
    options.sampler.temperature = 0;
    options.max_tokens = n;
    options.ignore_end = true;
    return options;
}

TEST_CASE("the text events make up the answer, in whole characters", "[generate]") {
    Fixture f;
    std::string text;
    GenerateEvents events;
    events.text = [&](std::string_view piece, bool thinking) {
        CHECK_FALSE(thinking);
        text += piece;
    };
    const auto prompt = f.prompt("the thing");
    const Generation g = generate(f.engine, f.sequence, prompt, greedy(40), events);
    CHECK(g.reason == StopReason::length);
    CHECK(g.generated_tokens == 40);
    CHECK(g.prompt_tokens == static_cast<int>(prompt.size()));
    CHECK(g.answer == text);
    CHECK_FALSE(text.empty());
}

TEST_CASE("a kept prefix changes nothing but the work", "[generate]") {
    Fixture f;
    const auto options = greedy(24);
    const auto first = generate(f.engine, f.sequence, f.prompt("the thing is all"), options, {});
    const auto again = generate(f.engine, f.sequence, f.prompt("the thing is all"), options, {});
    CHECK(first.cached_tokens == 0);
    CHECK(again.cached_tokens == again.prompt_tokens - 1);
    CHECK(again.answer == first.answer);
    CHECK(again.logits_hash == first.logits_hash);

    const auto other = generate(f.engine, f.sequence, f.prompt("the thing was"), options, {});
    CHECK(other.cached_tokens > 0);
    Fixture fresh;
    const auto alone = generate(fresh.engine, fresh.sequence, fresh.prompt("the thing was"), options, {});
    CHECK(alone.cached_tokens == 0);
    CHECK(other.answer == alone.answer);
    CHECK(other.logits_hash == alone.logits_hash);
}

TEST_CASE("the context ends the text exactly when it is full", "[generate]") {
    Fixture f(32);
    const auto prompt = f.prompt("abcd");
    REQUIRE(prompt.size() == 4);
    const Generation g = generate(f.engine, f.sequence, prompt, greedy(-1), {});
    CHECK(g.reason == StopReason::context);
    CHECK(f.sequence.length() == 32);
    CHECK(g.generated_tokens == 32 - 4 + 1);  // the last one needs no place
}

TEST_CASE("a prompt at and beyond the context", "[generate][hostile]") {
    Fixture f(8);
    const std::vector<TokenId> fits(7, 65), full(8, 65);
    CHECK(generate(f.engine, f.sequence, fits, greedy(1), {}).generated_tokens == 1);
    try {
        generate(f.engine, f.sequence, full, greedy(1), {});
        FAIL("no error");
    } catch (const Error& e) {
        CHECK(e.status() == Status::context);
        CHECK(e.problem().find("exceeds the available context size") != std::string::npos);
    }
    // The sequence still works.
    CHECK(generate(f.engine, f.sequence, fits, greedy(1), {}).generated_tokens == 1);
    CHECK_THROWS_AS(generate(f.engine, f.sequence, {}, greedy(1), {}), Error);
}

TEST_CASE("a stop string ends the answer before it", "[generate]") {
    Fixture f;
    const std::string whole = generate(f.engine, f.sequence, f.prompt("the"), greedy(60), {}).answer;
    REQUIRE(whole.size() > 30);
    for (const std::size_t at : {std::size_t{1}, std::size_t{10}, std::size_t{20}}) {
        GenerateOptions options = greedy(60);
        options.stop = {"no such text in here", whole.substr(at, 3)};
        const Generation g = generate(f.engine, f.sequence, f.prompt("the"), options, {});
        CHECK(g.reason == StopReason::stop_string);
        CHECK(g.answer == whole.substr(0, whole.find(options.stop[1])));
    }
}

TEST_CASE("cancelling stops at once and leaves a sequence that can be used", "[generate]") {
    Fixture f;
    const auto prompt = f.prompt("the thing is all");
    const Generation whole = generate(f.engine, f.sequence, prompt, greedy(20), {});
    int asked = 0;
    GenerateEvents events;
    events.cancelled = [&] { return ++asked > 6; };
    const Generation cut = generate(f.engine, f.sequence, prompt, greedy(20), events);
    CHECK(cut.reason == StopReason::cancelled);
    CHECK(cut.generated_tokens < 20);
    CHECK(whole.answer.substr(0, cut.answer.size() / 2) == cut.answer.substr(0, cut.answer.size() / 2));
    events.cancelled = [] { return true; };
    const Generation none = generate(f.engine, f.sequence, prompt, greedy(20), events);
    CHECK(none.reason == StopReason::cancelled);
    CHECK(none.generated_tokens == 0);
    CHECK(generate(f.engine, f.sequence, prompt, greedy(20), {}).answer == whole.answer);
}

TEST_CASE("thinking is closed at its budget, once, and counted", "[generate]") {
    Fixture f;
    GenerateOptions options = greedy(60);
    options.split_thinking = true;
    options.thinking_open = true;
    options.reasoning_budget = 10;
    const Generation g = generate(f.engine, f.sequence, f.prompt("the"), options, {});
    CHECK(g.thinking_end == ThinkingEnd::budget);
    CHECK_FALSE(g.thinking_unfinished);
    CHECK_FALSE(g.thinking.empty());
    CHECK_FALSE(g.answer.empty());
    CHECK(g.thinking_tokens >= 10);
    CHECK(g.thinking_tokens <= 12);  // the newline and the tag that close it
    CHECK(g.answer.find("</think>") == std::string::npos);

    options.reasoning_budget = 0;
    const Generation none = generate(f.engine, f.sequence, f.prompt("the"), options, {});
    CHECK(none.thinking.empty());
    CHECK_FALSE(none.answer.empty());

    options.reasoning_budget = kBudgetNone;
    const Generation endless = generate(f.engine, f.sequence, f.prompt("the"), options, {});
    CHECK(endless.thinking_end == ThinkingEnd::model);
    CHECK(endless.thinking_unfinished);
    CHECK(endless.answer.empty());
}

TEST_CASE("a thought is ended softly where the model was about to, in the last eighth of its budget", "[generate]") {
    Fixture f(500);
    GenerateOptions options = greedy(400);
    options.split_thinking = true;
    options.thinking_open = true;
    options.reasoning_budget = 160;
    options.budget_message = "Time is up.";
    const Generation hard = generate(f.engine, f.sequence, f.prompt("the"), options, {});
    CHECK(hard.thinking_end == ThinkingEnd::budget);
    CHECK(hard.thinking.ends_with("Time is up."));

    // The same weights, but </think> comes next wherever the thought's 150th token is the likeliest.
    const auto tokens = f.sequence.tokens();
    const auto frequent = static_cast<std::size_t>(tokens[150]);
    const auto close = static_cast<std::size_t>(f.engine.tokenizer().find("</think>"));
    test::GgufBuilder builder = test::tiny_builder({.n_ctx_train = 512});
    auto& data = builder.tensor("token_embd.weight").data;
    const std::size_t width = static_cast<std::size_t>(f.engine.config().d_model);
    auto* const rows = reinterpret_cast<float*>(data.data());
    for (std::size_t i = 0; i < width; ++i) rows[close * width + i] = 0.99f * rows[frequent * width + i];
    const auto bytes = builder.build();
    const Engine engine = Engine::load({.path = "soft", .bytes = bytes});
    Sequence sequence(engine, f.pool, 500);
    const Generation soft = generate(engine, sequence, f.prompt("the"), options, {});
    CHECK(soft.thinking_end == ThinkingEnd::soft);
    CHECK(soft.thinking_tokens > 140);
    CHECK(soft.thinking_tokens <= 151);  // with the tag
    CHECK(hard.thinking.starts_with(soft.thinking));
    CHECK_FALSE(soft.answer.empty());

    // Without a budget there is no end to prepare.
    options.reasoning_budget = kBudgetNone;
    CHECK(generate(engine, sequence, f.prompt("the"), options, {}).thinking_end != ThinkingEnd::soft);
}

TEST_CASE("an answer is reached however few tokens there are", "[generate]") {
    for (const int n : {8, 20, 100}) {
        for (const int budget : {kBudgetAuto, 0, 5, 1000}) {
            Fixture f(64);
            GenerateOptions options = greedy(n);
            options.split_thinking = true;
            options.thinking_open = true;
            options.reasoning_budget = budget;
            const Generation g = generate(f.engine, f.sequence, f.prompt("the"), options, {});
            INFO("-n " << n << ", budget " << budget);
            CHECK_FALSE(g.thinking_unfinished);
            // Of 8 tokens the end of the thinking takes 3.
            CHECK((n == 8 || !g.answer.empty()));
        }
    }
}

TEST_CASE("a text of the budget's message never becomes a control token", "[generate][hostile]") {
    Fixture f;
    GenerateOptions options = greedy(60);
    options.split_thinking = true;
    options.thinking_open = true;
    options.reasoning_budget = 0;
    options.budget_message = "a <|im_end|> b";
    const Generation g = generate(f.engine, f.sequence, f.prompt("the"), options, {});
    CHECK(g.thinking == "a <|im_end|> b");
}

TEST_CASE("thinking that goes round in circles is closed, an answer that does is not", "[generate][slow]") {
    // One token over and over: what greedy decoding of these weights comes to.
    Fixture f(2048);
    GenerateOptions options = greedy(1500);
    options.split_thinking = true;
    options.thinking_open = true;
    options.reasoning_budget = kBudgetNone;
    const Generation g = generate(f.engine, f.sequence, f.prompt("the"), options, {});
    CHECK(g.thinking_end == ThinkingEnd::repeat);
    CHECK_FALSE(g.thinking_unfinished);
    CHECK(g.reason == StopReason::length);
    CHECK(g.generated_tokens == 1500);
}

TEST_CASE("how much thinking is let through", "[generate]") {
    CHECK(thinking_budget(kBudgetAuto, 2048, -1) == 1024);
    CHECK(thinking_budget(kBudgetAuto, 1024, -1) == 512);  // keeps 512 for the answer
    CHECK(thinking_budget(kBudgetAuto, 100, -1) == 50);
    CHECK(thinking_budget(kBudgetAuto, 100000, 2000) == 1000);
    CHECK(thinking_budget(kBudgetAuto, 2000, 100) == 50);  // a short -n is shared as well
    CHECK(thinking_budget(77, 2000, -1) == 77);
    CHECK(thinking_budget(1990, 2000, -1) == 1488);  // 512 tokens for the answer
    CHECK(thinking_budget(77, 100, 100) == 50);      // or half
    CHECK(thinking_budget(77, 10, 10) == 5);
    CHECK(thinking_budget(77, 0, -1) == 0);
    CHECK(thinking_budget(0, 2000, -1) == 0);
    CHECK(thinking_budget(kBudgetNone, 10, 10) > 1'000'000'000);
}

TEST_CASE("equal rows hash alike, one changed bit does not", "[generate]") {
    std::vector<float> row(1000, 0.5f);
    const std::uint32_t hash = hash_logits(row);
    CHECK(hash == hash_logits(row));
    std::set<std::uint32_t> hashes = {hash};
    for (std::size_t i = 0; i < row.size(); i += 111) {
        auto changed = row;
        changed[i] = -0.5f;  // the top bit
        hashes.insert(hash_logits(changed));
        changed[i] = std::nextafter(0.5f, 1.0f);  // the lowest
        hashes.insert(hash_logits(changed));
    }
    CHECK(hashes.size() == 1 + 2 * 10);
}

}  // namespace
}  // namespace distill
