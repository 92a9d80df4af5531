// Weights as the AMX table reads them: 256 columns (a unit) of a panel's 16 rows as whole numbers W = q * k + c with
// one scale for each row, and their digits, as bytes (amx_activations.h has those of activations).
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "quant/kernels/amx_activations.h"
#include "quant/kernels/avx512_lanes.h"
#include "quant/kernels/avx512_vector.h"
#include "quant/kernels/matmul.h"
#include "quant/unroll.h"

namespace distill {
namespace {

constexpr int log2_of(int n) {
    return n <= 1 ? 0 : 1 + log2_of(n / 2);
}
DISTILL_INLINE __m512i shifted_up(__m512i v, int bits) {
    return _mm512_slli_epi32(v, static_cast<unsigned>(bits));
}
// In each lane of 32 bits its lower half twice (or, if kUpper, its upper one).
template <bool kUpper>
DISTILL_INLINE __m512i both_halves(__m512i v) {
    constexpr char a = kUpper ? 2 : 0, b = a + 1;
    return _mm512_shuffle_epi8(
        v, _mm512_broadcast_i32x4(_mm_setr_epi8(a, b, a, b, a + 4, b + 4, a + 4, b + 4, a + 8, b + 8, a + 8, b + 8,
                                                a + 12, b + 12, a + 12, b + 12)));
}
// The lowest byte of that half four times.
template <bool kUpper>
DISTILL_INLINE __m512i all_bytes(__m512i v) {
    constexpr char a = kUpper ? 2 : 0;
    return _mm512_shuffle_epi8(
        v, _mm512_broadcast_i32x4(_mm_setr_epi8(a, a, a, a, a + 4, a + 4, a + 4, a + 4, a + 8, a + 8, a + 8, a + 8,
                                                a + 12, a + 12, a + 12, a + 12)));
}

// The vector trait of matmul.h's formats. All processors with tiles shift and mask bytes in one operation.
struct Amx : Avx512 {
    // To a register: the compiler would give each of a byte's two nibbles a load of its own.
    DISTILL_INLINE static U8 load(const std::uint8_t* p) {
        U8 v = Avx512::load(p);
        __asm__("" : "+v"(v));
        return v;
    }
    DISTILL_INLINE static U8 high(U8 v) {
        // Row by row of a matrix of bits, from below: bits 4 to 7 of the byte, and four of none.
        return _mm512_gf2p8affine_epi64_epi8(v, _mm512_set1_epi64(0x1020408000000000), 0);
    }
};

// q as the format's weights() have it. k is whole where q has so few bits that k has some hundred steps, and exact for
// k-quants without minima, whose scales are whole numbers of a row's one scale already.
//
// With four bits or fewer and one scale for a block, k and c have digits, k = 32 * k0 + k1, c = 32 * c0 + c1, small
// enough that both digits of W, q * k0 + c0 and q * k1 + c1, are bytes: each takes a multiplication for two weights,
// and the sums of a block's q with digits of x, times k and k0, are the sums of products of digits with no others left
// out than those of both lower ones.
//
// Eight bits leave too few steps for a whole k: there k is of 128ths, W = round((q - 128) * k), and weights are cut one
// by one, into digits that are as often negative as not.
template <class F>
struct UnitWeights {
    static constexpr int kMost = (1 << F::kBits) - 1;
    static constexpr bool kExact = F::kBlocks > 1 && F::kMin == 0, kWhole = F::kBits < 8;
    static constexpr int kFraction = kWhole ? 0 : 7;  // bits of k
    static constexpr bool kSplitScales = F::kBits <= 4 && F::kScales == 1;
    static constexpr bool kInPairs = kSplitScales && F::kBlocks > 1;  // Q4_K: scales and minima are whole numbers
    // Products of both lower digits are left out. Then both digits of weights have 128 added.
    static constexpr bool kThreeProducts = kSplitScales || !kWhole;
    static constexpr float kUnit = kThreeProducts ? kBase : 1;  // what the sum of products counts X * W in
    // What scales are rounded to, so that with what rounding them adds, and with the whole scales of Q6_K, up to
    // -128 * -32, W is never above kMostW: upper digits are signed bytes (beside lower ones of 128, where scales are
    // split), and a unit's sum fits 32 bits.
    static constexpr int kLargestW = kSplitScales ? 3900 : 4070, kMostW = kLargestW + (kWhole ? 26 : 1);
    static_assert(kSplitScales ? kMostW + 128 <= 127 * kBase
                  : kWhole     ? kMostW <= 128 * kBase
                               : kMostW < 127 * kBase + kBase / 2);
    static_assert(1ll * kUnitColumns * (1ll * kLargestX * kMostW + kBase * kBase / 4) <= 0x7fffffff);
    static_assert(kWhole ? F::kOffset != 0 || F::kMin != 0 : F::kOffset == 128 && F::kMin == 0);
    const typename F::Panel* panel;  // of the first block
    typename F::Prepared prepared;
    std::size_t n_blocks;  // of 32 columns
    // Of 16 rows; c where there is one. Where scales are split, of 16 bits (what stands above them means nothing), on
    // the way to `digits`, and c, if there is a minimum, is W in the middle between q = 0 and the largest q.
    __m512i k[kUnitBlocks][F::kScales], c[kUnitBlocks][F::kScales];
    // Of two blocks, 16 bits each: of the first one the lower halves of lanes.
    struct ScaleDigits {
        __m512i k[kDigits], c[kDigits];
    } digits[kUnitBlocks / 2];
    __m512 unit;  // 16 rows; what the sums of products are multiplied with

    template <class Do>
    DISTILL_INLINE void for_scales(const Do& each) const {
        unroll<kUnitBlocks>([&](auto j) DISTILL_LAMBDA {
            if (F::kBlocks == 1 && j >= n_blocks) return;
            unroll<F::kScales>([&](auto h) DISTILL_LAMBDA { each(j, h); });
        });
    }

    DISTILL_INLINE void read(const typename F::Panel* p, std::size_t blocks) {
        panel = p;
        n_blocks = blocks;
        if constexpr (kInPairs) return measure_in_pairs();
        prepared = F::prepare(*p);
        if constexpr (kExact) {
            // Negated, and the unit as well: of -128 * -32 the upper digit would be 128, of its opposite it is -128.
            for_scales([&](auto j, auto h) DISTILL_LAMBDA {
                const std::int8_t* whole = F::sub_scales(*panel, prepared, j, h);
                k[j][h] = minus(shifted_up(
                    _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(whole))), kFraction));
                if constexpr (kWhole) c[j][h] = minus(shifted_up(k[j][h], log2_of(F::kOffset)));
            });
            unit = _mm512_mul_ps(_mm512_set1_ps(-kUnit), Avx512::f16(panel->d));
        } else {
            measure();
        }
    }

    // Columns 4g..4g + 3 of block F::kSpan * i + k, all rows.
    template <std::size_t k, std::size_t g>
    DISTILL_INLINE __m512i bytes(std::size_t i) const {
        const auto& of_block = F::kBlocks == 1 ? panel[i] : *panel;
        return F::template weights<k, g>(F::span(of_block, F::kBlocks == 1 ? 0 : i), 0);
    }
    // q * k, or W where k is not whole, of the even and of the odd columns. scale: k in both halves of each lane.
    struct Words {
        __m512i even, odd;
    };
    DISTILL_INLINE static Words times(__m512i q, __m512i scale) {
        if constexpr (kWhole) {
            return {_mm512_mullo_epi16(_mm512_and_si512(q, _mm512_set1_epi16(0xff)), scale),
                    _mm512_mullo_epi16(_mm512_srli_epi16(q, 8), scale)};
        } else {
            // 256 * (q - 128); of the 31 bits of a product the upper 16 are kept.
            static_assert(kFraction == 7);
            const __m512i upper = _mm512_set1_epi16(-0x100), sign = _mm512_set1_epi16(-0x8000);
            return {_mm512_mulhrs_epi16(_mm512_xor_si512(_mm512_slli_epi16(q, 8), sign), scale),
                    _mm512_mulhrs_epi16(_mm512_ternarylogic_epi32(q, upper, sign, kAndXor), scale)};
        }
    }
    // Bits kBit..kBit + 7 of words, as bytes in the order of columns.
    template <int kBit>
    DISTILL_INLINE static __m512i bytes_of(const Words& w) {
        const __m512i even = kBit == 0 ? w.even : _mm512_srli_epi16(w.even, kBit);
        return _mm512_ternarylogic_epi32(_mm512_set1_epi16(0xff), even, _mm512_slli_epi16(w.odd, 8 - kBit), kSelect);
    }
    // W1 + 16, as bytes.
    DISTILL_INLINE static __m512i lower_digits(const Words& w) {
        return _mm512_ternarylogic_epi32(bytes_of<0>(w), _mm512_set1_epi8(kBase - 1), _mm512_set1_epi8(kBase / 2),
                                         kAndXor);
    }
    // W0 + 128 and W1 + 128.
    struct Digits {
        __m512i upper, lower;
    };
    DISTILL_INLINE static Digits digits_of(Words w) {
        const __m512i up = _mm512_set1_epi16(128 * kBase + kBase / 2);
        w.even = _mm512_add_epi16(w.even, up);
        w.odd = _mm512_add_epi16(w.odd, up);
        // The byte's lower five bits are 16 more than what they stand for and become 128 more: a matrix of bits, row by
        // row from below, takes the uppermost of them to the three above as well, and all but the last are turned over.
        const __m512i to_byte = _mm512_set1_epi64(0x0102040810101010);
        static_assert(kBase == 32);
        return {bytes_of<kDigitBits>(w), _mm512_gf2p8affine_epi64_epi8(bytes_of<0>(w), to_byte, 0x70)};
    }
    // Of two blocks, where scales are split: all += sums * (k or c), of 16 bits. sums[d]: of the two blocks' products
    // with digit d of x, or of that digit alone.
    template <class Sums>
    DISTILL_INLINE static __m512i add_pair(__m512i all, const Sums& sums, const __m512i (&of)[kDigits]) {
        const __m512i whole = _mm512_add_epi16(_mm512_slli_epi16(of[0], kDigitBits), of[1]);
        return _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(all, sums(constant<0>), whole), sums(constant<1>), of[0]);
    }
    // What blocks 2i and 2i + 1 add to a token's sum whatever their q.
    template <std::size_t T>
    DISTILL_INLINE __m512i add_constants(__m512i all, const FewUnit<T>& x, std::size_t t, std::size_t i) const {
        const auto sums = [&](auto d) DISTILL_LAMBDA { return broadcast32(x.digit_sums[t][i][d]); };
        if constexpr (kSplitScales) return add_pair(all, sums, digits[i].c);
        // Lower digits of eight bits were 16 too large.
        if constexpr (!kWhole) return _mm512_dpwssd_epi32(all, _mm512_set1_epi16(kBase / 2), sums(constant<1>));
        unroll<2>([&](auto j) DISTILL_LAMBDA {
            if (2 * i + j >= n_blocks) return;
            const __m512i halves = pair_of(c[2 * i + j][0], c[2 * i + j][F::kScales - 1]);
            all = _mm512_dpwssd_epi32(all, halves, broadcast32(x.sums[t] + 2 * (2 * i + j)));
        });
        return all;
    }

  private:
    // ternarylogic's: bits of b where a has ones, else of c; (a and b) xor c; a or (b and c).
    static constexpr int kSelect = 0xca, kAndXor = 0x6a, kOrAnd = 0xf8;
    DISTILL_INLINE static __m512i minus(__m512i v) { return _mm512_sub_epi32(_mm512_setzero_si512(), v); }
    // s * q and the minimum m.
    DISTILL_INLINE static __m512 with_minimum(__m512 s, float q, __m512 m) {
        return F::kMin > 0 ? _mm512_fmadd_ps(s, _mm512_set1_ps(q), m) : _mm512_fmsub_ps(s, _mm512_set1_ps(q), m);
    }

    DISTILL_INLINE void measure() {
        __m512 scale[kUnitBlocks][F::kScales], low[kUnitBlocks][F::kScales];
        __m512i largest = _mm512_setzero_si512();  // as bit patterns, so that NaN comes out on top
        const auto meet = [&](__m512 v) DISTILL_LAMBDA {
            largest =
                _mm512_max_epu32(largest, _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff)));
        };
        for_scales([&](auto j, auto h) DISTILL_LAMBDA {
            const auto& of_block = F::kBlocks == 1 ? panel[j] : *panel;
            const __m512 s = scale[j][h] = F::scale(of_block, prepared, j, h, 0);
            if constexpr (F::kMin == 0) {
                meet(s);  // times the offset, which is the largest weight
            } else {
                const __m512 m = low[j][h] = F::minimum(of_block, prepared, j, h, 0);
                meet(m);
                meet(with_minimum(s, kMost, m));
            }
        });
        constexpr float kSteps = static_cast<float>(kLargestW) / (F::kMin == 0 ? F::kOffset : 1);
        // Too small to be divided by: zero. Infinity and NaN stay in the unit, and end in the logits.
        const __m512 top = _mm512_castsi512_ps(largest);
        const __mmask16 normal = _mm512_cmp_ps_mask(top, _mm512_set1_ps(1e-30f), _CMP_GT_OQ);
        const __m512 per_unit = _mm512_maskz_div_ps(normal, _mm512_set1_ps(kSteps), top);
        unit = _mm512_mul_ps(top, _mm512_set1_ps(kUnit / kSteps));
        const __m512 per_k = _mm512_mul_ps(per_unit, _mm512_set1_ps(1 << kFraction));
        for_scales([&](auto j, auto h) DISTILL_LAMBDA {
            if constexpr (kSplitScales) {
                // Beside 1.5 * 2^23, whose last place is worth 1, the rounded number is left in the lower bits.
                const auto rounded = [&](__m512 v) DISTILL_LAMBDA {
                    return _mm512_castps_si512(_mm512_fmadd_ps(v, per_unit, _mm512_set1_ps(0x1.8p23f)));
                };
                k[j][h] = rounded(scale[j][h]);
                if constexpr (F::kMin != 0) c[j][h] = rounded(with_minimum(scale[j][h], kMost * 0.5f, low[j][h]));
                return;
            }
            k[j][h] = _mm512_cvtps_epi32(_mm512_mul_ps(scale[j][h], per_k));
            if constexpr (F::kMin != 0) {
                // From the middle, so that what rounding k adds to the lowest q it takes from the highest.
                const __m512 middle = with_minimum(scale[j][h], kMost * 0.5f, low[j][h]);
                c[j][h] = _mm512_sub_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(middle, per_unit)),
                                           _mm512_srai_epi32(times_most(k[j][h]), 1));
            } else if constexpr (kWhole) {
                c[j][h] = minus(shifted_up(k[j][h], log2_of(F::kOffset)));
            }
        });
        if constexpr (kSplitScales) {
            unroll<kUnitBlocks / 2>([&](auto i) DISTILL_LAMBDA {
                if (F::kBlocks == 1 && 2 * i >= n_blocks) return;
                split(digits[i], pair_of(k[2 * i][0], k[2 * i + 1][0]), pair_of(c[2 * i][0], c[2 * i + 1][0]));
            });
        }
    }
    // The same in 16 bits, two blocks at a time: a lone token waits for them half as long as for products. Whole
    // scales and minima become numbers of which kRoom is the largest that a row's two units allow, and those W. What
    // is made with a reciprocal is 6e-5 of itself beside it.
    DISTILL_INLINE void measure_in_pairs() {
        static_assert(kMost == 15 && F::kMin < 0);
        const auto line = [&](std::size_t i) DISTILL_LAMBDA { return _mm512_loadu_si512(panel->s[i]); };
        const auto six_bits = [](__m512i low, __m512i upper) DISTILL_LAMBDA {
            return _mm512_ternarylogic_epi32(low, upper, _mm512_set1_epi8(0x30), kOrAnd);
        };
        const __m512i upper = line(2);
        const __m512i whole[2][2] = {
            // scales, minima; of blocks 0 to 3 and 4 to 7
            {six_bits(Amx::low(line(0)), _mm512_slli_epi16(upper, 4)),
             six_bits(Amx::high(line(0)), _mm512_slli_epi16(upper, 2))},
            {six_bits(Amx::low(line(1)), upper), six_bits(Amx::high(line(1)), _mm512_srli_epi16(upper, 2))}};

        constexpr float kLargest = 63, kRoom = 16100;
        const __m512 of_scale = _mm512_mul_ps(Avx512::f16(panel->d), _mm512_set1_ps(kMost * kLargest)),
                     of_minimum = _mm512_mul_ps(Avx512::f16(panel->dmin), _mm512_set1_ps(kLargest));
        // As bit patterns, so that NaN comes out on top.
        const auto magnitude = [](__m512 v) DISTILL_LAMBDA {
            return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff));
        };
        const __m512 top =
            _mm512_castsi512_ps(_mm512_max_epu32(_mm512_max_epu32(magnitude(of_scale), magnitude(of_minimum)),
                                                 magnitude(_mm512_sub_ps(of_scale, of_minimum))));
        // As in measure().
        const __mmask16 normal = _mm512_cmp_ps_mask(top, _mm512_set1_ps(1e-30f), _CMP_GT_OQ);
        // Whole numbers come as the upper bytes of 16 bits; of a product the upper 16 bits of 31 are kept.
        const auto factor = [](__m512 v) DISTILL_LAMBDA { return both_halves<false>(_mm512_cvtps_epi32(v)); };
        constexpr float kOfByte = kRoom * 128 / kLargest;
        static_assert(kOfByte < 0x7fff);
        const __m512 per = _mm512_mul_ps(_mm512_maskz_rcp14_ps(normal, top), _mm512_set1_ps(kOfByte));
        const __m512i factors[2] = {factor(_mm512_mul_ps(of_scale, per)), factor(_mm512_mul_ps(of_minimum, per))};

        __m512i half_span[kUnitBlocks / 2], middle[kUnitBlocks / 2], largest = _mm512_setzero_si512();
        unroll<kUnitBlocks / 2>([&](auto i) DISTILL_LAMBDA {
            const auto product = [&](std::size_t of) DISTILL_LAMBDA {
                return _mm512_mulhrs_epi16(pair_of_blocks<i % 2>(whole[of][i / 2]), factors[of]);
            };
            const __m512i span = product(0), minimum = product(1), most = _mm512_sub_epi16(span, minimum);
            half_span[i] = _mm512_srai_epi16(span, 1);
            middle[i] = _mm512_sub_epi16(most, half_span[i]);
            largest = _mm512_max_epi16(largest, _mm512_max_epi16(_mm512_abs_epi16(most), _mm512_abs_epi16(minimum)));
        });
        largest =
            _mm512_and_si512(_mm512_max_epi16(largest, _mm512_srli_epi32(largest, 16)), _mm512_set1_epi32(0xffff));
        // A row that uses less than a quarter of what its units allow, which no file of llama.cpp's has but rows of
        // zeros (a last panel's missing ones too), would lose too much.
        if (_mm512_cmplt_epi32_mask(largest, _mm512_set1_epi32(kLargestW + 5)) != 0) [[unlikely]] {
            prepared = F::prepare(*panel);
            return measure();
        }
        const __m512 row = _mm512_cvtepi32_ps(largest);
        const __m512 to_w = _mm512_mul_ps(_mm512_rcp14_ps(row), _mm512_set1_ps(kLargestW * 0x1p15f));
        // The second is 1058 at least, up to 5e-4 beside what it should be: half of what rounding k does.
        const __m512i of_middle = factor(to_w), of_k = factor(_mm512_mul_ps(to_w, _mm512_set1_ps(2.0f / kMost)));
        unroll<kUnitBlocks / 2>([&](auto i) DISTILL_LAMBDA {
            split(digits[i], _mm512_mulhrs_epi16(half_span[i], of_k), _mm512_mulhrs_epi16(middle[i], of_middle));
        });
        unit = _mm512_mul_ps(_mm512_mul_ps(top, _mm512_set1_ps(kUnit / (kRoom * kLargestW))), row);
    }
    // Bytes of blocks 2i and 2i + 1 of the four: the upper ones of 16 bits of the lower and the upper halves of lanes.
    template <std::size_t i>
    DISTILL_INLINE static __m512i pair_of_blocks(__m512i bytes) {
        const __m512i rows = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const __m512i at =
            _mm512_or_si512(_mm512_or_si512(_mm512_slli_epi32(rows, 8), _mm512_slli_epi32(rows, 24)),
                            _mm512_set1_epi32(static_cast<int>(((2 * i + 1) * 16) << 24 | (2 * i * 16) << 8)));
        return _mm512_maskz_permutexvar_epi8(0xaaaaaaaaaaaaaaaau, at, bytes);
    }
    DISTILL_INLINE static __m512i times_most(__m512i k) { return _mm512_sub_epi32(shifted_up(k, F::kBits), k); }

    // Of 16-bit numbers v the upper digit, with lower ones from -`down` on, and what it leaves of v.
    DISTILL_INLINE static __m512i upper_digit(__m512i v, int down) {
        return _mm512_srai_epi16(_mm512_add_epi16(v, _mm512_set1_epi16(static_cast<short>(down))), kDigitBits);
    }
    DISTILL_INLINE static __m512i lower_digit(__m512i v, __m512i upper) {
        return _mm512_sub_epi16(v, _mm512_slli_epi16(upper, kDigitBits));
    }
    // Digits such that, for each q, 128 + that of W is from 0 to 255.
    DISTILL_INLINE static void split(ScaleDigits& d, __m512i k, __m512i middle) {
        if constexpr (F::kMin == 0) {
            // (q - 8) * k1 with k1 from -15 to 16.
            static_assert(F::kOffset == 8);
            d.k[0] = upper_digit(k, kBase / 2 - 1);
            d.k[1] = lower_digit(k, d.k[0]);
            unroll<kDigits>([&](auto i) DISTILL_LAMBDA {
                d.c[i] = _mm512_sub_epi16(_mm512_setzero_si512(), _mm512_slli_epi16(d.k[i], log2_of(F::kOffset)));
            });
        } else {
            // (q - 7.5) * k1, in magnitude up to 112.5 if k1 is 15 at most, and a rest from -16 to 14. One k in 32 and
            // one c are a unit beside what they were rounded to.
            d.k[0] = upper_digit(k, kBase / 2);
            d.k[1] = _mm512_max_epi16(lower_digit(k, d.k[0]), _mm512_set1_epi16(1 - kBase / 2));
            const __m512i left =
                _mm512_sub_epi16(middle, _mm512_mullo_epi16(d.k[0], _mm512_set1_epi16(kMost * kBase / 2)));
            d.c[0] = upper_digit(left, kBase / 2);
            const __m512i rest = _mm512_min_epi16(lower_digit(left, d.c[0]), _mm512_set1_epi16(kBase / 2 - 2));
            const __m512i of_k = _mm512_mullo_epi16(d.k[1], _mm512_set1_epi16(kMost));
            d.c[1] = _mm512_sub_epi16(rest, _mm512_srai_epi16(of_k, 1));
        }
    }
};

// A unit of a panel, to be cut into digits.
template <class F>
struct UnitDigits {
    using Weights = UnitWeights<F>;
    Weights weights;

    DISTILL_INLINE void read(const typename F::Panel* panel, std::size_t n_blocks) {
        weights.read(panel, n_blocks);
        weights.for_scales([&](auto j, auto h) DISTILL_LAMBDA {
            if constexpr (Weights::kSplitScales) {
                constexpr bool kUpper = j % 2 != 0;
                const auto& of = weights.digits[j / 2];
                unroll<kDigits>([&](auto d) DISTILL_LAMBDA {
                    k[j][d] = both_halves<kUpper>(of.k[d]);
                    c[j][d] = all_bytes<kUpper>(_mm512_add_epi16(of.c[d], _mm512_set1_epi16(128)));
                });
            } else {
                k[j][h] = both_halves<false>(weights.k[j][h]);
                if constexpr (Weights::kWhole) c[j][h] = both_halves<false>(weights.c[j][h]);
            }
        });
    }

    // The F::kSpan blocks from F::kSpan * i on: put(j, g, digit 0, digit 1) takes columns 4g..4g + 3 of block j, all
    // rows. ask(constant) is called before each of them, in order, for what is to be asked for of memory meanwhile.
    template <class Ask, class Put>
    DISTILL_INLINE void span(std::size_t i, const Ask& ask, const Put& put) const {
        unroll<8>([&](auto g) DISTILL_LAMBDA {
            unroll<F::kSpan>([&](auto of_span) DISTILL_LAMBDA {
                ask(constant<g * F::kSpan + of_span>);
                const std::size_t j = F::kSpan * i + of_span;
                const __m512i q = weights.template bytes<of_span, g>(i);
                if constexpr (Weights::kSplitScales) {
                    // Two weights to a multiplication: no sum of one leaves its byte.
                    const auto digit = [&](std::size_t d) DISTILL_LAMBDA {
                        return _mm512_add_epi16(_mm512_mullo_epi16(q, k[j][d]), c[j][d]);
                    };
                    put(j, g, digit(0), digit(1));
                } else {
                    constexpr std::size_t h = g / (8 / F::kScales);
                    auto w = Weights::times(q, k[j][h]);
                    if constexpr (Weights::kThreeProducts) {
                        const auto of = Weights::digits_of(w);
                        put(j, g, of.upper, of.lower);
                    } else {
                        w.even = _mm512_add_epi16(w.even, c[j][h]);
                        w.odd = _mm512_add_epi16(w.odd, c[j][h]);
                        put(j, g, Weights::template bytes_of<kDigitBits>(w),
                            _mm512_and_si512(Weights::template bytes_of<0>(w), _mm512_set1_epi8(kBase - 1)));
                    }
                }
            });
        });
    }

  private:
    // Two to a lane, both the same: of scales that are split their digits, else of W's halves of a block.
    static constexpr std::size_t kEach = Weights::kSplitScales ? kDigits : static_cast<std::size_t>(F::kScales);
    __m512i k[kUnitBlocks][kEach], c[kUnitBlocks][kEach];
};

}  // namespace
}  // namespace distill
