// Two numbers of 16 bits in each lane of 32, for the files that are compiled for AVX-512.
#pragma once

#include <immintrin.h>

#include "quant/unroll.h"

namespace distill {
namespace {

// The lower half of one, the upper half of the other. A masked move, because any operation of three operands takes a
// turn of the pipes that multiply.
DISTILL_INLINE __m512i halves_of(__m512i low, __m512i high) {
    return _mm512_mask_mov_epi16(high, 0x55555555u, low);
}
// The lower halves of both.
DISTILL_INLINE __m512i pair_of(__m512i low, __m512i high) {
    return halves_of(low, _mm512_slli_epi32(high, 16));
}

}  // namespace
}  // namespace distill
