// The slow truth about formats: bit positions by hand, half floats exhaustively, and each quantised golden model
// against the float version of the same weights.
#include "quant/formats.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <vector>

#include "engine/gguf.h"
#include "quant/q3_k.h"
#include "quant/q4_k.h"
#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/shared_files.h"

using namespace distill;
using namespace distill::test;

namespace {

const Format& format(FormatId id) {
    return *find_format(static_cast<std::uint32_t>(id));
}

std::vector<float> dequantized(const Format& f, std::span<const std::byte> blocks, std::size_t n) {
    std::vector<float> out(n);
    f.dequantize(out.data(), blocks.data(), n);
    return out;
}

}  // namespace

TEST_CASE("the table is in order of id and agrees with the published names", "[quant]") {
    std::uint32_t last = 0;
    std::set<std::string_view> names;
    for (const Format& f : formats()) {
        const auto id = static_cast<std::uint32_t>(f.id);
        CHECK((id == 0 || id > last));
        last = id;
        CHECK(find_format(id) == &f);
        CHECK(gguf_type_name(id) == f.name);
        CHECK(names.insert(f.name).second);
        CHECK(f.row_bytes(4 * f.block_weights) == 4 * f.block_bytes);
    }
    CHECK(formats().size() == 15);
    CHECK(find_format(16) == nullptr);
    CHECK(gguf_type_name(16) == "IQ2_XXS");
    CHECK(gguf_type_name(29) == "IQ1_M");
    CHECK(gguf_type_name(35) == "TQ2_0");
    CHECK(gguf_type_name(39) == "MXFP4");
    CHECK(gguf_type_name(77).empty());
    CHECK(gguf_type_name(~0u).empty());
}

TEST_CASE("half floats convert exactly and back", "[quant]") {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        const float value = f16_to_f32(half);
        const int exponent = static_cast<int>((bits >> 10) & 31);
        const int mantissa = static_cast<int>(bits & 1023);
        if (exponent == 31) {
            REQUIRE((mantissa == 0 ? std::isinf(value) : std::isnan(value)));
        } else {
            const double magnitude =
                exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
            REQUIRE(static_cast<double>(std::fabs(value)) == magnitude);
        }
        REQUIRE(std::signbit(value) == (bits >= 0x8000));
        if (!std::isnan(value)) REQUIRE(f32_to_f16(value) == half);
        if (std::isnan(value)) REQUIRE(std::isnan(f16_to_f32(f32_to_f16(value))));
    }
}

TEST_CASE("rounding to half is to nearest, ties to even", "[quant]") {
    struct Case {
        float value;
        std::uint16_t expected;
    };
    const Case cases[] = {
        {65504.0f, 0x7BFF},   {65519.0f, 0x7BFF},   {65520.0f, 0x7C00},
        {1e30f, 0x7C00},      {-1e30f, 0xFC00},     {0x1p-24f, 0x0001},
        {0x1p-25f, 0x0000},   {0x1.8p-24f, 0x0002}, {0x1p-26f, 0x0000},
        {0x1.1p-25f, 0x0001}, {-0.0f, 0x8000},      {std::numeric_limits<float>::denorm_min(), 0x0000},
    };
    for (const Case& c : cases) CHECK(f32_to_f16(c.value) == c.expected);

    Random random{1};
    for (int i = 0; i < 200'000; ++i) {
        const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random.next() >> 32) & 0x7FFFFFFFu);
        if (!(value < 65504.0f)) continue;
        const std::uint16_t half = f32_to_f16(value);
        const double error = std::fabs(static_cast<double>(f16_to_f32(half)) - static_cast<double>(value));
        for (const int step : {-1, 1}) {
            const int neighbour = half + step;
            if (neighbour < 0 || neighbour >= 0x7C00) continue;
            const auto other = static_cast<std::uint16_t>(neighbour);
            const double other_error = std::fabs(static_cast<double>(f16_to_f32(other)) - static_cast<double>(value));
            REQUIRE((error < other_error || (error == other_error && half % 2 == 0)));
        }
    }
}

TEST_CASE("bfloat16 is the upper half of a float", "[quant]") {
    CHECK(bf16_to_f32(0x3F80) == 1.0f);
    CHECK(bf16_to_f32(0xC040) == -3.0f);
    CHECK(std::isinf(bf16_to_f32(0x7F80)));
}

// Where the bits of a weight stand, written down from the format's definition: with all scales 1 (or as given), raising
// one bit moves exactly one weight by a known amount.
TEST_CASE("each quant bit belongs to its weight", "[quant]") {
    struct Case {
        FormatId id;
        std::vector<std::pair<std::size_t, int>> base;  // byte offset -> value, besides zeros
        std::size_t byte;
        int bit;
        std::size_t weight;
        float change;
    };
    const std::pair<std::size_t, int> d0{1, 0x3C};  // f16 1.0 at bytes 0 and 1
    const Case cases[] = {
        {FormatId::q8_0, {d0}, 2 + 31, 0, 31, 1},
        {FormatId::q4_0, {d0}, 2 + 3, 1, 3, 2},
        {FormatId::q4_0, {d0}, 2 + 3, 4, 19, 1},
        {FormatId::q4_1, {d0}, 4 + 15, 7, 31, 8},
        {FormatId::q5_0, {d0}, 2 + 2, 1, 17, 16},  // fifth bit of weight 17
        {FormatId::q5_0, {d0}, 6 + 1, 4, 17, 1},
        {FormatId::q5_1, {d0}, 4 + 0, 5, 5, 16},
        {FormatId::q5_1, {d0}, 8 + 5, 3, 5, 8},
        // Q4_K, Q5_K: scales of groups 0..3 in bytes 4..7, of 4..7 in the low nibbles of bytes 12..15
        {FormatId::q4_k, {d0, {4 + 1, 3}}, 16 + 0, 4, 32, 3},
        {FormatId::q4_k, {d0, {4 + 10, 2}}, 16 + 96 + 31, 0, 223, 2},
        {FormatId::q4_k, {d0, {4 + 1, 0x40}}, 16 + 64 + 5, 6, 165, 64},  // scale 16 from the top bits of byte 1
        {FormatId::q5_k, {d0, {4 + 9, 2}}, 16 + 7, 5, 167, 32},          // fifth bit of weight 5 * 32 + 7
        {FormatId::q5_k, {d0, {4 + 9, 2}}, 48 + 64 + 7, 5, 167, 4},
        // Q6_K: ql[128] qh[64] scales[16] d
        {FormatId::q6_k, {{209, 0x3C}, {192 + 15, 5}}, 64 + 63, 4, 255, 5},
        {FormatId::q6_k, {{209, 0x3C}, {192 + 15, 0xFF}}, 128 + 63, 7, 255, -32},
        {FormatId::q6_k, {{209, 0x3C}, {192 + 3, 1}}, 32 + 20, 0, 52, 1},
        // Q2_K: scales[16] qs[64] d dmin
        {FormatId::q2_k, {{81, 0x3C}, {7, 4}}, 16 + 16, 6, 112, 4},
        {FormatId::q2_k, {{81, 0x3C}, {8, 4}}, 16 + 32, 1, 128, 8},
        // Q3_K: hmask[32] qs[64] scales[12] d; a packed scale of 33 means 1 (low nibble 1, high bits 2)
        {FormatId::q3_k, {{109, 0x3C}, {96 + 0, 1}, {96 + 8, 2}}, 32 + 9, 1, 9, 2},
        {FormatId::q3_k, {{109, 0x3C}, {96 + 0, 1}, {96 + 8, 2}}, 9, 0, 9, 4},
        {FormatId::q3_k, {{109, 0x3C}, {96 + 7, 0x10}, {96 + 11, 0x80}}, 31, 7, 255, 4},
        {FormatId::iq4_nl, {d0}, 2 + 0, 0, 0, 23},    // -127 -> -104
        {FormatId::iq4_nl, {d0}, 2 + 4, 7, 20, 128},  // -127 -> 1
        // IQ4_XS: d scales_h scales_l[4] qs[128]; a packed scale of 33 means 1
        {FormatId::iq4_xs, {d0, {3, 0x80}, {4 + 3, 0x10}}, 8 + 112 + 2, 4, 242, 23},
    };
    for (const Case& c : cases) {
        const Format& f = format(c.id);
        INFO(f.name << " byte " << c.byte << " bit " << c.bit);
        std::vector<std::byte> block(f.block_bytes);
        for (const auto& [at, value] : c.base) block[at] = static_cast<std::byte>(value);
        const auto before = dequantized(f, block, f.block_weights);
        block[c.byte] |= static_cast<std::byte>(1 << c.bit);
        const auto after = dequantized(f, block, f.block_weights);
        for (std::size_t i = 0; i < f.block_weights; ++i) {
            INFO("weight " << i);
            CHECK(after[i] - before[i] == (i == c.weight ? c.change : 0.0f));
        }
    }
}

TEST_CASE("packed scales come out as they went in", "[quant]") {
    for (int group = 0; group < 8; ++group) {
        for (int value = 0; value < 64; ++value) {
            std::uint8_t scales[12] = {};
            const auto set = [&](int index, int bits) {
                scales[index] = static_cast<std::uint8_t>(scales[index] | bits);
            };
            const int min = 63 - value;
            if (group < 4) {
                set(group, value);
                set(group + 4, min);
            } else {
                set(group + 4, (value & 15) | ((min & 15) << 4));
                set(group - 4, (value >> 4) << 6);
                set(group, (min >> 4) << 6);
            }
            const ScaleMin found = scale_min_k(scales, group);
            REQUIRE(found.scale == value);
            REQUIRE(found.min == min);
        }
    }
}

TEST_CASE("blocks may lie at any address, and only they are read", "[quant]") {
    Random random{3};
    for (const Format& f : formats()) {
        const std::size_t n = 2 * f.block_weights;
        const auto blocks = random_weights(f.id, n, random);
        REQUIRE(blocks.size() == f.row_bytes(n));
        const auto expected = dequantized(f, blocks, n);
        for (std::size_t shift = 1; shift < 8; ++shift) {
            std::vector<std::byte> shifted(shift);
            shifted.insert(shifted.end(), blocks.begin(),
                           blocks.end());  // ends with the vector: ASan sees a read beyond
            CHECK(dequantized(f, std::span{shifted}.subspan(shift), n) == expected);
        }
    }
}

TEST_CASE("random test weights have the size asked for", "[quant]") {
    Random random{5};
    for (const Format& f : formats()) {
        INFO(f.name);
        const std::size_t n = 64 * 256;
        const auto weights = dequantized(f, random_weights(f.id, n, random, 0.05f), n);
        double sum = 0, squares = 0;
        for (const float w : weights) {
            sum += static_cast<double>(w);
            squares += static_cast<double>(w) * static_cast<double>(w);
        }
        CHECK(std::sqrt(squares / static_cast<double>(n)) == Approx(0.05).epsilon(0.05));
        CHECK(std::fabs(sum / static_cast<double>(n)) < 0.01);
    }
}

TEST_CASE("quantised goldens are near the float weights", "[quant]") {
    DISTILL_SHARED_OR_SKIP(folder, "goldens");
    const Gguf exact = Gguf::open((folder / "small-qwen2-F32.gguf").string());
    struct Case {
        const char* file;
        FormatId main;     // the format that gives the file its name
        double low, high;  // relative root-mean-square error of its tensors
    };
    // Below `low` would mean comparing a thing with itself; a misplaced bit or scale gives 0.5 and more.
    const Case cases[] = {
        {"F16", FormatId::f16, 0, 1e-6},          {"BF16", FormatId::bf16, 1e-4, 0.003},
        {"Q8_0", FormatId::q8_0, 0.002, 0.008},   {"Q6_K", FormatId::q6_k, 0.01, 0.03},
        {"Q5_0", FormatId::q5_0, 0.02, 0.06},     {"Q5_1", FormatId::q5_1, 0.02, 0.06},
        {"Q5_K_M", FormatId::q5_k, 0.02, 0.06},   {"Q4_0", FormatId::q4_0, 0.05, 0.12},
        {"Q4_1", FormatId::q4_1, 0.05, 0.12},     {"Q4_K_M", FormatId::q4_k, 0.05, 0.12},
        {"IQ4_NL", FormatId::iq4_nl, 0.05, 0.12}, {"IQ4_XS", FormatId::iq4_xs, 0.05, 0.12},
        {"Q3_K_M", FormatId::q3_k, 0.1, 0.2},     {"Q2_K", FormatId::q2_k, 0.2, 0.35},
    };
    for (const Case& c : cases) {
        INFO(c.file);
        const Gguf file = Gguf::open((folder / (std::string{"small-qwen2-"} + c.file + ".gguf")).string());
        double error = 0, size = 0;
        for (const Tensor& tensor : file.tensors()) {
            if (tensor.format->id != c.main) continue;
            const Tensor* reference = exact.find_tensor(tensor.name);
            REQUIRE(reference);
            const std::size_t n = tensor.columns() * tensor.rows();
            const auto ours = dequantized(*tensor.format, tensor.data, n);
            const auto truth = dequantized(*reference->format, reference->data, n);
            for (std::size_t i = 0; i < n; ++i) {
                const double difference = static_cast<double>(ours[i]) - static_cast<double>(truth[i]);
                error += difference * difference;
                size += static_cast<double>(truth[i]) * static_cast<double>(truth[i]);
            }
        }
        REQUIRE(size > 0);
        const double relative = std::sqrt(error / size);
        CHECK(relative >= c.low);
        CHECK(relative <= c.high);
    }
}
