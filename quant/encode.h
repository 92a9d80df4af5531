// From f32 to the number formats: what `distill quantize` writes. The block layouts, and the decoders these encoders
// are tested against, stand in the format headers beside this file. Each encoder looks for the scales with the least
// squared error instead of taking those of the largest weight; the same input gives the same bytes everywhere.
#pragma once

#include <cstddef>
#include <span>

#include "quant/formats.h"

namespace distill {

struct Encoder {
    FormatId id;
    float limit;  // largest magnitude the format holds; greater ones are for the caller to refuse, NaN and infinity too
    // blocks[n / block_weights] from n finite weights; n is a multiple of block_weights. `blocks` needs no alignment.
    void (*encode)(std::byte* blocks, const float* weights, std::size_t n);
};

std::span<const Encoder> encoders();
const Encoder* find_encoder(FormatId id);  // null where we only decode

}  // namespace distill
