// IQ4_NL and IQ4_XS: 4-bit indices into a fixed table of 16 unevenly spaced values, dense around zero where weights
// are. IQ4_NL: 32 weights, w = d * table[q], 4.5 bits a weight. IQ4_XS: 256 weights in 8 groups of 32 with 6-bit
// scales, w = d * (scale - 32) * table[q], 4.25 bits a weight.
#pragma once

#include <cstdint>

#include "quant/f16.h"
#include "quant/iq4_values.h"

namespace distill {

struct BlockIQ4_NL {
    static constexpr int kWeights = 32;
    std::uint16_t d;      // scale, f16
    std::uint8_t qs[16];  // low nibbles: weights 0..15, high nibbles: weights 16..31
};
static_assert(sizeof(BlockIQ4_NL) == 18);

struct BlockIQ4_XS {
    static constexpr int kWeights = 256;
    std::uint16_t d;           // f16
    std::uint16_t scales_h;    // high 2 bits of the scales: group g at bit 2g
    std::uint8_t scales_l[4];  // low 4 bits: group 2k in the low nibble of byte k, group 2k + 1 in the high one
    std::uint8_t qs[128];      // byte 16g + i: low nibble weight 32g + i, high nibble weight 32g + 16 + i
};
static_assert(sizeof(BlockIQ4_XS) == 136);

// Scale of group 0..7, -32..31.
static inline int scale_iq4_xs(const BlockIQ4_XS& b, int group) {
    const int low = (b.scales_l[group / 2] >> (4 * (group % 2))) & 15;
    const int high = (b.scales_h >> (2 * group)) & 3;
    return (low | (high << 4)) - 32;
}

static inline void dequantize(float* out, const BlockIQ4_NL& b) {
    const float d = half_to_float(b.d);
    for (int i = 0; i < 16; ++i) {
        out[i] = d * static_cast<float>(kIQ4Values[b.qs[i] & 15]);
        out[i + 16] = d * static_cast<float>(kIQ4Values[b.qs[i] >> 4]);
    }
}

static inline void dequantize(float* out, const BlockIQ4_XS& b) {
    const float d = half_to_float(b.d);
    for (int group = 0; group < 8; ++group) {
        const float scale = d * static_cast<float>(scale_iq4_xs(b, group));
        const std::uint8_t* bytes = b.qs + 16 * group;
        for (int i = 0; i < 16; ++i) {
            out[32 * group + i] = scale * static_cast<float>(kIQ4Values[bytes[i] & 15]);
            out[32 * group + i + 16] = scale * static_cast<float>(kIQ4Values[bytes[i] >> 4]);
        }
    }
}

}  // namespace distill
