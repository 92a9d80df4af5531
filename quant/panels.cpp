#include "quant/panels.h"

#include <algorithm>
#include <cassert>
#include <cstring>

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

namespace distill {
namespace {

constexpr std::size_t kRows = kPanelRows;

static_assert(sizeof(PanelQ4_0) == kRows * sizeof(BlockQ4_0) && sizeof(PanelQ4_1) == kRows * sizeof(BlockQ4_1));
static_assert(sizeof(PanelQ5_0) == kRows * sizeof(BlockQ5_0) && sizeof(PanelQ5_1) == kRows * sizeof(BlockQ5_1));
static_assert(sizeof(PanelQ8_0) == kRows * sizeof(BlockQ8_0) && sizeof(PanelQ6_K) == kRows * sizeof(BlockQ6_K));
static_assert(sizeof(PanelQ4_K) == kRows * sizeof(BlockQ4_K) && sizeof(PanelQ5_K) == kRows * sizeof(BlockQ5_K));
static_assert(sizeof(PanelQ2_K) == kRows * sizeof(BlockQ2_K) && sizeof(PanelQ3_K) == kRows * sizeof(BlockQ3_K));
static_assert(sizeof(PanelIQ4_NL) == kRows * sizeof(BlockIQ4_NL) && sizeof(PanelIQ4_XS) == kRows * sizeof(BlockIQ4_XS));

// Row r's 4 * n_groups bytes into its places of n_groups groups of 64 bytes.
template <std::size_t kGroups>
void scatter(std::uint8_t (*groups)[64], std::size_t r, const std::uint8_t* bytes) {
    for (std::size_t g = 0; g < kGroups; ++g) std::memcpy(groups[g] + 4 * r, bytes + 4 * g, 4);
}

// The bits at c, c + 4, c + 8, ... of a word, as one byte: gathers by folding, a third of the gap at a time.
std::uint8_t every_fourth_bit(std::uint32_t word, int c) {
    std::uint32_t x = word >> c & 0x11111111u;
    x = (x | x >> 3) & 0x03030303u;
    x = (x | x >> 6) & 0x000f000fu;
    return static_cast<std::uint8_t>((x | x >> 12) & 0xffu);
}

void scatter_fifth_bits(std::uint8_t (&h)[64], std::size_t r, const std::uint8_t (&bits)[4]) {
    std::uint32_t word;
    std::memcpy(&word, bits, 4);
    for (int c = 0; c < 4; ++c) h[4 * r + static_cast<std::size_t>(c)] = every_fourth_bit(word, c);
}

// Each overload puts block b, of row r, into its panel.
void put(PanelQ4_0& p, std::size_t r, const BlockQ4_0& b) {
    p.d[r] = b.d;
    scatter<4>(p.q, r, b.qs);
}
void put(PanelQ4_1& p, std::size_t r, const BlockQ4_1& b) {
    p.d[r] = b.d;
    p.m[r] = b.m;
    scatter<4>(p.q, r, b.qs);
}
void put(PanelQ5_0& p, std::size_t r, const BlockQ5_0& b) {
    p.d[r] = b.d;
    scatter_fifth_bits(p.h, r, b.qh);
    scatter<4>(p.q, r, b.qs);
}
void put(PanelQ5_1& p, std::size_t r, const BlockQ5_1& b) {
    p.d[r] = b.d;
    p.m[r] = b.m;
    scatter_fifth_bits(p.h, r, b.qh);
    scatter<4>(p.q, r, b.qs);
}
void put(PanelQ8_0& p, std::size_t r, const BlockQ8_0& b) {
    p.d[r] = b.d;
    for (std::size_t g = 0; g < 8; ++g) {
        std::uint32_t word;
        std::memcpy(&word, b.qs + 4 * g, 4);
        word ^= 0x80808080u;  // + 128 in every byte
        std::memcpy(p.q[g] + 4 * r, &word, 4);
    }
}
void put(PanelIQ4_NL& p, std::size_t r, const BlockIQ4_NL& b) {
    p.d[r] = b.d;
    scatter<4>(p.q, r, b.qs);
}

void put_scales(std::uint8_t (&s)[3][64], std::size_t r, const std::uint8_t (&scales)[12]) {
    for (std::size_t j = 0; j < 4; ++j) {
        const ScaleMin a = scale_min_k(scales, static_cast<int>(j)), b = scale_min_k(scales, static_cast<int>(j + 4));
        s[0][16 * j + r] = static_cast<std::uint8_t>((a.scale & 15) | (b.scale & 15) << 4);
        s[1][16 * j + r] = static_cast<std::uint8_t>((a.min & 15) | (b.min & 15) << 4);
        s[2][16 * j + r] =
            static_cast<std::uint8_t>(a.scale >> 4 | b.scale >> 4 << 2 | a.min >> 4 << 4 | b.min >> 4 << 6);
    }
}
void put(PanelQ4_K& p, std::size_t r, const BlockQ4_K& b) {
    p.d[r] = b.d;
    p.dmin[r] = b.dmin;
    put_scales(p.s, r, b.scales);
    for (std::size_t i = 0; i < 4; ++i) scatter<8>(p.q[i], r, b.qs + 32 * i);
}
void put(PanelQ5_K& p, std::size_t r, const BlockQ5_K& b) {
    p.d[r] = b.d;
    p.dmin[r] = b.dmin;
    put_scales(p.s, r, b.scales);
    scatter<8>(p.h, r, b.qh);
    for (std::size_t i = 0; i < 4; ++i) scatter<8>(p.q[i], r, b.qs + 32 * i);
}
void put(PanelQ6_K& p, std::size_t r, const BlockQ6_K& b) {
    p.d[r] = b.d;
    for (std::size_t k = 0; k < 16; ++k) p.s[k][r] = b.scales[k];
    for (std::size_t half = 0; half < 2; ++half) {
        for (std::size_t g = 0; g < 8; ++g) {
            std::memcpy(p.q[half][g][0] + 4 * r, b.ql + 64 * half + 4 * g, 4);
            std::memcpy(p.q[half][g][1] + 4 * r, b.ql + 64 * half + 32 + 4 * g, 4);
            std::memcpy(p.q[half][g][2] + 4 * r, b.qh + 32 * half + 4 * g, 4);
        }
    }
}
void put(PanelQ2_K& p, std::size_t r, const BlockQ2_K& b) {
    p.d[r] = b.d;
    p.dmin[r] = b.dmin;
    for (std::size_t k = 0; k < 16; ++k) p.s[k][r] = b.scales[k];
    for (std::size_t half = 0; half < 2; ++half) scatter<8>(p.q[half], r, b.qs + 32 * half);
}
void put(PanelQ3_K& p, std::size_t r, const BlockQ3_K& b) {
    p.d[r] = b.d;
    for (std::size_t k = 0; k < 8; ++k) p.low[k][r] = b.scales[k];
    for (std::size_t k = 0; k < 4; ++k) p.high[k][r] = b.scales[8 + k];
    scatter<8>(p.h, r, b.hmask);
    for (std::size_t half = 0; half < 2; ++half) scatter<8>(p.q[half], r, b.qs + 32 * half);
}
void put(PanelIQ4_XS& p, std::size_t r, const BlockIQ4_XS& b) {
    p.d[r] = b.d;
    const auto low = [&](std::size_t j) { return b.scales_l[j / 2] >> (4 * (j % 2)) & 15; };
    const auto high = [&](std::size_t j) { return b.scales_h >> (2 * j) & 3; };
    for (std::size_t j = 0; j < 4; ++j) p.low[j][r] = static_cast<std::uint8_t>(low(j) | low(j + 4) << 4);
    for (std::size_t j = 0; j < 2; ++j) {
        p.high[j][r] = static_cast<std::uint8_t>(high(j) | high(j + 2) << 2 | high(j + 4) << 4 | high(j + 6) << 6);
    }
    for (std::size_t j = 0; j < 8; ++j) scatter<4>(p.q[j], r, b.qs + 16 * j);
}

// A panel: for each block column, the blocks of 16 rows. Blocks are read and written where they lie: a copy on the
// stack is read back by loads that overlap two stores, which wait until both have left the core. Tensor data is aligned to
// 8 bytes at least, and every block is an even number of bytes with 16-bit fields at most.
template <class Panel, class Block>
void pack_blocks(std::byte* out, const std::byte* rows, std::size_t row_bytes, std::size_t n_rows, std::size_t columns) {
    const std::size_t n_blocks = columns / static_cast<std::size_t>(Block::kWeights);
    auto* panels = reinterpret_cast<Panel*>(out);
    if (n_rows < kRows) std::memset(out, 0, n_blocks * sizeof(Panel));
    for (std::size_t i = 0; i < n_blocks; ++i) {
        for (std::size_t r = 0; r < n_rows; ++r) {
            put(panels[i], r, reinterpret_cast<const Block*>(rows + r * row_bytes)[i]);
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

PackFn pack_function(FormatId id) {
    switch (id) {
        case FormatId::f32: return pack_floats<std::uint32_t>;
        case FormatId::f16:
        case FormatId::bf16: return pack_floats<std::uint16_t>;
        case FormatId::q4_0: return pack_blocks<PanelQ4_0, BlockQ4_0>;
        case FormatId::q4_1: return pack_blocks<PanelQ4_1, BlockQ4_1>;
        case FormatId::q5_0: return pack_blocks<PanelQ5_0, BlockQ5_0>;
        case FormatId::q5_1: return pack_blocks<PanelQ5_1, BlockQ5_1>;
        case FormatId::q8_0: return pack_blocks<PanelQ8_0, BlockQ8_0>;
        case FormatId::q2_k: return pack_blocks<PanelQ2_K, BlockQ2_K>;
        case FormatId::q3_k: return pack_blocks<PanelQ3_K, BlockQ3_K>;
        case FormatId::q4_k: return pack_blocks<PanelQ4_K, BlockQ4_K>;
        case FormatId::q5_k: return pack_blocks<PanelQ5_K, BlockQ5_K>;
        case FormatId::q6_k: return pack_blocks<PanelQ6_K, BlockQ6_K>;
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
                 std::size_t row_end, std::size_t columns) {
    assert(row_begin % kRows == 0 && columns % format.block_weights == 0);
    const PackFn pack = pack_function(format.id);
    const std::size_t row_bytes = format.row_bytes(columns);
    for (std::size_t row = row_begin; row < row_end; row += kRows) {
        pack(panels + row * row_bytes, rows + row * row_bytes, row_bytes, std::min(kRows, row_end - row), columns);
    }
}

}  // namespace distill
