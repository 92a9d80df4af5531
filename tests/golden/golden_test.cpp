// Whole models against the truth: logits computed in float64 from dequantised weights, recorded beside each model.
// The yardstick is llama.cpp's own distance from that truth (peer_kl). Two models travel with the tree; the rest lie in
// the shared folder. Knows nothing about how the engine computes, only what comes out.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "quant/kernels/kernels.h"
#include "tests/support/catch.h"
#include "tests/support/shared_files.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

struct Golden {
    std::string name;  // "small-qwen2-Q4_0"
    fs::path model;
    std::vector<TokenId> ids;
    double peer_kl = 0;        // of llama.cpp, at the last row
    std::vector<float> exact;  // [rows, n_vocab], or the last row alone
    std::size_t n_vocab = 0;

    // F32, F16, BF16: nothing is quantised but the rounding of floats, so the bound is absolute.
    bool is_float() const { return name.ends_with("-F32") || name.ends_with("F16"); }
    std::span<const float> exact_last() const { return std::span{exact}.last(n_vocab); }
};

std::string read_all(const fs::path& path) {
    std::ifstream in{path, std::ios::binary};
    REQUIRE(in);
    return {std::istreambuf_iterator<char>{in}, {}};
}

// What follows `"key":` in a flat JSON object that we made ourselves.
const char* json_value(const std::string& json, const std::string& key) {
    const std::size_t at = json.find("\"" + key + "\":");
    INFO("key " << key);
    REQUIRE(at != std::string::npos);
    return json.c_str() + at + key.size() + 3;
}

std::vector<float> floats(const std::string& bytes) {
    std::vector<float> out(bytes.size() / sizeof(float));
    std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
    return out;
}

// logits_suffix: ".logits.f32" (all rows) or ".last_row.f32".
Golden read_golden(const fs::path& folder, const std::string& name, const std::string& logits_suffix) {
    Golden g{.name = name, .model = folder / (name + ".gguf"), .ids = {}, .exact = {}};
    const std::string json = read_all(folder / (name + ".ids.json"));
    const char* at = std::strchr(json_value(json, "ids"), '[') + 1;
    for (char* end = nullptr;; at = end + std::strspn(end, ", \n")) {
        const long id = std::strtol(at, &end, 10);
        if (end == at) break;
        g.ids.push_back(static_cast<TokenId>(id));
    }
    g.peer_kl = std::strtod(json_value(json, "peer_kl"), nullptr);
    g.n_vocab = std::strtoul(json_value(json, "n_vocab"), nullptr, 10);
    g.exact = floats(read_all(folder / (name + logits_suffix)));
    const std::size_t rows = logits_suffix == ".last_row.f32" ? 1 : g.ids.size();
    INFO(name);
    REQUIRE(!g.ids.empty());
    REQUIRE(g.exact.size() == rows * g.n_vocab);
    return g;
}

// Of the shared folder: the architectures that run, without the variants of RoPE that do not.
bool is_supported(const std::string& name) {
    if (name.find("-yarn") != std::string::npos || name.find("-linear") != std::string::npos) return false;
    return name.starts_with("small-qwen2-") || name.starts_with("small-llama-");
}

// The shared folder's goldens; those of the tree where it is absent.
std::vector<Golden> goldens() {
    std::vector<Golden> out;
    const auto shared_folder = test::shared("goldens");
    const fs::path folder = shared_folder.value_or(fs::path{__FILE__}.parent_path() / "data");
    std::set<std::string> names;  // in a fixed order
    for (const auto& entry : fs::directory_iterator{folder}) {
        const std::string file = entry.path().filename().string();
        if (file.ends_with(".ids.json")) names.insert(file.substr(0, file.size() - std::strlen(".ids.json")));
    }
    for (const std::string& name : names) {
        if (is_supported(name))
            out.push_back(read_golden(folder, name, shared_folder ? ".logits.f32" : ".last_row.f32"));
    }
    REQUIRE(!out.empty());
    return out;
}

std::vector<Golden> shipped_goldens() {
    const fs::path folder = fs::path{__FILE__}.parent_path() / "data";
    std::vector<Golden> out;
    for (const char* name : {"small-llama-Q4_K_M", "small-qwen2-896-Q4_K_M"}) {
        out.push_back(read_golden(folder, name, ".last_row.f32"));
    }
    return out;
}

double log_sum_exp(std::span<const float> x) {
    const double max = *std::max_element(x.begin(), x.end());
    double sum = 0;
    for (const float v : x) sum += std::exp(static_cast<double>(v) - max);
    return max + std::log(sum);
}

// KL(exact || ours) of the two distributions, in nats.
double divergence(std::span<const float> exact, std::span<const float> ours) {
    const double exact_norm = log_sum_exp(exact), our_norm = log_sum_exp(ours);
    double sum = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        const double log_p = static_cast<double>(exact[i]) - exact_norm;
        const double log_q = static_cast<double>(ours[i]) - our_norm;
        sum += std::exp(log_p) * (log_p - log_q);
    }
    return sum;
}

Engine load(const Golden& g, const Kernels& k) {
    LoadOptions options;
    options.path = g.model.string();
    options.kernels = std::string{k.name};
    return Engine::load(options);
}

// Logits of all positions of `ids`, given to forward() in pieces whose sizes `cuts` repeats.
std::vector<float> run(const Engine& engine, ThreadPool& pool, std::span<const TokenId> ids,
                       const std::vector<std::size_t>& cuts) {
    Sequence sequence{engine, pool, static_cast<int>(ids.size())};
    std::vector<float> out;
    for (std::size_t k = 0; !ids.empty(); ++k) {
        const std::size_t n = std::min(cuts[k % cuts.size()], ids.size());
        const auto rows = sequence.forward(ids.first(n), Logits::all);
        out.insert(out.end(), rows.begin(), rows.end());
        ids = ids.subspan(n);
    }
    return out;
}

// Index of the first value whose bits differ, or the size.
std::size_t first_difference(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size()) return std::min(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0) return i;
    }
    return a.size();
}

TEST_CASE("the divergence that the goldens are judged by is one", "[golden]") {
    const std::vector<float> p{0.0f, 1.0f, -2.0f, 0.5f};
    CHECK(divergence(p, p) == 0.0);
    CHECK(divergence(p, std::vector<float>{5.0f, 6.0f, 3.0f, 5.5f}) ==
          Approx(0.0).margin(1e-12));  // a shift is nothing
    // Two outcomes at 1/2 against 1/4 and 3/4: ln(2/sqrt(3)).
    CHECK(divergence(std::vector<float>{0, 0}, std::vector<float>{0, std::log(3.0f)}) ==
          Approx(std::log(2 / std::sqrt(3.0))));
}

TEST_CASE("logits are as close to the truth as llama.cpp's", "[golden]") {
    const std::vector<Golden> all = goldens();
    for (const Kernels* k : runnable_kernels()) {
        ThreadPool pool{2};
        double our_sum = 0, peer_sum = 0;
        for (const Golden& g : all) {
            const Engine engine = load(g, *k);
            const std::vector<float> logits = run(engine, pool, g.ids, {g.ids.size()});
            INFO(g.name << " with " << k->name);
            REQUIRE(logits.size() == g.ids.size() * g.n_vocab);
            const double kl = divergence(g.exact_last(), std::span{logits}.last(g.n_vocab));
            if (g.is_float()) {
                CHECK(kl < 1e-4);
            } else {
                CHECK(kl <= 3 * g.peer_kl);
                our_sum += kl;
                peer_sum += g.peer_kl;
            }
        }
        INFO("average over the quantised files with " << k->name << ": ours / llama.cpp's = " << our_sum / peer_sum);
        CHECK(peer_sum > 0);
        CHECK(our_sum <= peer_sum);
    }
}

TEST_CASE("every row is right, not just the last", "[golden]") {
    if (!test::shared("goldens")) DISTILL_SKIP("no shared file goldens (set DISTILL_SHARED)");
    ThreadPool pool{2};
    for (const Golden& g : goldens()) {
        const Engine engine = load(g, *runnable_kernels().front());
        const std::vector<float> logits = run(engine, pool, g.ids, {g.ids.size()});
        INFO(g.name);
        REQUIRE(logits.size() == g.exact.size());
        for (std::size_t row = 0; row < g.ids.size(); ++row) {
            const std::size_t at = row * g.n_vocab;
            INFO("row " << row);
            const double kl =
                divergence(std::span{g.exact}.subspan(at, g.n_vocab), std::span{logits}.subspan(at, g.n_vocab));
            // Rows differ in how much rounding they see; a wrong row (position, mask, cut) is off by 0.1 and more.
            CHECK(kl < (g.is_float() ? 1e-4 : 0.02));
        }
    }
}

TEST_CASE("one prompt gives one set of bits, whatever the threads and cuts", "[golden][slow]") {
    // Every file of every mix would mean hours under a sanitiser: a stretch of the prompt shows the same. 21 tokens
    // make full groups of 8, a partial one, and lone tokens.
    constexpr std::size_t kTokens = 21;
    std::vector<Golden> all = shipped_goldens();
    if (test::shared("goldens")) all = goldens();
    for (const Kernels* k : runnable_kernels()) {
        for (const Golden& g : all) {
            // The truth itself is slow; two mixes hold the formats that matter most.
            if (k->name == "scalar" && !g.name.ends_with("Q4_K_M")) continue;
            const auto ids = std::span{g.ids}.first(std::min(kTokens, g.ids.size()));
            ThreadPool one{1};
            const Engine engine = load(g, *k);
            const std::vector<float> expected = run(engine, one, ids, {ids.size()});
            REQUIRE(expected.size() == ids.size() * g.n_vocab);
            REQUIRE(*std::max_element(expected.begin(), expected.end()) >
                    *std::min_element(expected.begin(), expected.end()));

            INFO(g.name << " with " << k->name);
            CHECK(first_difference(run(engine, one, ids, {1}), expected) == expected.size());  // token by token
            for (const int threads : {2, 5}) {
                ThreadPool pool{threads};
                INFO(threads << " threads");
                CHECK(first_difference(run(engine, pool, ids, {ids.size()}), expected) == expected.size());
                CHECK(first_difference(run(engine, pool, ids, {3, 1, 7, 2, 5}), expected) == expected.size());
            }
            // The first pass above worked from the file, the later ones from more and more panels: here all of them, packed
            // by three threads as the tokens come.
            ThreadPool three{3};
            const Engine again = load(g, *k);
            CHECK(first_difference(run(again, three, ids, {1}), expected) == expected.size());
        }
    }
}

TEST_CASE("the last row alone has the bits of the last of all rows", "[golden]") {
    for (const Golden& g : shipped_goldens()) {
        ThreadPool pool{2};
        const Engine engine = load(g, *runnable_kernels().front());
        const std::vector<float> all = run(engine, pool, g.ids, {g.ids.size()});
        Sequence sequence{engine, pool, static_cast<int>(g.ids.size())};
        const auto last = sequence.forward(g.ids, Logits::last);
        INFO(g.name);
        REQUIRE(last.size() == g.n_vocab);
        CHECK(std::memcmp(last.data(), all.data() + all.size() - g.n_vocab, g.n_vocab * sizeof(float)) == 0);
    }
}

}  // namespace
}  // namespace distill
