// Loops that are unrolled for certain: arrays indexed by the loop's variable then stay in registers, which loops that the
// compiler chooses not to unroll do not guarantee (GCC 12 keeps such arrays in memory).
#pragma once

#include <stddef.h>

#define DISTILL_INLINE __attribute__((always_inline)) inline
#define DISTILL_LAMBDA __attribute__((always_inline))

// Internal linkage: the kernels' files are compiled for instruction sets of their own and must share no code.
namespace distill {
namespace {

// A number that is part of its type. The kernels' files include no header of the C++ library (quant/kernels/matmul_args.h).
template <size_t n>
struct Constant {
    static constexpr size_t value = n;
    constexpr operator size_t() const { return n; }
};
template <size_t n>
constexpr Constant<n> constant{};

template <size_t... I>
struct Indices {};
template <size_t n, size_t... I>
struct IndicesBelow : IndicesBelow<n - 1, n - 1, I...> {};
template <size_t... I>
struct IndicesBelow<0, I...> : Indices<I...> {};

// f(0), f(1), ... with constant arguments.
template <class F, size_t... I>
DISTILL_INLINE void unroll_indices(F&& f, Indices<I...>) {
    (f(Constant<I>{}), ...);
}
template <size_t kTimes, class F>
DISTILL_INLINE void unroll(F&& f) {
    unroll_indices(f, IndicesBelow<kTimes>{});
}

}  // namespace
}  // namespace distill
