// Activations as the AMX table reads them: whole numbers with one scale for 256 columns (a unit), cut into digits, as
// bytes.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "quant/kernels/amx_tiles.h"
#include "quant/kernels/avx512_vector.h"
#include "quant/kernels/matmul_args.h"
#include "quant/unroll.h"

namespace distill {
namespace {

constexpr std::size_t kUnitBlocks = 8, kUnitColumns = kUnitBlocks * kActBlock;
constexpr std::size_t kTileColumns = Tiles::kRowBytes, kUnitTiles = kUnitColumns / kTileColumns;
constexpr std::size_t kGroup = Tiles::kRows;  // tokens, at most
// Numbers, of activations and of weights, are kBase * digit 0 + digit 1.
constexpr std::size_t kDigits = 2;
constexpr int kDigitBits = 5, kBase = 1 << kDigitBits;
// As large as the sum of 16 columns in 16 bits allows, and, of upper digits with weights of four bits, that of 32.
constexpr int kLargestDigit = 63, kLargestX = kLargestDigit * kBase + kBase / 2 - 1;
static_assert(16 * kLargestX <= 0x7fff && kActBlock * 15 * kLargestDigit <= 0x7fff);

// 256 columns of up to four tokens. The last unit of a row takes as much room as the others; its missing columns are
// zeros.
template <std::size_t T>
struct FewUnit {
    std::int8_t digits[kDigits][T][kUnitColumns];
    // The whole numbers; of four columns 0, 2, 1, 3: as the even and the odd bytes of weights come apart.
    std::int16_t words[T][kUnitColumns];
    std::int16_t sums[T][2 * kUnitBlocks];                    // of 16 columns
    std::int16_t digit_sums[T][kUnitBlocks / 2][kDigits][2];  // of 32 columns, two blocks
    float scale[T];
};
// 256 columns of T tokens as tiles.
template <std::size_t T>
struct TileUnit {
    std::int8_t x[kUnitTiles][kDigits][T][kTileColumns];
    float scale[T];
    // Digits of weights have 128 added where there are three products of them (amx_weights.h). What that adds to their
    // sum, 32 * X0 W0 + X0 W1 + X1 W0.
    std::int32_t excess[T];
};
// For 32 columns of a token, in a whole group and in smaller ones.
constexpr std::size_t kBlockBytes = 68, kSmallBlockBytes = 140;
template <std::size_t T>
constexpr std::size_t kUnitBytes = (kUnitBlocks * T) * (T == kGroup ? kBlockBytes : kSmallBlockBytes);
static_assert(sizeof(FewUnit<4>) == 4 * sizeof(FewUnit<1>) && sizeof(FewUnit<1>) <= kUnitBytes<1>);
static_assert(sizeof(TileUnit<8>) <= kUnitBytes<8> && kUnitBytes<8> % 64 == 0);
static_assert(sizeof(TileUnit<kGroup>) <= kUnitBytes<kGroup> && kUnitBytes<kGroup> % 64 == 0);

// A scale for 256 columns of a token, and what makes whole numbers of them.
struct UnitScale {
    float scale, per_scale;

    DISTILL_INLINE explicit UnitScale(const float* from) {
        // As bit patterns, so that NaN comes out on top.
        __m512i largest = _mm512_setzero_si512();
        unroll<kUnitColumns / 16>([&](auto i) DISTILL_LAMBDA {
            const __m512i bits = _mm512_loadu_si512(from + 16 * i);
            largest = _mm512_max_epu32(largest, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
        });
        const std::uint32_t top_bits = _mm512_reduce_max_epu32(largest);
        float top;
        __builtin_memcpy(&top, &top_bits, 4);
        // Infinity and NaN stay in the scale, and end in the logits.
        const bool normal = (top > 1e-30f) & (top <= 3.4028234e38f);
        scale = normal ? top / kLargestX : top;
        per_scale = normal ? kLargestX / top : 0.0f;
    }
    // 16 columns, 32 bits each.
    DISTILL_INLINE __m512i rounded(const float* from) const {
        return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(from), _mm512_set1_ps(per_scale)));
    }
};

// The digits of 16-bit numbers, both signed.
struct DigitsOfX {
    __m512i upper, lower;

    DISTILL_INLINE explicit DigitsOfX(__m512i x) {
        const __m512i half = _mm512_set1_epi16(kBase / 2), up = _mm512_add_epi16(x, half);
        upper = _mm512_srai_epi16(up, kDigitBits);
        lower = _mm512_sub_epi16(_mm512_and_si512(up, _mm512_set1_epi16(kBase - 1)), half);
    }
};

DISTILL_INLINE std::int32_t sum_of_lanes(__m256i lanes) {
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}
DISTILL_INLINE std::int32_t sum_of_words(__m256i words) {
    return sum_of_lanes(_mm256_madd_epi16(words, _mm256_set1_epi16(1)));
}

template <std::size_t T>
DISTILL_INLINE void put(FewUnit<T>& out, std::size_t t, const float* from) {
    const __m256i order =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
    const UnitScale unit(from);
    for (std::size_t j = 0; j < kUnitBlocks; ++j) {
        __m256i x[2];
        unroll<2>([&](auto h) DISTILL_LAMBDA {
            x[h] = _mm512_cvtepi32_epi16(unit.rounded(from + kActBlock * j + 16 * h));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.words[t] + kActBlock * j + 16 * h),
                                _mm256_shuffle_epi8(x[h], order));
            out.sums[t][2 * j + h] = static_cast<std::int16_t>(sum_of_words(x[h]));
        });
        const DigitsOfX of(_mm512_inserti64x4(_mm512_castsi256_si512(x[0]), x[1], 1));
        const __m256i digit[kDigits] = {_mm512_cvtepi16_epi8(of.upper), _mm512_cvtepi16_epi8(of.lower)};
        unroll<kDigits>([&](auto d) DISTILL_LAMBDA {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.digits[d][t] + kActBlock * j), digit[d]);
            out.digit_sums[t][j / 2][d][j % 2] = static_cast<std::int16_t>(
                sum_of_lanes(_mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), digit[d])));
        });
    }
    out.scale[t] = unit.scale;
}

template <std::size_t T>
DISTILL_INLINE void put(TileUnit<T>& out, std::size_t t, const float* from) {
    // Packed twice, a lane of 128 bits has four columns of each of four registers.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const UnitScale unit(from);
    __m512i excess = _mm512_setzero_si512();
    unroll<kUnitTiles>([&](auto i) DISTILL_LAMBDA {
        const float* four = from + kTileColumns * i;
        const DigitsOfX low(_mm512_packs_epi32(unit.rounded(four), unit.rounded(four + 16))),
            high(_mm512_packs_epi32(unit.rounded(four + 32), unit.rounded(four + 48)));
        const __m512i digit[kDigits] = {_mm512_packs_epi16(low.upper, high.upper),
                                        _mm512_packs_epi16(low.lower, high.lower)};
        unroll<kDigits>([&](auto d) DISTILL_LAMBDA {
            _mm512_store_si512(out.x[i][d][t], _mm512_permutexvar_epi32(order, digit[d]));
            excess = _mm512_dpbusd_epi32(excess, _mm512_set1_epi8(d == 0 ? kBase + 1 : 1), digit[d]);
        });
    });
    out.scale[t] = unit.scale;
    out.excess[t] = 128 * _mm512_reduce_add_epi32(excess);
}

template <class Unit, std::size_t T>
void quantize_units(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens) {
    static constexpr float kZeros[kUnitColumns] = {};
    auto* at = static_cast<char*>(blocks);
    for (std::size_t column = 0; column < n; column += kUnitColumns, at += kUnitBytes<T>) {
        for (std::size_t t = 0; t < T; ++t) {
            const float* from = static_cast<int>(t) < n_tokens ? x + t * x_stride + column : kZeros;
            float room[kUnitColumns];
            from = padded(room, from, n - column);
            put(*reinterpret_cast<Unit*>(at), t, from);
        }
    }
}

inline void quantize_amx(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens, int group,
                         ActForms) {
    switch (group) {
        case 1:
            return quantize_units<FewUnit<1>, 1>(blocks, x, x_stride, n, n_tokens);
        case 2:
            return quantize_units<FewUnit<2>, 2>(blocks, x, x_stride, n, n_tokens);
        case 4:
            return quantize_units<FewUnit<4>, 4>(blocks, x, x_stride, n, n_tokens);
        case 8:
            return quantize_units<TileUnit<8>, 8>(blocks, x, x_stride, n, n_tokens);
        default:
            return quantize_units<TileUnit<kGroup>, kGroup>(blocks, x, x_stride, n, n_tokens);
    }
}

inline void dequantize_amx(float* out, const void* blocks, std::size_t n, ActForms) {
    for (std::size_t i = 0; i < n; ++i) {
        const auto& unit =
            *reinterpret_cast<const FewUnit<1>*>(static_cast<const char*>(blocks) + i / kUnitColumns * kUnitBytes<1>);
        constexpr std::size_t kOrder[4] = {0, 2, 1, 3};
        const std::size_t column = i % kUnitColumns;
        out[i] = static_cast<float>(unit.words[0][column / 4 * 4 + kOrder[column % 4]]) * unit.scale[0];
    }
}

}  // namespace
}  // namespace distill
