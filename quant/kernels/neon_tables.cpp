// The three NEON tables, as registry.cpp knows them: integer kernels from a file each, f32 loops from neon_float.cpp.
#include "quant/kernels/neon_tables.h"

#include "quant/kernels/kernels.h"
#include "quant/kernels/neon_float.h"

namespace distill {
namespace {

Kernels table(std::string_view name, CpuFeatures needs, const NeonTable& t) {
    Kernels k{name,
              needs,
              t.group,
              t.matmul,
              {neon_rms_norm, neon_silu_mul, neon_exp_sum, neon_max, neon_scale_add, neon_rotate, t.to_f16, t.expand_s8,
               t.quantize, t.dequantize},
              t.integer_peak,
              t.act_block_bytes,
              {},
              t.groups_at_once};
    k.signed_panels = t.signed_panels;
    for (std::size_t i = 0; i < k.coarse.size(); ++i) {
        k.coarse[i] = formats()[i].id == FormatId::q4_0 && t.signed_panels.q4_0;
    }
    return k;
}

}  // namespace

extern const Kernels kNeonKernels, kNeonDotprodKernels, kNeonI8mmKernels;
const Kernels kNeonKernels = table("neon", {}, kNeonTable);
const Kernels kNeonDotprodKernels = table("neon_dotprod", {.dotprod = true}, kNeonDotprodTable);
const Kernels kNeonI8mmKernels = table("neon_i8mm", {.dotprod = true, .i8mm = true}, kNeonI8mmTable);

}  // namespace distill
