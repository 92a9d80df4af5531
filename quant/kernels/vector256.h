// What AVX2 and AVX-VNNI share: 256-bit registers, 8 rows of a panel each. Included by those two files only.
#pragma once

#include <immintrin.h>

#include "quant/kernels/matmul.h"

namespace distill {
namespace {

constexpr std::size_t kRegisters = 2;  // for the 16 rows of a panel

struct Vector256 {
    using U8 = __m256i;
    using I32 = __m256i;
    using F32 = __m256;
    static constexpr std::size_t kLanes = 8, kGroup = 8, kMaxTile = 4;

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

// --- Several tokens ------------------------------------------------------------------------------------------------
// The same sums as quantised_tile (matmul.h), token by token instead of column by column: the weights of half a block, all
// 16 rows, fill 8 of the 16 registers and the tokens pass over them one after the other. Blocks that share bytes are
// unpacked once for all tokens and rows into the first-level cache, their scales too. Sums of floats wait in memory: a
// multiply-add reads them from there at no price.
// V::Half is half a block of 8 rows: how it is kept, what of it stays in registers, and its products with a token.

template <class V, class F>
struct UnpackedSpan {
    using Half = typename V::template Half<F::kBits, F::kOffset>;
    alignas(32) std::uint8_t w[F::kSpan][8][4 * kPanelRows];
    alignas(32) std::uint8_t sign[Half::kSigns ? F::kSpan : 1][8][4 * kPanelRows];
    alignas(32) float scale[F::kSpan][F::kScales][kPanelRows];
    alignas(32) float min[F::kMin == 0 ? 1 : F::kSpan][F::kScales][kPanelRows];

    template <std::size_t j0>
    DISTILL_INLINE void unpack(const typename F::Panel& panel, const typename F::Prepared& prepared) {
        unroll<F::kSpan * kRegisters>([&](auto i) DISTILL_LAMBDA {
            constexpr std::size_t k = i / kRegisters, j = j0 + k, lane = i % kRegisters * V::kLanes;
            unroll<8>([&](auto g) DISTILL_LAMBDA {
                Half::keep(w[k][g] + 4 * lane, sign[Half::kSigns ? k : 0][g] + 4 * lane, F::template weights<j, g>(panel, 4 * lane));
            });
            unroll<F::kScales>([&](auto h) DISTILL_LAMBDA {
                V::store_f32(scale[k][h] + lane, F::template scale<j, h>(panel, prepared, lane));
                if constexpr (F::kMin != 0) {
                    auto m = F::template minimum<j, h>(panel, prepared, lane);
                    if constexpr (F::kScales == 2) m = V::mul(m, V::set1(0.125f));  // as in quantised_tile
                    V::store_f32(min[k][h] + lane, m);
                }
            });
        });
    }
};

// What T tokens have summed up for the rows of a panel: `both` is the first half of a block, until the second one is there.
template <std::size_t T>
struct TokenSums {
    alignas(32) float acc[T][kPanelRows] = {};
    alignas(32) float both[T][kPanelRows];
};

template <class V, class F, std::size_t T, std::size_t h>
DISTILL_INLINE void half_block(TokenSums<T>& sums, const UnpackedSpan<V, F>& u, std::size_t k, const ActBlock<T>& x) {
    using F32 = typename V::F32;
    using Half = typename UnpackedSpan<V, F>::Half;
    Half w[kRegisters];
    F32 scale[kRegisters];
    unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
        w[n].load(&u.w[k][4 * h][4 * V::kLanes * n], &u.sign[Half::kSigns ? k : 0][4 * h][4 * V::kLanes * n]);
        scale[n] = V::load_f32(u.scale[k][F::kScales == 1 ? 0 : h] + V::kLanes * n);
    });
    unroll<T>([&](auto t) DISTILL_LAMBDA {
        typename V::I32 dot[kRegisters];
        Half::multiply(dot, w, x.q[t] + 16 * h, &x.minus_8_sum[t][h]);
        const F32 scale_x = V::set1(x.scale[t][h]);
        unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
            const F32 sum = V::to_f32(dot[n]);
            float* const acc = sums.acc[t] + V::kLanes * n;
            float* const both = sums.both[t] + V::kLanes * n;
            if constexpr (F::kScales == 1 && h == 0) {
                V::store_f32(both, V::mul(sum, scale_x));
            } else if constexpr (F::kScales == 1) {
                F32 v = V::fma(V::fma(sum, scale_x, V::load_f32(both)), scale[n], V::load_f32(acc));
                if constexpr (F::kMin != 0) {
                    const F32 min = V::load_f32(u.min[k][0] + V::kLanes * n), sum_x = V::set1(x.sum[t]);
                    v = F::kMin > 0 ? V::fma(min, sum_x, v) : V::fnma(min, sum_x, v);
                }
                V::store_f32(acc, v);
            } else {
                F32 v = V::mul(sum, scale[n]);
                if constexpr (F::kMin < 0) {
                    const F32 sum_x = V::set1(static_cast<float>(x.minus_8_sum[t][h]));
                    v = V::fma(V::load_f32(u.min[k][h] + V::kLanes * n), sum_x, v);
                }
                V::store_f32(acc, V::fma(v, scale_x, V::load_f32(acc)));
            }
        });
        // Or GCC puts the multiplication off and keeps both of its factors until the second half.
        if constexpr (F::kScales == 1 && h == 0) __asm__ volatile("" : : "r"(&sums) : "memory");
    });
}

// One copy for all formats.
template <class V, std::size_t T>
__attribute__((noinline)) void store_sums(const MatmulArgs& a, std::size_t row, const TokenSums<T>& sums) {
    typename V::F32 acc[T][kRegisters];
    unroll<T>([&](auto t) DISTILL_LAMBDA {
        unroll<kRegisters>([&](auto n) DISTILL_LAMBDA { acc[t][n] = V::load_f32(sums.acc[t] + V::kLanes * n); });
    });
    store_tile<V, kRegisters, T>(a, row, acc);
}

template <class V, template <class> class Format, std::size_t T>
void token_rows(const MatmulArgs& a) {
    using F = Format<V>;
    constexpr std::size_t kSpans = F::kBlocks / F::kSpan;
    const std::size_t n_blocks = a.columns / (kActBlock * F::kBlocks);
    const auto* panel = reinterpret_cast<const typename F::Panel*>(a.panels) + a.row_begin / kPanelRows * n_blocks;
    UnpackedSpan<V, F> u{};  // zeros, because GCC does not see that one of the branches below fills it
    for (std::size_t row = a.row_begin; row < a.row_end; row += kPanelRows) {
        const auto* x = static_cast<const ActBlock<T>*>(a.x);
        TokenSums<T> sums;
        for (std::size_t b = 0; b < n_blocks; ++b, ++panel) {
            const auto prepared = F::prepare(*panel);
            const char* ahead = prefetch_from<T>(panel);
            // One copy of the code for the tokens, kSpans of the few instructions that depend on the place in the panel.
            for (std::size_t s = 0; s < kSpans; ++s, x += F::kSpan) {
                unroll<kSpans>([&](auto span) DISTILL_LAMBDA {
                    if (s == span) {
                        prefetch_share<V, T, typename F::Panel, span, kSpans>(ahead);
                        u.template unpack<span * F::kSpan>(*panel, prepared);
                    }
                });
                // In the order of quantised_tile, so that a token's result does not depend on its company.
                if constexpr (F::kScales == 1) {
                    for (std::size_t k = 0; k < F::kSpan; ++k) {
                        half_block<V, F, T, 0>(sums, u, k, x[k]);
                        half_block<V, F, T, 1>(sums, u, k, x[k]);
                    }
                } else {
                    for (std::size_t k = 0; k < F::kSpan; ++k) half_block<V, F, T, 0>(sums, u, k, x[k]);
                    for (std::size_t k = 0; k < F::kSpan; ++k) half_block<V, F, T, 1>(sums, u, k, x[k]);
                }
            }
        }
        store_sums<V, T>(a, row, sums);
    }
}

template <class V, template <class> class Format>
void matmul256(const MatmulArgs& a) {
    switch (a.group) {
        case 1: return quantised_rows<V, Format, 1>(a);
        case 2: return quantised_rows<V, Format, 2>(a);
        case 4:
            if constexpr (V::kFewestTokens <= 4) return token_rows<V, Format, 4>(a);
            else return quantised_rows<V, Format, 4>(a);
        default: return token_rows<V, Format, 8>(a);
    }
}

// In the order of formats().
template <class V>
constexpr std::array<MatmulFn, 15> functions256() {
    return {float_matmul<V, ElementF32>, float_matmul<V, ElementF16>, matmul256<V, KernelQ4_0>,
            matmul256<V, KernelQ4_1>,    matmul256<V, KernelQ5_0>,    matmul256<V, KernelQ5_1>,
            matmul256<V, KernelQ8_0>,    matmul256<V, KernelQ2_K>,    matmul256<V, KernelQ3_K>,
            matmul256<V, KernelQ4_K>,    matmul256<V, KernelQ5_K>,    matmul256<V, KernelQ6_K>,
            matmul256<V, KernelIQ4_NL>,  matmul256<V, KernelIQ4_XS>,  float_matmul<V, ElementBF16>};
}

}  // namespace
}  // namespace distill
