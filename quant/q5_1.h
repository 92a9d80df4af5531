// Q5_1: 32 weights of 5 bits with a scale and a minimum, w = d * q + m. 6 bits a weight.
#pragma once

#include <cstdint>

#include "quant/f16.h"

namespace distill {

struct BlockQ5_1 {
    static constexpr int kWeights = 32;
    std::uint16_t d;      // scale, f16
    std::uint16_t m;      // value of q = 0, f16
    std::uint8_t qh[4];   // fifth bits: bit i of the little-endian 32-bit word belongs to weight i
    std::uint8_t qs[16];  // low nibbles: weights 0..15, high nibbles: weights 16..31
};
static_assert(sizeof(BlockQ5_1) == 24);

static inline void dequantize(float* out, const BlockQ5_1& b) {
    const float d = half_to_float(b.d);
    const float m = half_to_float(b.m);
    for (int i = 0; i < 16; ++i) {
        const int low_bit = (b.qh[i / 8] >> (i % 8)) & 1;
        const int high_bit = (b.qh[2 + i / 8] >> (i % 8)) & 1;
        out[i] = d * static_cast<float>((b.qs[i] & 15) | (low_bit << 4)) + m;
        out[i + 16] = d * static_cast<float>((b.qs[i] >> 4) | (high_bit << 4)) + m;
    }
}

}  // namespace distill
