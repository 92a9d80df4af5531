// The one dispatch table: everything in the tree that is worth an instruction set of its own. A table is filled by one
// file per instruction set; registry.cpp lists them and picks one, once, at start.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quant/formats.h"
#include "quant/kernels/cpu_features.h"
#include "quant/kernels/matmul_args.h"
#include "quant/panel_layouts.h"

namespace distill {

// Loops over f32 vectors; the same table also says how many tokens a group of activations holds.
struct FloatOps {
    // out = x * weight / sqrt(mean(x^2) + eps). False if x is not finite, or its squares are not.
    bool (*rms_norm)(float* out, const float* x, const float* weight, std::size_t n, float eps);
    // gate = gate / (1 + exp(-gate)) * up
    void (*silu_mul)(float* gate, const float* up, std::size_t n);
    // x = exp(x * scale - max) for the first n values, returns their sum; n is a multiple of 16, the caller
    // pads with -infinity.
    float (*exp_sum)(float* x, std::size_t n, float scale, float max);
    float (*max)(const float* x, std::size_t n);
    // x = x * factor + y
    void (*scale_add)(float* x, float factor, const float* y, std::size_t n);
    // The pairs x[i], x[half + i], i < half, turned by an angle each.
    void (*rotate)(float* x, const float* cosine, const float* sine, std::size_t half);
    // Rounds to nearest even.
    void (*to_f16)(std::uint16_t* out, const float* x, std::size_t n);
    // out[i][0..15] = q[i][0..15] * scale[i] (f16); n is a multiple of 16.
    void (*expand_s8)(float* out, const std::int8_t* q, const std::uint16_t* scale, std::size_t n);
    // One group of tokens, rows of n floats x_stride apart, to act_bytes(n, group) bytes of the table's kind, in the
    // forms that will be read; missing tokens become zeros. A part of a row begins at a multiple of 256 columns.
    void (*quantize)(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens, int group,
                     ActForms forms);
    // What a group of one token stands for, as one of its forms is read. Slow: for tests.
    void (*dequantize)(float* out, const void* blocks, std::size_t n, ActForms form);
};

// The products of attention over one page of keys and values in f16 (engine/kv_cache.h), where a table has better than
// its products with F16 weights. What is rounded has a scale for each row, key or value, so that no result depends on
// what shares a call. NaN and infinity come out as NaN or infinity.
struct PageAttention {
    static constexpr std::size_t kKeys = 64, kMaxColumns = 128, kMaxRows = 128;
    static constexpr std::size_t kScratchBytes = std::size_t{120} << 10;  // aligned to 64; keeps queries between calls

    // rows <= kMaxRows, columns <= kMaxColumns and a multiple of 16; n_keys <= kKeys, a multiple of 16. `next`: what
    // the next call of the same function will read, to be asked for meanwhile; this call's own if there is none.
    void (*prepare)(void* scratch, const float* queries, std::size_t rows, std::size_t columns);
    // out[row * kKeys + key] = query . key
    void (*scores)(void* scratch, float* out, const std::uint16_t* keys, const std::uint16_t* next, std::size_t rows,
                   std::size_t n_keys, std::size_t columns);
    // out[row][columns] = out * factor[row] + sum over keys of w * value, sum[row] = sum * factor[row] + sum over keys
    // of w, w = exp(scores[row * kKeys + key] * scale - max[row]). A score of -infinity is a key that the row does not
    // see.
    void (*values)(void* scratch, float* out, float* sum, const float* factor, const float* scores, float scale,
                   const float* max, const std::uint16_t* values, const std::uint16_t* next, std::size_t rows,
                   std::size_t n_keys, std::size_t columns);
};

struct Kernels {
    std::string_view name;  // "avx512vnni": the speed line and --kernels use it
    CpuFeatures needs;      // all must be present, register state saved by the OS included
    int group;              // most tokens in a group of activations
    MatmulFunctions matmul;
    FloatOps ops;
    // Adds about n steps of integer multiply-adds to the sums at `sink`: the fastest this table can do, for the limit
    // that `bench` states. Returns multiply-adds done.
    std::uint64_t (*integer_peak)(std::uint64_t n, std::int32_t* sink);
    // Activations may look different in each table: bytes for 32 columns of a token, a multiple of 4, ...
    std::size_t act_block_bytes = sizeof(ActBlock<1>);
    // ... and which formats (in the order of formats()) read their coarse form.
    std::array<bool, 15> coarse{};
    std::size_t groups_at_once = 1;  // that one call takes: unpacking weights is shared by more tokens
    // Rows that a call for groups of the largest size works on: another number wastes a part.
    std::size_t rows_at_once = kPanelRows;
    const PageAttention* page_attention = nullptr;
    SignedPanels signed_panels{};
    std::size_t act_columns = kActBlock;  // that a row of activations has whole multiples of, the last one padded
    // What act_block_bytes is in groups smaller than the largest; 0: the same.
    std::size_t act_small_block_bytes = 0;

    // Of n columns of all tokens of a group.
    std::size_t act_bytes(std::size_t n, int of_group) const {
        const bool small = of_group < group && act_small_block_bytes != 0;
        return (n + act_columns - 1) / act_columns * (act_columns / kActBlock) *
               (small ? act_small_block_bytes : act_block_bytes) * static_cast<std::size_t>(of_group);
    }
    // From one whole group to the next, and room for n_tokens in whole groups and one that is smaller.
    std::size_t act_row_bytes(std::size_t n) const { return act_bytes(n, group) / static_cast<std::size_t>(group); }
    std::size_t act_buffer_bytes(std::size_t n, std::size_t n_tokens) const {
        const std::size_t whole = act_bytes(n, group), small = act_bytes(n, group / 2);
        return n_tokens * act_row_bytes(n) + (whole > small ? whole : small);
    }
    ActForms form_of(const Format& f) const {
        return coarse[static_cast<std::size_t>(&f - formats().data())] ? kCoarse : kFine;
    }
    MatmulFn matmul_of(const Format& f) const {
        return matmul.of_format[static_cast<std::size_t>(&f - formats().data())];
    }
};

std::span<const Kernels* const> kernel_tables();  // built into this binary, best first
std::vector<const Kernels*> runnable_kernels();   // those this CPU runs, best first
// "" picks the best. Throws Error{usage} for an unknown or unsupported name, listing what would run.
const Kernels& choose_kernels(std::string_view name);

}  // namespace distill
