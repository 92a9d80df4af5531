// ARMv8.6 integer matrix extension: Cortex-A510, A710, X2 and Neoverse N2, V1 and all since, Apple A15 and M2 and all since.
// smmla multiplies 8 columns of two rows with those of two tokens, twice the products of a dot product: four tokens and more.
// One and two tokens are multiplied by sdot, as in neon_dotprod.
#include "quant/kernels/neon_matmul.h"

namespace distill {
namespace {

struct NeonI8mm : VectorNeon {
    static constexpr bool kBytesMatter = false, kTwoByTwo = true, kDotProducts = true;
    template <int kBits>
    struct Dot : SignedDot {};
    // sum + row 0 * token 0, row 0 * token 1, row 1 * token 0, row 1 * token 1; w: 8 columns of either row, x: of either token.
    DISTILL_INLINE static int32x4_t two_by_two(int32x4_t sum, int8x16_t w, int8x16_t x) { return vmmlaq_s32(sum, w, x); }
};

}  // namespace

const NeonTable kNeonI8mmTable = neon_table<NeonI8mm>(dot_peak);

}  // namespace distill
