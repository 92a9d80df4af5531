// One register of AVX-512 as matmul.h wants it, and what tables made of such share.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "quant/kernels/matmul.h"

namespace distill {
namespace {

struct Avx512 {
    using U8 = __m512i;
    using F32 = __m512;
    static constexpr std::size_t kLanes = 16, kGroup = 8;
    static constexpr std::size_t kFloatTile = 14, kFloatTokens = 7;

    DISTILL_INLINE static U8 load(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
    DISTILL_INLINE static U8 masked(U8 v, int mask) {
        return _mm512_and_si512(v, _mm512_set1_epi8(static_cast<char>(mask)));
    }
    DISTILL_INLINE static U8 low(U8 v) { return masked(v, 15); }
    DISTILL_INLINE static U8 high(U8 v) { return masked(_mm512_srli_epi16(v, 4), 15); }
    // Bits that cross into the neighbouring byte are for the caller to mask away.
    template <int kBits>
    DISTILL_INLINE static U8 shift_right(U8 v) {
        if constexpr (kBits > 0)
            return _mm512_srli_epi16(v, kBits);
        else if constexpr (kBits < 0)
            return _mm512_slli_epi16(v, -kBits);
        else
            return v;
    }
    // base | (bits & mask), as one ternary operation.
    DISTILL_INLINE static U8 merge(U8 base, U8 bits, int mask) {
        return _mm512_ternarylogic_epi32(base, bits, _mm512_set1_epi8(static_cast<char>(mask)), 0xf8);
    }
    DISTILL_INLINE static U8 lookup(const std::uint8_t* table, U8 index) {
        return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(table))),
                                   index);
    }

    DISTILL_INLINE static F32 f16(const std::uint16_t* p) {
        return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    }
    DISTILL_INLINE static F32 bf16(const std::uint16_t* p) {
        const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
        return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
    }
    DISTILL_INLINE static F32 u8_f32(const std::uint8_t* p) {
        return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
    }
    DISTILL_INLINE static F32 s8_f32(const std::int8_t* p) {
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
    }
    DISTILL_INLINE static F32 load_f32(const float* p) { return _mm512_loadu_ps(p); }
    DISTILL_INLINE static void store_f32(float* p, F32 v) { _mm512_storeu_ps(p, v); }
    DISTILL_INLINE static void store_f16(std::uint16_t* p, F32 v) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    }
    DISTILL_INLINE static F32 set1(float v) { return _mm512_set1_ps(v); }
    DISTILL_INLINE static F32 add(F32 a, F32 b) { return _mm512_add_ps(a, b); }
    DISTILL_INLINE static F32 mul(F32 a, F32 b) { return _mm512_mul_ps(a, b); }
    DISTILL_INLINE static F32 fma(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a, b, c); }
};

DISTILL_INLINE __m512i broadcast32(const void* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
}

// N columns of a token: where they are, or, if but n are left, those and zeros in `room`.
template <std::size_t N>
DISTILL_INLINE const float* padded(float (&room)[N], const float* from, std::size_t n) {
    if (n >= N) return from;
    __builtin_memset(room, 0, sizeof(room));
    __builtin_memcpy(room, from, n * sizeof(float));
    return room;
}

// Most work is done on two panels at a time; sums of their rows, of one token, that wait in memory.
constexpr std::size_t kPanels = 2, kTileRows = kPanels * kPanelRows;
using RowSums = float[kTileRows];

}  // namespace
}  // namespace distill
