// Q3_K: 256 weights of 3 bits in 16 groups of 16, each with a signed 6-bit scale: w = d * (scale - 32) * (q - 4).
// 3.4375 bits a weight.
#pragma once

#include <cstdint>

#include "quant/f16.h"

namespace distill {

struct BlockQ3_K {
    static constexpr int kWeights = 256;
    std::uint8_t hmask[32];  // third bits: bit k of byte i belongs to weight 32k + i
    std::uint8_t qs[64];  // low bits: byte 32h + i holds weights 128h + i + {0, 32, 64, 96}, from the lowest 2 bits up
    std::uint8_t scales[12];  // 16 packed 6-bit scales, see scale_q3_k
    std::uint16_t d;          // f16
};
static_assert(sizeof(BlockQ3_K) == 110);

// Scale of group 0..15, -32..31. Its low 4 bits stand in bytes 0..7 (groups 8..15 in the high nibbles), its high 2 bits
// in bytes 8..11, four groups to a byte.
static inline int scale_q3_k(const BlockQ3_K& b, int group) {
    const int low = (b.scales[group % 8] >> (4 * (group / 8))) & 15;
    const int high = (b.scales[8 + group % 4] >> (2 * (group / 4))) & 3;
    return (low | (high << 4)) - 32;
}

static inline void dequantize(float* out, const BlockQ3_K& b) {
    const float d = half_to_float(b.d);
    for (int group = 0; group < 16; ++group) {
        const float scale = d * static_cast<float>(scale_q3_k(b, group));
        const std::uint8_t* bytes = b.qs + 32 * (group / 8) + 16 * (group % 2);
        const std::uint8_t* high_bits = b.hmask + 16 * (group % 2);
        const int shift = 2 * (group % 8 / 2);
        for (int i = 0; i < 16; ++i) {
            const int q = ((bytes[i] >> shift) & 3) | (((high_bits[i] >> (group / 2)) & 1) << 2);
            out[16 * group + i] = scale * static_cast<float>(q - 4);
        }
    }
}

}  // namespace distill
