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
    static constexpr std::size_t kFewestTokens = 4;  // that the tile of several tokens is faster for

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

    // For the tile of several tokens. 8-bit weights as above, but a sign that is stored as a mask of bits and flips those of x,
    // which is an operation of any pipe: -x - 1. What that loses is the sum of the negative weights, for all tokens the same.
    template <int kBits, int kOffset>
    struct Half {
        static constexpr bool kSigns = kBits == 8;
        static constexpr std::size_t kPerWord = Dot<kBits, kOffset>::kPerWord;
        U8 w[4];
        __m256i lost;
        const std::uint8_t* sign;

        DISTILL_INLINE static void keep(std::uint8_t* weights, std::uint8_t* signs, U8 v) {
            if constexpr (kSigns) {
                const __m256i signed_v = _mm256_xor_si256(v, _mm256_set1_epi8(-128));
                store(weights, _mm256_abs_epi8(signed_v));
                store(signs, _mm256_cmpgt_epi8(_mm256_setzero_si256(), signed_v));
            } else {
                store(weights, v);
            }
        }
        DISTILL_INLINE void load(const std::uint8_t* weights, const std::uint8_t* signs) {
            sign = signs;
            unroll<4>([&](auto g) DISTILL_LAMBDA { w[g] = Vector256::load(weights + 64 * g); });
            if constexpr (kSigns) {
                __m256i words = _mm256_setzero_si256();
                unroll<4>([&](auto g) DISTILL_LAMBDA {
                    words = _mm256_add_epi16(words, _mm256_maddubs_epi16(w[g], Vector256::load(signs + 64 * g)));
                });
                lost = _mm256_madd_epi16(words, _mm256_set1_epi16(-1));
            }
        }
        DISTILL_INLINE static void multiply(__m256i (&sum)[kRegisters], const Half (&half)[kRegisters], const std::int8_t* x,
                                            const std::int32_t* minus_8_sum) {
            __m256i words[kRegisters], start;
            if constexpr (kOffset != 0 && !kSigns) start = start_sum<kOffset>(minus_8_sum);
            unroll<4>([&](auto g) DISTILL_LAMBDA {
                const __m256i xq = broadcast4(x + 4 * g);
                unroll<kRegisters>([&](auto n) DISTILL_LAMBDA {
                    const Half& v = half[n];
                    __m256i signed_x = xq;
                    if constexpr (kSigns) signed_x = _mm256_xor_si256(xq, Vector256::load(v.sign + 64 * g));
                    const __m256i products = _mm256_maddubs_epi16(v.w[g], signed_x);
                    words[n] = g % kPerWord == 0 ? products : _mm256_add_epi16(words[n], products);
                    if constexpr ((g + 1) % kPerWord == 0) {
                        const __m256i total = _mm256_madd_epi16(words[n], _mm256_set1_epi16(1));
                        if constexpr (g + 1 != kPerWord) sum[n] = _mm256_add_epi32(sum[n], total);
                        else if constexpr (kSigns) sum[n] = _mm256_add_epi32(v.lost, total);
                        else if constexpr (kOffset != 0) sum[n] = _mm256_add_epi32(start, total);
                        else sum[n] = total;
                    }
                    // One product after the other: GCC would add them in pairs, for which there are not enough registers.
                    if constexpr ((g + 1) % kPerWord == 0) __asm__("" : "+x"(sum[n]));
                    else __asm__("" : "+x"(words[n]));
                });
            });
        }
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
const Kernels kAvx2Kernels{"avx2", needs(), Avx2::kGroup, functions256<Avx2>(),
                           float_ops<xsimd::fma3<xsimd::avx2>, Avx2>(), integer_peak};

}  // namespace distill
