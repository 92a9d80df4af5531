// ARMv8.6 integer matrix extension: Cortex-A510, A710, X2 and Neoverse N2, V1 and all since, Apple A15 and M2 and all since.
// usdot takes unsigned weights as they are stored, where sdot needs those of eight bits re-centred: an instruction less for
// each load of Q8_0 and the IQ4 formats when one token is at work. For several tokens the weights are re-centred once.
// smmla does twice the products of a dot product, but wants rows and tokens interleaved in pairs: with two scales for 32
// columns of a token, the shuffles and the scaling of the pairs take back what it saves (docs/ARM.md has the counts).
#include "quant/kernels/neon_matmul.h"

namespace distill {
namespace {

struct NeonI8mm : VectorNeon {
    static constexpr bool kTakesUnsigned = true, kBytesMatter = false;
    template <int kBits>
    struct Dot : SignedDot {
        template <size_t kLane>
        DISTILL_INLINE void add_unsigned(uint8x16_t w, int8x16_t x) {
            v = vusdotq_laneq_s32(v, w, x, kLane);
        }
    };
};

}  // namespace

const NeonTable kNeonI8mmTable = neon_table<NeonI8mm>(dot_peak);

}  // namespace distill
