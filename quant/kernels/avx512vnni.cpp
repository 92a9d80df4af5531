// AVX-512 F/BW/DQ/VL with VNNI: Ice Lake and Sapphire Rapids servers, Zen 4 and 5. One register holds a whole panel's
// width of 16 rows; vpdpbusd multiplies unsigned weights with signed activations and adds four columns at a time.
//
// On these processors vpdpbusd shares its two pipes with every other multiplication, of floats too, while additions,
// shifts, conversions and blends have pipes of their own. So what bounds a product is how many multiplications its
// scales take. Scales of 16 columns are integer multiples m of one float, the unit of 256 columns: the sums of both
// halves of a block, rounded to 16 bits, share a register and meet both m in one vpmaddwd, and one multiply-add with
// the weights' scale ends the block: 10 multiplications for 512 products where 8 are the products. Where scales of
// blocks are small integers, two blocks meet both scales in one vpdpwssd: 9.5. What the rounding loses is a hundredth
// of what rounding the activations to 8 bits does (docs/SPEED.md). GCC 12 takes the deliberately undefined operands
// inside its own intrinsics for mistakes of ours.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "quant/kernels/avx512_attention.h"
#include "quant/kernels/avx512_lanes.h"
#include "quant/kernels/avx512_vector.h"
#include "quant/kernels/float_ops.h"
#include "quant/kernels/matmul.h"

namespace distill {
namespace {

// --- Activations ---------------------------------------------------------------------------------------------------

constexpr std::size_t kUnitBlocks = 8;  // blocks of 32 columns that share a unit
// The largest of 256 values is 127 * kSteps units. m is the least multiple that the largest of 16 values allows, or 2,
// 4 or 6 more: what loses least. Steps half as large and as far apart lose more: they leave less to choose from.
constexpr int kSteps = 250, kTries = 4, kTryStep = 2;
constexpr int kLargestM = kSteps + kTryStep * (kTries - 1);

// 32 columns of T tokens, in halves of 16.
template <std::size_t T>
struct UnitBlock {
    std::int8_t q[T][kActBlock];  // x / (unit * m), rounded
    std::int16_t m[T][2];
    // -8 * sum(q); -128 * sum(q) + 4: what sums of products with weights of 4 and 8 bits start with (start_sum).
    std::int32_t minus_8_sum[T][2], minus_128_sum[T][2];
    float unit[T];
    float sum[T];  // of unit * m * q
    // In every other block, its own and that of the next: sums of m * q, divided by kSumUnit and rounded, which the
    // minima of k-quants are multiplied with.
    std::int16_t sums[T][2];
};
template <std::size_t T>
constexpr std::size_t kBlockBytes = sizeof(UnitBlock<T>);
static_assert(kBlockBytes<8> == 8 * kBlockBytes<1>);
constexpr int kSumShift = 6, kSumUnit = 1 << kSumShift;
constexpr int kLargestValue = 127 * kSteps + kLargestM / 2 + 1;  // m * q
static_assert((kActBlock * kLargestValue + kSumUnit / 2) >> kSumShift <= 0x7fff);

constexpr std::size_t kUnitColumns = kUnitBlocks * kActBlock, kHalfColumns = kActBlock / 2;
constexpr std::size_t kHalves = kUnitColumns / kHalfColumns;  // of a unit: one for each lane of a register
static_assert(kHalves == 16 && kHalfColumns == 16);

// Lane i of register k becomes lane k of register i.
DISTILL_INLINE void transpose(__m512 (&v)[16]) {
    __m512 four[16];  // [4i + c]: columns c, 4 + c, 8 + c and 12 + c of rows 4i..4i + 3, 128 bits each
    unroll<4>([&](auto i) DISTILL_LAMBDA {
        const auto low = [&](auto k) DISTILL_LAMBDA { return _mm512_castps_pd(_mm512_unpacklo_ps(v[k], v[k + 1])); };
        const auto high = [&](auto k) DISTILL_LAMBDA { return _mm512_castps_pd(_mm512_unpackhi_ps(v[k], v[k + 1])); };
        const __m512d low0 = low(4 * i), low2 = low(4 * i + 2), high0 = high(4 * i), high2 = high(4 * i + 2);
        four[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(low0, low2));
        four[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low0, low2));
        four[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high0, high2));
        four[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high0, high2));
    });
    unroll<4>([&](auto c) DISTILL_LAMBDA {
        const __m512 a0 = _mm512_shuffle_f32x4(four[c], four[4 + c], 0x44),
                     a1 = _mm512_shuffle_f32x4(four[8 + c], four[12 + c], 0x44),
                     b0 = _mm512_shuffle_f32x4(four[c], four[4 + c], 0xee),
                     b1 = _mm512_shuffle_f32x4(four[8 + c], four[12 + c], 0xee);
        v[c] = _mm512_shuffle_f32x4(a0, a1, 0x88);
        v[4 + c] = _mm512_shuffle_f32x4(a0, a1, 0xdd);
        v[8 + c] = _mm512_shuffle_f32x4(b0, b1, 0x88);
        v[12 + c] = _mm512_shuffle_f32x4(b0, b1, 0xdd);
    });
}

// 256 columns of one token on their way, each register a column of all halves. Two steps, so that one unit's divisions
// and long sums are waited for while others are at work.
struct UnitInProgress {
    alignas(64) float x[kHalfColumns][kHalves], least_m[kHalves];
    float unit, per_unit;

    DISTILL_INLINE void measure(const float* from) {
        constexpr float kWhole = 127.0f * kSteps;
        __m512 v[16];
        unroll<kHalves>([&](auto h) DISTILL_LAMBDA { v[h] = _mm512_loadu_ps(from + kHalfColumns * h); });
        transpose(v);
        // As bit patterns, so that NaN comes out on top.
        __m512i largest = _mm512_setzero_si512();
        unroll<kHalfColumns>([&](auto k) DISTILL_LAMBDA {
            _mm512_store_ps(x[k], v[k]);
            largest =
                _mm512_max_epu32(largest, _mm512_and_si512(_mm512_castps_si512(v[k]), _mm512_set1_epi32(0x7fffffff)));
        });
        const std::uint32_t top_bits = _mm512_reduce_max_epu32(largest);
        float top;
        __builtin_memcpy(&top, &top_bits, 4);
        // NaN stays NaN, and ends in the logits; so does what is too large to be divided by.
        const bool normal = (top > 1e-30f) & (top < 1e30f);
        unit = top / kWhole;
        per_unit = normal ? kWhole / top : top * 0.0f;
        const __m512 wanted = _mm512_roundscale_ps(
            _mm512_mul_ps(_mm512_castsi512_ps(largest), _mm512_set1_ps(normal ? kSteps / top : 0.0f)),
            _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
        _mm512_store_ps(least_m, _mm512_max_ps(_mm512_min_ps(wanted, _mm512_set1_ps(kSteps)), _mm512_set1_ps(1.0f)));
    }

    // Of the blocks that come of it, `n_blocks` are stored.
    template <std::size_t T>
    DISTILL_INLINE void round(UnitBlock<T>* out, std::size_t t, std::size_t n_blocks) const {
        __m512 m_of[kTries], factor_of[kTries], squares[kTries][2] = {};
        unroll<kTries>([&](auto i) DISTILL_LAMBDA {
            m_of[i] = _mm512_add_ps(_mm512_load_ps(least_m), _mm512_set1_ps(static_cast<float>(kTryStep * i)));
            factor_of[i] = _mm512_div_ps(_mm512_set1_ps(per_unit), m_of[i]);
        });
        unroll<kHalfColumns>([&](auto k) DISTILL_LAMBDA {
            const __m512 v = _mm512_load_ps(x[k]);
            unroll<kTries>([&](auto i) DISTILL_LAMBDA {
                const __m512 q = _mm512_mul_ps(v, factor_of[i]);
                const __m512 lost =
                    _mm512_sub_ps(q, _mm512_roundscale_ps(q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
                squares[i][k % 2] = _mm512_fmadd_ps(lost, lost, squares[i][k % 2]);
            });
        });
        __m512 best_m, best_factor, least_loss;
        unroll<kTries>([&](auto i) DISTILL_LAMBDA {
            const __m512 loss =
                _mm512_mul_ps(_mm512_add_ps(squares[i][0], squares[i][1]), _mm512_mul_ps(m_of[i], m_of[i]));
            const __mmask16 better = i == 0 ? 0xffff : _mm512_cmp_ps_mask(loss, least_loss, _CMP_LT_OQ);
            best_m = i == 0 ? m_of[i] : _mm512_mask_mov_ps(best_m, better, m_of[i]);
            best_factor = i == 0 ? factor_of[i] : _mm512_mask_mov_ps(best_factor, better, factor_of[i]);
            least_loss = i == 0 ? loss : _mm512_mask_mov_ps(least_loss, better, loss);
        });

        // In each 128 bits four columns of four halves become four halves of four columns, then the halves' columns
        // come together: half h in the h / 4-th 128 bits of q[h % 4].
        const __m512i transposed =
            _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
        __m512i sums = _mm512_setzero_si512(), four[4];
        unroll<4>([&](auto c) DISTILL_LAMBDA {
            __m512i whole[4];
            unroll<4>([&](auto k) DISTILL_LAMBDA {
                whole[k] = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_load_ps(x[4 * c + k]), best_factor));
                sums = _mm512_add_epi32(sums, whole[k]);
            });
            four[c] = _mm512_shuffle_epi8(
                _mm512_packs_epi16(_mm512_packs_epi32(whole[0], whole[1]), _mm512_packs_epi32(whole[2], whole[3])),
                transposed);
        });
        const __m512i low0 = _mm512_unpacklo_epi32(four[0], four[1]), low2 = _mm512_unpacklo_epi32(four[2], four[3]),
                      high0 = _mm512_unpackhi_epi32(four[0], four[1]), high2 = _mm512_unpackhi_epi32(four[2], four[3]);
        const __m512i q[4] = {_mm512_unpacklo_epi64(low0, low2), _mm512_unpackhi_epi64(low0, low2),
                              _mm512_unpacklo_epi64(high0, high2), _mm512_unpackhi_epi64(high0, high2)};

        const __m512i m = _mm512_cvtps_epi32(best_m), of_half = _mm512_mullo_epi32(m, sums);
        const __m512i of_block = _mm512_add_epi32(of_half, _mm512_shuffle_epi32(of_half, _MM_PERM_CDAB));  // each twice
        const __m512i of_sums =
            _mm512_srai_epi32(_mm512_add_epi32(of_block, _mm512_set1_epi32(kSumUnit / 2)), kSumShift);
        alignas(64) std::int32_t minus_8[kUnitBlocks][2], minus_128[kUnitBlocks][2], pairs[kUnitBlocks][2];
        alignas(64) float sum[kUnitBlocks][2];
        alignas(32) std::int16_t m16[kUnitBlocks][2];
        _mm512_store_si512(minus_8, _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sums, 3)));
        _mm512_store_si512(minus_128, _mm512_sub_epi32(_mm512_set1_epi32(4), _mm512_slli_epi32(sums, 7)));
        _mm512_store_si512(pairs, pair_of(of_sums, _mm512_shuffle_epi32(of_sums, _MM_PERM_BADC)));
        _mm512_store_ps(sum, _mm512_mul_ps(_mm512_cvtepi32_ps(of_block), _mm512_set1_ps(unit)));
        _mm256_store_si256(reinterpret_cast<__m256i*>(m16), _mm512_cvtepi32_epi16(m));
        unroll<kUnitBlocks>([&](auto b) DISTILL_LAMBDA {
            if (b >= n_blocks) return;
            unroll<2>([&](auto h) DISTILL_LAMBDA {
                _mm_storeu_si128(reinterpret_cast<__m128i*>(out[b].q[t] + h * kHalfColumns),
                                 _mm512_extracti32x4_epi32(q[2 * (b % 2) + h], b / 2));
            });
            __builtin_memcpy(out[b].m[t], m16[b], sizeof(m16[b]));
            __builtin_memcpy(out[b].minus_8_sum[t], minus_8[b], sizeof(minus_8[b]));
            __builtin_memcpy(out[b].minus_128_sum[t], minus_128[b], sizeof(minus_128[b]));
            out[b].sum[t] = sum[b][0];
            out[b].unit[t] = unit;
            if constexpr (b % 2 == 0) __builtin_memcpy(out[b].sums[t], pairs[b], sizeof(out[b].sums[t]));
        });
    }
};

template <std::size_t T>
void quantize_group512(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens) {
    constexpr float kZeros[kUnitColumns] = {};
    constexpr std::size_t kAtOnce = 8;
    auto* out = static_cast<UnitBlock<T>*>(blocks);
    const std::size_t n_units = (n + kUnitColumns - 1) / kUnitColumns;
    UnitInProgress units[kAtOnce];
    // Item i: unit i / T of token i % T.
    for (std::size_t first = 0; first < n_units * T; first += kAtOnce) {
        const std::size_t last = n_units * T - first < kAtOnce ? n_units * T : first + kAtOnce;
        for (std::size_t i = first; i < last; ++i) {
            const std::size_t column = i / T * kUnitColumns, t = i % T;
            const float* from = static_cast<int>(t) < n_tokens ? x + t * x_stride + column : kZeros;
            float room[kUnitColumns];
            from = padded(room, from, n - column);
            units[i - first].measure(from);
        }
        for (std::size_t i = first; i < last; ++i) {
            const std::size_t block = i / T * kUnitBlocks, left = n / kActBlock - block;
            units[i - first].template round<T>(out + block, i % T, left < kUnitBlocks ? left : kUnitBlocks);
        }
    }
}

void quantize512(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens, int group, ActForms) {
    switch (group) {
        case 1:
            return quantize_group512<1>(blocks, x, x_stride, n, n_tokens);
        case 2:
            return quantize_group512<2>(blocks, x, x_stride, n, n_tokens);
        case 4:
            return quantize_group512<4>(blocks, x, x_stride, n, n_tokens);
        default:
            return quantize_group512<8>(blocks, x, x_stride, n, n_tokens);
    }
}

void dequantize512(float* out, const void* blocks, std::size_t n, ActForms) {
    const auto* from = static_cast<const UnitBlock<1>*>(blocks);
    for (std::size_t i = 0; i < n; ++i) {
        const UnitBlock<1>& b = from[i / kActBlock];
        const std::size_t k = i % kActBlock;
        out[i] = static_cast<float>(b.q[0][k] * b.m[0][k / kHalfColumns]) * b.unit[0];
    }
}

// --- Steps that all products share ---------------------------------------------------------------------------------
// One token or eight, any range of rows: the same integers, and the same operations on floats in the same order.

template <class F>
struct Traits {
    static constexpr bool kSubScales = F::kBlocks > 1;
    // Scales of blocks are whole numbers: what a block comes to is cut to 16 bits once more, so that two blocks share a
    // register and meet both scales in one vpdpwssd.
    static constexpr bool kWholeScales = kSubScales && F::kScales == 1;
    // The largest sum of 16 columns, re-centred if the format is, and the bits that it has to lose to fit 16. In Q5_1,
    // where minima make up for large sums and nothing else is rounded, they are multiplied as they are.
    static constexpr int kLargestWeight = F::kOffset == 0 ? (1 << F::kBits) - 1 : F::kOffset;
    static constexpr int kLargestSum = 16 * 127 * kLargestWeight;
    static constexpr bool kFits = kLargestSum <= 0x7fff, kExact = !kFits && F::kMin != 0 && !kWholeScales;
    static constexpr int kShift = kFits || kExact ? 0 : kLargestSum <= 0xffff ? 1 : 3;
    static_assert(kExact || (kLargestSum + (1 << kShift) / 2) >> kShift <= 0x7fff);
    static constexpr int kBlockShift = kWholeScales ? 9 : 0;
    static_assert(!kWholeScales ||
                  (kActBlock * kLargestValue * kLargestWeight >> (kShift + kBlockShift)) + 2 <= 0x7fff);
    static constexpr float kUnshift = 1 << (kShift + kBlockShift);
    // A minimum for each block of a k-quant, or for each half of one.
    static constexpr bool kPairMinima = kSubScales && F::kMin != 0 && F::kScales == 1;
    static constexpr bool kHalfMinima = kSubScales && F::kMin != 0 && F::kScales == 2;
};
// Both scaled sums of a block fit 32 bits, with the scales of Q6_K (8 bits) as well.
static_assert(2ll * 0x7fff * kLargestM * 128 <= 0x7fffffff);

DISTILL_INLINE __m512i wide(const std::uint8_t* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
DISTILL_INLINE __m512i wide(const std::int8_t* p) {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
// What the sum of half h of a block starts with: -offset * sum(q), and a half of what the shift takes away.
template <class F, std::size_t T>
DISTILL_INLINE __m512i start_sum(const UnitBlock<T>& x, std::size_t t, std::size_t h) {
    constexpr int kShift = Traits<F>::kShift;
    if constexpr (F::kOffset == 0) {
        static_assert(kShift <= 1);
        return _mm512_set1_epi32(kShift);
    } else if constexpr (kShift == 0) {
        const __m512i v = _mm512_set1_epi32(x.minus_8_sum[t][h]);
        return F::kOffset < 8 ? _mm512_srai_epi32(v, 8 / F::kOffset / 2) : _mm512_slli_epi32(v, F::kOffset / 8 / 2);
    } else {
        // 4 >> 2 is half of what a shift by one takes away, 4 half of what one by three does.
        static_assert((F::kOffset == 128 && kShift == 3) || (F::kOffset == 32 && kShift == 1));
        return _mm512_srai_epi32(_mm512_set1_epi32(x.minus_128_sum[t][h]), 3 - kShift);
    }
}

// The sums of both halves of a block, rounded to 16 bits.
template <class F>
DISTILL_INLINE __m512i both_sums(__m512i first, __m512i second) {
    constexpr int kShift = Traits<F>::kShift;
    if constexpr (kShift == 0) return pair_of(first, second);
    return halves_of(_mm512_srli_epi32(first, kShift), _mm512_slli_epi32(second, 16 - kShift));
}

// Adds a block to what a unit has so far, of 16 rows. m: of both halves; scale: of the weights, or, where halves have
// scales of their own, sub: both.
template <class F>
DISTILL_INLINE __m512 add_block(__m512 part, __m512i first, __m512i second, __m512i m, __m512 scale, __m512i sub) {
    if constexpr (Traits<F>::kExact) {
        static_assert(F::kScales == 1);
        const __m512i scaled_first = _mm512_mullo_epi32(first, _mm512_srai_epi32(_mm512_slli_epi32(m, 16), 16));
        const __m512i scaled_second = _mm512_mullo_epi32(second, _mm512_srai_epi32(m, 16));
        return _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(scaled_first, scaled_second)), scale, part);
    }
    const __m512i both = both_sums<F>(first, second);
    if constexpr (F::kScales == 1) {
        return _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_madd_epi16(both, m)), scale, part);
    } else {
        return _mm512_add_ps(part, _mm512_cvtepi32_ps(_mm512_madd_epi16(both, _mm512_mullo_epi16(sub, m))));
    }
}

// Adds both blocks of a pair to the integers that a unit has so far.
DISTILL_INLINE __m512 add_pair(__m512 part, __m512i sums, __m512i scales) {
    return _mm512_castsi512_ps(_mm512_dpwssd_epi32(_mm512_castps_si512(part), sums, scales));
}

// Scales of 16 rows: of blocks j and j + 1, and of both halves of block j; without the row's own, which UnitEnd knows.
template <class F>
DISTILL_INLINE __m512i pair_scales(const typename F::Panel& p, const typename F::Prepared& prepared, std::size_t j,
                                   bool swapped = false) {
    const __m512i low = wide(F::sub_scales(p, prepared, j, 0)), high = wide(F::sub_scales(p, prepared, j + 1, 0));
    return swapped ? pair_of(high, low) : pair_of(low, high);
}
template <class F>
DISTILL_INLINE __m512i half_scales(const typename F::Panel& p, const typename F::Prepared& prepared, std::size_t j) {
    return pair_of(wide(F::sub_scales(p, prepared, j, 0)), wide(F::sub_scales(p, prepared, j, 1)));
}

// acc + what a token's unit has summed up, where scales are floats of blocks.
template <class F>
DISTILL_INLINE __m512 add_unit(__m512 acc, __m512 part, float unit) {
    return _mm512_fmadd_ps(part, _mm512_set1_ps(Traits<F>::kShift == 0 ? unit : unit * Traits<F>::kUnshift), acc);
}

// What the end of a unit needs to know of 16 rows.
template <class F>
struct UnitEnd {
    using Tr = Traits<F>;
    __m512 d, minus_dmin;             // k-quants
    __m512i scale_sum;                // of k-quants with whole scales; their d is halved
    __m512i minima[kUnitBlocks / 2];  // of two blocks each
    __m512 half_minima[2 * kUnitBlocks];

    DISTILL_INLINE UnitEnd([[maybe_unused]] const typename F::Panel& p,
                           [[maybe_unused]] const typename F::Prepared& prepared) {
        if constexpr (Tr::kSubScales) d = _mm512_mul_ps(Avx512::f16(p.d), _mm512_set1_ps(Tr::kUnshift));
        if constexpr (Tr::kWholeScales) {
            d = _mm512_mul_ps(d, _mm512_set1_ps(0.5f));
            scale_sum = _mm512_setzero_si512();
            unroll<kUnitBlocks>([&](auto j) DISTILL_LAMBDA {
                scale_sum = _mm512_add_epi32(scale_sum, wide(F::sub_scales(p, prepared, j, 0)));
            });
        }
        if constexpr (Tr::kPairMinima) {
            minus_dmin = _mm512_mul_ps(Avx512::f16(p.dmin), _mm512_set1_ps(-kSumUnit));
            unroll<kUnitBlocks / 2>([&](auto i) DISTILL_LAMBDA {
                minima[i] = pair_of(wide(prepared.min + 32 * i), wide(prepared.min + 32 * i + 16));
            });
        }
        if constexpr (Tr::kHalfMinima) {
            unroll<2 * kUnitBlocks>([&](auto i)
                                        DISTILL_LAMBDA { half_minima[i] = F::minimum(p, prepared, i / 2, i % 2, 0); });
        }
    }

    // acc + what token t of the unit at x has summed up: floats, or integers as they are. x: its first block.
    template <std::size_t T>
    DISTILL_INLINE __m512 add(__m512 acc, __m512 part, const UnitBlock<T>* x, std::size_t t) const {
        if constexpr (!Tr::kSubScales) {
            return add_unit<F>(acc, part, x->unit[t]);
        } else {
            const __m512 unit = _mm512_set1_ps(x->unit[t]);
            if constexpr (Tr::kWholeScales) {
                // Each block was cut, not rounded: a half is missing.
                const __m512i twice = _mm512_slli_epi32(_mm512_castps_si512(part), 1);
                part = _mm512_cvtepi32_ps(_mm512_add_epi32(twice, scale_sum));
            }
            __m512 sum = _mm512_mul_ps(part, d);
            if constexpr (Tr::kPairMinima) {
                __m512i below = _mm512_setzero_si512();
                unroll<kUnitBlocks / 2>([&](auto i) DISTILL_LAMBDA {
                    below = _mm512_dpwssd_epi32(below, minima[i], broadcast32(x[2 * i].sums[t]));
                });
                sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(below), minus_dmin, sum);
            }
            acc = _mm512_fmadd_ps(sum, unit, acc);
            if constexpr (Tr::kHalfMinima) {
                unroll<2 * kUnitBlocks>([&](auto i) DISTILL_LAMBDA {
                    const UnitBlock<T>& b = x[i / 2];
                    const float of_half =
                        static_cast<float>(b.m[t][i % 2] * b.minus_8_sum[t][i % 2]) * (-0.125f * b.unit[t]);
                    acc = _mm512_fnmadd_ps(half_minima[i], _mm512_set1_ps(of_half), acc);
                });
            }
            return acc;
        }
    }
};

// The same block of another group of tokens.
template <std::size_t T>
DISTILL_INLINE const UnitBlock<T>* of_group(const UnitBlock<T>* x, std::size_t group, std::size_t group_bytes) {
    return reinterpret_cast<const UnitBlock<T>*>(reinterpret_cast<const char*>(x) + group * group_bytes);
}

// --- Few tokens ----------------------------------------------------------------------------------------------------
// The blocks that share bytes advance together, group of columns by group of columns: every byte is loaded once, in
// order of its address, as the hardware's prefetcher wants it. What comes 4 or 8 KiB later is asked for, into the
// first-level cache: every line, but for one or two tokens on Zen 4, which fetches the other line of a pair by itself
// and is slowed down when it is asked for both (docs/SPEED.md has the figures).

// What a part of a panel block has of its lines, kStep bytes apart: of every line, or of every other one.
template <class F, std::size_t kParts, std::size_t kStep>
constexpr std::size_t kShareOfLines = (sizeof(typename F::Panel) / kParts + kStep - 1) / kStep;
template <std::size_t kStep, std::size_t n>
DISTILL_INLINE void prefetch_near(const char* ahead) {
    unroll<n>([&](auto k) DISTILL_LAMBDA { __asm__ volatile("prefetcht0 %0" : : "m"(ahead[kStep * k])); });
}

bool in_pairs() {
    static const bool pairs = fetches_lines_in_pairs();
    return pairs;
}

// The 16 rows from `row` on. Of so few tokens there is but one group.
template <class F, std::size_t T, std::size_t kStep>
DISTILL_INLINE void span_tile(const MatmulArgs& a, std::size_t row) {
    using Tr = Traits<F>;
    static_assert(T <= 4);
    // As many blocks as leave their sums in registers.
    constexpr std::size_t kAtOnce = F::kSpan * T <= 8 ? F::kSpan : 8 / T;
    constexpr std::size_t kSpans = F::kBlocks / F::kSpan, kAhead = T <= 2 ? 4096 : 8192;
    constexpr std::size_t kLines = kShareOfLines<F, kSpans, kStep>;
    const std::size_t n_blocks = a.columns / (kActBlock * F::kBlocks);
    const auto* panel = static_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_blocks;
    const auto* x = static_cast<const UnitBlock<T>*>(a.x);  // of the span at work
    __m512 acc[T][1], part[T];
    [[maybe_unused]] __m512i first_of_pair[T];
    unroll<T>([&](auto t) DISTILL_LAMBDA { acc[t][0] = part[t] = _mm512_setzero_ps(); });
    for (std::size_t b = 0; b < n_blocks; ++b, ++panel) {
        const auto prepared = F::prepare(*panel);
        const char* ahead = reinterpret_cast<const char*>(panel) + kAhead;
        ahead -= reinterpret_cast<std::uintptr_t>(ahead) % kStep;
        const UnitBlock<T>* const begin = x;
        for (std::size_t i = 0; i < kSpans; ++i, x += F::kSpan, ahead += kLines * kStep) {
            prefetch_near<kStep, kLines>(ahead);
            const auto& span = F::span(*panel, i);
            unroll<F::kSpan / kAtOnce>([&](auto step) DISTILL_LAMBDA {
                constexpr std::size_t k0 = step * kAtOnce;
                __m512i sums[kAtOnce][T][2];
                unroll<8>([&](auto g) DISTILL_LAMBDA {
                    unroll<kAtOnce>([&](auto k) DISTILL_LAMBDA {
                        const __m512i w = F::template weights<k0 + k, g>(span, 0);
                        unroll<T>([&](auto t) DISTILL_LAMBDA {
                            __m512i& sum = sums[k][t][g / 4];
                            if constexpr (g % 4 == 0) sum = start_sum<F>(x[k0 + k], t, g / 4);
                            sum = _mm512_dpbusd_epi32(sum, w, broadcast32(x[k0 + k].q[t] + 4 * g));
                        });
                    });
                });
                unroll<kAtOnce>([&](auto k) DISTILL_LAMBDA {
                    const std::size_t j = i * F::kSpan + k0 + k;
                    const auto m = [&](std::size_t t) DISTILL_LAMBDA { return broadcast32(x[k0 + k].m[t]); };
                    const auto block_sum = [&](std::size_t t) DISTILL_LAMBDA {
                        return _mm512_madd_epi16(both_sums<F>(sums[k][t][0], sums[k][t][1]), m(t));
                    };
                    if constexpr (Tr::kWholeScales) {
                        if (j % 2 == 0) {
                            unroll<T>([&](auto t) DISTILL_LAMBDA {
                                first_of_pair[t] = _mm512_srli_epi32(block_sum(t), Tr::kBlockShift);
                            });
                        } else {
                            const __m512i scales = pair_scales<F>(*panel, prepared, j - 1);
                            unroll<T>([&](auto t) DISTILL_LAMBDA {
                                const __m512i second = _mm512_slli_epi32(block_sum(t), 16 - Tr::kBlockShift);
                                part[t] = add_pair(part[t], halves_of(first_of_pair[t], second), scales);
                            });
                        }
                    } else {
                        __m512 scale{};
                        __m512i sub{};
                        if constexpr (F::kScales == 1)
                            scale = F::scale(*panel, prepared, 0, 0, 0);
                        else
                            sub = half_scales<F>(*panel, prepared, j);
                        unroll<T>([&](auto t) DISTILL_LAMBDA {
                            part[t] = add_block<F>(part[t], sums[k][t][0], sums[k][t][1], m(t), scale, sub);
                        });
                    }
                });
            });
        }
        if constexpr (!Tr::kSubScales && F::kMin != 0) {
            const __m512 min = F::minimum(*panel, prepared, 0, 0, 0);
            unroll<T>([&](auto t) DISTILL_LAMBDA {
                acc[t][0] = _mm512_fmadd_ps(min, _mm512_set1_ps(begin->sum[t]), acc[t][0]);
            });
        }
        if (Tr::kSubScales || (b + 1) % kUnitBlocks == 0 || b + 1 == n_blocks) {
            const UnitEnd<F> end(*panel, prepared);
            unroll<T>([&](auto t) DISTILL_LAMBDA {
                acc[t][0] = end.add(acc[t][0], part[t], begin, t);
                part[t] = _mm512_setzero_ps();
            });
        }
    }
    store_tile<Avx512, 1, T>(a, row, acc);
}

template <class F, std::size_t T, std::size_t kStep>
void span_rows(const MatmulArgs& a) {
    for (std::size_t row = a.row_begin; row < a.row_end; row += kPanelRows) span_tile<F, T, kStep>(a, row);
}

// --- Many tokens ---------------------------------------------------------------------------------------------------
// Half of the 32 registers hold a block of 32 rows, so that what is loaded of a token meets two of them (with one,
// loads would be the bound), and the tokens of several groups pass over them one after the other. What they sum up
// waits in memory.

constexpr std::size_t kGroups = 16;  // in one call
constexpr std::size_t kCachedBytes = std::size_t{256} << 10;
// Of 16 bits, two to a lane: the first block of a pair, lower half of panel 0, upper half of panel 1.
using PairSums = std::int32_t[kPanelRows];

// Block k of the i-th span of two panel blocks, the j-th block of its unit. Where blocks have whole numbers as scales,
// `place` is its place in a pair of blocks; of the first of a pair, what both panels have is kept in the halves of a
// register, of which each panel's second takes one. The last block of a unit, where formats say kEnds, adds what the
// unit comes to to the rows' sums, to[token].
template <class F, std::size_t T, std::size_t k, std::size_t place, bool kEnds>
DISTILL_INLINE void block_tokens(RowSums* parts, PairSums* pairs, RowSums* to,
                                 const typename F::Panel* const (&panel)[kPanels],
                                 const typename F::Prepared (&prepared)[kPanels], std::size_t i, std::size_t j,
                                 const UnitBlock<T>* x, std::size_t group_bytes, std::size_t n_groups) {
    using Tr = Traits<F>;
    constexpr std::size_t kFirstOfUnit = Tr::kWholeScales ? 1 : 0;  // that has something to add
    const __mmask16 so_far = j == kFirstOfUnit ? 0 : 0xffff;
    constexpr int kUp = 16 - Tr::kBlockShift;
    __m512i w[kPanels][8], scale[kPanels];
    unroll<kPanels>([&](auto n) DISTILL_LAMBDA {
        const auto& span = F::span(*panel[n], i);
        unroll<8>([&](auto g) DISTILL_LAMBDA { w[n][g] = F::template weights<k, g>(span, 0); });
        if constexpr (F::kScales == 2)
            scale[n] = half_scales<F>(*panel[n], prepared[n], j);
        else if constexpr (!Tr::kWholeScales)
            scale[n] = _mm512_castps_si512(F::scale(*panel[n], prepared[n], 0, 0, 0));
        else if constexpr (place == 1)
            scale[n] = pair_scales<F>(*panel[n], prepared[n], j - 1, n == 1);
    });
    for (std::size_t group = 0; group < n_groups; ++group, parts += T, pairs += T, to += T) {
        const UnitBlock<T>& xb = *of_group(x, group, group_bytes);
        for (std::size_t t = 0; t < T; ++t) {
            __m512i sums[kPanels][2];
            unroll<2>([&](auto h) DISTILL_LAMBDA {
                sums[0][h] = sums[1][h] = start_sum<F>(xb, t, h);
                unroll<4>([&](auto i) DISTILL_LAMBDA {
                    constexpr std::size_t g = 4 * h + i;
                    const __m512i xq = broadcast32(xb.q[t] + 4 * g);
                    unroll<kPanels>([&](auto n)
                                        DISTILL_LAMBDA { sums[n][h] = _mm512_dpbusd_epi32(sums[n][h], w[n][g], xq); });
                });
            });
            const __m512i m = broadcast32(xb.m[t]);
            float* part[kPanels] = {parts[t], parts[t] + kPanelRows};
            if constexpr (Tr::kWholeScales) {
                __m512i block[kPanels];
                unroll<kPanels>([&](auto n) DISTILL_LAMBDA {
                    block[n] = _mm512_madd_epi16(both_sums<F>(sums[n][0], sums[n][1]), m);
                });
                const __m512i down = _mm512_srli_epi32(block[place], Tr::kBlockShift),
                              up = _mm512_slli_epi32(block[1 - place], kUp);
                if constexpr (place == 0) {
                    _mm512_store_si512(pairs[t], halves_of(down, up));
                } else {
                    const __m512i before = _mm512_load_si512(pairs[t]);
                    _mm512_store_ps(part[0],
                                    add_pair(_mm512_maskz_load_ps(so_far, part[0]), halves_of(before, up), scale[0]));
                    _mm512_store_ps(part[1],
                                    add_pair(_mm512_maskz_load_ps(so_far, part[1]), halves_of(down, before), scale[1]));
                }
            } else {
                unroll<kPanels>([&](auto n) DISTILL_LAMBDA {
                    const __m512 sum = add_block<F>(_mm512_maskz_load_ps(so_far, part[n]), sums[n][0], sums[n][1], m,
                                                    _mm512_castsi512_ps(scale[n]), scale[n]);
                    float* acc = to[t] + n * kPanelRows;
                    if constexpr (kEnds)
                        _mm512_store_ps(acc, add_unit<F>(_mm512_load_ps(acc), sum, xb.unit[t]));
                    else
                        _mm512_store_ps(part[n], sum);
                });
            }
        }
    }
}

// The unit ends: what its blocks summed up goes to the rows' sums, to[token].
template <class F, std::size_t T>
DISTILL_INLINE void end_unit(RowSums* parts, RowSums* to, const typename F::Panel* const (&panel)[kPanels],
                             const typename F::Prepared (&prepared)[kPanels], const UnitBlock<T>* x,
                             std::size_t group_bytes, std::size_t n_groups) {
    const UnitEnd<F> end[kPanels] = {{*panel[0], prepared[0]}, {*panel[1], prepared[1]}};
    for (std::size_t group = 0; group < n_groups; ++group, parts += T, to += T) {
        const UnitBlock<T>* of = of_group(x, group, group_bytes);
        for (std::size_t t = 0; t < T; ++t) {
            unroll<kPanels>([&](auto n) DISTILL_LAMBDA {
                float *part = parts[t] + n * kPanelRows, *acc = to[t] + n * kPanelRows;
                _mm512_store_ps(acc, end[n].add(_mm512_load_ps(acc), _mm512_load_ps(part), of, t));
            });
        }
    }
}

// Panel blocks begin..end of two panels, `panel` the first of them, for all tokens: to[token][row] += ...
template <class F, std::size_t T>
DISTILL_INLINE void tile_blocks(const MatmulArgs& a, const typename F::Panel* (&panel)[kPanels], std::size_t begin,
                                std::size_t end, RowSums* parts, PairSums* pairs, RowSums* to) {
    using Tr = Traits<F>;
    constexpr std::size_t kSpans = F::kBlocks / F::kSpan, kLines = kShareOfLines<F, F::kBlocks, 64>;
    // What is asked for comes in 12 KiB: of both panels, or of the next two when these end before that.
    constexpr std::size_t kAhead = 6144 / sizeof(typename F::Panel) + 1;
    const std::size_t n_blocks = a.columns / (kActBlock * F::kBlocks), row_bytes = n_blocks * sizeof(typename F::Panel),
                      group_bytes = a.columns / kActBlock * kBlockBytes<T>;
    const auto* x = static_cast<const UnitBlock<T>*>(a.x) + begin * F::kBlocks;
    for (std::size_t b = begin; b < end; ++b, x += F::kBlocks) {
        const typename F::Prepared prepared[kPanels] = {F::prepare(*panel[0]), F::prepare(*panel[1])};
        const char* ahead = reinterpret_cast<const char*>(panel[0] + kAhead + (b + kAhead < n_blocks ? 0 : n_blocks));
        if constexpr (!Tr::kSubScales && F::kMin != 0) {  // before the unit may end
            unroll<kPanels>([&](auto n) DISTILL_LAMBDA {
                const __m512 min = F::minimum(*panel[n], prepared[n], 0, 0, 0);
                for (std::size_t i = 0; i < a.n_groups * T; ++i) {
                    float* acc = to[i] + n * kPanelRows;
                    const __m512 sum = _mm512_set1_ps(of_group(x, i / T, group_bytes)->sum[i % T]);
                    _mm512_store_ps(acc, _mm512_fmadd_ps(min, sum, _mm512_load_ps(acc)));
                }
            });
        }
        for (std::size_t span = 0; span < kSpans; ++span) {
            unroll<F::kSpan>([&](auto k) DISTILL_LAMBDA {
                unroll<kPanels>([&](auto n) DISTILL_LAMBDA { prefetch_near<64, kLines>(ahead + n * row_bytes); });
                ahead += kLines * 64;
                const std::size_t j = (b * F::kBlocks + span * F::kSpan + k) % kUnitBlocks;
                const auto tokens = [&](auto place, auto ends) DISTILL_LAMBDA {
                    block_tokens<F, T, k, place, ends>(parts, pairs, to, panel, prepared, span, j,
                                                       x + span * F::kSpan + k, group_bytes, a.n_groups);
                };
                if constexpr (!Tr::kSubScales) {
                    if (j + 1 == kUnitBlocks || b + 1 == n_blocks)
                        tokens(constant<0>, constant<1>);
                    else
                        tokens(constant<0>, constant<0>);
                } else if constexpr (!Tr::kWholeScales || F::kSpan % 2 == 0) {
                    tokens(constant<k % 2>, constant<0>);
                } else if (j % 2 == 0) {
                    tokens(constant<0>, constant<0>);
                } else {
                    tokens(constant<1>, constant<0>);
                }
            });
        }
        if constexpr (Tr::kSubScales) end_unit<F, T>(parts, to, panel, prepared, x, group_bytes, a.n_groups);
        unroll<kPanels>([&](auto n) DISTILL_LAMBDA { ++panel[n]; });
    }
}

// One copy for all formats. Group by group, so that few rows of the output are written at a time, each in one piece.
template <std::size_t T, std::size_t kMaxTokens>
__attribute__((noinline)) void store_sums(MatmulArgs a, std::size_t first, std::size_t last,
                                          const RowSums (*sums)[kMaxTokens]) {
    constexpr int kEach = static_cast<int>(T);
    int left = a.n_tokens;
    for (std::size_t token = 0; left > 0; token += T, left -= kEach) {
        a.n_tokens = left < kEach ? left : kEach;
        for (std::size_t row = first; row < last; row += kTileRows) {
            const RowSums* of_rows = sums[(row - first) / kTileRows] + token;
            __m512 acc[T][kPanels];
            unroll<T * kPanels>([&](auto i) DISTILL_LAMBDA {
                acc[i / kPanels][i % kPanels] = _mm512_load_ps(of_rows[i / kPanels] + i % kPanels * kPanelRows);
            });
            store_tile<Avx512, kPanels, T>(a, row, acc);
        }
        a.out += T * a.out_stride;
    }
}

template <class F, std::size_t T>
void tile_rows(const MatmulArgs& a) {
    constexpr std::size_t kUnitPanelBlocks = kUnitBlocks / F::kBlocks, kMaxTokens = kGroups * T;
    using PanelSums = RowSums[kMaxTokens];
    const std::size_t n_blocks = a.columns / (kActBlock * F::kBlocks), n_tokens = a.n_groups * T;
    alignas(64) RowSums parts[kMaxTokens];
    alignas(64) PairSums pairs[kMaxTokens];
    const auto multiply = [&](std::size_t row, std::size_t begin, std::size_t end, PanelSums& to) DISTILL_LAMBDA {
        const std::size_t from = begin * kUnitPanelBlocks, until = end * kUnitPanelBlocks;
        const auto* first = static_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_blocks + from;
        // The last panel of an odd number is its own neighbour.
        const typename F::Panel* panel[kPanels] = {first, row + kPanelRows < a.row_end ? first + n_blocks : first};
        tile_blocks<F, T>(a, panel, from, until < n_blocks ? until : n_blocks, parts, pairs, to);
    };
    const auto store = [&](std::size_t first, std::size_t last, const PanelSums* all)
                           DISTILL_LAMBDA { store_sums<T>(a, first, last, all); };
    for_units_and_panels<PanelSums, kTileRows, kCachedBytes>(a, n_tokens, a.n_groups * kUnitBlocks * kBlockBytes<T>,
                                                             multiply, store);
}

// --- The table -----------------------------------------------------------------------------------------------------

struct Products {
    template <template <class> class Format>
    static void product(const MatmulArgs& a) {
        using F = Format<Avx512>;
        switch (a.group) {
            case 1:
                return in_pairs() ? span_rows<F, 1, 128>(a) : span_rows<F, 1, 64>(a);
            case 2:
                return in_pairs() ? span_rows<F, 2, 128>(a) : span_rows<F, 2, 64>(a);
            case 4:
                return span_rows<F, 4, 64>(a);
            default:
                return tile_rows<F, 8>(a);
        }
    }
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
const Kernels kAvx512VnniKernels{"avx512vnni",
                                 needs(),
                                 Avx512::kGroup,
                                 matmul_functions<Avx512, Products>(),
                                 float_ops<xsimd::avx512bw, Avx512>(quantize512, dequantize512),
                                 integer_peak,
                                 kBlockBytes<1>,
                                 {},
                                 kGroups,
                                 kTileRows,
                                 &kPageAttention512};

}  // namespace distill
