#include "quant/panels.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <type_traits>
#include <xsimd/xsimd.hpp>

#include "quant/iq4.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"
#include "quant/unroll.h"

namespace distill {
namespace {

constexpr std::size_t kRows = kPanelRows;

static_assert(sizeof(PanelQ4_0) == kRows * sizeof(BlockQ4_0) && sizeof(PanelQ4_1) == kRows * sizeof(BlockQ4_1));
static_assert(sizeof(PanelQ5_0) == kRows * sizeof(BlockQ5_0) && sizeof(PanelQ5_1) == kRows * sizeof(BlockQ5_1));
static_assert(sizeof(PanelQ8_0) == kRows * sizeof(BlockQ8_0) && sizeof(PanelQ6_K) == kRows * sizeof(BlockQ6_K));
static_assert(sizeof(PanelSignedQ4_0) == sizeof(PanelQ4_0) && sizeof(PanelSignedQ6_K) == sizeof(PanelQ6_K) &&
              sizeof(PanelSignedQ8_0) == sizeof(PanelQ8_0));
static_assert(sizeof(PanelQ4_K) == kRows * sizeof(BlockQ4_K) && sizeof(PanelQ5_K) == kRows * sizeof(BlockQ5_K));
static_assert(sizeof(PanelQ2_K) == kRows * sizeof(BlockQ2_K) && sizeof(PanelQ3_K) == kRows * sizeof(BlockQ3_K));
static_assert(sizeof(PanelIQ4_NL) == kRows * sizeof(BlockIQ4_NL) && sizeof(PanelIQ4_XS) == kRows * sizeof(BlockIQ4_XS));

// The same block of four neighbouring rows. Packing goes four rows at a time: their groups of 4 bytes are transposed in
// registers, and 16 bytes stored at once.
template <class Block>
using FourRows = std::array<const Block*, 4>;

using U32x4 = xsimd::make_sized_batch_t<std::uint32_t, 4>;
using U64x2 = xsimd::make_sized_batch_t<std::uint64_t, 2>;
using U8x16 = xsimd::make_sized_batch_t<std::uint8_t, 16>;
using U16x8 = xsimd::make_sized_batch_t<std::uint16_t, 8>;

// 16 bytes of each of four rows to four groups of 4 bytes, row after row.
DISTILL_INLINE void transpose_words(U8x16 (&group)[4], const U32x4 (&word)[4]) {
    const auto low01 = xsimd::bitwise_cast<U64x2>(xsimd::zip_lo(word[0], word[1]));
    const auto low23 = xsimd::bitwise_cast<U64x2>(xsimd::zip_lo(word[2], word[3]));
    const auto high01 = xsimd::bitwise_cast<U64x2>(xsimd::zip_hi(word[0], word[1]));
    const auto high23 = xsimd::bitwise_cast<U64x2>(xsimd::zip_hi(word[2], word[3]));
    group[0] = xsimd::bitwise_cast<U8x16>(xsimd::zip_lo(low01, low23));
    group[1] = xsimd::bitwise_cast<U8x16>(xsimd::zip_hi(low01, low23));
    group[2] = xsimd::bitwise_cast<U8x16>(xsimd::zip_lo(high01, high23));
    group[3] = xsimd::bitwise_cast<U8x16>(xsimd::zip_hi(high01, high23));
}

// 4 * kGroups bytes of rows r..r + 3 into their places of kGroups groups of 64 bytes, kStride apart; each byte xor `flip`.
template <std::size_t kGroups, std::size_t kStride = 64, class Block, std::size_t kBytes, class Byte>
void scatter(std::uint8_t* groups, std::size_t r, const FourRows<Block>& rows, const Byte (Block::*field)[kBytes],
             std::size_t from = 0, std::uint8_t flip = 0) {
    static_assert(kGroups % 4 == 0);
    const U32x4 flips(0x01010101u * flip);
    unroll<kGroups / 4>([&](auto q) DISTILL_LAMBDA {
        U32x4 word[4];
        unroll<4>([&](auto i) DISTILL_LAMBDA {
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(rows[i]->*field) + from + 16 * q;
            word[i] = xsimd::bitwise_cast<U32x4>(U8x16::load_unaligned(bytes)) ^ flips;
        });
        U8x16 group[4];
        transpose_words(group, word);
        unroll<4>([&](auto i) DISTILL_LAMBDA { group[i].store_unaligned(groups + kStride * (4 * q + i) + 4 * r); });
    });
}

// 16 bytes of rows r..r + 3 to lines[k][r..r + 3], k = 0..15.
template <class Line, class Block, class Byte>
void transpose_bytes(Line* lines, std::size_t r, const FourRows<Block>& rows, const Byte (Block::*field)[16]) {
    U8x16 row[4];
    unroll<4>([&](auto i) DISTILL_LAMBDA {
        row[i] = U8x16::load_unaligned(reinterpret_cast<const std::uint8_t*>(rows[i]->*field));
    });
    const auto words = [](const U8x16& v) { return xsimd::bitwise_cast<U16x8>(v); };
    const auto low01 = words(xsimd::zip_lo(row[0], row[1])), low23 = words(xsimd::zip_lo(row[2], row[3]));
    const auto high01 = words(xsimd::zip_hi(row[0], row[1])), high23 = words(xsimd::zip_hi(row[2], row[3]));
    alignas(16) std::uint32_t four[16];
    xsimd::bitwise_cast<U32x4>(xsimd::zip_lo(low01, low23)).store_aligned(four);
    xsimd::bitwise_cast<U32x4>(xsimd::zip_hi(low01, low23)).store_aligned(four + 4);
    xsimd::bitwise_cast<U32x4>(xsimd::zip_lo(high01, high23)).store_aligned(four + 8);
    xsimd::bitwise_cast<U32x4>(xsimd::zip_hi(high01, high23)).store_aligned(four + 12);
    unroll<16>([&](auto k) DISTILL_LAMBDA { std::memcpy(&lines[k][r], four + k, 4); });
}

template <class Block>
void copy_field(std::uint16_t* out, std::size_t r, const FourRows<Block>& rows, const std::uint16_t Block::*field) {
    unroll<4>([&](auto i) DISTILL_LAMBDA { out[r + i] = rows[i]->*field; });
}

std::uint32_t load_word(const std::uint8_t* bytes) {
    std::uint32_t word;
    std::memcpy(&word, bytes, 4);
    return word;
}

// The bits at c, c + 4, c + 8, ... of a word, as one byte: gathers by folding, a third of the gap at a time.
std::uint8_t every_fourth_bit(std::uint32_t word, std::size_t c) {
    std::uint32_t x = word >> c & 0x11111111u;
    x = (x | x >> 3) & 0x03030303u;
    x = (x | x >> 6) & 0x000f000fu;
    return static_cast<std::uint8_t>((x | x >> 12) & 0xffu);
}

template <class Block>
void scatter_fifth_bits(std::uint8_t (&h)[64], std::size_t r, const FourRows<Block>& rows) {
    unroll<4>([&](auto i) DISTILL_LAMBDA {
        const std::uint32_t word = load_word(rows[i]->qh);
        unroll<4>([&](auto c) DISTILL_LAMBDA { h[4 * (r + i) + c] = every_fourth_bit(word, c); });
    });
}

// Each overload puts the same block of rows r..r + 3 into its panel.
void put(PanelQ4_0& p, std::size_t r, const FourRows<BlockQ4_0>& b) {
    copy_field(p.d, r, b, &BlockQ4_0::d);
    scatter<4>(p.q[0], r, b, &BlockQ4_0::qs);
}
// Scales have been put by put_fractions.
void put(PanelSignedQ4_0& p, std::size_t r, const FourRows<BlockQ4_0>& b) {
    scatter<4>(p.q[0], r, b, &BlockQ4_0::qs, 0, 0x88);  // both nibbles - 8
}
void put(PanelQ4_1& p, std::size_t r, const FourRows<BlockQ4_1>& b) {
    copy_field(p.d, r, b, &BlockQ4_1::d);
    copy_field(p.m, r, b, &BlockQ4_1::m);
    scatter<4>(p.q[0], r, b, &BlockQ4_1::qs);
}
void put(PanelQ5_0& p, std::size_t r, const FourRows<BlockQ5_0>& b) {
    copy_field(p.d, r, b, &BlockQ5_0::d);
    scatter_fifth_bits(p.h, r, b);
    scatter<4>(p.q[0], r, b, &BlockQ5_0::qs);
}
void put(PanelQ5_1& p, std::size_t r, const FourRows<BlockQ5_1>& b) {
    copy_field(p.d, r, b, &BlockQ5_1::d);
    copy_field(p.m, r, b, &BlockQ5_1::m);
    scatter_fifth_bits(p.h, r, b);
    scatter<4>(p.q[0], r, b, &BlockQ5_1::qs);
}
void put(PanelQ8_0& p, std::size_t r, const FourRows<BlockQ8_0>& b) {
    copy_field(p.d, r, b, &BlockQ8_0::d);
    scatter<8>(p.q[0], r, b, &BlockQ8_0::qs, 0, 0x80);  // + 128
}
void put(PanelSignedQ8_0& p, std::size_t r, const FourRows<BlockQ8_0>& b) {
    copy_field(p.d, r, b, &BlockQ8_0::d);
    scatter<8>(p.q[0], r, b, &BlockQ8_0::qs);
}
void put(PanelIQ4_NL& p, std::size_t r, const FourRows<BlockIQ4_NL>& b) {
    copy_field(p.d, r, b, &BlockIQ4_NL::d);
    scatter<4>(p.q[0], r, b, &BlockIQ4_NL::qs);
}

// 6-bit scales and minima, four blocks (the bytes of a word) at a time; quant/q4_k.h says where the file keeps their bits.
template <class Block>
void put_scales(std::uint8_t (&s)[3][64], std::size_t r, const FourRows<Block>& rows) {
    constexpr std::uint32_t kLow2 = 0x03030303u, kLow4 = 0x0f0f0f0fu, kLow6 = 0x3f3f3f3fu, kUpper2 = 0x30303030u;
    unroll<4>([&](auto i) DISTILL_LAMBDA {
        const std::uint8_t* bytes = rows[i]->scales;
        const std::uint32_t w0 = load_word(bytes), w1 = load_word(bytes + 4), w2 = load_word(bytes + 8);
        const std::uint32_t scale0 = w0 & kLow6, scale4 = (w2 & kLow4) | (w0 >> 2 & kUpper2);  // blocks 0..3, 4..7
        const std::uint32_t min0 = w1 & kLow6, min4 = (w2 >> 4 & kLow4) | (w1 >> 2 & kUpper2);
        const std::uint32_t out[3] = {
            (scale0 & kLow4) | (scale4 & kLow4) << 4,
            (min0 & kLow4) | (min4 & kLow4) << 4,
            (scale0 >> 4 & kLow2) | (scale4 >> 4 & kLow2) << 2 | (min0 >> 4 & kLow2) << 4 | (min4 >> 4 & kLow2) << 6,
        };
        unroll<3>([&](auto k) DISTILL_LAMBDA {
            unroll<4>([&](auto j) DISTILL_LAMBDA { s[k][16 * j + r + i] = static_cast<std::uint8_t>(out[k] >> (8 * j)); });
        });
    });
}
void put(PanelQ4_K& p, std::size_t r, const FourRows<BlockQ4_K>& b) {
    copy_field(p.d, r, b, &BlockQ4_K::d);
    copy_field(p.dmin, r, b, &BlockQ4_K::dmin);
    put_scales(p.s, r, b);
    unroll<8>([&](auto i) DISTILL_LAMBDA { scatter<4>(p.pair[i / 2][i % 2].q[0], r, b, &BlockQ4_K::qs, 16 * i); });
}
void put(PanelQ5_K& p, std::size_t r, const FourRows<BlockQ5_K>& b) {
    copy_field(p.d, r, b, &BlockQ5_K::d);
    copy_field(p.dmin, r, b, &BlockQ5_K::dmin);
    put_scales(p.s, r, b);
    unroll<8>([&](auto i) DISTILL_LAMBDA {
        auto& half = p.pair[i / 2][i % 2];
        scatter<4>(half.q[0], r, b, &BlockQ5_K::qs, 16 * i);
        unroll<4>([&](auto row) DISTILL_LAMBDA {
            // Bits 2 * (i / 2) and the next one, of four groups of columns, into one word.
            const std::uint8_t* from = b[row]->qh + 16 * (i % 2);
            std::uint32_t bits = 0;
            unroll<4>([&](auto g) DISTILL_LAMBDA {
                bits |= (load_word(from + 4 * g) >> (2 * (i / 2)) & 0x03030303u) << (2 * g);
            });
            std::memcpy(half.h + 4 * (r + row), &bits, 4);
        });
    });
}
void put(PanelQ6_K& p, std::size_t r, const FourRows<BlockQ6_K>& b) {
    copy_field(p.d, r, b, &BlockQ6_K::d);
    transpose_bytes(p.s, r, b, &BlockQ6_K::scales);
    for (std::size_t half = 0; half < 2; ++half) {
        scatter<8, 192>(p.q[half][0][0], r, b, &BlockQ6_K::ql, 64 * half);
        scatter<8, 192>(p.q[half][0][1], r, b, &BlockQ6_K::ql, 64 * half + 32);
        scatter<8, 192>(p.q[half][0][2], r, b, &BlockQ6_K::qh, 32 * half);
    }
}
void put(PanelSignedQ6_K& p, std::size_t r, const FourRows<BlockQ6_K>& b) {
    copy_field(p.d, r, b, &BlockQ6_K::d);
    transpose_bytes(p.s, r, b, &BlockQ6_K::scales);
    for (std::size_t half = 0; half < 2; ++half) {
        unroll<8>([&](auto part) DISTILL_LAMBDA {
            constexpr std::size_t h = part / 4, j = part % 4;
            U32x4 row[4];
            unroll<4>([&](auto i) DISTILL_LAMBDA {
                const U8x16 low = U8x16::load_unaligned(b[i]->ql + 64 * half + 32 * (j % 2) + 16 * h);
                const U8x16 high = U8x16::load_unaligned(b[i]->qh + 32 * half + 16 * h);
                const U8x16 q = (j < 2 ? low & U8x16(15) : low >> 4) | ((high >> (2 * j)) & U8x16(3)) << 4;
                row[i] = xsimd::bitwise_cast<U32x4>(q ^ U8x16(32));
            });
            U8x16 column[4];  // of each group of them
            transpose_words(column, row);
            unroll<3>([&](auto g) DISTILL_LAMBDA {
                const U8x16 bits = (column[3] >> (4 - 2 * g)) & U8x16(3);
                (column[g] << 2 | bits).store_unaligned(p.q[half][h][j][g] + 4 * r);
            });
        });
    }
}
void put(PanelQ2_K& p, std::size_t r, const FourRows<BlockQ2_K>& b) {
    copy_field(p.d, r, b, &BlockQ2_K::d);
    copy_field(p.dmin, r, b, &BlockQ2_K::dmin);
    transpose_bytes(p.s, r, b, &BlockQ2_K::scales);
    for (std::size_t half = 0; half < 2; ++half) scatter<8>(p.q[half][0], r, b, &BlockQ2_K::qs, 32 * half);
}
void put(PanelQ3_K& p, std::size_t r, const FourRows<BlockQ3_K>& b) {
    copy_field(p.d, r, b, &BlockQ3_K::d);
    for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t k = 0; k < 8; ++k) p.low[k][r + i] = b[i]->scales[k];
        for (std::size_t k = 0; k < 4; ++k) p.high[k][r + i] = b[i]->scales[8 + k];
    }
    scatter<8>(p.h[0], r, b, &BlockQ3_K::hmask);
    for (std::size_t half = 0; half < 2; ++half) scatter<8>(p.q[half][0], r, b, &BlockQ3_K::qs, 32 * half);
}
void put(PanelIQ4_XS& p, std::size_t r, const FourRows<BlockIQ4_XS>& rows) {
    copy_field(p.d, r, rows, &BlockIQ4_XS::d);
    for (std::size_t i = 0; i < 4; ++i) {
        const BlockIQ4_XS& b = *rows[i];
        const auto low = [&](std::size_t j) { return b.scales_l[j / 2] >> (4 * (j % 2)) & 15; };
        const auto high = [&](std::size_t j) { return b.scales_h >> (2 * j) & 3; };
        for (std::size_t j = 0; j < 4; ++j) p.low[j][r + i] = static_cast<std::uint8_t>(low(j) | low(j + 4) << 4);
        for (std::size_t j = 0; j < 2; ++j) {
            p.high[j][r + i] = static_cast<std::uint8_t>(high(j) | high(j + 2) << 2 | high(j + 4) << 4 | high(j + 6) << 6);
        }
    }
    for (std::size_t j = 0; j < 8; ++j) scatter<4>(p.q[j][0], r, rows, &BlockIQ4_XS::qs, 16 * j);
}

// f of d = f * 2^(e - 29), where e is the exponent field of the row's largest d: less than 2^15 then, and exact for d of at least
// a 16th of that.
int fraction_of(std::uint16_t d, int e) {
    const int exponent = d >> 10 & 31, bits = exponent == 0 ? d & 1023 : (d & 1023) | 1024;
    const int left = std::max(exponent, 1) + 4 - e;
    const int size = left >= 0 ? bits << left : (bits + (1 << (-left - 1))) >> -left;
    return d < 0x8000 ? size : -size;
}

// The scales of n_blocks blocks of row r.
void put_fractions(PanelSignedQ4_0* panels, std::size_t r, const BlockQ4_0* blocks, std::size_t n_blocks) {
    int e = 0;
    for (std::size_t i = 0; i < n_blocks; ++i) e = std::max(e, blocks[i].d >> 10 & 31);
    for (std::size_t i = 0; i < n_blocks; ++i) {
        panels[i].f[r] = static_cast<std::int16_t>(e == 31 ? 0 : fraction_of(blocks[i].d, e));
    }
    // The nearest number with these lower bits. The largest, 2047 * 16, has an e of 1 and more, which takes it down.
    const int first = ((panels[0].f[r] - e + 16) & ~31) + e;
    assert(-0x8000 < first && first <= 0x7fff);
    panels[0].f[r] = static_cast<std::int16_t>(first);
}

// A panel: for each block column, the blocks of 16 rows. Blocks are read where they lie: tensor data is aligned to
// 8 bytes at least, and every block is an even number of bytes with 16-bit fields at most.
template <class Panel, class Block>
void pack_blocks(std::byte* out, const std::byte* rows, std::size_t row_bytes, std::size_t n_rows, std::size_t columns) {
    static constexpr Block kNoRow{};
    const std::size_t n_blocks = columns / static_cast<std::size_t>(Block::kWeights);
    auto* panels = reinterpret_cast<Panel*>(out);
    // 16 rows are 16 short streams, more than the hardware's prefetcher follows: their bytes, one stretch of the file, are
    // read once in order, and are in the second-level cache when they are wanted.
    for (std::size_t at = 0; at < std::min(n_rows, kRows) * row_bytes; at += 64) {
        static_cast<void>(*reinterpret_cast<const volatile std::byte*>(rows + at));
    }
    if constexpr (std::is_same_v<Panel, PanelSignedQ4_0>) {
        for (std::size_t i = 0; i < n_blocks; ++i) std::ranges::fill(panels[i].f, std::int16_t{0});
        for (std::size_t r = 0; r < n_rows && r < kRows; ++r) {
            put_fractions(panels, r, reinterpret_cast<const Block*>(rows + r * row_bytes), n_blocks);
        }
    }
    for (std::size_t i = 0; i < n_blocks; ++i) {
        for (std::size_t r = 0; r < kRows; r += 4) {
            FourRows<Block> four;
            unroll<4>([&](auto k) DISTILL_LAMBDA {
                four[k] = r + k < n_rows ? reinterpret_cast<const Block*>(rows + (r + k) * row_bytes) + i : &kNoRow;
            });
            put(panels[i], r, four);
        }
    }
}

// Float formats: [columns][16 rows].
template <class T>
void pack_floats(std::byte* out, const std::byte* rows, std::size_t row_bytes, std::size_t n_rows, std::size_t columns) {
    constexpr std::size_t kStep = 64;  // columns at a time, so that reads and writes stay in the first-level cache
    for (std::size_t c0 = 0; c0 < columns; c0 += kStep) {
        const std::size_t n = std::min(kStep, columns - c0);
        T tile[kStep][kRows] = {};
        for (std::size_t r = 0; r < n_rows; ++r) {
            T line[kStep];
            std::memcpy(line, rows + r * row_bytes + c0 * sizeof(T), n * sizeof(T));
            for (std::size_t c = 0; c < n; ++c) tile[c][r] = line[c];
        }
        std::memcpy(out + c0 * kRows * sizeof(T), tile, n * kRows * sizeof(T));
    }
}

using PackFn = void (*)(std::byte*, const std::byte*, std::size_t, std::size_t, std::size_t);

PackFn pack_function(FormatId id, SignedPanels signed_panels) {
    switch (id) {
        case FormatId::f32: return pack_floats<std::uint32_t>;
        case FormatId::f16:
        case FormatId::bf16: return pack_floats<std::uint16_t>;
        case FormatId::q4_0:
            return signed_panels.q4_0 ? pack_blocks<PanelSignedQ4_0, BlockQ4_0> : pack_blocks<PanelQ4_0, BlockQ4_0>;
        case FormatId::q4_1: return pack_blocks<PanelQ4_1, BlockQ4_1>;
        case FormatId::q5_0: return pack_blocks<PanelQ5_0, BlockQ5_0>;
        case FormatId::q5_1: return pack_blocks<PanelQ5_1, BlockQ5_1>;
        case FormatId::q8_0:
            return signed_panels.q8_0 ? pack_blocks<PanelSignedQ8_0, BlockQ8_0> : pack_blocks<PanelQ8_0, BlockQ8_0>;
        case FormatId::q2_k: return pack_blocks<PanelQ2_K, BlockQ2_K>;
        case FormatId::q3_k: return pack_blocks<PanelQ3_K, BlockQ3_K>;
        case FormatId::q4_k: return pack_blocks<PanelQ4_K, BlockQ4_K>;
        case FormatId::q5_k: return pack_blocks<PanelQ5_K, BlockQ5_K>;
        case FormatId::q6_k:
            return signed_panels.q6_k ? pack_blocks<PanelSignedQ6_K, BlockQ6_K> : pack_blocks<PanelQ6_K, BlockQ6_K>;
        case FormatId::iq4_nl: return pack_blocks<PanelIQ4_NL, BlockIQ4_NL>;
        case FormatId::iq4_xs: return pack_blocks<PanelIQ4_XS, BlockIQ4_XS>;
    }
    assert(false && "a format without a panel layout");
    return nullptr;
}

}  // namespace

std::size_t panel_bytes(const Format& format, std::size_t columns) { return kRows * format.row_bytes(columns); }

std::size_t packed_bytes(const Format& format, std::size_t rows, std::size_t columns) {
    return (rows + kRows - 1) / kRows * panel_bytes(format, columns);
}

void pack_panels(std::byte* panels, const Format& format, const std::byte* rows, std::size_t row_begin,
                 std::size_t row_end, std::size_t columns, SignedPanels signed_panels) {
    assert(row_begin % kRows == 0 && columns % format.block_weights == 0);
    const PackFn pack = pack_function(format.id, signed_panels);
    const std::size_t row_bytes = format.row_bytes(columns);
    for (std::size_t row = row_begin; row < row_end; row += kRows) {
        pack(panels + row * row_bytes, rows + row * row_bytes, row_bytes, std::min(kRows, row_end - row), columns);
    }
}

}  // namespace distill
