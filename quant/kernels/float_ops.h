// Loops over f32 vectors, written once on xsimd and compiled by each ISA file for its own architecture tag. Sums run in
// vector-width lanes joined at the end: the order depends on the instruction set alone.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

#include "quant/kernels/kernels.h"

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

// Integer arithmetic wherever an order could matter, so any compiler may vectorise it: the largest magnitude is a maximum
// of bit patterns, rounding is the addition of 1.5 * 2^23, errors are summed as integers.
constexpr float kRound = 12582912.0f;

// How much 16 values lose when the largest, amax, becomes `steps`: the sum of squared distances to the next integer, in
// units that make it comparable between different steps.
inline float rounding_loss(const float* x, float amax, float steps) {
    const float inverse = steps / amax;
    std::int32_t squares = 0;
    for (std::size_t i = 0; i < kActBlock / 2; ++i) {
        const float v = x[i] * inverse, distance = v - ((v + kRound) - kRound);
        const auto e = static_cast<std::int32_t>(distance * 4096.0f);  // |e| <= 2048: 16 squares fit
        squares += e * e;
    }
    return static_cast<float>(squares) / (steps * steps);
}

// One block of one token. Of four scales, each of which meets the largest value exactly, the one that loses least: a fifth
// less error than the first, for a few operations that no product notices.
template <std::size_t T>
void quantize_block(ActBlock<T>& block, std::size_t t, const float* x) {
    constexpr std::size_t kHalf = kActBlock / 2;
    float total = 0;
    for (std::size_t half = 0; half < 2; ++half, x += kHalf) {
        std::uint32_t largest = 0;
        for (std::size_t i = 0; i < kHalf; ++i) {
            const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu;
            largest = magnitude > largest ? magnitude : largest;
        }
        const float amax = std::bit_cast<float>(largest);
        const bool normal = amax > 1e-30f && amax < 1e30f;
        float steps = 127.0f;
        if (normal) {
            float least = rounding_loss(x, amax, steps);
            for (float s = 126.0f; s >= 124.0f; s -= 1.0f) {
                const float loss = rounding_loss(x, amax, s);
                if (loss < least) {
                    least = loss;
                    steps = s;
                }
            }
        }
        const float scale = amax / steps;
        const float inverse = normal ? steps / amax : amax * 0.0f;  // NaN stays NaN, and ends in the logits
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < kHalf; ++i) {
            const std::int32_t q = std::bit_cast<std::int32_t>(x[i] * inverse + kRound) - std::bit_cast<std::int32_t>(kRound);
            block.q[t][half * kHalf + i] = static_cast<std::int8_t>(q);
            sum += static_cast<std::int8_t>(q);
        }
        block.scale[t][half] = scale;
        block.minus_8_sum[t][half] = -8 * sum;
        total += scale * static_cast<float>(sum);
    }
    block.sum[t] = total;
}

template <std::size_t T>
void quantize_group(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens) {
    auto* out = static_cast<ActBlock<T>*>(blocks);
    constexpr float kZeros[kActBlock] = {};
    for (std::size_t b = 0; b < n / kActBlock; ++b) {
        for (std::size_t t = 0; t < T; ++t) {
            quantize_block(out[b], t, static_cast<int>(t) < n_tokens ? x + t * x_stride + b * kActBlock : kZeros);
        }
    }
}

void quantize_rows(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens, int group) {
    switch (group) {
        case 1: return quantize_group<1>(blocks, x, x_stride, n, n_tokens);
        case 2: return quantize_group<2>(blocks, x, x_stride, n, n_tokens);
        case 4: return quantize_group<4>(blocks, x, x_stride, n, n_tokens);
        default: return quantize_group<8>(blocks, x, x_stride, n, n_tokens);
    }
}

template <class Arch>
constexpr FloatOps float_ops(void (*to_f16)(std::uint16_t*, const float*, std::size_t)) {
    using V = VectorOps<Arch>;
    return {V::rms_norm, V::silu_mul, V::exp_sum, V::max, V::scale_add, to_f16, quantize_rows};
}

}  // namespace
}  // namespace distill
