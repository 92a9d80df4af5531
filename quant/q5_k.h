// Q5_K: Q4_K with a fifth bit a weight: 8 groups of 32, w = (d * scale) * q - (dmin * min). 5.5 bits a weight.
#pragma once

#include <cstdint>

#include "quant/f16.h"
#include "quant/q4_k.h"

namespace distill {

struct BlockQ5_K {
    static constexpr int kWeights = 256;
    std::uint16_t d;          // f16
    std::uint16_t dmin;       // f16
    std::uint8_t scales[12];  // packed as in Q4_K, see scale_min_k
    std::uint8_t qh[32];      // fifth bits: bit g of byte i belongs to weight 32g + i
    std::uint8_t qs[128];     // byte 32p + i: low nibble weight 64p + i, high nibble weight 64p + 32 + i
};
static_assert(sizeof(BlockQ5_K) == 176);

static inline void dequantize(float* out, const BlockQ5_K& b) {
    const float d = half_to_float(b.d);
    const float dmin = half_to_float(b.dmin);
    for (int group = 0; group < 8; ++group) {
        const ScaleMin sm = scale_min_k(b.scales, group);
        const float scale = d * static_cast<float>(sm.scale);
        const float min = dmin * static_cast<float>(sm.min);
        const std::uint8_t* bytes = b.qs + 32 * (group / 2);
        const int shift = 4 * (group % 2);
        for (int i = 0; i < 32; ++i) {
            const int q = ((bytes[i] >> shift) & 15) | (((b.qh[i] >> group) & 1) << 4);
            out[32 * group + i] = scale * static_cast<float>(q) - min;
        }
    }
}

}  // namespace distill
