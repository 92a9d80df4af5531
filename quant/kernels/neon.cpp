// ARMv8.0, the baseline of 64-bit ARM: Cortex-A53, A57, A72, A73 (Raspberry Pi 3 and 4). No dot product instruction:
// bytes are multiplied into 16 bits, eight at a time, and pairs of those are added into 32 bits.
#include <arm_neon.h>

#include "quant/kernels/neon_matmul.h"

namespace distill {
namespace {

struct Neon : VectorNeon {
    static constexpr bool kBytesMatter = true, kTwoByTwo = false, kDotProducts = false;
    // 16-bit sums hold 4 products of weights of up to 6 bits (4 * 63 * 127 = 32004) or 2 of signed 8-bit ones
    // (2 * 128 * 127 = 32512), each lane for one column of the four.
    template <int kBits>
    struct Dot {
        static constexpr size_t kPerWord = kBits == 8 ? 2 : 4;
        int32x4_t total;       // what the sum starts from
        int16x8_t words[2];    // rows 0, 1 and 2, 3
        int32x4_t columns[2];  // the same, neighbouring columns added
        DISTILL_INLINE void start(int32x4_t from) { total = from; }
        template <size_t kLane>
        DISTILL_INLINE void add(int8x16_t w, int8x16_t lanes) {
            const int8x16_t x = vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(lanes), kLane));
            if constexpr (kLane % kPerWord == 0) {
                words[0] = vmull_s8(vget_low_s8(w), vget_low_s8(x));
                words[1] = vmull_high_s8(w, x);
            } else {
                words[0] = vmlal_s8(words[0], vget_low_s8(w), vget_low_s8(x));
                words[1] = vmlal_high_s8(words[1], w, x);
            }
            if constexpr (kLane % kPerWord == kPerWord - 1) {
                unroll<2>([&](auto i) DISTILL_LAMBDA {
                    columns[i] = kLane < kPerWord ? vpaddlq_s16(words[i]) : vpadalq_s16(columns[i], words[i]);
                });
            }
        }
        DISTILL_INLINE int32x4_t sum() const { return vaddq_s32(vpaddq_s32(columns[0], columns[1]), total); }
        DISTILL_INLINE int32x4_t sum_of_two() const {
            return vaddq_s32(vpaddq_s32(vpaddlq_s16(words[0]), vpaddlq_s16(words[1])), total);
        }
    };
};

uint64_t integer_peak(uint64_t n, int32_t* sink) {
    int16x8_t acc[16];
    for (int i = 0; i < 16; ++i) acc[i] = vdupq_n_s16(static_cast<int16_t>(*sink + i));
    const int8x8_t w = vdup_n_s8(3), x = vdup_n_s8(static_cast<int8_t>(*sink | 1));
    for (uint64_t k = 0; k < n; ++k) {
        unroll<16>([&](auto i) DISTILL_LAMBDA { acc[i] = vmlal_s8(acc[i], w, x); });
    }
    for (int i = 1; i < 16; ++i) acc[0] = vaddq_s16(acc[0], acc[i]);
    *sink = vaddlvq_s16(acc[0]);
    return n * 16 * 8;
}

}  // namespace

const NeonTable kNeonTable = neon_table<Neon>(integer_peak);

}  // namespace distill
