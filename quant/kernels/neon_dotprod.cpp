// ARMv8.2 with the dot product extension: Cortex-A55 and A75 and all since, Apple A11 and all since. sdot multiplies
// signed bytes and adds four columns at a time; it takes the token's columns as a lane of a register that holds sixteen.
#include <arm_neon.h>

#include "quant/kernels/neon_matmul.h"

namespace distill {
namespace {

struct NeonDotprod : VectorNeon {
    static constexpr bool kTakesUnsigned = false, kBytesMatter = false;
    template <int kBits>
    struct Dot {
        int32x4_t v;
        DISTILL_INLINE void start(int32x4_t from) { v = from; }
        template <size_t kLane>
        DISTILL_INLINE void add(int8x16_t w, int8x16_t x) {
            v = vdotq_laneq_s32(v, w, x, kLane);
        }
        DISTILL_INLINE int32x4_t sum() const { return v; }
        DISTILL_INLINE int32x4_t sum_of_two() const { return v; }
    };
};

uint64_t integer_peak(uint64_t n, int32_t* sink) {
    int32x4_t acc[16];
    for (int i = 0; i < 16; ++i) acc[i] = vdupq_n_s32(*sink + i);
    const int8x16_t w = vdupq_n_s8(3), x = vreinterpretq_s8_s32(vdupq_n_s32(*sink | 0x01010101));
    for (uint64_t k = 0; k < n; ++k) {
        unroll<16>([&](auto i) DISTILL_LAMBDA { acc[i] = vdotq_s32(acc[i], w, x); });
    }
    for (int i = 1; i < 16; ++i) acc[0] = vaddq_s32(acc[0], acc[i]);
    *sink = vaddvq_s32(acc[0]);
    return n * 16 * 16;
}

}  // namespace

const NeonTable kNeonDotprodTable = neon_table<NeonDotprod>(integer_peak);

}  // namespace distill
