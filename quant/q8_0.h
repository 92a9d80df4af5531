// Q8_0: 32 signed bytes with one scale, w = d * q. 8.5 bits a weight.
#pragma once

#include <cstdint>

#include "quant/f16.h"

namespace distill {

struct BlockQ8_0 {
    static constexpr int kWeights = 32;
    std::uint16_t d;  // scale, f16
    std::int8_t qs[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

static inline void dequantize(float* out, const BlockQ8_0& b) {
    const float d = half_to_float(b.d);
    for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(b.qs[i]);
}

}  // namespace distill
