// AVX-VNNI: vpdpbusd on 256-bit registers, for processors without AVX-512 (Alder Lake and later, Arrow Lake, Zen 5c).
#include <immintrin.h>

#include "quant/kernels/float_ops.h"
#include "quant/kernels/matmul.h"
#include "quant/kernels/vector256.h"

namespace distill {
namespace {

struct AvxVnni : Vector256 {
    template <int kBits, int kOffset>
    struct Dot {
        __m256i v;
        DISTILL_INLINE void start(const std::int32_t* minus_8_sum) { v = start_sum<kOffset>(minus_8_sum); }
        template <std::size_t, std::size_t>
        DISTILL_INLINE void add(U8 w, U8 x) {
            v = _mm256_dpbusd_avx_epi32(v, w, x);
        }
        DISTILL_INLINE I32 sum() const { return v; }
    };
};

// --- Several tokens ------------------------------------------------------------------------------------------------
// The same sums as quantised_tile (matmul.h), token by token instead of column by column: the weights of half a block,
// all 16 rows, fill 8 of the 16 registers and the tokens pass over them one after the other. Blocks that share bytes
// are unpacked once for all tokens and rows into the first-level cache, their scales too. Sums of floats wait in
// memory: a multiply-add reads them from there at no price.

template <class V, class F>
struct UnpackedSpan {
    alignas(32) std::uint8_t w[F::kSpan][8][4 * kPanelRows];
    alignas(32) float scale[F::kSpan][F::kScales][kPanelRows];
    alignas(32) float min[F::kMin == 0 ? 1 : F::kSpan][F::kScales][kPanelRows];

    // The i-th span of a panel block.
    DISTILL_INLINE void unpack(const typename F::Panel& panel, const typename F::Prepared& prepared, std::size_t i) {
        const auto& span = F::span(panel, i);
        unroll<F::kSpan * kRegisters>([&](auto at) DISTILL_LAMBDA {
            constexpr std::size_t k = at / kRegisters, lane = at % kRegisters * V::kLanes;
            const std::size_t j = F::kSpan * i + k;
            unroll<8>([&](auto g)
                          DISTILL_LAMBDA { V::store(w[k][g] + 4 * lane, F::template weights<k, g>(span, 4 * lane)); });
            unroll<F::kScales>([&](auto h) DISTILL_LAMBDA {
                V::store_f32(scale[k][h] + lane, F::scale(panel, prepared, j, h, lane));
                if constexpr (F::kMin != 0) {
                    auto m = F::minimum(panel, prepared, j, h, lane);
                    if constexpr (F::kScales == 2) m = V::mul(m, V::set1(0.125f));  // as in quantised_tile
                    V::store_f32(min[k][h] + lane, m);
                }
            });
        });
    }
};

// What T tokens have summed up for the rows of a panel: `both` is the first half of a block, until the second one is
// there.
template <std::size_t T>
struct TokenSums {
    alignas(32) float acc[T][kPanelRows] = {};
    alignas(32) float both[T][kPanelRows];
};

template <class V, class F, std::size_t T, std::size_t h>
DISTILL_INLINE void half_block(TokenSums<T>& sums, const UnpackedSpan<V, F>& u, std::size_t k, const ActBlock<T>& x) {
    using F32 = typename V::F32;
    typename V::U8 w[4][kRegisters];
    F32 scale[kRegisters];
    unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
        unroll<4>([&](auto g) DISTILL_LAMBDA { w[g][n] = V::load(&u.w[k][4 * h + g][4 * V::kLanes * n]); });
        scale[n] = V::load_f32(u.scale[k][F::kScales == 1 ? 0 : h] + V::kLanes * n);
    });
    unroll<T>([&](auto t) DISTILL_LAMBDA {
        typename V::I32 dot[kRegisters];
        unroll<kRegisters>([&](auto n)
                               DISTILL_LAMBDA { dot[n] = V::template start_sum<F::kOffset>(&x.minus_8_sum[t][h]); });
        unroll<4>([&](auto g) DISTILL_LAMBDA {
            const auto xq = V::broadcast4(x.q[t] + 16 * h + 4 * g);
            unroll<kRegisters>([&](auto n) DISTILL_LAMBDA { dot[n] = _mm256_dpbusd_avx_epi32(dot[n], w[g][n], xq); });
        });
        const F32 scale_x = V::set1(x.scale[t][h]);
        unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
            const F32 sum = V::to_f32(dot[n]);
            float* const acc = sums.acc[t] + V::kLanes * n;
            float* const both = sums.both[t] + V::kLanes * n;
            if constexpr (F::kScales == 1 && h == 0) {
                V::store_f32(both, V::mul(sum, scale_x));
            } else if constexpr (F::kScales == 1) {
                F32 v = V::fma(V::fma(sum, scale_x, V::load_f32(both)), scale[n], V::load_f32(acc));
                if constexpr (F::kMin != 0) {
                    const F32 min = V::load_f32(u.min[k][0] + V::kLanes * n), sum_x = V::set1(x.sum[t]);
                    v = F::kMin > 0 ? V::fma(min, sum_x, v) : V::fnma(min, sum_x, v);
                }
                V::store_f32(acc, v);
            } else {
                F32 v = V::mul(sum, scale[n]);
                if constexpr (F::kMin < 0) {
                    const F32 sum_x = V::set1(static_cast<float>(x.minus_8_sum[t][h]));
                    v = V::fma(V::load_f32(u.min[k][h] + V::kLanes * n), sum_x, v);
                }
                V::store_f32(acc, V::fma(v, scale_x, V::load_f32(acc)));
            }
        });
        // Or GCC puts the multiplication off and keeps both of its factors until the second half.
        if constexpr (F::kScales == 1 && h == 0) __asm__ volatile("" : : "r"(&sums) : "memory");
    });
}

// One copy for all formats.
template <class V, std::size_t T>
__attribute__((noinline)) void store_sums(const MatmulArgs& a, std::size_t row, const TokenSums<T>& sums) {
    typename V::F32 acc[T][kRegisters];
    unroll<T>([&](auto t) DISTILL_LAMBDA {
        unroll<kRegisters>([&](auto n) DISTILL_LAMBDA { acc[t][n] = V::load_f32(sums.acc[t] + V::kLanes * n); });
    });
    store_tile<V, kRegisters, T>(a, row, acc);
}

template <class V, template <class> class Format, std::size_t T>
void token_rows(const MatmulArgs& a) {
    using F = Format<V>;
    constexpr std::size_t kSpans = F::kBlocks / F::kSpan;
    const std::size_t n_blocks = a.columns / (kActBlock * F::kBlocks);
    const auto* panel = reinterpret_cast<const typename F::Panel*>(a.panels) + a.row_begin / kPanelRows * n_blocks;
    UnpackedSpan<V, F> u;
    for (std::size_t row = a.row_begin; row < a.row_end; row += kPanelRows) {
        const auto* x = static_cast<const ActBlock<T>*>(a.x);
        TokenSums<T> sums;
        for (std::size_t b = 0; b < n_blocks; ++b, ++panel) {
            const auto prepared = F::prepare(*panel);
            const char* ahead = prefetch_from<V, T>(panel);
            for (std::size_t i = 0; i < kSpans; ++i, x += F::kSpan) {
                prefetch_share<V, T, typename F::Panel, kSpans>(ahead, i);
                u.unpack(*panel, prepared, i);
                // In the order of quantised_tile, so that a token's result does not depend on its company.
                if constexpr (F::kScales == 1) {
                    for (std::size_t k = 0; k < F::kSpan; ++k) {
                        half_block<V, F, T, 0>(sums, u, k, x[k]);
                        half_block<V, F, T, 1>(sums, u, k, x[k]);
                    }
                } else {
                    for (std::size_t k = 0; k < F::kSpan; ++k) half_block<V, F, T, 0>(sums, u, k, x[k]);
                    for (std::size_t k = 0; k < F::kSpan; ++k) half_block<V, F, T, 1>(sums, u, k, x[k]);
                }
            }
        }
        store_sums<V, T>(a, row, sums);
    }
}

template <class V, template <class> class Format>
void matmul_avxvnni(const MatmulArgs& a) {
    switch (a.group) {
        case 1:
            return quantised_rows<V, Format, 1>(a);
        case 2:
            return quantised_rows<V, Format, 2>(a);
        case 4:
            return quantised_rows<V, Format, 4>(a);
        default:
            return token_rows<V, Format, 8>(a);
    }
}

// In the order of formats().
template <class V>
constexpr MatmulFunctions functions() {
    return {float_matmul<V, ElementF32>,     float_matmul<V, ElementF16>,     matmul_avxvnni<V, KernelQ4_0>,
            matmul_avxvnni<V, KernelQ4_1>,   matmul_avxvnni<V, KernelQ5_0>,   matmul_avxvnni<V, KernelQ5_1>,
            matmul_avxvnni<V, KernelQ8_0>,   matmul_avxvnni<V, KernelQ2_K>,   matmul_avxvnni<V, KernelQ3_K>,
            matmul_avxvnni<V, KernelQ4_K>,   matmul_avxvnni<V, KernelQ5_K>,   matmul_avxvnni<V, KernelQ6_K>,
            matmul_avxvnni<V, KernelIQ4_NL>, matmul_avxvnni<V, KernelIQ4_XS>, float_matmul<V, ElementBF16>};
}

std::uint64_t integer_peak(std::uint64_t n, std::int32_t* sink) {
    __m256i acc[12];
    for (int i = 0; i < 12; ++i) acc[i] = _mm256_set1_epi32(*sink + i);
    const __m256i w = _mm256_set1_epi8(3), x = _mm256_set1_epi32(*sink | 0x01010101);
    for (std::uint64_t k = 0; k < n; ++k) {
        unroll<12>([&](auto i) DISTILL_LAMBDA { acc[i] = _mm256_dpbusd_avx_epi32(acc[i], w, x); });
    }
    for (int i = 1; i < 12; ++i) acc[0] = _mm256_add_epi32(acc[0], acc[i]);
    *sink = _mm256_extract_epi32(acc[0], 0);
    return n * 12 * 32;
}

constexpr CpuFeatures needs() {
    CpuFeatures f;
    f.avx2 = f.avxvnni = true;
    return f;
}

}  // namespace

extern const Kernels kAvxVnniKernels;
const Kernels kAvxVnniKernels{
    "avxvnni",   needs(), AvxVnni::kGroup, functions<AvxVnni>(), float_ops<xsimd::fma3<xsimd::avx2>, AvxVnni>(),
    integer_peak};

}  // namespace distill
