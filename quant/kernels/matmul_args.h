// What a matrix product is told, and the blocks of int8 that most tables multiply weights with. For the files that hold intrinsics: this
// header and all that they include besides name nothing of the C++ library, so that they compile freestanding, for
// systems whose library is not at hand (scripts/check_arm_targets.sh), and no inline function of it is compiled there.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace distill {

// Weights are kept in panels of kPanelRows output rows: the bytes of the file, rearranged so that one vector register
// holds the same columns of many rows (quant/panel_layouts.h).
inline constexpr size_t kPanelRows = 16;

// Activations are quantised to int8 in blocks of kActBlock columns, kept in groups of tokens (ActBlock below).
inline constexpr size_t kActBlock = 32;
inline constexpr int kMaxGroup = 16;

// 32 columns of T tokens: q = round(x / scale), |q| <= 127, a scale for each half of 16. Halving the block lowers the
// rounding error by a sixth (less is lost to the largest of 16 than to the largest of 32) for one more multiply-add.
// The sums are made once here, because weights are stored unsigned: a kernel starts its integer sum at
// -offset * sum(q) instead of re-centring each weight.
template <size_t T>
struct ActBlock {
    int8_t q[T][kActBlock];
    float scale[T][2];
    float sum[T];               // of q * scale, both halves: what the minimum of an affine block is multiplied with
    int32_t minus_8_sum[T][2];  // -8 * sum(q) of each half
};
static_assert(sizeof(ActBlock<3>) == 3 * sizeof(ActBlock<1>));

// What tables keep of activations may come in two forms, and each format reads one of them (Kernels::form_of says which):
// whoever rounds activations says what will be read of them. A table that keeps but one form calls it the fine one.
using ActForms = unsigned;
inline constexpr ActForms kCoarse = 1, kFine = 2, kBothForms = kCoarse | kFine;

// How many tokens share a group when `left` are still to be placed: 1, 2, 4, 8, 16 or the table's largest; missing ones
// are zeros. One instance of each kernel is compiled for each of these.
constexpr int group_size(int left, int max_group) {
    const int wanted = left <= 2 ? left : left <= 4 ? 4 : left <= 8 ? 8 : kMaxGroup;
    return wanted < max_group ? wanted : max_group;
}

// out[t][row] (+)= sum over columns of weight[row][column] * x[t][column] (+ bias[row]), for the tokens of one group.
// The sums are made in the order of the columns, the same for any T and any range of rows.
struct MatmulArgs {
    const void* panels;  // of the whole matrix
    size_t columns;
    size_t panel_columns;  // columns that a panel holds, >= columns: the step from panel to panel (float formats)
    size_t row_begin;      // multiple of kPanelRows
    size_t row_end;
    const void* x;    // quantised formats: what FloatOps::quantize made; float formats: float [T][x_stride]
    size_t x_stride;  // floats between tokens (float formats)
    float* out;       // out[t * out_stride + row]
    size_t out_stride;
    int group;          // T: tokens that the group was made for
    size_t n_groups;    // groups at x, one behind the other: 1, or up to Kernels::groups_at_once if T is Kernels::group
    int n_tokens;       // results wanted: <= n_groups * T
    const float* bias;  // [rows] or null
    bool add;           // add to out instead of replacing it
};
using MatmulFn = void (*)(const MatmulArgs& args);
struct MatmulFunctions {
    MatmulFn of_format[15];  // in the order of formats()
};

}  // namespace distill
