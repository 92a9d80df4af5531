#include "engine/model.h"

#include <fmt/format.h>

#include <cassert>
#include <string>

#include "engine/arch/registry.h"

namespace distill {
namespace {

class Loader {
  public:
    Loader(const Gguf& file, Model& model) : file_(file), model_(model) {}

    // A small tensor as floats, whatever its format.
    Vector vector(const std::string& name) {
        const Tensor& t = tensor(name);
        Vector v(t.columns() * t.rows());
        t.format->dequantize(v.data(), t.data.data(), v.size());
        return v;
    }

    Vector optional_vector(const std::string& name) {
        return file_.find_tensor(name) == nullptr ? Vector{} : vector(name);
    }

    Matrix matrix(const std::string& name) { return model_.packing->add(tensor(name), *model_.kernels); }

  private:
    const Tensor& tensor(const std::string& name) {
        const Tensor* t = file_.find_tensor(name);
        assert(t != nullptr && "check_tensors() has seen it");
        model_.bytes_per_token += t->data.size();
        return *t;
    }

    const Gguf& file_;
    Model& model_;
};

}  // namespace

Model load_model(const Gguf& file, const Config& config, const Kernels& kernels) {
    check_tensors(file, config);
    Model model;
    model.config = config;
    model.kernels = &kernels;
    model.packing = std::make_unique<Packing>(file);
    model.token_embedding = file.find_tensor("token_embd.weight");
    model.layers.resize(static_cast<std::size_t>(config.n_layers));

    Loader loader(file, model);
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
        LayerWeights& w = model.layers[i];
        const std::string layer = fmt::format("blk.{}.", i);
        w.attn_norm = loader.vector(layer + "attn_norm.weight");
        w.q = loader.matrix(layer + "attn_q.weight");
        w.k = loader.matrix(layer + "attn_k.weight");
        w.v = loader.matrix(layer + "attn_v.weight");
        w.q_bias = loader.optional_vector(layer + "attn_q.bias");
        w.k_bias = loader.optional_vector(layer + "attn_k.bias");
        w.v_bias = loader.optional_vector(layer + "attn_v.bias");
        w.o = loader.matrix(layer + "attn_output.weight");
        w.ffn_norm = loader.vector(layer + "ffn_norm.weight");
        w.gate = loader.matrix(layer + "ffn_gate.weight");
        w.up = loader.matrix(layer + "ffn_up.weight");
        w.down = loader.matrix(layer + "ffn_down.weight");
    }
    model.output_norm = loader.vector("output_norm.weight");
    model.output = loader.matrix(config.tied_output ? "token_embd.weight" : "output.weight");
    return model;
}

}  // namespace distill
