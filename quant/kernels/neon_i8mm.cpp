// ARMv8.6 integer matrix extension: Cortex-A510, A710, X2 and Neoverse N2, V1 and all since, Apple A15 and M2 and all since.
// smmla multiplies 8 columns of two rows with those of two tokens, twice the products of a dot product: four tokens and more.
// usdot takes unsigned weights as they are stored, where sdot needs those of eight bits re-centred: an instruction less for
// each load of Q8_0 and the IQ4 formats when one or two tokens are at work.
#include "quant/kernels/neon_matmul.h"

namespace distill {
namespace {

struct NeonI8mm : VectorNeon {
    static constexpr bool kTakesUnsigned = true, kBytesMatter = false, kTwoByTwo = true, kDotProducts = true;
    template <int kBits>
    struct Dot : SignedDot {
        template <size_t kLane>
        DISTILL_INLINE void add_unsigned(uint8x16_t w, int8x16_t x) {
            v = vusdotq_laneq_s32(v, w, x, kLane);
        }
    };
    // sum + row 0 * token 0, row 0 * token 1, row 1 * token 0, row 1 * token 1; w: 8 columns of either row, x: of either token.
    DISTILL_INLINE static int32x4_t two_by_two(int32x4_t sum, int8x16_t w, int8x16_t x) { return vmmlaq_s32(sum, w, x); }
};

}  // namespace

const NeonTable kNeonI8mmTable = neon_table<NeonI8mm>(dot_peak);

}  // namespace distill
