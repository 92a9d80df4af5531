// Q4_K: 256 weights of 4 bits in 8 groups of 32. Each group has a 6-bit scale and a 6-bit minimum, which two f16
// numbers of the block turn into real ones: w = (d * scale) * q - (dmin * min). 4.5 bits a weight.
#pragma once

#include <cstdint>

#include "quant/f16.h"

namespace distill {

struct BlockQ4_K {
    static constexpr int kWeights = 256;
    std::uint16_t d;          // f16
    std::uint16_t dmin;       // f16
    std::uint8_t scales[12];  // 8 packed 6-bit scales and minima, see scale_min_k
    std::uint8_t qs[128];     // byte 32p + i: low nibble weight 64p + i, high nibble weight 64p + 32 + i
};
static_assert(sizeof(BlockQ4_K) == 144);

struct ScaleMin {
    int scale, min;  // 0..63 each
};

// Scale and minimum of group 0..7 from the 12 bytes that Q4_K and Q5_K share. Groups 0..3 have whole 6-bit fields:
// scales in bytes 0..3, minima in bytes 4..7. Groups 4..7 have their low 4 bits in the nibbles of bytes 8..11 (scale
// low, minimum high) and their high 2 bits in the top of those same eight bytes.
static inline ScaleMin scale_min_k(const std::uint8_t scales[12], int group) {
    if (group < 4) return {scales[group] & 63, scales[group + 4] & 63};
    const int low = scales[group + 4];
    return {(low & 15) | (scales[group - 4] >> 6 << 4), (low >> 4) | (scales[group] >> 6 << 4)};
}

static inline void dequantize(float* out, const BlockQ4_K& b) {
    const float d = half_to_float(b.d);
    const float dmin = half_to_float(b.dmin);
    for (int group = 0; group < 8; ++group) {
        const ScaleMin sm = scale_min_k(b.scales, group);
        const float scale = d * static_cast<float>(sm.scale);
        const float min = dmin * static_cast<float>(sm.min);
        const std::uint8_t* bytes = b.qs + 32 * (group / 2);
        const int shift = 4 * (group % 2);
        for (int i = 0; i < 32; ++i) {
            out[32 * group + i] = scale * static_cast<float>((bytes[i] >> shift) & 15) - min;
        }
    }
}

}  // namespace distill
