// AMX: tiles of 16 tokens by 16 rows by 64 columns of bytes, of servers since Sapphire Rapids. A core makes 1024
// products a cycle of them, eight times what vpdpbusd does, but 16 x 16 sums have to be stored and read again before a
// scale can meet them: about as long as two products of tiles take. So a scale is needed no more often than every
// 256 columns, and the numbers between are whole ones.
//
// In 256 columns (a unit) an activation is x = scale * X, |X| <= 2031, and a weight, whatever its format, w = unit * W,
// |W| <= 4096, W = q * k + c (where q has eight bits, (q - 128) * k / 128 rounded), k and c being the scale and the
// minimum of its block in units. Both are fine enough that neither rounding shows beside what formats lose
// (docs/SPEED.md has the figures), and the sum of 256 products X * W fits 32 bits whatever they are.
//
// Tiles want bytes: X = 32 * X0 + X1, W = 32 * W0 + W1, four products of digits in three sums:
//     X * W = 2^10 * X0 W0 + 2^5 * (X0 W1 + X1 W0) + X1 W1
// Where it is cheap for few tokens as well, formats do without the last, a 3000th of the whole:
// - Q4_0, Q4_1 and Q4_K, where it is k and c that are cut, W0 = q * k0 + c0 and W1 = q * k1 + c1: linear in q, so that
//   sums of q with either digit of X are enough, and no weight has to be cut:
//     X * W / 32 ~ X0 * W + X1 * W0 = q * (X0 * k + X1 * k0) + X0 * c + X1 * c0
// - formats of eight bits: W is made for few tokens too, and its lower digit is left in its lowest bits.
// For few tokens, cutting weights would take longer than the products: vpdpbusd multiplies q with both digits of X,
// and k meets the sum of a block. All of it is integers, so one token or many, the sum is the same; of an activation
// that is not finite, no result is.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "quant/kernels/amx_activations.h"
#include "quant/kernels/amx_attention.h"
#include "quant/kernels/amx_tiles.h"
#include "quant/kernels/amx_weights.h"
#include "quant/kernels/avx512_lanes.h"
#include "quant/kernels/avx512_vector.h"
#include "quant/kernels/float_ops.h"
#include "quant/kernels/matmul.h"

namespace distill {
namespace {

// acc + what a token's unit has summed up, of 16 rows.
DISTILL_INLINE __m512 add_unit(__m512 acc, __m512i sum, __m512 unit, float scale) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_mul_ps(unit, _mm512_set1_ps(scale)), acc);
}

// --- Few tokens ----------------------------------------------------------------------------------------------------

// Blocks that share bytes lie together.
template <class F>
constexpr std::size_t kSpanBytes = sizeof(typename F::Panel) / (F::kBlocks / F::kSpan);
// A share of a span's lines for each group of columns of a block: where they begin.
template <class F, std::size_t i, class Do>
DISTILL_INLINE void for_share_of_lines(const Do& each) {
    constexpr std::size_t kShares = 8 * F::kSpan, kLines = (kSpanBytes<F> + 63) / 64, kFirst = i * kLines / kShares,
                          kLast = (i + 1) * kLines / kShares;
    unroll<kLast - kFirst>([&](auto line) DISTILL_LAMBDA { each(64 * (kFirst + line)); });
}
// What comes after a span is asked for twice: into the second-level cache, and from there into the first. Into the
// first at once, no more lines would be under way than that cache can wait for. None of the three places is whole pages
// from another one: such lines would be of one set of that cache. A lone token is soon done with weights that
// are read as 8 bits.
template <class F, std::size_t T, std::size_t i>
DISTILL_INLINE void prefetch_share(const char* span) {
    for_share_of_lines<F, i>([&](std::size_t at) DISTILL_LAMBDA {
        constexpr std::size_t kFar = 7168, kNear = F::kBits == 8 && T == 1 ? 5120 : 3584;
        __asm__ volatile("prefetcht1 %0" : : "m"(span[kFar + at]));
        __asm__ volatile("prefetcht0 %0" : : "m"(span[kNear + at]));
    });
}

// The sums of a block of span i, each digit of x on its own.
template <class F, std::size_t T, std::size_t kBlock, std::size_t kGroupOfFour>
DISTILL_INLINE void add_products(__m512i (&sums)[T][kDigits], const UnitWeights<F>& w, std::size_t i,
                                 const FewUnit<T>& x, bool first) {
    const __m512i q = w.template bytes<kBlock, kGroupOfFour>(i);
    const std::size_t column = kActBlock * (F::kSpan * i + kBlock) + 4 * kGroupOfFour;
    unroll<T>([&](auto t) DISTILL_LAMBDA {
        unroll<kDigits>([&](auto d) DISTILL_LAMBDA {
            sums[t][d] = _mm512_dpbusd_epi32(first ? _mm512_setzero_si512() : sums[t][d], q,
                                             broadcast32(x.digits[d][t] + column));
        });
    });
}

// Adds blocks 2i and 2i + 1 where scales are split: a block's sums fit 16 bits, and two of them meet k, or its upper
// digit, in one operation.
template <class F, std::size_t T>
DISTILL_INLINE void add_pair(__m512i (&all)[T], const UnitWeights<F>& w, std::size_t i, const FewUnit<T>& x,
                             const char* spans) {
    __m512i sums[2][T][kDigits];
    if constexpr (F::kSpan == 2) {
        unroll<8>([&](auto g) DISTILL_LAMBDA {
            unroll<2>([&](auto k) DISTILL_LAMBDA {
                prefetch_share<F, T, 2 * g + k>(spans);
                add_products<F, T, k, g>(sums[k], w, i, x, g == 0);
            });
        });
    } else {
        static_assert(F::kSpan == 1);
        unroll<2>([&](auto k) DISTILL_LAMBDA {
            if (2 * i + k >= w.n_blocks) {  // an odd number of blocks
                unroll<T>([&](auto t) DISTILL_LAMBDA { sums[k][t][0] = sums[k][t][1] = _mm512_setzero_si512(); });
                return;
            }
            unroll<8>([&](auto g) DISTILL_LAMBDA {
                prefetch_share<F, T, g>(spans + k * kSpanBytes<F>);
                add_products<F, T, 0, g>(sums[k], w, 2 * i + k, x, g == 0);
            });
        });
    }
    unroll<T>([&](auto t) DISTILL_LAMBDA {
        const auto both = [&](auto d) DISTILL_LAMBDA { return pair_of(sums[0][t][d], sums[1][t][d]); };
        all[t] = w.add_pair(all[t], both, w.digits[i].k);
    });
}

// Adds a span of blocks, whole k.
template <class F, std::size_t T>
DISTILL_INLINE void add_span(__m512i (&all)[T], const UnitWeights<F>& w, std::size_t i, const FewUnit<T>& x,
                             const char* span) {
    // As many blocks as leave their sums in registers; of those that share bytes, all together if possible.
    constexpr std::size_t kAtOnce = F::kSpan * T <= 8 ? F::kSpan : 8 / T, kEach = 8 / F::kScales;
    unroll<F::kSpan / kAtOnce>([&](auto part) DISTILL_LAMBDA {
        __m512i sums[kAtOnce][T][kDigits];
        unroll<8>([&](auto g) DISTILL_LAMBDA {
            unroll<kAtOnce>([&](auto k) DISTILL_LAMBDA {
                prefetch_share<F, T, (part * 8 + g) * kAtOnce + k>(span);
                constexpr std::size_t kBlock = part * kAtOnce + k;
                add_products<F, T, kBlock, g>(sums[k], w, i, x, g % kEach == 0);
                if constexpr (g % kEach != kEach - 1) return;
                unroll<T>([&](auto t) DISTILL_LAMBDA {
                    const __m512i sum = _mm512_add_epi32(shifted_up(sums[k][t][0], kDigitBits), sums[k][t][1]);
                    all[t] = _mm512_add_epi32(all[t], _mm512_mullo_epi32(sum, w.k[F::kSpan * i + kBlock][g / kEach]));
                });
            });
        });
    });
}

// The same, weights of eight bits: W is made, and what products of lower digits add is summed up beside it.
template <class F, std::size_t T>
DISTILL_INLINE void add_words(__m512i (&all)[T], const UnitWeights<F>& w, std::size_t i, const FewUnit<T>& x,
                              const char* span) {
    static_assert(F::kSpan == 1 && F::kScales == 1);
    const __m512i scale = both_halves<false>(w.k[i][0]);
    __m512i odd[T], lower[T];
    unroll<T>([&](auto t) DISTILL_LAMBDA { odd[t] = lower[t] = _mm512_setzero_si512(); });
    unroll<8>([&](auto g) DISTILL_LAMBDA {
        prefetch_share<F, T, g>(span);
        const auto p = w.times(w.template bytes<0, g>(i), scale);
        const __m512i digits = w.lower_digits(p);
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            const std::size_t four = kActBlock * i + 4 * g;
            all[t] = _mm512_dpwssd_epi32(all[t], p.even, broadcast32(x.words[t] + four));
            odd[t] = _mm512_dpwssd_epi32(odd[t], p.odd, broadcast32(x.words[t] + four + 2));
            lower[t] = _mm512_dpbusd_epi32(lower[t], digits, broadcast32(x.digits[1][t] + four));
        });
    });
    unroll<T>([&](auto t) DISTILL_LAMBDA { all[t] = _mm512_add_epi32(all[t], _mm512_sub_epi32(odd[t], lower[t])); });
}

// The units of all rows' panels for one group, in the order of their addresses: each(row, panel, at, here, first, last)
// takes the row's first or last one or one between, of `here` blocks, at `at` in the activations.
template <class F, std::size_t kBytes, class Each>
DISTILL_INLINE void for_units(const MatmulArgs& a, const Each& each) {
    const std::size_t n_blocks = a.columns / kActBlock, n_panel_blocks = n_blocks / F::kBlocks;
    for (std::size_t row = a.row_begin; row < a.row_end; row += kPanelRows) {
        const auto* panel = static_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_panel_blocks;
        const auto* at = static_cast<const char*>(a.x);
        for (std::size_t b = 0; b < n_blocks; b += kUnitBlocks, at += kBytes, panel += kUnitBlocks / F::kBlocks) {
            const bool last = n_blocks - b <= kUnitBlocks;
            each(row, panel, at, last ? n_blocks - b : kUnitBlocks, b == 0, last);
        }
    }
}

template <class F, std::size_t T>
void few_rows(const MatmulArgs& a) {
    using Weights = UnitWeights<F>;
    constexpr std::size_t kBlocks = Weights::kSplitScales ? 2 : F::kSpan;  // in a turn
    __m512 acc[T][1];
    for_units<F, kUnitBytes<T>>(a, [&](std::size_t row, const typename F::Panel* panel, const char* at,
                                       std::size_t here, bool first, bool last) DISTILL_LAMBDA {
        if (first) unroll<T>([&](auto t) DISTILL_LAMBDA { acc[t][0] = _mm512_setzero_ps(); });
        const auto& x = *reinterpret_cast<const FewUnit<T>*>(at);
        Weights w;
        w.read(panel, here);
        const char* span = reinterpret_cast<const char*>(panel);
        __m512i all[T];
        unroll<T>([&](auto t) DISTILL_LAMBDA { all[t] = _mm512_setzero_si512(); });
        for (std::size_t i = 0; i * kBlocks < here; ++i, span += kBlocks / F::kSpan * kSpanBytes<F>) {
            if constexpr (Weights::kSplitScales)
                add_pair<F, T>(all, w, i, x, span);
            else if constexpr (Weights::kWhole)
                add_span<F, T>(all, w, i, x, span);
            else
                add_words<F, T>(all, w, i, x, span);
        }
        unroll<kUnitBlocks / 2>([&](auto i) DISTILL_LAMBDA {
            if (2 * i >= here) return;
            unroll<T>([&](auto t) DISTILL_LAMBDA { all[t] = w.add_constants(all[t], x, t, i); });
        });
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            // Of weights of eight bits a multiple.
            if constexpr (!Weights::kWhole) all[t] = _mm512_srai_epi32(all[t], kDigitBits);
            acc[t][0] = add_unit(acc[t][0], all[t], w.unit, x.scale[t]);
        });
        if (last) store_tile<Avx512, 1, T>(a, row, acc);
    });
}

// --- More tokens ---------------------------------------------------------------------------------------------------

constexpr std::size_t kTileBytes = Tiles::kRows * Tiles::kRowBytes;

// A unit of N panels as tiles.
template <std::size_t N>
struct UnitTiles {
    alignas(64) std::uint8_t w[kUnitTiles][kDigits][N][kTileBytes];

    // Columns 4g..4g + 3 of block j of the n-th panel.
    DISTILL_INLINE void put(std::size_t n, std::size_t j, std::size_t g, __m512i upper, __m512i lower) {
        const std::size_t tile = j / 2, byte = (8 * (j % 2) + g) * kTileColumns;
        _mm512_store_si512(w[tile][0][n] + byte, upper);
        _mm512_store_si512(w[tile][1][n] + byte, lower);
    }
};

// One group: weights in the order of their addresses, a panel at a time. Products wait for what vectors stored to reach
// the cache, and what scales their sums waits for these; no processor looks so far ahead by itself. So tiles of some
// columns (a step) are multiplied after the next ones have been unpacked. A unit's last step is multiplied after the
// first one of the next unit, whatever row that is of, and its sums are scaled after the second.
template <class F, std::size_t T>
void tile_group(const MatmulArgs& a) {
    using Weights = UnitWeights<F>;
    constexpr bool kThree = Weights::kThreeProducts;
    constexpr std::size_t kSums = kThree ? 3 : 4;  // a product of digits each
    constexpr std::size_t kStepSpans = F::kSpan == 1 ? 2 : 1, kStepBlocks = kStepSpans * F::kSpan,
                          kStepTiles = kStepBlocks / 2, kSlots = kUnitTiles / kStepTiles;
    static_assert(kSlots > 1);
    const Tiles registers(T, 6);
    UnitTiles<1> tiles;    // of the last kSlots steps, the latest in place of the oldest
    std::size_t slot = 0;  // of the step that is unpacked next
    alignas(64) std::int32_t sums[kSums][T][kPanelRows];
    __m512 acc[T][1];
    unroll<T>([&](auto t) DISTILL_LAMBDA { acc[t][0] = _mm512_setzero_ps(); });
    struct {
        const TileUnit<T>* x;
        std::size_t n_steps;
        __m512 unit;      // 16 rows
        std::size_t row;  // the first of them
        bool ends_row;
    } before = {};  // the unit before the one at work; of no steps, none

    // A step of x, in the place before `slot`.
    const auto multiply = [&](const TileUnit<T>& x, std::size_t step) DISTILL_LAMBDA {
        unroll<kStepTiles>([&](auto tile) DISTILL_LAMBDA {
            const auto& w = tiles.w[(slot + kSlots - 1) % kSlots * kStepTiles + tile];
            const auto& columns = x.x[step * kStepTiles + tile];
            Tiles::load<6>(w[0][0]);
            Tiles::load<4>(columns[0]);
            Tiles::multiply<0, 4, 6, true, !kThree>();
            Tiles::load<5>(columns[1]);
            Tiles::multiply<1, 5, 6, true, !kThree>();
            Tiles::load<7>(w[1][0]);
            Tiles::multiply<2, 4, 7, true, false>();
            if constexpr (!kThree) Tiles::multiply<3, 5, 7, true, false>();
        });
    };
    const auto multiply_last_step = [&]() DISTILL_LAMBDA {
        if (before.n_steps == 0) return;
        multiply(*before.x, before.n_steps - 1);
        unroll<kSums>([&](auto i) DISTILL_LAMBDA { Tiles::store<i>(sums[i]); });
    };
    const auto add_sums = [&]() DISTILL_LAMBDA {
        if (before.n_steps == 0) return;
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            const __m512i crossed = _mm512_add_epi32(_mm512_load_si512(sums[1][t]), _mm512_load_si512(sums[2][t]));
            __m512i all = _mm512_add_epi32(shifted_up(_mm512_load_si512(sums[0][t]), kDigitBits), crossed);
            if constexpr (kThree)
                all = _mm512_sub_epi32(all, _mm512_set1_epi32(before.x->excess[t]));
            else
                all = _mm512_add_epi32(shifted_up(all, kDigitBits), _mm512_load_si512(sums[3][t]));
            acc[t][0] = add_unit(acc[t][0], all, before.unit, before.x->scale[t]);
        });
        if (!before.ends_row) return;
        store_tile<Avx512, 1, T>(a, before.row, acc);
        unroll<T>([&](auto t) DISTILL_LAMBDA { acc[t][0] = _mm512_setzero_ps(); });
    };
    for_units<F, kUnitBytes<T>>(a, [&](std::size_t row, const typename F::Panel* panel, const char* at,
                                       std::size_t here, bool, bool last) DISTILL_LAMBDA {
        const auto& x = *reinterpret_cast<const TileUnit<T>*>(at);
        const std::size_t n_steps = (here + kStepBlocks - 1) / kStepBlocks;
        UnitDigits<F> digits;
        digits.read(panel, here);
        const char* span = reinterpret_cast<const char*>(panel);
        for (std::size_t step = 0; step < n_steps; ++step) {
            const std::size_t begin = step * kStepSpans, end = begin + kStepSpans;
            for (std::size_t i = begin; i < end && i * F::kSpan < here; ++i, span += kSpanBytes<F>) {
                digits.span(
                    i, [&](auto share) DISTILL_LAMBDA { prefetch_share<F, T, share>(span); },
                    [&](std::size_t j, std::size_t g, __m512i upper, __m512i lower)
                        DISTILL_LAMBDA { tiles.put(0, j + (slot - step) * kStepBlocks, g, upper, lower); });
            }
            if (step == 0) {
                multiply_last_step();
                unroll<kSums>([&](auto i) DISTILL_LAMBDA { Tiles::zero<i>(); });
            } else {
                multiply(x, step - 1);
            }
            slot = (slot + 1) % kSlots;
            if (step == 1 || n_steps == 1) add_sums();
        }
        before = {&x, n_steps, digits.weights.unit, row, last};
    });
    multiply_last_step();
    add_sums();
}

constexpr std::size_t kGroups = 16;  // in one call

// A unit of two panels.
struct PanelPair {
    UnitTiles<kPanels> tiles;
    std::size_t n_tiles;      // of 64 columns each
    __m512 unit[kPanels];     // 16 rows each
    __mmask16 rows[kPanels];  // that there are
    const float* bias;        // of the first row, or null
    // What is asked for of each group's next unit meanwhile: bytes behind the group's unit, and how many cache lines.
    std::size_t ahead, ahead_lines;

    // The n-th panel; `next`, what will be unpacked in its turn, is asked for meanwhile.
    template <class F>
    DISTILL_INLINE void unpack(std::size_t n, const typename F::Panel* panel, std::size_t n_blocks,
                               const typename F::Panel* next) {
        UnitDigits<F> digits;
        digits.read(panel, n_blocks);
        unit[n] = digits.weights.unit;
        const char* of_next = reinterpret_cast<const char*>(next);
        for (std::size_t i = 0; i < n_blocks / F::kSpan; ++i, of_next += kSpanBytes<F>) {
            const auto ask = [&](auto share) DISTILL_LAMBDA {
                for_share_of_lines<F, share>([&](std::size_t at) DISTILL_LAMBDA {
                    __asm__ volatile("prefetcht1 %0" : : "m"(of_next[at]));
                });
            };
            digits.span(i, ask, [&](std::size_t j, std::size_t g, __m512i upper, __m512i lower) DISTILL_LAMBDA {
                tiles.put(n, j, g, upper, lower);
            });
        }
    }
};

// Sums of products of digits: of both upper ones, of an upper and a lower one, of both lower ones, unless those are
// left out.
template <bool kThree>
constexpr std::size_t kDigitSums = kThree ? 2 : 3;
using DigitSums = std::int32_t[kDigitSums<false>][kPanels][kGroup][kPanelRows];

// A group of tokens, and where its sums go.
struct Group {
    const TileUnit<kGroup>* x;
    RowSums* to;   // [kGroup]
    float* out;    // with the rows' last unit
    int n_tokens;  // that are wanted, of this group and those behind it

    // Adds a unit to the sums of a token's rows.
    template <bool kFirst, bool kLast, bool kThree>
    DISTILL_INLINE void add(const MatmulArgs& a, const DigitSums& sums, const PanelPair& w, std::size_t t) const {
        unroll<kPanels>([&](auto n) DISTILL_LAMBDA {
            __m512i all = _mm512_load_si512(sums[0][n][t]);
            unroll<kDigitSums<kThree> - 1>([&](auto i) DISTILL_LAMBDA {
                all = _mm512_add_epi32(shifted_up(all, kDigitBits), _mm512_load_si512(sums[i + 1][n][t]));
            });
            if constexpr (kThree) all = _mm512_sub_epi32(all, _mm512_set1_epi32(x->excess[t]));
            float* so_far = to[t] + n * kPanelRows;
            __m512 v = add_unit(kFirst ? _mm512_setzero_ps() : _mm512_load_ps(so_far), all, w.unit[n], x->scale[t]);
            if constexpr (!kLast) return _mm512_store_ps(so_far, v);
            if (static_cast<int>(t) >= n_tokens) return;
            float* o = out + t * a.out_stride + n * kPanelRows;
            if (w.bias != nullptr) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(w.rows[n], w.bias + n * kPanelRows));
            if (a.add) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(w.rows[n], o));
            _mm512_mask_storeu_ps(o, w.rows[n], v);
        });
    }
};

// What vector code adds of the group before, token by token, it adds while tiles are multiplied: each has to wait for
// the other's memory, and no processor looks so far ahead by itself.
template <bool kAfterAnother, bool kFirst, bool kLast, bool kThree>
DISTILL_INLINE void multiply_tiles(const MatmulArgs& a, DigitSums& sums, const PanelPair& w, const Group& now,
                                   const Group& before) {
    constexpr std::size_t kAdds = kGroup / kUnitTiles;
    static_assert(kAdds == 4);
    const char* ahead = reinterpret_cast<const char*>(now.x) + w.ahead;
    unroll<kDigitSums<kThree> * kPanels>([&](auto i) DISTILL_LAMBDA { Tiles::zero<i>(); });
    for (std::size_t i = 0; i < w.n_tiles; ++i) {
        // A share each of what is read next of these tokens and of where they end.
        for (std::size_t line = i * w.ahead_lines / kUnitTiles; line < (i + 1) * w.ahead_lines / kUnitTiles; ++line)
            __asm__ volatile("prefetcht1 %0" : : "m"(ahead[64 * line]));
        if constexpr (kLast) {
            for (std::size_t t = i * kAdds; t < (i + 1) * kAdds && static_cast<int>(t) < now.n_tokens; ++t) {
                unroll<kPanels>([&](auto n) DISTILL_LAMBDA {
                    __asm__ volatile("prefetchw %0" : : "m"(now.out[t * a.out_stride + n * kPanelRows]));
                });
            }
        }
        const auto& of_x = now.x->x[i];
        const auto& of_w = w.tiles.w[i];
        const auto add = [&](auto turn) DISTILL_LAMBDA {
            if constexpr (kAfterAnother) before.add<kFirst, kLast, kThree>(a, sums, w, i * kAdds + turn);
        };
        if constexpr (kThree) {
            // Each sum waits for its product before: two others at least are between them.
            Tiles::load<4>(of_x[0]);
            Tiles::load<5>(of_x[1]);
            Tiles::load<6>(of_w[0][0]);
            Tiles::multiply<2, 5, 6, true, false>();
            Tiles::multiply<0, 4, 6, true, false>();
            add(constant<0>);
            Tiles::load<7>(of_w[0][1]);
            Tiles::multiply<3, 5, 7, true, false>();
            add(constant<1>);
            Tiles::load<6>(of_w[1][0]);
            Tiles::multiply<2, 4, 6, true, false>();
            Tiles::multiply<1, 4, 7, true, false>();
            add(constant<2>);
            Tiles::load<7>(of_w[1][1]);
            Tiles::multiply<3, 4, 7, true, false>();
            add(constant<3>);
        } else {
            unroll<kDigits>([&](auto dx) DISTILL_LAMBDA {
                Tiles::load<6>(of_x[dx]);
                unroll<kDigits>([&](auto dw) DISTILL_LAMBDA {
                    unroll<kPanels>([&](auto n) DISTILL_LAMBDA {
                        Tiles::load<7>(of_w[dw][n]);
                        Tiles::multiply<(dx + dw) * kPanels + n, 6, 7, true, dw == 0>();
                    });
                    add(constant<dx * kDigits + dw>);
                });
            });
        }
    }
    if constexpr (kAfterAnother) {
        for (std::size_t t = w.n_tiles * kAdds; t < kGroup; ++t) before.add<kFirst, kLast, kThree>(a, sums, w, t);
    }
    unroll<kDigitSums<kThree> * kPanels>([&](auto i)
                                             DISTILL_LAMBDA { Tiles::store<i>(sums[i / kPanels][i % kPanels]); });
}

// All groups of tokens with a unit of two panels, the rows' first one, their last one or one between. One copy for all
// formats that are multiplied alike.
template <bool kFirst, bool kLast, bool kThree>
__attribute__((noinline)) void multiply_groups(const MatmulArgs& a, const PanelPair& w, Group now,
                                               std::size_t group_bytes) {
    alignas(64) DigitSums sums;
    Group before = now;
    multiply_tiles<false, kFirst, kLast, kThree>(a, sums, w, now, before);
    for (std::size_t g = 1; g < a.n_groups; ++g) {
        before = now;
        now.x = reinterpret_cast<const TileUnit<kGroup>*>(reinterpret_cast<const char*>(now.x) + group_bytes);
        now.to += kGroup;
        now.out += kGroup * a.out_stride;
        now.n_tokens -= static_cast<int>(kGroup);
        multiply_tiles<true, kFirst, kLast, kThree>(a, sums, w, now, before);
    }
    for (std::size_t t = 0; t < kGroup; ++t) now.add<kFirst, kLast, kThree>(a, sums, w, t);
}

// Several groups: units of columns outside, panels inside, so that what is read of the tokens stays in the second-level
// cache for all panels; the sums of the rows wait in memory meanwhile.
template <class F>
void tile_groups(const MatmulArgs& a) {
    constexpr bool kThree = UnitWeights<F>::kThreeProducts;
    constexpr std::size_t kMaxTokens = kGroups * kGroup, kMostPairs = 8, kMostRows = kMostPairs * kTileRows,
                          kPanelBlocks = kUnitBlocks / F::kBlocks, kUnitLines = kUnitBytes<kGroup> / 64;
    const Tiles registers;
    const std::size_t n_blocks = a.columns / kActBlock, n_panel_blocks = n_blocks / F::kBlocks;
    const std::size_t n_units = (n_blocks + kUnitBlocks - 1) / kUnitBlocks, group_bytes = n_units * kUnitBytes<kGroup>;
    // Tokens that the second-level cache keeps from one call to the next need not be asked for; it would only cost
    // time.
    const bool cached = a.n_groups * group_bytes <= std::size_t{1} << 20;
    PanelPair w;
    alignas(64) RowSums row_sums[kMostPairs][kMaxTokens];
    const auto* panels = static_cast<const typename F::Panel*>(a.panels);
    for (std::size_t first = a.row_begin; first < a.row_end; first += kMostRows) {
        const std::size_t last = a.row_end - first < kMostRows ? a.row_end : first + kMostRows;
        const std::size_t n_pairs = (last - first + kTileRows - 1) / kTileRows;
        for (std::size_t unit = 0; unit < n_units; ++unit) {
            const std::size_t left = n_blocks - unit * kUnitBlocks, here = left < kUnitBlocks ? left : kUnitBlocks;
            const bool more_units = unit + 1 < n_units;
            w.n_tiles = (here + 1) / 2;
            w.ahead_lines = more_units && !cached ? (kUnitLines + n_pairs - 1) / n_pairs : 0;
            for (std::size_t pair = 0; pair < n_pairs; ++pair) {
                const std::size_t row = first + pair * kTileRows;
                // What comes next: this unit of two more panels, or the next unit of the first ones.
                const bool more_pairs = pair + 1 < n_pairs;
                const std::size_t next_row = more_pairs || !more_units ? row + kTileRows : first,
                                  next_unit = more_pairs   ? unit
                                              : more_units ? unit + 1
                                                           : 0;
                for (std::size_t n = 0; n < kPanels; ++n) {
                    const std::size_t of_panel = row + n * kPanelRows, rows = of_panel < last ? last - of_panel : 0;
                    // The last panel of an odd number is its own neighbour.
                    const auto* panel =
                        panels + (rows == 0 ? row : of_panel) / kPanelRows * n_panel_blocks + unit * kPanelBlocks;
                    w.rows[n] = static_cast<__mmask16>(rows >= kPanelRows ? 0xffff : (1 << rows) - 1);
                    w.unpack<F>(n, panel, here,
                                panels + (next_row / kPanelRows + n) * n_panel_blocks + next_unit * kPanelBlocks);
                }
                w.bias = a.bias == nullptr ? nullptr : a.bias + row;
                w.ahead = kUnitBytes<kGroup> + 64 * w.ahead_lines * pair;
                const Group group{reinterpret_cast<const TileUnit<kGroup>*>(static_cast<const char*>(a.x) +
                                                                            unit * kUnitBytes<kGroup>),
                                  row_sums[pair], a.out + row, a.n_tokens};
                if (n_units == 1)
                    multiply_groups<true, true, kThree>(a, w, group, group_bytes);
                else if (unit == 0)
                    multiply_groups<true, false, kThree>(a, w, group, group_bytes);
                else if (more_units)
                    multiply_groups<false, false, kThree>(a, w, group, group_bytes);
                else
                    multiply_groups<false, true, kThree>(a, w, group, group_bytes);
            }
        }
    }
}

// --- The table -----------------------------------------------------------------------------------------------------

struct Products {
    template <template <class> class Format>
    static void product(const MatmulArgs& a) {
        using F = Format<Amx>;
        switch (a.group) {
            case 1:
                return few_rows<F, 1>(a);
            case 2:
                return few_rows<F, 2>(a);
            case 4:
                return few_rows<F, 4>(a);
            case 8:
                return tile_group<F, 8>(a);
            default:
                return a.n_groups == 1 ? tile_group<F, kGroup>(a) : tile_groups<F>(a);
        }
    }
};

std::uint64_t integer_peak(std::uint64_t n, std::int32_t* sink) {
    alignas(64) std::uint8_t bytes[kTileBytes];
    __builtin_memset(bytes, *sink & 1, sizeof(bytes));
    const Tiles tiles;
    unroll<8>([&](auto i) DISTILL_LAMBDA { Tiles::load<i>(bytes); });
    for (std::uint64_t k = 0; k < n; k += 16) {
        unroll<4>([&](auto i) DISTILL_LAMBDA { Tiles::multiply<i, 6, 7, true, true>(); });
    }
    Tiles::store<0>(bytes);
    *sink += bytes[0];
    return (n + 15) / 16 * 4 * kGroup * kPanelRows * kTileColumns;
}

constexpr CpuFeatures needs() {
    CpuFeatures f;
    f.avx2 = f.avx512vnni = f.amx = true;
    return f;
}

}  // namespace

extern const Kernels kAmxKernels;
const Kernels kAmxKernels{"amx",
                          needs(),
                          kGroup,
                          matmul_functions<Avx512, Products>(),
                          float_ops<xsimd::avx512bw, Avx512>(quantize_amx, dequantize_amx),
                          integer_peak,
                          kBlockBytes,
                          {},
                          kGroups,
                          kTileRows,
                          &kPageAttentionAmx,
                          {},
                          kUnitColumns,
                          kSmallBlockBytes};

}  // namespace distill
