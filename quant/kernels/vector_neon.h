// What the three NEON tables share: 128-bit registers, 4 rows of a panel each, and a tile of their own for several tokens.
// Included by those files only.
#pragma once

#include <arm_neon.h>

#include "quant/kernels/matmul.h"
#include "quant/kernels/neon_tables.h"

namespace distill {
namespace {

struct VectorNeon {
    using U8 = uint8x16_t;
    using I32 = int32x4_t;
    using F32 = float32x4_t;
    // Four columns of a token, not yet loaded: the dot product instructions take them as a lane of a whole register, the
    // others as a copy in each lane.
    struct Columns {
        const int8_t* p;
    };
    static constexpr size_t kLanes = 4, kGroup = 8, kMaxTile = 8, kPrefetchStep = 128;

    DISTILL_INLINE static U8 load(const uint8_t* p) { return vld1q_u8(p); }
    DISTILL_INLINE static U8 masked(U8 v, int mask) { return vandq_u8(v, vdupq_n_u8(static_cast<uint8_t>(mask))); }
    DISTILL_INLINE static U8 low(U8 v) { return masked(v, 15); }
    DISTILL_INLINE static U8 high(U8 v) { return vshrq_n_u8(v, 4); }
    template <int kBits>
    DISTILL_INLINE static U8 shift_right(U8 v) {
        if constexpr (kBits > 0) return vshrq_n_u8(v, kBits);
        else if constexpr (kBits < 0) return vshlq_n_u8(v, -kBits);
        else return v;
    }
    // base | (bits & mask) where base has none of the mask's bits: a choice between the two, as one instruction.
    DISTILL_INLINE static U8 merge(U8 base, U8 bits, int mask) {
        return vbslq_u8(vdupq_n_u8(static_cast<uint8_t>(mask)), bits, base);
    }
    DISTILL_INLINE static U8 lookup(const uint8_t* table, U8 index) { return vqtbl1q_u8(vld1q_u8(table), index); }
    DISTILL_INLINE static Columns broadcast4(const int8_t* p) { return {p}; }

    // -offset * sum, from -8 * sum.
    template <int kOffset>
    DISTILL_INLINE static I32 start_sum(const int32_t* minus_8_sum) {
        if constexpr (kOffset == 0) return vdupq_n_s32(0);
        else if constexpr (kOffset < 8) return vshrq_n_s32(vld1q_dup_s32(minus_8_sum), 8 / kOffset / 2);
        else if constexpr (kOffset == 8) return vld1q_dup_s32(minus_8_sum);
        else return vshlq_n_s32(vld1q_dup_s32(minus_8_sum), __builtin_ctz(kOffset / 8));
    }
    // Weights stored unsigned, as what they stand for. Eight bits always need it: they do not fit a signed byte otherwise.
    template <int kOffset>
    DISTILL_INLINE static int8x16_t recentred(U8 w) {
        if constexpr (kOffset == 0) return vreinterpretq_s8_u8(w);
        else if constexpr (kOffset == 128) return vreinterpretq_s8_u8(veorq_u8(w, vdupq_n_u8(128)));
        else return vreinterpretq_s8_u8(vsubq_u8(w, vdupq_n_u8(static_cast<uint8_t>(kOffset))));
    }

    DISTILL_INLINE static F32 f16(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
    DISTILL_INLINE static F32 bf16(const uint16_t* p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }
    // Four bytes to the first lane of a register, by one load: compilers take a detour through a general register.
    DISTILL_INLINE static U8 word(const void* p) {
        U8 v;
        __asm__("ldr %s0, %1" : "=w"(v) : "m"(*static_cast<const uint32_t*>(p)));
        return v;
    }
    // Each byte to the top of a 32-bit lane of its own (255 = zero); the conversion takes it as a number with 24 binary places.
    DISTILL_INLINE static U8 spread(const void* p) {
        constexpr uint8_t kTop[16] = {255, 255, 255, 0, 255, 255, 255, 1, 255, 255, 255, 2, 255, 255, 255, 3};
        return vqtbl1q_u8(word(p), vld1q_u8(kTop));
    }
    DISTILL_INLINE static F32 u8_f32(const uint8_t* p) { return vcvtq_n_f32_u32(vreinterpretq_u32_u8(spread(p)), 24); }
    DISTILL_INLINE static F32 s8_f32(const int8_t* p) { return vcvtq_n_f32_s32(vreinterpretq_s32_u8(spread(p)), 24); }
    DISTILL_INLINE static F32 load_f32(const float* p) { return vld1q_f32(p); }
    DISTILL_INLINE static void store_f32(float* p, F32 v) { vst1q_f32(p, v); }
    DISTILL_INLINE static void store_f16(uint16_t* p, F32 v) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v))); }
    DISTILL_INLINE static F32 to_f32(I32 v) { return vcvtq_f32_s32(v); }
    DISTILL_INLINE static F32 set1(float v) { return vdupq_n_f32(v); }
    DISTILL_INLINE static F32 add(F32 a, F32 b) { return vaddq_f32(a, b); }
    DISTILL_INLINE static F32 mul(F32 a, F32 b) { return vmulq_f32(a, b); }
    DISTILL_INLINE static F32 fma(F32 a, F32 b, F32 c) { return vfmaq_f32(c, a, b); }
    DISTILL_INLINE static F32 fnma(F32 a, F32 b, F32 c) { return vfmsq_f32(c, a, b); }

    // Of 16 values: the largest magnitude, as a maximum of bit patterns so that NaN comes out on top.
    DISTILL_INLINE static float largest(const float* x) {
        uint32x4_t most = vdupq_n_u32(0);
        unroll<4>([&](auto i) DISTILL_LAMBDA {
            most = vmaxq_u32(most, vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(x + 4 * i))));
        });
        return vgetq_lane_f32(vreinterpretq_f32_u32(vdupq_n_u32(vmaxvq_u32(most))), 0);
    }
    // For four factors, `stride` apart: the sum of squared distances of 16 values x * factor to the next integer.
    DISTILL_INLINE static void rounding_losses(float* loss, const float* x, const float* factor, size_t stride) {
        unroll<4>([&](auto s) DISTILL_LAMBDA {
            F32 squares = vdupq_n_f32(0.0f);
            unroll<4>([&](auto i) DISTILL_LAMBDA {
                const F32 v = vmulq_n_f32(vld1q_f32(x + 4 * i), factor[s * stride]), distance = vsubq_f32(v, vrndnq_f32(v));
                squares = vfmaq_f32(squares, distance, distance);
            });
            loss[s * stride] = vaddvq_f32(squares);
        });
    }
    // q = x * inverse, rounded; returns the sum.
    DISTILL_INLINE static int32_t round(int8_t* q, const float* x, float inverse) {
        I32 v[4];
        unroll<4>([&](auto i) DISTILL_LAMBDA { v[i] = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4 * i), inverse)); });
        const int16x8_t first = vcombine_s16(vqmovn_s32(v[0]), vqmovn_s32(v[1]));
        const int16x8_t second = vcombine_s16(vqmovn_s32(v[2]), vqmovn_s32(v[3]));
        vst1q_s8(q, vcombine_s8(vqmovn_s16(first), vqmovn_s16(second)));
        return vaddvq_s32(vaddq_s32(vaddq_s32(v[0], v[1]), vaddq_s32(v[2], v[3])));
    }

    DISTILL_INLINE static void prefetch(const char* p) { __builtin_prefetch(p, 0, 2); }
};

// --- Several tokens ------------------------------------------------------------------------------------------------
// The same sums as quantised_tile (matmul.h), token by token instead of column by column: the weights of a block, as signed
// bytes, fill a quarter of the 32 registers and all tokens pass over them, so that each token needs only the sums it is at.

template <class V, template <class> class Format, size_t N, size_t T>
DISTILL_INLINE void token_tile(const MatmulArgs& a, size_t row, size_t lane0) {
    using F = Format<V>;
    using F32 = typename V::F32;
    using Dot = typename V::template Dot<F::kBits, 0, true>;
    constexpr size_t kBlocks = F::kBlocks, kHalves = 3 - F::kScales;
    static_assert(T % 4 == 0);
    const size_t n_blocks = a.columns / (kActBlock * kBlocks);
    const auto* panel = reinterpret_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_blocks;
    const auto* x = static_cast<const ActBlock<T>*>(a.x);
    F32 acc[T][N];
    unroll<T>([&](auto t) DISTILL_LAMBDA { unroll<N>([&](auto n) DISTILL_LAMBDA { acc[t][n] = V::set1(0.0f); }); });

    for (size_t b = 0; b < n_blocks; ++b, ++panel, x += kBlocks) {
        const auto prepared = F::prepare(*panel);
        const auto block = [&](auto j, auto pass) DISTILL_LAMBDA {
            const ActBlock<T>& xb = x[j];
            int8x16_t w[4 * kHalves][N];
            F32 scale[N], min[N];
            unroll<N>([&](auto n) DISTILL_LAMBDA {
                const size_t lane = lane0 + n * V::kLanes;
                unroll<4 * kHalves>([&](auto g) DISTILL_LAMBDA {
                    w[g][n] = V::template recentred<F::kOffset>(F::template weights<j, 4 * pass + g>(*panel, 4 * lane));
                });
                scale[n] = F::template scale<j, pass>(*panel, prepared, lane);
                if constexpr (F::kMin != 0) min[n] = F::template minimum<j, pass>(*panel, prepared, lane);
                if constexpr (F::kMin != 0 && F::kScales == 2) min[n] = V::mul(min[n], V::set1(0.125f));
            });
            F32 scales, sums;  // of two and of four tokens
            unroll<T>([&](auto t) DISTILL_LAMBDA {
                if constexpr (t % 2 == 0) scales = vld1q_f32(xb.scale[t]);
                if constexpr (t % 4 == 0 && F::kMin != 0) {
                    if constexpr (F::kScales == 1) sums = vld1q_f32(xb.sum + t);
                }
                int8x16_t columns[kHalves];
                unroll<kHalves>([&](auto h) DISTILL_LAMBDA { columns[h] = vld1q_s8(xb.q[t] + 16 * (pass + h)); });
                const auto dot = [&](auto n, auto h) DISTILL_LAMBDA {
                    Dot d;
                    d.start(nullptr);
                    unroll<4>([&](auto g) DISTILL_LAMBDA { d.template add_lane<g>(w[4 * h + g][n], columns[h]); });
                    return V::to_f32(d.sum());
                };
                unroll<N>([&](auto n) DISTILL_LAMBDA {
                    F32& sum = acc[t][n];
                    if constexpr (F::kScales == 1) {
                        F32 both = vmulq_laneq_f32(dot(n, constant<0>), scales, 2 * (t % 2));
                        both = vfmaq_laneq_f32(both, dot(n, constant<1>), scales, 2 * (t % 2) + 1);
                        sum = V::fma(both, scale[n], sum);
                        if constexpr (F::kMin > 0) sum = vfmaq_laneq_f32(sum, min[n], sums, t % 4);
                        if constexpr (F::kMin < 0) sum = vfmsq_laneq_f32(sum, min[n], sums, t % 4);
                    } else {
                        F32 both = V::mul(dot(n, constant<0>), scale[n]);
                        if constexpr (F::kMin < 0) {
                            both = vfmaq_n_f32(both, min[n], static_cast<float>(xb.minus_8_sum[t][pass]));
                        }
                        sum = vfmaq_laneq_f32(sum, both, scales, 2 * (t % 2) + pass);
                    }
                });
            });
        };
        // In the order of quantised_tile, so that a token's result does not depend on its company.
        unroll<kBlocks / F::kSpan>([&](auto span) DISTILL_LAMBDA {
            unroll<2 / kHalves>([&](auto pass) DISTILL_LAMBDA {
                unroll<F::kSpan>([&](auto k) DISTILL_LAMBDA { block(constant<span * F::kSpan + k>, pass); });
            });
        });
    }
    store_tile<V, N, T>(a, row + lane0, acc);
}

template <class V, template <class> class Format, size_t T>
void token_rows(const MatmulArgs& a) {
    for (size_t row = a.row_begin; row < a.row_end; row += kPanelRows) {
        for (size_t lane0 = 0; lane0 < kPanelRows; lane0 += V::kLanes) token_tile<V, Format, 1, T>(a, row, lane0);
    }
}

// One or two tokens: all bytes of a span at once, as quantised_tile does it, with as many rows as leave its sums in registers.
template <class V, template <class> class Format, size_t T>
void span_rows(const MatmulArgs& a) {
    using F = Format<V>;
    constexpr size_t kHalves = 3 - F::kScales, kWanted = 16 / (T * kHalves * F::kSpan), N = kWanted > 4 ? 4 : kWanted;
    for (size_t row = a.row_begin; row < a.row_end; row += kPanelRows) {
        for (size_t lane0 = 0; lane0 < kPanelRows; lane0 += N * V::kLanes) {
            quantised_tile<V, Format, N, T, kHalves, F::kSpan>(a, row, lane0);
        }
    }
}

template <class V, template <class> class Format>
void neon_matmul(const MatmulArgs& a) {
    switch (a.group) {
        case 1: return span_rows<V, Format, 1>(a);
        case 2: return span_rows<V, Format, 2>(a);
        case 4: return token_rows<V, Format, 4>(a);
        default: return token_rows<V, Format, 8>(a);
    }
}

// In the order of formats().
template <class V>
constexpr MatmulFunctions neon_functions() {
    return {float_matmul<V, ElementF32>,  float_matmul<V, ElementF16>,  neon_matmul<V, KernelQ4_0>,
            neon_matmul<V, KernelQ4_1>,   neon_matmul<V, KernelQ5_0>,   neon_matmul<V, KernelQ5_1>,
            neon_matmul<V, KernelQ8_0>,   neon_matmul<V, KernelQ2_K>,   neon_matmul<V, KernelQ3_K>,
            neon_matmul<V, KernelQ4_K>,   neon_matmul<V, KernelQ5_K>,   neon_matmul<V, KernelQ6_K>,
            neon_matmul<V, KernelIQ4_NL>, neon_matmul<V, KernelIQ4_XS>, float_matmul<V, ElementBF16>};
}

template <class V>
constexpr NeonTable neon_table(uint64_t (*integer_peak)(uint64_t n, int32_t* sink)) {
    return {V::kGroup, neon_functions<V>(), to_f16<V>, expand_s8<V>, quantize_rows<V>, dequantize_rows, integer_peak};
}

}  // namespace
}  // namespace distill
