// Loops over f32 vectors, written once on xsimd and compiled by each ISA file for its own architecture tag. Sums run in
// vector-width lanes joined at the end: the order depends on the instruction set alone.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

#include "quant/kernels/kernels.h"
#include "quant/kernels/matmul.h"

namespace distill {
namespace {

template <class Arch>
struct VectorOps {
    using B = xsimd::batch<float, Arch>;
    static constexpr std::size_t kLanes = B::size;

    static float sum(const B& v) {
        alignas(64) float lanes[kLanes];
        v.store_aligned(lanes);
        float s = 0;
        for (std::size_t i = 0; i < kLanes; ++i) s += lanes[i];
        return s;
    }

    static void rms_norm(float* out, const float* x, const float* weight, std::size_t n, float eps) {
        B squares(0.0f);
        std::size_t i = 0;
        for (; i + kLanes <= n; i += kLanes) {
            const B v = B::load_unaligned(x + i);
            squares = xsimd::fma(v, v, squares);
        }
        float total = sum(squares);
        for (; i < n; ++i) total += x[i] * x[i];
        const float factor = 1.0f / std::sqrt(total / static_cast<float>(n) + eps);
        for (i = 0; i + kLanes <= n; i += kLanes) {
            (B::load_unaligned(x + i) * B(factor) * B::load_unaligned(weight + i)).store_unaligned(out + i);
        }
        for (; i < n; ++i) out[i] = x[i] * factor * weight[i];
    }

    static void silu_mul(float* gate, const float* up, std::size_t n) {
        std::size_t i = 0;
        for (; i + kLanes <= n; i += kLanes) {
            const B g = B::load_unaligned(gate + i);
            (g / (B(1.0f) + xsimd::exp(-g)) * B::load_unaligned(up + i)).store_unaligned(gate + i);
        }
        for (; i < n; ++i) gate[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
    }

    // n is a multiple of 16, so that no value is ever summed by another path than its neighbours.
    static float exp_sum(float* x, std::size_t n, float scale, float max) {
        B total(0.0f);
        for (std::size_t i = 0; i < n; i += kLanes) {
            const B e = xsimd::exp(B::load_unaligned(x + i) * B(scale) - B(max));
            e.store_unaligned(x + i);
            total += e;
        }
        return sum(total);
    }

    static float max(const float* x, std::size_t n) {
        B best(x[0]);
        std::size_t i = 0;
        for (; i + kLanes <= n; i += kLanes) best = xsimd::max(best, B::load_unaligned(x + i));
        alignas(64) float lanes[kLanes];
        best.store_aligned(lanes);
        float m = lanes[0];
        for (std::size_t k = 1; k < kLanes; ++k) m = lanes[k] > m ? lanes[k] : m;
        for (; i < n; ++i) m = x[i] > m ? x[i] : m;
        return m;
    }

    static void scale_add(float* x, float factor, const float* y, std::size_t n) {
        std::size_t i = 0;
        for (; i + kLanes <= n; i += kLanes) {
            xsimd::fma(B::load_unaligned(x + i), B(factor), B::load_unaligned(y + i)).store_unaligned(x + i);
        }
        for (; i < n; ++i) x[i] = x[i] * factor + y[i];
    }
};

// A table with activations of its own brings both functions for them.
template <class Arch, class V>
constexpr FloatOps float_ops(decltype(FloatOps::quantize) quantize, decltype(FloatOps::dequantize) dequantize) {
    using F = VectorOps<Arch>;
    return {F::rms_norm, F::silu_mul, F::exp_sum, F::max, F::scale_add, to_f16<V>, expand_s8<V>, quantize, dequantize};
}
template <class Arch, class V>
constexpr FloatOps float_ops() {
    return float_ops<Arch, V>(quantize_rows<V>, dequantize_rows);
}

}  // namespace
}  // namespace distill
