// Products for one or two tokens (neon_matmul.h says of what): weights are unpacked in registers and met at once.
#pragma once

#include <arm_neon.h>

#include "quant/kernels/matmul.h"
#include "quant/kernels/neon_activations.h"
#include "quant/kernels/neon_weights.h"
#include "quant/kernels/vector_neon.h"

namespace distill {
namespace {

// --- Formats of 32 columns -----------------------------------------------------------------------------------------

template <class V, class F, size_t T>
struct Few {
    using Panel = typename F::Panel;
    using Prepared = typename F::Prepared;
    using Dot = typename V::template Dot<F::kBits>;
    static constexpr size_t N = 4 / T;  // registers of rows
    // Nibbles alone, and registers for all of a block: the second half's sums go on from the first one's.
    static constexpr bool kNibbles = V::kDotProducts && F::kBlocks == 1 && F::kBits == 4;

    template <size_t h>
    DISTILL_INLINE static int8x16_t nibbles(uint8x16_t bytes) {
        return vreinterpretq_s8_u8(h == 0 ? V::low(bytes) : V::high(bytes));
    }
    // `weights`, `q` and `m` move on to the next block.
    DISTILL_INLINE static void block_of_nibbles(int32x4_t (&e)[T][N], const uint8_t*& weights, const int8_t*& q, const int32_t*& m,
                                                const Zeros<V>& zeros) {
        static_assert(F::kOffset == 0);
        int8x16_t columns[T][2];
        int32x4_t numbers[T];
        Dot dot[T][N];
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            const int8x16x2_t both = next32(q);
            unroll<2>([&](auto h) DISTILL_LAMBDA { columns[t][h] = both.val[h]; });
            numbers[t] = next16(m);
            zeros.start(dot[t]);
        });
        uint8x16_t bytes[4][N];
        unroll<4>([&](auto g) DISTILL_LAMBDA {
            const RowBytes<N> here(weights);
            unroll<N>([&](auto n) DISTILL_LAMBDA {
                bytes[g][n] = here.v[n];
                const int8x16_t w = nibbles<0>(bytes[g][n]);
                unroll<T>([&](auto t) DISTILL_LAMBDA { dot[t][n].template add<g>(w, columns[t][0]); });
            });
        });
        unroll<N / 2>([&](auto pair) DISTILL_LAMBDA {
            for_each<T, 2>([&](auto t, auto i) DISTILL_LAMBDA {
                constexpr size_t n = 2 * pair + i;
                int32x4_t so_far = dot[t][n].sum();
                e[t][n] = vmulq_laneq_s32(so_far, numbers[t], 0);
                settle(e[t][n], so_far);
                dot[t][n].start(so_far);
            });
            for_each<4, 2>([&](auto g, auto i) DISTILL_LAMBDA {
                constexpr size_t n = 2 * pair + i;
                const int8x16_t w = nibbles<1>(bytes[g][n]);
                unroll<T>([&](auto t) DISTILL_LAMBDA { dot[t][n].template add<g>(w, columns[t][1]); });
            });
            for_each<T, 2>([&](auto t, auto i) DISTILL_LAMBDA {
                constexpr size_t n = 2 * pair + i;
                e[t][n] = vmlaq_laneq_s32(e[t][n], dot[t][n].sum(), numbers[t], 1);
                settle(e[t][n]);
            });
        });
    }

    // Both halves of block j of the panel side by side: a byte holds a column of either.
    template <size_t j>
    DISTILL_INLINE static void whole_block(int32x4_t (&e)[T][N], const Panel& p, size_t lane0, const Unit<V, T>& x, size_t at,
                                           const Zeros<V>& zeros) {
        Dot dot[2][T][N];
        int8x16_t columns[2][T];
        int32x2_t m[T];
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            unroll<2>([&](auto h) DISTILL_LAMBDA { columns[h][t] = vld1q_s8(x.q(at, t) + 16 * h); });
            int32x4_t numbers = vld1q_s32(x.m(at, t));  // both m, both sums
            settle(numbers);  // not to be loaded one by one
            m[t] = vget_low_s32(numbers);
            if constexpr (F::kOffset != 0 && !kSigned<F>) {
                const int32x4_t start = starts<F::kOffset>(numbers);
                for_each<2, N>([&](auto h, auto n) DISTILL_LAMBDA { dot[h][t][n].start(vdupq_laneq_s32(start, 2 + h)); });
            } else {
                unroll<2>([&](auto h) DISTILL_LAMBDA { zeros.start(dot[h][t]); });
            }
        });
        const uint8_t* next = nullptr;
        if constexpr (F::kBits == 4) next = p.q[0] + 4 * lane0;
        unroll<4>([&](auto g) DISTILL_LAMBDA {
            if constexpr (F::kBits == 4) {
                const RowBytes<N> bytes(next);
                for_each<N, 2>([&](auto n, auto h) DISTILL_LAMBDA {
                    const int8x16_t w = vreinterpretq_s8_u8(h == 0 ? V::low(bytes.v[n]) : V::high(bytes.v[n]));
                    unroll<T>([&](auto t) DISTILL_LAMBDA { dot[h][t][n].template add<g>(w, columns[h][t]); });
                });
                return;
            }
            for_each<N, 2>([&](auto n, auto h) DISTILL_LAMBDA {
                const size_t byte0 = 4 * (lane0 + 4 * n);
                const int8x16_t w = stored_weights<V, F, j, 4 * h + g>(p, byte0);
                unroll<T>([&](auto t) DISTILL_LAMBDA { dot[h][t][n].template add<g>(w, columns[h][t]); });
            });
        });
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            const int32x2_t first = vpadd_s32(m[t], m[t]);
            unroll<N>([&](auto n) DISTILL_LAMBDA {
                e[t][n] = vmulq_lane_s32(dot[0][t][n].sum(), first, 0);
                e[t][n] = vmlaq_lane_s32(e[t][n], dot[1][t][n].sum(), m[t], 1);
            });
        });
    }

    // 32-column formats: `panel` is the first of x.here.
    DISTILL_INLINE static void unit(Sums<T>& sums, const Panel* panel, const Unit<V, T>& x) {
        const Zeros<V> zeros;
        unroll<4 / N>([&](auto step) DISTILL_LAMBDA {
            float32x4_t part[T][N];
            for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA { part[t][n] = vdupq_n_f32(0.0f); });
            constexpr size_t kLane0 = 4 * N * step;
            const uint8_t* weights = panel->q[0] + 4 * kLane0;
            const int8_t* q = x.q(0, 0);
            const int32_t* m = x.m(0, 0);
            const auto block = [&](size_t j) DISTILL_LAMBDA {
                int32x4_t e[T][N];
                if constexpr (kNibbles) block_of_nibbles(e, weights, q, m, zeros);
                else whole_block<0>(e, panel[j], kLane0, x, j, zeros);
                constexpr int kBack = sizeof(Panel) + 4 * kLane0;
                const RowFloats d = kNibbles ? RowFloats::before<kBack>(weights) : RowFloats(panel[j].d);
                for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
                    part[t][n] = vfmaq_f32(part[t][n], vcvtq_f32_s32(e[t][n]), d.v[N * step + n]);
                });
                if constexpr (F::kMin != 0) {
                    const RowFloats min = kNibbles ? RowFloats::before<kBack - 32>(weights) : RowFloats(panel[j].m);
                    for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
                        part[t][n] = vfmaq_n_f32(part[t][n], min.v[N * step + n], static_cast<float>(*x.sum(j, t)));
                    });
                }
                if constexpr (kNibbles) weights += sizeof(Panel) - sizeof(panel->q);
            };
            const int8_t* const end = x.q(x.here, 0);
            for (size_t j = 0; kNibbles ? q != end : j < x.here; ++j) block(j);
            for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
                float32x4_t& sum = sums[t][N * step + n];
                sum = vfmaq_n_f32(sum, part[t][n], *x.unit(t));
            });
        });
    }
};

// Q4_0: `panel` is the first of x.here.
template <class V, class F, size_t T>
DISTILL_INLINE void few_fractions(Sums<T>& sums, const typename F::Panel* panel, const Unit<V, T>& x) {
    static_assert(V::kDotProducts);  // weights are down to -128
    constexpr size_t N = 4 / T;      // registers of rows
    const Zeros<V> zeros;
    unroll<4 / N>([&](auto step) DISTILL_LAMBDA {
        int32x4_t whole[T][N];
        unroll<T>([&](auto t) DISTILL_LAMBDA { zeros.fill(whole[t]); });
        constexpr int kFirstByte = 16 * N * step, kBack = sizeof(*panel) + kFirstByte;
        const uint8_t* weights = panel->q[0] + kFirstByte;
        const int8_t* q = x.q(0, 0);
        const int32_t* m = x.m(0, 0);
        const int8_t* const end = x.q(x.here, 0);
        while (q != end) {
            typename V::template Dot<8> dot[T][N];
            int8x16_t columns[T][2];
            int32x4_t numbers[T];
            unroll<T>([&](auto t) DISTILL_LAMBDA {
                const int8x16x2_t both = next32(q);
                unroll<2>([&](auto h) DISTILL_LAMBDA { columns[t][h] = both.val[h]; });
                numbers[t] = next16(m);
                zeros.start(dot[t]);
            });
            unroll<4>([&](auto g) DISTILL_LAMBDA {
                const RowBytes<N> bytes(weights);
                for_each<2, N>([&](auto h, auto n) DISTILL_LAMBDA {
                    const int8x16_t w = F::template nibbles<h>(bytes.v[n]);
                    unroll<T>([&](auto t) DISTILL_LAMBDA { dot[t][n].template add<g>(w, columns[t][h]); });
                });
            });
            const RowFractions f = RowFractions::before<kBack>(weights);
            for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
                const int32x4_t product = vqrdmulhq_s32(dot[t][n].sum(), f.v[N * step + n]);
                whole[t][n] = vmlaq_laneq_s32(whole[t][n], product, numbers[t], 1);
            });
            weights += sizeof(*panel) - sizeof(panel->q);
        }
        for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
            float32x4_t& sum = sums[t][N * step + n];
            sum = vfmaq_n_f32(sum, vcvtq_f32_s32(whole[t][n]), *x.unit(t));
        });
    });
}

// Whole parts of a unit end in floats.
template <size_t T, size_t N, bool kFirst>
DISTILL_INLINE void end_part(float32x4_t (&f)[T][N], int32x4_t (&sum)[T][N]) {
    for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
        const float32x4_t v = vcvtq_f32_s32(sum[t][n]);
        f[t][n] = kFirst ? v : vaddq_f32(f[t][n], v);
    });
}

// --- Q4_K and Q5_K -------------------------------------------------------------------------------------------------

// The fifth bits of 16 columns of a pair of blocks, which stand before their nibbles, if there are any.
template <class V, class F, size_t N>
struct FifthBits {
    DISTILL_INLINE explicit FifthBits(const uint8_t*&) {}
    // Columns 4k..4k + 3 of the pair's first block (kOdd = 0) or second one.
    template <size_t k, size_t kOdd>
    DISTILL_INLINE int8x16_t weights(uint8x16_t bytes, size_t) const {
        return vreinterpretq_s8_u8(kOdd == 0 ? V::low(bytes) : V::high(bytes));
    }
};
template <class V, size_t N>
struct FifthBits<V, KernelQ5_K<V>, N> {
    RowBytes<N> bits;
    DISTILL_INLINE explicit FifthBits(const uint8_t*& next) : bits(next) {}
    template <size_t k, size_t kOdd>
    DISTILL_INLINE int8x16_t weights(uint8x16_t bytes, size_t n) const {
        constexpr int kShift = static_cast<int>(2 * k + kOdd) - 4;
        return vreinterpretq_s8_u8(V::merge(kOdd == 0 ? V::low(bytes) : V::high(bytes), V::template shift_right<kShift>(bits.v[n]), 0x10));
    }
};

// Of eight blocks' bytes of 16 rows, each row's of four blocks together: [four blocks][four rows].
DISTILL_INLINE void bytes_by_row(int8x16_t (&by_row)[2][4], const uint8x16_t (&bytes)[2][4]) {
    unroll<2>([&](auto i) DISTILL_LAMBDA {
        const uint16x8_t a = vreinterpretq_u16_u8(vzip1q_u8(bytes[i][0], bytes[i][1])), b = vreinterpretq_u16_u8(vzip2q_u8(bytes[i][0], bytes[i][1]));
        const uint16x8_t c = vreinterpretq_u16_u8(vzip1q_u8(bytes[i][2], bytes[i][3])), d = vreinterpretq_u16_u8(vzip2q_u8(bytes[i][2], bytes[i][3]));
        by_row[i][0] = vreinterpretq_s8_u16(vzip1q_u16(a, c));
        by_row[i][1] = vreinterpretq_s8_u16(vzip2q_u16(a, c));
        by_row[i][2] = vreinterpretq_s8_u16(vzip1q_u16(b, d));
        by_row[i][3] = vreinterpretq_s8_u16(vzip2q_u16(b, d));
    });
}

// 6-bit scales of a Q4_K or Q5_K panel, and of its minima the sums with a token's sums, by dot products: each row's minima of
// four blocks have to stand together for that.
template <class V, size_t T>
DISTILL_INLINE void scales_and_minima(uint8_t (&scale)[8][kPanelRows], int32x4_t (&minima)[T][4], const uint8_t (&s)[3][64], const Unit<V, T>& x) {
    const uint8_t* next = s[0];
    const RowBytes<4> scales(next), mins(next), upper(next);
    const uint8x16_t pair = vdupq_n_u8(0x30);
    uint8x16_t min[2][4];
    unroll<4>([&](auto i) DISTILL_LAMBDA {
        const uint8x16_t up = upper.v[i];
        vst1q_u8(scale[i], vbslq_u8(pair, vshlq_n_u8(up, 4), V::low(scales.v[i])));
        vst1q_u8(scale[4 + i], vbslq_u8(pair, vshlq_n_u8(up, 2), V::high(scales.v[i])));
        min[0][i] = vbslq_u8(pair, up, V::low(mins.v[i]));
        min[1][i] = vbslq_u8(pair, vshrq_n_u8(up, 2), V::high(mins.v[i]));
    });
    int8x16_t by_row[2][4];
    bytes_by_row(by_row, min);
    unroll<T>([&](auto t) DISTILL_LAMBDA {
        int8x16_t digits[3];
        unroll<3>([&](auto i) DISTILL_LAMBDA { digits[i] = vcombine_s8(vld1_s8(x.digits(t, i)), vdup_n_s8(0)); });
        unroll<4>([&](auto n) DISTILL_LAMBDA {
            int32x4_t sum = vdupq_n_s32(0);
            unroll<3>([&](auto i) DISTILL_LAMBDA {
                if constexpr (i > 0) sum = vshlq_n_s32(sum, 7);
                typename V::template Dot<6> dot;
                dot.start(sum);
                dot.template add<0>(by_row[0][n], digits[i]);
                dot.template add<1>(by_row[1][n], digits[i]);
                sum = dot.sum_of_two();
            });
            minima[t][n] = sum;
        });
    });
}

// One or two tokens. Both blocks of a pair at once, so that every byte of weights is loaded once.
template <class V, class F, size_t T>
DISTILL_INLINE void few_scaled(Sums<T>& sums, const typename F::Panel& p, const Unit<V, T>& x) {
    using Dot = typename V::template Dot<6>;
    constexpr size_t N = 4 / T, kPairs = Traits<F>::sums_at_once() / 2;
    alignas(16) uint8_t scales[8][kPanelRows];
    int32x4_t minima[T][4];
    const uint8_t* spreading = kSpreading.index;
    __asm__("" : "+r"(spreading));
    const Zeros<V> zeros;
    scales_and_minima<V, T>(scales, minima, p.s, x);
    unroll<4 / N>([&](auto step) DISTILL_LAMBDA {
        leave_in_memory(minima);
        leave_in_memory(sums);
        constexpr size_t lane0 = 4 * N * step;
        const uint8_t* next = reinterpret_cast<const uint8_t*>(p.pair) + 4 * lane0;
        const int8_t* q = x.q(0, 0);
        const int32_t* m = x.m(0, 0);
        float32x4_t f[T][N];
        unroll<4 / kPairs>([&](auto part) DISTILL_LAMBDA {
            int32x4_t sum[T][N];
            for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA { sum[t][n] = vdupq_n_s32(0); });
            const auto pair = [&](size_t i) DISTILL_LAMBDA {
                Dot dot[2][T][N];
                int32x4_t e[2][T][N];
                int32x4_t numbers[2][T];  // both m, both sums
                int8x16x4_t all_columns;
                if constexpr (T == 1) all_columns = next64(q);
                unroll<T>([&](auto k) DISTILL_LAMBDA {
                    const int32x4x2_t two = next32(m);
                    unroll<2>([&](auto l) DISTILL_LAMBDA { numbers[(2 * k + l) / T][(2 * k + l) % T] = two.val[l]; });
                });
                for_each<2, T>([&](auto odd, auto t) DISTILL_LAMBDA { zeros.start(dot[odd][t]); });
                unroll<2>([&](auto h) DISTILL_LAMBDA {
                    int8x16_t columns[2][T];
                    for_each<2, T>([&](auto odd, auto t) DISTILL_LAMBDA {
                        columns[odd][t] = T == 1 ? all_columns.val[2 * odd + h] : vld1q_s8(x.q(2 * i + odd, t) + 16 * h);
                    });
                    const FifthBits<V, F, N> fifth(next);
                    unroll<4>([&](auto k) DISTILL_LAMBDA {
                        const RowBytes<N> bytes(next);
                        for_each<N, 2>([&](auto n, auto odd) DISTILL_LAMBDA {
                            const int8x16_t w = fifth.template weights<k, odd>(bytes.v[n], n);
                            unroll<T>([&](auto t) DISTILL_LAMBDA { dot[odd][t][n].template add<k>(w, columns[odd][t]); });
                        });
                    });
                    for_each<2, T>([&](auto odd, auto t) DISTILL_LAMBDA {
                        unroll<N>([&](auto n) DISTILL_LAMBDA {
                            const int32x4_t so_far = dot[odd][t][n].sum();
                            if constexpr (h == 0) {
                                e[odd][t][n] = times_lane_now<0>(so_far, numbers[odd][t]);
                                dot[odd][t][n].start(so_far);
                            } else {
                                e[odd][t][n] = vmlaq_laneq_s32(e[odd][t][n], so_far, numbers[odd][t], 1);
                                settle(e[odd][t][n]);
                            }
                        });
                    });
                });
                leave_in_memory(*spreading);
                const uint8x16x4_t spread = vld1q_u8_x4(spreading);
                unroll<2>([&](auto odd) DISTILL_LAMBDA {
                    const uint8_t* from = scales[2 * i + odd] + lane0;
                    const RowScales<N> scale = N == 4 ? RowScales<N>(from, spread) : RowScales<N>(from);
                    for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA { sum[t][n] = vmlaq_s32(sum[t][n], e[odd][t][n], scale.v[n]); });
                });
            };
            for (size_t i = part * kPairs; i < (part + 1) * kPairs; i += 2) {
                pair(i);
                pair(i + 1);
            }
            end_part<T, N, part == 0>(f, sum);
        });
        const RowFloats d(p.d), dmin(p.dmin);
        float unit[T];
        unroll<T>([&](auto t) DISTILL_LAMBDA { unit[t] = *x.unit(t); });
        for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
            constexpr size_t at = N * step + n;
            const float32x4_t v = vfmsq_f32(vmulq_f32(f[t][n], d.v[at]), vcvtq_f32_s32(minima[t][at]), dmin.v[at]);
            sums[t][at] = vfmaq_n_f32(sums[t][at], v, unit[t]);
        });
    });
}

// --- Formats with a scale for each half ----------------------------------------------------------------------------
// Q3_K and Q2_K: four blocks of 32 columns share bytes; the same half of each is at work at a time.

// -sum of m * q of half h, of block j.
template <class V, size_t T>
DISTILL_INLINE int32_t minus_half_sum(const Unit<V, T>& x, size_t j, size_t t, size_t h) {
    const int32_t* m = x.m(j, t);
    return (h == 0 ? m[0] + m[1] : m[1]) * (x.minus_8_sums(j, t)[h] / 8);
}

template <class V, class F, size_t T>
DISTILL_INLINE void few_halves(Sums<T>& sums, const typename F::Panel& p, const Unit<V, T>& x) {
    using Dot = typename V::template Dot<F::kBits>;
    constexpr size_t N = 2 / T;
    static_assert(Traits<F>::sums_at_once() == 16);
    const auto prepared = F::prepare(p);
    for (size_t lane0 = 0; lane0 < kPanelRows; lane0 += 4 * N) {
        int32x4_t sum[T][N], minima[T][N];
        for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA { minima[t][n] = sum[t][n] = vdupq_n_s32(0); });
        for_each<2, 2>([&](auto half, auto h) DISTILL_LAMBDA {
            Dot dot[4][T][N];
            int8x16_t columns[4][T];
            for_each<4, T>([&](auto k, auto t) DISTILL_LAMBDA {
                columns[k][t] = vld1q_s8(x.q(4 * half + k, t) + 16 * h);
                if constexpr (F::kOffset == 0) {
                    unroll<N>([&](auto n) DISTILL_LAMBDA { dot[k][t][n].start(vdupq_n_s32(0)); });
                } else {
                    const int32x4_t start = starts<F::kOffset>(vld1q_s32(x.m(4 * half + k, t)));
                    unroll<N>([&](auto n) DISTILL_LAMBDA { dot[k][t][n].start(vdupq_laneq_s32(start, 2 + h)); });
                }
            });
            for_each<4, N>([&](auto g, auto n) DISTILL_LAMBDA {
                unroll<4>([&](auto k) DISTILL_LAMBDA {
                    const int8x16_t w = stored_weights<V, F, 4 * half + k, 4 * h + g>(p, 4 * (lane0 + 4 * n));
                    unroll<T>([&](auto t) DISTILL_LAMBDA { dot[k][t][n].template add<g>(w, columns[k][t]); });
                });
            });
            unroll<4>([&](auto k) DISTILL_LAMBDA {
                constexpr size_t j = 4 * half + k;
                const RowScales<N> scale(F::sub_scales(p, prepared, j, h) + lane0);
                unroll<T>([&](auto t) DISTILL_LAMBDA {
                    int32x2_t m = vld1_s32(x.m(j, t));
                    if constexpr (h == 0) m = vpadd_s32(m, m);
                    unroll<N>([&](auto n) DISTILL_LAMBDA {
                        sum[t][n] = vmlaq_s32(sum[t][n], vmulq_lane_s32(dot[k][t][n].sum(), m, h), scale.v[n]);
                    });
                });
                if constexpr (F::kMin != 0) {
                    const RowScales<N> min(prepared.min[2 * j + h] + lane0);
                    for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
                        minima[t][n] = vmlaq_n_s32(minima[t][n], min.v[n], minus_half_sum(x, j, t, h));
                    });
                }
            });
        });
        for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
            float32x4_t v = vmulq_f32(vcvtq_f32_s32(sum[t][n]), V::f16(p.d + lane0 + 4 * n));
            if constexpr (F::kMin != 0) v = vfmaq_f32(v, vcvtq_f32_s32(minima[t][n]), V::f16(p.dmin + lane0 + 4 * n));
            float32x4_t& sum = sums[t][lane0 / 4 + n];
            sum = vfmaq_n_f32(sum, v, *x.unit(t));
        });
    }
}

// Q6_K: 16 columns of all 16 rows at a time. What they are multiplied with, scale * m, is made first: as 16-bit numbers the
// scales need no second widening.
template <class V, size_t T>
DISTILL_INLINE void few_q6(Sums<T>& sums, const PanelSignedQ6_K& p, const Unit<V, T>& x) {
    using F = KernelSignedQ6_K<V>;
    using Dot = typename V::template Dot<6>;
    // Four times as large numbers can be masked, which more pipes do than shift. 16-bit sums have no room for them.
    constexpr int kShift = V::kDotProducts ? 2 : 0;
    const Zeros<V> zeros;
    float32x4_t f[T][4];
    unroll<T>([&](auto t) DISTILL_LAMBDA { zeros.fill(f[t]); });
    const uint8_t* next = p.q[0][0][0][0];
    for (size_t half = 0; half < 2; ++half) {
        unroll<2>([&](auto h) DISTILL_LAMBDA {
            int32x4_t sum[T][4];
            unroll<T>([&](auto t) DISTILL_LAMBDA { zeros.fill(sum[t]); });
            for (size_t j = 4 * half; j < 4 * half + 4; ++j) {
                Dot dot[T][4];
                int8x16_t columns[T];
                int16x4_t m[T];
                unroll<T>([&](auto t) DISTILL_LAMBDA {
                    columns[t] = vld1q_s8(x.q(j, t) + 16 * h);
                    int32x2_t both = vld1_s32(x.m(j, t));
                    settle(both);  // not to be loaded one by one
                    m[t] = vreinterpret_s16_s32(h == 0 ? vpadd_s32(both, both) : both);
                    zeros.start(dot[t]);
                });
                // The last one not by one load: inserting shifts change their registers, and those of such a load would be
                // copied first.
                const RowBytes<4> a(next), b(next);
                uint8x16_t c[4];
                next_pair<32>(c[0], c[1], next);
                next_pair<32>(c[2], c[3], next);
                unroll<4>([&](auto n) DISTILL_LAMBDA {
                    int8x16_t third = F::template upper<kShift>(c[n]);
                    settle(third);  // before an insertion changes `c`
                    const int8x16_t w[4] = {F::template upper<kShift>(a.v[n]), F::template upper<kShift>(b.v[n]), third,
                                            F::template last<kShift>(a.v[n], b.v[n], c[n])};
                    for_each<T, 4>([&](auto t, auto g) DISTILL_LAMBDA { dot[t][n].template add<g>(w[g], columns[t]); });
                });
                const int8x16_t scale = vld1q_s8(p.s[2 * j + h]);
                const int16x8_t wide[2] = {vmovl_s8(vget_low_s8(scale)), vmovl_high_s8(scale)};
                for_each<T, 4>([&](auto t, auto n) DISTILL_LAMBDA {
                    int32x4_t factor;
                    if constexpr (n % 2 == 0) factor = vmull_lane_s16(vget_low_s16(wide[n / 2]), m[t], 2 * h);
                    else factor = vmull_high_lane_s16(wide[n / 2], m[t], 2 * h);
                    const int32x4_t e = dot[t][n].sum();
                    sum[t][n] = vmlaq_s32(sum[t][n], kShift == 0 ? e : vshrq_n_s32(e, 2), factor);
                });
            }
            end_part<T, 4, false>(f, sum);
        });
    }
    const RowFloats d(p.d);
    for_each<T, 4>([&](auto t, auto n) DISTILL_LAMBDA {
        sums[t][n] = vfmaq_n_f32(sums[t][n], vmulq_f32(f[t][n], d.v[n]), *x.unit(t));
    });
}

// IQ4_XS: a block has its bytes for itself, two blocks fill a 32-bit sum.
template <class V, class F, size_t T>
DISTILL_INLINE void few_blocks(Sums<T>& sums, const typename F::Panel& p, const Unit<V, T>& x) {
    constexpr size_t N = Few<V, F, T>::N;
    static_assert(Traits<F>::sums_at_once() == 2 && F::kMin == 0);
    const Zeros<V> zeros;
    const auto prepared = F::prepare(p);
    for (size_t lane0 = 0; lane0 < kPanelRows; lane0 += 4 * N) {
        float32x4_t f[T][N];
        unroll<4>([&](auto pair) DISTILL_LAMBDA {
            int32x4_t sum[T][N];
            unroll<2>([&](auto odd) DISTILL_LAMBDA {
                constexpr size_t j = 2 * pair + odd;
                int32x4_t e[T][N];
                Few<V, F, T>::template whole_block<j>(e, p, lane0, x, j, zeros);
                const RowScales<N> scale(F::sub_scales(p, prepared, j, 0) + lane0);
                for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
                    sum[t][n] = odd == 0 ? vmulq_s32(e[t][n], scale.v[n]) : vmlaq_s32(sum[t][n], e[t][n], scale.v[n]);
                });
            });
            end_part<T, N, pair == 0>(f, sum);
        });
        for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
            float32x4_t& sum = sums[t][lane0 / 4 + n];
            sum = vfmaq_n_f32(sum, vmulq_f32(f[t][n], V::f16(p.d + lane0 + 4 * n)), *x.unit(t));
        });
    }
}

// --- Rows ----------------------------------------------------------------------------------------------------------

template <class V, class F, size_t T>
__attribute__((noinline)) void few_rows(const MatmulArgs& a) {
    const size_t n_blocks = a.columns / kActBlock, n_panels = n_blocks / F::kBlocks;
    const auto* panel = static_cast<const typename F::Panel*>(a.panels) + a.row_begin / kPanelRows * n_panels;
    for (size_t row = a.row_begin; row < a.row_end; row += kPanelRows) {
        [[maybe_unused]] const auto* first_panel = panel;
        Sums<T> sums;
        for_each<T, 4>([&](auto t, auto n) DISTILL_LAMBDA { sums[t][n] = vdupq_n_f32(0.0f); });
        for (size_t b = 0; b < n_blocks; b += kUnitBlocks) {
            const Unit<V, T> x(a.x, b, Traits<F>::kWhole ? b + kUnitBlocks : n_blocks);
            if constexpr (kFractions<F>) few_fractions<V, F, T>(sums, panel, x);
            else if constexpr (!Traits<F>::kWhole) Few<V, F, T>::unit(sums, panel, x);
            else if constexpr (F::kBits == 6) few_q6<V, T>(sums, *panel, x);
            else if constexpr (F::kScales == 2) few_halves<V, F, T>(sums, *panel, x);
            else if constexpr (F::kMin != 0) few_scaled<V, F, T>(sums, *panel, x);
            else few_blocks<V, F, T>(sums, *panel, x);
            panel += Traits<F>::kWhole ? 1 : x.here;
        }
        if constexpr (kFractions<F>) {
            const RowFractions f(first_panel->f);
            for_each<T, 4>([&](auto t, auto n) DISTILL_LAMBDA { sums[t][n] = vmulq_f32(sums[t][n], f.power(n)); });
        }
        store_tile<V, 4, T>(a, row, sums);
    }
}

}  // namespace
}  // namespace distill
