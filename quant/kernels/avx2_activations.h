// Activations as the AVX2 table reads them (avx2.cpp says why), in two forms: narrow ones, bytes with scales of 16
// columns that are integer multiples of the unit of 256, and wide ones, 16-bit numbers in that unit.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "quant/kernels/matmul_args.h"
#include "quant/unroll.h"

namespace distill {
namespace {

constexpr std::size_t kUnitBlocks = 8;  // blocks of 32 columns that share a unit
// The largest of 256 values is kSteps units, 127 of them for each step of m: m is 1..kSteps, or up to 3 above where
// that loses less.
constexpr int kSteps = 127, kTries = 4, kLargestM = kSteps + kTries - 1;

// 32 columns of T tokens. Its two scales belong to columns 4g, 4g + 1 and to 4g + 2, 4g + 3, the lanes of the 16-bit
// sums.
template <std::size_t T>
struct NarrowBlock {
    std::int8_t q[T][kActBlock];  // x / (unit * m), rounded
    std::int16_t m[T][2];
    std::int16_t minus_8_sums[T][2][2];  // -8 * sum(q): of columns 0..15 and 16..31, those of either scale
    float unit[T];
    float sum[T];  // of unit * m * q
};
template <std::size_t T>
struct WideBlock {
    std::int16_t q[T][kActBlock];  // x / (unit * kWideUnit), rounded; of each four columns 0, 2, 1, 3, as the even and
                                   // the odd bytes of weights come apart
};
constexpr int kLargestWide = 2047, kLargestWeight = 4095;
static_assert(256ll * kLargestWide * (kLargestWeight + 1) <= 0x7fffffff);
constexpr float kWideUnit = 127.0f * kSteps / kLargestWide;
template <std::size_t T>
constexpr std::size_t kBlockBytes = sizeof(NarrowBlock<T>) + sizeof(WideBlock<T>);
static_assert(kBlockBytes<8> == 8 * kBlockBytes<1>);

// A unit's narrow blocks stand together, its wide ones behind them: a product reads one kind, and as little memory as
// possible.
template <std::size_t T>
struct Unit {
    NarrowBlock<T>* narrow;
    WideBlock<T>* wide;

    // The unit that block `b` of n_blocks belongs to.
    Unit(const void* blocks, std::size_t b, std::size_t n_blocks) {
        const std::size_t first = b / kUnitBlocks * kUnitBlocks;
        const std::size_t here = n_blocks - first < kUnitBlocks ? n_blocks - first : kUnitBlocks;
        char* p = const_cast<char*>(static_cast<const char*>(blocks)) + first * kBlockBytes<T>;
        narrow = reinterpret_cast<NarrowBlock<T>*>(p);
        wide = reinterpret_cast<WideBlock<T>*>(p + here * sizeof(NarrowBlock<T>));
    }
};
// The same block of another group of tokens.
template <class Block>
DISTILL_INLINE const Block& of_group(const Block* x, std::size_t group, std::size_t group_bytes) {
    return *reinterpret_cast<const Block*>(reinterpret_cast<const char*>(x) + group * group_bytes);
}

DISTILL_INLINE __m256i broadcast32(const void* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm256_set1_epi32(word);
}
DISTILL_INLINE std::int32_t sum_of(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}
// Lanes of a block's four registers belong to scales 0, 0, 1, 1, 0, 0, 1, 1: each lane gets what its scale's four lanes
// hold together.
DISTILL_INLINE __m256 sum_by_scale(__m256 v) {
    v = _mm256_add_ps(v, _mm256_permute2f128_ps(v, v, 1));
    return _mm256_add_ps(v, _mm256_permute_ps(v, 0xb1));
}
DISTILL_INLINE __m256i largest_by_scale(__m256i v) {
    v = _mm256_max_epu32(v, _mm256_permute2x128_si256(v, v, 1));
    return _mm256_max_epu32(v, _mm256_shuffle_epi32(v, 0xb1));
}
// 16 integers in 32 bits to 16, in order.
DISTILL_INLINE __m256i packed16(__m256i a, __m256i b) {
    return _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
}

// A block of one token, in units. Of the least m that the largest value of a scale allows and the next three, the one
// that loses least.
template <std::size_t T>
DISTILL_INLINE void quantize_narrow(NarrowBlock<T>& to, std::size_t t, const __m256 (&v)[4], __m256 most,
                                    __m256 steps_per_top) {
    const __m256 wanted = _mm256_ceil_ps(_mm256_mul_ps(most, steps_per_top));
    const __m256 least_m = _mm256_max_ps(_mm256_min_ps(wanted, _mm256_set1_ps(kSteps)), _mm256_set1_ps(1.0f));
    __m256 best_m = least_m, best_factor = _mm256_setzero_ps(), least_loss = _mm256_setzero_ps();
    unroll<kTries>([&](auto i) DISTILL_LAMBDA {
        const __m256 m = _mm256_add_ps(least_m, _mm256_set1_ps(static_cast<float>(i)));
        const __m256 factor = _mm256_div_ps(_mm256_set1_ps(1.0f), m);
        __m256 squares = _mm256_setzero_ps();
        unroll<4>([&](auto k) DISTILL_LAMBDA {
            const __m256 q = _mm256_mul_ps(v[k], factor);
            const __m256 lost = _mm256_sub_ps(q, _mm256_round_ps(q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
            squares = _mm256_fmadd_ps(lost, lost, squares);
        });
        const __m256 loss = _mm256_mul_ps(sum_by_scale(squares), _mm256_mul_ps(m, m));
        if constexpr (i == 0) {
            best_factor = factor;
            least_loss = loss;
        } else {
            const __m256 better = _mm256_cmp_ps(loss, least_loss, _CMP_LT_OQ);
            best_m = _mm256_blendv_ps(best_m, m, better);
            best_factor = _mm256_blendv_ps(best_factor, factor, better);
            least_loss = _mm256_min_ps(loss, least_loss);
        }
    });
    __m256i narrow[4];
    unroll<4>([&](auto i) DISTILL_LAMBDA { narrow[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], best_factor)); });
    const __m256i first = packed16(narrow[0], narrow[1]), second = packed16(narrow[2], narrow[3]);
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(first, second), 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.q[t]), bytes);
    const __m256i m32 = _mm256_cvtps_epi32(best_m), m16 = _mm256_packs_epi32(m32, m32);  // lanes 0, 0, 1, 1, ...
    to.m[t][0] = static_cast<std::int16_t>(_mm256_extract_epi16(m16, 0));
    to.m[t][1] = static_cast<std::int16_t>(_mm256_extract_epi16(m16, 2));
    const std::int32_t sum = sum_of(_mm256_add_epi32(_mm256_madd_epi16(first, m16), _mm256_madd_epi16(second, m16)));
    unroll<2>([&](auto h) DISTILL_LAMBDA {
        const __m256i pairs =
            _mm256_madd_epi16(h == 0 ? first : second, _mm256_set1_epi16(-8));  // lanes: scale 0, 1, 0, 1, ...
        __m128i lanes = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
        lanes = _mm_add_epi32(lanes, _mm_shuffle_epi32(lanes, 0x4e));
        to.minus_8_sums[t][h][0] = static_cast<std::int16_t>(_mm_cvtsi128_si32(lanes));
        to.minus_8_sums[t][h][1] = static_cast<std::int16_t>(_mm_extract_epi32(lanes, 1));
    });
    to.sum[t] = to.unit[t] * static_cast<float>(sum);
}

template <std::size_t T>
DISTILL_INLINE void quantize_wide(WideBlock<T>& to, std::size_t t, const __m256 (&v)[4]) {
    const __m256i swap = _mm256_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15,  //
                                          0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
    unroll<2>([&](auto h) DISTILL_LAMBDA {
        const auto rounded = [](__m256 units) DISTILL_LAMBDA {
            return _mm256_cvtps_epi32(_mm256_mul_ps(units, _mm256_set1_ps(1 / kWideUnit)));
        };
        const __m256i words = packed16(rounded(v[2 * h]), rounded(v[2 * h + 1]));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.q[t] + 16 * h), _mm256_shuffle_epi8(words, swap));
    });
}

// Up to kUnitBlocks blocks of one token.
template <std::size_t T, ActForms kForms>
DISTILL_INLINE void quantize_unit(const Unit<T>& out, std::size_t t, const float* x, std::size_t n_blocks) {
    constexpr float kWhole = 127.0f * kSteps;
    __m256 most[kUnitBlocks];
    __m256i top_bits = _mm256_setzero_si256();
    for (std::size_t b = 0; b < n_blocks; ++b) {
        __m256i m = _mm256_setzero_si256();
        unroll<4>([&](auto i) DISTILL_LAMBDA {
            // As bit patterns, so that NaN comes out on top.
            const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + kActBlock * b + 8 * i));
            m = _mm256_max_epu32(m, _mm256_and_si256(v, _mm256_set1_epi32(0x7fffffff)));
        });
        m = largest_by_scale(m);
        most[b] = _mm256_castsi256_ps(m);
        top_bits = _mm256_max_epu32(top_bits, m);
    }
    top_bits = _mm256_max_epu32(top_bits, _mm256_shuffle_epi32(top_bits, 0x4e));
    const float top = _mm_cvtss_f32(_mm_castsi128_ps(_mm256_castsi256_si128(top_bits)));
    // NaN stays NaN, and ends in the logits; so does what is too large to be divided by.
    const bool normal = (top > 1e-30f) & (top < 1e30f);
    const float unit = top / kWhole;
    const __m256 per_unit = _mm256_set1_ps(normal ? kWhole / top : top * 0.0f);
    const __m256 steps_per_top = _mm256_set1_ps(normal ? static_cast<float>(kSteps) / top : 0.0f);

    for (std::size_t b = 0; b < n_blocks; ++b) {
        __m256 v[4];  // in units
        unroll<4>([&](auto i)
                      DISTILL_LAMBDA { v[i] = _mm256_mul_ps(_mm256_loadu_ps(x + kActBlock * b + 8 * i), per_unit); });
        out.narrow[b].unit[t] = unit;
        if constexpr ((kForms & kCoarse) != 0) quantize_narrow(out.narrow[b], t, v, most[b], steps_per_top);
        if constexpr ((kForms & kFine) != 0) quantize_wide(out.wide[b], t, v);
    }
}

template <std::size_t T, ActForms kForms>
void quantize_group256(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens) {
    constexpr float kZeros[kUnitBlocks * kActBlock] = {};
    const std::size_t n_blocks = n / kActBlock;
    for (std::size_t b = 0; b < n_blocks; b += kUnitBlocks) {
        const std::size_t here = n_blocks - b < kUnitBlocks ? n_blocks - b : kUnitBlocks;
        for (std::size_t t = 0; t < T; ++t) {
            const float* from = static_cast<int>(t) < n_tokens ? x + t * x_stride + b * kActBlock : kZeros;
            quantize_unit<T, kForms>(Unit<T>(blocks, b, n_blocks), t, from, here);
        }
    }
}

template <ActForms kForms>
void quantize_forms256(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens, int group) {
    switch (group) {
        case 1:
            return quantize_group256<1, kForms>(blocks, x, x_stride, n, n_tokens);
        case 2:
            return quantize_group256<2, kForms>(blocks, x, x_stride, n, n_tokens);
        case 4:
            return quantize_group256<4, kForms>(blocks, x, x_stride, n, n_tokens);
        default:
            return quantize_group256<8, kForms>(blocks, x, x_stride, n, n_tokens);
    }
}

void quantize256(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens, int group,
                 ActForms forms) {
    switch (forms) {
        case kCoarse:
            return quantize_forms256<kCoarse>(blocks, x, x_stride, n, n_tokens, group);
        case kFine:
            return quantize_forms256<kFine>(blocks, x, x_stride, n, n_tokens, group);
        default:
            return quantize_forms256<kBothForms>(blocks, x, x_stride, n, n_tokens, group);
    }
}

void dequantize256(float* out, const void* blocks, std::size_t n, ActForms form) {
    for (std::size_t i = 0; i < n; ++i) {
        const Unit<1> unit(blocks, i / kActBlock, n / kActBlock);
        const std::size_t b = i / kActBlock % kUnitBlocks, k = i % kActBlock;
        // Of four wide columns the second and the third have changed places.
        const std::size_t at = k % 4 == 1 || k % 4 == 2 ? k ^ 3 : k;
        const NarrowBlock<1>& narrow = unit.narrow[b];
        if (form == kFine)
            out[i] = static_cast<float>(unit.wide[b].q[0][at]) * (narrow.unit[0] * kWideUnit);
        else
            out[i] = static_cast<float>(narrow.q[0][k] * narrow.m[0][k / 2 % 2]) * narrow.unit[0];
    }
}

}  // namespace
}  // namespace distill
