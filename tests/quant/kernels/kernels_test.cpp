// Every kernel of every table against the slow truth: rows dequantised one by one, summed in double precision.
#include "quant/kernels/kernels.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "engine/error.h"
#include "quant/panels.h"
#include "quant/q4_k.h"
#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"

namespace distill {
namespace {

using test::Random;
using test::random_weights;

// Memory that ends at a page nobody may touch: a read past the end stops the test.
class Guarded {
  public:
    explicit Guarded(std::size_t bytes) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        const std::size_t whole = (bytes + page - 1) / page * page;
        size_ = whole + page;
        base_ =
            static_cast<std::byte*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        REQUIRE(base_ != MAP_FAILED);
        REQUIRE(mprotect(base_ + whole, page, PROT_NONE) == 0);
        data_ = base_ + whole - bytes;
    }
    ~Guarded() { munmap(base_, size_); }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    std::byte* data() const { return data_; }

  private:
    std::byte *base_, *data_;
    std::size_t size_;
};

bool is_float(const Format& f) {
    return f.block_weights == 1;
}

std::vector<std::size_t> row_lengths(const Format& f) {
    if (is_float(f)) return {1, 2, 31, 64, 129};
    if (f.block_weights == 32) return {32, 64, 96, 896};
    return {256, 512, 768};
}

// The weights of a matrix [rows, columns], the activations [tokens, columns], and what they stand for.
struct Case {
    const Format& format;
    std::size_t rows, columns, tokens;
    std::vector<std::byte> file;  // rows as in a file
    std::vector<float> weights;   // dequantised
    std::vector<float> x;

    Case(const Format& f, std::size_t rows_, std::size_t columns_, std::size_t tokens_, std::uint64_t seed)
        : format(f), rows(rows_), columns(columns_), tokens(tokens_), weights(rows_ * columns_), x(tokens_ * columns_) {
        Random random(seed);
        file = random_weights(f.id, rows * columns, random);
        f.dequantize(weights.data(), file.data(), rows * columns);
        std::mt19937_64 engine(seed);
        std::normal_distribution<float> normal;
        for (float& v : x) v = normal(engine);
        for (std::size_t i = 0; i < x.size(); i += 37) x[i] *= 30.0f;  // outlier channels, as Qwen2 has
    }
};

struct Result {
    std::vector<float> out;     // [tokens][rows]
    std::vector<float> x_read;  // what the kernel was given, [tokens][columns]
};

// The table avx512vnni rounds sums of 16 columns to 16 bits, if weights of 5, 6 or 8 bits make them larger than that:
// by half of the last bit that is left, in units of the weight's scale and the activation's. Where blocks have whole
// numbers as scales, it does the same once more with a block's sum, in units of 127 * 250 for the largest activation,
// and with the sum that the block's minimum is multiplied with. The scales are known from the largest numbers they
// stand for; no weight of ours is below half of the largest that its scale allows, nor is an activation scale more than
// three steps of 127 above the least.
double lost_to_rounded_sums(const Kernels& k, const Case& c, double largest_weight, double largest_x) {
    if (k.name != "avx512vnni") return 0;
    const double n_blocks = static_cast<double>(c.columns) / 32, unit = largest_x / (127 * 250);
    const auto halves = [&](double half_bit, double largest_integer) {
        return 2 * n_blocks * half_bit * (2 * largest_weight / largest_integer) * (largest_x / 124);
    };
    const auto blocks = [&](double half_bit, double largest_integer) {
        return n_blocks * half_bit * (2 * largest_weight / largest_integer) * unit;
    };
    const double minima = n_blocks * 32 * largest_weight * unit;
    switch (c.format.id) {
        case FormatId::q4_k:
            return blocks(256, 15) + minima;
        case FormatId::q5_k:
            return halves(1, 31) + blocks(512, 31) + minima;
        case FormatId::q6_k:
            return halves(1, 32);
        case FormatId::q8_0:
        case FormatId::iq4_nl:
            return halves(4, 128);
        case FormatId::iq4_xs:
            return halves(4, 128) + blocks(2048, 128);
        default:
            return 0;
    }
}

// Table amx reads a weight as a whole number of 4070ths (with four bits 3900ths) of the largest that its row's 256
// columns allow, which no row of ours is below half of. Up to half a step of that for each step of the weight's own,
// from the middle if there is a minimum, where its scale is rounded, and a step for that minimum; half a step for the
// weight and as much for its scale where both are; nothing where scales are whole. With four bits a scale can be a step
// more beside what it is. With four and with eight bits what a lower digit of a weight, up to 128 and up to 16 steps,
// makes of one of an activation, up to 16 of 2031, is left out.
//
// Table avx2 does so with weights of eight bits, in 4095ths, and leaves nothing out.
double lost_to_rounded_weights(const Kernels& k, const Case& c, double largest_weight, double largest_x, double x_sum) {
    if (k.name == "avx2") {
        const bool rounded = c.format.id == FormatId::q8_0 || c.format.id == FormatId::iq4_nl;
        return rounded ? 2 * largest_weight / 4095 * x_sum : 0;
    }
    if (k.name != "amx") return 0;
    const double step = 2 * largest_weight / 4070, step_of_four_bits = 2 * largest_weight / 3900;
    const auto left_out = [&](double lower_digit) {
        return static_cast<double>(c.columns) * lower_digit * 16 / 2031 * largest_x;
    };
    const auto four_bits = [&](double steps) { return step_of_four_bits * (steps * x_sum + left_out(128)); };
    switch (c.format.id) {
        case FormatId::q4_0:
            return four_bits(4);
        case FormatId::q4_1:
        case FormatId::q4_k:
            return four_bits(1.5 * 7.5 + 1.5);
        case FormatId::q5_0:
            return 8 * step * x_sum;
        case FormatId::q5_1:
        case FormatId::q5_k:
            return 9 * step * x_sum;
        case FormatId::q2_k:
            return 2 * step * x_sum;
        case FormatId::q8_0:
        case FormatId::iq4_nl:
            return step * (x_sum + left_out(16));
        case FormatId::iq4_xs:
            return 2 * step * left_out(16);  // of a row of small scales, whole numbers, the largest is a quarter
        default:
            return 0;
    }
}

// Where a block keeps its f16 numbers: first byte and how many.
std::pair<std::size_t, std::size_t> f16_fields(FormatId id) {
    switch (id) {
        case FormatId::q4_1:
        case FormatId::q5_1:
        case FormatId::q4_k:
        case FormatId::q5_k:
            return {0, 4};
        case FormatId::q2_k:
            return {80, 4};
        case FormatId::q3_k:
            return {108, 2};
        case FormatId::q6_k:
            return {208, 2};
        default:
            return {0, 2};
    }
}

// How a product adds to what is there.
struct Onto {
    std::vector<float> bias = {};
    float start = 0.0f;
    bool add = false;
};

// Groups tokens as Ops does. `forms`: that activations are kept in; none: the one that the format reads.
Result run(const Kernels& k, const Case& c, ActForms forms = 0, const Onto& onto = {}) {
    if (forms == 0) forms = k.form_of(c.format);
    Result r{std::vector<float>(c.tokens * c.rows, onto.start), c.x};
    const Guarded panels(packed_bytes(c.format, c.rows, c.columns));
    pack_panels(panels.data(), c.format, c.file.data(), 0, c.rows, c.columns, k.signed_panels);
    const auto group = static_cast<std::size_t>(k.group);
    for (std::size_t t = 0; t < c.tokens;) {
        const std::size_t left = c.tokens - t;
        MatmulArgs a{};
        a.panels = panels.data();
        a.columns = a.panel_columns = c.columns;
        a.row_end = c.rows;
        a.x_stride = c.columns;
        a.out = r.out.data() + t * c.rows;
        a.out_stride = c.rows;
        a.group = group_size(static_cast<int>(left), k.group);
        a.n_groups = std::clamp<std::size_t>(left / group, 1, is_float(c.format) ? 1 : k.groups_at_once);
        const std::size_t here = std::min(left, a.n_groups * group);
        a.n_tokens = static_cast<int>(here);
        a.bias = onto.bias.empty() ? nullptr : onto.bias.data();
        a.add = onto.add;
        if (is_float(c.format)) {
            a.x = c.x.data() + t * c.columns;
            k.matmul_of(c.format)(a);
            t += here;
            continue;
        }
        const std::size_t group_bytes = k.act_bytes(c.columns, a.group);
        const Guarded blocks(a.n_groups * group_bytes);
        for (std::size_t g = 0; g < a.n_groups; ++g) {
            k.ops.quantize(blocks.data() + g * group_bytes, c.x.data() + (t + g * group) * c.columns, c.columns,
                           c.columns, static_cast<int>(std::min(here - g * group, group)), a.group, forms);
        }
        const Guarded alone(k.act_bytes(c.columns, 1));
        for (std::size_t j = t; j < t + here; ++j) {
            k.ops.quantize(alone.data(), c.x.data() + j * c.columns, c.columns, c.columns, 1, 1, forms);
            k.ops.dequantize(r.x_read.data() + j * c.columns, alone.data(), c.columns, k.form_of(c.format));
        }
        a.x = blocks.data();
        k.matmul_of(c.format)(a);
        t += here;
    }
    return r;
}

// Tables that read scales of Q4_0 as 16-bit fractions of a power of two, at most twice the largest scale of the row,
// which no row of ours has weights below half of: up to half a bit, and 16 in the row's first block, whose lower bits
// say what power it is. A product of a block with its scale is rounded to a 16th of a step.
double lost_to_fractions(const Kernels& k, const Case& c, double largest_weight, double largest_x, double x_sum,
                         double first_x_sum) {
    if (!k.signed_panels.q4_0 || c.format.id != FormatId::q4_0) return 0;
    const double power = 2 * (2 * largest_weight / 8), n_blocks = static_cast<double>(c.columns) / 32;
    return power * (8.0 / 32768 * (0.5 * x_sum + 16 * first_x_sum) + n_blocks * 0.5 / 16 * largest_x / 124);
}

// A row's product with a token as read, in double precision, and the sizes that say what may be lost of it.
struct Truth {
    double sum = 0, magnitude = 0, x_sum = 0, first_x_sum = 0, largest_weight = 0, largest_x = 0;

    Truth(const float* weights, const float* x, std::size_t columns) {
        for (std::size_t i = 0; i < columns; ++i) {
            const double w = static_cast<double>(weights[i]), v = static_cast<double>(x[i]);
            sum += w * v;
            magnitude += std::abs(w * v);
            x_sum += std::abs(v);
            if (i < 32) first_x_sum += std::abs(v);
            largest_weight = std::max(largest_weight, std::abs(w));
            largest_x = std::max(largest_x, std::abs(v));
        }
    }
    // What the table's own roundings may lose.
    double lost(const Kernels& k, const Case& c) const {
        return lost_to_rounded_sums(k, c, largest_weight, largest_x) +
               lost_to_rounded_weights(k, c, largest_weight, largest_x, x_sum) +
               lost_to_fractions(k, c, largest_weight, largest_x, x_sum, first_x_sum);
    }
};

// Each token alone has the bits that it has among the others; its worst row, as a share of what it may be beside the
// truth.
double worst_of_tokens(const Kernels& k, const Case& c) {
    const Result together = run(k, c);
    double worst = 0;
    for (std::size_t t = 0; t < c.tokens; ++t) {
        Case one = c;
        one.tokens = 1;
        one.x.assign(c.x.begin() + static_cast<std::ptrdiff_t>(t * c.columns),
                     c.x.begin() + static_cast<std::ptrdiff_t>((t + 1) * c.columns));
        const Result alone = run(k, one);
        INFO(k.name << ' ' << c.format.name << " token " << t);
        CHECK(std::equal(alone.out.begin(), alone.out.end(),
                         together.out.begin() + static_cast<std::ptrdiff_t>(t * c.rows)));
        for (std::size_t row = 0; row < c.rows; ++row) {
            const Truth truth(c.weights.data() + row * c.columns, alone.x_read.data(), c.columns);
            // An affine format subtracts the minimum from a larger number: its terms count too.
            const double bound = 1e-5 * (truth.magnitude + 2 * truth.largest_weight * truth.x_sum) + truth.lost(k, c);
            worst = std::max(worst, std::abs(static_cast<double>(alone.out[row]) - truth.sum) / bound);
        }
    }
    return worst;
}

}  // namespace

TEST_CASE("each kernel agrees with dequantised rows", "[quant]") {
    for (const Kernels* k : runnable_kernels()) {
        for (const Format& f : formats()) {
            for (const std::size_t columns : row_lengths(f)) {
                for (const std::size_t tokens : {1u, 2u, 4u, 5u, 8u, 11u, 19u}) {
                    for (const std::size_t rows : {16u, 35u}) {
                        const Case c(f, rows, columns, tokens, columns * 131 + tokens);
                        const Result r = run(*k, c);
                        INFO(k->name << ' ' << f.name << " columns=" << columns << " tokens=" << tokens
                                     << " rows=" << rows);
                        double worst = 0, spread = 0;
                        for (std::size_t t = 0; t < tokens; ++t) {
                            for (std::size_t row = 0; row < rows; ++row) {
                                const Truth truth(c.weights.data() + row * columns, r.x_read.data() + t * columns,
                                                  columns);
                                // Each step of the sum rounds once or twice; integers inside a block are exact. An
                                // affine format subtracts the minimum from a larger number: its terms count too.
                                const double steps = is_float(f) ? static_cast<double>(columns)
                                                                 : 4.0 * static_cast<double>(columns) / 32.0 + 4.0;
                                const double terms = is_float(f) ? 0.0 : 2 * truth.largest_weight * truth.x_sum;
                                const double bound = steps * 1.2e-7 * (truth.magnitude + terms) + truth.lost(*k, c);
                                const double got = static_cast<double>(r.out[t * rows + row]);
                                worst = std::max(worst, std::abs(got - truth.sum) / (bound + 1e-30));
                                spread = std::max(spread, std::abs(got - static_cast<double>(r.out[0])));
                            }
                        }
                        CHECK(spread > 0);  // a constant output would prove nothing
                        CHECK(worst <= 1.0);
                    }
                }
            }
        }
    }
}

TEST_CASE("a token's result does not depend on who shares its group", "[quant]") {
    for (const Kernels* k : runnable_kernels()) {
        for (const Format& f : formats()) {
            for (const std::size_t tokens :
                 {std::size_t{3}, std::size_t{53}}) {  // a group of four, whole groups and a smaller one
                const std::size_t columns = row_lengths(f).back(), rows = 48;
                const Case all(f, rows, columns, tokens, 5);
                const Result together = run(*k, all);
                for (std::size_t t = 0; t < tokens; ++t) {
                    Case one(f, rows, columns, 1, 5);
                    std::copy_n(all.x.begin() + static_cast<std::ptrdiff_t>(t * columns), columns, one.x.begin());
                    const Result alone = run(*k, one);
                    INFO(k->name << ' ' << f.name << " token " << t << " of " << tokens);
                    CHECK(std::memcmp(alone.out.data(), together.out.data() + t * rows, rows * sizeof(float)) == 0);
                }
            }
        }
    }
}

TEST_CASE("a product is the same whichever forms of the activations are kept beside its own", "[quant]") {
    for (const Kernels* k : runnable_kernels()) {
        for (const Format& f : formats()) {
            if (is_float(f)) continue;
            for (const std::size_t tokens : {1u, 2u, 4u, 11u}) {
                const Case c(f, 35, row_lengths(f).back(), tokens, 6);
                const Result alone = run(*k, c), both = run(*k, c, kBothForms);
                INFO(k->name << ' ' << f.name << " tokens=" << tokens);
                if (k->signed_panels.q4_0 && f.id != FormatId::q4_0) {
                    // NEON: the coarse form stands in for the fine one.
                    for (std::size_t i = 0; i < alone.out.size(); ++i) {
                        const std::size_t t = i / c.rows;
                        const Truth truth(c.weights.data() + i % c.rows * c.columns, both.x_read.data() + t * c.columns,
                                          c.columns);
                        const double bound = 1e-5 * (truth.magnitude + 2 * truth.largest_weight * truth.x_sum);
                        CHECK(std::abs(static_cast<double>(both.out[i]) - truth.sum) <= bound);
                    }
                } else {
                    CHECK(alone.out == both.out);
                }
            }
        }
    }
}

TEST_CASE("scales of every size and sign beside the largest of their columns", "[quant]") {
    // Where a table cuts scales into digits, every lower digit is met, with the least q and the greatest.
    constexpr std::size_t kColumns = 256, kBlocks = kColumns / 32, kSteps = 512;
    for (const Kernels* k : runnable_kernels()) {
        for (const Format& f : formats()) {
            if (f.id != FormatId::q4_0 && f.id != FormatId::q4_1) continue;
            constexpr std::size_t kRows = (kSteps + kBlocks - 2) / (kBlocks - 1);
            Case c(f, 2 * kRows, kColumns, 24, 21);  // a whole group and one of eight
            for (std::size_t row = 0; row < c.rows; ++row) {
                for (std::size_t b = 0; b < kBlocks; ++b) {
                    std::byte* block = c.file.data() + (row * kBlocks + b) * f.block_bytes;
                    const std::size_t size = b == 0 ? kSteps : (row / 2 * (kBlocks - 1) + b - 1) % kSteps;
                    const float d = static_cast<float>(size) / kSteps * (row % 2 == 0 ? 1.0f : -1.0f);
                    const float middle = static_cast<float>(row % 5) * 0.25f - 0.5f;
                    const std::uint16_t halves[2] = {f32_to_f16(d), f32_to_f16(-7.5f * d + middle)};
                    std::memcpy(block, halves, f.id == FormatId::q4_1 ? 4 : 2);
                    block[f.block_bytes - 1] = std::byte{0x0f};
                    block[f.block_bytes - 2] = std::byte{0xf0};
                }
            }
            f.dequantize(c.weights.data(), c.file.data(), c.weights.size());
            CHECK(worst_of_tokens(*k, c) <= 1.0);
        }
    }
}

TEST_CASE("a scale that is not finite makes its row's products so, and no other's", "[quant]") {
    for (const Kernels* k : runnable_kernels()) {
        for (const Format& f : formats()) {
            if (is_float(f)) continue;
            for (const std::uint16_t odd : {std::uint16_t{0x7c00}, std::uint16_t{0xfc00}, std::uint16_t{0x7e00}}) {
                Case c(f, 32, 512, 11, 8);
                constexpr std::size_t kRow = 19;
                const std::size_t last_block = (kRow + 1) * f.row_bytes(c.columns) - f.block_bytes;
                std::memcpy(c.file.data() + last_block + f16_fields(f.id).first, &odd, sizeof odd);
                const Result r = run(*k, c);
                for (std::size_t i = 0; i < r.out.size(); ++i) {
                    INFO(k->name << ' ' << f.name << " token " << i / c.rows << " row " << i % c.rows);
                    CHECK(std::isfinite(r.out[i]) == (i % c.rows != kRow));
                }
            }
        }
    }
}

TEST_CASE("whole scales and minima of every size and sign", "[quant]") {
    // Where a table makes them numbers of a size of its own, it is the largest of a row that counts, wherever it is.
    constexpr std::size_t kColumns = 256;
    const Format& f = *std::ranges::find(formats(), FormatId::q4_k, &Format::id);
    for (const Kernels* k : runnable_kernels()) {
        Case c(f, 4 * 63, kColumns, 24, 23);  // a whole group and one of eight
        for (std::size_t row = 0; row < c.rows; ++row) {
            const std::size_t largest = 1 + row / 4;
            BlockQ4_K block;
            std::memcpy(&block, c.file.data() + row * sizeof block, sizeof block);
            block.d = f32_to_f16(row % 2 == 0 ? 1.0f : -1.0f);
            block.dmin = f32_to_f16(row % 4 < 2 ? 4.0f : -4.0f);
            std::uint8_t scale[8], minimum[8];
            for (std::size_t j = 0; j < 8; ++j) {
                scale[j] = static_cast<std::uint8_t>(j == row % 8 ? largest : (row * 5 + j * 11) % (largest + 1));
                minimum[j] = static_cast<std::uint8_t>((row + j * 7) % (largest + 1));
            }
            for (std::size_t j = 0; j < 4; ++j) {
                block.scales[j] = static_cast<std::uint8_t>(scale[j] | (scale[j + 4] >> 4) << 6);
                block.scales[j + 4] = static_cast<std::uint8_t>(minimum[j] | (minimum[j + 4] >> 4) << 6);
                block.scales[j + 8] = static_cast<std::uint8_t>((scale[j + 4] & 15) | (minimum[j + 4] & 15) << 4);
            }
            std::memcpy(c.file.data() + row * sizeof block, &block, sizeof block);
        }
        f.dequantize(c.weights.data(), c.file.data(), c.weights.size());
        CHECK(worst_of_tokens(*k, c) <= 1.0);
    }
}

TEST_CASE("bias and addition come last, in full and in partly filled panels", "[quant]") {
    for (const Kernels* k : runnable_kernels()) {
        for (const Format& f : formats()) {
            const Case c(f, 37, row_lengths(f).back(), 3, 9);
            std::vector<float> bias(c.rows);
            for (std::size_t i = 0; i < c.rows; ++i) bias[i] = static_cast<float>(i) * 0.25f - 3.0f;
            const Result plain = run(*k, c), full = run(*k, c, 0, {bias, 2.0f, true});
            for (std::size_t t = 0; t < c.tokens; ++t) {
                for (std::size_t row = 0; row < c.rows; ++row) {
                    INFO(k->name << ' ' << f.name << " token " << t << " row " << row);
                    CHECK(full.out[t * c.rows + row] == (plain.out[t * c.rows + row] + bias[row]) + 2.0f);
                }
            }
        }
    }
}

TEST_CASE("a long prompt through many rows and columns gives the bits of each token alone", "[quant]") {
    // More than tables keep in their caches at once: they stop on the way and go on where they were.
    for (const Kernels* k : runnable_kernels()) {
        if (k->groups_at_once == 1) continue;
        for (const Format& f : formats()) {
            if (is_float(f)) continue;
            const std::size_t tokens = k->groups_at_once * static_cast<std::size_t>(k->group) + 5;
            const Case c(f, 17 * kPanelRows + 5, 9 * 256 + (f.block_weights == 32 ? 32 : 0), tokens, 12);
            const Result all = run(*k, c);
            for (const std::size_t t : {std::size_t{0}, std::size_t{11}, tokens - 6, tokens - 1}) {
                Case one = c;
                one.tokens = 1;
                one.x.assign(c.x.begin() + static_cast<std::ptrdiff_t>(t * c.columns),
                             c.x.begin() + static_cast<std::ptrdiff_t>((t + 1) * c.columns));
                const Result alone = run(*k, one);
                INFO(k->name << ' ' << f.name << " token " << t);
                CHECK(std::equal(alone.out.begin(), alone.out.end(),
                                 all.out.begin() + static_cast<std::ptrdiff_t>(t * c.rows)));
            }
        }
    }
}

TEST_CASE("the widest integer sums do not overflow", "[quant]") {
    // All weights and activations at the ends of their ranges: where 16-bit partial sums would wrap or saturate.
    for (const Kernels* k : runnable_kernels()) {
        for (const Format& f : formats()) {
            if (is_float(f)) continue;
            const std::uint8_t fills[] = {0x00, 0x80, 0x7f, 0xff};
            const auto filled = [&](std::uint8_t fill) {
                Case c(f, 16, 256, 4, 3);
                const auto [scales, n_scales] = f16_fields(f.id);
                for (std::size_t i = 0; i < c.file.size(); ++i) {
                    const std::size_t at = i % f.block_bytes;
                    if (at < scales || at >= scales + n_scales) c.file[i] = std::byte{fill};
                }
                f.dequantize(c.weights.data(), c.file.data(), c.weights.size());
                return c;
            };
            double largest = 0;  // that these scales allow: one of the fills is that
            for (const std::uint8_t fill : fills) {
                for (const float w : filled(fill).weights)
                    largest = std::max(largest, std::abs(static_cast<double>(w)));
            }
            for (const std::uint8_t fill : fills) {
                Case c = filled(fill);
                for (float& v : c.x) v = v < 0 ? -1.0f : 1.0f;
                std::fill_n(c.x.begin(), c.columns, -1.0f);  // one token of equal signs, the others mixed
                const Result r = run(*k, c);
                for (std::size_t t = 0; t < c.tokens; ++t) {
                    for (std::size_t row = 0; row < c.rows; ++row) {
                        Truth truth(c.weights.data() + row * c.columns, r.x_read.data() + t * c.columns, c.columns);
                        truth.largest_weight = largest;
                        INFO(k->name << ' ' << f.name << " fill " << int{fill} << " token " << t << " row " << row);
                        CHECK(std::abs(static_cast<double>(r.out[t * c.rows + row]) - truth.sum) <=
                              1e-5 * truth.magnitude + 1e-6 + truth.lost(*k, c));
                    }
                }
            }
        }
    }
}

TEST_CASE("activations stand for the nearest numbers that their scales allow", "[quant]") {
    constexpr std::size_t kColumns = 32 * 11;  // a whole unit of 256 columns and a part of one
    for (const Kernels* k : runnable_kernels()) {
        std::mt19937_64 engine(4);
        std::normal_distribution<float> normal;
        std::vector<float> x(kColumns), read(kColumns);
        for (std::size_t i = 0; i < kColumns; ++i) x[i] = normal(engine) * (i / 32 % 3 == 0 ? 0.01f : 1.0f);
        x[70] = 40.0f;
        std::fill_n(x.begin() + 128, 32, 0.0f);
        std::vector<std::byte> blocks(k->act_bytes(kColumns, 1));
        const auto largest = [&](std::size_t from, std::size_t to) {
            float most = 0;
            for (std::size_t i = from; i < std::min(to, kColumns); ++i) most = std::max(most, std::abs(x[i]));
            return most;
        };
        const bool two_forms = std::ranges::find(k->coarse, true) != k->coarse.end();
        double squares[2] = {};
        constexpr std::pair<ActForms, ActForms> kKeptAndRead[] = {
            {kCoarse, kCoarse}, {kFine, kFine}, {kBothForms, kCoarse}, {kBothForms, kFine}};
        for (const auto& [kept, form] : kKeptAndRead) {
            std::ranges::fill(blocks, std::byte{0x5a});
            k->ops.quantize(blocks.data(), x.data(), kColumns, kColumns, 1, 1, kept);
            k->ops.dequantize(read.data(), blocks.data(), kColumns, form);
            for (std::size_t i = 0; i < kColumns; ++i) {
                // Scales are those of the block, or up to four steps of the unit above; amx has one for the unit.
                const float top = largest(i / 256 * 256, i / 256 * 256 + 256),
                            block = largest(i / 32 * 32, i / 32 * 32 + 32);
                const float step = k->name == "avx2" && form == kFine ? top / 2047.0f
                                   : k->name == "amx"                 ? top / 2031.0f
                                                                      : block / 124.0f + top * 4 / 16129.0f;
                INFO(k->name << " column " << i << " of forms " << kept << " read as " << form);
                CHECK(std::abs(read[i] - x[i]) <= 0.5001f * step);
                if (kept == form) squares[form == kFine] += std::pow(static_cast<double>(read[i] - x[i]), 2);
            }
            CHECK(read[130] == 0.0f);
        }
        CHECK((two_forms ? squares[1] < 0.9 * squares[0] : squares[1] == squares[0]));
        std::fill(x.begin(), x.end(), 0.0f);
        k->ops.quantize(blocks.data(), x.data(), kColumns, kColumns, 1, 1, kBothForms);
        k->ops.dequantize(read.data(), blocks.data(), kColumns, kCoarse);
        CHECK(std::all_of(read.begin(), read.end(), [](float v) { return v == 0.0f; }));
        for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
            x[3] = odd;
            for (const ActForms form : {kCoarse, kFine}) {
                k->ops.quantize(blocks.data(), x.data(), kColumns, kColumns, 1, 1, form);
                k->ops.dequantize(read.data(), blocks.data(), kColumns, form);
                CHECK(!std::isfinite(read[3]));  // so that it reaches the logits, where it is looked for
            }
        }
    }
}

TEST_CASE("activations with a scale for each 16 columns are rounded to the nearest step and sum up", "[quant]") {
    for (const Kernels* k : runnable_kernels()) {
        if (k->act_block_bytes != sizeof(ActBlock<1>)) continue;
        std::vector<float> x(64);
        std::mt19937_64 engine(1);
        std::normal_distribution<float> normal;
        for (float& v : x) v = normal(engine);
        x[40] = 0.0f;
        std::vector<ActBlock<1>> blocks(2);
        k->ops.quantize(blocks.data(), x.data(), 64, 64, 1, 1, kFine);
        for (std::size_t b = 0; b < 2; ++b) {
            float total = 0;
            for (std::size_t h = 0; h < 2; ++h) {
                const float* half = x.data() + 32 * b + 16 * h;
                const float scale = blocks[b].scale[0][h];
                float amax = 0;
                int sum = 0;
                for (std::size_t i = 0; i < 16; ++i) amax = std::max(amax, std::abs(half[i]));
                CHECK(scale >= amax / 127.0f * 0.99999f);
                CHECK(scale <= amax / 124.0f * 1.00001f);
                const auto loss = [&](float step) {
                    double squares = 0;
                    for (std::size_t i = 0; i < 16; ++i) {
                        const double lost = static_cast<double>(half[i] - std::nearbyint(half[i] / step) * step);
                        squares += lost * lost;
                    }
                    return squares;
                };
                for (const float steps : {127.0f, 126.0f, 125.0f, 124.0f})
                    CHECK(loss(scale) <= loss(amax / steps) * 1.02 + 1e-12);
                for (std::size_t i = 0; i < 16; ++i) {
                    const std::int8_t q = blocks[b].q[0][16 * h + i];
                    CHECK(std::abs(static_cast<float>(q) * scale - half[i]) <= 0.5001f * scale);
                    sum += q;
                }
                CHECK(blocks[b].minus_8_sum[0][h] == -8 * sum);
                total += scale * static_cast<float>(sum);
            }
            CHECK(blocks[b].sum[0] == Approx(total));
        }
        std::vector<float> zeros(64, 0.0f);
        k->ops.quantize(blocks.data(), zeros.data(), 64, 64, 1, 1, kFine);
        CHECK(blocks[0].scale[0][0] == 0.0f);
        CHECK(blocks[0].q[0][0] == 0);
        zeros[3] = std::numeric_limits<float>::quiet_NaN();
        k->ops.quantize(blocks.data(), zeros.data(), 64, 64, 1, 1, kFine);
        CHECK(std::isnan(blocks[0].scale[0][0]));  // so that it reaches the logits, where it is looked for
    }
}

TEST_CASE("float loops agree with double precision", "[quant]") {
    for (const Kernels* k : runnable_kernels()) {
        for (const std::size_t n : {16u, 64u, 80u, 1536u}) {
            INFO(k->name << " n=" << n);
            std::mt19937_64 engine(n);
            std::normal_distribution<float> normal;
            std::vector<float> x(n), y(n), out(n);
            for (float& v : x) v = normal(engine) * 4.0f;
            for (float& v : y) v = normal(engine);

            CHECK(k->ops.rms_norm(out.data(), x.data(), y.data(), n, 1e-6f));
            double squares = 0;
            for (const float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
            const double factor = 1.0 / std::sqrt(squares / static_cast<double>(n) + 1e-6);
            for (std::size_t i = 0; i < n; ++i) {
                const double want = static_cast<double>(x[i]) * factor * static_cast<double>(y[i]);
                CHECK(std::abs(static_cast<double>(out[i]) - want) <= 2e-6 * std::abs(want) + 1e-12);
            }

            out = x;
            k->ops.silu_mul(out.data(), y.data(), n);
            for (std::size_t i = 0; i < n; ++i) {
                const double g = static_cast<double>(x[i]), want = g / (1.0 + std::exp(-g)) * static_cast<double>(y[i]);
                CHECK(std::abs(static_cast<double>(out[i]) - want) <= 2e-6 * std::abs(want) + 1e-9);
            }

            const float top = *std::max_element(x.begin(), x.end());
            CHECK(k->ops.max(x.data(), n) == top);
            out = x;
            out[n - 1] = -std::numeric_limits<float>::infinity();
            const float sum = k->ops.exp_sum(out.data(), n, 0.5f, 0.5f * top);
            double want_sum = 0;
            for (std::size_t i = 0; i + 1 < n; ++i) {
                const double want = std::exp(0.5 * (static_cast<double>(x[i]) - static_cast<double>(top)));
                CHECK(std::abs(static_cast<double>(out[i]) - want) <= 3e-6 * want + 1e-9);
                want_sum += want;
            }
            CHECK(out[n - 1] == 0.0f);
            CHECK(std::abs(static_cast<double>(sum) - want_sum) <= 1e-5 * want_sum);

            out = x;
            k->ops.scale_add(out.data(), 0.75f, y.data(), n);
            for (std::size_t i = 0; i < n; ++i)
                CHECK(out[i] == Approx(0.75 * static_cast<double>(x[i]) + static_cast<double>(y[i])).margin(1e-5));

            for (const std::size_t half : {n / 2, n / 2 - 3}) {
                out = x;
                std::vector<float> cosine(half), sine(half);
                for (std::size_t i = 0; i < half; ++i) {
                    cosine[i] = std::cos(y[i]);
                    sine[i] = std::sin(y[i]);
                }
                k->ops.rotate(out.data(), cosine.data(), sine.data(), half);
                for (std::size_t i = 0; i < half; ++i) {
                    const double a = static_cast<double>(x[i]), b = static_cast<double>(x[half + i]);
                    const double c = std::cos(static_cast<double>(y[i])), s = std::sin(static_cast<double>(y[i]));
                    CHECK(out[i] == Approx(a * c - b * s).margin(1e-5));
                    CHECK(out[half + i] == Approx(a * s + b * c).margin(1e-5));
                }
                CHECK(std::equal(out.begin() + static_cast<std::ptrdiff_t>(2 * half), out.end(),
                                 x.begin() + static_cast<std::ptrdiff_t>(2 * half)));
            }

            for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
                for (const std::size_t at : {std::size_t{0}, n - 1}) {
                    std::vector<float> damaged = x;
                    damaged[at] = bad;
                    CHECK_FALSE(k->ops.rms_norm(out.data(), damaged.data(), y.data(), n, 1e-6f));
                }
            }
        }
        // Halves round to the nearest even one, at any length.
        std::vector<float> values(70);
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.3721f - 11.0f;
        values[5] = 65520.0f;
        values[6] = 1e-8f;
        for (const std::size_t n : {1u, 7u, 16u, 70u}) {
            std::vector<std::uint16_t> halves(n);
            k->ops.to_f16(halves.data(), values.data(), n);
            for (std::size_t i = 0; i < n; ++i) CHECK(halves[i] == f32_to_f16(values[i]));
        }
    }
}

TEST_CASE("kernel tables are chosen by name", "[quant]") {
    const auto runnable = runnable_kernels();
    REQUIRE(!runnable.empty());
    CHECK(runnable.back()->name == "scalar");
    CHECK(&choose_kernels("") == runnable.front());
    CHECK(&choose_kernels("scalar") == runnable.back());
    try {
        choose_kernels("mmx");
        FAIL("an unknown table was accepted");
    } catch (const Error& e) {
        CHECK(e.status() == Status::usage);
        CHECK(std::string(e.what()).find("scalar") != std::string::npos);
        CHECK(std::string(e.what()).find("mmx") != std::string::npos);
    }
}

}  // namespace distill
