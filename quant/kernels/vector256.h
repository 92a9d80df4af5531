// What AVX2 and AVX-VNNI share: 256-bit registers, 8 rows of a panel each. Included by those two files only.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "quant/kernels/matmul.h"

namespace distill {
namespace {

constexpr std::size_t kRegisters = 2;  // for the 16 rows of a panel

struct Vector256 {
    using U8 = __m256i;
    using I32 = __m256i;
    using F32 = __m256;
    static constexpr std::size_t kLanes = 8, kGroup = 8, kMaxTile = 4, kPrefetchStep = 64;
    static constexpr std::size_t kFloatTile = 6, kFloatTokens = 3;

    DISTILL_INLINE static U8 load(const std::uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
    DISTILL_INLINE static void store(std::uint8_t* p, U8 v) { _mm256_store_si256(reinterpret_cast<__m256i*>(p), v); }
    DISTILL_INLINE static U8 masked(U8 v, int mask) { return _mm256_and_si256(v, _mm256_set1_epi8(static_cast<char>(mask))); }
    DISTILL_INLINE static U8 low(U8 v) { return masked(v, 15); }
    DISTILL_INLINE static U8 high(U8 v) { return masked(_mm256_srli_epi16(v, 4), 15); }
    // Bits that cross into the neighbouring byte are for the caller to mask away.
    template <int kBits>
    DISTILL_INLINE static U8 shift_right(U8 v) {
        if constexpr (kBits > 0) return _mm256_srli_epi16(v, kBits);
        else if constexpr (kBits < 0) return _mm256_slli_epi16(v, -kBits);
        else return v;
    }
    DISTILL_INLINE static U8 merge(U8 base, U8 bits, int mask) { return _mm256_or_si256(base, masked(bits, mask)); }
    DISTILL_INLINE static U8 lookup(const std::uint8_t* table, U8 index) {
        return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table))), index);
    }
    DISTILL_INLINE static U8 broadcast4(const std::int8_t* p) {
        std::int32_t word;
        __builtin_memcpy(&word, p, 4);
        return _mm256_set1_epi32(word);
    }
    // -offset * sum, from -8 * sum.
    template <int kOffset>
    DISTILL_INLINE static I32 start_sum(const std::int32_t* minus_8_sum) {
        if constexpr (kOffset == 0) return _mm256_setzero_si256();
        else if constexpr (kOffset < 8) return _mm256_srai_epi32(_mm256_set1_epi32(*minus_8_sum), 8 / kOffset / 2);
        else return _mm256_slli_epi32(_mm256_set1_epi32(*minus_8_sum), __builtin_ctz(kOffset / 8));
    }

    DISTILL_INLINE static F32 f16(const std::uint16_t* p) {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    DISTILL_INLINE static F32 bf16(const std::uint16_t* p) {
        const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
        return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
    }
    DISTILL_INLINE static F32 u8_f32(const std::uint8_t* p) {
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
    }
    DISTILL_INLINE static F32 s8_f32(const std::int8_t* p) {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
    }
    DISTILL_INLINE static F32 load_f32(const float* p) { return _mm256_loadu_ps(p); }
    DISTILL_INLINE static void store_f32(float* p, F32 v) { _mm256_storeu_ps(p, v); }
    DISTILL_INLINE static void store_f16(std::uint16_t* p, F32 v) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    }
    DISTILL_INLINE static F32 to_f32(I32 v) { return _mm256_cvtepi32_ps(v); }
    DISTILL_INLINE static F32 set1(float v) { return _mm256_set1_ps(v); }
    DISTILL_INLINE static F32 add(F32 a, F32 b) { return _mm256_add_ps(a, b); }
    DISTILL_INLINE static F32 mul(F32 a, F32 b) { return _mm256_mul_ps(a, b); }
    DISTILL_INLINE static F32 fma(F32 a, F32 b, F32 c) { return _mm256_fmadd_ps(a, b, c); }
    DISTILL_INLINE static F32 fnma(F32 a, F32 b, F32 c) { return _mm256_fnmadd_ps(a, b, c); }

    // Of 16 values: the largest magnitude, as a maximum of bit patterns so that NaN comes out on top.
    DISTILL_INLINE static float largest(const float* x) {
        const __m256i mask = _mm256_set1_epi32(0x7fffffff);
        const __m256i a = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)), mask);
        const __m256i b = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + 8)), mask);
        const __m256i both = _mm256_max_epu32(a, b);
        __m128i m = _mm_max_epu32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
        m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
        m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1));
        return _mm_cvtss_f32(_mm_castsi128_ps(m));
    }
    DISTILL_INLINE static __m256 distance(const float* x, __m256 inverse) {
        const __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), inverse);
        return _mm256_sub_ps(v, _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
    // For four factors, `stride` apart: the sum of squared distances of 16 values x * factor to the next integer.
    DISTILL_INLINE static void rounding_losses(float* loss, const float* x, const float* factor, std::size_t stride) {
        __m256 square[4];
        unroll<4>([&](auto s) DISTILL_LAMBDA {
            const __m256 f = _mm256_set1_ps(factor[s * stride]), a = distance(x, f), b = distance(x + 8, f);
            square[s] = _mm256_fmadd_ps(a, a, _mm256_mul_ps(b, b));
        });
        // Neighbouring lanes twice: a register holds all four sums in each half.
        const __m256 sums = _mm256_hadd_ps(_mm256_hadd_ps(square[0], square[1]), _mm256_hadd_ps(square[2], square[3]));
        const __m128 four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
        unroll<4>([&](auto s) DISTILL_LAMBDA {
            loss[s * stride] = _mm_cvtss_f32(_mm_permute_ps(four, static_cast<int>(s)));
        });
    }
    // q = x * inverse, rounded; returns the sum.
    DISTILL_INLINE static std::int32_t round(std::int8_t* q, const float* x, float inverse) {
        const __m256 factor = _mm256_set1_ps(inverse);
        const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), factor));
        const __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), factor));
        // The packing instructions work within 128-bit lanes: the permutation puts the columns back in order.
        const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(q),
                         _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
        const __m256i sums = _mm256_add_epi32(a, b);
        __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
        s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
        return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
    }

    // To the second-level cache. Volatile, because a compiler takes all prefetches of a panel to the front of its loop.
    DISTILL_INLINE static void prefetch(const char* p) { __asm__ volatile("prefetcht1 %0" : : "m"(*p)); }
};

}  // namespace
}  // namespace distill
