// Q6_K: 256 weights of 6 bits in 16 groups of 16, each with a signed 8-bit scale: w = d * scale * (q - 32).
// 6.5625 bits a weight.
#pragma once

#include <cstdint>

#include "quant/f16.h"

namespace distill {

struct BlockQ6_K {
    static constexpr int kWeights = 256;
    std::uint8_t ql[128];  // low 4 bits: byte 64h + i: low nibble weight 128h + i, high nibble weight 128h + 64 + i
    std::uint8_t qh[64];  // high 2 bits: byte 32h + i holds weights 128h + i + {0, 32, 64, 96}, from the lowest bits up
    std::int8_t scales[16];  // group g: weights 16g .. 16g + 15
    std::uint16_t d;         // f16
};
static_assert(sizeof(BlockQ6_K) == 210);

static inline void dequantize(float* out, const BlockQ6_K& b) {
    const float d = half_to_float(b.d);
    for (int group = 0; group < 16; ++group) {
        const float scale = d * static_cast<float>(b.scales[group]);
        const int half = group / 8;
        const int start = 16 * (group % 8);  // of the group within its half of 128 weights
        const std::uint8_t* low = b.ql + 64 * half + start % 64;
        const std::uint8_t* high = b.qh + 32 * half + start % 32;
        const int low_shift = 4 * (start / 64);
        const int high_shift = 2 * (start / 32);
        for (int i = 0; i < 16; ++i) {
            const int q = ((low[i] >> low_shift) & 15) | (((high[i] >> high_shift) & 3) << 4);
            out[16 * group + i] = scale * static_cast<float>(q - 32);
        }
    }
}

}  // namespace distill
