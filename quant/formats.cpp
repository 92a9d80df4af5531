// The table of tensor formats. Sizes come from the block structs, so a row cannot disagree with its header.
#include "quant/formats.h"

#include <bit>
#include <cassert>
#include <cstring>

#include "quant/f16.h"
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

template <class Block>
void dequantize_blocks(float* out, const std::byte* blocks, std::size_t n) {
    constexpr auto kWeights = static_cast<std::size_t>(Block::kWeights);
    assert(n % kWeights == 0);
    for (std::size_t i = 0; i < n / kWeights; ++i) {
        Block block;  // a copy, because the bytes of a file may lie at any address
        std::memcpy(&block, blocks + i * sizeof(Block), sizeof(Block));
        dequantize(out + i * kWeights, block);
    }
}

template <class Block>
constexpr Format row(FormatId id, std::string_view name) {
    return {id, name, static_cast<std::size_t>(Block::kWeights), sizeof(Block), &dequantize_blocks<Block>};
}

constexpr Format kFormats[] = {
    row<BlockF32>(FormatId::f32, "F32"),          row<BlockF16>(FormatId::f16, "F16"),
    row<BlockQ4_0>(FormatId::q4_0, "Q4_0"),       row<BlockQ4_1>(FormatId::q4_1, "Q4_1"),
    row<BlockQ5_0>(FormatId::q5_0, "Q5_0"),       row<BlockQ5_1>(FormatId::q5_1, "Q5_1"),
    row<BlockQ8_0>(FormatId::q8_0, "Q8_0"),       row<BlockQ2_K>(FormatId::q2_k, "Q2_K"),
    row<BlockQ3_K>(FormatId::q3_k, "Q3_K"),       row<BlockQ4_K>(FormatId::q4_k, "Q4_K"),
    row<BlockQ5_K>(FormatId::q5_k, "Q5_K"),       row<BlockQ6_K>(FormatId::q6_k, "Q6_K"),
    row<BlockIQ4_NL>(FormatId::iq4_nl, "IQ4_NL"), row<BlockIQ4_XS>(FormatId::iq4_xs, "IQ4_XS"),
    row<BlockBF16>(FormatId::bf16, "BF16"),
};

// Index = GGUF type id. Some ids were withdrawn again; their names still help a user who meets such a file.
constexpr std::string_view kTypeNames[] = {
    "F32",        "F16",        "Q4_0",       "Q4_1",  "Q4_2",     "Q4_3",     "Q5_0",     "Q5_1",    "Q8_0",
    "Q8_1",       "Q2_K",       "Q3_K",       "Q4_K",  "Q5_K",     "Q6_K",     "Q8_K",     "IQ2_XXS", "IQ2_XS",
    "IQ3_XXS",    "IQ1_S",      "IQ4_NL",     "IQ3_S", "IQ2_S",    "IQ4_XS",   "I8",       "I16",     "I32",
    "I64",        "F64",        "IQ1_M",      "BF16",  "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",   "TQ2_0",
    "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4", "NVFP4",    "Q1_0",     "Q2_0",
};

}  // namespace

std::span<const Format> formats() {
    return kFormats;
}

const Format* find_format(std::uint32_t gguf_type) {
    for (const Format& format : kFormats) {
        if (static_cast<std::uint32_t>(format.id) == gguf_type) return &format;
    }
    return nullptr;
}

std::string_view gguf_type_name(std::uint32_t gguf_type) {
    return gguf_type < std::size(kTypeNames) ? kTypeNames[gguf_type] : std::string_view{};
}

float f16_to_f32(std::uint16_t bits) {
    return half_to_float(bits);
}

float bf16_to_f32(std::uint16_t bits) {
    return bfloat_to_float(bits);
}

std::uint16_t f32_to_f16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    std::uint32_t half;
    if (magnitude > 0x7F800000u) {
        half = 0x7E00u |
               ((magnitude >> 13) & 0x3FFu);  // NaN, made quiet: a payload in the low bits alone must not be lost
    } else if (magnitude >= 0x477FF000u) {
        half = 0x7C00u;  // 65520 is half way between the largest half and the next step, and rounds up to infinity
    } else if (magnitude < 0x38800000u) {
        // Below 2^-14 the result is a multiple of 2^-24. Adding 0.5 puts that step at the last mantissa bit of the sum,
        // so the FPU does the rounding to nearest even.
        half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3F000000u;
    } else {
        const std::uint32_t odd = (magnitude >> 13) & 1;  // ties go to the even neighbour
        half = (magnitude - ((127u - 15u) << 23) + 0xFFFu + odd) >> 13;
    }
    return static_cast<std::uint16_t>(sign | half);
}

}  // namespace distill
