// AVX2 with FMA and F16C: every x86-64 processor since Haswell and Zen. A register holds 8 rows of a panel's 16.
#include <immintrin.h>

#include "quant/kernels/float_ops.h"
#include "quant/kernels/matmul.h"
#include "quant/kernels/vector256.h"

namespace distill {
namespace {

// vpmaddubsw multiplies unsigned with signed bytes and adds pairs into 16 bits. Sums of narrow weights may stay there for
// several groups before vpmaddwd widens them: 4 groups of 5-bit weights reach 4 * 2 * 31 * 127 = 31496.
struct Avx2 : Vector256 {
    template <int kBits, int kOffset>
    struct Dot {
        static constexpr std::size_t kPerWord = kBits <= 5 ? 4 : kBits == 6 ? 2 : 1;
        __m256i total, words;
        DISTILL_INLINE void start(const std::int32_t* minus_8_sum) {
            // 8-bit weights do not fit unsigned times signed: they are re-centred, so no offset is left to start with.
            total = kBits == 8 ? _mm256_setzero_si256() : start_sum<kOffset>(minus_8_sum);
        }
        template <std::size_t kIndex, std::size_t kCount>
        DISTILL_INLINE void add(U8 w, U8 x) {
            __m256i products;
            if constexpr (kBits == 8) {
                // |w| * (x with the sign of w): at most 2 * 128 * 127, which fits 16 bits.
                const __m256i signed_w = _mm256_xor_si256(w, _mm256_set1_epi8(static_cast<char>(-128)));
                products = _mm256_maddubs_epi16(_mm256_abs_epi8(signed_w), _mm256_sign_epi8(x, signed_w));
            } else {
                products = _mm256_maddubs_epi16(w, x);
            }
            words = kIndex % kPerWord == 0 ? products : _mm256_add_epi16(words, products);
            if constexpr ((kIndex + 1) % kPerWord == 0 || kIndex + 1 == kCount) {
                total = _mm256_add_epi32(total, _mm256_madd_epi16(words, _mm256_set1_epi16(1)));
            }
        }
        DISTILL_INLINE I32 sum() const { return total; }
    };
};

std::uint64_t integer_peak(std::uint64_t n, std::int32_t* sink) {
    __m256i acc[8];
    for (int i = 0; i < 8; ++i) acc[i] = _mm256_set1_epi32(*sink + i);
    const __m256i w = _mm256_set1_epi8(3), x = _mm256_set1_epi32(*sink | 0x01010101);
    for (std::uint64_t k = 0; k < n; ++k) {
        // The product depends on the sum, or the compiler would move it out of the loop.
        unroll<8>([&](auto i) DISTILL_LAMBDA {
            acc[i] = _mm256_add_epi16(acc[i], _mm256_maddubs_epi16(w, _mm256_xor_si256(x, acc[i])));
        });
    }
    for (int i = 1; i < 8; ++i) acc[0] = _mm256_add_epi32(acc[0], acc[i]);
    *sink = _mm256_extract_epi32(acc[0], 0);
    return n * 8 * 32;
}

constexpr CpuFeatures needs() {
    CpuFeatures f;
    f.avx2 = true;
    return f;
}

}  // namespace

extern const Kernels kAvx2Kernels;
const Kernels kAvx2Kernels{"avx2", needs(), Avx2::kGroup, matmul_functions<Avx2>(),
                           float_ops<xsimd::fma3<xsimd::avx2>, Avx2>(), integer_peak};

}  // namespace distill
