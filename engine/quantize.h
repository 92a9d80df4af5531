// Rewrites a model in other number formats. First a plan (which tensor gets which format), then the work, a slab of a
// tensor at a time: memory does not grow with the model, and the bytes do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/gguf.h"
#include "engine/thread_pool.h"

namespace distill {

// A name on the command line and in published files. The plain types give every matrix one format, the mixes (..._S,
// _M) give more bits where they matter most; both spend Q6_K on the output matrix, unless `pure`.
struct QuantizeType {
    std::string_view name;
    FormatId format;
    std::uint32_t file_type;  // general.file_type
    enum class Mix { none, small, medium } mix;
};
std::span<const QuantizeType> quantize_types();
const QuantizeType* find_quantize_type(std::string_view name);  // upper or lower case; null if unknown

struct QuantizeOptions {
    const QuantizeType* type = nullptr;
    bool pure = false;              // one format for all matrices, no mix and no better output matrix
    bool allow_requantize = false;  // take weights that were rounded before
    // Matrices whose name holds the text get this format; later ones win.
    std::vector<std::pair<std::string, const Format*>> tensor_types;
};

struct PlannedTensor {
    const Tensor* tensor;
    const Format* format;
    bool fallback;  // its rows are not whole blocks of the format it was to have
    std::uint64_t bytes;
};

// Throws Error{usage} for an override that fits no tensor or no row, and where rounded weights would be rounded again.
//
// Matrices (two dimensions or more, norms left out) get the type's format; everything else is F32. Rows that are no
// multiple of 256 get Q5_0 for Q4_K, Q5_1 for Q5_K and Q8_0 for Q6_K, those that are no multiple of 32 get F16.
// Q4_K_M and Q5_K_M: Q6_K for attn_v and ffn_down in the first and last eighth of the layers and in every third
// between. Q4_K_S: Q5_K for attn_v in the first four layers and ffn_down in the first eighth.
std::vector<PlannedTensor> plan_quantization(const Gguf& file, const QuantizeOptions& options);

struct QuantizeHooks {
    std::function<void(double fraction)> progress;
    std::function<bool()> cancelled;
};

// Size of the file that quantize() would write.
std::uint64_t quantized_file_bytes(const Gguf& file, const QuantizeOptions& options,
                                   std::span<const PlannedTensor> plan);

// Writes OUT with the metadata of `file`, bit for bit but for general.file_type, general.quantization_version and the
// keys of a split. Throws Error{bad_model} naming the tensor with a weight that is not finite or too large for its
// format, Error{failure} for what goes wrong in writing, Error{interrupted}; OUT is then as it was.
void quantize(const Gguf& file, const QuantizeOptions& options, std::span<const PlannedTensor> plan,
              const std::string& out, ThreadPool& pool, const QuantizeHooks& hooks);

}  // namespace distill
