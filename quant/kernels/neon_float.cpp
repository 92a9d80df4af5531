// The f32 loops of all three NEON tables, compiled once: they need nothing beyond ARMv8.0.
#include "quant/kernels/neon_float.h"

#include <arm_neon.h>

#include <cmath>

#include "quant/kernels/float_ops.h"

namespace distill {

using NeonFloat = VectorOps<xsimd::neon64>;

namespace {

// e^x within 3 units of the last place, 0 below -87 and at most e^88: a third of the instructions of xsimd's, which a
// layer's prompt notices by 2 %. e^x = 2^n * e^r, n = round(x / ln 2), |r| <= ln 2 / 2; ln 2 is taken off in two parts. The
// polynomial is a fit of our own to the relative error, 1.1e-7 at most.
float32x4_t exp_of(float32x4_t x) {
    const float32x4_t lowest = vdupq_n_f32(-87.0f);
    const float32x4_t in_range = vminq_f32(vmaxq_f32(x, lowest), vdupq_n_f32(88.0f));  // NaN stays NaN
    const float32x4_t n = vrndnq_f32(vmulq_n_f32(in_range, 1.44269504f));
    float32x4_t r = vfmsq_n_f32(in_range, n, 0.693145752f);
    r = vfmsq_n_f32(r, n, 1.42860677e-6f);
    float32x4_t q = vfmaq_n_f32(vdupq_n_f32(0.0418905502f), r, 0.00831247779f);
    q = vfmaq_f32(vdupq_n_f32(0.166671163f), q, r);
    q = vfmaq_f32(vdupq_n_f32(0.499992288f), q, r);
    const float32x4_t e = vaddq_f32(vfmaq_f32(r, vmulq_f32(r, r), q), vdupq_n_f32(1.0f));
    const int32x4_t scaled = vaddq_s32(vreinterpretq_s32_f32(e), vshlq_n_s32(vcvtq_s32_f32(n), 23));
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_s32(scaled), vcltq_f32(x, lowest)));
}

}  // namespace

void neon_rms_norm(float* out, const float* x, const float* weight, std::size_t n, float eps) {
    NeonFloat::rms_norm(out, x, weight, n, eps);
}

void neon_silu_mul(float* gate, const float* up, std::size_t n) {
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4_t g = vld1q_f32(gate + i);
        const float32x4_t sigmoid_inverse = vaddq_f32(vdupq_n_f32(1.0f), exp_of(vnegq_f32(g)));
        vst1q_f32(gate + i, vmulq_f32(vdivq_f32(g, sigmoid_inverse), vld1q_f32(up + i)));
    }
    for (; i < n; ++i) gate[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

// n is a multiple of 16.
float neon_exp_sum(float* x, std::size_t n, float scale, float max) {
    float32x4_t total = vdupq_n_f32(0.0f);
    for (std::size_t i = 0; i < n; i += 4) {
        const float32x4_t e = exp_of(vsubq_f32(vmulq_n_f32(vld1q_f32(x + i), scale), vdupq_n_f32(max)));
        vst1q_f32(x + i, e);
        total = vaddq_f32(total, e);
    }
    return vaddvq_f32(total);
}

float neon_max(const float* x, std::size_t n) { return NeonFloat::max(x, n); }
void neon_scale_add(float* x, float factor, const float* y, std::size_t n) { NeonFloat::scale_add(x, factor, y, n); }

}  // namespace distill
