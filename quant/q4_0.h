// Q4_0: 32 weights of 4 bits with one scale, w = d * (q - 8). 4.5 bits a weight.
#pragma once

#include <cstdint>

#include "quant/f16.h"

namespace distill {

struct BlockQ4_0 {
    static constexpr int kWeights = 32;
    std::uint16_t d;      // scale, f16
    std::uint8_t qs[16];  // low nibbles: weights 0..15, high nibbles: weights 16..31
};
static_assert(sizeof(BlockQ4_0) == 18);

static inline void dequantize(float* out, const BlockQ4_0& b) {
    const float d = half_to_float(b.d);
    for (int i = 0; i < 16; ++i) {
        out[i] = d * static_cast<float>((b.qs[i] & 15) - 8);
        out[i + 16] = d * static_cast<float>((b.qs[i] >> 4) - 8);
    }
}

}  // namespace distill
