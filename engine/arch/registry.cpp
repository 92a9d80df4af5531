// The list of architectures, and what is the same for all of them: tensor rules against the file's directory.
#include "engine/arch/registry.h"

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <unordered_set>

#include "engine/error.h"
#include "engine/gguf.h"

namespace distill {
namespace {

constexpr TensorRule kDecoder[] = {
    {"token_embd.weight", false, Dim::d_model, Dim::n_vocab, Presence::required},
    {"output_norm.weight", false, Dim::d_model, Dim::one, Presence::required},
    {"output.weight", false, Dim::d_model, Dim::n_vocab, Presence::unless_tied},
    {"attn_norm.weight", true, Dim::d_model, Dim::one, Presence::required},
    {"attn_q.weight", true, Dim::d_model, Dim::q, Presence::required},
    {"attn_k.weight", true, Dim::d_model, Dim::kv, Presence::required},
    {"attn_v.weight", true, Dim::d_model, Dim::kv, Presence::required},
    {"attn_q.bias", true, Dim::q, Dim::one, Presence::with_qkv_bias},
    {"attn_k.bias", true, Dim::kv, Dim::one, Presence::with_qkv_bias},
    {"attn_v.bias", true, Dim::kv, Dim::one, Presence::with_qkv_bias},
    {"attn_output.weight", true, Dim::q, Dim::d_model, Presence::required},
    {"ffn_norm.weight", true, Dim::d_model, Dim::one, Presence::required},
    {"ffn_gate.weight", true, Dim::d_model, Dim::d_ff, Presence::required},
    {"ffn_up.weight", true, Dim::d_model, Dim::d_ff, Presence::required},
    {"ffn_down.weight", true, Dim::d_ff, Dim::d_model, Presence::required},
};

}  // namespace

constinit const std::span<const TensorRule> kDecoderTensors{kDecoder};

std::span<const Architecture> architectures() {
    static const std::array kAll{qwen2_architecture(), llama_architecture()};
    return kAll;
}

const Architecture* find_architecture(std::string_view name) {
    for (const Architecture& architecture : architectures()) {
        if (architecture.name == name) return &architecture;
    }
    return nullptr;
}

int size_of(Dim dim, const Config& config) {
    switch (dim) {
        case Dim::one:
            return 1;
        case Dim::d_model:
            return config.d_model;
        case Dim::d_ff:
            return config.d_ff;
        case Dim::q:
            return config.n_heads * config.head_dim;
        case Dim::kv:
            return config.n_kv_heads * config.head_dim;
        case Dim::n_vocab:
            return config.n_vocab;
    }
    assert(false);
    return 0;
}

std::string full_name(const TensorRule& rule, int layer) {
    return rule.per_layer ? fmt::format("blk.{}.{}", layer, rule.name) : std::string{rule.name};
}

bool is_wanted(const TensorRule& rule, const Config& config) {
    switch (rule.presence) {
        case Presence::required:
            return true;
        case Presence::unless_tied:
            return !config.tied_output;
        case Presence::with_qkv_bias:
            return config.qkv_bias;
    }
    assert(false);
    return true;
}

namespace {

void check_shape(const Gguf& file, const Tensor& tensor, int columns, int rows) {
    const std::array<std::uint64_t, 4> wanted{static_cast<std::uint64_t>(columns), static_cast<std::uint64_t>(rows), 1,
                                              1};
    if (tensor.shape == wanted) return;
    throw Error{at_tensor(file.path(), tensor.name),
                fmt::format("shape [{}] but the metadata asks for [{}, {}]; compare the file with the publisher's",
                            fmt::join(tensor.shape.begin(), tensor.shape.begin() + tensor.n_dims, ", "), columns, rows),
                tensor.entry_offset, Status::bad_model};
}

}  // namespace

void check_tensors(const Gguf& file, const Config& config) {
    const Architecture* architecture = find_architecture(config.architecture);
    assert(architecture);
    std::unordered_set<const Tensor*> known;
    const auto check = [&](const TensorRule& rule, int layer) {
        if (!is_wanted(rule, config)) return;
        const std::string name = full_name(rule, layer);
        const Tensor* tensor = file.find_tensor(name);
        if (!tensor) {
            throw Error{at_tensor(file.path(), name),
                        rule.per_layer ? fmt::format("is missing; the metadata declares {} layers", config.n_layers)
                                       : std::string{"is missing"},
                        std::nullopt, Status::bad_model};
        }
        check_shape(file, *tensor, size_of(rule.columns, config), size_of(rule.rows, config));
        known.insert(tensor);
    };
    for (const TensorRule& rule : architecture->tensors) {
        for (int layer = 0; layer < (rule.per_layer ? config.n_layers : 1); ++layer) check(rule, layer);
    }
    for (const Tensor& tensor : file.tensors()) {
        if (known.contains(&tensor)) continue;
        throw Error{
            at_tensor(file.path(), tensor.name),
            fmt::format("is not part of a {} model with {} layers{}; running without it would give wrong answers",
                        config.architecture, config.n_layers, config.qkv_bias ? "" : " and no Q bias"),
            tensor.entry_offset, Status::bad_model};
    }
}

}  // namespace distill
