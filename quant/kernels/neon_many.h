// Products for four tokens and more (neon_matmul.h says of what): the weights of 256 columns and 16 rows are unpacked to
// signed bytes in the first-level cache, and all tokens of the call pass over them. A register of results is four rows
// of a token or, where V has smmla (V::kTwoByTwo), two rows of two tokens.
#pragma once

#include <arm_neon.h>

#include "quant/kernels/matmul.h"
#include "quant/kernels/neon_activations.h"
#include "quant/kernels/neon_weights.h"
#include "quant/kernels/vector_neon.h"

namespace distill {
namespace {

// --- Unpacking -----------------------------------------------------------------------------------------------------

// 256 columns of 16 rows. Formats with a scale for each half: halves in the order in which one token takes them. Two by two: 8
// columns of two rows fill a register, and a row's numbers stand twice, once for each of two tokens.
template <class V>
struct Unpacked {
    static constexpr size_t kWide = V::kTwoByTwo ? 8 : 4;
    alignas(64) int8_t w[4][64][16];                         // [four rows][four columns]; [four rows][8 columns][two rows]
    alignas(64) int32_t scale[4][16][kWide], min[4][16][kWide];  // [four rows]: of k-quants
    alignas(64) float d[kUnitBlocks][4][kWide], m[kUnitBlocks][4][kWide];  // 32-column formats; k-quants: d and dmin in [0]
    alignas(64) int8_t min_bytes[4][2][16];                  // two by two, of Q4_K and Q5_K: [four rows][two rows], each of 8 blocks
};

// a0 b0 a1 b1 ... Not by st2: GCC 12 brings its registers together by way of memory.
DISTILL_INLINE void put_in_turns(int32_t* to, int32x4_t a, int32x4_t b) {
    vst1q_s32(to, vzip1q_s32(a, b));
    vst1q_s32(to + 4, vzip2q_s32(a, b));
}
DISTILL_INLINE void put_in_turns(int8_t* to, int8x16_t a, int8x16_t b) {  // four bytes at a time
    put_in_turns(reinterpret_cast<int32_t*>(to), vreinterpretq_s32_s8(a), vreinterpretq_s32_s8(b));
}

// Numbers of four rows, as registers of results want them: register i of two tokens.
template <class V>
DISTILL_INLINE void put_rows(int32_t* to, int32x4_t v) {
    if constexpr (V::kTwoByTwo) put_in_turns(to, v, v);
    else vst1q_s32(to, v);
}
template <class V>
DISTILL_INLINE void put_rows(float* to, float32x4_t v) {
    put_rows<V>(reinterpret_cast<int32_t*>(to), vreinterpretq_s32_f32(v));
}
template <class V>
struct FourRows {
    int32x4_t v[V::kTwoByTwo ? 2 : 1];
    DISTILL_INLINE explicit FourRows(const int32_t* from) {
        v[0] = vld1q_s32(from);
        if constexpr (V::kTwoByTwo) v[1] = vld1q_s32(from + 4);
    }
    DISTILL_INLINE explicit FourRows(const float* from) : FourRows(reinterpret_cast<const int32_t*>(from)) {}
    DISTILL_INLINE int32x4_t whole(size_t i) const { return v[V::kTwoByTwo ? i : 0]; }
    DISTILL_INLINE float32x4_t real(size_t i) const { return vreinterpretq_f32_s32(whole(i)); }
};

// Numbers of four tokens: acc + v * those of register t.
template <class V>
struct FourTokens {
    float32x4_t v[V::kTwoByTwo ? 2 : 1];
    DISTILL_INLINE explicit FourTokens(float32x4_t numbers) {
        if constexpr (V::kTwoByTwo) {
            unroll<2>([&](auto i) DISTILL_LAMBDA {
                v[i] = vreinterpretq_f32_f64(vdupq_laneq_f64(vreinterpretq_f64_f32(numbers), i));
            });
        } else {
            v[0] = numbers;
        }
    }
    template <size_t t>
    DISTILL_INLINE float32x4_t add_times(float32x4_t acc, float32x4_t by) const {
        if constexpr (V::kTwoByTwo) return vfmaq_f32(acc, by, v[t / 2]);
        else return vfmaq_laneq_f32(acc, by, v[0], t);
    }
};

// Two tokens meet four rows, 16 columns of each: sum[i] += products, for each of the i. Register i is that of token i, or of rows 2i
// and 2i + 1 and both tokens. columns(n): of token n, or columns 8n to 8n + 7 of both. kSettle: half of the products are added before the
// compiler thinks of the others: GCC 12 copies some sums to other registers otherwise.
template <class V, bool kBytes, bool kSettle = false, class Columns, class... I>
DISTILL_INLINE void add_dots(int32x4_t (&sum)[2], const int8x16x4_t& w, const Columns& columns, I... i) {
    if constexpr (V::kTwoByTwo) {
        const int8x16_t x[2] = {columns(constant<0>), columns(constant<1>)};  // loaded as a pair
        unroll<2>([&](auto n) DISTILL_LAMBDA { ((sum[i] = V::two_by_two(sum[i], w.val[2 * n + i], x[n])), ...); });
    } else {
        typename V::template Dot<kBytes ? 8 : 6> dot[2];
        (dot[i].start(sum[i]), ...);
        unroll<4>([&](auto g) DISTILL_LAMBDA {
            (dot[i].template add<g>(w.val[g], columns(i)), ...);
            if constexpr (kSettle) {
                if constexpr (g == 1) (settle(dot[i].v), ...);
            }
        });
        ((sum[i] = dot[i].sum()), ...);
    }
}

// Both registers of two tokens, or one of them.
template <class V>
DISTILL_INLINE void start_dots(int32x4_t (&dot)[2], const Zeros<V>& zeros, size_t, size_t) { zeros.set(dot[0], dot[1]); }
template <class V>
DISTILL_INLINE void start_dots(int32x4_t (&dot)[2], const Zeros<V>&, size_t i) { dot[i] = vdupq_n_s32(0); }

// Both registers of two tokens. A sum waits for itself, and a core that keeps to the order of its instructions waits with it: so
// they take turns where they are one register each.
template <class V, class Job>
DISTILL_INLINE void for_both(const Job& job) {
    if constexpr (V::kDotProducts) {
        job(constant<0>, constant<1>);
    } else {
        job(constant<0>);
        job(constant<1>);
    }
}

// What the halves' dot products of four tokens are multiplied with, the first one's and that of both; two by two, each pair's are
// loaded when it is its turn. `m` moves on.
template <class V>
struct MultiplesOfFour {
    int32x4_t v[2];
    const int32_t* at;
    DISTILL_INLINE explicit MultiplesOfFour(const int32_t*& m) : at(m) {
        if constexpr (V::kTwoByTwo) {
            m += 16;
        } else {
            const int32x4x2_t both = next32(m);
            unroll<2>([&](auto i) DISTILL_LAMBDA { v[i] = both.val[i]; });
        }
    }
    // Register i of a pair of tokens.
    template <size_t pair, size_t i>
    DISTILL_INLINE int32x4_t first(int32x4_t& sum) const {
        if constexpr (V::kTwoByTwo) {
            int32x4_t product = vmulq_s32(sum, vld1q_s32(at + 8 * pair));
            settle(product, sum);
            return product;
        } else {
            return times_lane_now<2 * i>(sum, v[pair]);
        }
    }
    template <size_t pair, size_t i>
    DISTILL_INLINE int32x4_t add_second(int32x4_t e, int32x4_t sum) const {
        if constexpr (V::kTwoByTwo) return vmlaq_s32(e, sum, vld1q_s32(at + 8 * pair + 4));
        else return vmlaq_laneq_s32(e, sum, v[pair], 2 * i + 1);
    }
};

// The multiples themselves of half h, four tokens from t on.
template <class V, size_t T, size_t h>
struct HalfMultiples {
    int32x4_t v[V::kTwoByTwo ? 2 : 1];
    DISTILL_INLINE HalfMultiples(const Unit<V, T>& x, size_t j, size_t t) {
        if constexpr (V::kTwoByTwo) {
            unroll<2>([&](auto i) DISTILL_LAMBDA {
                v[i] = vld1q_s32(x.m(j, t + 2 * i, 1));
                if constexpr (h == 0) v[i] = vaddq_s32(v[i], vld1q_s32(x.m(j, t + 2 * i, 0)));
            });
        } else {
            const int32x4_t a = vld1q_s32(x.m(j, t)), b = vld1q_s32(x.m(j, t + 2));
            v[0] = h == 0 ? vpaddq_s32(a, b) : vuzp2q_s32(a, b);
        }
    }
    template <size_t t>
    DISTILL_INLINE int32x4_t times(int32x4_t sum) const {
        if constexpr (V::kTwoByTwo) return vmulq_s32(sum, v[t / 2]);
        else return vmulq_laneq_s32(sum, v[0], t);
    }
};

// The place of a half in that order.
constexpr size_t place_of_half(size_t j, size_t h) { return 8 * (j / 4) + 4 * h + j % 4; }

// All nibbles are in registers before any is stored.
template <class V, class F>
DISTILL_INLINE void unpack_fractions(Unpacked<V>& u, const typename F::Panel& p, size_t block) {
    const char* ahead = prefetch_from<V, 8>(&p);
    prefetch_share<V, 8, typename F::Panel, 1>(ahead, 0);
    const uint8_t* next = p.q[0];
    uint8x16x4_t bytes[4];
    unroll<4>([&](auto g) DISTILL_LAMBDA { bytes[g] = next64(next); });
    for_each<4, 2>([&](auto rows, auto h) DISTILL_LAMBDA {
        int8_t* to = u.w[rows][8 * block];
        unroll<2>([&](auto pair) DISTILL_LAMBDA {
            const auto w = [&](size_t i) DISTILL_LAMBDA {
                return vreinterpretq_s32_s8(F::template nibbles<h>(bytes[2 * pair + i].val[rows]));
            };
            const int32x4_t a = w(0), b = w(1);
            constexpr int kTo = 64 * h + 32 * pair;
            if constexpr (V::kTwoByTwo) store_pair<kTo>(to, vzip1q_s32(a, b), vzip2q_s32(a, b));
            else store_pair<kTo>(to, a, b);
        });
    });
    const RowFractions f(p.f);
    unroll<4>([&](auto n) DISTILL_LAMBDA { put_rows<V>(u.scale[n][block], f.v[n]); });
}

template <class V, class F>
DISTILL_INLINE void unpack(Unpacked<V>& u, const typename F::Panel& p, size_t block) {
    constexpr bool kMinBytes = V::kTwoByTwo && F::kMin != 0 && F::kScales == 1;
    const auto prepared = F::prepare(p);
    const char* ahead = prefetch_from<V, 8>(&p);
    // What shares bytes is unpacked before any of it is stored: the compiler would load the bytes again after a store.
    constexpr size_t kHalves = F::kSpan == 1 ? 2 : 1;
    for (size_t rows = 0; rows < 4; ++rows) {
        unroll<F::kBlocks / F::kSpan>([&](auto span) DISTILL_LAMBDA {
            if (rows == 0) prefetch_share<V, 8, typename F::Panel, F::kBlocks / F::kSpan>(ahead, span);
            unroll<4 / kHalves>([&](auto pair) DISTILL_LAMBDA {
                int8x16_t w[F::kSpan][kHalves][2];
                for_each<F::kSpan, kHalves>([&](auto k, auto h) DISTILL_LAMBDA {
                    constexpr size_t j = span * F::kSpan + k, g = 2 * pair + 4 * h;
                    w[k][h][0] = signed_weights<V, F, j, g>(p, 16 * rows);
                    w[k][h][1] = signed_weights<V, F, j, g + 1>(p, 16 * rows);
                });
                for_each<F::kSpan, kHalves>([&](auto k, auto h) DISTILL_LAMBDA {
                    constexpr size_t j = span * F::kSpan + k, g = 2 * pair + 4 * h;
                    constexpr size_t at = F::kScales == 1 ? 8 * j + g : 4 * place_of_half(j, g / 4) + g % 4;
                    int8_t* to = u.w[rows][8 * block + at];
                    if constexpr (V::kTwoByTwo) {
                        put_in_turns(to, w[k][h][0], w[k][h][1]);
                    } else {
                        vst1q_s8(to, w[k][h][0]);
                        vst1q_s8(to + 16, w[k][h][1]);
                    }
                });
            });
        });
    }
    if constexpr (Traits<F>::kWhole) {
        for_each<8, F::kScales>([&](auto j, auto h) DISTILL_LAMBDA {
            constexpr size_t at = F::kScales == 1 ? j : place_of_half(j, h);
            const RowScales<4> scale(F::sub_scales(p, prepared, j, h));
            unroll<4>([&](auto n) DISTILL_LAMBDA { put_rows<V>(u.scale[n][at], scale.v[n]); });
            if constexpr (F::kMin != 0 && !kMinBytes) {
                const uint8_t* from;
                if constexpr (F::kScales == 1) from = prepared.min + 16 * j;
                else from = prepared.min[2 * j + h];
                const RowScales<4> min(from);
                unroll<4>([&](auto n) DISTILL_LAMBDA { put_rows<V>(u.min[n][at], min.v[n]); });
            }
        });
        if constexpr (kMinBytes) {
            uint8x16_t min[2][4];
            for_each<2, 4>([&](auto i, auto k) DISTILL_LAMBDA { min[i][k] = vld1q_u8(prepared.min + 16 * (4 * i + k)); });
            int8x16_t by_row[2][4];
            bytes_by_row(by_row, min);
            unroll<4>([&](auto n) DISTILL_LAMBDA { put_in_turns(u.min_bytes[n][0], by_row[0][n], by_row[1][n]); });
        }
    }
    const RowFloats d(p.d);
    unroll<4>([&](auto n) DISTILL_LAMBDA { put_rows<V>(u.d[block][n], d.v[n]); });
    if constexpr (F::kMin != 0) {
        const uint16_t(*minima)[kPanelRows];
        if constexpr (F::kMin > 0) minima = &p.m;
        else minima = &p.dmin;
        const RowFloats m(*minima);
        unroll<4>([&](auto n) DISTILL_LAMBDA { put_rows<V>(u.m[block][n], m.v[n]); });
    }
}

// The integers that the token's loops need to know of a format; formats that agree in them share the code.
template <bool kWhole_, size_t kScales_, size_t kAtOnce_, int kMin_, bool kBytes_>
struct Loop {
    static constexpr bool kWhole = kWhole_, kBytes = kBytes_;
    static constexpr size_t kScales = kScales_, kAtOnce = kAtOnce_;
    static constexpr int kMin = kMin_;
};
template <class V, class F>
using LoopOf = Loop<(F::kBlocks > 1), F::kScales, (F::kBlocks > 1) ? Traits<F>::sums_at_once() : 1, F::kMin,
                    V::kBytesMatter && F::kBits == 8>;

// Of Q4_K and Q5_K: minima times sums of q * m. smmla takes all eight blocks of two rows and two tokens, for each digit of the sums.
template <class V, size_t T>
DISTILL_INLINE void sums_of_minima(int32x4_t (&minima)[T], const Unpacked<V>& u, const Unit<V, T>& x, size_t rows) {
    if constexpr (V::kTwoByTwo) {
        const int8x16_t min[2] = {vld1q_s8(u.min_bytes[rows][0]), vld1q_s8(u.min_bytes[rows][1])};
        unroll<T / 2>([&](auto pair) DISTILL_LAMBDA {
            unroll<2>([&](auto i) DISTILL_LAMBDA { minima[2 * pair + i] = vdupq_n_s32(0); });
            for_each<3, 2>([&](auto digit, auto i) DISTILL_LAMBDA {
                int32x4_t& sum = minima[2 * pair + i];
                if constexpr (digit > 0) sum = vshlq_n_s32(sum, 7);
                sum = V::two_by_two(sum, min[i], vld1q_s8(x.digits(2 * pair, digit)));
            });
        });
    } else {
        const int32_t *min = u.min[rows][0], *sum_x = x.sum(0, 0);
        unroll<8 * T / 16>([&](auto sixteen) DISTILL_LAMBDA {
            const int32x4x4_t sums_x = vld1q_s32_x4(sum_x + 16 * sixteen);
            unroll<4>([&](auto i) DISTILL_LAMBDA {
                constexpr size_t j = (16 * sixteen + 4 * i) / T, t0 = 4 * i % T;
                const int32x4_t min_j = vld1q_s32(min + 4 * j);
                unroll<4>([&](auto k) DISTILL_LAMBDA {
                    int32x4_t& to = minima[t0 + k];
                    to = j == 0 ? vmulq_laneq_s32(min_j, sums_x.val[i], k) : vmlaq_laneq_s32(to, min_j, sums_x.val[i], k);
                });
            });
            unroll<T>([&](auto t) DISTILL_LAMBDA { settle(minima[t]); });
        });
    }
}

// sums += part * unit, of four rows.
template <class V, size_t T>
DISTILL_INLINE void add_parts(float* sums, const float32x4_t (&part)[T], const Unit<V, T>& x) {
    unroll<T / 4>([&](auto i) DISTILL_LAMBDA {
        const FourTokens<V> units(vld1q_f32(x.unit(4 * i)));
        unroll<2>([&](auto k) DISTILL_LAMBDA {
            constexpr size_t t = 4 * i + 2 * k;
            float32x4_t a = vld1q_f32(sums + 4 * t), b = vld1q_f32(sums + 4 * t + 4);
            a = units.template add_times<2 * k>(a, part[t]);
            b = units.template add_times<2 * k + 1>(b, part[t + 1]);
            vst1q_f32(sums + 4 * t, a);
            vst1q_f32(sums + 4 * t + 4, b);
        });
    });
}

// 32 columns have one scale.
template <class V, class L, size_t T>
DISTILL_INLINE void blocks_of_tokens(float* sums, const Unpacked<V>& u, const Unit<V, T>& x, size_t rows) {
    const Zeros<V> zeros;
    int32x4_t whole[T];
    float32x4_t part[T];
    if constexpr (L::kWhole) zeros.fill(whole);
    if constexpr (L::kAtOnce < kUnitBlocks) zeros.fill(part);
    const size_t here = L::kWhole ? kUnitBlocks : x.here;
    const int8_t* q = x.q(0, 0);
    const int32_t* m = x.m(0, 0);
    const int8_t* weights = u.w[rows][0];
    // As integers; 32-column formats have all rows' floats of a block together.
    const int32_t* scales = L::kWhole ? u.scale[rows][0] : reinterpret_cast<const int32_t*>(u.d[0][rows]);
    const int8_t* const end = weights + here * sizeof(u.w[0][0]) * 8;
    for (size_t j = 0; weights != end; ++j) {
        const int8x16x4_t first_half = next64(weights), second_half = next64(weights);
        const FourRows<V> scale(scales);
        scales += L::kWhole ? Unpacked<V>::kWide : 4 * Unpacked<V>::kWide;
        __asm__("" : "+r"(scales));
        unroll<T / 4>([&](auto four) DISTILL_LAMBDA {
            const MultiplesOfFour<V> multiples(m);
            unroll<2>([&](auto pair) DISTILL_LAMBDA {
                constexpr size_t t = 4 * four + 2 * pair;
                const int8x16x4_t columns = next64(q);
                const auto first = [&](auto n) DISTILL_LAMBDA { return columns.val[V::kTwoByTwo ? n : 2 * n]; };
                const auto second = [&](auto n) DISTILL_LAMBDA { return columns.val[V::kTwoByTwo ? 2 + n : 2 * n + 1]; };
                for_both<V>([&](auto... i) DISTILL_LAMBDA {
                    int32x4_t dot[2], e[2];
                    start_dots(dot, zeros, i...);
                    add_dots<V, L::kBytes>(dot, first_half, first, i...);
                    ((e[i] = multiples.template first<pair, i>(dot[i])), ...);
                    add_dots<V, L::kBytes>(dot, second_half, second, i...);
                    ((e[i] = multiples.template add_second<pair, i>(e[i], dot[i])), ...);
                    if constexpr (L::kWhole) ((whole[t + i] = vmlaq_s32(whole[t + i], e[i], scale.whole(i))), ...);
                    else ((part[t + i] = vfmaq_f32(part[t + i], vcvtq_f32_s32(e[i]), scale.real(i))), ...);
                });
            });
        });
        if constexpr (!L::kWhole && L::kMin != 0) {
            const FourRows<V> min(u.m[j][rows]);
            unroll<T / 4>([&](auto i) DISTILL_LAMBDA {
                const FourTokens<V> sum_x(vcvtq_f32_s32(vld1q_s32(x.sum(j, 4 * i))));
                unroll<4>([&](auto k) DISTILL_LAMBDA {
                    part[4 * i + k] = sum_x.template add_times<k>(part[4 * i + k], min.real(k % 2));
                });
            });
        }
        if constexpr (L::kWhole && L::kAtOnce < kUnitBlocks) {
            if ((j + 1) % L::kAtOnce == 0) {
                unroll<T>([&](auto t) DISTILL_LAMBDA {
                    part[t] = vaddq_f32(part[t], vcvtq_f32_s32(whole[t]));
                    whole[t] = vdupq_n_s32(0);
                });
            }
        }
    }
    if constexpr (L::kWhole) {
        const FourRows<V> d(u.d[0][rows]);
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            part[t] = vmulq_f32(L::kAtOnce < kUnitBlocks ? part[t] : vcvtq_f32_s32(whole[t]), d.real(t % 2));
        });
        if constexpr (L::kMin != 0) {
            const FourRows<V> dmin(u.m[0][rows]);
            int32x4_t minima[T];
            sums_of_minima<V, T>(minima, u, x, rows);
            unroll<T>([&](auto t) DISTILL_LAMBDA { part[t] = vfmsq_f32(part[t], vcvtq_f32_s32(minima[t]), dmin.real(t % 2)); });
        }
    }
    add_parts<V, T>(sums + 4 * T * rows, part, x);
}

// 16 columns have one scale.
template <class V, class L, size_t T>
DISTILL_INLINE void halves_of_tokens(float* sums, const Unpacked<V>& u, const Unit<V, T>& x, size_t rows) {
    int32x4_t whole[T], minima[T];
    float32x4_t part[T];
    const Zeros<V> zeros;
    zeros.fill(whole);
    if constexpr (L::kAtOnce == 4) zeros.fill(part);
    if constexpr (L::kMin != 0) zeros.fill(minima);
    size_t place = 0;
    for (size_t half = 0; half < 2; ++half) {
        unroll<2>([&](auto h) DISTILL_LAMBDA {
            for (size_t j = 4 * half; j < 4 * half + 4; ++j, ++place) {
                const int8x16x4_t w = vld1q_s8_x4(u.w[rows][4 * place]);
                const FourRows<V> scale(u.scale[rows][place]);
                unroll<T / 4>([&](auto four) DISTILL_LAMBDA {
                    const HalfMultiples<V, T, h> multiples(x, j, 4 * four);
                    unroll<2>([&](auto pair) DISTILL_LAMBDA {
                        constexpr size_t t = 4 * four + 2 * pair;
                        const auto columns = [&](auto n) DISTILL_LAMBDA {
                            return vld1q_s8(V::kTwoByTwo ? x.q(j, t, 2 * h + n) : x.q(j, t + n, 2 * h));
                        };
                        for_both<V>([&](auto... i) DISTILL_LAMBDA {
                            int32x4_t dot[2];
                            start_dots(dot, zeros, i...);
                            add_dots<V, L::kBytes>(dot, w, columns, i...);
                            ((dot[i] = multiples.template times<2 * pair + i>(dot[i])), ...);
                            ((whole[t + i] = vmlaq_s32(whole[t + i], dot[i], scale.whole(i))), ...);
                        });
                    });
                    if constexpr (L::kMin != 0) {
                        const FourRows<V> min(u.min[rows][place]);
                        unroll<4>([&](auto k) DISTILL_LAMBDA {
                            constexpr size_t t = 4 * four + k;
                            if constexpr (V::kTwoByTwo) {
                                const auto* minus_8_sums = reinterpret_cast<const int64_t*>(x.minus_8_sums(j, t - t % 2, h));
                                const int32x4_t sums_x = multiples.template times<k>(vreinterpretq_s32_s64(vld1q_dup_s64(minus_8_sums)));
                                minima[t] = vmlaq_s32(minima[t], min.whole(k % 2), sums_x);
                            } else {
                                minima[t] = vmlaq_n_s32(minima[t], min.whole(0), minus_half_sum(x, j, t, h));
                            }
                        });
                    }
                });
            }
            if constexpr (L::kAtOnce == 4) {
                unroll<T>([&](auto t) DISTILL_LAMBDA {
                    part[t] = vaddq_f32(part[t], vcvtq_f32_s32(whole[t]));
                    whole[t] = vdupq_n_s32(0);
                });
            }
        });
    }
    const FourRows<V> d(u.d[0][rows]);
    float* sum = sums + 4 * T * rows;
    unroll<T / 4>([&](auto four) DISTILL_LAMBDA {
        const FourTokens<V> units(vld1q_f32(x.unit(4 * four)));
        unroll<4>([&](auto k) DISTILL_LAMBDA {
            constexpr size_t t = 4 * four + k;
            float32x4_t v = vmulq_f32(L::kAtOnce == 4 ? part[t] : vcvtq_f32_s32(whole[t]), d.real(t % 2));
            if constexpr (L::kMin != 0) {
                // Two by two, 8 times the minima were summed up; one rounding all the same.
                const float32x4_t minimum = V::kTwoByTwo ? vcvtq_n_f32_s32(minima[t], 3) : vcvtq_f32_s32(minima[t]);
                v = vfmaq_f32(v, minimum, FourRows<V>(u.m[0][rows]).real(t % 2));
            }
            vst1q_f32(sum + 4 * t, units.template add_times<k>(vld1q_f32(sum + 4 * t), v));
        });
    });
}

template <class V, class L, size_t T>
__attribute__((noinline)) void tokens(float* sums, const Unpacked<V>& u, const char* x, size_t b, size_t n_blocks, size_t n_groups) {
    for (size_t group = 0; group < n_groups; ++group, sums += T * kPanelRows, x += n_blocks * T * kActivationBytes<V>) {
        for (size_t rows = 0; rows < 4; ++rows) {
            if constexpr (L::kScales == 1) blocks_of_tokens<V, L, T>(sums, u, Unit<V, T>(x, b, n_blocks), rows);
            else halves_of_tokens<V, L, T>(sums, u, Unit<V, T>(x, b, n_blocks), rows);
        }
    }
}

// Q4_0: 32 columns of a row and a token have one scale each. A whole number of 32 bits times a fraction is whole again, in its
// upper half, so that its product with the token's multiple is added to one sum for all columns: nothing becomes a float before.
template <class V, size_t T>
DISTILL_INLINE void fractions_of_tokens(float* sums, const Unpacked<V>& u, const Unit<V, T>& x) {
    static_assert(V::kDotProducts);  // weights are down to -128
    constexpr size_t kRows = V::kTwoByTwo ? 2 : 1, kMultiples = kRows * T / 4;  // registers of a block
    const Zeros<V> zeros;
    int32x4_t whole[T];
    const int8_t *weights = u.w[0][0], *q;
    const int32_t *fractions = u.scale[0][0], *m;
    const auto block = [&](const int32x4_t* f) DISTILL_LAMBDA {
        const int8x16x4_t first_half = next64(weights), second_half = next64(weights);
        int32x4_t multiples[kMultiples];
        if constexpr (kMultiples == 1) {
            multiples[0] = next16(m);
        } else {
            unroll<kMultiples / 2>([&](auto i) DISTILL_LAMBDA { next_pair<32>(multiples[2 * i], multiples[2 * i + 1], m); });
        }
        unroll<T / 2>([&](auto pair) DISTILL_LAMBDA {
            constexpr size_t t = 2 * pair;
            const int8x16x4_t columns = next64(q);
            const auto first = [&](auto n) DISTILL_LAMBDA { return columns.val[V::kTwoByTwo ? n : 2 * n]; };
            const auto second = [&](auto n) DISTILL_LAMBDA { return columns.val[V::kTwoByTwo ? 2 + n : 2 * n + 1]; };
            int32x4_t dot[2];
            zeros.set(dot[0], dot[1]);
            add_dots<V, false, true>(dot, first_half, first, constant<0>, constant<1>);
            settle(dot[0], dot[1]);
            add_dots<V, false, true>(dot, second_half, second, constant<0>, constant<1>);
            unroll<2>([&](auto i) DISTILL_LAMBDA {
                const int32x4_t product = vqrdmulhq_s32(dot[i], f[i % kRows]);
                if constexpr (V::kTwoByTwo) whole[t + i] = vmlaq_s32(whole[t + i], product, multiples[pair]);
                else whole[t + i] = vmlaq_laneq_s32(whole[t + i], product, multiples[t / 4], t % 4 + i);
            });
            settle(whole[t], whole[t + 1]);
        });
    };
    const int8_t *const begin = x.q(0, 0), *const end = x.q(x.here / 2 * 2, 0);
    const int32_t* const first_m = x.coarse_m(0, 0);
    for (const float* const sums_end = sums + 16 * T; sums != sums_end; sums += 4 * T) {
        zeros.fill(whole);
        q = begin;
        m = first_m;
        while (q != end) {
            int32x4_t f[2 * kRows];
            unroll<kRows>([&](auto i) DISTILL_LAMBDA { next_pair<32>(f[2 * i], f[2 * i + 1], fractions); });
            block(f);
            block(f + kRows);
        }
        if (x.here % 2 != 0) {
            int32x4_t f[kRows];
            unroll<kRows>([&](auto i) DISTILL_LAMBDA { f[i] = vld1q_s32(fractions + 4 * i); });
            block(f);
            fractions += 4 * kRows;
        }
        float32x4_t part[T];
        unroll<T>([&](auto t) DISTILL_LAMBDA { part[t] = vcvtq_f32_s32(whole[t]); });
        add_parts<V, T>(sums, part, x);
        weights += (kUnitBlocks - x.here) * sizeof(u.w[0][0]) * 8;
        fractions += (sizeof(u.scale[0]) / sizeof(u.scale[0][0]) - x.here) * 4 * kRows;
    }
}

template <class V, size_t T>
__attribute__((noinline)) void fractions(float* sums, const Unpacked<V>& u, const char* x, size_t b, size_t n_blocks, size_t n_groups) {
    leave_in_memory(u);  // next_pair reads it
    for (size_t group = 0; group < n_groups; ++group, sums += T * kPanelRows, x += n_blocks * T * kActivationBytes<V>) {
        fractions_of_tokens<V, T>(sums, u, Unit<V, T>(x, b, n_blocks));
    }
}

// --- Rows ----------------------------------------------------------------------------------------------------------

// One copy for all formats. Four rows of all tokens of a group stand together. `factors`: what each of the 16 rows is to be
// multiplied with, or null.
template <class V, size_t T>
__attribute__((noinline)) void store_sums(MatmulArgs a, size_t row, const float* sums, const float32x4_t* factors) {
    constexpr int kEach = static_cast<int>(T);
    for (int left = a.n_tokens; left > 0; left -= kEach, sums += T * kPanelRows, a.out += T * a.out_stride) {
        a.n_tokens = left < kEach ? left : kEach;
        float32x4_t acc[T][4];
        for_each<T / 2, 4>([&](auto pair, auto n) DISTILL_LAMBDA {
            const float* from = sums + 4 * (n * T + 2 * pair);
            const float32x4_t a = vld1q_f32(from), b = vld1q_f32(from + 4);
            acc[2 * pair][n] = V::kTwoByTwo ? vuzp1q_f32(a, b) : a;
            acc[2 * pair + 1][n] = V::kTwoByTwo ? vuzp2q_f32(a, b) : b;
        });
        if (factors != nullptr) {
            for_each<T, 4>([&](auto t, auto n) DISTILL_LAMBDA { acc[t][n] = vmulq_f32(acc[t][n], factors[n]); });
        }
        store_tile<V, 4, T>(a, row, acc);
    }
}

template <class V, class F, size_t T>
__attribute__((noinline)) void many_rows(const MatmulArgs& a) {
    using PanelSums = float[kGroupsAtOnce * T * kPanelRows];
    const size_t n_blocks = a.columns / kActBlock, n_panels = n_blocks / F::kBlocks;
    Unpacked<V> u;
    const auto multiply = [&](size_t row, size_t begin, size_t end, PanelSums& sums) DISTILL_LAMBDA {
        const auto* panels = static_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_panels;
        for (size_t unit = begin; unit < end; ++unit) {
            const size_t i0 = unit * Traits<F>::kUnitPanels;
            for (size_t i = 0; i < Traits<F>::kUnitPanels && i0 + i < n_panels; ++i) {
                if constexpr (kFractions<F>) unpack_fractions<V, F>(u, panels[i0 + i], i);
                else unpack<V, F>(u, panels[i0 + i], i);
            }
            const auto* x = static_cast<const char*>(a.x);
            if constexpr (kFractions<F>) fractions<V, T>(sums, u, x, unit * kUnitBlocks, n_blocks, a.n_groups);
            else tokens<V, LoopOf<V, F>, T>(sums, u, x, unit * kUnitBlocks, n_blocks, a.n_groups);
        }
    };
    const auto store = [&](size_t first, size_t last, const PanelSums* all) DISTILL_LAMBDA {
        for (size_t row = first; row < last; row += kPanelRows) {
            const float* sums = all[(row - first) / kPanelRows];
            if constexpr (kFractions<F>) {
                const RowFractions f(static_cast<const typename F::Panel*>(a.panels)[row / kPanelRows * n_panels].f);
                const float32x4_t powers[4] = {f.power(0), f.power(1), f.power(2), f.power(3)};
                store_sums<V, T>(a, row, sums, powers);
            } else {
                store_sums<V, T>(a, row, sums, nullptr);
            }
        }
    };
    for_units_and_panels<PanelSums>(a, a.n_groups * T, a.n_groups * T * kUnitBlocks * kActivationBytes<V>, multiply, store);
}

}  // namespace
}  // namespace distill
