// ARMv8.6 integer matrix extension: Cortex-A510, A710, X2 and Neoverse N2, V1 and all since, Apple A15 and M2 and all since.
// usdot takes unsigned weights as they are stored, where sdot needs those of eight bits re-centred: an instruction less for
// each load of Q8_0 and the IQ4 formats when one token is at work. For several tokens the weights are re-centred once.
// smmla does twice the products of a dot product, but wants rows and tokens interleaved in pairs: with two scales for 32
// columns of a token, the shuffles and the scaling of the pairs take back what it saves (docs/ARM.md has the counts).
#include <arm_neon.h>

#include "quant/kernels/neon_matmul.h"

namespace distill {
namespace {

struct NeonI8mm : VectorNeon {
    static constexpr bool kTakesUnsigned = true, kBytesMatter = false;
    template <int kBits>
    struct Dot {
        int32x4_t v;
        DISTILL_INLINE void start(int32x4_t from) { v = from; }
        template <size_t kLane>
        DISTILL_INLINE void add(int8x16_t w, int8x16_t x) {
            v = vdotq_laneq_s32(v, w, x, kLane);
        }
        template <size_t kLane>
        DISTILL_INLINE void add_unsigned(uint8x16_t w, int8x16_t x) {
            v = vusdotq_laneq_s32(v, w, x, kLane);
        }
        DISTILL_INLINE int32x4_t sum() const { return v; }
        DISTILL_INLINE int32x4_t sum_of_two() const { return v; }
    };
};

uint64_t integer_peak(uint64_t n, int32_t* sink) {
    int32x4_t acc[16];
    for (int i = 0; i < 16; ++i) acc[i] = vdupq_n_s32(*sink + i);
    const uint8x16_t w = vdupq_n_u8(3);
    const int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(*sink | 0x01010101));
    for (uint64_t k = 0; k < n; ++k) {
        unroll<16>([&](auto i) DISTILL_LAMBDA { acc[i] = vusdotq_s32(acc[i], w, x); });
    }
    for (int i = 1; i < 16; ++i) acc[0] = vaddq_s32(acc[0], acc[i]);
    *sink = vaddvq_s32(acc[0]);
    return n * 16 * 16;
}

}  // namespace

const NeonTable kNeonI8mmTable = neon_table<NeonI8mm>(integer_peak);

}  // namespace distill
