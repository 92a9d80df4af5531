// The integer products of attention against double precision, within what they round by design.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "quant/kernels/kernels.h"
#include "tests/support/catch.h"

namespace distill {
namespace {

constexpr std::size_t kKeys = PageAttention::kKeys;

struct Scratch {
    alignas(64) std::byte bytes[PageAttention::kScratchBytes];
};

// A page as KvCache lays it out: keys [key / 16][column][16 keys], values [column / 16][key][16 columns].
struct Page {
    std::size_t columns;
    std::vector<std::uint16_t> keys, values;
    std::vector<double> key, value;  // [key][column], what the halves stand for

    Page(std::size_t columns_, std::uint64_t seed, float spread = 1.0f)
        : columns(columns_),
          keys(kKeys * columns),
          values(kKeys * columns),
          key(kKeys * columns),
          value(kKeys * columns) {
        std::mt19937_64 engine(seed);
        std::normal_distribution<float> normal(0.0f, spread);
        for (std::size_t k = 0; k < kKeys; ++k) {
            for (std::size_t c = 0; c < columns; ++c) {
                // Some columns are far larger than the others, as in real models.
                const float size = c % 13 == 5 ? 20.0f : 1.0f;
                set(k, c, normal(engine) * size, normal(engine));
            }
        }
    }
    void set(std::size_t k, std::size_t c, float key_value, float value_value) {
        const std::uint16_t kh = f32_to_f16(key_value), vh = f32_to_f16(value_value);
        keys[k / 16 * 16 * columns + c * 16 + k % 16] = kh;
        values[(c / 16 * kKeys + k) * 16 + c % 16] = vh;
        key[k * columns + c] = static_cast<double>(f16_to_f32(kh));
        value[k * columns + c] = static_cast<double>(f16_to_f32(vh));
    }
};

std::vector<float> random_rows(std::size_t n, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::normal_distribution<float> normal;
    std::vector<float> x(n);
    for (float& v : x) v = normal(engine) * 3.0f;
    return x;
}

// Weights are exp(score * kScale - the row's maximum of that), as attention has it. These scores are not the ones that
// the queries and keys come to, but chosen.
constexpr float kScale = 0.5f;
constexpr float kUnseen = -std::numeric_limits<float>::infinity();

float largest(const std::vector<float>& scores, std::size_t row) {
    const auto begin = scores.begin() + static_cast<std::ptrdiff_t>(row * kKeys);
    return *std::max_element(begin, begin + kKeys) * kScale;
}

struct Result {
    std::vector<float> scores, out, sum;
};
Result run(const PageAttention& page, const Page& p, const std::vector<float>& queries,
           const std::vector<float>& scores, const std::vector<float>& factor, std::vector<float> out,
           std::size_t n_keys = kKeys) {
    static Scratch scratch;
    std::memset(scratch.bytes, 0xff, sizeof(scratch.bytes));  // NaN
    const std::size_t rows = factor.size();
    Result r{std::vector<float>(rows * kKeys, -1.0f), std::move(out), std::vector<float>(rows, 3.0f)};
    std::vector<float> max(rows);
    for (std::size_t row = 0; row < rows; ++row) max[row] = largest(scores, row);
    page.prepare(scratch.bytes, queries.data(), rows, p.columns);
    page.scores(scratch.bytes, r.scores.data(), p.keys.data(), p.keys.data(), rows, n_keys, p.columns);
    page.values(scratch.bytes, r.out.data(), r.sum.data(), factor.data(), scores.data(), kScale, max.data(),
                p.values.data(), p.values.data(), rows, n_keys, p.columns);
    return r;
}

// Half a step of what a number is rounded to: a key or value has 8191 of them, a query or row of weights 32767, or so
// many that its magnitudes sum up to 262 000.
double half_step_of_vector(double largest) {
    return largest / 8191 / 2;
}
double half_step_of_row(double largest, double sum) {
    return std::max(largest / 32767, sum / 262000) / 2;
}

std::vector<const Kernels*> tables() {
    std::vector<const Kernels*> all;
    for (const Kernels* k : runnable_kernels()) {
        if (k->page_attention != nullptr) all.push_back(k);
    }
    return all;
}

TEST_CASE("attention over a page agrees with double precision within what it rounds", "[quant]") {
    for (const Kernels* k : tables()) {
        for (const std::size_t columns : {16u, 64u, 80u, 96u, 128u}) {
            for (const std::size_t rows : {1u, 6u, 7u, 13u, 128u}) {
                const Page p(columns, columns + rows);
                const std::vector<float> q = random_rows(rows * columns, 3);
                const std::vector<float> chosen = random_rows(rows * kKeys, 4);
                std::vector<float> factor(rows), before = random_rows(rows * columns, 5);
                for (std::size_t r = 0; r < rows; ++r) factor[r] = 1.0f / static_cast<float>(r + 1);
                const Result got = run(*k->page_attention, p, q, chosen, factor, before);
                INFO(k->name << ", " << columns << " columns, " << rows << " rows");
                double worst_score = 0, worst_out = 0, worst_sum = 0, score_error = 0, score_bound = 0;
                for (std::size_t r = 0; r < rows; ++r) {
                    double q_top = 0, q_sum = 0;
                    for (std::size_t c = 0; c < columns; ++c) {
                        const double v = std::abs(static_cast<double>(q[r * columns + c]));
                        q_top = std::max(q_top, v), q_sum += v;
                    }
                    const double q_step = half_step_of_row(q_top, q_sum);
                    double w_top = 0, scaled_sum = 0, w_sum = 0;
                    std::vector<double> value_top(kKeys), w(kKeys);
                    for (std::size_t i = 0; i < kKeys; ++i) {
                        double key_top = 0, key_sum = 0, score = 0;
                        for (std::size_t c = 0; c < columns; ++c) {
                            const double key = p.key[i * columns + c];
                            key_top = std::max(key_top, std::abs(key)), key_sum += std::abs(key);
                            value_top[i] = std::max(value_top[i], std::abs(p.value[i * columns + c]));
                            score += key * static_cast<double>(q[r * columns + c]);
                        }
                        const double k_step = half_step_of_vector(key_top);
                        const double bound = q_step * key_sum + k_step * q_sum + 1e-6 * q_sum * key_top;
                        const double error = std::abs(static_cast<double>(got.scores[r * kKeys + i]) - score);
                        worst_score = std::max(worst_score, error / bound);
                        score_error += error, score_bound += bound;
                        w[i] = std::exp(static_cast<double>(chosen[r * kKeys + i]) * static_cast<double>(kScale) -
                                        static_cast<double>(largest(chosen, r)));
                        const double scaled = w[i] * value_top[i];
                        w_top = std::max(w_top, scaled), scaled_sum += scaled, w_sum += w[i];
                    }
                    const double w_step = half_step_of_row(w_top, scaled_sum);
                    const double sum_before = 3.0 * static_cast<double>(factor[r]);
                    worst_sum = std::max(worst_sum, std::abs(static_cast<double>(got.sum[r]) - sum_before - w_sum) /
                                                        (2e-6 * (w_sum + sum_before)));
                    for (std::size_t c = 0; c < columns; ++c) {
                        double sum = static_cast<double>(before[r * columns + c]) * static_cast<double>(factor[r]);
                        double bound = 2e-6 * (std::abs(sum) + scaled_sum);
                        for (std::size_t i = 0; i < kKeys; ++i) {
                            const double v = p.value[i * columns + c];
                            sum += w[i] * v;
                            bound += w[i] * half_step_of_vector(value_top[i]) + w_step * std::abs(v) / value_top[i];
                        }
                        worst_out =
                            std::max(worst_out, std::abs(static_cast<double>(got.out[r * columns + c]) - sum) / bound);
                    }
                }
                CHECK(worst_score <= 1.0);
                CHECK(worst_out <= 1.0);
                CHECK(worst_sum <= 1.0);
                // Errors have either sign: a bias would come near the bound.
                CHECK(score_error <= 0.3 * score_bound);
            }
        }
    }
}

TEST_CASE("a row of attention depends on nothing but its keys", "[quant]") {
    for (const Kernels* k : tables()) {
        const std::size_t columns = 96, rows = PageAttention::kMaxRows;
        const Page p(columns, 1);
        const std::vector<float> q = random_rows(rows * columns, 2), before = random_rows(rows * columns, 3);
        std::vector<float> chosen = random_rows(rows * kKeys, 4), factor(rows, 0.5f);
        for (std::size_t r = 0; r < rows; ++r)
            std::fill_n(chosen.begin() + static_cast<std::ptrdiff_t>(r * kKeys + 16), 48, kUnseen);
        const Result all = run(*k->page_attention, p, q, chosen, factor, before);
        Page other(columns, 9, 100.0f);  // keys that the rows do not see
        for (std::size_t i = 0; i < 16; ++i) {
            for (std::size_t c = 0; c < columns; ++c) {
                other.set(i, c, static_cast<float>(p.key[i * columns + c]),
                          static_cast<float>(p.value[i * columns + c]));
            }
        }
        const auto part = [](const std::vector<float>& x, std::size_t row, std::size_t n) {
            return std::vector<float>(x.begin() + static_cast<std::ptrdiff_t>(row * n),
                                      x.begin() + static_cast<std::ptrdiff_t>((row + 1) * n));
        };
        for (std::size_t r = 0; r < rows; ++r) {
            for (const std::size_t n_keys : {std::size_t{16}, kKeys}) {
                const Result alone = run(*k->page_attention, n_keys == 16 ? p : other, part(q, r, columns),
                                         part(chosen, r, kKeys), {0.5f}, part(before, r, columns), n_keys);
                INFO(k->name << " row " << r << ", " << n_keys << " keys");
                CHECK(std::memcmp(alone.scores.data(), all.scores.data() + r * kKeys, 16 * sizeof(float)) == 0);
                CHECK(std::memcmp(alone.out.data(), all.out.data() + r * columns, columns * sizeof(float)) == 0);
                CHECK(alone.sum[0] == all.sum[r]);
            }
        }
    }
}

TEST_CASE("attention over a page does not overflow and hides nothing", "[quant]") {
    for (const Kernels* k : tables()) {
        const std::size_t columns = PageAttention::kMaxColumns;
        INFO(k->name);
        // All numbers as large as they get: 128 equal products of one sign, 64 equal weights.
        for (const float size : {1e-3f, 1.0f, 60000.0f}) {
            Page p(columns, 1);
            for (std::size_t i = 0; i < kKeys; ++i) {
                for (std::size_t c = 0; c < columns; ++c) p.set(i, c, -size, size);
            }
            const double rounded = p.value[0];
            const Result r = run(*k->page_attention, p, std::vector<float>(columns, 2.0f),
                                 std::vector<float>(kKeys, 7.0f), {0.0f}, std::vector<float>(columns, 0.0f));
            CHECK(r.sum[0] == 64.0f);
            CHECK(static_cast<double>(r.scores[63]) == Approx(-rounded * 2 * columns).epsilon(1e-3));
            CHECK(static_cast<double>(r.out[127]) == Approx(rounded * kKeys).epsilon(1e-3));
        }
        // Nothing to see but one key is that key alone, values of zero are nothing.
        Page p(columns, 1);
        std::vector<float> one(kKeys, kUnseen);
        one[9] = -80.0f;
        const Result alone = run(*k->page_attention, p, std::vector<float>(columns, 0.0f), one, {0.0f},
                                 std::vector<float>(columns, 7.0f));
        CHECK(alone.scores[5] == 0.0f);
        CHECK(alone.sum[0] == 1.0f);
        CHECK(static_cast<double>(alone.out[5]) == Approx(p.value[9 * columns + 5]).margin(1e-3));
        for (std::size_t c = 0; c < columns; ++c) p.set(9, c, 1.0f, 0.0f);
        CHECK(run(*k->page_attention, p, std::vector<float>(columns, 0.0f), one, {1.0f},
                  std::vector<float>(columns, 7.0f))
                  .out[5] == 7.0f);
        // What is not finite stays so.
        for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
            std::vector<float> q(columns, 1.0f), chosen(kKeys, 1.0f);
            q[3] = bad;
            chosen[3] = bad;
            const Result r = run(*k->page_attention, p, q, chosen, {1.0f}, std::vector<float>(columns, 0.0f));
            CHECK_FALSE(std::isfinite(r.scores[9]));
            CHECK_FALSE(std::isfinite(r.out[9]));
            Page damaged(columns, 1);
            damaged.set(9, 3, bad, bad);
            const Result d = run(*k->page_attention, damaged, std::vector<float>(columns, 1.0f),
                                 std::vector<float>(kKeys, 1.0f), {1.0f}, std::vector<float>(columns, 0.0f));
            CHECK_FALSE(std::isfinite(d.scores[9]));
            CHECK_FALSE(std::isfinite(d.out[3]));
        }
    }
}

}  // namespace
}  // namespace distill
