// Weights as the AVX2 table reads them: what a format asks for, scales and wide weights in registers, and what several
// tokens share, unpacked into the first-level cache.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "quant/kernels/avx2_activations.h"
#include "quant/kernels/matmul.h"
#include "quant/kernels/vector256.h"

namespace distill {
namespace {

struct Avx2 : Vector256 {};

template <class F>
struct Traits {
    static constexpr bool kWide = F::kBits == 8;
    static constexpr bool kSubScales = F::kBlocks > 1;
    // The largest weight as 16-bit sums see it: unsigned, or re-centred.
    static constexpr int kLargest = F::kOffset == 0 ? (1 << F::kBits) - 1 : F::kOffset;
    // Groups of four columns that share a sum, two columns of each in either lane.
    static constexpr std::size_t kPerWord = F::kScales == 1 && 8 * 2 * kLargest * 127 <= 0x7fff ? 8 : 4;
    static_assert(kWide || kPerWord * 2 * kLargest * 127 <= 0x7fff);
    static constexpr std::size_t kMinima = F::kMin == 0 ? 0 : F::kScales;
};
// The sum of a block fits 32 bits with its scales: 5-bit weights with scales of 6 bits, re-centred 6-bit ones with
// scales of 8. A larger m makes smaller q: |m * q| hardly grows.
constexpr long long kLargestProduct = 127 * kSteps + kLargestM / 2;
static_assert(32 * 31 * 63 * kLargestProduct <= 0x7fffffff && 32 * 32 * 128 * kLargestProduct <= 0x7fffffff);

// Integer scales of 8 rows, 32 bits each.
DISTILL_INLINE __m256i wide_scales(const std::uint8_t* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
DISTILL_INLINE __m256i wide_scales(const std::int8_t* p) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
// The same, 16 bits in both halves of a lane.
DISTILL_INLINE __m256i paired(__m256i scales) {
    return _mm256_blend_epi16(scales, _mm256_slli_epi32(scales, 16), 0xaa);
}

// The sum of unit * m * q for half a block: for formats with a minimum for each half.
template <std::size_t T>
DISTILL_INLINE float half_sum(const NarrowBlock<T>& x, std::size_t t, std::size_t h) {
    const std::int32_t sum = x.m[t][0] * x.minus_8_sums[t][h][0] + x.m[t][1] * x.minus_8_sums[t][h][1];
    return x.unit[t] * (static_cast<float>(sum) * -0.125f);
}

// -offset * sum(q) of half a block, from -8 * sum(q): what its 16-bit sums start with.
template <int kOffset>
DISTILL_INLINE __m256i start_words(const std::int16_t (&minus_8_sums)[2]) {
    const __m256i sums = broadcast32(minus_8_sums);
    if constexpr (kOffset < 8)
        return _mm256_srai_epi16(sums, 3 - __builtin_ctz(kOffset));
    else
        return _mm256_slli_epi16(sums, __builtin_ctz(kOffset / 8));
}

// A unit of 8 rows, of weights of 8 bits: w = unit * W, W = (q - 128) * k / 128, rounded; k = 128 * the integer scale
// where a format has one, which is exact.
template <class F>
struct WideScales {
    static_assert(F::kSpan == 1 && F::kScales == 1 && F::kOffset == 128 && F::kMin == 0);
    __m256i k[kUnitBlocks];  // both halves of a lane
    __m256 unit;

    // Of `here` blocks, `panel` that of the first one; rows from `lane` on.
    DISTILL_INLINE WideScales(const typename F::Panel* panel, const typename F::Prepared& prepared, std::size_t here,
                              std::size_t lane) {
        if constexpr (Traits<F>::kSubScales) {
            for (std::size_t j = 0; j < here; ++j)
                k[j] = paired(_mm256_slli_epi32(wide_scales(F::sub_scales(*panel, prepared, j, 0) + lane), 7));
            unit = Avx2::f16(panel->d + lane);
        } else {
            __m256 scale[kUnitBlocks];
            __m256i top_bits = _mm256_setzero_si256();  // as bit patterns, so that NaN comes out on top
            for (std::size_t j = 0; j < here; ++j) {
                scale[j] = F::scale(panel[j], prepared, 0, 0, lane);
                const __m256i bits = _mm256_castps_si256(scale[j]);
                top_bits = _mm256_max_epu32(top_bits, _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff)));
            }
            // Too small to be divided by: zero. Infinity and NaN stay in the unit, and end in the logits.
            const __m256 top = _mm256_castsi256_ps(top_bits);
            const __m256 normal = _mm256_cmp_ps(top, _mm256_set1_ps(1e-30f), _CMP_GT_OQ);
            const __m256 per_k = _mm256_and_ps(normal, _mm256_div_ps(_mm256_set1_ps(kLargestWeight), top));
            for (std::size_t j = 0; j < here; ++j) k[j] = paired(_mm256_cvtps_epi32(_mm256_mul_ps(scale[j], per_k)));
            unit = _mm256_mul_ps(top, _mm256_set1_ps(128.0f / kLargestWeight));
        }
    }
};
// W of four columns of 8 rows as 16-bit numbers: columns 0 and 2, columns 1 and 3. Of the 31 bits of a product of
// 256 * (q - 128) and k the upper 16 are kept.
struct WideWeights {
    __m256i even, odd;
    DISTILL_INLINE WideWeights(__m256i bytes, __m256i k) {
        const __m256i centred = _mm256_xor_si256(bytes, _mm256_set1_epi8(-128));
        even = _mm256_mulhrs_epi16(_mm256_slli_epi16(centred, 8), k);
        odd = _mm256_mulhrs_epi16(_mm256_and_si256(centred, _mm256_set1_epi16(-0x100)), k);
    }
};
// acc + what a token's unit has summed up.
DISTILL_INLINE __m256 add_wide_unit(__m256 acc, __m256i whole, __m256 row_unit, float unit) {
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), _mm256_mul_ps(row_unit, _mm256_set1_ps(unit * kWideUnit)), acc);
}

template <class F>
struct UnpackedSpan {
    using Tr = Traits<F>;
    alignas(32) std::uint8_t w[F::kSpan][8][4 * kPanelRows];
    alignas(32) std::uint8_t sub[Tr::kSubScales ? F::kSpan : 1][F::kScales][4 * kPanelRows];  // as 16-bit pairs

    // The i-th span of a panel block.
    DISTILL_INLINE void unpack(const typename F::Panel& p, const typename F::Prepared& prepared, std::size_t i) {
        const auto& span = F::span(p, i);
        unroll<F::kSpan * kRegisters>([&](auto at) DISTILL_LAMBDA {
            constexpr std::size_t k = at / kRegisters, lane = at % kRegisters * 8;
            const std::size_t j = F::kSpan * i + k;
            if constexpr (Tr::kSubScales) {
                unroll<F::kScales>([&](auto h) DISTILL_LAMBDA {
                    Vector256::store(sub[k][h] + 4 * lane,
                                     paired(wide_scales(F::sub_scales(p, prepared, j, h) + lane)));
                });
            }
            unroll<8>([&](auto g) DISTILL_LAMBDA {
                Vector256::store(w[k][g] + 4 * lane, F::template weights<k, g>(span, 4 * lane));
            });
        });
    }
};

// A unit of weights of 8 bits.
template <class F>
struct UnpackedUnit {
    alignas(32) std::uint8_t w[kUnitBlocks][8][2][4 * kPanelRows];  // columns 0 and 2 of each four, then 1 and 3
    __m256 unit[kRegisters];

    // Of `here` blocks, `panel` that of the first one.
    DISTILL_INLINE void unpack(const typename F::Panel* panel, std::size_t here) {
        const auto prepared = F::prepare(*panel);
        unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
            constexpr std::size_t lane = 8 * n;
            const WideScales<F> scales(panel, prepared, here, lane);
            unit[n] = scales.unit;
            for (std::size_t j = 0; j < here; ++j) {
                const auto& span = F::span(F::kBlocks == 1 ? panel[j] : *panel, F::kBlocks == 1 ? 0 : j);
                unroll<8>([&](auto g) DISTILL_LAMBDA {
                    const WideWeights words(F::template weights<0, g>(span, 4 * lane), scales.k[j]);
                    Vector256::store(w[j][g][0] + 4 * lane, words.even);
                    Vector256::store(w[j][g][1] + 4 * lane, words.odd);
                });
            }
        });
    }
};

}  // namespace
}  // namespace distill
