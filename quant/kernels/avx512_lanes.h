// What the files that are compiled for AVX-512 share.
#pragma once

#include <immintrin.h>

#include "quant/kernels/float_ops.h"
#include "quant/unroll.h"

namespace distill {
namespace {

// xsimd's AVX-512 multiplies and adds apart.
template <>
struct Better<xsimd::avx512bw> : Usual<xsimd::avx512bw> {
    static float sum(const B& v) { return _mm512_reduce_add_ps(v); }
    static float max(const B& v) { return _mm512_reduce_max_ps(v); }
    static B fma(const B& a, const B& b, const B& c) { return _mm512_fmadd_ps(a, b, c); }
    static B fnma(const B& a, const B& b, const B& c) { return _mm512_fnmadd_ps(a, b, c); }
    static constexpr float kLowestExponent = -110.0f;  // whose power is less than any number
    static B times_power_of_two(const B& v, const B& n) { return _mm512_scalef_ps(v, n); }
};

// Two numbers of 16 bits in each lane of 32: the lower half of one, the upper half of the other. A masked move, because
// any operation of three operands takes a turn of the pipes that multiply.
DISTILL_INLINE __m512i halves_of(__m512i low, __m512i high) {
    return _mm512_mask_mov_epi16(high, 0x55555555u, low);
}
// The lower halves of both.
DISTILL_INLINE __m512i pair_of(__m512i low, __m512i high) {
    return halves_of(low, _mm512_slli_epi32(high, 16));
}

}  // namespace
}  // namespace distill
