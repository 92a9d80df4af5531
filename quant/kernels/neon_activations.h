// Activations as the NEON tables keep them. A half of a block, 16 columns, has a scale m * unit, where m is a small whole
// number and `unit` one float for 256 columns: so a kernel sums up 256 columns in integers, and of a product's scaling three
// integer multiplications are left for 32 columns where float scales take two conversions and three multiplications.
// Coarse ones have one m for both halves, which leaves two.
#pragma once

#include <arm_neon.h>

#include "quant/kernels/matmul_args.h"
#include "quant/unroll.h"

namespace distill {
namespace {

constexpr size_t kUnitBlocks = 8;  // blocks of 32 columns that share a unit
// m is 1..kMultiples, the largest of 256 values is 127 * kMultiples units. More would not let 8 blocks of Q4_K, whose scales
// have 6 bits, fit a 32-bit sum.
constexpr int kMultiples = 64;
constexpr int64_t kLargestActivation = 127 * kMultiples;  // in units

// What a table's activations look like. kTwoByTwo: it multiplies four tokens and more by smmla, which takes 8 columns of two tokens as a
// register and gives two rows of two tokens.
template <class V>
constexpr size_t kActivationBytes = V::kTwoByTwo ? 72 : 60;  // for 32 columns of a token

// `here` blocks of T tokens, 8 but for the last unit of a row. One or two tokens have what scales a block side by side, to
// be loaded at once; more of them have it token by token, for the next tokens to be loaded with it. Two by two, tokens 2i and
// 2i + 1 take turns, 8 columns each, and their m stand twice: as results do, where each row meets both.
template <class V, size_t T>
struct Unit {
    static constexpr bool kFew = T <= 2, kTwoByTwo = !kFew && V::kTwoByTwo;
    static constexpr size_t kNumbers = kTwoByTwo ? 9 : kFew ? 5 : 6;  // of a block of a token
    char* at;
    size_t here;

    DISTILL_INLINE Unit(const void* blocks, size_t b, size_t n_blocks)
        : at(const_cast<char*>(static_cast<const char*>(blocks)) + b * T * kActivationBytes<V>),
          here(n_blocks - b < kUnitBlocks ? n_blocks - b : kUnitBlocks) {}
    DISTILL_INLINE int32_t* numbers(size_t i) const { return reinterpret_cast<int32_t*>(at + here * T * kActBlock) + i; }

    // x / (unit * m), rounded: of block j, token t, columns 8k and on.
    DISTILL_INLINE int8_t* q(size_t j, size_t t, size_t k = 0) const {
        const size_t place = kTwoByTwo ? (j * T + t - t % 2) * 4 + 2 * k + t % 2 : (j * T + t) * 4 + k;
        return reinterpret_cast<int8_t*>(at) + 8 * place;
    }
    // m of the first half less m of the second, m of the second. What a product wants is m0 * dot0 + m1 * dot1, and that is
    // (m0 - m1) * dot0 + m1 * (dot0 + dot1): the second half's sum goes on from the first one's.
    DISTILL_INLINE int32_t* m(size_t j, size_t t, size_t h = 0) const {
        if constexpr (kTwoByTwo) return numbers((j * T + t - t % 2) * 4 + 4 * h + t % 2);  // and two numbers behind
        else return numbers((kFew ? (j * T + t) * 4 : (j * T + t) * 2) + h);
    }
    // -8 * sum of q, of each half: behind m for one or two tokens.
    DISTILL_INLINE int32_t* minus_8_sums(size_t j, size_t t, size_t h = 0) const {
        if constexpr (kTwoByTwo) return numbers(here * T * 4 + (j * T + t - t % 2) * 2 + 2 * h + t % 2);
        else return numbers((kFew ? (j * T + t) * 4 + 2 : (here * T + j * T + t) * 2) + h);
    }
    // Of coarse ones, more than two tokens: the m of all of the block, which those of other tokens stand beside.
    DISTILL_INLINE int32_t* coarse_m(size_t j, size_t t) const {
        if constexpr (kTwoByTwo) return numbers((6 * here + 2 * j) * T + (t - t % 2) * 2 + t % 2);
        else return numbers((4 * here + j) * T + t);
    }
    DISTILL_INLINE int32_t* sum(size_t j, size_t t) const { return numbers((kNumbers - 1) * here * T + j * T + t); }  // of m * q
    DISTILL_INLINE float* unit(size_t t) const { return reinterpret_cast<float*>(numbers(kNumbers * here * T + t)); }
    // Whole units only. The same sums as three digits, the highest first: sum = (digit * 128 + digit) * 128 + digit. What they
    // are multiplied with are bytes, four blocks at a time, or eight blocks of two tokens.
    DISTILL_INLINE int8_t* digits(size_t t, size_t i = 0) const {
        const size_t place = kTwoByTwo ? (t - t % 2) * 3 + 2 * i + t % 2 : 3 * t + i;
        return reinterpret_cast<int8_t*>(numbers(kNumbers * here * T + T)) + 8 * place;
    }
};
static_assert(8 * (kActBlock + 6 * 4) + 4 + 24 <= 8 * 60 && kActBlock + 6 * 4 + 4 <= 60);
static_assert(8 * (kActBlock + 9 * 4) + 4 + 24 <= 8 * 72 && kActBlock + 9 * 4 + 4 <= 72);
static_assert(32 * kLargestActivation < int64_t{1} << 20);  // three digits are enough

// Of 4 * N values the largest magnitude, as a bit pattern, so that NaN comes out on top.
template <size_t N>
DISTILL_INLINE uint32_t largest_of(const float* x) {
    uint32x4_t most[N];
    unroll<N>([&](auto i) DISTILL_LAMBDA { most[i] = vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(x + 4 * i))); });
    unroll<N / 2>([&](auto i) DISTILL_LAMBDA { most[i] = vmaxq_u32(most[2 * i], most[2 * i + 1]); });
    unroll<N / 4>([&](auto i) DISTILL_LAMBDA { most[i] = vmaxq_u32(most[2 * i], most[2 * i + 1]); });
    return vmaxvq_u32(N == 8 ? vmaxq_u32(most[0], most[1]) : most[0]);
}

// A token's part of a unit. Of the four least m that the largest value allows, the one that loses least is taken: a fifth
// less error than the first, for a few operations that no product notices.
template <class V, size_t T, ActForms kForms>
DISTILL_INLINE void quantize_unit(const Unit<V, T>& out, size_t t, const float* x) {
    // Scales of a block, and registers of what shares one.
    constexpr size_t kScales = (kForms & kCoarse) != 0 ? 1 : 2, kEach = 8 / kScales;
    float largest[kScales * kUnitBlocks], top = 0;
    {
        uint32_t most = 0;
        for (size_t i = 0; i < kScales * out.here; ++i) {
            const uint32_t bits = largest_of<kEach>(x + 4 * kEach * i);
            largest[i] = vget_lane_f32(vreinterpret_f32_u32(vdup_n_u32(bits)), 0);
            most = bits > most ? bits : most;
        }
        top = vget_lane_f32(vreinterpret_f32_u32(vdup_n_u32(most)), 0);
    }
    // NaN stays NaN, and ends in the logits; so does what is too large to be divided by.
    const bool normal = (top > 1e-30f) & (top < 1e30f);
    const float per_unit = normal ? static_cast<float>(kLargestActivation) / top : 0.0f;
    *out.unit(t) = top * (1.0f / static_cast<float>(kLargestActivation));
    int32_t sums[kUnitBlocks];
    for (size_t j = 0; j < out.here; ++j) {
        int32_t m[kScales], sum[2];
        unroll<kScales>([&](auto s) DISTILL_LAMBDA {
            constexpr float kTries[4] = {0, 1, 2, 3};
            const float least = largest[kScales * j + s] * per_unit * (1.0f / 127.0f);
            float32x4_t tries = vaddq_f32(vrndpq_f32(vdupq_n_f32(least)), vld1q_f32(kTries));
            tries = vminq_f32(vmaxq_f32(tries, vdupq_n_f32(1.0f)), vdupq_n_f32(kMultiples));
            const float32x4_t factors = vdivq_f32(vdupq_n_f32(per_unit), tries);
            float32x4_t v[kEach], squares[4];
            unroll<kEach>([&](auto i) DISTILL_LAMBDA { v[i] = vld1q_f32(x + kActBlock * j + 4 * (kEach * s + i)); });
            unroll<4>([&](auto k) DISTILL_LAMBDA {
                unroll<kEach>([&](auto i) DISTILL_LAMBDA {
                    const float32x4_t scaled = vmulq_laneq_f32(v[i], factors, k);
                    const float32x4_t lost = vsubq_f32(scaled, vrndnq_f32(scaled));
                    squares[k] = i == 0 ? vmulq_f32(lost, lost) : vfmaq_f32(squares[k], lost, lost);
                });
            });
            float32x4_t loss = vpaddq_f32(vpaddq_f32(squares[0], squares[1]), vpaddq_f32(squares[2], squares[3]));
            loss = vmulq_f32(loss, vmulq_f32(tries, tries));
            const uint32x4_t best = vceqq_f32(loss, vdupq_n_f32(vminnmvq_f32(loss)));
            m[s] = static_cast<int32_t>(vminnmvq_f32(vbslq_f32(best, tries, vdupq_n_f32(kMultiples))));
            const float factor = vmaxnmvq_f32(vbslq_f32(best, factors, vdupq_n_f32(0.0f)));
            unroll<kEach / 4>([&](auto i) DISTILL_LAMBDA {
                constexpr size_t h = s + i;
                int32x4_t q[4];
                unroll<4>([&](auto k) DISTILL_LAMBDA { q[k] = vcvtnq_s32_f32(vmulq_n_f32(v[4 * i + k], factor)); });
                const int16x8_t first = vcombine_s16(vqmovn_s32(q[0]), vqmovn_s32(q[1]));
                const int16x8_t second = vcombine_s16(vqmovn_s32(q[2]), vqmovn_s32(q[3]));
                vst1_s8(out.q(j, t, 2 * h), vqmovn_s16(first));
                vst1_s8(out.q(j, t, 2 * h + 1), vqmovn_s16(second));
                if constexpr (kForms != kCoarse) sum[h] = vaddvq_s32(vaddq_s32(vaddq_s32(q[0], q[1]), vaddq_s32(q[2], q[3])));
            });
        });
        const int32_t multiples[2] = {m[0] - m[kScales - 1], m[kScales - 1]};
        unroll<2>([&](auto h) DISTILL_LAMBDA {
            out.m(j, t, h)[0] = multiples[h];
            if constexpr (Unit<V, T>::kTwoByTwo) out.m(j, t, h)[2] = multiples[h];
            if constexpr (kForms != kCoarse) *out.minus_8_sums(j, t, h) = -8 * sum[h];
        });
        if constexpr (kScales == 1 && !Unit<V, T>::kFew) {
            out.coarse_m(j, t)[0] = m[0];
            if constexpr (Unit<V, T>::kTwoByTwo) out.coarse_m(j, t)[2] = m[0];
        }
        if constexpr (kForms != kCoarse) *out.sum(j, t) = sums[j] = m[0] * sum[0] + m[kScales - 1] * sum[1];
    }
    if (kForms == kCoarse || out.here < kUnitBlocks) return;
    for (size_t j = 0; j < kUnitBlocks; ++j) {
        const int32_t high = (sums[j] + 64) >> 7, highest = (high + 64) >> 7;
        out.digits(t, 0)[j] = static_cast<int8_t>(highest);
        out.digits(t, 1)[j] = static_cast<int8_t>(high - 128 * highest);
        out.digits(t, 2)[j] = static_cast<int8_t>(sums[j] - 128 * high);
    }
}

template <class V, size_t T, ActForms kForms>
void quantize_units(void* blocks, const float* x, size_t x_stride, size_t n, int n_tokens) {
    constexpr float kZeros[kUnitBlocks * kActBlock] = {};
    const size_t n_blocks = n / kActBlock;
    for (size_t b = 0; b < n_blocks; b += kUnitBlocks) {
        const Unit<V, T> unit(blocks, b, n_blocks);
        for (size_t t = 0; t < T; ++t) {
            quantize_unit<V, T, kForms>(unit, t, static_cast<int>(t) < n_tokens ? x + t * x_stride + b * kActBlock : kZeros);
        }
    }
}
template <class V, ActForms kForms>
void quantize_forms(void* blocks, const float* x, size_t x_stride, size_t n, int n_tokens, int group) {
    switch (group) {
        case 1: return quantize_units<V, 1, kForms>(blocks, x, x_stride, n, n_tokens);
        case 2: return quantize_units<V, 2, kForms>(blocks, x, x_stride, n, n_tokens);
        case 4: return quantize_units<V, 4, kForms>(blocks, x, x_stride, n, n_tokens);
        default: return quantize_units<V, 8, kForms>(blocks, x, x_stride, n, n_tokens);
    }
}
// The coarse form serves who reads the fine one as well.
template <class V>
void quantize_activations(void* blocks, const float* x, size_t x_stride, size_t n, int n_tokens, int group, ActForms forms) {
    if constexpr (!V::kDotProducts) return quantize_forms<V, kFine>(blocks, x, x_stride, n, n_tokens, group);
    else switch (forms) {
        case kCoarse: return quantize_forms<V, kCoarse>(blocks, x, x_stride, n, n_tokens, group);
        case kFine: return quantize_forms<V, kFine>(blocks, x, x_stride, n, n_tokens, group);
        default: return quantize_forms<V, kBothForms>(blocks, x, x_stride, n, n_tokens, group);
    }
}
template <class V>
void dequantize_activations(float* out, const void* blocks, size_t n, ActForms) {
    const size_t n_blocks = n / kActBlock;
    for (size_t b = 0; b < n_blocks; ++b) {
        const size_t j = b % kUnitBlocks;
        const Unit<V, 1> unit(blocks, b - j, n_blocks);
        const int32_t* m = unit.m(j, 0);
        for (size_t k = 0; k < kActBlock; ++k) {
            const int32_t multiple = k < kActBlock / 2 ? m[0] + m[1] : m[1];
            out[b * kActBlock + k] = static_cast<float>(unit.q(j, 0)[k] * multiple) * *unit.unit(0);
        }
    }
}

}  // namespace
}  // namespace distill
