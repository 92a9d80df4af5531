// Llama 1, 2, 3 and the many models converted as "llama". The converter permuted Q and K so that RoPE turns neighbours.
#include <fmt/format.h>

#include "engine/arch/registry.h"
#include "engine/error.h"
#include "engine/gguf.h"

namespace distill {
namespace {

// Mixtures of experts (Mixtral) carry the same architecture name.
void adjust(Config&, const Gguf& file) {
    constexpr std::string_view kKey = "llama.expert_count";
    const std::uint64_t experts = file.find_uint(kKey).value_or(0);
    if (experts > 0) {
        throw Error{at_key(file.path(), kKey), fmt::format("is {}: mixtures of experts are not supported", experts),
                    file.find(kKey)->offset, Status::bad_model};
    }
}

}  // namespace

Architecture llama_architecture() {
    return {"llama", RopePairs::neighbours, false, kDecoderTensors, adjust};
}

}  // namespace distill
