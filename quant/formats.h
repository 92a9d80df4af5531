// Tensor number formats: one table row per GGUF type id. The slow truth about each format (block layout and how it is
// dequantised) lives in one header per format beside this file; fast code is checked against it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace distill {

enum class FormatId : std::uint32_t {  // the values are GGUF's
    f32 = 0,
    f16 = 1,
    q4_0 = 2,
    q4_1 = 3,
    q5_0 = 6,
    q5_1 = 7,
    q8_0 = 8,
    q2_k = 10,
    q3_k = 11,
    q4_k = 12,
    q5_k = 13,
    q6_k = 14,
    iq4_nl = 20,
    iq4_xs = 23,
    bf16 = 30,
};

struct Format {
    FormatId id;
    std::string_view name;      // "Q4_K"
    std::size_t block_weights;  // weights in one block: 1, 32 or 256
    std::size_t block_bytes;
    // out[n] from n weights at `blocks`; n is a multiple of block_weights. `blocks` needs no alignment.
    void (*dequantize)(float* out, const std::byte* blocks, std::size_t n);

    // Bytes of a row of n weights; n must be a multiple of block_weights.
    std::size_t row_bytes(std::size_t n) const { return n / block_weights * block_bytes; }
};

std::span<const Format> formats();                   // supported ones, in order of id
const Format* find_format(std::uint32_t gguf_type);  // null if not supported
// The published name of any GGUF type id, supported or not ("IQ2_XXS"); "type 77" style text is the caller's job: "" if
// unknown.
std::string_view gguf_type_name(std::uint32_t gguf_type);

float f16_to_f32(std::uint16_t bits);   // exact
std::uint16_t f32_to_f16(float value);  // round to nearest even; overflow gives infinity
float bf16_to_f32(std::uint16_t bits);

}  // namespace distill
