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

#include "quant/kernels/avx2_activations.h"
#include "quant/kernels/avx2_weights.h"
#include "quant/kernels/float_ops.h"
#include "quant/kernels/matmul.h"
#include "quant/kernels/vector256.h"

namespace distill {
namespace {

// --- One or two tokens ---------------------------------------------------------------------------------------------
// Weights are read in order of their addresses and unpacked into registers: of narrow formats all blocks of a span at
// once, or two of them where the registers do not hold the sums of all.

template <std::size_t T, std::size_t N>
struct Sums {
    __m256 acc[T][N], part[T][N];  // of the row so far; of the unit at work, in its units
};

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
