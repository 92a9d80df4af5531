// Weights as kernels read them: panels of 16 output rows. Within a panel the bytes of the file are rearranged, and
// changed at most by a bit of each number (PanelSignedQ4_0: its scales as well): 64 bytes hold 4 columns (or 4 + 4, as
// nibbles) of all 16 rows, row after row, so that 4 activations broadcast to all lanes meet 16 rows at once and no
// horizontal sum is needed. A 16-lane register takes all 64 bytes, 8 lanes take half of them. A panel has exactly as
// many bytes as its 16 rows in the file.
//
// Naming: [g] is a group of 4 columns, byte 4 * r + c of its 64 bytes belongs to row r, column 4 * g + c.
#pragma once

#include <stdint.h>

namespace distill {

// 32 columns, one scale for a row. Low nibbles are columns 0..15, high nibbles columns 16..31.
struct PanelQ4_0 { uint16_t d[16]; uint8_t q[4][64]; };
// Nibbles as signed numbers, q - 8, and scales as 16-bit fractions of a power of two, each row's own: d = f * 2^(e - 29),
// rounded, where e is what the lower five bits of the row's first f say; 31: a scale of the row is not finite.
struct PanelSignedQ4_0 { int16_t f[16]; uint8_t q[4][64]; };
struct PanelQ4_1 { uint16_t d[16], m[16]; uint8_t q[4][64]; };
// Fifth bits: bit g of byte 4 * r + c belongs to column 4 * g + c.
struct PanelQ5_0 { uint16_t d[16]; uint8_t h[64], q[4][64]; };
struct PanelQ5_1 { uint16_t d[16], m[16]; uint8_t h[64], q[4][64]; };
struct PanelQ8_0 { uint16_t d[16]; uint8_t q[8][64]; };  // stored + 128
struct PanelSignedQ8_0 { uint16_t d[16]; uint8_t q[8][64]; };  // as in the file
struct PanelIQ4_NL { uint16_t d[16]; uint8_t q[4][64]; };

// 256 columns: 8 blocks of 32, two at a time. pair[i]: low nibbles are block 2i, high nibbles block 2i + 1. Fifth bits: bit
// 2 * (g % 4) of h, in the half with q[g], belongs to block 2i, columns 4g..4g + 3, the bit above it to block 2i + 1. They
// stand before the nibbles they belong to, so that memory is read in order of its addresses: a stream that jumps back
// and forth within a panel comes at half the speed.
// 6-bit scales and minima of row r: s[0][16 * j + r] has the low 4 bits of scale j and of scale j + 4 (high nibble), s[1]
// those of the minima; s[2] the upper pairs of bits: scale j, scale j + 4, minimum j, minimum j + 4, lowest first.
struct HalfPairQ4_K { uint8_t q[4][64]; };
struct HalfPairQ5_K { uint8_t h[64], q[4][64]; };
struct PanelQ4_K { uint16_t d[16], dmin[16]; uint8_t s[3][64]; HalfPairQ4_K pair[4][2]; };
struct PanelQ5_K { uint16_t d[16], dmin[16]; uint8_t s[3][64]; HalfPairQ5_K pair[4][2]; };
// Halves of 128 columns, 4 blocks of 32: q[half][g][0]: low nibbles are block 0, high nibbles block 2; [1]: blocks 1 and 3;
// [2]: upper bits, pair j = block j. The three that belong to a group of columns stand together, so that memory is read
// in order of its addresses. s[k][r]: scale of columns 16k..16k + 15.
struct PanelQ6_K { uint16_t d[16]; int8_t s[16][16]; uint8_t q[2][8][3][64]; };
// As signed numbers, q - 32: q[half][h][j] has half h, 16 columns, of block j of that half, in [g] columns 4g..4g + 3 in the
// upper six bits of bytes; in their lower two the upper (g = 0), middle and lower two bits of columns 12..15.
struct PanelSignedQ6_K { uint16_t d[16]; int8_t s[16][16]; uint8_t q[2][2][4][3][64]; };
// q[half]: bit pair j = block j of that half. s[k][r]: low nibble scale, high nibble minimum of columns 16k..16k + 15.
struct PanelQ2_K { uint16_t d[16], dmin[16]; uint8_t s[16][16], q[2][8][64]; };
// As Q2_K with a third bit: bit 4 * half + j of h. 6-bit scales: low[k % 8] nibble k / 8, high[k % 4] pair k / 4.
struct PanelQ3_K { uint16_t d[16]; uint8_t low[8][16], high[4][16], h[8][64], q[2][8][64]; };
// q[j]: nibbles of block j as in Q4_0. 6-bit scales: low[j % 4] nibble j / 4, high[j % 2] pair j / 2.
struct PanelIQ4_XS { uint16_t d[16]; uint8_t low[4][16], high[2][16], q[8][4][64]; };

// Which formats a kernel table reads as PanelSigned.
struct SignedPanels { bool q4_0 = false, q6_k = false, q8_0 = false; };

}  // namespace distill
