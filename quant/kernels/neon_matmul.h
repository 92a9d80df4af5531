// Products of quantised matrices for the three NEON tables. V (one for each file) says how 4 x 4 weights are multiplied with
// four columns of a token; everything else is here.
//
// For 32 columns of a token and 4 rows (u: weights, q: activations, h: half of 16 columns):
//     e_h = sum of u * q,    e = m_0 * e_0 + m_1 * e_1                                  neon_activations.h has the m
//     k-quants:        acc += unit * (d * sum over blocks of s * e - dmin * sum over blocks of min * sum(m * q))
//     32-column ones:  acc += unit * (sum over blocks of d * e [+ min * sum(m * q)])
// where d, dmin, unit are floats and the rest is whole numbers. Sums of 256 columns are in one of these brackets, blocks in
// order, for any number of tokens and any range of rows: so the bits are the same.
//
// One or two tokens (`Few`): weights are unpacked in registers and met at once. Four and more: the weights of 256
// columns and 16 rows are unpacked to signed bytes in the first-level cache, and all tokens of the call pass over them. A register
// of results is four rows of a token or, where V has smmla (V::kTwoByTwo), two rows of two tokens.
#pragma once

#include <arm_neon.h>

#include "quant/kernels/matmul.h"
#include "quant/kernels/neon_activations.h"
#include "quant/kernels/neon_tables.h"
#include "quant/kernels/vector_neon.h"

namespace distill {
namespace {

// --- What a format asks for ----------------------------------------------------------------------------------------

// Q4_0 with nibbles as signed numbers. A nibble that is moved to the top of its byte stands for 16 times itself; it takes an
// instruction to put either there, and no offset is left.
template <class V>
struct KernelSignedQ4_0 : Simple<V, PanelSignedQ4_0, 8, 0, 0> {
    template <size_t, size_t g>
    DISTILL_INLINE static typename V::U8 weights(const PanelSignedQ4_0& p, size_t byte0) {
        return nibbles<g / 4>(V::load(p.q[g % 4] + byte0));
    }
    template <size_t h>
    DISTILL_INLINE static typename V::U8 nibbles(typename V::U8 bytes) {
        if constexpr (h == 0) return V::template shift_right<-4>(bytes);
        else return V::masked(bytes, 0xf0);
    }
};
// Q6_K as signed numbers.
template <class V>
struct KernelSignedQ6_K {
    using Panel = PanelSignedQ6_K;
    using Half = uint8_t[3][64];  // 16 columns
    struct Span {
        const Half* half[2];
    };
    using Prepared = Nothing;
    static constexpr int kBlocks = 8, kSpan = 1, kBits = 6, kOffset = 32, kScales = 2, kMin = 0;

    DISTILL_INLINE static Prepared prepare(const Panel&) { return {}; }
    DISTILL_INLINE static Span span(const Panel& p, size_t j) { return {{&p.q[j / 4][0][j % 4], &p.q[j / 4][1][j % 4]}}; }
    template <size_t, size_t g>
    DISTILL_INLINE static typename V::U8 weights(const Span& s, size_t byte0) {
        const Half& half = *s.half[g / 4];
        const auto bytes = [&](size_t i) DISTILL_LAMBDA { return V::load(half[i] + byte0); };
        if constexpr (g % 4 == 3) return vreinterpretq_u8_s8(last(bytes(0), bytes(1), bytes(2)));
        else return vreinterpretq_u8_s8(upper(bytes(g % 4)));
    }
    // What is in the upper six bits, and in the lower two of three bytes; or four times as much.
    template <int kPlaces = 0>
    DISTILL_INLINE static int8x16_t upper(uint8x16_t bytes) {
        if constexpr (kPlaces == 2) return vreinterpretq_s8_u8(V::masked(bytes, 0xfc));
        else return vshrq_n_s8(vreinterpretq_s8_u8(bytes), 2);
    }
    template <int kPlaces = 0>
    DISTILL_INLINE static int8x16_t last(uint8x16_t a, uint8x16_t b, uint8x16_t c) {
        const int8x16_t four_times = vreinterpretq_s8_u8(vshlq_n_u8(vsliq_n_u8(vsliq_n_u8(c, b, 2), a, 4), 2));
        return kPlaces == 2 ? four_times : vshrq_n_s8(four_times, 2);
    }
    DISTILL_INLINE static const int8_t* sub_scales(const Panel& p, const Prepared&, size_t j, size_t h) { return p.s[2 * j + h]; }
};
// Whether weights() gives signed numbers, of a format with an offset.
template <class F>
constexpr bool kSigned = false;
template <class V>
constexpr bool kSigned<KernelSignedQ6_K<V>> = true;
// Binary places of the numbers that weights() gives.
template <class F>
constexpr int kPlaces = 0;
template <class V>
constexpr int kPlaces<KernelSignedQ4_0<V>> = 4;
template <int kBinaryPlaces>
DISTILL_INLINE float32x4_t to_float(int32x4_t v) {
    if constexpr (kBinaryPlaces == 0) return vcvtq_f32_s32(v);
    else return vcvtq_n_f32_s32(v, kBinaryPlaces);
}

template <class F>
struct Traits {
    static constexpr bool kWhole = F::kBlocks > 1;  // k-quants: scales are whole numbers
    static constexpr size_t kUnitPanels = kUnitBlocks / F::kBlocks;
    static constexpr int64_t kLargestWeight = F::kOffset == 0 ? (1 << F::kBits) - 1 : F::kOffset;
    static constexpr int64_t kLargestScale = F::kScales == 1 && F::kOffset == 0 ? 63 : F::kBits == 6 ? 128 : 32;
    // Sums that one 32-bit number holds, of a block or of half of one where halves have scales.
    static constexpr size_t sums_at_once() {
        size_t n = kUnitBlocks * F::kScales;
        while (static_cast<int64_t>(n * kActBlock / F::kScales) * kLargestWeight * kLargestScale * kLargestActivation > 0x7fffffff) n /= 2;
        return n;
    }
};

// Columns 4g..4g + 3 of block j of a panel block.
template <class F, size_t j, size_t g>
DISTILL_INLINE auto block_weights(const typename F::Panel& p, size_t byte0) {
    return F::template weights<j % F::kSpan, g>(F::span(p, j / F::kSpan), byte0);
}

// Weights as signed bytes, what they stand for: columns 4g..4g + 3 of block j.
template <class V, class F, size_t j, size_t g>
DISTILL_INLINE int8x16_t signed_weights(const typename F::Panel& p, size_t byte0) {
    const uint8x16_t w = block_weights<F, j, g>(p, byte0);
    if constexpr (F::kOffset == 0 || kSigned<F>) return vreinterpretq_s8_u8(w);
    else if constexpr (F::kOffset == 128) return vreinterpretq_s8_u8(veorq_u8(w, vdupq_n_u8(128)));
    else return vreinterpretq_s8_u8(vsubq_u8(w, vdupq_n_u8(F::kOffset)));
}
template <class V, class F, size_t j, size_t g>
DISTILL_INLINE int8x16_t stored_weights(const typename F::Panel& p, size_t byte0) {
    return vreinterpretq_s8_u8(block_weights<F, j, g>(p, byte0));
}

// Byte i to the low end of 32-bit lane i (255 = zero).
struct Spreading {
    uint8_t index[64];
};
constexpr Spreading make_spreading() {
    Spreading s{};
    for (size_t i = 0; i < 64; ++i) s.index[i] = i % 4 == 0 ? static_cast<uint8_t>(i / 4) : 255;
    return s;
}
alignas(64) constexpr Spreading kSpreading = make_spreading();

// The integer scales of 4 * N rows.
template <size_t N>
struct RowScales {
    int32x4_t v[N];
    DISTILL_INLINE explicit RowScales(const int8_t* p) {
        int8x16_t bytes;
        if constexpr (N == 1) bytes = vreinterpretq_s8_u8(VectorNeon::word(p));
        else if constexpr (N == 2) bytes = vcombine_s8(vld1_s8(p), vdup_n_s8(0));
        else bytes = vld1q_s8(p);
        const int16x8_t low = vmovl_s8(vget_low_s8(bytes));
        v[0] = vmovl_s16(vget_low_s16(low));
        if constexpr (N > 1) v[1] = vmovl_high_s16(low);
        if constexpr (N > 2) {
            const int16x8_t high = vmovl_high_s8(bytes);
            v[2] = vmovl_s16(vget_low_s16(high));
            v[3] = vmovl_high_s16(high);
        }
    }
    DISTILL_INLINE explicit RowScales(const uint8_t* p) : RowScales(reinterpret_cast<const int8_t*>(p)) {}  // <= 63
    // Unsigned ones of all 16 rows by a table look-up, which widens at once.
    DISTILL_INLINE RowScales(const uint8_t* p, const uint8x16x4_t& spreading) {
        const uint8x16_t bytes = vld1q_u8(p);
        unroll<N>([&](auto n) DISTILL_LAMBDA { v[n] = vreinterpretq_s32_u8(vqtbl1q_u8(bytes, spreading.val[n])); });
    }
};

// -offset * sum(q), from -8 * sum(q).
template <int kOffset>
DISTILL_INLINE int32x4_t starts(int32x4_t minus_8_sums) {
    if constexpr (kOffset < 8) return vshrq_n_s32(minus_8_sums, 8 / kOffset / 2);
    else if constexpr (kOffset == 8) return minus_8_sums;
    else return vshlq_n_s32(minus_8_sums, __builtin_ctz(kOffset / 8));
}

// What stands at `p`, by one load, which moves `p` at no price. The compiler is not to know that it moves by constant steps: it
// would keep several pointers and move each of them.
template <class Vectors, class T>
DISTILL_INLINE Vectors moving(const Vectors& v, const T*& p) {
    p += sizeof(Vectors) / sizeof(T);
    __asm__("" : "+r"(p));
    return v;
}
DISTILL_INLINE uint8x16x4_t next64(const uint8_t*& p) { return moving(vld1q_u8_x4(p), p); }
DISTILL_INLINE int8x16x4_t next64(const int8_t*& p) { return moving(vld1q_s8_x4(p), p); }
DISTILL_INLINE int8x16x2_t next32(const int8_t*& p) { return moving(vld1q_s8_x2(p), p); }
DISTILL_INLINE int32x4x2_t next32(const int32_t*& p) { return moving(vld1q_s32_x2(p), p); }
DISTILL_INLINE int32x4_t next16(const int32_t*& p) { return moving(vld1q_s32(p), p); }
// Two registers of their own; p moves by kStep. No operand says that memory is read: panels are constant while a kernel
// runs.
template <int kStep>
DISTILL_INLINE void next_pair(uint8x16_t& a, uint8x16_t& b, const uint8_t*& p) {
    __asm__ volatile("ldp %q0, %q1, [%2], #%3" : "=w"(a), "=w"(b), "+r"(p) : "i"(kStep));
}
// `v` is computed here and not where the compiler puts it off to: what it is made of would have to be kept until then.
template <class Vector>
DISTILL_INLINE void settle(Vector& v) {
    __asm__("" : "+w"(v));
}
// `product` is computed before `sum`, which it is made of, goes on.
DISTILL_INLINE void settle(int32x4_t& product, int32x4_t& sum) { __asm__("" : "+w"(product), "+w"(sum)); }

// 4 * N rows of what fills 64 bytes for 16 of them, from `p` on; `p` moves on by 64 bytes.
template <size_t N>
struct RowBytes {
    uint8x16_t v[N];
    DISTILL_INLINE explicit RowBytes(const uint8_t*& p) {
        if constexpr (N == 4) {
            const uint8x16x4_t all = next64(p);
            unroll<4>([&](auto n) DISTILL_LAMBDA { v[n] = all.val[n]; });
        } else {
            unroll<N>([&](auto n) DISTILL_LAMBDA { v[n] = vld1q_u8(p + 16 * n); });
            p += 64;
        }
    }
};

// sum * by[kLane], computed here: GCC 12 puts it off until `sum` has gone on and has to be copied for it.
template <size_t kLane>
DISTILL_INLINE int32x4_t times_lane_now(int32x4_t sum, int32x4_t by) {
    int32x4_t product;
    __asm__ volatile("mul %0.4s, %1.4s, %2.s[%3]" : "=w"(product) : "w"(sum), "w"(by), "i"(kLane));
    return product;
}

// What stands at `p` is needed too late to fill registers until then.
template <class P>
DISTILL_INLINE void leave_in_memory(P& p) {
    __asm__ volatile("" : : "r"(&p) : "memory");
}

template <size_t T, size_t N, class Job>
DISTILL_INLINE void for_each(const Job& job) {
    unroll<T>([&](auto t) DISTILL_LAMBDA { unroll<N>([&](auto n) DISTILL_LAMBDA { job(t, n); }); });
}

// What T tokens have summed up for the rows of a panel.
template <size_t T>
using Sums = float32x4_t[T][4];

// 16 numbers to floats.
struct RowFloats {
    float32x4_t v[4];
    DISTILL_INLINE explicit RowFloats(const uint16_t (&p)[kPanelRows]) : RowFloats(vld1q_u16(p), vld1q_u16(p + 8)) {}
    DISTILL_INLINE RowFloats(uint16x8_t first, uint16x8_t last) {
        const float16x8_t both[2] = {vreinterpretq_f16_u16(first), vreinterpretq_f16_u16(last)};
        unroll<2>([&](auto i) DISTILL_LAMBDA {
            v[2 * i] = vcvt_f32_f16(vget_low_f16(both[i]));
            v[2 * i + 1] = vcvt_high_f32_f16(both[i]);
        });
    }
    // Of a panel, that many bytes before p: GCC 12 takes three instructions for an address below a register's. As with
    // next_pair, panels are constant.
    template <int kBytes>
    DISTILL_INLINE static RowFloats before(const uint8_t* p) {
        uint16x8_t first, last;
        __asm__("ldp %q0, %q1, [%2, #-%3]" : "=w"(first), "=w"(last) : "r"(p), "i"(kBytes));
        return {first, last};
    }
};
// What sums start from: zeros of their own, which no register has to keep, two of them by one load: the pipes that
// multiply have no part in it. Without dot products the compiler is to know them.
alignas(32) constexpr int32_t kZeros[8] = {};
template <class V>
struct Zeros {
    const int32_t* at = kZeros;
    DISTILL_INLINE Zeros() { __asm__("" : "+r"(at)); }
    DISTILL_INLINE void set(int32x4_t& a, int32x4_t& b) const {
        if constexpr (V::kDotProducts) __asm__ volatile("ldp %q0, %q1, [%2]" : "=w"(a), "=w"(b) : "r"(at));
        else a = b = vdupq_n_s32(0);
    }
    template <size_t N>
    DISTILL_INLINE void fill(int32x4_t (&v)[N]) const {
        unroll<N / 2>([&](auto i) DISTILL_LAMBDA { set(v[2 * i], v[2 * i + 1]); });
    }
    template <size_t N>
    DISTILL_INLINE void fill(float32x4_t (&v)[N]) const {
        int32x4_t whole[N];
        fill(whole);
        unroll<N>([&](auto i) DISTILL_LAMBDA { v[i] = vreinterpretq_f32_s32(whole[i]); });
    }
    template <size_t N, class Dot>
    DISTILL_INLINE void start(Dot (&dot)[N]) const {
        int32x4_t from[N];
        fill(from);
        unroll<N>([&](auto i) DISTILL_LAMBDA { dot[i].start(from[i]); });
    }
};

// --- One or two tokens ---------------------------------------------------------------------------------------------

template <class V, class F, size_t T>
struct Few {
    using Panel = typename F::Panel;
    using Prepared = typename F::Prepared;
    using Dot = typename V::template Dot<F::kBits>;
    static constexpr size_t N = 4 / T;  // registers of rows
    // Nibbles alone, and registers for all of a block: the second half's sums go on from the first one's.
    static constexpr bool kNibbles = V::kDotProducts && F::kBlocks == 1 && (F::kBits == 4 || kPlaces<F> == 4);

    template <size_t h>
    DISTILL_INLINE static int8x16_t nibbles(uint8x16_t bytes) {
        if constexpr (kPlaces<F> == 4) return vreinterpretq_s8_u8(F::template nibbles<h>(bytes));
        else return vreinterpretq_s8_u8(h == 0 ? V::low(bytes) : V::high(bytes));
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
            if constexpr (F::kOffset != 0 && (F::kOffset != 128 || V::kTakesUnsigned)) {
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
                if constexpr (F::kOffset == 128 && V::kTakesUnsigned) {
                    const uint8x16_t w = block_weights<F, j, 4 * h + g>(p, byte0);
                    unroll<T>([&](auto t) DISTILL_LAMBDA { dot[h][t][n].template add_unsigned<g>(w, columns[h][t]); });
                } else {
                    int8x16_t w;
                    if constexpr (F::kOffset == 128) w = signed_weights<V, F, j, 4 * h + g>(p, byte0);
                    else w = stored_weights<V, F, j, 4 * h + g>(p, byte0);
                    unroll<T>([&](auto t) DISTILL_LAMBDA { dot[h][t][n].template add<g>(w, columns[h][t]); });
                }
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
                    part[t][n] = vfmaq_f32(part[t][n], to_float<kPlaces<F>>(e[t][n]), d.v[N * step + n]);
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
    constexpr size_t N = 2 / T, kAtOnce = Traits<F>::sums_at_once();
    static_assert(kAtOnce == 4 || kAtOnce == 16);
    const auto prepared = F::prepare(p);
    for (size_t lane0 = 0; lane0 < kPanelRows; lane0 += 4 * N) {
        float32x4_t f[T][N];
        int32x4_t sum[T][N], minima[T][N];
        for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA { minima[t][n] = sum[t][n] = vdupq_n_s32(0); });
        for_each<2, 2>([&](auto half, auto h) DISTILL_LAMBDA {
            constexpr size_t part = 2 * half + h;
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
            if constexpr (kAtOnce == 4 || part == 3) {
                end_part<T, N, kAtOnce != 4 || part == 0>(f, sum);
                for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA { sum[t][n] = vdupq_n_s32(0); });
            }
        });
        for_each<T, N>([&](auto t, auto n) DISTILL_LAMBDA {
            float32x4_t v = vmulq_f32(f[t][n], V::f16(p.d + lane0 + 4 * n));
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
    constexpr int kPlaces = V::kDotProducts ? 2 : 0;
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
                    int8x16_t third = F::template upper<kPlaces>(c[n]);
                    settle(third);  // before an insertion changes `c`
                    const int8x16_t w[4] = {F::template upper<kPlaces>(a.v[n]), F::template upper<kPlaces>(b.v[n]), third,
                                            F::template last<kPlaces>(a.v[n], b.v[n], c[n])};
                    for_each<T, 4>([&](auto t, auto g) DISTILL_LAMBDA { dot[t][n].template add<g>(w[g], columns[t]); });
                });
                const int8x16_t scale = vld1q_s8(p.s[2 * j + h]);
                const int16x8_t wide[2] = {vmovl_s8(vget_low_s8(scale)), vmovl_high_s8(scale)};
                for_each<T, 4>([&](auto t, auto n) DISTILL_LAMBDA {
                    int32x4_t factor;
                    if constexpr (n % 2 == 0) factor = vmull_lane_s16(vget_low_s16(wide[n / 2]), m[t], 2 * h);
                    else factor = vmull_high_lane_s16(wide[n / 2], m[t], 2 * h);
                    const int32x4_t e = dot[t][n].sum();
                    sum[t][n] = vmlaq_s32(sum[t][n], kPlaces == 0 ? e : vshrq_n_s32(e, 2), factor);
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

// --- Four tokens and more ------------------------------------------------------------------------------------------

// 256 columns of 16 rows. Formats with a scale for each half: halves in the order in which few_halves takes them. Two by two: 8
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
// and 2i + 1 and both tokens. columns(n): of token n, or columns 8n to 8n + 7 of both.
template <class V, class L, class Columns, class... I>
DISTILL_INLINE void add_dots(int32x4_t (&sum)[2], const int8x16x4_t& w, const Columns& columns, I... i) {
    if constexpr (V::kTwoByTwo) {
        const int8x16_t x[2] = {columns(constant<0>), columns(constant<1>)};  // loaded as a pair
        unroll<2>([&](auto n) DISTILL_LAMBDA { ((sum[i] = V::two_by_two(sum[i], w.val[2 * n + i], x[n])), ...); });
    } else {
        typename V::template Dot<L::kBytes ? 8 : 6> dot[2];
        (dot[i].start(sum[i]), ...);
        unroll<4>([&](auto g) DISTILL_LAMBDA { (dot[i].template add<g>(w.val[g], columns(i)), ...); });
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
    unroll<4>([&](auto n) DISTILL_LAMBDA {
        constexpr float kUnit = 1.0f / static_cast<float>(1 << kPlaces<F>);
        put_rows<V>(u.d[block][n], kPlaces<F> == 0 ? d.v[n] : vmulq_n_f32(d.v[n], kUnit));
    });
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
                    add_dots<V, L>(dot, first_half, first, i...);
                    ((e[i] = multiples.template first<pair, i>(dot[i])), ...);
                    add_dots<V, L>(dot, second_half, second, i...);
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
    float* sum = sums + 4 * T * rows;
    unroll<T / 4>([&](auto i) DISTILL_LAMBDA {
        const FourTokens<V> units(vld1q_f32(x.unit(4 * i)));
        unroll<2>([&](auto k) DISTILL_LAMBDA {
            constexpr size_t t = 4 * i + 2 * k;
            float32x4_t a = vld1q_f32(sum + 4 * t), b = vld1q_f32(sum + 4 * t + 4);
            a = units.template add_times<2 * k>(a, part[t]);
            b = units.template add_times<2 * k + 1>(b, part[t + 1]);
            vst1q_f32(sum + 4 * t, a);
            vst1q_f32(sum + 4 * t + 4, b);
        });
    });
}

// 16 columns have one scale.
template <class V, class L, size_t T>
DISTILL_INLINE void halves_of_tokens(float* sums, const Unpacked<V>& u, const Unit<V, T>& x, size_t rows) {
    int32x4_t whole[T], minima[T];
    float32x4_t part[T];
    const Zeros<V> zeros;
    zeros.fill(part);
    zeros.fill(whole);
    zeros.fill(minima);
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
                            add_dots<V, L>(dot, w, columns, i...);
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

// --- Rows ----------------------------------------------------------------------------------------------------------

// One copy for all formats. Four rows of all tokens of a group stand together.
template <class V, size_t T>
__attribute__((noinline)) void store_sums(MatmulArgs a, size_t row, const float* sums) {
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
        store_tile<V, 4, T>(a, row, acc);
    }
}

template <class V, class F, size_t T>
__attribute__((noinline)) void few_rows(const MatmulArgs& a) {
    const size_t n_blocks = a.columns / kActBlock, n_panels = n_blocks / F::kBlocks;
    const auto* panel = static_cast<const typename F::Panel*>(a.panels) + a.row_begin / kPanelRows * n_panels;
    for (size_t row = a.row_begin; row < a.row_end; row += kPanelRows) {
        Sums<T> sums;
        for_each<T, 4>([&](auto t, auto n) DISTILL_LAMBDA { sums[t][n] = vdupq_n_f32(0.0f); });
        for (size_t b = 0; b < n_blocks; b += kUnitBlocks) {
            const Unit<V, T> x(a.x, b, Traits<F>::kWhole ? b + kUnitBlocks : n_blocks);
            if constexpr (!Traits<F>::kWhole) Few<V, F, T>::unit(sums, panel, x);
            else if constexpr (F::kBits == 6) few_q6<V, T>(sums, *panel, x);
            else if constexpr (F::kScales == 2) few_halves<V, F, T>(sums, *panel, x);
            else if constexpr (F::kMin != 0) few_scaled<V, F, T>(sums, *panel, x);
            else few_blocks<V, F, T>(sums, *panel, x);
            panel += Traits<F>::kWhole ? 1 : x.here;
        }
        store_tile<V, 4, T>(a, row, sums);
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
            for (size_t i = 0; i < Traits<F>::kUnitPanels && i0 + i < n_panels; ++i) unpack<V, F>(u, panels[i0 + i], i);
            tokens<V, LoopOf<V, F>, T>(sums, u, static_cast<const char*>(a.x), unit * kUnitBlocks, n_blocks, a.n_groups);
        }
    };
    const auto store = [&](size_t first, size_t last, const PanelSums* all) DISTILL_LAMBDA {
        for (size_t row = first; row < last; row += kPanelRows) store_sums<V, T>(a, row, all[(row - first) / kPanelRows]);
    };
    for_units_and_panels<PanelSums>(a, a.n_groups * T, a.n_groups * T * kUnitBlocks * kActivationBytes<V>, multiply, store);
}

template <class V, template <class> class Format>
void neon_matmul(const MatmulArgs& a) {
    using F = Format<V>;
    switch (a.group) {
        case 1: return few_rows<V, F, 1>(a);
        case 2: return few_rows<V, F, 2>(a);
        case 4: return many_rows<V, F, 4>(a);
        default: return many_rows<V, F, 8>(a);
    }
}

// --- The tables ----------------------------------------------------------------------------------------------------

template <class V>
constexpr MatmulFn q4_0_matmul() {
    if constexpr (V::kDotProducts) return neon_matmul<V, KernelSignedQ4_0>;
    else return neon_matmul<V, KernelQ4_0>;
}
// In the order of formats().
template <class V>
constexpr MatmulFunctions neon_functions() {
    return {float_matmul<V, ElementF32>,  float_matmul<V, ElementF16>,  q4_0_matmul<V>(),
            neon_matmul<V, KernelQ4_1>,   neon_matmul<V, KernelQ5_0>,   neon_matmul<V, KernelQ5_1>,
            neon_matmul<V, KernelQ8_0>,   neon_matmul<V, KernelQ2_K>,   neon_matmul<V, KernelQ3_K>,
            neon_matmul<V, KernelQ4_K>,   neon_matmul<V, KernelQ5_K>,   neon_matmul<V, KernelSignedQ6_K>,
            neon_matmul<V, KernelIQ4_NL>, neon_matmul<V, KernelIQ4_XS>, float_matmul<V, ElementBF16>};
}

template <class V>
constexpr NeonTable neon_table(uint64_t (*integer_peak)(uint64_t n, int32_t* sink)) {
    return {V::kGroup,
            neon_functions<V>(),
            to_f16<V>,
            expand_s8<V>,
            quantize_activations<V>,
            dequantize_activations<V>,
            integer_peak,
            kActivationBytes<V>,
            kGroupsAtOnce,
            {.q4_0 = V::kDotProducts, .q6_k = true}};
}

}  // namespace
}  // namespace distill
