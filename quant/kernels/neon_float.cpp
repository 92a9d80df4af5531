// The f32 loops of all three NEON tables, compiled once: they need nothing beyond ARMv8.0.
#include "quant/kernels/neon_float.h"

#include <arm_neon.h>

#include "quant/kernels/float_ops.h"

namespace distill {
namespace {

// Its NEON casts by calls, rounds in nine steps, divides by approximations and has no fnma.
template <>
struct Better<xsimd::neon64> : Usual<xsimd::neon64> {
    static float sum(const B& v) { return vaddvq_f32(v); }
    static float max(const B& v) { return vmaxvq_f32(v); }
    static B fnma(const B& a, const B& b, const B& c) { return B(vfmsq_f32(c, a, b)); }
    static B divide(const B& a, const B& b) { return B(vdivq_f32(a, b)); }
    static B nearest(const B& v) { return B(vrndnq_f32(v)); }
    static B times_power_of_two(const B& v, const B& n) {
        const int32x4_t bits = vaddq_s32(vreinterpretq_s32_f32(v), vshlq_n_s32(vcvtq_s32_f32(n), 23));
        const uint32x4_t nothing = vcltq_f32(n, vdupq_n_f32(-125.0f));
        return B(vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_s32(bits), nothing)));
    }
};

}  // namespace

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
