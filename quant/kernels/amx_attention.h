// Attention over a page of keys and values by AMX: the whole numbers of avx512_attention.h, cut into bytes. Sums are
// the same ones, exact, so that a token of a long prompt, here, and a lone one, there, have the same bits.
#pragma once

#include <immintrin.h>

#include "quant/kernels/amx_tiles.h"
#include "quant/kernels/avx512_attention.h"

namespace distill {
namespace {

namespace attention_amx {

using attention512::kColumns;
using attention512::kKeys;
using attention512::kRows;

// Of a number of 16 bits: the upper byte, signed, and the lower one, which is not.
constexpr std::size_t kBytes = 2;
constexpr std::size_t kStepColumns = Tiles::kRowBytes, kMaxSteps = kColumns / kStepColumns;
using Tile = std::uint8_t[Tiles::kRows][Tiles::kRowBytes];
using Step = Tile[kBytes];

// Fewer rows, as of a lone token, are left to vectors: tiles would be half empty, and slower (docs/SPEED.md).
constexpr std::size_t kFewestRows = 12;

struct Scratch : attention512::Scratch {
    alignas(64) Step query_tiles[kRows / Tiles::kRows][kMaxSteps], weight_tiles[kRows / Tiles::kRows];
};
static_assert(sizeof(Scratch) <= PageAttention::kScratchBytes);
// Where vectors keep pairs, tiles keep bytes.
static_assert(sizeof(attention512::Scratch::panels) == sizeof(Step[kKeys / kPanelRows][kMaxSteps]) &&
              sizeof(attention512::Scratch::panels) == sizeof(Step[kColumns / kPanelRows]) && kKeys == kStepColumns);

// n numbers of a row, no more than a step has, zeros behind them.
DISTILL_INLINE void split_row(Step& to, std::size_t row, const attention512::Pair* pairs, std::size_t n) {
    const auto* words = reinterpret_cast<const std::int16_t*>(pairs);
    for (std::size_t i = 0; i < kStepColumns; i += 32) {
        const std::size_t left = n < i ? 0 : n - i;
        const __m512i v =
            _mm512_maskz_loadu_epi16(left >= 32 ? 0xffffffffu : (std::uint32_t{1} << left) - 1, words + i);
        _mm256_store_si256(reinterpret_cast<__m256i*>(to[0][row] + i), _mm512_cvtepi16_epi8(_mm512_srai_epi16(v, 8)));
        _mm256_store_si256(reinterpret_cast<__m256i*>(to[1][row] + i), _mm512_cvtepi16_epi8(v));
    }
}

// Four numbers of each of 16 rows, in the lower halves of lanes: row `at` of the tiles of upper and of lower bytes.
DISTILL_INLINE void split_four(Step& to, std::size_t at, const __m512i (&v)[4]) {
    // Of a pair the lower bytes, then the upper ones.
    const __m512i sorted = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15));
    const __m512i first = _mm512_shuffle_epi8(pair_of(v[0], v[1]), sorted),
                  second = _mm512_shuffle_epi8(pair_of(v[2], v[3]), sorted);
    _mm512_store_si512(to[0][at], halves_of(_mm512_srli_epi32(first, 16), second));
    _mm512_store_si512(to[1][at], pair_of(first, second));
}

// put(row, panel, sum) for N panels and up to 16 rows.
template <std::size_t N, class Put>
DISTILL_INLINE void tile(const Step* panels, std::size_t panel, std::size_t n_steps, const Step* rows, std::size_t row,
                         std::size_t n_rows, const Put& put) {
    constexpr std::size_t kSums = 3;  // of upper bytes, of one upper and one lower, of lower ones
    alignas(64) std::int32_t sums[kSums][N][Tiles::kRows][kPanelRows];
    unroll<kSums * N>([&](auto i) DISTILL_LAMBDA { Tiles::zero<i>(); });
    for (std::size_t step = 0; step < n_steps; ++step) {
        unroll<kBytes>([&](auto of_row) DISTILL_LAMBDA {
            Tiles::load<6>(rows[step][of_row]);
            unroll<kBytes>([&](auto of_panel) DISTILL_LAMBDA {
                unroll<N>([&](auto n) DISTILL_LAMBDA {
                    Tiles::load<7>(panels[(panel + n) * n_steps + step][of_panel]);
                    Tiles::multiply<(of_row + of_panel) * N + n, 6, 7, of_row == 0, of_panel == 0>();
                });
            });
        });
    }
    unroll<kSums * N>([&](auto i) DISTILL_LAMBDA { Tiles::store<i>(sums[i / N][i % N]); });
    for (std::size_t t = 0; t < n_rows; ++t) {
        unroll<N>([&](auto n) DISTILL_LAMBDA {
            __m512i all = _mm512_load_si512(sums[0][n][t]);
            unroll<kSums - 1>([&](auto i) DISTILL_LAMBDA {
                all = _mm512_add_epi32(_mm512_slli_epi32(all, 8), _mm512_load_si512(sums[i + 1][n][t]));
            });
            put(row + t, panel + n, _mm512_cvtepi32_ps(all));
        });
    }
}

// rows: row_steps for each 16, of which n_steps count.
template <class Put>
DISTILL_INLINE void products(const Step* panels, std::size_t n_panels, std::size_t n_steps, const Step* rows,
                             std::size_t row_steps, std::size_t n_rows, const Put& put) {
    const Tiles tiles;
    for (std::size_t row = 0; row < n_rows; row += Tiles::kRows, rows += row_steps) {
        const std::size_t left = n_rows - row, here = left < Tiles::kRows ? left : Tiles::kRows;
        std::size_t panel = 0;
        for (; panel + 2 <= n_panels; panel += 2) tile<2>(panels, panel, n_steps, rows, row, here, put);
        if (panel < n_panels) tile<1>(panels, panel, n_steps, rows, row, here, put);
    }
}

void prepare(void* scratch, const float* queries, std::size_t rows, std::size_t columns) {
    attention512::prepare(scratch, queries, rows, columns);
    if (rows < kFewestRows) return;
    auto& s = *static_cast<Scratch*>(scratch);
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; c += kStepColumns) {
            split_row(s.query_tiles[r / Tiles::kRows][c / kStepColumns], r % Tiles::kRows, s.queries[r] + c / 2,
                      columns - c);
        }
    }
}

void scores(void* scratch, float* out, const std::uint16_t* keys, const std::uint16_t* next, std::size_t rows,
            std::size_t n_keys, std::size_t columns) {
    if (rows < kFewestRows) return attention512::scores(scratch, out, keys, next, rows, n_keys, columns);
    auto& s = *static_cast<Scratch*>(scratch);
    const std::size_t n_panels = n_keys / kPanelRows, n_steps = (columns + kStepColumns - 1) / kStepColumns;
    auto* tiles = reinterpret_cast<Step*>(s.panels);
    for (std::size_t p = 0; p < n_panels; ++p) {
        const std::uint16_t *panel = keys + p * columns * kPanelRows, *ahead = next + p * columns * kPanelRows;
        const __m512 inverse = attention512::key_scales(s.key_scale + p * kPanelRows, panel, columns);
        for (std::size_t c = 0; c < columns; c += 4) {
            __m512i v[4];
            unroll<4>([&](auto i) DISTILL_LAMBDA {
                v[i] = attention512::rounded16(attention512::f16(panel + (c + i) * kPanelRows), inverse);
            });
            attention512::ask_for(ahead + c * kPanelRows);
            attention512::ask_for(ahead + (c + 2) * kPanelRows);
            split_four(tiles[p * n_steps + c / kStepColumns], c % kStepColumns / 4, v);
        }
    }
    products(tiles, n_panels, n_steps, s.query_tiles[0], kMaxSteps, rows,
             [&](std::size_t row, std::size_t panel, __m512 sum)
                 DISTILL_LAMBDA { attention512::put_score(s, out, row, panel, sum); });
}

void values(void* scratch, float* out, float* sum, const float* factor, const float* scores, float scale,
            const float* max, const std::uint16_t* values, const std::uint16_t* next, std::size_t rows,
            std::size_t n_keys, std::size_t columns) {
    if (rows < kFewestRows) {
        return attention512::values(scratch, out, sum, factor, scores, scale, max, values, next, rows, n_keys, columns);
    }
    auto& s = *static_cast<Scratch*>(scratch);
    const std::size_t n_panels = columns / kPanelRows;
    auto* tiles = reinterpret_cast<Step*>(s.panels);
    alignas(64) float per_value[kKeys];
    attention512::value_scales(s, per_value, values, n_keys, n_panels);
    for (std::size_t p = 0; p < n_panels; ++p) {
        for (std::size_t k = 0; k < n_keys; k += 4) {
            const std::size_t at = (p * kKeys + k) * kPanelRows;
            __m512i v[4];
            unroll<4>([&](auto i) DISTILL_LAMBDA {
                v[i] = attention512::rounded16(attention512::f16(values + at + i * kPanelRows),
                                               _mm512_set1_ps(per_value[k + i]));
            });
            attention512::ask_for(next + at);
            attention512::ask_for(next + at + 2 * kPanelRows);
            split_four(tiles[p], k / 4, v);
        }
    }
    for (std::size_t r = 0; r < rows; ++r) {
        sum[r] = sum[r] * factor[r] + attention512::weigh(s, r, scores + r * kKeys, n_keys, scale, max[r]);
        split_row(s.weight_tiles[r / Tiles::kRows], r % Tiles::kRows, s.weights[r], n_keys);
    }
    products(tiles, n_panels, 1, s.weight_tiles, 1, rows,
             [&](std::size_t row, std::size_t panel, __m512 added)
                 DISTILL_LAMBDA { attention512::put_values(s, out, factor, columns, row, panel, added); });
}

}  // namespace attention_amx

constexpr PageAttention kPageAttentionAmx{attention_amx::prepare, attention_amx::scores, attention_amx::values};

}  // namespace
}  // namespace distill
