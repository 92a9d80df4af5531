// The f32 loops that the NEON tables share (neon_float.cpp); what each does is said in kernels.h, struct FloatOps. The files
// with the integer kernels include no xsimd: its inline functions, compiled for newer processors there, could be the
// copies that the linker keeps for everyone.
#pragma once

#include <stddef.h>

namespace distill {

bool neon_rms_norm(float* out, const float* x, const float* weight, size_t n, float eps);
void neon_silu_mul(float* gate, const float* up, size_t n);
float neon_exp_sum(float* x, size_t n, float scale, float max);
float neon_max(const float* x, size_t n);
void neon_scale_add(float* x, float factor, const float* y, size_t n);
void neon_rotate(float* x, const float* cosine, const float* sine, size_t half);

}  // namespace distill
