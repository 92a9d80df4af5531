// Products of quantised matrices for the three NEON tables. V (one for each file) says how 4 x 4 weights are multiplied with
// four columns of a token; everything else is here.
//
// For 32 columns of a token and 4 rows (u: weights, q: activations, h: half of 16 columns):
//     e_h = sum of u * q,    e = m_0 * e_0 + m_1 * e_1                                  neon_activations.h has the m
//     k-quants:        acc += unit * (d * sum over blocks of s * e - dmin * sum over blocks of min * sum(m * q))
//     32-column ones:  acc += unit * (sum over blocks of d * e [+ min * sum(m * q)])
//     signed Q4_0:     acc += unit * sum over blocks of m * round(f * (e_0 + e_1) / 2^15)      and a power of two for each row
// where d, dmin, unit are floats and the rest is whole numbers. Sums of 256 columns are in one of these brackets, blocks in
// order, for any number of tokens and any range of rows: so the bits are the same.
//
// neon_few.h has one or two tokens, neon_many.h four and more.
#pragma once

#include "quant/kernels/matmul.h"
#include "quant/kernels/neon_activations.h"
#include "quant/kernels/neon_few.h"
#include "quant/kernels/neon_many.h"
#include "quant/kernels/neon_tables.h"

namespace distill {
namespace {

template <class V, template <class> class Format>
void neon_matmul(const MatmulArgs& a) {
    using F = Format<V>;
    switch (a.group) {
        case 1: return few_rows<V, F, 1>(a);
        case 2: return few_rows<V, F, 2>(a);
        case 4: return many_rows<V, F, 4>(a);
        default: return many_rows<V, F, 8>(a);
    }
}

// --- The tables ----------------------------------------------------------------------------------------------------

template <class V>
constexpr MatmulFn q4_0_matmul() {
    if constexpr (V::kDotProducts) return neon_matmul<V, KernelSignedQ4_0>;
    else return neon_matmul<V, KernelQ4_0>;
}
// In the order of formats().
template <class V>
constexpr MatmulFunctions neon_functions() {
    return {float_matmul<V, ElementF32>,        float_matmul<V, ElementF16>,        q4_0_matmul<V>(),
            neon_matmul<V, KernelQ4_1>,         neon_matmul<V, KernelQ5_0>,         neon_matmul<V, KernelQ5_1>,
            neon_matmul<V, KernelSignedQ8_0>,   neon_matmul<V, KernelQ2_K>,         neon_matmul<V, KernelQ3_K>,
            neon_matmul<V, KernelQ4_K>,         neon_matmul<V, KernelQ5_K>,         neon_matmul<V, KernelSignedQ6_K>,
            neon_matmul<V, KernelSignedIQ4_NL>, neon_matmul<V, KernelSignedIQ4_XS>, float_matmul<V, ElementBF16>};
}

template <class V>
constexpr NeonTable neon_table(uint64_t (*integer_peak)(uint64_t n, int32_t* sink)) {
    return {V::kGroup,
            neon_functions<V>(),
            to_f16<V>,
            expand_s8<V>,
            quantize_activations<V>,
            dequantize_activations<V>,
            integer_peak,
            kActivationBytes<V>,
            kGroupsAtOnce,
            {.q4_0 = V::kDotProducts, .q6_k = true, .q8_0 = true}};
}

}  // namespace
}  // namespace distill
