// Loops that are unrolled for certain: arrays indexed by the loop's variable then stay in registers, which loops that the
// compiler chooses not to unroll do not guarantee (GCC 12 keeps such arrays in memory).
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#define DISTILL_INLINE __attribute__((always_inline)) inline
#define DISTILL_LAMBDA __attribute__((always_inline))

// Internal linkage: the kernels' files are compiled for instruction sets of their own and must share no code.
namespace distill {
namespace {

// f(0), f(1), ... with constant arguments.
template <class F, std::size_t... I>
DISTILL_INLINE void unroll_indices(F&& f, std::index_sequence<I...>) {
    (f(std::integral_constant<std::size_t, I>{}), ...);
}
template <std::size_t kTimes, class F>
DISTILL_INLINE void unroll(F&& f) {
    unroll_indices(f, std::make_index_sequence<kTimes>{});
}

template <std::size_t n>
constexpr std::integral_constant<std::size_t, n> constant{};

}  // namespace
}  // namespace distill
