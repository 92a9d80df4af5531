// Matrix products over weight panels, written once for all formats and instruction sets. A vector trait V (one per ISA
// file) says how wide a register is, how many sums a tile keeps in registers (kMaxTile; kFloatTile for floats, for up to
// kFloatTokens tokens) and how its operations are spelled; a format struct says how a panel's bytes become
// unsigned weights and scales. Everything here has internal linkage: each ISA file compiles its own copy with its own flags.
//
// For one block of 32 columns, T tokens and the rows of N registers, h a half of 16 columns:
//     sum_h = -offset * sum(q_x) + dot(q_w, q_x)                       exact, in integers
//     acc  += (sum_0 * scale_x0 + sum_1 * scale_x1) * scale_w  [- min_w * sum(scale_x * q_x)]
// One token or eight, any range of rows: the same operations in the same order, so the same bits.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "quant/iq4_values.h"
#include "quant/kernels/matmul_args.h"
#include "quant/panel_layouts.h"
#include "quant/unroll.h"

namespace distill {
namespace {

// --- Formats -------------------------------------------------------------------------------------------------------
// kBlocks: blocks of 32 columns in a panel block. kBits and kOffset: weight = scale * (u - kOffset), u < 2^kBits.
// kSpan: neighbouring blocks that share bytes. kScales: scales in a block of 32 columns. kMin: +1 adds the minimum, -1 subtracts it, 0 has none.
// span(): where the weights of the i-th span of a panel block are, a reference or a handle. weights<k, g>(): columns 4g..4g + 3 of its block k, for the
// rows from byte0 / 4 on.
// sub_scales(), where scales are a number of the row times a small integer: the integers of half h of block j, 16 rows.

struct Nothing {};

// The 32-column formats share their shape: f16 scales, maybe f16 minima, nibbles, maybe fifth bits.
template <class V, class PanelT, int kBits_, int kOffset_, int kMin_>
struct Simple {
    using Panel = PanelT;
    using Span = PanelT;
    using Prepared = Nothing;
    static constexpr int kBlocks = 1, kSpan = 1, kBits = kBits_, kOffset = kOffset_, kScales = 1, kMin = kMin_;

    DISTILL_INLINE static Prepared prepare(const Panel&) { return {}; }
    DISTILL_INLINE static const Span& span(const Panel& p, size_t) { return p; }
    template <size_t, size_t g>
    DISTILL_INLINE static typename V::U8 weights(const Span& p, size_t byte0) {
        if constexpr (kBits == 8) {
            return V::load(p.q[g] + byte0);
        } else {
            const auto bytes = V::load(p.q[g % 4] + byte0);
            const auto nibbles = g < 4 ? V::low(bytes) : V::high(bytes);
            if constexpr (kBits == 4) return nibbles;
            else return V::merge(nibbles, V::template shift_right<static_cast<int>(g) - 4>(V::load(p.h + byte0)), 0x10);
        }
    }
    DISTILL_INLINE static typename V::F32 scale(const Panel& p, const Prepared&, size_t, size_t, size_t lane0) {
        return V::f16(p.d + lane0);
    }
    DISTILL_INLINE static typename V::F32 minimum(const Panel& p, const Prepared&, size_t, size_t, size_t lane0) {
        return V::f16(p.m + lane0);
    }
};
template <class V> struct KernelQ4_0 : Simple<V, PanelQ4_0, 4, 8, 0> {};
template <class V> struct KernelQ4_1 : Simple<V, PanelQ4_1, 4, 0, 1> {};
template <class V> struct KernelQ5_0 : Simple<V, PanelQ5_0, 5, 16, 0> {};
template <class V> struct KernelQ5_1 : Simple<V, PanelQ5_1, 5, 0, 1> {};
template <class V> struct KernelQ8_0 : Simple<V, PanelQ8_0, 8, 128, 0> {};

// The codebook of the IQ4 formats, + 128 to be unsigned.
struct Iq4Table {
    uint8_t value[16];
};
constexpr Iq4Table make_iq4_table() {
    Iq4Table t{};
    for (size_t i = 0; i < 16; ++i) t.value[i] = static_cast<uint8_t>(kIQ4Values[i] + 128);
    return t;
}
alignas(16) constexpr Iq4Table kIq4Table = make_iq4_table();

template <class V>
struct KernelIQ4_NL : Simple<V, PanelIQ4_NL, 8, 128, 0> {
    template <size_t, size_t g>
    DISTILL_INLINE static typename V::U8 weights(const PanelIQ4_NL& p, size_t byte0) {
        const auto bytes = V::load(p.q[g % 4] + byte0);
        return V::lookup(kIq4Table.value, g < 4 ? V::low(bytes) : V::high(bytes));
    }
};

// 6-bit scales and minima of a Q4_K or Q5_K panel, one byte each. Plain loops: every compiler makes vector code of them.
struct PreparedScalesMins {
    alignas(64) uint8_t scale[128], min[128];  // [8 blocks][16 rows]
};
DISTILL_INLINE PreparedScalesMins unpack_scales_mins(const uint8_t (&s)[3][64]) {
    PreparedScalesMins p;
    for (size_t i = 0; i < 64; ++i) {
        p.scale[i] = static_cast<uint8_t>((s[0][i] & 15) | (s[2][i] << 4 & 0x30));
        p.scale[64 + i] = static_cast<uint8_t>((s[0][i] >> 4) | (s[2][i] << 2 & 0x30));
        p.min[i] = static_cast<uint8_t>((s[1][i] & 15) | (s[2][i] & 0x30));
        p.min[64 + i] = static_cast<uint8_t>((s[1][i] >> 4) | (s[2][i] >> 2 & 0x30));
    }
    return p;
}

template <class V, class PanelT, class HalfPair, int kBits_>
struct ScaledK {
    using Panel = PanelT;
    using Span = HalfPair[2];
    using Prepared = PreparedScalesMins;
    static constexpr int kBlocks = 8, kSpan = 2, kBits = kBits_, kOffset = 0, kScales = 1, kMin = -1;

    DISTILL_INLINE static Prepared prepare(const Panel& p) { return unpack_scales_mins(p.s); }
    DISTILL_INLINE static const Span& span(const Panel& p, size_t i) { return p.pair[i]; }
    template <size_t k, size_t g>
    DISTILL_INLINE static typename V::U8 weights(const Span& pair, size_t byte0) {
        const auto& half = pair[g / 4];
        const auto bytes = V::load(half.q[g % 4] + byte0);
        const auto nibbles = k == 0 ? V::low(bytes) : V::high(bytes);
        if constexpr (kBits == 4) {
            return nibbles;
        } else {
            constexpr int bit = static_cast<int>(2 * (g % 4) + k);
            return V::merge(nibbles, V::template shift_right<bit - 4>(V::load(half.h + byte0)), 0x10);
        }
    }
    DISTILL_INLINE static const uint8_t* sub_scales(const Panel&, const Prepared& s, size_t j, size_t) { return s.scale + 16 * j; }
    DISTILL_INLINE static typename V::F32 scale(const Panel& p, const Prepared& s, size_t j, size_t h, size_t lane0) {
        return V::mul(V::f16(p.d + lane0), V::u8_f32(sub_scales(p, s, j, h) + lane0));
    }
    DISTILL_INLINE static typename V::F32 minimum(const Panel& p, const Prepared& s, size_t j, size_t, size_t lane0) {
        return V::mul(V::f16(p.dmin + lane0), V::u8_f32(s.min + 16 * j + lane0));
    }
};
template <class V> struct KernelQ4_K : ScaledK<V, PanelQ4_K, HalfPairQ4_K, 4> {};
template <class V> struct KernelQ5_K : ScaledK<V, PanelQ5_K, HalfPairQ5_K, 5> {};

template <class V>
struct KernelQ6_K {
    using Panel = PanelQ6_K;
    using Span = uint8_t[8][3][64];
    using Prepared = Nothing;
    static constexpr int kBlocks = 8, kSpan = 4, kBits = 6, kOffset = 32, kScales = 2, kMin = 0;

    DISTILL_INLINE static Prepared prepare(const Panel&) { return {}; }
    DISTILL_INLINE static const Span& span(const Panel& p, size_t i) { return p.q[i]; }
    template <size_t k, size_t g>
    DISTILL_INLINE static typename V::U8 weights(const Span& half, size_t byte0) {
        const auto bytes = V::load(half[g][k % 2] + byte0);
        const auto nibbles = k < 2 ? V::low(bytes) : V::high(bytes);
        return V::merge(nibbles, V::template shift_right<2 * static_cast<int>(k) - 4>(V::load(half[g][2] + byte0)), 0x30);
    }
    DISTILL_INLINE static const int8_t* sub_scales(const Panel& p, const Prepared&, size_t j, size_t h) { return p.s[2 * j + h]; }
    DISTILL_INLINE static typename V::F32 scale(const Panel& p, const Prepared& s, size_t j, size_t h, size_t lane0) {
        return V::mul(V::f16(p.d + lane0), V::s8_f32(sub_scales(p, s, j, h) + lane0));
    }
};

template <class V>
struct KernelQ2_K {
    using Panel = PanelQ2_K;
    using Span = uint8_t[8][64];
    struct Prepared {
        alignas(64) uint8_t scale[16][16], min[16][16];
    };
    static constexpr int kBlocks = 8, kSpan = 4, kBits = 2, kOffset = 0, kScales = 2, kMin = -1;

    DISTILL_INLINE static Prepared prepare(const Panel& p) {
        Prepared s;
        for (size_t k = 0; k < 16; ++k) {
            for (size_t r = 0; r < 16; ++r) {
                s.scale[k][r] = p.s[k][r] & 15;
                s.min[k][r] = p.s[k][r] >> 4;
            }
        }
        return s;
    }
    DISTILL_INLINE static const Span& span(const Panel& p, size_t i) { return p.q[i]; }
    template <size_t k, size_t g>
    DISTILL_INLINE static typename V::U8 weights(const Span& half, size_t byte0) {
        return V::masked(V::template shift_right<2 * static_cast<int>(k)>(V::load(half[g] + byte0)), 3);
    }
    DISTILL_INLINE static const uint8_t* sub_scales(const Panel&, const Prepared& s, size_t j, size_t h) { return s.scale[2 * j + h]; }
    DISTILL_INLINE static typename V::F32 scale(const Panel& p, const Prepared& s, size_t j, size_t h, size_t lane0) {
        return V::mul(V::f16(p.d + lane0), V::u8_f32(sub_scales(p, s, j, h) + lane0));
    }
    DISTILL_INLINE static typename V::F32 minimum(const Panel& p, const Prepared& s, size_t j, size_t h, size_t lane0) {
        return V::mul(V::f16(p.dmin + lane0), V::u8_f32(s.min[2 * j + h] + lane0));
    }
};

template <class V>
struct KernelQ3_K {
    using Panel = PanelQ3_K;
    struct Span {
        const Panel* panel;
        size_t half;
    };
    struct Prepared {
        alignas(64) int8_t scale[16][16];
    };
    static constexpr int kBlocks = 8, kSpan = 4, kBits = 3, kOffset = 4, kScales = 2, kMin = 0;

    DISTILL_INLINE static Prepared prepare(const Panel& p) {
        Prepared s;
        for (size_t k = 0; k < 16; ++k) {
            for (size_t r = 0; r < 16; ++r) {
                const int low = p.low[k % 8][r] >> (4 * (k / 8)) & 15, high = p.high[k % 4][r] >> (2 * (k / 4)) & 3;
                s.scale[k][r] = static_cast<int8_t>((low | high << 4) - 32);
            }
        }
        return s;
    }
    DISTILL_INLINE static Span span(const Panel& p, size_t i) { return {&p, i}; }
    template <size_t k, size_t g>
    DISTILL_INLINE static typename V::U8 weights(const Span& s, size_t byte0) {
        constexpr int kShift = static_cast<int>(k) - 2;
        const auto bits = V::masked(V::template shift_right<2 * static_cast<int>(k)>(V::load(s.panel->q[s.half][g] + byte0)), 3);
        const auto high = V::load(s.panel->h[g] + byte0);
        return V::merge(bits, s.half == 0 ? V::template shift_right<kShift>(high) : V::template shift_right<kShift + 4>(high), 4);
    }
    DISTILL_INLINE static const int8_t* sub_scales(const Panel&, const Prepared& s, size_t j, size_t h) { return s.scale[2 * j + h]; }
    DISTILL_INLINE static typename V::F32 scale(const Panel& p, const Prepared& s, size_t j, size_t h, size_t lane0) {
        return V::mul(V::f16(p.d + lane0), V::s8_f32(sub_scales(p, s, j, h) + lane0));
    }
};

template <class V>
struct KernelIQ4_XS {
    using Panel = PanelIQ4_XS;
    using Span = uint8_t[4][64];
    struct Prepared {
        alignas(64) int8_t scale[8][16];
    };
    static constexpr int kBlocks = 8, kSpan = 1, kBits = 8, kOffset = 128, kScales = 1, kMin = 0;

    DISTILL_INLINE static Prepared prepare(const Panel& p) {
        Prepared s;
        for (size_t j = 0; j < 8; ++j) {
            for (size_t r = 0; r < 16; ++r) {
                const int low = p.low[j % 4][r] >> (4 * (j / 4)) & 15, high = p.high[j % 2][r] >> (2 * (j / 2)) & 3;
                s.scale[j][r] = static_cast<int8_t>((low | high << 4) - 32);
            }
        }
        return s;
    }
    DISTILL_INLINE static const Span& span(const Panel& p, size_t i) { return p.q[i]; }
    template <size_t, size_t g>
    DISTILL_INLINE static typename V::U8 weights(const Span& q, size_t byte0) {
        const auto bytes = V::load(q[g % 4] + byte0);
        return V::lookup(kIq4Table.value, g < 4 ? V::low(bytes) : V::high(bytes));
    }
    DISTILL_INLINE static const int8_t* sub_scales(const Panel&, const Prepared& s, size_t j, size_t) { return s.scale[j]; }
    DISTILL_INLINE static typename V::F32 scale(const Panel& p, const Prepared& s, size_t j, size_t h, size_t lane0) {
        return V::mul(V::f16(p.d + lane0), V::s8_f32(sub_scales(p, s, j, h) + lane0));
    }
};

// --- Results -------------------------------------------------------------------------------------------------------

// acc holds T tokens x N registers of rows from `row` on.
template <class V, size_t N, size_t T>
DISTILL_INLINE void store_tile(const MatmulArgs& a, size_t row, typename V::F32 (&acc)[T][N]) {
    const auto put = [&](float* out, const float* bias) DISTILL_LAMBDA {
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            if (static_cast<int>(t) < a.n_tokens) {
                unroll<N>([&](auto n) DISTILL_LAMBDA {
                    float* o = out + t * a.out_stride + n * V::kLanes;
                    auto v = acc[t][n];
                    if (bias != nullptr) v = V::add(v, V::load_f32(bias + n * V::kLanes));
                    if (a.add) v = V::add(v, V::load_f32(o));
                    V::store_f32(o, v);
                });
            }
        });
    };
    if (row + N * V::kLanes <= a.row_end) {
        put(a.out + row, a.bias == nullptr ? nullptr : a.bias + row);
        return;
    }
    // The last panel of a matrix whose rows do not fill it: lane by lane.
    for (size_t t = 0; t < T && static_cast<int>(t) < a.n_tokens; ++t) {
        float lanes[N * V::kLanes];
        for (size_t n = 0; n < N; ++n) V::store_f32(lanes + n * V::kLanes, acc[t][n]);
        for (size_t i = 0; i < N * V::kLanes && row + i < a.row_end; ++i) {
            float* o = a.out + t * a.out_stride + row + i;
            const float v = a.bias == nullptr ? lanes[i] : lanes[i] + a.bias[row + i];
            *o = a.add ? v + *o : v;
        }
    }
}

// --- Several groups of tokens --------------------------------------------------------------------------------------
// For tables whose calls take more than one: columns are cut, units of 256 of them outside, panels inside, so that what is
// read of the tokens stays in the second-level cache for all panels. The sums of the rows wait in memory meanwhile.

constexpr size_t kGroupsAtOnce = 8;

// PanelSums: an array of floats for n_tokens tokens and kRows rows, those of a panel or of several that are worked on together,
// token-wise in the whole or in groups. unit_bytes: what a product reads of all tokens for 256 columns.
//   multiply(row, begin, end, sums)    adds units begin..end of the rows from `row` on to their sums
//   store(first, last, sums)           the sums of rows first..last are complete: sums[(row - first) / kRows]
template <class PanelSums, size_t kRows = kPanelRows, size_t kCachedBytes = size_t{128} << 10, class Multiply, class Store>
DISTILL_INLINE void for_units_and_panels(const MatmulArgs& a, size_t n_tokens, size_t unit_bytes, const Multiply& multiply,
                                         const Store& store) {
    constexpr size_t kMostRows = 16 * kPanelRows, kUnitColumns = 256;
    const size_t n_units = (a.columns + kUnitColumns - 1) / kUnitColumns;
    const size_t fitting = kCachedBytes / unit_bytes, step = fitting == 0 ? 1 : fitting;
    for (size_t first = a.row_begin; first < a.row_end; first += kMostRows) {
        const size_t left = a.row_end - first, last = first + (left < kMostRows ? left : kMostRows);
        alignas(64) PanelSums sums[kMostRows / kRows];
        for (size_t row = first; row < last; row += kRows) {
            __builtin_memset(sums[(row - first) / kRows], 0, n_tokens * kRows * sizeof(float));
        }
        for (size_t begin = 0; begin < n_units; begin += step) {
            const size_t end = n_units - begin < step ? n_units : begin + step;
            for (size_t row = first; row < last; row += kRows) {
                multiply(row, begin, end, sums[(row - first) / kRows]);
            }
        }
        store(first, last, sums);
    }
}

// --- Prefetching ---------------------------------------------------------------------------------------------------
// Weights are asked for ahead, into the second-level cache, because the hardware's prefetcher stops at 4 KiB pages and a core
// keeps few misses of its first level under way. One or two tokens are done with a line before the memory is, so the
// distance is short; more tokens compute for longer than the memory takes, and a line is asked for far enough ahead that
// it has come. V::kPrefetchStep: where a processor fetches the other line of a pair of 128 bytes by itself, one or two tokens ask for one of
// them only (docs/SPEED.md has the figures).
template <class V, size_t T>
struct Prefetch {
    static constexpr size_t kAhead = T <= 2 ? 4096 : 12288, kStep = T <= 2 ? V::kPrefetchStep : 64;  // bytes
};

template <class V, size_t T, class Panel>
DISTILL_INLINE const char* prefetch_from(const Panel* panel) {
    const char* p = reinterpret_cast<const char*>(panel) + Prefetch<V, T>::kAhead;
    return p - reinterpret_cast<uintptr_t>(p) % Prefetch<V, T>::kStep;
}
// The i-th of n shares of a panel's lines: a burst would be more requests than the core keeps under way.
template <class V, size_t T, class Panel, size_t n>
DISTILL_INLINE void prefetch_share(const char* ahead, size_t i) {
    constexpr size_t kStep = Prefetch<V, T>::kStep, kLines = (sizeof(Panel) / n + kStep - 1) / kStep;
    unroll<kLines>([&](auto k) DISTILL_LAMBDA { V::prefetch(ahead + kStep * (i * kLines + k)); });
}

// --- Quantised weights ---------------------------------------------------------------------------------------------

// Two orders of the same exact integer sums. For many tokens a block of 32 columns is worked through at a time: few sums, so
// that they stay in registers. For one or two tokens the blocks that share bytes (kSpan) advance together, group of
// columns by group of columns: every byte is loaded once, in order of its address, as the hardware's prefetcher wants it.
// kHalves: halves of a block that one pass sums up. Formats with a scale for each half take the first halves of a span,
// then the second ones, in both orders.
template <class V, class F, size_t kSums>
constexpr size_t blocks_at_once() {
    return kSums * F::kSpan <= 2 * V::kMaxTile ? F::kSpan : 1;
}

template <class V, template <class> class Format, size_t N, size_t T, size_t kHalves = 3 - Format<V>::kScales,
          size_t kAtOnce = blocks_at_once<V, Format<V>, kHalves * T * N>()>
DISTILL_INLINE void quantised_tile(const MatmulArgs& a, size_t row, size_t lane0) {
    using F = Format<V>;
    using F32 = typename V::F32;
    using Dot = typename V::template Dot<F::kBits, F::kOffset>;
    constexpr size_t kSpans = F::kBlocks / F::kSpan, kSteps = F::kSpan / kAtOnce, kPasses = 2 / kHalves;
    const size_t n_blocks = a.columns / (kActBlock * F::kBlocks);
    const auto* panel = reinterpret_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_blocks;
    const auto* x = static_cast<const ActBlock<T>*>(a.x);  // of the span at work
    F32 acc[T][N];
    unroll<T>([&](auto t) DISTILL_LAMBDA { unroll<N>([&](auto n) DISTILL_LAMBDA { acc[t][n] = V::set1(0.0f); }); });

    for (size_t b = 0; b < n_blocks; ++b, ++panel) {
        const auto prepared = F::prepare(*panel);
        const char* ahead = prefetch_from<V, T>(panel);
        F32 both[T][N];

        // One copy of the code for all spans: what streams through the second-level cache takes the lines of much code with it.
        for (size_t i = 0; i < kSpans; ++i, x += F::kSpan) {
            const auto& span = F::span(*panel, i);
            const auto start = [&](auto k, auto h, Dot (&dot)[T][N]) DISTILL_LAMBDA {
                unroll<T>([&](auto t) DISTILL_LAMBDA {
                    unroll<N>([&](auto n) DISTILL_LAMBDA { dot[t][n].start(&x[k].minus_8_sum[t][h]); });
                });
            };
            const auto multiply = [&](auto k, auto g, Dot (&dot)[T][N]) DISTILL_LAMBDA {
                typename V::U8 w[N];
                unroll<N>([&](auto n) DISTILL_LAMBDA { w[n] = F::template weights<k, g>(span, 4 * (lane0 + n * V::kLanes)); });
                unroll<T>([&](auto t) DISTILL_LAMBDA {
                    const auto xq = V::broadcast4(x[k].q[t] + 4 * g);
                    unroll<N>([&](auto n) DISTILL_LAMBDA { dot[t][n].template add<g % 4, 4>(w[n], xq); });
                });
            };
            const auto finish = [&](auto k, auto h, Dot (&dot)[T][N]) DISTILL_LAMBDA {
                const ActBlock<T>& xb = x[k];
                const size_t j = F::kSpan * i + k;
                unroll<N>([&](auto n) DISTILL_LAMBDA {
                    const size_t lane = lane0 + n * V::kLanes;
                    if constexpr (F::kScales == 1) {
                        unroll<T>([&](auto t) DISTILL_LAMBDA {
                            const F32 sum = V::to_f32(dot[t][n].sum()), scale = V::set1(xb.scale[t][h]);
                            both[t][n] = h == 0 ? V::mul(sum, scale) : V::fma(sum, scale, both[t][n]);
                        });
                        if constexpr (h == 1) {
                            const F32 scale = F::scale(*panel, prepared, j, 0, lane);
                            unroll<T>([&](auto t) DISTILL_LAMBDA { acc[t][n] = V::fma(both[t][n], scale, acc[t][n]); });
                        }
                        if constexpr (F::kMin != 0) {
                            if constexpr (h == 1) {
                                const F32 min = F::minimum(*panel, prepared, j, 0, lane);
                                unroll<T>([&](auto t) DISTILL_LAMBDA {
                                    acc[t][n] = F::kMin > 0 ? V::fma(min, V::set1(xb.sum[t]), acc[t][n])
                                                            : V::fnma(min, V::set1(xb.sum[t]), acc[t][n]);
                                });
                            }
                        }
                    } else {
                        const F32 scale = F::scale(*panel, prepared, j, h, lane);
                        unroll<T>([&](auto t) DISTILL_LAMBDA { both[t][n] = V::mul(V::to_f32(dot[t][n].sum()), scale); });
                        if constexpr (F::kMin < 0) {
                            // sum(q) is kept as -8 * sum(q): an eighth of the minimum makes it a subtraction, exactly.
                            const F32 min = V::mul(F::minimum(*panel, prepared, j, h, lane), V::set1(0.125f));
                            unroll<T>([&](auto t) DISTILL_LAMBDA {
                                const F32 sum = V::set1(static_cast<float>(xb.minus_8_sum[t][h]));
                                both[t][n] = V::fma(min, sum, both[t][n]);
                            });
                        }
                        unroll<T>([&](auto t) DISTILL_LAMBDA {
                            acc[t][n] = V::fma(both[t][n], V::set1(xb.scale[t][h]), acc[t][n]);
                        });
                    }
                });
            };

            unroll<kPasses * kSteps>([&](auto turn) DISTILL_LAMBDA {
                constexpr size_t h0 = turn / kSteps, k0 = turn % kSteps * kAtOnce;
                prefetch_share<V, T, typename F::Panel, kSpans * kPasses * kSteps>(ahead, i * kPasses * kSteps + turn);
                Dot dot[kAtOnce][kHalves][T][N];
                unroll<kAtOnce>([&](auto k) DISTILL_LAMBDA {
                    unroll<kHalves>([&](auto h) DISTILL_LAMBDA { start(constant<k0 + k>, constant<h0 + h>, dot[k][h]); });
                });
                unroll<4 * kHalves>([&](auto g) DISTILL_LAMBDA {
                    unroll<kAtOnce>([&](auto k) DISTILL_LAMBDA {
                        multiply(constant<k0 + k>, constant<4 * h0 + g>, dot[k][g / 4]);
                    });
                });
                unroll<kAtOnce>([&](auto k) DISTILL_LAMBDA {
                    unroll<kHalves>([&](auto h) DISTILL_LAMBDA { finish(constant<k0 + k>, constant<h0 + h>, dot[k][h]); });
                });
            });
        }
    }
    store_tile<V, N, T>(a, row + lane0, acc);
}

// --- Float weights -------------------------------------------------------------------------------------------------
// acc = even columns + odd columns: two chains, because one would wait for each multiply-add to finish.

template <class V>
struct ElementF32 {
    using T = float;
    DISTILL_INLINE static typename V::F32 load(const float* p) { return V::load_f32(p); }
};
template <class V>
struct ElementF16 {
    using T = uint16_t;
    DISTILL_INLINE static typename V::F32 load(const uint16_t* p) { return V::f16(p); }
};
template <class V>
struct ElementBF16 {
    using T = uint16_t;
    DISTILL_INLINE static typename V::F32 load(const uint16_t* p) { return V::bf16(p); }
};

// N registers of rows: a part of a panel, or all of two panels.
template <class V, template <class> class Element, size_t N, size_t T>
DISTILL_INLINE void float_tile(const MatmulArgs& a, size_t row, size_t lane0) {
    using E = Element<V>;
    using F32 = typename V::F32;
    constexpr size_t kAll = kPanelRows / V::kLanes;
    const size_t panel = a.panel_columns * kPanelRows;
    const auto* w = reinterpret_cast<const typename E::T*>(a.panels) + row * a.panel_columns + lane0;
    const auto* x = static_cast<const float*>(a.x);
    F32 acc[2][T][N];
    unroll<T>([&](auto t) DISTILL_LAMBDA {
        unroll<N>([&](auto n) DISTILL_LAMBDA { acc[0][t][n] = acc[1][t][n] = V::set1(0.0f); });
    });
    const auto column = [&](auto chain, size_t c) DISTILL_LAMBDA {
        F32 v[N];
        unroll<N>([&](auto n) DISTILL_LAMBDA { v[n] = E::load(w + n / kAll * panel + c * kPanelRows + n % kAll * V::kLanes); });
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            const F32 xt = V::set1(x[t * a.x_stride + c]);
            unroll<N>([&](auto n) DISTILL_LAMBDA { acc[chain][t][n] = V::fma(v[n], xt, acc[chain][t][n]); });
        });
    };
    size_t c = 0;
    for (; c + 2 <= a.columns; c += 2) {
        column(constant<0>, c);
        column(constant<1>, c + 1);
    }
    if (c < a.columns) column(constant<0>, c);
    unroll<T>([&](auto t) DISTILL_LAMBDA {
        unroll<N>([&](auto n) DISTILL_LAMBDA { acc[0][t][n] = V::add(acc[0][t][n], acc[1][t][n]); });
    });
    store_tile<V, N, T>(a, row + lane0, acc[0]);
}

// --- Entry points --------------------------------------------------------------------------------------------------

// A tile takes as many registers of rows as its T tokens leave accumulators for.
template <class V, size_t T>
constexpr size_t tile_registers() {
    constexpr size_t kAll = kPanelRows / V::kLanes;
    return T * kAll <= V::kMaxTile ? kAll : 1;
}

template <class V, template <class> class Format, size_t T>
void quantised_rows(const MatmulArgs& a) {
    constexpr size_t N = tile_registers<V, T>();
    for (size_t row = a.row_begin; row < a.row_end; row += kPanelRows) {
        for (size_t lane0 = 0; lane0 < kPanelRows; lane0 += N * V::kLanes) quantised_tile<V, Format, N, T>(a, row, lane0);
    }
}
template <class V, template <class> class Element, size_t T>
void float_rows(const MatmulArgs& a) {
    constexpr size_t kAll = kPanelRows / V::kLanes, N = T * kAll <= V::kFloatTile ? kAll : 1;
    size_t row = a.row_begin;
    if constexpr (2 * T * kAll <= V::kFloatTile) {
        for (; row + kPanelRows < a.row_end; row += 2 * kPanelRows) float_tile<V, Element, 2 * kAll, T>(a, row, 0);
    }
    for (; row < a.row_end; row += kPanelRows) {
        for (size_t lane0 = 0; lane0 < kPanelRows; lane0 += N * V::kLanes) float_tile<V, Element, N, T>(a, row, lane0);
    }
}

template <class V, template <class> class Format>
void quantised_matmul(const MatmulArgs& a) {
    switch (a.group) {
        case 1: return quantised_rows<V, Format, 1>(a);
        case 2: return quantised_rows<V, Format, 2>(a);
        case 4:
            if constexpr (V::kGroup >= 4) return quantised_rows<V, Format, 4>(a);
            break;
        default:
            if constexpr (V::kGroup > 4) return quantised_rows<V, Format, V::kGroup>(a);
    }
}

// Float activations are plain rows, so a group needs no padding: any count is cut into nearly equal parts.
template <class V, template <class> class Element>
void float_matmul(const MatmulArgs& args) {
    MatmulArgs a = args;
    for (int left = args.n_tokens; left > 0; left -= a.n_tokens) {
        constexpr int kMost = V::kFloatTokens;
        const int parts = (left + kMost - 1) / kMost;
        a.n_tokens = (left + parts - 1) / parts;
        unroll<kMost>([&](auto t) {
            if (a.n_tokens == static_cast<int>(t) + 1) float_rows<V, Element, t + 1>(a);
        });
        a.x = static_cast<const float*>(a.x) + static_cast<size_t>(a.n_tokens) * a.x_stride;
        a.out += static_cast<size_t>(a.n_tokens) * a.out_stride;
    }
}

// --- Activations ---------------------------------------------------------------------------------------------------

// Of four scales, each of which meets the largest value of 16 columns exactly, the one that loses least: a fifth less
// error than the first, for a few operations that no product notices. Up to 8 blocks of a token at a time, so that the
// divisions and choices for all their halves are vector code.
template <class V, size_t T>
DISTILL_INLINE void quantize_blocks(ActBlock<T>* out, size_t t, const float* x, size_t n_blocks) {
    constexpr size_t kHalf = kActBlock / 2, kHalves = 16, kScales = 4;
    constexpr float kSteps[kScales] = {127.0f, 126.0f, 125.0f, 124.0f};
    alignas(64) float largest[kHalves] = {}, scale[kHalves], factor[kHalves];
    alignas(64) float factors[kScales][kHalves], losses[kScales][kHalves] = {};
    for (size_t i = 0; i < 2 * n_blocks; ++i) largest[i] = V::largest(x + i * kHalf);
    for (size_t s = 0; s < kScales; ++s) {
        for (size_t i = 0; i < kHalves; ++i) factors[s][i] = kSteps[s] / largest[i];
    }
    for (size_t i = 0; i < 2 * n_blocks; ++i) V::rounding_losses(&losses[0][i], x + i * kHalf, &factors[0][i], kHalves);
    for (size_t i = 0; i < kHalves; ++i) {
        float steps = kSteps[0], least = losses[0][i] * (1.0f / (kSteps[0] * kSteps[0]));
        float best = factors[0][i];
        unroll<kScales - 1>([&](auto s) DISTILL_LAMBDA {
            const float loss = losses[s + 1][i] * (1.0f / (kSteps[s + 1] * kSteps[s + 1]));
            steps = loss < least ? kSteps[s + 1] : steps;
            best = loss < least ? factors[s + 1][i] : best;
            least = loss < least ? loss : least;
        });
        // NaN stays NaN, and ends in the logits; so does what is too large to be divided by.
        const bool normal = (largest[i] > 1e-30f) & (largest[i] < 1e30f);
        scale[i] = largest[i] / (normal ? steps : kSteps[0]);
        factor[i] = normal ? best : largest[i] * 0.0f;
    }
    for (size_t b = 0; b < n_blocks; ++b) {
        float sums = 0;
        for (size_t h = 0; h < 2; ++h) {
            const size_t i = 2 * b + h;
            const int32_t sum = V::round(out[b].q[t] + h * kHalf, x + i * kHalf, factor[i]);
            out[b].scale[t][h] = scale[i];
            out[b].minus_8_sum[t][h] = -8 * sum;
            sums += scale[i] * static_cast<float>(sum);
        }
        out[b].sum[t] = sums;
    }
}

template <class V, size_t T>
void quantize_group(void* blocks, const float* x, size_t x_stride, size_t n, int n_tokens) {
    constexpr size_t kAtOnce = 8;  // blocks
    constexpr float kZeros[kAtOnce * kActBlock] = {};
    auto* out = static_cast<ActBlock<T>*>(blocks);
    const size_t n_blocks = n / kActBlock;
    for (size_t b = 0; b < n_blocks; b += kAtOnce) {
        const size_t here = n_blocks - b < kAtOnce ? n_blocks - b : kAtOnce;
        for (size_t t = 0; t < T; ++t) {
            const float* from = static_cast<int>(t) < n_tokens ? x + t * x_stride + b * kActBlock : kZeros;
            quantize_blocks<V, T>(out + b, t, from, here);
        }
    }
}

template <class V>
void quantize_rows(void* blocks, const float* x, size_t x_stride, size_t n, int n_tokens, int group, ActForms) {
    switch (group) {
        case 1: return quantize_group<V, 1>(blocks, x, x_stride, n, n_tokens);
        case 2: return quantize_group<V, 2>(blocks, x, x_stride, n, n_tokens);
        case 4: return quantize_group<V, 4>(blocks, x, x_stride, n, n_tokens);
        default: return quantize_group<V, 8>(blocks, x, x_stride, n, n_tokens);
    }
}

inline void dequantize_rows(float* out, const void* blocks, size_t n, ActForms) {
    const auto* from = static_cast<const ActBlock<1>*>(blocks);
    for (size_t i = 0; i < n; ++i) {
        const ActBlock<1>& b = from[i / kActBlock];
        const size_t k = i % kActBlock;
        out[i] = static_cast<float>(b.q[0][k]) * b.scale[0][k / (kActBlock / 2)];
    }
}

template <class V>
void to_f16(uint16_t* out, const float* x, size_t n) {
    size_t i = 0;
    for (; i + V::kLanes <= n; i += V::kLanes) V::store_f16(out + i, V::load_f32(x + i));
    if (i == n) return;
    float tail[V::kLanes] = {};
    uint16_t halves[V::kLanes];
    for (size_t k = i; k < n; ++k) tail[k - i] = x[k];
    V::store_f16(halves, V::load_f32(tail));
    for (size_t k = i; k < n; ++k) out[k] = halves[k - i];
}

template <class V>
void expand_s8(float* out, const int8_t* q, const uint16_t* scale, size_t n) {
    float scales[16];
    for (size_t i0 = 0; i0 < n; i0 += 16) {
        for (size_t i = 0; i < 16; i += V::kLanes) V::store_f32(scales + i, V::f16(scale + i0 + i));
        for (size_t i = 0; i < 16; ++i) {
            for (size_t k = 0; k < 16; k += V::kLanes) {
                const size_t at = (i0 + i) * 16 + k;
                V::store_f32(out + at, V::mul(V::s8_f32(q + at), V::set1(scales[i])));
            }
        }
    }
}

// In the order of formats(). Quantised: whose product() is that of weights in a quantised format.
template <class V, class Quantised>
constexpr MatmulFunctions matmul_functions() {
    return {float_matmul<V, ElementF32>,
            float_matmul<V, ElementF16>,
            Quantised::template product<KernelQ4_0>,
            Quantised::template product<KernelQ4_1>,
            Quantised::template product<KernelQ5_0>,
            Quantised::template product<KernelQ5_1>,
            Quantised::template product<KernelQ8_0>,
            Quantised::template product<KernelQ2_K>,
            Quantised::template product<KernelQ3_K>,
            Quantised::template product<KernelQ4_K>,
            Quantised::template product<KernelQ5_K>,
            Quantised::template product<KernelQ6_K>,
            Quantised::template product<KernelIQ4_NL>,
            Quantised::template product<KernelIQ4_XS>,
            float_matmul<V, ElementBF16>};
}
template <class V>
struct UsualProducts {
    template <template <class> class Format>
    static void product(const MatmulArgs& a) { quantised_matmul<V, Format>(a); }
};

}  // namespace
}  // namespace distill
