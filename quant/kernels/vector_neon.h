// What the three NEON tables share: registers of 128 bits, 4 rows of a panel each. Included by those files only.
#pragma once

#include <arm_neon.h>

#include "quant/kernels/matmul.h"

namespace distill {
namespace {

struct VectorNeon {
    using U8 = uint8x16_t;
    using F32 = float32x4_t;
    static constexpr size_t kLanes = 4, kGroup = 8, kMaxTile = 8, kPrefetchStep = 128;
    static constexpr size_t kFloatTile = 8, kFloatTokens = 4;

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
    DISTILL_INLINE static F32 f16(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
    DISTILL_INLINE static F32 bf16(const uint16_t* p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }
    // Four bytes to the first lane of a register, by one load: compilers take a detour through a general register.
    DISTILL_INLINE static U8 word(const void* p) {
        U8 v;
        __asm__("ldr %s0, %1" : "=w"(v) : "m"(*static_cast<const uint32_t*>(p)));
        return v;
    }
    // Each byte to the top of a 32-bit lane of its own (255 = zero); the conversion takes it as a number with 24 binary places.
    DISTILL_INLINE static F32 s8_f32(const int8_t* p) {
        constexpr uint8_t kTop[16] = {255, 255, 255, 0, 255, 255, 255, 1, 255, 255, 255, 2, 255, 255, 255, 3};
        return vcvtq_n_f32_s32(vreinterpretq_s32_u8(vqtbl1q_u8(word(p), vld1q_u8(kTop))), 24);
    }
    DISTILL_INLINE static F32 load_f32(const float* p) { return vld1q_f32(p); }
    DISTILL_INLINE static void store_f32(float* p, F32 v) { vst1q_f32(p, v); }
    DISTILL_INLINE static void store_f16(uint16_t* p, F32 v) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v))); }
    DISTILL_INLINE static F32 set1(float v) { return vdupq_n_f32(v); }
    DISTILL_INLINE static F32 mul(F32 a, F32 b) { return vmulq_f32(a, b); }
    DISTILL_INLINE static F32 add(F32 a, F32 b) { return vaddq_f32(a, b); }
    DISTILL_INLINE static F32 fma(F32 a, F32 b, F32 c) { return vfmaq_f32(c, a, b); }

    DISTILL_INLINE static void prefetch(const char* p) { __builtin_prefetch(p, 0, 2); }
};

#ifdef __ARM_FEATURE_DOTPROD
// sdot multiplies signed bytes and adds four columns at a time; it takes the token's columns as a lane of a register that
// holds sixteen.
struct SignedDot {
    int32x4_t v;
    DISTILL_INLINE void start(int32x4_t from) { v = from; }
    template <size_t kLane>
    DISTILL_INLINE void add(int8x16_t w, int8x16_t x) {
        v = vdotq_laneq_s32(v, w, x, kLane);
    }
    DISTILL_INLINE int32x4_t sum() const { return v; }
    DISTILL_INLINE int32x4_t sum_of_two() const { return v; }
};

inline uint64_t dot_peak(uint64_t n, int32_t* sink) {
    int32x4_t acc[16];
    for (int i = 0; i < 16; ++i) acc[i] = vdupq_n_s32(*sink + i);
    const int8x16_t w = vdupq_n_s8(3), x = vreinterpretq_s8_s32(vdupq_n_s32(*sink | 0x01010101));
    for (uint64_t k = 0; k < n; ++k) {
        unroll<16>([&](auto i) DISTILL_LAMBDA { acc[i] = vdotq_s32(acc[i], w, x); });
    }
    for (int i = 1; i < 16; ++i) acc[0] = vaddq_s32(acc[0], acc[i]);
    *sink = vaddvq_s32(acc[0]);
    return n * 16 * 16;
}
#endif

}  // namespace
}  // namespace distill
