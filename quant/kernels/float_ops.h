// Loops over f32 vectors, written once on xsimd and compiled for each instruction set's architecture tag. Sums run in
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

// A file whose instruction set has something better than this xsimd says so, by a Better of its own.
template <class Arch>
struct Usual {
    using B = xsimd::batch<float, Arch>;
    using Whole = xsimd::batch<std::int32_t, Arch>;

    template <class Combine>
    static float combined(const B& v, const Combine& combine) {
        alignas(64) float lanes[B::size];
        v.store_aligned(lanes);
        float all = lanes[0];
        for (std::size_t i = 1; i < B::size; ++i) all = combine(all, lanes[i]);
        return all;
    }
    static float sum(const B& v) {
        return combined(v, [](float a, float b) { return a + b; });
    }
    static float max(const B& v) {
        return combined(v, [](float a, float b) { return b > a ? b : a; });
    }
    static B fma(const B& a, const B& b, const B& c) { return xsimd::fma(a, b, c); }
    static B fnma(const B& a, const B& b, const B& c) { return xsimd::fnma(a, b, c); }
    static B divide(const B& a, const B& b) { return a / b; }
    static B nearest(const B& v) { return xsimd::nearbyint(v); }
    // Below it exp is 0. The last step of exp: v * 2^n, v near 1; an n of -126 stands for nothing.
    static constexpr float kLowestExponent = -87.0f;
    static B times_power_of_two(const B& v, const B& n) {
        const Whole bits = xsimd::bitwise_cast<Whole>(v) + (xsimd::to_int(n) << 23);
        return xsimd::select(n < B(-125.0f), B(0.0f), xsimd::bitwise_cast<B>(bits));
    }
};
template <class Arch>
struct Better : Usual<Arch> {};

template <class Arch>
struct VectorOps {
    using B = xsimd::batch<float, Arch>;
    static constexpr std::size_t kLanes = B::size;

    // e^x within 3 units of the last place, 0 below kLowestExponent and at most e^88: a third of the instructions of
    // xsimd's own, which long contexts notice by 5 to 9 %. e^x = 2^n * e^r, n = round(x / ln 2), |r| <= ln 2 / 2; ln 2
    // is taken off in two parts. The polynomial is a fit of our own to the relative error, 1.1e-7 at most. N at once,
    // step by step, so that no step waits for the one before.
    template <std::size_t N>
    DISTILL_INLINE static void exp(B (&x)[N]) {
        B n[N], q[N];
        const auto each = [&](const auto& step) DISTILL_LAMBDA { unroll<N>(step); };
        each([&](auto i) DISTILL_LAMBDA {  // NaN stays NaN
            x[i] = xsimd::min(B(88.0f), xsimd::max(B(Better<Arch>::kLowestExponent), x[i]));
        });
        each([&](auto i) DISTILL_LAMBDA { n[i] = Better<Arch>::nearest(x[i] * B(1.44269504f)); });
        each([&](auto i) DISTILL_LAMBDA { x[i] = Better<Arch>::fnma(n[i], B(0.693145752f), x[i]); });
        each([&](auto i) DISTILL_LAMBDA { x[i] = Better<Arch>::fnma(n[i], B(1.42860677e-6f), x[i]); });
        each([&](auto i) DISTILL_LAMBDA { q[i] = Better<Arch>::fma(B(0.00831247779f), x[i], B(0.0418905502f)); });
        each([&](auto i) DISTILL_LAMBDA { q[i] = Better<Arch>::fma(q[i], x[i], B(0.166671163f)); });
        each([&](auto i) DISTILL_LAMBDA { q[i] = Better<Arch>::fma(q[i], x[i], B(0.499992288f)); });
        each([&](auto i) DISTILL_LAMBDA { q[i] = Better<Arch>::fma(x[i] * x[i], q[i], x[i]) + B(1.0f); });
        each([&](auto i) DISTILL_LAMBDA { x[i] = Better<Arch>::times_power_of_two(q[i], n[i]); });
    }

    static bool rms_norm(float* out, const float* x, const float* weight, std::size_t n, float eps) {
        B squares(0.0f);
        std::size_t i = 0;
        for (; i + kLanes <= n; i += kLanes) {
            const B v = B::load_unaligned(x + i);
            squares = Better<Arch>::fma(v, v, squares);
        }
        float total = Better<Arch>::sum(squares);
        for (; i < n; ++i) total += x[i] * x[i];
        const float factor = 1.0f / std::sqrt(total / static_cast<float>(n) + eps);
        for (i = 0; i + kLanes <= n; i += kLanes) {
            (B::load_unaligned(x + i) * B(factor) * B::load_unaligned(weight + i)).store_unaligned(out + i);
        }
        for (; i < n; ++i) out[i] = x[i] * factor * weight[i];
        return std::isfinite(total);
    }

    static void silu_mul(float* gate, const float* up, std::size_t n) {
        const auto some = [&](std::size_t i, auto at_once) DISTILL_LAMBDA {
            constexpr std::size_t kAtOnce = at_once;
            B g[kAtOnce], e[kAtOnce];
            unroll<kAtOnce>([&](auto k) DISTILL_LAMBDA {
                g[k] = B::load_unaligned(gate + i + kLanes * k);
                e[k] = -g[k];
            });
            exp(e);
            unroll<kAtOnce>([&](auto k) DISTILL_LAMBDA {
                const B u = B::load_unaligned(up + i + kLanes * k);
                (Better<Arch>::divide(g[k], B(1.0f) + e[k]) * u).store_unaligned(gate + i + kLanes * k);
            });
        };
        std::size_t i = 0;
        for (; i + 4 * kLanes <= n; i += 4 * kLanes) some(i, constant<4>);
        for (; i + kLanes <= n; i += kLanes) some(i, constant<1>);
        for (; i < n; ++i) gate[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
    }

    // n is a multiple of 16, so that no value is ever summed by another path than its neighbours.
    static float exp_sum(float* x, std::size_t n, float scale, float max) {
        constexpr std::size_t kAtOnce = 16 / kLanes;
        B total(0.0f);
        for (std::size_t i = 0; i < n; i += 16) {
            B e[kAtOnce];
            unroll<kAtOnce>([&](auto k)
                                DISTILL_LAMBDA { e[k] = B::load_unaligned(x + i + kLanes * k) * B(scale) - B(max); });
            exp(e);
            unroll<kAtOnce>([&](auto k) DISTILL_LAMBDA {
                e[k].store_unaligned(x + i + kLanes * k);
                total += e[k];
            });
        }
        return Better<Arch>::sum(total);
    }

    static float max(const float* x, std::size_t n) {
        B best(x[0]);
        std::size_t i = 0;
        for (; i + kLanes <= n; i += kLanes) best = xsimd::max(best, B::load_unaligned(x + i));
        float m = Better<Arch>::max(best);
        for (; i < n; ++i) m = x[i] > m ? x[i] : m;
        return m;
    }

    static void rotate(float* x, const float* cosine, const float* sine, std::size_t half) {
        std::size_t i = 0;
        for (; i + kLanes <= half; i += kLanes) {
            const B a = B::load_unaligned(x + i), b = B::load_unaligned(x + half + i);
            const B c = B::load_unaligned(cosine + i), s = B::load_unaligned(sine + i);
            Better<Arch>::fnma(b, s, a * c).store_unaligned(x + i);
            Better<Arch>::fma(a, s, b * c).store_unaligned(x + half + i);
        }
        for (; i < half; ++i) {
            const float a = x[i], b = x[half + i];
            x[i] = a * cosine[i] - b * sine[i];
            x[half + i] = a * sine[i] + b * cosine[i];
        }
    }

    static void scale_add(float* x, float factor, const float* y, std::size_t n) {
        std::size_t i = 0;
        for (; i + kLanes <= n; i += kLanes) {
            Better<Arch>::fma(B::load_unaligned(x + i), B(factor), B::load_unaligned(y + i)).store_unaligned(x + i);
        }
        for (; i < n; ++i) x[i] = x[i] * factor + y[i];
    }
};

// A table with activations of its own brings both functions for them.
template <class Arch, class V>
constexpr FloatOps float_ops(decltype(FloatOps::quantize) quantize, decltype(FloatOps::dequantize) dequantize) {
    using F = VectorOps<Arch>;
    return {F::rms_norm, F::silu_mul, F::exp_sum,   F::max,   F::scale_add,
            F::rotate,   to_f16<V>,   expand_s8<V>, quantize, dequantize};
}
template <class Arch, class V>
constexpr FloatOps float_ops() {
    return float_ops<Arch, V>(quantize_rows<V>, dequantize_rows);
}

}  // namespace
}  // namespace distill
