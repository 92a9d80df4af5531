// What each NEON file offers for its table: neon_tables.cpp makes `struct Kernels` of it, with names from the C++ library
// that those files do without.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "quant/kernels/matmul_args.h"
#include "quant/panel_layouts.h"

namespace distill {

struct NeonTable {
    int group;
    MatmulFunctions matmul;
    void (*to_f16)(uint16_t* out, const float* x, size_t n);
    void (*expand_s8)(float* out, const int8_t* q, const uint16_t* scale, size_t n);
    void (*quantize)(void* blocks, const float* x, size_t x_stride, size_t n, int n_tokens, int group, ActForms forms);
    void (*dequantize)(float* out, const void* blocks, size_t n, ActForms form);
    uint64_t (*integer_peak)(uint64_t n, int32_t* sink);
    size_t act_block_bytes, groups_at_once;
    SignedPanels signed_panels;  // Q4_0 signed: its products read coarse activations
};
extern const NeonTable kNeonTable, kNeonDotprodTable, kNeonI8mmTable;

}  // namespace distill
