#include "engine/sampler.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include "engine/error.h"
#include "engine/gguf.h"
#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/patience.h"

namespace distill {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

SamplerOptions all_off() {
    SamplerOptions o;
    o.temperature = 1;
    o.top_k = 0;
    o.top_p = 1;
    o.min_p = 0;
    o.seed = 1;
    return o;
}

std::vector<float> random_logits(std::size_t n, std::uint64_t seed) {
    test::Random random(seed);
    std::vector<float> logits(n);
    for (float& logit : logits) logit = 3 * random.normal();
    return logits;
}

// The definition, slow and plain: the ids that may be drawn, with their probabilities.
std::map<TokenId, double> plain_distribution(const std::vector<float>& logits, const SamplerOptions& o) {
    std::vector<TokenId> ids(logits.size());
    std::iota(ids.begin(), ids.end(), 0);
    const auto logit = [&](TokenId id) { return static_cast<double>(logits[static_cast<std::size_t>(id)]); };
    std::stable_sort(ids.begin(), ids.end(), [&](TokenId a, TokenId b) { return logit(a) > logit(b); });
    if (o.top_k > 0) ids.resize(std::min(ids.size(), static_cast<std::size_t>(o.top_k)));
    const double max = logit(ids[0]);
    if (o.top_p < 1) {
        double total = 0, mass = 0;
        for (const TokenId id : ids) total += std::exp(logit(id) - max);
        std::size_t kept = 0;
        while (kept < ids.size() && (kept == 0 || mass < static_cast<double>(o.top_p) * total)) {
            mass += std::exp(logit(ids[kept++]) - max);
        }
        ids.resize(kept);
    }
    std::map<TokenId, double> p;
    double total = 0;
    for (const TokenId id : ids) {
        if (std::exp(logit(id) - max) < static_cast<double>(o.min_p)) continue;
        total += p[id] = std::exp((logit(id) - max) / static_cast<double>(o.temperature));
    }
    for (auto& [id, probability] : p) probability /= total;
    return p;
}

TEST_CASE("greedy takes the first of the largest logits", "[sampler]") {
    SamplerOptions o;
    o.temperature = 0;
    Sampler sampler(o);
    // Every position in and beyond the eight lanes.
    for (std::size_t n : {1u, 7u, 8u, 9u, 100u}) {
        for (std::size_t best = 0; best < n; ++best) {
            std::vector<float> logits(n, -5.0f);
            logits[best] = -1.0f;
            INFO("n=" << n << " best=" << best);
            CHECK(sampler.sample(logits) == static_cast<TokenId>(best));
            if (best + 1 < n) {
                logits.back() = -1.0f;
                CHECK(sampler.sample(logits) == static_cast<TokenId>(best));
            }
        }
    }
}

TEST_CASE("draws follow the distribution that the options describe", "[sampler][slow]") {
    struct Row {
        const char* what;
        float temperature;
        int top_k;
        float top_p, min_p;
    };
    const Row rows[] = {
        {"all off", 1.0f, 0, 1.0f, 0.0f},       {"temperature", 0.5f, 0, 1.0f, 0.0f},
        {"top-k", 1.0f, 5, 1.0f, 0.0f},         {"top-k 300 of 400", 2.0f, 300, 1.0f, 0.0f},
        {"top-p", 1.0f, 0, 0.7f, 0.0f},         {"min-p", 1.0f, 0, 1.0f, 0.2f},
        {"top-k and top-p", 1.0f, 20, 0.8f, 0}, {"R1", 0.6f, 40, 0.95f, 0.05f},
        {"top-p 0", 1.0f, 0, 0.0f, 0.0f},       {"top-k beyond n", 1.0f, 100000, 0.9f, 0.1f},
    };
    const auto logits = random_logits(400, 7);
    for (const Row& row : rows) {
        SamplerOptions o = all_off();
        o.temperature = row.temperature;
        o.top_k = row.top_k;
        o.top_p = row.top_p;
        o.min_p = row.min_p;
        const auto expected = plain_distribution(logits, o);
        Sampler sampler(o);
        constexpr int kDraws = 20000;
        std::map<TokenId, int> drawn;
        for (int i = 0; i < kDraws; ++i) ++drawn[sampler.sample(logits)];
        INFO(row.what);
        for (const auto& [id, count] : drawn) {
            INFO("id " << id);
            REQUIRE(expected.count(id) == 1);
        }
        for (const auto& [id, p] : expected) {
            // Five standard deviations of a binomial, and one draw for the rarest.
            const double bound = 5 * std::sqrt(kDraws * p * (1 - p)) + 1;
            INFO("id " << id << " p=" << p);
            CHECK(std::abs(drawn[id] - kDraws * p) <= bound);
        }
    }
}

TEST_CASE("top-k keeps the k largest, ties to the lowest id, whatever their number", "[sampler]") {
    // All alike: the threshold keeps everything, the cut must still be the first k.
    const std::vector<float> flat(5000, 1.0f);
    SamplerOptions o = all_off();
    o.top_k = 3;
    Sampler sampler(o);
    for (int i = 0; i < 200; ++i) CHECK(sampler.sample(flat) < 3);
    // The k largest side by side in one run of the threshold search.
    auto logits = random_logits(5000, 3);
    for (std::size_t i = 1000; i < 1003; ++i) logits[i] = 100.0f;
    for (int i = 0; i < 200; ++i) {
        const TokenId id = sampler.sample(logits);
        CHECK((id >= 1000 && id < 1003));
    }
}

TEST_CASE("penalties lower what was said lately", "[sampler]") {
    SamplerOptions o;
    o.temperature = 0;
    std::vector<float> logits = {2.0f, 1.9f, -1.0f};
    SECTION("repeat divides what is positive") {
        o.repeat_penalty = 1.1f;
        Sampler sampler(o);
        CHECK(sampler.sample(logits) == 0);
        sampler.accept(0);
        CHECK(sampler.sample(logits) == 1);
    }
    SECTION("repeat multiplies what is negative") {
        o.repeat_penalty = 2.0f;
        logits = {-1.0f, -1.5f};
        Sampler sampler(o);
        sampler.accept(0);
        CHECK(sampler.sample(logits) == 1);
    }
    SECTION("presence once, frequency each time") {
        o.presence_penalty = 0.05f;
        o.frequency_penalty = 0.03f;
        Sampler sampler(o);
        sampler.accept(0);
        CHECK(sampler.sample(logits) == 0);
        sampler.accept(0);
        CHECK(sampler.sample(logits) == 1);
    }
    SECTION("only within the window") {
        o.presence_penalty = 1;
        o.repeat_last_n = 2;
        Sampler sampler(o);
        sampler.accept(0);
        sampler.accept(2);
        CHECK(sampler.sample(logits) == 1);
        sampler.accept(2);
        CHECK(sampler.sample(logits) == 0);
    }
    SECTION("-1 is everything, ids beyond the vocabulary do no harm") {
        o.presence_penalty = 1;
        o.repeat_last_n = -1;
        Sampler sampler(o);
        sampler.accept(0);
        for (int i = 0; i < 1000; ++i) sampler.accept(99);
        CHECK(sampler.sample(logits) == 1);
    }
}

TEST_CASE("same seed, same draws; another seed, others", "[sampler]") {
    const auto logits = random_logits(1000, 5);
    const auto draw = [&](std::uint64_t seed) {
        SamplerOptions o;
        o.seed = seed;
        Sampler sampler(o);
        std::vector<TokenId> ids;
        for (int i = 0; i < 50; ++i) ids.push_back(sampler.sample(logits));
        return ids;
    };
    CHECK(draw(42) == draw(42));
    CHECK(draw(42) != draw(43));
}

TEST_CASE("logits that are no numbers", "[sampler][hostile]") {
    for (const float temperature : {0.0f, 1.0f}) {
        for (const int top_k : {0, 2, 40}) {
            for (const float top_p : {0.5f, 1.0f}) {
                SamplerOptions o = all_off();
                o.temperature = temperature;
                o.top_k = top_k;
                o.top_p = top_p;
                Sampler sampler(o);
                INFO("temperature " << temperature << " top_k " << top_k << " top_p " << top_p);
                CHECK(sampler.sample(std::vector<float>{kNan, 1.0f, kNan}) == 1);
                CHECK(sampler.sample(std::vector<float>{-kInf, -kInf, -2.0f}) == 2);
                CHECK(sampler.sample(std::vector<float>{1.0f, kInf, 2.0f}) == 1);
                std::vector<float> many(1000, kNan);
                many[777] = -3.0f;
                CHECK(sampler.sample(many) == 777);
                for (const auto& bad : {std::vector<float>(100, kNan), std::vector<float>(100, -kInf)}) {
                    try {
                        sampler.sample(bad);
                        FAIL("no error");
                    } catch (const Error& e) {
                        CHECK(e.status() == Status::failure);
                    }
                }
            }
        }
    }
}

TEST_CASE("options at and beyond their edges", "[sampler][hostile]") {
    const auto logits = random_logits(300, 9);
    const TokenId best = static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    SECTION("the smallest temperature is greedy") {
        SamplerOptions o = all_off();
        o.temperature = 1e-30f;
        CHECK(Sampler(o).sample(logits) == best);
    }
    SECTION("refused with the flag's name") {
        struct Row {
            const char* flag;
            std::function<void(SamplerOptions&)> spoil;
        };
        const Row rows[] = {
            {"--temp", [](auto& o) { o.temperature = -0.1f; }},
            {"--temp", [](auto& o) { o.temperature = kNan; }},
            {"--temp", [](auto& o) { o.temperature = kInf; }},
            {"--top-k", [](auto& o) { o.top_k = -1; }},
            {"--top-p", [](auto& o) { o.top_p = 1.01f; }},
            {"--top-p", [](auto& o) { o.top_p = kNan; }},
            {"--min-p", [](auto& o) { o.min_p = -0.01f; }},
            {"--repeat-penalty", [](auto& o) { o.repeat_penalty = 0; }},
            {"--repeat-last-n", [](auto& o) { o.repeat_last_n = -2; }},
            {"--presence-penalty", [](auto& o) { o.presence_penalty = kInf; }},
            {"--frequency-penalty", [](auto& o) { o.frequency_penalty = kNan; }},
        };
        for (const Row& row : rows) {
            SamplerOptions o;
            row.spoil(o);
            INFO(row.flag);
            try {
                Sampler sampler(o);
                FAIL("no error");
            } catch (const Error& e) {
                CHECK(e.status() == Status::usage);
                CHECK(e.problem().find(row.flag) == 0);
            }
        }
    }
}

TEST_CASE("a vocabulary of 152,000 costs well under a millisecond", "[sampler]") {
    const auto logits = random_logits(152'000, 11);
    for (const auto& [top_k, top_p] : {std::pair{40, 0.95f}, std::pair{0, 0.8f}, std::pair{1, 1.0f}}) {
        SamplerOptions o;
        o.top_k = top_k;
        o.top_p = top_p;
        Sampler sampler(o);
        double best = 1;
        for (int i = 0; i < 20; ++i) {
            const auto start = std::chrono::steady_clock::now();
            sampler.sample(logits);
            best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        INFO("top-k " << top_k << " top-p " << top_p << ": " << best * 1e6 << " us");
        CHECK(best < 0.02 * test::patience());  // some 50 us here; sanitizers and busy machines are let through
    }
}

TEST_CASE("a model's own defaults", "[sampler]") {
    const auto defaults = [](const test::GgufBuilder& builder) {
        const test::TempDir folder;
        const Gguf file = Gguf::open(folder.write("model.gguf", builder.build()));
        return model_defaults(file, Tokenizer::from_gguf(file));
    };
    SECTION("llama.cpp's where nothing is known") {
        const SamplerOptions o = defaults(test::tiny_builder({.arch = "llama"}));
        CHECK(o.temperature == 0.8f);
        CHECK(o.top_k == 40);
        CHECK(o.top_p == 0.95f);
        CHECK(o.min_p == 0.05f);
    }
    SECTION("Qwen2.5-Instruct") {
        const SamplerOptions o = defaults(test::tiny_builder());
        CHECK(o.temperature == 0.7f);
        CHECK(o.top_k == 20);
        CHECK(o.top_p == 0.8f);
        CHECK(o.repeat_penalty == 1.05f);
    }
    SECTION("keys of the file win over the family") {
        auto builder = test::tiny_builder();
        builder.set("general.sampling.temp", 0.25f).set("general.sampling.top_k", std::int32_t{7});
        const SamplerOptions o = defaults(builder);
        CHECK(o.temperature == 0.25f);
        CHECK(o.top_k == 7);
        CHECK(o.top_p == 0.8f);
    }
}

}  // namespace
}  // namespace distill
