// How a scale is found. For one scale, w = d * q: try divisors of the largest weight around the one that would just
// reach the end of the range, round, and keep the q whose best possible d (least squares) loses least. For scale and
// offset, w = d * q + m, the same with ranges that stand out a little or cut off a little. K-quants first fit each
// group alone, then express the groups' scales in 6 or 8 bits and fit what remains once more: the groups' integers by
// their neighbours, the block's f16 numbers by least squares over all 256 weights.
#include "quant/encode.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

#include "quant/f16.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"

namespace distill {
namespace {

constexpr float kMaxHalf = 65504.0f;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Partial sums side by side: a fixed order that the compiler may turn into vector code.
constexpr int kLanes = 8;
using Lanes = std::array<float, kLanes>;

float sum_of(const Lanes& lanes) {
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

// To the nearest integer (ties to even), and into the range. Adding 1.5 * 2^23 leaves no bit for a fraction.
inline float to_level(float x, float low, float high) {
    constexpr float kShift = 12582912.0f;
    return (std::min(std::max(x, low), high) + kShift) - kShift;
}

// 1 / d where that can be used; 0 makes every level 0.
float inverse(float d) {
    const float inv = d == 0 ? 0.0f : 1.0f / d;
    return std::isfinite(inv) ? inv : 0.0f;
}

float as_half(float x) {
    return f16_to_f32(f32_to_f16(x));
}

// q = the levels of x for w = d * q + m; returns the squared error.
template <int N>
float quantise(float* q, const float* x, float d, float m, float low, float high) {
    const float inv = inverse(d);
    Lanes lanes{};
    for (int i = 0; i < N; i += kLanes) {
        for (int l = 0; l < kLanes; ++l) {
            q[i + l] = to_level((x[i + l] - m) * inv, low, high);
            const float e = x[i + l] - (d * q[i + l] + m);
            lanes[static_cast<std::size_t>(l)] += e * e;
        }
    }
    return sum_of(lanes);
}

struct Sums {
    float q = 0, qq = 0, xq = 0;
};
template <int N>
Sums sums(const float* q, const float* x) {
    Lanes a{}, b{}, c{};
    for (int i = 0; i < N; i += kLanes) {
        for (int l = 0; l < kLanes; ++l) {
            const auto lane = static_cast<std::size_t>(l);
            a[lane] += q[i + l];
            b[lane] += q[i + l] * q[i + l];
            c[lane] += x[i + l] * q[i + l];
        }
    }
    return {sum_of(a), sum_of(b), sum_of(c)};
}

// The d of w = d * q with integers q in [low, high]. half: d will be an f16. `steps` tenths to each side are tried.
template <int N>
float fit_scale(const float* x, float low, float high, bool half, int steps) {
    const auto stored = [&](float d) { return half ? as_half(d) : d; };
    float extreme = 0;
    for (int i = 0; i < N; ++i) {
        if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
    }
    if (extreme == 0) return 0;
    float q[static_cast<std::size_t>(N)];
    float d = extreme / low;
    float best = 0;
    for (int step = -steps; step <= steps; ++step) {
        for (const float end : {low, high}) {
            const float divisor = end + 0.1f * static_cast<float>(step);
            quantise<N>(q, x, extreme / divisor, 0, low, high);
            const Sums s = sums<N>(q, x);
            // What least squares would explain: sum(x^2) minus the error.
            if (s.qq > 0 && s.xq * s.xq > best * s.qq) {
                best = s.xq * s.xq / s.qq;
                d = s.xq / s.qq;
            }
        }
    }
    // Other levels may fit the new scale better; and where f16 is coarse the plain scale may win.
    float chosen = stored(extreme / low);
    float error = quantise<N>(q, x, chosen, 0, low, high);
    for (int round = 0; round < 3; ++round) {
        const float e = quantise<N>(q, x, stored(d), 0, low, high);
        if (e < error) {
            error = e;
            chosen = stored(d);
        }
        const Sums s = sums<N>(q, x);
        if (s.qq == 0) break;
        d = s.xq / s.qq;
    }
    return chosen;
}

struct Line {
    float d = 0, m = 0;  // w = d * q + m
};

// negative_offset: m <= 0, as K-quants store it.
template <int N>
Line fit_line(const float* x, float high, bool half, bool negative_offset) {
    const auto stored = [&](Line line) { return half ? Line{as_half(line.d), as_half(line.m)} : line; };
    float bottom = x[0], top = x[0], total = 0;
    for (int i = 0; i < N; ++i) {
        bottom = std::min(bottom, x[i]);
        top = std::max(top, x[i]);
        total += x[i];
    }
    if (negative_offset) bottom = std::min(bottom, 0.0f);
    if (top <= bottom) return stored({0, bottom});
    float q[static_cast<std::size_t>(N)];
    Line best = stored({(top - bottom) / high, bottom});
    float error = quantise<N>(q, x, best.d, best.m, 0, high);
    const auto refit = [&](Line& line) {
        const Sums s = sums<N>(q, x);
        const double n = N, det = n * s.qq - static_cast<double>(s.q) * s.q;
        if (det <= 0) return false;
        line.d = static_cast<float>((n * s.xq - static_cast<double>(s.q) * total) / det);
        line.m = static_cast<float>((total - static_cast<double>(line.d) * s.q) / n);
        if (negative_offset && line.m > 0) line = {s.xq / s.qq, 0};
        return line.d > 0;
    };
    for (int step = -6; step <= 12; ++step) {
        Line line{(top - bottom) / (high + 0.1f * static_cast<float>(step)), bottom};
        quantise<N>(q, x, line.d, line.m, 0, high);
        for (int round = 0; round < 2 && refit(line); ++round) {
            const Line kept = stored(line);
            const float e = quantise<N>(q, x, kept.d, kept.m, 0, high);
            if (e < error) {
                error = e;
                best = kept;
            }
        }
    }
    return best;
}

// ---- unquantised ----------------------------------------------------------------------------------------------------

void encode_block(BlockF32& b, const float* x) {
    b.value = *x;
}
void encode_block(BlockF16& b, const float* x) {
    b.bits = f32_to_f16(*x);
}
void encode_block(BlockBF16& b, const float* x) {
    const auto bits = std::bit_cast<std::uint32_t>(*x);
    b.bits = static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1)) >> 16);  // ties to even
}

// ---- blocks of 32 ---------------------------------------------------------------------------------------------------

void encode_block(BlockQ8_0& b, const float* x) {
    const float d = fit_scale<32>(x, -127, 127, true, 3);
    float q[32];
    quantise<32>(q, x, d, 0, -127, 127);
    b.d = f32_to_f16(d);
    for (int i = 0; i < 32; ++i) b.qs[i] = static_cast<std::int8_t>(q[i]);
}

// Nibbles as the four formats of 32 share them; returns the fifth bits.
std::uint32_t put_nibbles(std::uint8_t qs[16], const float* q, float offset) {
    std::uint32_t fifth = 0;
    for (int i = 0; i < 16; ++i) {
        const auto low = static_cast<unsigned>(q[i] + offset), high = static_cast<unsigned>(q[i + 16] + offset);
        qs[i] = static_cast<std::uint8_t>((low & 15u) | (high & 15u) << 4);
        fifth |= (low >> 4) << i | (high >> 4) << (i + 16);
    }
    return fifth;
}

void encode_block(BlockQ4_0& b, const float* x) {
    const float d = fit_scale<32>(x, -8, 7, true, 9);
    float q[32];
    quantise<32>(q, x, d, 0, -8, 7);
    b.d = f32_to_f16(d);
    put_nibbles(b.qs, q, 8);
}

void encode_block(BlockQ5_0& b, const float* x) {
    const float d = fit_scale<32>(x, -16, 15, true, 9);
    float q[32];
    quantise<32>(q, x, d, 0, -16, 15);
    b.d = f32_to_f16(d);
    const std::uint32_t fifth = put_nibbles(b.qs, q, 16);
    std::memcpy(b.qh, &fifth, sizeof fifth);
}

void encode_block(BlockQ4_1& b, const float* x) {
    const Line line = fit_line<32>(x, 15, true, false);
    float q[32];
    quantise<32>(q, x, line.d, line.m, 0, 15);
    b.d = f32_to_f16(line.d);
    b.m = f32_to_f16(line.m);
    put_nibbles(b.qs, q, 0);
}

void encode_block(BlockQ5_1& b, const float* x) {
    const Line line = fit_line<32>(x, 31, true, false);
    float q[32];
    quantise<32>(q, x, line.d, line.m, 0, 31);
    b.d = f32_to_f16(line.d);
    b.m = f32_to_f16(line.m);
    const std::uint32_t fifth = put_nibbles(b.qs, q, 0);
    std::memcpy(b.qh, &fifth, sizeof fifth);
}

// ---- K-quants -------------------------------------------------------------------------------------------------------

// Q4_K and Q5_K: w = d * scale * q - dmin * min in 8 groups of 32.
struct KBlock {
    float d = 0, dmin = 0;  // as f16 holds them
    std::array<int, 8> scale{}, min{};
    std::array<float, 256> q{};
    float error = kInfinity;
};

// d and dmin by least squares, given all integers. False where that makes no sense.
bool refit(KBlock& b, const float* x) {
    double aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
    for (std::size_t g = 0; g < 8; ++g) {
        const float* group = x + 32 * g;
        const Sums s = sums<32>(b.q.data() + 32 * g, group);
        double total = 0;
        for (int i = 0; i < 32; ++i) total += static_cast<double>(group[i]);
        const double scale = b.scale[g], min = b.min[g];
        aa += scale * scale * static_cast<double>(s.qq);
        ab -= scale * min * static_cast<double>(s.q);
        bb += 32 * min * min;
        xa += scale * static_cast<double>(s.xq);
        xb -= min * total;
    }
    if (aa == 0) return false;
    const double det = aa * bb - ab * ab;
    double d = xa / aa, dmin = static_cast<double>(b.dmin);
    if (bb > 0) {
        if (det <= 1e-9 * aa * bb) return false;
        d = (xa * bb - xb * ab) / det;
        dmin = (aa * xb - ab * xa) / det;
    }
    if (!(d > 0) || !(dmin >= 0)) return false;
    b.d = as_half(static_cast<float>(d));
    b.dmin = as_half(static_cast<float>(dmin));
    return true;
}

// Each group takes the best of the integers around its present ones.
void choose_groups(KBlock& b, const float* x, float high) {
    b.error = 0;
    for (std::size_t g = 0; g < 8; ++g) {
        const int scale = b.scale[g], min = b.min[g];
        float best = kInfinity;
        std::array<float, 32> q;
        for (int s = std::max(scale - 1, 0); s <= std::min(scale + 1, 63); ++s) {
            for (int m = std::max(min - 1, 0); m <= std::min(min + 1, 63); ++m) {
                const float e = quantise<32>(q.data(), x + 32 * g, b.d * static_cast<float>(s),
                                             -b.dmin * static_cast<float>(m), 0, high);
                if (e >= best) continue;
                best = e;
                b.scale[g] = s;
                b.min[g] = m;
                std::copy(q.begin(), q.end(), b.q.begin() + static_cast<std::ptrdiff_t>(32 * g));
            }
        }
        b.error += best;
    }
}

KBlock fit_k_block(const float* x, float high) {
    std::array<Line, 8> lines;
    float max_scale = 0, max_min = 0;
    for (std::size_t g = 0; g < 8; ++g) {
        lines[g] = fit_line<32>(x + 32 * g, high, false, true);
        max_scale = std::max(max_scale, lines[g].d);
        max_min = std::max(max_min, -lines[g].m);
    }
    KBlock now;
    now.d = as_half(max_scale / 63);
    now.dmin = as_half(max_min / 63);
    for (std::size_t g = 0; g < 8; ++g) {
        now.scale[g] = static_cast<int>(to_level(lines[g].d * inverse(now.d), 0, 63));
        now.min[g] = static_cast<int>(to_level(-lines[g].m * inverse(now.dmin), 0, 63));
    }
    KBlock best;
    for (int round = 0; round < 3; ++round) {
        choose_groups(now, x, high);
        if (now.error < best.error) best = now;
        if (!refit(now, x)) break;
    }
    return best;
}

// The inverse of scale_min_k.
void put_scales(std::uint8_t scales[12], const KBlock& k) {
    for (std::size_t g = 0; g < 4; ++g) {
        scales[g] = static_cast<std::uint8_t>(k.scale[g] | (k.scale[g + 4] >> 4) << 6);
        scales[g + 4] = static_cast<std::uint8_t>(k.min[g] | (k.min[g + 4] >> 4) << 6);
        scales[g + 8] = static_cast<std::uint8_t>((k.scale[g + 4] & 15) | (k.min[g + 4] & 15) << 4);
    }
}

void put_k_nibbles(std::uint8_t qs[128], const KBlock& k) {
    for (std::size_t i = 0; i < 128; ++i) {
        const std::size_t low = 64 * (i / 32) + i % 32;
        qs[i] = static_cast<std::uint8_t>((static_cast<unsigned>(k.q[low]) & 15u) |
                                          (static_cast<unsigned>(k.q[low + 32]) & 15u) << 4);
    }
}

void encode_block(BlockQ4_K& b, const float* x) {
    const KBlock k = fit_k_block(x, 15);
    b.d = f32_to_f16(k.d);
    b.dmin = f32_to_f16(k.dmin);
    put_scales(b.scales, k);
    put_k_nibbles(b.qs, k);
}

void encode_block(BlockQ5_K& b, const float* x) {
    const KBlock k = fit_k_block(x, 31);
    b.d = f32_to_f16(k.d);
    b.dmin = f32_to_f16(k.dmin);
    put_scales(b.scales, k);
    put_k_nibbles(b.qs, k);
    std::memset(b.qh, 0, sizeof b.qh);
    for (std::size_t i = 0; i < 256; ++i) {
        b.qh[i % 32] = static_cast<std::uint8_t>(b.qh[i % 32] | (static_cast<unsigned>(k.q[i]) >> 4) << (i / 32));
    }
}

void encode_block(BlockQ6_K& b, const float* x) {
    constexpr float kLow = -32, kHigh = 31;
    std::array<float, 16> wanted;
    float extreme = 0;
    for (std::size_t g = 0; g < 16; ++g) {
        wanted[g] = fit_scale<16>(x + 16 * g, kLow, kHigh, false, 9);
        if (std::fabs(wanted[g]) > std::fabs(extreme)) extreme = wanted[g];
    }
    float d = as_half(extreme / -128);
    std::array<int, 16> scale;
    for (std::size_t g = 0; g < 16; ++g) scale[g] = static_cast<int>(to_level(wanted[g] * inverse(d), -128, 127));

    float best_error = kInfinity;
    std::array<float, 256> q, best_q{};
    for (int round = 0; round < 3; ++round) {
        float error = 0;
        double aa = 0, xa = 0;
        for (std::size_t g = 0; g < 16; ++g) {
            const int center = scale[g];
            float best = kInfinity;
            std::array<float, 16> levels;
            for (int s = std::max(center - 1, -128); s <= std::min(center + 1, 127); ++s) {
                const float e = quantise<16>(levels.data(), x + 16 * g, d * static_cast<float>(s), 0, kLow, kHigh);
                if (e >= best) continue;
                best = e;
                scale[g] = s;
                std::copy(levels.begin(), levels.end(), q.begin() + static_cast<std::ptrdiff_t>(16 * g));
            }
            error += best;
            const Sums s = sums<16>(q.data() + 16 * g, x + 16 * g);
            aa += static_cast<double>(scale[g]) * scale[g] * static_cast<double>(s.qq);
            xa += static_cast<double>(scale[g]) * static_cast<double>(s.xq);
        }
        if (error < best_error) {
            best_error = error;
            best_q = q;
            b.d = f32_to_f16(d);
            for (std::size_t g = 0; g < 16; ++g) b.scales[g] = static_cast<std::int8_t>(scale[g]);
        }
        if (aa == 0) break;
        d = as_half(static_cast<float>(xa / aa));
    }

    std::memset(b.ql, 0, sizeof b.ql);
    std::memset(b.qh, 0, sizeof b.qh);
    for (std::size_t i = 0; i < 256; ++i) {
        const auto level = static_cast<unsigned>(best_q[i] + 32);
        const std::size_t half = i / 128, in_half = i % 128;
        std::uint8_t& low = b.ql[64 * half + in_half % 64];
        std::uint8_t& high = b.qh[32 * half + in_half % 32];
        low = static_cast<std::uint8_t>(low | (level & 15u) << (4 * (in_half / 64)));
        high = static_cast<std::uint8_t>(high | (level >> 4) << (2 * (in_half / 32)));
    }
}

// ---- the table ------------------------------------------------------------------------------------------------------

template <class Block>
void encode_blocks(std::byte* blocks, const float* weights, std::size_t n) {
    constexpr auto kWeights = static_cast<std::size_t>(Block::kWeights);
    assert(n % kWeights == 0);
    for (std::size_t i = 0; i < n / kWeights; ++i) {
        Block block;
        encode_block(block, weights + i * kWeights);
        std::memcpy(blocks + i * sizeof(Block), &block, sizeof(Block));
    }
}

constexpr Encoder kEncoders[] = {
    {FormatId::f32, std::numeric_limits<float>::max(), &encode_blocks<BlockF32>},
    {FormatId::f16, kMaxHalf, &encode_blocks<BlockF16>},
    {FormatId::q4_0, kMaxHalf, &encode_blocks<BlockQ4_0>},
    {FormatId::q4_1, kMaxHalf, &encode_blocks<BlockQ4_1>},
    {FormatId::q5_0, kMaxHalf, &encode_blocks<BlockQ5_0>},
    {FormatId::q5_1, kMaxHalf, &encode_blocks<BlockQ5_1>},
    {FormatId::q8_0, kMaxHalf, &encode_blocks<BlockQ8_0>},
    {FormatId::q4_k, kMaxHalf, &encode_blocks<BlockQ4_K>},
    {FormatId::q5_k, kMaxHalf, &encode_blocks<BlockQ5_K>},
    {FormatId::q6_k, kMaxHalf, &encode_blocks<BlockQ6_K>},
    {FormatId::bf16, 0x1.FEp127f, &encode_blocks<BlockBF16>},
};

}  // namespace

std::span<const Encoder> encoders() {
    return kEncoders;
}

const Encoder* find_encoder(FormatId id) {
    for (const Encoder& encoder : kEncoders) {
        if (encoder.id == id) return &encoder;
    }
    return nullptr;
}

}  // namespace distill
