// The tile registers of Intel's AMX: eight, each of up to 16 rows of 64 bytes. Written as instructions, because GCC
// 12's own functions take register numbers that are literals only and do not tell the compiler what memory they read.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "quant/unroll.h"

namespace distill {
namespace {

// Sums of 32 bits of up to 16 tokens and 16 rows of weights, 64 columns of as many tokens, or
// 64 columns of 16 rows of weights, four of them to a row of the register. Released, so that the system need not keep
// registers that nobody uses, when it goes.
class Tiles {
  public:
    static constexpr size_t kRows = 16, kRowBytes = 64;

    // The first n_token_tiles registers have n_tokens rows, the others 16.
    DISTILL_INLINE explicit Tiles(size_t n_tokens = kRows, size_t n_token_tiles = 8) {
        struct {
            uint8_t palette = 1, start_row = 0, reserved[14] = {};
            uint16_t row_bytes[16] = {};
            uint8_t rows[16] = {};
        } shapes;
        for (size_t i = 0; i < 8; ++i) {
            shapes.row_bytes[i] = kRowBytes;
            shapes.rows[i] = static_cast<uint8_t>(i < n_token_tiles ? n_tokens : kRows);
        }
        __asm__ volatile("ldtilecfg %0" : : "m"(shapes));
    }
    DISTILL_INLINE ~Tiles() { __asm__ volatile("tilerelease"); }
    Tiles(const Tiles&) = delete;
    Tiles& operator=(const Tiles&) = delete;

    template <int kTile>
    DISTILL_INLINE static void zero() {
        __asm__ volatile("tilezero %%tmm%c0" : : "i"(kTile));
    }
    // Rows follow each other in memory.
    template <int kTile>
    DISTILL_INLINE static void load(const void* from) {
        __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(kRowBytes), "i"(kTile) : "memory");
    }
    template <int kTile>
    DISTILL_INLINE static void store(void* to) {
        __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(kRowBytes), "i"(kTile) : "memory");
    }
    // sums[t][row] += products of bytes, of the token's columns and the row's.
    template <int kSums, int kTokens, int kRows, bool kSignedTokens, bool kSignedRows>
    DISTILL_INLINE static void multiply() {
        if constexpr (kSignedTokens && kSignedRows)
            __asm__ volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kTokens), "i"(kRows));
        else if constexpr (kSignedTokens)
            __asm__ volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kTokens), "i"(kRows));
        else if constexpr (kSignedRows)
            __asm__ volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kTokens), "i"(kRows));
        else
            __asm__ volatile("tdpbuud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kTokens), "i"(kRows));
    }
};

}  // namespace
}  // namespace distill
