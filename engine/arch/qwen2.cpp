// Qwen2, Qwen2.5 and the R1 distillations of them: Llama's layers with biases on Q, K and V, heads turned in halves.
#include "engine/arch/registry.h"
#include "engine/error.h"
#include "engine/gguf.h"

namespace distill {
namespace {

// Embedding models made from Qwen2 look ahead; generating with them gives noise.
void adjust(Config&, const Gguf& file) {
    constexpr std::string_view kKey = "qwen2.attention.causal";
    if (!file.find_bool(kKey).value_or(true)) {
        throw Error{at_key(file.path(), kKey), "is false: this is an embedding model, which cannot generate text",
                    file.find(kKey)->offset, Status::bad_model};
    }
}

}  // namespace

Architecture qwen2_architecture() {
    return {"qwen2", RopePairs::halves, true, kDecoderTensors, adjust};
}

}  // namespace distill
