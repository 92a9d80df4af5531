// Q2_K: 256 weights of 2 bits in 16 groups of 16. Each group has a 4-bit scale and a 4-bit minimum, which two f16
// numbers of the block turn into real ones: w = (d * scale) * q - (dmin * min). 2.625 bits a weight.
#pragma once

#include <cstdint>

#include "quant/f16.h"

namespace distill {

struct BlockQ2_K {
    static constexpr int kWeights = 256;
    std::uint8_t scales[16];  // group g: low nibble scale, high nibble min
    std::uint8_t qs[64];      // byte 32h + i holds weights 128h + i + {0, 32, 64, 96}, from the lowest 2 bits up
    std::uint16_t d;          // f16
    std::uint16_t dmin;       // f16
};
static_assert(sizeof(BlockQ2_K) == 84);

static inline void dequantize(float* out, const BlockQ2_K& b) {
    const float d = half_to_float(b.d);
    const float dmin = half_to_float(b.dmin);
    for (int group = 0; group < 16; ++group) {
        const float scale = d * static_cast<float>(b.scales[group] & 15);
        const float min = dmin * static_cast<float>(b.scales[group] >> 4);
        const std::uint8_t* bytes = b.qs + 32 * (group / 8) + 16 * (group % 2);
        const int shift = 2 * (group % 8 / 2);
        for (int i = 0; i < 16; ++i) {
            out[16 * group + i] = scale * static_cast<float>((bytes[i] >> shift) & 3) - min;
        }
    }
}

}  // namespace distill
