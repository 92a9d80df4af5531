// ARMv8.2 with the dot product extension: Cortex-A55 and A75 and all since, Apple A11 and all since.
#include "quant/kernels/neon_matmul.h"

namespace distill {
namespace {

struct NeonDotprod : VectorNeon {
    static constexpr bool kBytesMatter = false, kTwoByTwo = false, kDotProducts = true;
    template <int kBits>
    struct Dot : SignedDot {};
};

}  // namespace

const NeonTable kNeonDotprodTable = neon_table<NeonDotprod>(dot_peak);

}  // namespace distill
