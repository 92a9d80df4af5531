// Attention over a page of 64 keys and values in f16, as products of 16-bit integers: vpdpwssd makes 32 of them where a
// float multiply-add makes 16. Included by the file that is compiled for AVX-512 with VNNI.
//
// Every key, value, query and row of weights has a scale of its own, so that a token's result depends on nothing but
// what the token sees. Of keys and values 13 bits and a sign are kept, counted from their largest number (f16 keeps 11
// of each number). A query or a row of weights is as large as 16 bits allow, and so that its sum of magnitudes times
// the largest key or value fits 32 bits: sums of a product cannot overflow. With 128 numbers of normal distribution
// that leaves 13 bits too.
#pragma once

#include <immintrin.h>

#include "quant/kernels/avx512_lanes.h"
#include "quant/kernels/kernels.h"
#include "quant/kernels/matmul.h"

namespace distill {
namespace {

namespace attention512 {

constexpr std::size_t kKeys = PageAttention::kKeys, kColumns = PageAttention::kMaxColumns,
                      kRows = PageAttention::kMaxRows;
constexpr int kLargest = 8191;        // of a key or a value
constexpr int kLargestOfRow = 32767;  // of a query or a row of weights, ...
// ... and of its magnitudes together: each is rounded by up to a half, the other half is for the float sum's own error.
constexpr int kLargestSum = 0x7fffffff / kLargest - static_cast<int>(kColumns);
static_assert(kKeys <= kColumns);

// Pairs of neighbouring columns, or keys, side by side: of a row; of 16 rows of a panel.
using Pair = std::int32_t;
using PanelPair = std::int32_t[kPanelRows];

struct Scratch {
    alignas(64) Pair queries[kRows][kColumns / 2], weights[kRows][kKeys / 2];
    alignas(64) PanelPair panels[kColumns * kKeys / 2 / kPanelRows];  // of the keys, then of the values
    alignas(64) float query_scale[kRows], weight_scale[kRows], key_scale[kKeys], value_scale[kKeys];
};
static_assert(sizeof(Scratch) <= PageAttention::kScratchBytes);

DISTILL_INLINE __m512 f16(const std::uint16_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

// scale = largest / kLargest, and its inverse: 0 for zeros; NaN and infinity stay what they are in the scale.
DISTILL_INLINE void scales_of(__m512 largest, __m512& scale, __m512& inverse) {
    scale = _mm512_mul_ps(largest, _mm512_set1_ps(1.0f / kLargest));
    const __mmask16 some = _mm512_cmp_ps_mask(largest, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    inverse = _mm512_maskz_div_ps(some, _mm512_set1_ps(kLargest), largest);
}
DISTILL_INLINE __m512i rounded(__m512 v, __m512 inverse) {
    return _mm512_cvtps_epi32(_mm512_mul_ps(v, inverse));
}
// The same in the lower 16 bits, in one step: beside so large a number no fraction has room.
DISTILL_INLINE __m512i rounded16(__m512 v, __m512 inverse) {
    return _mm512_castps_si512(_mm512_fmadd_ps(v, inverse, _mm512_set1_ps(12582912.0f)));
}
DISTILL_INLINE void ask_for(const std::uint16_t* p) {
    _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1);
}

// Of a query or a row of weights, of its largest magnitude and the sum of them; NaN in the sum stays NaN.
DISTILL_INLINE float scale_of_row(float top, float sum) {
    const float by_top = top * (1.0f / kLargestOfRow), by_sum = sum * (1.0f / kLargestSum);
    return by_top > by_sum ? by_top : by_sum;
}
// Zeros, and what is so small that its scale has no inverse, come to nothing; NaN stays NaN.
DISTILL_INLINE float inverse_of(float scale) {
    return scale < 1e-37f ? 0.0f : 1.0f / scale;
}

// n numbers, a multiple of 16, of a query or a row of weights; returns the scale.
DISTILL_INLINE float round_row(Pair* out, const float* x, std::size_t n) {
    // As bit patterns, so that NaN comes out on top.
    __m512i largest = _mm512_setzero_si512();
    __m512 sum = _mm512_setzero_ps();
    for (std::size_t i = 0; i < n; i += 16) {
        const __m512 magnitudes = _mm512_abs_ps(_mm512_loadu_ps(x + i));
        largest = _mm512_max_epu32(largest, _mm512_castps_si512(magnitudes));
        sum = _mm512_add_ps(sum, magnitudes);
    }
    const std::uint32_t top_bits = _mm512_reduce_max_epu32(largest);
    float top;
    __builtin_memcpy(&top, &top_bits, 4);
    const float scale = scale_of_row(top, _mm512_reduce_add_ps(sum));
    const __m512 inverse = _mm512_set1_ps(inverse_of(scale));
    for (std::size_t i = 0; i < n; i += 16) {
        _mm256_store_si256(reinterpret_cast<__m256i*>(out + i / 2),
                           _mm512_cvtsepi32_epi16(rounded(_mm512_loadu_ps(x + i), inverse)));
    }
    return scale;
}

DISTILL_INLINE __m512i two_columns(const std::uint16_t* p) {
    return _mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi16(0x7fff));
}

// The scales of a panel of 16 keys, columns one behind the other, and their inverses.
DISTILL_INLINE __m512 key_scales(float* scale, const std::uint16_t* panel, std::size_t columns) {
    // Magnitudes of f16 are in the order of their bits.
    __m512i largest = two_columns(panel);
    for (std::size_t c = 2; c < columns; c += 2) {
        largest = _mm512_max_epu16(largest, two_columns(panel + c * kPanelRows));
    }
    __m512 of_key, inverse;
    scales_of(_mm512_cvtph_ps(_mm256_max_epu16(_mm512_castsi512_si256(largest), _mm512_extracti64x4_epi64(largest, 1))),
              of_key, inverse);
    _mm512_store_ps(scale, of_key);
    return inverse;
}

// `next` is asked for on the way, line by line.
DISTILL_INLINE void round_keys(PanelPair* out, float* scale, const std::uint16_t* panel, const std::uint16_t* next,
                               std::size_t columns) {
    const __m512 inverse = key_scales(scale, panel, columns);
    for (std::size_t c = 0; c < columns; c += 2) {
        const std::uint16_t* p = panel + c * kPanelRows;
        ask_for(next + c * kPanelRows);
        _mm512_store_si512(out[c / 2], pair_of(rounded16(f16(p), inverse), rounded16(f16(p + kPanelRows), inverse)));
    }
}

// The scales of values and their inverses: panels of 16 columns, keys one behind the other in each.
DISTILL_INLINE void value_scales(Scratch& s, float (&per_value)[kKeys], const std::uint16_t* panels, std::size_t keys,
                                 std::size_t n_panels) {
    alignas(64) std::uint16_t largest[kKeys];
    for (std::size_t k = 0; k < keys; k += 2) {
        __m512i v = two_columns(panels + k * kPanelRows);
        for (std::size_t p = 1; p < n_panels; ++p) {
            v = _mm512_max_epu16(v, two_columns(panels + (p * kKeys + k) * kPanelRows));
        }
        // The 16 columns of each key, in 256 bits, come together in all of them.
        v = _mm512_max_epu16(v, _mm512_shuffle_i64x2(v, v, 0xb1));
        v = _mm512_max_epu16(v, _mm512_shuffle_epi32(v, _MM_PERM_BADC));
        v = _mm512_max_epu16(v, _mm512_shuffle_epi32(v, _MM_PERM_CDAB));
        v = _mm512_max_epu16(v, _mm512_rol_epi32(v, 16));
        largest[k] = static_cast<std::uint16_t>(_mm512_cvtsi512_si32(v));
        largest[k + 1] = static_cast<std::uint16_t>(_mm_cvtsi128_si32(_mm512_extracti32x4_epi32(v, 2)));
    }
    for (std::size_t k = 0; k < keys; k += 16) {
        __m512 scale, inverse;
        scales_of(f16(largest + k), scale, inverse);
        _mm512_store_ps(s.value_scale + k, scale);
        _mm512_store_ps(per_value + k, inverse);
    }
}

// `next` is asked for on the way.
DISTILL_INLINE void round_values(PanelPair* out, Scratch& s, const std::uint16_t* panels, const std::uint16_t* next,
                                 std::size_t keys, std::size_t n_panels) {
    alignas(64) float per_value[kKeys];
    value_scales(s, per_value, panels, keys, n_panels);
    for (std::size_t p = 0; p < n_panels; ++p) {
        for (std::size_t k = 0; k < keys; k += 2) {
            const std::size_t at = (p * kKeys + k) * kPanelRows;
            ask_for(next + at);
            _mm512_store_si512(out[p * (keys / 2) + k / 2],
                               pair_of(rounded16(f16(panels + at), _mm512_set1_ps(per_value[k])),
                                       rounded16(f16(panels + at + kPanelRows), _mm512_set1_ps(per_value[k + 1]))));
        }
    }
}

// The weights of row r, exp(scores * scale - max): their sum, and as integers, times the scales of the values.
template <std::size_t kParts>
DISTILL_INLINE float weigh(Scratch& s, std::size_t r, const float* scores, float scale, float max) {
    using Ops = VectorOps<xsimd::avx512bw>;
    Ops::B e[kParts];
    unroll<kParts>([&](auto i) DISTILL_LAMBDA {
        e[i] = _mm512_fmsub_ps(_mm512_loadu_ps(scores + 16 * i), _mm512_set1_ps(scale), _mm512_set1_ps(max));
    });
    Ops::exp(e);
    __m512 weights[kParts], sum = _mm512_setzero_ps(), scaled_sum = sum, top = sum;
    unroll<kParts>([&](auto i) DISTILL_LAMBDA {
        weights[i] = _mm512_mul_ps(e[i], _mm512_load_ps(s.value_scale + 16 * i));
        sum = _mm512_add_ps(sum, e[i]);
        scaled_sum = _mm512_add_ps(scaled_sum, weights[i]);
        top = _mm512_max_ps(top, weights[i]);
    });
    const float row_scale = scale_of_row(_mm512_reduce_max_ps(top), _mm512_reduce_add_ps(scaled_sum));
    const __m512 inverse = _mm512_set1_ps(inverse_of(row_scale));
    unroll<kParts>([&](auto i) DISTILL_LAMBDA {
        _mm256_store_si256(reinterpret_cast<__m256i*>(s.weights[r] + 8 * i),
                           _mm512_cvtsepi32_epi16(rounded(weights[i], inverse)));
    });
    s.weight_scale[r] = row_scale;
    return _mm512_reduce_add_ps(sum);
}
DISTILL_INLINE float weigh(Scratch& s, std::size_t r, const float* scores, std::size_t keys, float scale, float max) {
    switch (keys / 16) {
        case 4:
            return weigh<4>(s, r, scores, scale, max);
        case 3:
            return weigh<3>(s, r, scores, scale, max);
        case 2:
            return weigh<2>(s, r, scores, scale, max);
        default:
            return weigh<1>(s, r, scores, scale, max);
    }
}

// put(row, panel, sums) for T rows and N panels: sums over n_pairs of panels[.][lane] * rows[.].
template <std::size_t N, std::size_t T, class Put>
DISTILL_INLINE void tile(const PanelPair* panels, std::size_t panel, std::size_t n_pairs, const Pair* rows,
                         std::size_t stride, std::size_t row, const Put& put) {
    // As 16 numbers: GCC copies each sum twice in each step when it takes them for eight of 64 bits.
    using Sums = std::int32_t __attribute__((vector_size(64)));
    Sums acc[T][N] = {};
    const PanelPair* w = panels + panel * n_pairs;
    const Pair* x = rows + row * stride;
    for (std::size_t c = 0; c < n_pairs; ++c) {
        __m512i v[N];
        unroll<N>([&](auto n) DISTILL_LAMBDA { v[n] = _mm512_load_si512(w[n * n_pairs + c]); });
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            const __m512i xt = _mm512_set1_epi32(x[t * stride + c]);
            unroll<N>([&](auto n) DISTILL_LAMBDA {
                acc[t][n] = reinterpret_cast<Sums>(_mm512_dpwssd_epi32(reinterpret_cast<__m512i>(acc[t][n]), v[n], xt));
            });
        });
    }
    unroll<T>([&](auto t) DISTILL_LAMBDA {
        unroll<N>([&](auto n) DISTILL_LAMBDA {
            put(row + t, panel + n, _mm512_cvtepi32_ps(reinterpret_cast<__m512i>(acc[t][n])));
        });
    });
}

template <std::size_t T, class Put>
DISTILL_INLINE void rows_of(const PanelPair* panels, std::size_t n_panels, std::size_t n_pairs, const Pair* rows,
                            std::size_t stride, std::size_t row, const Put& put) {
    std::size_t panel = 0;
    for (; panel + 2 <= n_panels; panel += 2) tile<2, T>(panels, panel, n_pairs, rows, stride, row, put);
    if (panel < n_panels) tile<1, T>(panels, panel, n_pairs, rows, stride, row, put);
}

template <class Put>
DISTILL_INLINE void products(const PanelPair* panels, std::size_t n_panels, std::size_t n_pairs, const Pair* rows,
                             std::size_t stride, std::size_t n_rows, const Put& put) {
    constexpr std::size_t kMost = 7;
    std::size_t row = 0;
    for (; row + kMost <= n_rows; row += kMost) rows_of<kMost>(panels, n_panels, n_pairs, rows, stride, row, put);
    unroll<kMost - 1>([&](auto i) DISTILL_LAMBDA {
        if (n_rows - row == i + 1) rows_of<i + 1>(panels, n_panels, n_pairs, rows, stride, row, put);
    });
}

void prepare(void* scratch, const float* queries, std::size_t rows, std::size_t columns) {
    auto& s = *static_cast<Scratch*>(scratch);
    for (std::size_t r = 0; r < rows; ++r) {
        s.query_scale[r] = round_row(s.queries[r], queries + r * columns, columns);
    }
}

// What becomes of a sum of products: a score, a part of a row's values.
DISTILL_INLINE void put_score(const Scratch& s, float* out, std::size_t row, std::size_t panel, __m512 sum) {
    const __m512 scale =
        _mm512_mul_ps(_mm512_load_ps(s.key_scale + panel * kPanelRows), _mm512_set1_ps(s.query_scale[row]));
    _mm512_storeu_ps(out + row * kKeys + panel * kPanelRows, _mm512_mul_ps(sum, scale));
}
DISTILL_INLINE void put_values(const Scratch& s, float* out, const float* factor, std::size_t columns, std::size_t row,
                               std::size_t panel, __m512 sum) {
    float* to = out + row * columns + panel * kPanelRows;
    const __m512 before = _mm512_mul_ps(_mm512_loadu_ps(to), _mm512_set1_ps(factor[row]));
    _mm512_storeu_ps(to, _mm512_fmadd_ps(sum, _mm512_set1_ps(s.weight_scale[row]), before));
}

void scores(void* scratch, float* out, const std::uint16_t* keys, const std::uint16_t* next, std::size_t rows,
            std::size_t n_keys, std::size_t columns) {
    auto& s = *static_cast<Scratch*>(scratch);
    const std::size_t n_panels = n_keys / kPanelRows;
    for (std::size_t p = 0; p < n_panels; ++p) {
        const std::size_t at = p * columns * kPanelRows;
        round_keys(s.panels + p * (columns / 2), s.key_scale + p * kPanelRows, keys + at, next + at, columns);
    }
    products(s.panels, n_panels, columns / 2, s.queries[0], kColumns / 2, rows,
             [&](std::size_t row, std::size_t panel, __m512 sum)
                 DISTILL_LAMBDA { put_score(s, out, row, panel, sum); });
}

void values(void* scratch, float* out, float* sum, const float* factor, const float* scores, float scale,
            const float* max, const std::uint16_t* values, const std::uint16_t* next, std::size_t rows,
            std::size_t n_keys, std::size_t columns) {
    auto& s = *static_cast<Scratch*>(scratch);
    const std::size_t n_panels = columns / kPanelRows;
    round_values(s.panels, s, values, next, n_keys, n_panels);
    for (std::size_t r = 0; r < rows; ++r) {
        sum[r] = sum[r] * factor[r] + weigh(s, r, scores + r * kKeys, n_keys, scale, max[r]);
    }
    products(s.panels, n_panels, n_keys / 2, s.weights[0], kKeys / 2, rows,
             [&](std::size_t row, std::size_t panel, __m512 added)
                 DISTILL_LAMBDA { put_values(s, out, factor, columns, row, panel, added); });
}

}  // namespace attention512

constexpr PageAttention kPageAttention512{attention512::prepare, attention512::scores, attention512::values};

}  // namespace
}  // namespace distill
