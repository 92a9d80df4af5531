// AMX: tiles of 16 tokens by 16 rows by 64 columns of bytes, of servers since Sapphire Rapids. A core makes 1024
// products a cycle of them, eight times what vpdpbusd does, but 16 x 16 sums have to be stored and read again before a
// scale can meet them: about as long as two products of tiles take. So a scale is needed no more often than every
// 256 columns, and the numbers between are whole ones.
//
// In 256 columns (a unit) an activation is x = scale * X, |X| <= 1023, and a weight, whatever its format, w = unit * W,
// W = q * k + c, |W| about 8170 at most, where k and c are the scale and the minimum of its block in units. Both are
// fine enough that neither rounding shows beside what formats lose (docs/SPEED.md has the figures), and the sum of 256
// products X * W fits 32 bits whatever they are.
//
// Tiles want bytes: X = 256 * X1 + X0, W = 256 * W1 + W0, four products of bytes in three sums:
//     X * W = 2^16 * X1 W1 + 2^8 * (X1 W0 + X0 W1) + X0 W0
// X0 is signed, W0 is not: those are the bytes of W as it stands in 16 bits.
// For few tokens, splitting weights would take longer than the products: vpdpbusd multiplies q with both bytes of X,
// and k meets the sum of a block. All of it is integers, so one token or many, the sum is the same.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "quant/kernels/amx_attention.h"
#include "quant/kernels/amx_tiles.h"
#include "quant/kernels/avx512_lanes.h"
#include "quant/kernels/avx512_vector.h"
#include "quant/kernels/float_ops.h"
#include "quant/kernels/matmul.h"

namespace distill {
namespace {

constexpr std::size_t kUnitBlocks = 8, kUnitColumns = kUnitBlocks * kActBlock;
constexpr std::size_t kTileColumns = Tiles::kRowBytes, kUnitTiles = kUnitColumns / kTileColumns;
constexpr std::size_t kGroup = Tiles::kRows;  // tokens
constexpr std::size_t kBytes = 2;             // of a number: the upper one, the lower one
constexpr int kByteBits = 8;
constexpr int kLargestX = 1023, kLargestW = 8170;
static_assert(1ll * kUnitColumns * kLargestX * (kLargestW + 20) <= 0x7fffffff);  // 20: more than rounding k and c adds

// --- Activations ---------------------------------------------------------------------------------------------------

// 256 columns of up to eight tokens. The last unit of a row takes as much room as the others; its missing columns are
// zeros.
template <std::size_t T>
struct FewUnit {
    std::int8_t bytes[kBytes][T][kUnitColumns];
    // Of four columns 0, 2, 1, 3: as the even and the odd bytes of weights come apart.
    std::int16_t words[T][kUnitColumns];
    std::int16_t sums[T][2 * kUnitBlocks];  // of 16 columns
    float scale[T];
};
// 256 columns of a whole group as tiles.
struct TileUnit {
    std::int8_t x[kUnitTiles][kBytes][kGroup][kTileColumns];
    float scale[kGroup];
};
// For 32 columns of a token, in a whole group and in smaller ones.
constexpr std::size_t kBlockBytes = 68, kSmallBlockBytes = 136;
template <std::size_t T>
constexpr std::size_t kUnitBytes = (kUnitBlocks * T) * (T == kGroup ? kBlockBytes : kSmallBlockBytes);
static_assert(sizeof(FewUnit<8>) == 8 * sizeof(FewUnit<1>) && sizeof(FewUnit<1>) <= kUnitBytes<1>);
static_assert(sizeof(TileUnit) <= kUnitBytes<kGroup> && kUnitBytes<kGroup> % 64 == 0);

constexpr int log2_of(int n) {
    return n <= 1 ? 0 : 1 + log2_of(n / 2);
}
DISTILL_INLINE __m512i shifted_up(__m512i v, int bits) {
    return _mm512_slli_epi32(v, static_cast<unsigned>(bits));
}

// 256 columns of a token as whole numbers, 16 bits each.
struct Rounded {
    __m256i x[kUnitColumns / 16];
    float scale;

    DISTILL_INLINE explicit Rounded(const float* from) {
        __m512 v[16];
        // As bit patterns, so that NaN comes out on top.
        __m512i largest = _mm512_setzero_si512();
        unroll<16>([&](auto i) DISTILL_LAMBDA {
            v[i] = _mm512_loadu_ps(from + 16 * i);
            largest =
                _mm512_max_epu32(largest, _mm512_and_si512(_mm512_castps_si512(v[i]), _mm512_set1_epi32(0x7fffffff)));
        });
        const std::uint32_t top_bits = _mm512_reduce_max_epu32(largest);
        float top;
        __builtin_memcpy(&top, &top_bits, 4);
        // Infinity and NaN stay in the scale, and end in the logits.
        const bool normal = (top > 1e-30f) & (top <= 3.4028234e38f);
        scale = normal ? top / kLargestX : top;
        const __m512 factor = _mm512_set1_ps(normal ? kLargestX / top : 0.0f);
        unroll<16>([&](auto i) DISTILL_LAMBDA {
            x[i] = _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(_mm512_mul_ps(v[i], factor)));
        });
    }
};

// The bytes of 32 numbers: x = 256 * upper + lower, both signed.
struct SplitWords {
    __m256i byte[kBytes];

    DISTILL_INLINE SplitWords(const __m256i (&x)[2]) {
        const __m512i all = _mm512_inserti64x4(_mm512_castsi256_si512(x[0]), x[1], 1);
        byte[0] = _mm512_cvtepi16_epi8(_mm512_srai_epi16(_mm512_add_epi16(all, _mm512_set1_epi16(128)), kByteBits));
        byte[1] = _mm512_cvtepi16_epi8(all);
    }
};

DISTILL_INLINE std::int32_t sum_of(__m256i words) {
    const __m256i pairs = _mm256_madd_epi16(words, _mm256_set1_epi16(1));
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}

template <std::size_t T>
DISTILL_INLINE void put(FewUnit<T>& out, std::size_t t, const Rounded& r) {
    const __m256i order =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
    for (std::size_t j = 0; j < kUnitBlocks; ++j) {
        const __m256i x[2] = {r.x[2 * j], r.x[2 * j + 1]};
        const SplitWords split(x);
        unroll<kBytes>([&](auto b) DISTILL_LAMBDA {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.bytes[b][t] + kActBlock * j), split.byte[b]);
        });
        unroll<2>([&](auto h) DISTILL_LAMBDA {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.words[t] + kActBlock * j + 16 * h),
                                _mm256_shuffle_epi8(x[h], order));
            out.sums[t][2 * j + h] = static_cast<std::int16_t>(sum_of(x[h]));
        });
    }
    out.scale[t] = r.scale;
}

DISTILL_INLINE void put(TileUnit& out, std::size_t t, const Rounded& r) {
    unroll<kUnitBlocks>([&](auto j) DISTILL_LAMBDA {
        const __m256i x[2] = {r.x[2 * j], r.x[2 * j + 1]};
        const SplitWords split(x);
        unroll<kBytes>([&](auto b) DISTILL_LAMBDA {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.x[j / 2][b][t] + j % 2 * kActBlock), split.byte[b]);
        });
    });
    out.scale[t] = r.scale;
}

template <class Unit, std::size_t T>
void quantize_units(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens) {
    static constexpr float kZeros[kUnitColumns] = {};
    auto* at = static_cast<char*>(blocks);
    for (std::size_t column = 0; column < n; column += kUnitColumns, at += kUnitBytes<T>) {
        for (std::size_t t = 0; t < T; ++t) {
            const float* from = static_cast<int>(t) < n_tokens ? x + t * x_stride + column : kZeros;
            float padded[kUnitColumns];
            if (n - column < kUnitColumns) {
                __builtin_memset(padded, 0, sizeof(padded));
                __builtin_memcpy(padded, from, (n - column) * sizeof(float));
                from = padded;
            }
            put(*reinterpret_cast<Unit*>(at), t, Rounded(from));
        }
    }
}

void quantize_amx(void* blocks, const float* x, std::size_t x_stride, std::size_t n, int n_tokens, int group) {
    switch (group) {
        case 1:
            return quantize_units<FewUnit<1>, 1>(blocks, x, x_stride, n, n_tokens);
        case 2:
            return quantize_units<FewUnit<2>, 2>(blocks, x, x_stride, n, n_tokens);
        case 4:
            return quantize_units<FewUnit<4>, 4>(blocks, x, x_stride, n, n_tokens);
        case 8:
            return quantize_units<FewUnit<8>, 8>(blocks, x, x_stride, n, n_tokens);
        default:
            return quantize_units<TileUnit, kGroup>(blocks, x, x_stride, n, n_tokens);
    }
}

void dequantize_amx(float* out, const void* blocks, std::size_t n, bool) {
    for (std::size_t i = 0; i < n; ++i) {
        const auto& unit =
            *reinterpret_cast<const FewUnit<1>*>(static_cast<const char*>(blocks) + i / kUnitColumns * kUnitBytes<1>);
        constexpr std::size_t kOrder[4] = {0, 2, 1, 3};
        const std::size_t column = i % kUnitColumns;
        out[i] = static_cast<float>(unit.words[0][column / 4 * 4 + kOrder[column % 4]]) * unit.scale[0];
    }
}

// --- Weights -------------------------------------------------------------------------------------------------------

// What stands in both halves of each lane of 32 bits.
DISTILL_INLINE __m512i in_both_halves(__m512i v) {
    return _mm512_shuffle_epi8(
        v, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13)));
}

// 256 columns of 16 rows, q as the format's weights() have it. W = q * k + c with whole k where q has so few bits that
// k keeps two or three digits of a scale, and for k-quants without minima, whose scales are whole numbers of a row's
// one scale already. Eight bits leave too little: there k has kBits more bits, and W = round(q * k / 2^kBits) + c.
template <class F>
struct UnitWeights {
    static constexpr int kMost = (1 << F::kBits) - 1;
    static constexpr bool kExact = F::kBlocks > 1 && F::kMin == 0, kWhole = kExact || F::kBits <= 6;
    static_assert(F::kOffset != 0 || F::kMin != 0);  // or there would be no c
    const typename F::Panel* panel;                  // of the first block
    typename F::Prepared prepared;
    std::size_t n_blocks;                                            // of 32 columns
    __m512i k[kUnitBlocks][F::kScales], c[kUnitBlocks][F::kScales];  // 16 rows
    __m512 unit;                                                     // 16 rows

    template <class Do>
    DISTILL_INLINE void for_scales(const Do& each) const {
        unroll<kUnitBlocks>([&](auto j) DISTILL_LAMBDA {
            if (F::kBlocks == 1 && j >= n_blocks) return;
            unroll<F::kScales>([&](auto h) DISTILL_LAMBDA { each(j, h); });
        });
    }

    DISTILL_INLINE void read(const typename F::Panel* p, std::size_t blocks) {
        panel = p;
        prepared = F::prepare(*p);
        n_blocks = blocks;
        if constexpr (kExact) {
            for_scales([&](auto j, auto h) DISTILL_LAMBDA {
                const std::int8_t* whole = F::sub_scales(*panel, prepared, j, h);
                k[j][h] = _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(whole)));
                c[j][h] = minus_offset(k[j][h]);
            });
            unit = Avx512::f16(panel->d);
        } else {
            measure();
        }
    }
    DISTILL_INLINE static __m512i minus_offset(__m512i scale) {
        return _mm512_sub_epi32(_mm512_setzero_si512(), shifted_up(scale, log2_of(F::kOffset)));
    }
    DISTILL_INLINE void measure() {
        __m512 scale[kUnitBlocks][F::kScales], low[kUnitBlocks][F::kScales];
        __m512i largest = _mm512_setzero_si512();  // as bit patterns, so that NaN comes out on top
        const auto meet = [&](__m512 v) DISTILL_LAMBDA {
            largest =
                _mm512_max_epu32(largest, _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff)));
        };
        for_scales([&](auto j, auto h) DISTILL_LAMBDA {
            const auto& of_block = F::kBlocks == 1 ? panel[j] : *panel;
            const __m512 s = scale[j][h] = F::scale(of_block, prepared, j, h, 0);
            if constexpr (F::kMin == 0) {
                meet(s);  // times the offset, which is the largest weight
            } else {
                const __m512 m = F::minimum(of_block, prepared, j, h, 0);
                low[j][h] = F::kMin > 0 ? m : _mm512_sub_ps(_mm512_setzero_ps(), m);
                meet(m);
                meet(_mm512_fmadd_ps(s, _mm512_set1_ps(kMost), low[j][h]));
            }
        });
        constexpr float kSteps = static_cast<float>(kLargestW) / (F::kMin == 0 ? F::kOffset : 1);
        // Too small to be divided by: zero. Infinity and NaN stay in the unit, and end in the logits.
        const __m512 top = _mm512_castsi512_ps(largest);
        const __mmask16 normal = _mm512_cmp_ps_mask(top, _mm512_set1_ps(1e-30f), _CMP_GT_OQ);
        const __m512 per_unit = _mm512_maskz_div_ps(normal, _mm512_set1_ps(kSteps), top);
        unit = _mm512_mul_ps(top, _mm512_set1_ps(1.0f / kSteps));
        const __m512 per_k = kWhole ? per_unit : _mm512_mul_ps(per_unit, _mm512_set1_ps(1 << F::kBits));
        for_scales([&](auto j, auto h) DISTILL_LAMBDA {
            k[j][h] = _mm512_cvtps_epi32(_mm512_mul_ps(scale[j][h], per_k));
            if constexpr (F::kMin != 0)
                c[j][h] = _mm512_cvtps_epi32(_mm512_mul_ps(low[j][h], per_unit));
            else if constexpr (kWhole)
                c[j][h] = minus_offset(k[j][h]);
            else
                c[j][h] = _mm512_cvtps_epi32(
                    _mm512_mul_ps(scale[j][h], _mm512_mul_ps(per_unit, _mm512_set1_ps(-F::kOffset))));
        });
    }

    // Columns 4g..4g + 3 of block F::kSpan * i + k, all rows.
    template <std::size_t k, std::size_t g>
    DISTILL_INLINE __m512i bytes(std::size_t i) const {
        const auto& of_block = F::kBlocks == 1 ? panel[i] : *panel;
        return F::template weights<k, g>(F::span(of_block, F::kBlocks == 1 ? 0 : i), 0);
    }
    // q * k, or q * k / 2^kBits rounded, of the even and of the odd columns. scale: k in both halves of each lane.
    struct Words {
        __m512i even, odd;
    };
    DISTILL_INLINE static Words times(__m512i q, __m512i scale) {
        if constexpr (kWhole) {
            return {_mm512_mullo_epi16(_mm512_and_si512(q, _mm512_set1_epi16(0xff)), scale),
                    _mm512_mullo_epi16(_mm512_srli_epi16(q, 8), scale)};
        } else {
            // Of 31 bits of a product the upper 16 are kept.
            constexpr int kUp = 15 - F::kBits;
            static_assert(kUp < 8);
            const __m512i mask = _mm512_set1_epi16(kMost << kUp);
            return {_mm512_mulhrs_epi16(_mm512_and_si512(_mm512_slli_epi16(q, kUp), mask), scale),
                    _mm512_mulhrs_epi16(_mm512_and_si512(_mm512_srli_epi16(q, 8 - kUp), mask), scale)};
        }
    }
};

// acc + what a token's unit has summed up, of 16 rows.
DISTILL_INLINE __m512 add_unit(__m512 acc, __m512i sum, __m512 unit, float scale) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_mul_ps(unit, _mm512_set1_ps(scale)), acc);
}

// --- Few tokens ----------------------------------------------------------------------------------------------------

// Blocks that share bytes lie together.
template <class F>
constexpr std::size_t kSpanBytes = sizeof(typename F::Panel) / (F::kBlocks / F::kSpan);
// A share of a span's lines for each group of columns of a block: where they begin.
template <class F, std::size_t i, class Do>
DISTILL_INLINE void for_share_of_lines(const Do& each) {
    constexpr std::size_t kShares = 8 * F::kSpan, kLines = (kSpanBytes<F> + 63) / 64, kFirst = i * kLines / kShares,
                          kLast = (i + 1) * kLines / kShares;
    unroll<kLast - kFirst>([&](auto line) DISTILL_LAMBDA { each(64 * (kFirst + line)); });
}
// What comes after a span is asked for twice: into the second-level cache, and from there into the first. Into the
// first at once, no more lines would be under way than that cache can wait for. None of the three places is whole pages
// from another one: such lines would be of one set of that cache. A lone token is soon done with weights of 8 bits.
template <class F, std::size_t T, std::size_t i>
DISTILL_INLINE void prefetch_share(const char* span) {
    for_share_of_lines<F, i>([&](std::size_t at) DISTILL_LAMBDA {
        constexpr std::size_t kFar = 7168, kNear = F::kBits == 8 && T == 1 ? 5120 : 3584;
        __asm__ volatile("prefetcht1 %0" : : "m"(span[kFar + at]));
        __asm__ volatile("prefetcht0 %0" : : "m"(span[kNear + at]));
    });
}

// Adds a span of blocks, whole k: each byte of x on its own.
template <class F, std::size_t T>
DISTILL_INLINE void add_bytes(__m512i (&all)[T], const UnitWeights<F>& w, std::size_t i, const FewUnit<T>& x,
                              const char* span) {
    // As many blocks as leave their sums in registers; of those that share bytes, all together if possible.
    constexpr std::size_t kAtOnce = F::kSpan * T <= 8 ? F::kSpan : 8 / T, kEach = 8 / F::kScales;
    const std::size_t j0 = F::kSpan * i;
    unroll<F::kSpan / kAtOnce>([&](auto part) DISTILL_LAMBDA {
        constexpr std::size_t k0 = part * kAtOnce;
        __m512i sums[kAtOnce][T][kBytes];
        unroll<8>([&](auto g) DISTILL_LAMBDA {
            unroll<kAtOnce>([&](auto k) DISTILL_LAMBDA {
                prefetch_share<F, T, (part * 8 + g) * kAtOnce + k>(span);
                const __m512i q = w.template bytes<k0 + k, g>(i);
                const std::size_t j = j0 + k0 + k;
                unroll<T>([&](auto t) DISTILL_LAMBDA {
                    unroll<kBytes>([&](auto b) DISTILL_LAMBDA {
                        __m512i& sum = sums[k][t][b];
                        if constexpr (g % kEach == 0) sum = _mm512_setzero_si512();
                        sum = _mm512_dpbusd_epi32(sum, q, broadcast32(x.bytes[b][t] + kActBlock * j + 4 * g));
                    });
                    if constexpr (g % kEach == kEach - 1) {
                        const __m512i sum = _mm512_add_epi32(shifted_up(sums[k][t][0], kByteBits), sums[k][t][1]);
                        all[t] = _mm512_add_epi32(all[t], _mm512_mullo_epi32(sum, w.k[j][g / kEach]));
                    }
                });
            });
        });
    });
}

// The same, k with more bits.
template <class F, std::size_t T>
DISTILL_INLINE void add_words(__m512i (&all)[T], const UnitWeights<F>& w, std::size_t i, const FewUnit<T>& x,
                              const char* span) {
    static_assert(F::kSpan == 1 && F::kScales == 1);
    const __m512i scale = in_both_halves(w.k[i][0]);
    __m512i odd[T];
    unroll<T>([&](auto t) DISTILL_LAMBDA { odd[t] = _mm512_setzero_si512(); });
    unroll<8>([&](auto g) DISTILL_LAMBDA {
        prefetch_share<F, T, g>(span);
        const auto p = w.times(w.template bytes<0, g>(i), scale);
        unroll<T>([&](auto t) DISTILL_LAMBDA {
            const std::int16_t* four = x.words[t] + kActBlock * i + 4 * g;
            all[t] = _mm512_dpwssd_epi32(all[t], p.even, broadcast32(four));
            odd[t] = _mm512_dpwssd_epi32(odd[t], p.odd, broadcast32(four + 2));
        });
    });
    unroll<T>([&](auto t) DISTILL_LAMBDA { all[t] = _mm512_add_epi32(all[t], odd[t]); });
}

template <class F, std::size_t T>
void few_rows(const MatmulArgs& a) {
    using Weights = UnitWeights<F>;
    const std::size_t n_blocks = a.columns / kActBlock, n_panel_blocks = n_blocks / F::kBlocks;
    for (std::size_t row = a.row_begin; row < a.row_end; row += kPanelRows) {
        const auto* panel = static_cast<const typename F::Panel*>(a.panels) + row / kPanelRows * n_panel_blocks;
        const auto* at = static_cast<const char*>(a.x);
        __m512 acc[T][1];
        unroll<T>([&](auto t) DISTILL_LAMBDA { acc[t][0] = _mm512_setzero_ps(); });
        for (std::size_t b = 0; b < n_blocks;
             b += kUnitBlocks, at += kUnitBytes<T>, panel += kUnitBlocks / F::kBlocks) {
            const auto& x = *reinterpret_cast<const FewUnit<T>*>(at);
            const std::size_t here = n_blocks - b < kUnitBlocks ? n_blocks - b : kUnitBlocks;
            Weights w;
            w.read(panel, here);
            const char* span = reinterpret_cast<const char*>(panel);
            __m512i all[T];
            unroll<T>([&](auto t) DISTILL_LAMBDA { all[t] = _mm512_setzero_si512(); });
            for (std::size_t i = 0; i < here / F::kSpan; ++i, span += kSpanBytes<F>) {
                if constexpr (Weights::kWhole)
                    add_bytes<F, T>(all, w, i, x, span);
                else
                    add_words<F, T>(all, w, i, x, span);
            }
            unroll<kUnitBlocks>([&](auto j) DISTILL_LAMBDA {
                if (j >= here) return;
                const __m512i c = pair_of(w.c[j][0], w.c[j][F::kScales - 1]);
                unroll<T>([&](auto t) DISTILL_LAMBDA {
                    all[t] = _mm512_dpwssd_epi32(all[t], c, broadcast32(x.sums[t] + 2 * j));
                });
            });
            unroll<T>([&](auto t) DISTILL_LAMBDA { acc[t][0] = add_unit(acc[t][0], all[t], w.unit, x.scale[t]); });
        }
        store_tile<Avx512, 1, T>(a, row, acc);
    }
}

// --- More tokens ---------------------------------------------------------------------------------------------------

constexpr std::size_t kGroups = 16;  // in one call
constexpr std::size_t kTileBytes = Tiles::kRows * Tiles::kRowBytes;

// A unit of two panels as tiles.
struct UnitTiles {
    alignas(64) std::uint8_t w[kUnitTiles][kBytes][kPanels][kTileBytes];
    __m512 unit[kPanels];

    // The n-th panel; `next`, what will be unpacked in its turn, is asked for meanwhile.
    template <class F>
    DISTILL_INLINE void unpack(std::size_t n, const typename F::Panel* panel, std::size_t n_blocks,
                               const typename F::Panel* next) {
        using Weights = UnitWeights<F>;
        Weights weights;
        weights.read(panel, n_blocks);
        unit[n] = weights.unit;
        const __m512i even_bytes = _mm512_set1_epi16(0xff);
        // Of 16-bit numbers, the bytes of one where `even_bytes` is, those of the other where it is not.
        const auto merge = [&](__m512i even, __m512i odd)
                               DISTILL_LAMBDA { return _mm512_ternarylogic_epi32(even_bytes, even, odd, 0xca); };
        // Both in both halves of a lane.
        __m512i scale[kUnitBlocks][F::kScales], c[kUnitBlocks][F::kScales];
        weights.for_scales([&](auto j, auto h) DISTILL_LAMBDA {
            scale[j][h] = in_both_halves(weights.k[j][h]);
            c[j][h] = in_both_halves(weights.c[j][h]);
        });
        const char* ahead = reinterpret_cast<const char*>(next);
        for (std::size_t i = 0; i < n_blocks / F::kSpan; ++i, ahead += kSpanBytes<F>) {
            unroll<8>([&](auto g) DISTILL_LAMBDA {
                unroll<F::kSpan>([&](auto k) DISTILL_LAMBDA {
                    for_share_of_lines<F, g * F::kSpan + k>([&](std::size_t at) DISTILL_LAMBDA {
                        __asm__ volatile("prefetcht1 %0" : : "m"(ahead[at]));
                    });
                    const std::size_t j = F::kSpan * i + k;
                    constexpr std::size_t h = g / (8 / F::kScales);
                    const auto p = Weights::times(weights.template bytes<k, g>(i), scale[j][h]);
                    const __m512i offset = c[j][h], even = _mm512_add_epi16(p.even, offset),
                                  odd = _mm512_add_epi16(p.odd, offset);
                    const __m512i upper = merge(_mm512_srli_epi16(even, kByteBits), odd),
                                  lower = merge(even, _mm512_slli_epi16(odd, kByteBits));
                    const std::size_t tile = j / 2, byte = (8 * (j % 2) + g) * kTileColumns;
                    _mm512_store_si512(w[tile][0][n] + byte, upper);
                    _mm512_store_si512(w[tile][1][n] + byte, lower);
                });
            });
        }
    }
};

// What products of upper bytes, of one upper and one lower, and of lower ones have summed up.
constexpr std::size_t kSums = 3;
using ByteSums = std::int32_t[kSums][kPanels][kGroup][kPanelRows];

// A product of tiles whose sums have not met their scales yet.
struct Pending {
    const TileUnit* x;
    RowSums* to;  // [kGroup]
    // Where the rows end, with their last unit.
    float* out;  // of the group's first token
    std::size_t out_stride;
    int n_tokens;       // that are wanted
    const float* bias;  // or null
    bool add_to_out;
    __mmask16 rows[kPanels];  // that there are

    // Adds the unit to the sums of a token's rows.
    template <bool kFirst, bool kLast>
    DISTILL_INLINE void add(const ByteSums& sums, const UnitTiles& w, std::size_t t) const {
        unroll<kPanels>([&](auto panel) DISTILL_LAMBDA {
            __m512i all = _mm512_load_si512(sums[0][panel][t]);
            unroll<kSums - 1>([&](auto i) DISTILL_LAMBDA {
                all = _mm512_add_epi32(shifted_up(all, kByteBits), _mm512_load_si512(sums[i + 1][panel][t]));
            });
            float* so_far = to[t] + panel * kPanelRows;
            __m512 v = add_unit(kFirst ? _mm512_setzero_ps() : _mm512_load_ps(so_far), all, w.unit[panel], x->scale[t]);
            if constexpr (!kLast) return _mm512_store_ps(so_far, v);
            if (static_cast<int>(t) >= n_tokens) return;
            float* o = out + t * out_stride + panel * kPanelRows;
            if (bias != nullptr) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(rows[panel], bias + panel * kPanelRows));
            if (add_to_out) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(rows[panel], o));
            _mm512_mask_storeu_ps(o, rows[panel], v);
        });
    }
};

// What vector code adds of the product before, token by token, it adds while tiles are multiplied: each has to wait for
// the other's memory, and no processor looks so far ahead by itself.
template <bool kAfterAnother, bool kFirst, bool kLast>
DISTILL_INLINE void multiply_tiles(ByteSums& sums, const Pending& now, const Pending& before, const UnitTiles& w,
                                   std::size_t n_tiles) {
    static_assert(kGroup == kUnitTiles * kBytes * kBytes);
    unroll<kSums * kPanels>([&](auto i) DISTILL_LAMBDA { Tiles::zero<i>(); });
    for (std::size_t tile = 0; tile < n_tiles; ++tile) {
        unroll<kBytes>([&](auto of_x) DISTILL_LAMBDA {
            Tiles::load<6>(now.x->x[tile][of_x]);
            unroll<kBytes>([&](auto of_w) DISTILL_LAMBDA {
                unroll<kPanels>([&](auto n) DISTILL_LAMBDA {
                    Tiles::load<7>(w.w[tile][of_w][n]);
                    Tiles::multiply<(of_x + of_w) * kPanels + n, 6, 7, true, of_w == 0>();
                });
                if constexpr (kAfterAnother) before.add<kFirst, kLast>(sums, w, (tile * kBytes + of_x) * kBytes + of_w);
            });
        });
    }
    if constexpr (kAfterAnother) {
        for (std::size_t t = n_tiles * kBytes * kBytes; t < kGroup; ++t) before.add<kFirst, kLast>(sums, w, t);
    }
    unroll<kSums * kPanels>([&](auto i) DISTILL_LAMBDA { Tiles::store<i>(sums[i / kPanels][i % kPanels]); });
}

// All groups of tokens with a unit of two panels, the rows' first one, their last one or one between. One copy for all
// formats.
template <bool kFirst, bool kLast>
__attribute__((noinline)) void multiply_groups(const MatmulArgs& a, Pending now, const UnitTiles& w,
                                               std::size_t n_tiles, std::size_t group_bytes) {
    alignas(64) ByteSums sums;
    Pending before = now;
    multiply_tiles<false, kFirst, kLast>(sums, now, before, w, n_tiles);
    for (std::size_t g = 1; g < a.n_groups; ++g) {
        before = now;
        now.x = reinterpret_cast<const TileUnit*>(reinterpret_cast<const char*>(now.x) + group_bytes);
        now.to += kGroup;
        now.out += kGroup * a.out_stride;
        now.n_tokens -= static_cast<int>(kGroup);
        multiply_tiles<true, kFirst, kLast>(sums, now, before, w, n_tiles);
    }
    for (std::size_t t = 0; t < kGroup; ++t) now.add<kFirst, kLast>(sums, w, t);
}

// For several groups units of columns outside, panels inside, so that what is read of the tokens stays in the
// second-level cache for all panels; the sums of the rows wait in memory meanwhile. For one group weights in order of
// their addresses.
template <class F>
void tile_rows(const MatmulArgs& a) {
    constexpr std::size_t kMaxTokens = kGroups * kGroup, kMostRows = 16 * kPanelRows,
                          kPanelBlocks = kUnitBlocks / F::kBlocks;
    const Tiles tiles;
    const std::size_t n_blocks = a.columns / kActBlock, n_panel_blocks = n_blocks / F::kBlocks;
    const std::size_t n_units = (n_blocks + kUnitBlocks - 1) / kUnitBlocks, group_bytes = n_units * kUnitBytes<kGroup>;
    const std::size_t most_rows = a.n_groups > 1 ? kMostRows : kTileRows;
    UnitTiles weights;
    alignas(64) RowSums row_sums[kMostRows / kTileRows][kMaxTokens];
    const auto* panels = static_cast<const typename F::Panel*>(a.panels);
    for (std::size_t first = a.row_begin; first < a.row_end; first += most_rows) {
        const std::size_t last = a.row_end - first < most_rows ? a.row_end : first + most_rows;
        for (std::size_t unit = 0; unit < n_units; ++unit) {
            const std::size_t left = n_blocks - unit * kUnitBlocks, here = left < kUnitBlocks ? left : kUnitBlocks;
            for (std::size_t row = first; row < last; row += kTileRows) {
                Pending now{};
                now.x = reinterpret_cast<const TileUnit*>(static_cast<const char*>(a.x) + unit * kUnitBytes<kGroup>);
                now.to = row_sums[(row - first) / kTileRows];
                now.out = a.out + row;
                now.out_stride = a.out_stride;
                now.n_tokens = a.n_tokens;
                now.bias = a.bias == nullptr ? nullptr : a.bias + row;
                now.add_to_out = a.add;
                // What comes next: this unit of two more panels, or the next unit of the first ones.
                const bool more_rows = row + kTileRows < last, more_units = unit + 1 < n_units;
                const std::size_t next_row = more_rows || !more_units ? row + kTileRows : first,
                                  next_unit = more_rows    ? unit
                                              : more_units ? unit + 1
                                                           : 0;
                for (std::size_t n = 0; n < kPanels; ++n) {
                    const std::size_t of_panel = row + n * kPanelRows, rows = of_panel < last ? last - of_panel : 0;
                    // The last panel of an odd number is its own neighbour.
                    const auto* panel =
                        panels + (rows == 0 ? row : of_panel) / kPanelRows * n_panel_blocks + unit * kPanelBlocks;
                    now.rows[n] = static_cast<__mmask16>(rows >= kPanelRows ? 0xffff : (1 << rows) - 1);
                    weights.unpack<F>(n, panel, here,
                                      panels + (next_row / kPanelRows + n) * n_panel_blocks + next_unit * kPanelBlocks);
                }
                const auto multiply = [&](auto of_first, auto of_last) DISTILL_LAMBDA {
                    multiply_groups<of_first, of_last>(a, now, weights, (here + 1) / 2, group_bytes);
                };
                using Yes = std::true_type;
                using No = std::false_type;
                if (n_units == 1)
                    multiply(Yes(), Yes());
                else if (unit == 0)
                    multiply(Yes(), No());
                else if (unit + 1 < n_units)
                    multiply(No(), No());
                else
                    multiply(No(), Yes());
            }
        }
    }
}

// --- The table -----------------------------------------------------------------------------------------------------

struct Products {
    template <template <class> class Format>
    static void product(const MatmulArgs& a) {
        using F = Format<Avx512>;
        switch (a.group) {
            case 1:
                return few_rows<F, 1>(a);
            case 2:
                return few_rows<F, 2>(a);
            case 4:
                return few_rows<F, 4>(a);
            case 8:
                return few_rows<F, 8>(a);
            default:
                return tile_rows<F>(a);
        }
    }
};

std::uint64_t integer_peak(std::uint64_t n, std::int32_t* sink) {
    alignas(64) std::uint8_t bytes[kTileBytes];
    __builtin_memset(bytes, *sink & 1, sizeof(bytes));
    const Tiles tiles;
    unroll<8>([&](auto i) DISTILL_LAMBDA { Tiles::load<i>(bytes); });
    for (std::uint64_t k = 0; k < n; k += 16) {
        unroll<4>([&](auto i) DISTILL_LAMBDA { Tiles::multiply<i, 6, 7, true, true>(); });
    }
    Tiles::store<0>(bytes);
    *sink += bytes[0];
    return (n + 15) / 16 * 4 * kGroup * kPanelRows * kTileColumns;
}

constexpr CpuFeatures needs() {
    CpuFeatures f;
    f.avx2 = f.avx512vnni = f.amx = true;
    return f;
}

}  // namespace

extern const Kernels kAmxKernels;
const Kernels kAmxKernels{"amx",
                          needs(),
                          kGroup,
                          matmul_functions<Avx512, Products>(),
                          float_ops<xsimd::avx512bw, Avx512>(quantize_amx, dequantize_amx),
                          integer_peak,
                          kBlockBytes,
                          {},
                          kGroups,
                          kTileRows,
                          &kPageAttentionAmx,
                          false,
                          kUnitColumns,
                          kSmallBlockBytes};

}  // namespace distill
