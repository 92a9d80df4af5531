// The f32 loops of all three NEON tables, compiled once: they need nothing beyond ARMv8.0.
#include "quant/kernels/neon_float.h"

#include "quant/kernels/float_ops.h"

namespace distill {

using NeonFloat = VectorOps<xsimd::neon64>;

bool neon_rms_norm(float* out, const float* x, const float* weight, std::size_t n, float eps) {
    return NeonFloat::rms_norm(out, x, weight, n, eps);
}
void neon_silu_mul(float* gate, const float* up, std::size_t n) { NeonFloat::silu_mul(gate, up, n); }
float neon_exp_sum(float* x, std::size_t n, float scale, float max) { return NeonFloat::exp_sum(x, n, scale, max); }
float neon_max(const float* x, std::size_t n) { return NeonFloat::max(x, n); }
void neon_scale_add(float* x, float factor, const float* y, std::size_t n) { NeonFloat::scale_add(x, factor, y, n); }
void neon_rotate(float* x, const float* cosine, const float* sine, std::size_t half) {
    NeonFloat::rotate(x, cosine, sine, half);
}

}  // namespace distill
