// The unquantised formats: F32, F16 (IEEE half) and BF16 (the upper half of an F32). A "block" is one weight.
//
// These functions, and the dequantize() of every other format header, have internal linkage on purpose: the files built
// for one instruction set include these headers too, and a shared inline function compiled there could end up as the
// copy that the whole program calls.
#pragma once

#include <bit>
#include <cstdint>

namespace distill {

// Exact for every bit pattern: half subnormals become normal floats, NaN payloads are kept.
static inline float half_to_float(std::uint16_t bits) {
    const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1Fu;
    const std::uint32_t mantissa = bits & 0x3FFu;
    if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24, which a float holds exactly
        const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
        return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
    }
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
    return std::bit_cast<float>(sign | ((exponent + (127 - 15)) << 23) | (mantissa << 13));
}

static inline float bfloat_to_float(std::uint16_t bits) {
    return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

struct BlockF32 {
    static constexpr int kWeights = 1;
    float value;
};
static_assert(sizeof(BlockF32) == 4);

struct BlockF16 {
    static constexpr int kWeights = 1;
    std::uint16_t bits;
};
static_assert(sizeof(BlockF16) == 2);

struct BlockBF16 {
    static constexpr int kWeights = 1;
    std::uint16_t bits;
};
static_assert(sizeof(BlockBF16) == 2);

static inline void dequantize(float* out, const BlockF32& b) {
    *out = b.value;
}
static inline void dequantize(float* out, const BlockF16& b) {
    *out = half_to_float(b.bits);
}
static inline void dequantize(float* out, const BlockBF16& b) {
    *out = bfloat_to_float(b.bits);
}

}  // namespace distill
