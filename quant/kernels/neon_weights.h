// Weights as the three NEON tables read them: formats, their numbers and scales in registers, and how those are loaded.
#pragma once

#include <arm_neon.h>

#include "quant/kernels/matmul.h"
#include "quant/kernels/neon_activations.h"
#include "quant/kernels/vector_neon.h"

namespace distill {
namespace {

// Q4_0 with nibbles as signed numbers and fractions as scales. A nibble that is moved to the top of its byte stands for 16 times
// itself; it takes an instruction to put either there, and no offset is left.
template <class V>
struct KernelSignedQ4_0 {
    using Panel = PanelSignedQ4_0;
    static constexpr int kBlocks = 1;
    template <size_t h>
    DISTILL_INLINE static int8x16_t nibbles(uint8x16_t bytes) {
        if constexpr (h == 0) return vreinterpretq_s8_u8(vshlq_n_u8(bytes, 4));
        else return vreinterpretq_s8_u8(V::masked(bytes, 0xf0));
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
    template <int kShift = 0>
    DISTILL_INLINE static int8x16_t upper(uint8x16_t bytes) {
        if constexpr (kShift == 2) return vreinterpretq_s8_u8(V::masked(bytes, 0xfc));
        else return vshrq_n_s8(vreinterpretq_s8_u8(bytes), 2);
    }
    template <int kShift = 0>
    DISTILL_INLINE static int8x16_t last(uint8x16_t a, uint8x16_t b, uint8x16_t c) {
        const int8x16_t four_times = vreinterpretq_s8_u8(vshlq_n_u8(vsliq_n_u8(vsliq_n_u8(c, b, 2), a, 4), 2));
        return kShift == 2 ? four_times : vshrq_n_s8(four_times, 2);
    }
    DISTILL_INLINE static const int8_t* sub_scales(const Panel& p, const Prepared&, size_t j, size_t h) { return p.s[2 * j + h]; }
};
template <class V> struct KernelSignedQ8_0 : Simple<V, PanelSignedQ8_0, 8, 128, 0> {};
// The IQ4 formats, whose codebook is signed as it stands.
template <size_t g>
DISTILL_INLINE uint8x16_t signed_codes(uint8x16_t bytes) {
    const uint8x16_t code = g < 4 ? VectorNeon::low(bytes) : VectorNeon::high(bytes);
    return VectorNeon::lookup(reinterpret_cast<const uint8_t*>(kIQ4Values), code);
}
template <class V>
struct KernelSignedIQ4_NL : KernelIQ4_NL<V> {
    template <size_t, size_t g>
    DISTILL_INLINE static uint8x16_t weights(const PanelIQ4_NL& p, size_t byte0) {
        return signed_codes<g>(V::load(p.q[g % 4] + byte0));
    }
};
template <class V>
struct KernelSignedIQ4_XS : KernelIQ4_XS<V> {
    template <size_t, size_t g>
    DISTILL_INLINE static uint8x16_t weights(const typename KernelIQ4_XS<V>::Span& q, size_t byte0) {
        return signed_codes<g>(V::load(q[g % 4] + byte0));
    }
};
// Whether weights() gives signed numbers, of a format with an offset.
template <class F>
constexpr bool kSigned = false;
template <class V>
constexpr bool kSigned<KernelSignedQ6_K<V>> = true;
template <class V>
constexpr bool kSigned<KernelSignedQ8_0<V>> = true;
template <class V>
constexpr bool kSigned<KernelSignedIQ4_NL<V>> = true;
template <class V>
constexpr bool kSigned<KernelSignedIQ4_XS<V>> = true;
// Whether scales are 16-bit fractions: a whole number of 32 bits times one is whole again, so that nothing becomes a float before
// 256 columns are summed up. Activations are coarse.
template <class F>
constexpr bool kFractions = false;
template <class V>
constexpr bool kFractions<KernelSignedQ4_0<V>> = true;

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

// Two registers of a panel, that many bytes before p: GCC 12 takes three instructions for an address below a register's. As with
// next_pair, panels are constant.
template <int kBytes, class Vector>
DISTILL_INLINE void pair_before(Vector& first, Vector& last, const uint8_t* p) {
    __asm__("ldp %q0, %q1, [%2, #-%3]" : "=w"(first), "=w"(last) : "r"(p), "i"(kBytes));
}

// The scales of 16 rows as fractions of 32 bits, which take their share of a whole number by one instruction.
struct RowFractions {
    int32x4_t v[4];
    DISTILL_INLINE RowFractions(int16x8_t first, int16x8_t last) {
        v[0] = vshll_n_s16(vget_low_s16(first), 16);
        v[1] = vshll_high_n_s16(first, 16);
        v[2] = vshll_n_s16(vget_low_s16(last), 16);
        v[3] = vshll_high_n_s16(last, 16);
    }
    DISTILL_INLINE explicit RowFractions(const int16_t (&f)[kPanelRows]) : RowFractions(vld1q_s16(f), vld1q_s16(f + 8)) {}
    template <int kBytes>
    DISTILL_INLINE static RowFractions before(const uint8_t* p) {
        int16x8_t first, last;
        pair_before<kBytes>(first, last, p);
        return {first, last};
    }
    // Of rows' first panel, for 4 of them: what sums of such shares are to be multiplied with, where nibbles were 16 times
    // themselves. That is 2^(e - 14 - 4), or NaN if a scale is not finite.
    DISTILL_INLINE float32x4_t power(size_t n) const {
        const int32x4_t e = vandq_s32(vshrq_n_s32(v[n], 16), vdupq_n_s32(31));
        const int32x4_t bits = vshlq_n_s32(vaddq_s32(e, vdupq_n_s32(127 - 14 - 4)), 23);
        return vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_s32(bits), vceqq_s32(e, vdupq_n_s32(31))));
    }
};

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
// Two registers of their own; p moves by kStep. No operand says that memory is read: panels and activations are constant while a
// kernel runs, and for unpacked weights `fractions` says so.
template <int kStep, class Vector, class T>
DISTILL_INLINE void next_pair(Vector& a, Vector& b, const T*& p) {
    __asm__ volatile("ldp %q0, %q1, [%2], #%3" : "=w"(a), "=w"(b), "+r"(p) : "i"(kStep));
}
// Two registers of their own to p + kOffset; as neighbours of a larger type they would go by way of memory.
template <int kOffset, class Vector, class T>
DISTILL_INLINE void store_pair(T* p, const Vector& a, const Vector& b) {
    __asm__ volatile("stp %q0, %q1, [%2, #%3]" : : "w"(a), "w"(b), "r"(p), "i"(kOffset) : "memory");
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
    template <int kBytes>
    DISTILL_INLINE static RowFloats before(const uint8_t* p) {
        uint16x8_t first, last;
        pair_before<kBytes>(first, last, p);
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
        static_assert(N % 2 == 0);
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

}  // namespace
}  // namespace distill
