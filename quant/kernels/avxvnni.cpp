// AVX-VNNI: vpdpbusd on 256-bit registers, for processors without AVX-512 (Alder Lake and later, Arrow Lake, Zen 5c).
#include <immintrin.h>

#include "quant/kernels/float_ops.h"
#include "quant/kernels/matmul.h"
#include "quant/kernels/vector256.h"

namespace distill {
namespace {

struct AvxVnni : Vector256 {
    static constexpr std::size_t kFewestTokens = 8;  // that the tile of several tokens is faster for

    template <int kBits, int kOffset>
    struct Dot {
        __m256i v;
        DISTILL_INLINE void start(const std::int32_t* minus_8_sum) { v = start_sum<kOffset>(minus_8_sum); }
        template <std::size_t, std::size_t>
        DISTILL_INLINE void add(U8 w, U8 x) { v = _mm256_dpbusd_avx_epi32(v, w, x); }
        DISTILL_INLINE I32 sum() const { return v; }
    };

    // For the tile of several tokens.
    template <int kBits, int kOffset>
    struct Half {
        static constexpr bool kSigns = false;
        U8 w[4];

        DISTILL_INLINE static void keep(std::uint8_t* weights, std::uint8_t*, U8 v) { store(weights, v); }
        DISTILL_INLINE void load(const std::uint8_t* weights, const std::uint8_t*) {
            unroll<4>([&](auto g) DISTILL_LAMBDA { w[g] = Vector256::load(weights + 64 * g); });
        }
        DISTILL_INLINE static void multiply(__m256i (&sum)[kRegisters], const Half (&half)[kRegisters], const std::int8_t* x,
                                            const std::int32_t* minus_8_sum) {
            unroll<kRegisters>([&](auto n) DISTILL_LAMBDA { sum[n] = start_sum<kOffset>(minus_8_sum); });
            unroll<4>([&](auto g) DISTILL_LAMBDA {
                const __m256i xq = broadcast4(x + 4 * g);
                unroll<kRegisters>([&](auto n) DISTILL_LAMBDA { sum[n] = _mm256_dpbusd_avx_epi32(sum[n], half[n].w[g], xq); });
            });
        }
    };
};

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
const Kernels kAvxVnniKernels{"avxvnni", needs(), AvxVnni::kGroup, functions256<AvxVnni>(),
                              float_ops<xsimd::fma3<xsimd::avx2>, AvxVnni>(), integer_peak};

}  // namespace distill
