#include "engine/lookup.h"

#include <cstring>

#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"

namespace distill {
namespace {

struct Fixture {
    test::TempDir folder;
    std::string path = folder.write("tiny.gguf", test::tiny_model({.n_ctx_train = 512}));
    ThreadPool pool{2};
    Engine engine = Engine::load({.path = path});
    Sequence sequence(int n_ctx = 512) { return {engine, pool, n_ctx}; }
};

std::vector<TokenId> counting(int n, int modulus) {
    std::vector<TokenId> ids;
    for (int i = 0; i < n; ++i) ids.push_back(static_cast<TokenId>(i % modulus + 5));
    return ids;
}
std::vector<TokenId> random_ids(int n, std::uint64_t seed) {
    test::Random random{seed};
    std::vector<TokenId> ids;
    for (int i = 0; i < n; ++i) ids.push_back(static_cast<TokenId>(random.below(250)));
    return ids;
}

// Feeds `text` behind `prompt`, with and without guesses, and compares each row bit by bit.
void check_same(Fixture& f, std::span<const TokenId> prompt, std::span<const TokenId> text, int n_ctx = 512) {
    Sequence plain = f.sequence(n_ctx), guessing = f.sequence(n_ctx);
    plain.forward(prompt, Logits::none);
    guessing.forward(prompt, Logits::none);
    Decoder decoder(guessing, true);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto expected = plain.forward(text.subspan(i, 1));
        const auto row = decoder.next(text[i]);
        REQUIRE(row.size() == expected.size());
        REQUIRE(std::memcmp(row.data(), expected.data(), row.size_bytes()) == 0);
        REQUIRE(decoder.length() == plain.length());
    }
    decoder.settle();
    CHECK(std::ranges::equal(guessing.tokens(), plain.tokens()));
    // What rejected guesses left behind must not show later either.
    if (plain.length() == n_ctx) return;
    const TokenId id = 9;
    const std::vector<float> expected = [&] {
        const auto row = plain.forward(std::span(&id, 1));
        return std::vector<float>(row.begin(), row.end());
    }();
    const auto row = guessing.forward(std::span(&id, 1));
    CHECK(std::memcmp(row.data(), expected.data(), row.size_bytes()) == 0);
}

TEST_CASE("guesses change no bit of the logits", "[lookup]") {
    Fixture f;
    check_same(f, counting(40, 11), counting(100, 11));  // all come true
    check_same(f, random_ids(200, 1), random_ids(60, 2));
    auto edited = counting(120, 17);  // a copy with changes
    for (std::size_t i = 7; i < edited.size(); i += 13) edited[i] = 3;
    check_same(f, counting(120, 17), edited);
}

TEST_CASE("a guess does not reach beyond the context", "[lookup]") {
    Fixture f;
    check_same(f, counting(40, 7), counting(24, 7), 64);
    check_same(f, counting(63, 7), counting(1, 7), 64);
}

TEST_CASE("text that repeats takes few passes, text that does not takes hardly any guesses", "[lookup]") {
    Fixture f;
    const auto passes = [&](std::span<const TokenId> prompt, std::span<const TokenId> text) {
        Sequence sequence = f.sequence();
        sequence.forward(prompt, Logits::none);
        Decoder decoder(sequence, true);
        for (const TokenId id : text) decoder.next(id);
        decoder.settle();
        CHECK(decoder.passes() + decoder.held() == static_cast<int>(text.size()));
        return std::pair(decoder.passes(), decoder.guessed());
    };
    const auto all = random_ids(300, 4);
    CHECK(passes(all, std::span(all).subspan(50, 160)).first <= 40);  // a quotation
    // A pair that goes on differently each time: guesses after it never hold, and are given up.
    std::vector<TokenId> pairs;
    for (int i = 0; i < 150; ++i) pairs.insert(pairs.end(), {1, 2, static_cast<TokenId>(10 + i)});
    const auto [n, guessed] = passes(std::span(pairs).first(60), std::span(pairs).subspan(60, 390));
    CHECK(n == 390);
    CHECK(guessed > 0);
    CHECK(guessed <= 390 / 4);
}

TEST_CASE("without guesses each token is a pass", "[lookup]") {
    Fixture f;
    Sequence sequence = f.sequence();
    sequence.forward(counting(40, 11), Logits::none);
    Decoder decoder(sequence, false);
    for (const TokenId id : counting(20, 11)) decoder.next(id);
    CHECK(decoder.passes() == 20);
    CHECK(decoder.guessed() == 0);
    CHECK(sequence.length() == 60);
}

}  // namespace
}  // namespace distill
