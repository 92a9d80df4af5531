// AVX-512 F/BW/DQ/VL with VNNI: Ice Lake and Sapphire Rapids servers, Zen 4 and 5. One register holds a whole panel's
// width of 16 rows; vpdpbusd multiplies unsigned weights with signed activations and adds four columns at a time.
// GCC 12 takes the deliberately undefined operands inside its own intrinsics for mistakes of ours.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "quant/kernels/float_ops.h"
#include "quant/kernels/matmul.h"

namespace distill {
namespace {

struct Avx512 {
    using U8 = __m512i;
    using I32 = __m512i;
    using F32 = __m512;
    static constexpr std::size_t kLanes = 16, kGroup = 8, kMaxTile = 8, kPrefetchStep = 128;

    DISTILL_INLINE static U8 load(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
    DISTILL_INLINE static U8 masked(U8 v, int mask) { return _mm512_and_si512(v, _mm512_set1_epi8(static_cast<char>(mask))); }
    DISTILL_INLINE static U8 low(U8 v) { return masked(v, 15); }
    DISTILL_INLINE static U8 high(U8 v) { return masked(_mm512_srli_epi16(v, 4), 15); }
    // Bits that cross into the neighbouring byte are for the caller to mask away.
    template <int kBits>
    DISTILL_INLINE static U8 shift_right(U8 v) {
        if constexpr (kBits > 0) return _mm512_srli_epi16(v, kBits);
        else if constexpr (kBits < 0) return _mm512_slli_epi16(v, -kBits);
        else return v;
    }
    // base | (bits & mask), as one ternary operation.
    DISTILL_INLINE static U8 merge(U8 base, U8 bits, int mask) {
        return _mm512_ternarylogic_epi32(base, bits, _mm512_set1_epi8(static_cast<char>(mask)), 0xf8);
    }
    DISTILL_INLINE static U8 lookup(const std::uint8_t* table, U8 index) {
        return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(table))), index);
    }
    DISTILL_INLINE static U8 broadcast4(const std::int8_t* p) {
        std::int32_t word;
        __builtin_memcpy(&word, p, 4);
        return _mm512_set1_epi32(word);
    }

    template <int kBits, int kOffset>
    struct Dot {
        __m512i v;
        DISTILL_INLINE void start(const std::int32_t* minus_8_sum) {
            if constexpr (kOffset == 0) v = _mm512_setzero_si512();
            else if constexpr (kOffset < 8) v = _mm512_srai_epi32(_mm512_set1_epi32(*minus_8_sum), 8 / kOffset / 2);
            else if constexpr (kOffset == 8) v = _mm512_set1_epi32(*minus_8_sum);
            else v = _mm512_slli_epi32(_mm512_set1_epi32(*minus_8_sum), __builtin_ctz(kOffset / 8));
        }
        template <std::size_t, std::size_t>
        DISTILL_INLINE void add(U8 w, U8 x) { v = _mm512_dpbusd_epi32(v, w, x); }
        DISTILL_INLINE I32 sum() const { return v; }
    };

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
    DISTILL_INLINE static F32 to_f32(I32 v) { return _mm512_cvtepi32_ps(v); }
    DISTILL_INLINE static F32 set1(float v) { return _mm512_set1_ps(v); }
    DISTILL_INLINE static F32 add(F32 a, F32 b) { return _mm512_add_ps(a, b); }
    DISTILL_INLINE static F32 mul(F32 a, F32 b) { return _mm512_mul_ps(a, b); }
    DISTILL_INLINE static F32 fma(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a, b, c); }
    DISTILL_INLINE static F32 fnma(F32 a, F32 b, F32 c) { return _mm512_fnmadd_ps(a, b, c); }

    // Of 16 values: the largest magnitude, as a maximum of bit patterns so that NaN comes out on top.
    DISTILL_INLINE static float largest(const float* x) {
        const __m512i bits = _mm512_and_si512(_mm512_loadu_si512(x), _mm512_set1_epi32(0x7fffffff));
        const std::uint32_t most = _mm512_reduce_max_epu32(bits);
        float value;
        __builtin_memcpy(&value, &most, 4);
        return value;
    }
    // For four factors, `stride` apart: the sum of squared distances of 16 values x * factor to the next integer. The four
    // sums are formed together: halves of registers, then quarters, then lanes.
    DISTILL_INLINE static void rounding_losses(float* loss, const float* x, const float* factor, std::size_t stride) {
        const __m512 v = _mm512_loadu_ps(x);
        __m512 square[4];
        unroll<4>([&](auto s) DISTILL_LAMBDA {
            const __m512 scaled = _mm512_mul_ps(v, _mm512_set1_ps(factor[s * stride]));
            const __m512 distance =
                _mm512_sub_ps(scaled, _mm512_roundscale_ps(scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
            square[s] = _mm512_mul_ps(distance, distance);
        });
        const auto halves = [](__m512 a, __m512 b) DISTILL_LAMBDA {
            return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
        };
        const __m512 a = halves(square[0], square[1]), b = halves(square[2], square[3]);
        __m512 sums = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
        sums = _mm512_add_ps(sums, _mm512_permute_ps(sums, 0x4e));
        sums = _mm512_add_ps(sums, _mm512_permute_ps(sums, 0xb1));
        const __m512i first_lanes = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0);
        const __m128 four = _mm512_castps512_ps128(_mm512_permutexvar_ps(first_lanes, sums));
        unroll<4>([&](auto s) DISTILL_LAMBDA {
            loss[s * stride] = _mm_cvtss_f32(_mm_permute_ps(four, static_cast<int>(s)));
        });
    }
    // q = x * inverse, rounded; returns the sum.
    DISTILL_INLINE static std::int32_t round(std::int8_t* q, const float* x, float inverse) {
        const __m512i v = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(inverse)));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm512_cvtepi32_epi8(v));
        return _mm512_reduce_add_epi32(v);
    }

    // To the second-level cache. Volatile, because a compiler takes all prefetches of a panel to the front of its loop.
    DISTILL_INLINE static void prefetch(const char* p) { __asm__ volatile("prefetcht1 %0" : : "m"(*p)); }
};

std::uint64_t integer_peak(std::uint64_t n, std::int32_t* sink) {
    __m512i acc[16];
    for (int i = 0; i < 16; ++i) acc[i] = _mm512_set1_epi32(*sink + i);
    const __m512i w = _mm512_set1_epi8(static_cast<char>(3)), x = _mm512_set1_epi32(*sink | 0x01010101);
    for (std::uint64_t k = 0; k < n; ++k) {
        unroll<16>([&](auto i) DISTILL_LAMBDA { acc[i] = _mm512_dpbusd_epi32(acc[i], w, x); });
    }
    for (int i = 1; i < 16; ++i) acc[0] = _mm512_add_epi32(acc[0], acc[i]);
    *sink = _mm512_reduce_add_epi32(acc[0]);
    return n * 16 * 64;
}

constexpr CpuFeatures needs() {
    CpuFeatures f;
    f.avx2 = f.avx512vnni = true;
    return f;
}

}  // namespace

extern const Kernels kAvx512VnniKernels;
const Kernels kAvx512VnniKernels{"avx512vnni", needs(), Avx512::kGroup, matmul_functions<Avx512>(),
                                 float_ops<xsimd::avx512bw, Avx512>(), integer_peak};

}  // namespace distill
