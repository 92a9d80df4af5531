// AVX2 with FMA and F16C: every x86-64 processor since Haswell and Zen. A register holds 8 rows of a panel's 16.
//
// These processors add products of bytes in two steps: vpmaddubsw adds pairs into 16 bits, and vpmaddwd, which widens
// the sums, multiplies them on the way. So scales that are small integers cost nothing there, and this table has
// activations of its own (Unit): scales of 16 columns are integer multiples m of one float, the unit of 256
// columns, and meet the integer scales of k-quants in that multiplication. One step in floats is left for 256 columns
// of a k-quant.
//
// The sums in 16 bits may wrap on the way: started at -offset * sum(q), they end at the sum of re-centred weights,
// which fits. Weights of 8 bits do not fit even so. They are multiplied as 16-bit numbers instead (vpmaddwd alone),
// which takes fewer operations than taming their products of bytes would. In 256 columns a weight of a row is then a
// whole number of up to 4096 units of that row, with its block's scale in it, and an activation one of up to 2047:
// 256 products fit 32 bits, so that nothing becomes a float before. Both are finer than what formats lose. Those are
// the fine form of activations, narrow ones the coarse form.
#include <immintrin.h>

#include "quant/kernels/float_ops.h"
#include "quant/kernels/matmul.h"
#include "quant/kernels/vector256.h"

namespace distill {
namespace {

// --- Activations ---------------------------------------------------------------------------------------------------

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

// --- What a format asks for ----------------------------------------------------------------------------------------

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

template <std::size_t T, std::size_t N>
struct Sums {
    __m256 acc[T][N], part[T][N];  // of the row so far; of the unit at work, in its units
};

// --- One or two tokens ---------------------------------------------------------------------------------------------
// Weights are read in order of their addresses and unpacked into registers: of narrow formats all blocks of a span at
// once, or two of them where the registers do not hold the sums of all.

template <class F, std::size_t T>
constexpr std::size_t kAtOnce = (T * F::kSpan <= 4) ? F::kSpan : 2;

template <class F, std::size_t N, std::size_t T>
struct NarrowSpan {
    using Tr = Traits<F>;
    static constexpr std::size_t kBlocks = kAtOnce<F, T>;
    __m256i words[kBlocks][T][N], total[kBlocks][T][N];

    // From block k0 of the i-th span on.
    template <std::size_t k0>
    DISTILL_INLINE void run(const typename F::Panel& p, const typename F::Prepared& prepared, std::size_t i,
                            std::size_t lane0, const NarrowBlock<T>* x) {
        const auto& span = F::span(p, i);
        unroll<8>([&](auto g) DISTILL_LAMBDA {
            unroll<kBlocks>([&](auto k) DISTILL_LAMBDA {
                __m256i w[N];
                unroll<N>([&](auto n)
                              DISTILL_LAMBDA { w[n] = F::template weights<k0 + k, g>(span, 4 * (lane0 + 8 * n)); });
                unroll<T>([&](auto t) DISTILL_LAMBDA {
                    const __m256i xq = broadcast32(x[k].q[t] + 4 * g);
                    unroll<N>([&](auto n) DISTILL_LAMBDA {
                        const __m256i products = _mm256_maddubs_epi16(w[n], xq);
                        __m256i& sum = words[k][t][n];
                        sum = g % Tr::kPerWord == 0 ? products : _mm256_add_epi16(sum, products);
                        if constexpr (F::kOffset != 0 && g % 4 == 0) {
                            sum = _mm256_add_epi16(sum, start_words<F::kOffset>(x[k].minus_8_sums[t][g / 4]));
                        }
                        if constexpr ((g + 1) % Tr::kPerWord == 0) {
                            __m256i m = broadcast32(x[k].m[t]);
                            if constexpr (Tr::kSubScales) {
                                const auto* s =
                                    F::sub_scales(p, prepared, F::kSpan * i + k0 + k, g / 4) + lane0 + 8 * n;
                                m = _mm256_mullo_epi16(paired(wide_scales(s)), m);
                            }
                            const __m256i scaled = _mm256_madd_epi16(sum, m);
                            total[k][t][n] = g + 1 == Tr::kPerWord ? scaled : _mm256_add_epi32(total[k][t][n], scaled);
                        }
                    });
                });
            });
        });
    }
};

// The rows of a panel, `row` the first, of weights of 8 bits: a unit's blocks one after the other.
template <class F, std::size_t T>
DISTILL_INLINE void wide_tile(const MatmulArgs& a, std::size_t row) {
    constexpr std::size_t N = kRegisters;
    constexpr std::size_t kBlockLines = (sizeof(typename F::Panel) / F::kBlocks + 63) / 64;
    // Bytes, beyond what others ask for: all scales of a unit are read before its first block.
    constexpr std::size_t kFarther = 3072;
    const std::size_t n_act = a.columns / kActBlock, n_panels = n_act / F::kBlocks;
    const auto* panel = static_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_panels;
    __m256 acc[T][N];
    const auto each = [&](auto&& f) DISTILL_LAMBDA {
        unroll<T>([&](auto t) DISTILL_LAMBDA { unroll<N>([&](auto n) DISTILL_LAMBDA { f(t, n); }); });
    };
    each([&](auto t, auto n) DISTILL_LAMBDA { acc[t][n] = _mm256_setzero_ps(); });
    for (std::size_t b = 0; b < n_act; b += kUnitBlocks, panel += kUnitBlocks / F::kBlocks) {
        const std::size_t here = n_act - b < kUnitBlocks ? n_act - b : kUnitBlocks;
        const Unit<T> x(a.x, b, n_act);
        const auto prepared = F::prepare(*panel);
        const WideScales<F> scales[N] = {{panel, prepared, here, 0}, {panel, prepared, here, 8}};
        __m256i whole[T][N];
        each([&](auto t, auto n) DISTILL_LAMBDA { whole[t][n] = _mm256_setzero_si256(); });
        for (std::size_t j = 0; j < here; ++j) {
            const auto& of_block = F::kBlocks == 1 ? panel[j] : *panel;
            const std::size_t of_panel = F::kBlocks == 1 ? 0 : j;
            const char* ahead = prefetch_from<Avx2, T>(&of_block) + kFarther + 64 * kBlockLines * of_panel;
            const auto& span = F::span(of_block, of_panel);
            unroll<8>([&](auto g) DISTILL_LAMBDA {
                // A share of the lines with each four columns.
                constexpr std::size_t kFirst = g * kBlockLines / 8, kLast = (g + 1) * kBlockLines / 8;
                unroll<kLast - kFirst>([&](auto line) DISTILL_LAMBDA { Avx2::prefetch(ahead + 64 * (kFirst + line)); });
                unroll<N>([&](auto n) DISTILL_LAMBDA {
                    const WideWeights w(F::template weights<0, g>(span, 32 * n), scales[n].k[j]);
                    unroll<T>([&](auto t) DISTILL_LAMBDA {
                        const std::int16_t* q = x.wide[j].q[t] + 4 * g;
                        __m256i& sum = whole[t][n];
                        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(w.even, broadcast32(q)));
                        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(w.odd, broadcast32(q + 2)));
                    });
                });
            });
        }
        each([&](auto t, auto n) DISTILL_LAMBDA {
            acc[t][n] = add_wide_unit(acc[t][n], whole[t][n], scales[n].unit, x.narrow->unit[t]);
        });
    }
    store_tile<Avx2, N, T>(a, row, acc);
}

template <class F, std::size_t N, std::size_t T>
DISTILL_INLINE void span_tile(const MatmulArgs& a, std::size_t row, std::size_t lane0) {
    using Tr = Traits<F>;
    const std::size_t n_blocks = a.columns / (kActBlock * F::kBlocks);
    const auto* panel = reinterpret_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_blocks;
    const std::size_t n_act = a.columns / kActBlock;
    Sums<T, N> s;
    const auto each = [&](auto&& f) DISTILL_LAMBDA {
        unroll<T>([&](auto t) DISTILL_LAMBDA { unroll<N>([&](auto n) DISTILL_LAMBDA { f(t, n); }); });
    };
    each([&](auto t, auto n) DISTILL_LAMBDA { s.acc[t][n] = s.part[t][n] = _mm256_setzero_ps(); });

    for (std::size_t b = 0; b < n_blocks; ++b, ++panel) {
        const Unit<T> unit(a.x, b * F::kBlocks, n_act);
        const NarrowBlock<T>* x = unit.narrow + b * F::kBlocks % kUnitBlocks;
        const auto prepared = F::prepare(*panel);
        const char* ahead = prefetch_from<Avx2, T>(panel);
        constexpr std::size_t kBlocks = kAtOnce<F, T>, kSteps = F::kSpan / kBlocks;
        constexpr std::size_t kSpans = F::kBlocks / F::kSpan;
        const auto multiply_step = [&](std::size_t i, auto step) DISTILL_LAMBDA {
            constexpr std::size_t k0 = step * kBlocks;
            prefetch_share<Avx2, T, typename F::Panel, kSpans * kSteps>(ahead, i * kSteps + step);
            NarrowSpan<F, N, T> sums;
            sums.template run<k0>(*panel, prepared, i, lane0, x + F::kSpan * i + k0);
            unroll<kBlocks>([&](auto k) DISTILL_LAMBDA {
                each([&](auto t, auto n) DISTILL_LAMBDA {
                    const __m256i total = sums.total[k][t][n];
                    if constexpr (!Tr::kSubScales) {
                        const std::size_t lane = lane0 + 8 * n;
                        s.part[t][n] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(total),
                                                       F::scale(*panel, prepared, 0, 0, lane), s.part[t][n]);
                        if constexpr (F::kMin != 0) {
                            const __m256 min = F::minimum(*panel, prepared, 0, 0, lane);
                            s.acc[t][n] = _mm256_fmadd_ps(min, _mm256_set1_ps(x->sum[t]), s.acc[t][n]);
                        }
                    } else {
                        s.part[t][n] = _mm256_add_ps(s.part[t][n], _mm256_cvtepi32_ps(total));
                    }
                });
            });
        };
        for (std::size_t i = 0; i < kSpans; ++i) {
            unroll<kSteps>([&](auto step) DISTILL_LAMBDA { multiply_step(i, step); });
        }
        if (Tr::kSubScales || (b + 1) % kUnitBlocks == 0 || b + 1 == n_blocks) {
            each([&](auto t, auto n) DISTILL_LAMBDA {
                const std::size_t lane = lane0 + 8 * n;
                __m256 scale = _mm256_set1_ps(x->unit[t]);
                if constexpr (Tr::kSubScales) scale = _mm256_mul_ps(Avx2::f16(panel->d + lane), scale);
                s.acc[t][n] = _mm256_fmadd_ps(s.part[t][n], scale, s.acc[t][n]);
                s.part[t][n] = _mm256_setzero_ps();
            });
            if constexpr (Tr::kSubScales && F::kMin != 0) {
                unroll<8 * Tr::kMinima>([&](auto i) DISTILL_LAMBDA {
                    constexpr std::size_t j = i / Tr::kMinima, h = i % Tr::kMinima;
                    each([&](auto t, auto n) DISTILL_LAMBDA {
                        const __m256 min = F::minimum(*panel, prepared, j, h, lane0 + 8 * n);
                        const float sum = F::kScales == 1 ? x[j].sum[t] : half_sum(x[j], t, h);
                        s.acc[t][n] = _mm256_fnmadd_ps(min, _mm256_set1_ps(sum), s.acc[t][n]);
                    });
                });
            }
        }
    }
    store_tile<Avx2, N, T>(a, row + lane0, s.acc);
}

// --- Four tokens and more ------------------------------------------------------------------------------------------
// The same integers in another order, and the same steps in floats. Blocks that share bytes, or a unit of weights of 8
// bits, are unpacked once for all tokens and rows into the first-level cache. In narrow formats half of the 16
// registers hold weights of all 16 rows, so that what is loaded of a token meets two of them, and the tokens of several
// groups pass over them one after the other. What they sum up waits in memory. In wide ones it is the sums of four
// tokens that half of the registers hold.

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

// What a token has summed up for the rows of a panel, beside the rows' sums so far.
struct TokenSums {
    alignas(32) float part[kPanelRows];              // of the unit at work, in its units
    alignas(32) std::int32_t whole[kPanelRows];      // of a part of a block
    alignas(32) std::int16_t words[2 * kPanelRows];  // the same, where 16 bits are enough
};

DISTILL_INLINE __m256i load256(const void* p) {
    return _mm256_load_si256(static_cast<const __m256i*>(p));
}
DISTILL_INLINE void store256(void* p, __m256i v) {
    _mm256_store_si256(static_cast<__m256i*>(p), v);
}

// `total` of a block is complete.
template <class F>
DISTILL_INLINE void add_block(TokenSums& s, std::size_t n, __m256i total, [[maybe_unused]] __m256 d) {
    float* part = s.part + 8 * n;
    const __m256 before = _mm256_load_ps(part), sum = _mm256_cvtepi32_ps(total);
    _mm256_store_ps(part, Traits<F>::kSubScales ? _mm256_add_ps(before, sum) : _mm256_fmadd_ps(sum, d, before));
}

// Half h of a block, T tokens.
template <class F, std::size_t T, std::size_t h>
DISTILL_INLINE void narrow_tokens(TokenSums* sums, const UnpackedSpan<F>& u, std::size_t k,
                                  const __m256 (&d)[kRegisters], const NarrowBlock<T>* x, std::size_t group_bytes,
                                  std::size_t n_groups) {
    using Tr = Traits<F>;
    __m256i w[4][kRegisters], sub[kRegisters];
    unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
        unroll<4>([&](auto g) DISTILL_LAMBDA { w[g][n] = load256(u.w[k][4 * h + g] + 32 * n); });
        if constexpr (Tr::kSubScales) sub[n] = load256(u.sub[k][F::kScales == 2 ? h : 0] + 32 * n);
    });
    for (std::size_t group = 0; group < n_groups; ++group, sums += T) {
        const NarrowBlock<T>& xb = of_group(x, group, group_bytes);
#pragma GCC unroll 2
        for (std::size_t t = 0; t < T; ++t) {
            TokenSums& s = sums[t];
            __m256i words[kRegisters], start;
            if constexpr (F::kOffset != 0) start = start_words<F::kOffset>(xb.minus_8_sums[t][h]);
            unroll<4>([&](auto g) DISTILL_LAMBDA {
                const __m256i xq = broadcast32(xb.q[t] + 16 * h + 4 * g);
                unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
                    const __m256i products = _mm256_maddubs_epi16(w[g][n], xq);
                    words[n] = g > 0             ? _mm256_add_epi16(words[n], products)
                               : F::kOffset != 0 ? _mm256_add_epi16(start, products)
                                                 : products;
                    __asm__(""
                            : "+x"(words[n]));  // GCC would add them in pairs, for which there are not enough registers
                });
            });
            if constexpr (Tr::kPerWord == 8 && h == 0) {
                unroll<kRegisters>([&](auto n) DISTILL_LAMBDA { store256(s.words + 16 * n, words[n]); });
                continue;
            }
            const __m256i m = broadcast32(xb.m[t]);
            unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
                if constexpr (Tr::kPerWord == 8) words[n] = _mm256_add_epi16(words[n], load256(s.words + 16 * n));
                __m256i total = _mm256_madd_epi16(words[n], Tr::kSubScales ? _mm256_mullo_epi16(sub[n], m) : m);
                if constexpr (h == 0) {
                    store256(s.whole + 8 * n, total);
                } else {
                    if constexpr (Tr::kPerWord == 4) total = _mm256_add_epi32(total, load256(s.whole + 8 * n));
                    add_block<F>(s, n, total, d[n]);
                }
            });
        }
    }
}

// A unit of `here` blocks, four tokens at a time, so that their sums stay in registers until it ends:
// to[token][row] += ... `ahead`: as much memory as the unit has is asked for, a share with each four tokens.
template <class F, std::size_t T>
DISTILL_INLINE void wide_tokens(float (*to)[kPanelRows], const UnpackedUnit<F>& u, std::size_t here, const Unit<T>& x,
                                std::size_t group_bytes, std::size_t n_groups, const char* ahead) {
    constexpr std::size_t kEach = 4;
    static_assert(T % kEach == 0);
    const std::size_t n_lines = here * (sizeof(typename F::Panel) / F::kBlocks) / 64, n_shares = n_groups * (T / kEach);
    std::size_t line = 0, share = 0;
    for (std::size_t group = 0; group < n_groups; ++group) {
        const float* unit = of_group(x.narrow, group, group_bytes).unit;
        for (std::size_t token = 0; token < T; token += kEach, to += kEach) {
            for (++share; line < n_lines * share / n_shares; ++line) Avx2::prefetch(ahead + 64 * line);
            const std::int16_t* q = of_group(x.wide, group, group_bytes).q[token];
            const std::uint8_t* weights = u.w[0][0][0];
            // The next four tokens' columns, from the second-level cache.
            const std::int16_t* next =
                token + kEach < T ? q + kEach * kActBlock : of_group(x.wide, group + 1, group_bytes).q[0];
            __m256i total[kEach][kRegisters];
            unroll<kEach>([&](auto t) DISTILL_LAMBDA {
                unroll<kRegisters>([&](auto n) DISTILL_LAMBDA { total[t][n] = _mm256_setzero_si256(); });
            });
            for (std::size_t j = 0; j < here;
                 ++j, q += T * kActBlock, next += T * kActBlock, weights += sizeof(u.w[0])) {
                __asm__("" : "+r"(q), "+r"(weights));  // loads are near them: short instructions
                unroll<kEach>([&](auto t) DISTILL_LAMBDA {
                    _mm_prefetch(reinterpret_cast<const char*>(next + kActBlock * t), _MM_HINT_T0);
                });
                unroll<kActBlock / 2>([&](auto pair) DISTILL_LAMBDA {
                    __m256i w[kRegisters];
                    unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
                        w[n] = load256(weights + 4 * kPanelRows * pair + 32 * n);
                        __asm__("" : "+x"(w[n]));  // GCC would load them again for each token
                    });
                    unroll<kEach>([&](auto t) DISTILL_LAMBDA {
                        const __m256i xw = broadcast32(q + kActBlock * t + 2 * pair);
                        unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
                            total[t][n] = _mm256_add_epi32(total[t][n], _mm256_madd_epi16(w[n], xw));
                            __asm__("" : "+x"(total[t][n]));  // GCC would add products in pairs
                        });
                    });
                });
            }
            unroll<kEach>([&](auto t) DISTILL_LAMBDA {
                unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
                    float* sum = to[t] + 8 * n;
                    _mm256_store_ps(sum, add_wide_unit(_mm256_load_ps(sum), total[t][n], u.unit[n], unit[token + t]));
                });
            });
        }
    }
}

// The unit ends: what its blocks summed up goes to the rows' sums, to[token][row].
template <class F, std::size_t T>
DISTILL_INLINE void end_unit(TokenSums* sums, float (*to)[kPanelRows], const typename F::Panel& p,
                             const typename F::Prepared& prepared, const NarrowBlock<T>* x, std::size_t group_bytes,
                             std::size_t n_groups) {
    using Tr = Traits<F>;
    constexpr std::size_t kMinima = Tr::kSubScales ? 8 * Tr::kMinima : 0;
    unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
        [[maybe_unused]] __m256 d, min[kMinima == 0 ? 1 : kMinima];
        if constexpr (Tr::kSubScales) d = Avx2::f16(p.d + 8 * n);
        if constexpr (kMinima > 0) {
            unroll<kMinima>([&](auto i) DISTILL_LAMBDA {
                min[i] = F::minimum(p, prepared, i / F::kScales, i % F::kScales, 8 * n);
            });
        }
        for (std::size_t i = 0; i < n_groups * T; ++i) {
            const NarrowBlock<T>* xg = &of_group(x, i / T, group_bytes);
            const std::size_t t = i % T;
            float *part = sums[i].part + 8 * n, *acc = to[i] + 8 * n;
            __m256 scale = _mm256_set1_ps(xg->unit[t]);
            if constexpr (Tr::kSubScales) scale = _mm256_mul_ps(d, scale);
            __m256 v = _mm256_fmadd_ps(_mm256_load_ps(part), scale, _mm256_load_ps(acc));
            _mm256_store_ps(part, _mm256_setzero_ps());
            if constexpr (kMinima > 0) {
                unroll<kMinima>([&](auto m) DISTILL_LAMBDA {
                    constexpr std::size_t j = m / F::kScales;
                    const float sum = F::kScales == 1 ? xg[j].sum[t] : half_sum(xg[j], t, m % F::kScales);
                    v = _mm256_fnmadd_ps(min[m], _mm256_set1_ps(sum), v);
                });
            }
            _mm256_store_ps(acc, v);
        }
    });
}

// One copy for all formats. Sums [panel][token][row], kMaxTokens tokens in each panel. Group by group, so that few rows
// of the output are written at a time, each in one piece.
template <std::size_t T, std::size_t kMaxTokens>
__attribute__((noinline)) void store_sums(MatmulArgs a, std::size_t first, std::size_t last,
                                          const float (*sums)[kMaxTokens][kPanelRows]) {
    constexpr int kEach = static_cast<int>(T);
    int left = a.n_tokens;
    for (std::size_t token = 0; left > 0; token += T, left -= kEach) {
        a.n_tokens = left < kEach ? left : kEach;
        for (std::size_t row = first; row < last; row += kPanelRows) {
            const float(*of_group)[kPanelRows] = sums[(row - first) / kPanelRows] + token;
            __m256 acc[T][kRegisters];
            unroll<T>([&](auto t) DISTILL_LAMBDA {
                unroll<kRegisters>([&](auto n) DISTILL_LAMBDA { acc[t][n] = _mm256_load_ps(of_group[t] + 8 * n); });
            });
            store_tile<Avx2, kRegisters, T>(a, row, acc);
        }
        a.out += T * a.out_stride;
    }
}

// Panel blocks of one panel, `panel` the first of them, for all tokens: to[token][row] += ...
template <class F, std::size_t T>
DISTILL_INLINE void tile_blocks(const MatmulArgs& a, const typename F::Panel* panel, std::size_t begin, std::size_t end,
                                UnpackedSpan<F>& u, TokenSums* sums, float (*to)[kPanelRows]) {
    using Tr = Traits<F>;
    constexpr std::size_t kSpans = F::kBlocks / F::kSpan;
    const std::size_t n_blocks = a.columns / (kActBlock * F::kBlocks), n_act = a.columns / kActBlock;
    const std::size_t group_bytes = n_act * kBlockBytes<T>;
    const std::size_t n_groups = a.n_groups;
    for (std::size_t b = begin; b < end; ++b, ++panel) {
        const Unit<T> unit(a.x, b * F::kBlocks, n_act);
        const NarrowBlock<T>* x = unit.narrow + b * F::kBlocks % kUnitBlocks;
        const auto prepared = F::prepare(*panel);
        const char* ahead = prefetch_from<Avx2, T>(panel);
        __m256 d[kRegisters] = {};
        if constexpr (!Tr::kSubScales) {
            unroll<kRegisters>([&](auto n) DISTILL_LAMBDA { d[n] = F::scale(*panel, prepared, 0, 0, 8 * n); });
        }
        for (std::size_t span = 0; span < kSpans; ++span) {
            prefetch_share<Avx2, T, typename F::Panel, kSpans>(ahead, span);
            u.unpack(*panel, prepared, span);
            for (std::size_t k = 0; k < F::kSpan; ++k) {
                const std::size_t j = span * F::kSpan + k;
                unroll<2>([&](auto h)
                              DISTILL_LAMBDA { narrow_tokens<F, T, h>(sums, u, k, d, x + j, group_bytes, n_groups); });
            }
        }
        if constexpr (!Tr::kSubScales && F::kMin != 0) {
            unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
                const __m256 min = F::minimum(*panel, prepared, 0, 0, 8 * n);
                for (std::size_t i = 0; i < n_groups * T; ++i) {
                    float* acc = to[i] + 8 * n;
                    const __m256 sum_x = _mm256_set1_ps(of_group(x, i / T, group_bytes).sum[i % T]);
                    _mm256_store_ps(acc, _mm256_fmadd_ps(min, sum_x, _mm256_load_ps(acc)));
                }
            });
        }
        if (Tr::kSubScales || (b + 1) % kUnitBlocks == 0 || b + 1 == n_blocks) {
            end_unit<F, T>(sums, to, *panel, prepared, x, group_bytes, n_groups);
        }
    }
}

// Units [begin, end) of a panel for all tokens, weights of 8 bits.
template <class F, std::size_t T>
DISTILL_INLINE void tile_units(const MatmulArgs& a, std::size_t row, std::size_t begin, std::size_t end,
                               UnpackedUnit<F>& u, float (*to)[kPanelRows]) {
    const std::size_t n_act = a.columns / kActBlock, n_panels = n_act / F::kBlocks;
    constexpr std::size_t kUnitPanels = kUnitBlocks / F::kBlocks;
    const auto* panel =
        static_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_panels + begin * kUnitPanels;
    for (std::size_t i = begin; i < end; ++i, panel += kUnitPanels) {
        const std::size_t b = i * kUnitBlocks, here = n_act - b < kUnitBlocks ? n_act - b : kUnitBlocks;
        u.unpack(panel, here);
        wide_tokens<F, T>(to, u, here, Unit<T>(a.x, b, n_act), n_act * kBlockBytes<T>, a.n_groups,
                          prefetch_from<Avx2, T>(panel));
    }
}

template <class F, std::size_t T>
void tile_rows(const MatmulArgs& a) {
    using PanelSums = float[kGroupsAtOnce * T][kPanelRows];
    const std::size_t n_tokens = a.n_groups * T;
    const auto store = [&](std::size_t first, std::size_t last, const PanelSums* all)
                           DISTILL_LAMBDA { store_sums<T>(a, first, last, all); };
    if constexpr (Traits<F>::kWide) {
        UnpackedUnit<F> u;
        const auto multiply = [&](std::size_t row, std::size_t begin, std::size_t end, PanelSums& to)
                                  DISTILL_LAMBDA { tile_units<F, T>(a, row, begin, end, u, to); };
        for_units_and_panels<PanelSums>(a, n_tokens, a.n_groups * kUnitBlocks * sizeof(WideBlock<T>), multiply, store);
    } else {
        constexpr std::size_t kUnitPanelBlocks = kUnitBlocks / F::kBlocks;
        const std::size_t n_blocks = a.columns / (kActBlock * F::kBlocks);
        UnpackedSpan<F> u;
        TokenSums sums[kGroupsAtOnce * T];
        for (std::size_t i = 0; i < n_tokens; ++i) {
            unroll<kRegisters>([&](auto n)
                                   DISTILL_LAMBDA { _mm256_store_ps(sums[i].part + 8 * n, _mm256_setzero_ps()); });
        }
        const auto multiply = [&](std::size_t row, std::size_t begin, std::size_t end, PanelSums& to) DISTILL_LAMBDA {
            const std::size_t from = begin * kUnitPanelBlocks, until = end * kUnitPanelBlocks;
            const auto* panel = static_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_blocks + from;
            tile_blocks<F, T>(a, panel, from, until < n_blocks ? until : n_blocks, u, sums, to);
        };
        for_units_and_panels<PanelSums>(a, n_tokens, a.n_groups * kUnitBlocks * sizeof(NarrowBlock<T>), multiply,
                                        store);
    }
}

// --- The table -----------------------------------------------------------------------------------------------------

template <class F, std::size_t T>
void span_rows(const MatmulArgs& a) {
    for (std::size_t row = a.row_begin; row < a.row_end; row += kPanelRows) {
        if constexpr (Traits<F>::kWide) {
            wide_tile<F, T>(a, row);
        } else {
            // As many rows as leave the sums in registers.
            constexpr std::size_t N = T * F::kSpan <= 2 ? 2 : 1;
            for (std::size_t lane0 = 0; lane0 < kPanelRows; lane0 += 8 * N) span_tile<F, N, T>(a, row, lane0);
        }
    }
}

struct Products {
    template <template <class> class Format>
    static void product(const MatmulArgs& a) {
        using F = Format<Avx2>;
        switch (a.group) {
            case 1:
                return span_rows<F, 1>(a);
            case 2:
                return span_rows<F, 2>(a);
            case 4:
                return tile_rows<F, 4>(a);
            default:
                return tile_rows<F, 8>(a);
        }
    }
};

std::uint64_t integer_peak(std::uint64_t n, std::int32_t* sink) {
    constexpr std::size_t kSums = 10;
    __m256i acc[kSums];
    unroll<kSums>([&](auto i) DISTILL_LAMBDA { acc[i] = _mm256_set1_epi32(*sink + static_cast<std::int32_t>(i)); });
    const __m256i w = _mm256_set1_epi8(3);
    __m256i x = _mm256_set1_epi32(*sink | 0x01010101);
    for (std::uint64_t k = 0; k < n; ++k) {
        unroll<kSums>([&](auto i) DISTILL_LAMBDA {
            // Or the compiler would move the product out of the loop.
            __asm__ volatile("" : "+x"(x));
            acc[i] = _mm256_add_epi16(acc[i], _mm256_maddubs_epi16(w, x));
        });
    }
    unroll<kSums - 1>([&](auto i) DISTILL_LAMBDA { acc[0] = _mm256_add_epi32(acc[0], acc[i + 1]); });
    *sink = _mm256_extract_epi32(acc[0], 0);
    return n * kSums * 32;
}

constexpr CpuFeatures needs() {
    CpuFeatures f;
    f.avx2 = true;
    return f;
}

template <template <class> class Format>
constexpr bool is_coarse = !Traits<Format<Avx2>>::kWide;
constexpr std::array<bool, 15> kCoarseFormats{false,
                                              false,
                                              is_coarse<KernelQ4_0>,
                                              is_coarse<KernelQ4_1>,
                                              is_coarse<KernelQ5_0>,
                                              is_coarse<KernelQ5_1>,
                                              is_coarse<KernelQ8_0>,
                                              is_coarse<KernelQ2_K>,
                                              is_coarse<KernelQ3_K>,
                                              is_coarse<KernelQ4_K>,
                                              is_coarse<KernelQ5_K>,
                                              is_coarse<KernelQ6_K>,
                                              is_coarse<KernelIQ4_NL>,
                                              is_coarse<KernelIQ4_XS>,
                                              false};

}  // namespace

extern const Kernels kAvx2Kernels;
const Kernels kAvx2Kernels{"avx2",
                           needs(),
                           Avx2::kGroup,
                           matmul_functions<Avx2, Products>(),
                           float_ops<xsimd::fma3<xsimd::avx2>, Avx2>(quantize256, dequantize256),
                           integer_peak,
                           kBlockBytes<1>,
                           kCoarseFormats,
                           kGroupsAtOnce};

}  // namespace distill
