// Hyper-parameters: what a sound file gives, and one case a key a fault, generated from the table of keys.
#include "engine/config.h"

#include <fmt/format.h>

#include <functional>
#include <limits>

#include "engine/arch/registry.h"
#include "engine/gguf.h"
#include "engine/limits.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/shared_files.h"

using namespace distill;
using namespace distill::test;

namespace {

// Everything that is checked before a model is built.
Config read(const GgufBuilder& b) {
    const auto bytes = b.build();
    const Gguf file = Gguf::parse(bytes, "t.gguf");
    const Config config = read_config(file);
    check_tensors(file, config);
    return config;
}

void check_refused(const GgufBuilder& b, std::string_view where, std::string_view problem) {
    const auto error = error_of([&] { read(b); });
    REQUIRE(error);
    INFO(error->what());
    CHECK(contains(error->where(), where));
    CHECK(contains(error->problem(), problem));
    CHECK(error->status() == Status::bad_model);
}

// A GGUF value as bytes with its type id.
struct Raw {
    std::uint32_t type;
    std::vector<std::byte> bytes;
};

template <class T>
Raw raw(T value) {
    return {GgufBuilder::type_of<T>(), Bytes{}.put(value).data()};
}

}  // namespace

TEST_CASE("a qwen2 file", "[config]") {
    TinyModelSpec spec;
    spec.n_layers = 3;
    spec.n_vocab = 300;
    const Config c = read(tiny_builder(spec));
    CHECK(c.architecture == "qwen2");
    CHECK(c.name == "tiny qwen2");
    CHECK(c.n_layers == 3);
    CHECK(c.d_model == 64);
    CHECK(c.d_ff == 96);
    CHECK(c.n_heads == 4);
    CHECK(c.n_kv_heads == 2);
    CHECK(c.head_dim == 16);
    CHECK(c.n_vocab == 300);
    CHECK(c.n_ctx_train == 512);
    CHECK(c.norm_eps == 1e-6f);
    CHECK(c.rope_base == 10000.0f);
    CHECK(c.rope_dim == 16);
    CHECK(c.rope_pairs == RopePairs::halves);
    CHECK(c.qkv_bias);
    CHECK(c.tied_output);
    CHECK(c.kv_bytes_per_token() == 4u * 3 * 2 * 16);
}

TEST_CASE("a llama file", "[config]") {
    TinyModelSpec spec;
    spec.arch = "llama";
    spec.tied = false;
    GgufBuilder b = tiny_builder(spec);
    const Config c = read(b);
    CHECK(c.architecture == "llama");
    CHECK(c.rope_pairs == RopePairs::neighbours);
    CHECK_FALSE(c.qkv_bias);
    CHECK_FALSE(c.tied_output);

    // Some models converted as llama have biases: then all layers must have them.
    Random random{1};
    const auto add = [&](int layer, const char* name, std::uint64_t n) {
        b.add_tensor(fmt::format("blk.{}.{}", layer, name), {n}, FormatId::f32,
                     random_weights(FormatId::f32, n, random));
    };
    add(0, "attn_q.bias", 64);
    add(0, "attn_k.bias", 32);
    add(0, "attn_v.bias", 32);
    check_refused(b, "tensor 'blk.1.attn_q.bias'", "is missing");
    add(1, "attn_q.bias", 64);
    add(1, "attn_k.bias", 32);
    add(1, "attn_v.bias", 32);
    CHECK(read(b).qkv_bias);
}

TEST_CASE("keys that may be absent have defaults", "[config]") {
    GgufBuilder b = tiny_builder();
    b.remove("general.name").remove("qwen2.rope.freq_base");
    CHECK(read(b).name.empty());
    CHECK(read(b).rope_base == 10000.0f);

    GgufBuilder no_kv = tiny_builder({.n_kv_heads = 4});
    no_kv.remove("qwen2.attention.head_count_kv");
    CHECK(read(no_kv).n_kv_heads == 4);

    GgufBuilder explicit_sizes = tiny_builder();
    explicit_sizes.set("qwen2.attention.key_length", 16u).set("qwen2.attention.value_length", 16u);
    explicit_sizes.set("qwen2.rope.dimension_count", 8u).set("qwen2.attention.layer_norm_rms_epsilon", 1e-5);
    CHECK(read(explicit_sizes).rope_dim == 8);
    CHECK(read(explicit_sizes).norm_eps == 1e-5f);

    GgufBuilder other_types = tiny_builder();  // any integer type does
    other_types.set("qwen2.block_count", std::uint8_t{2}).set("qwen2.embedding_length", std::int64_t{64});
    CHECK(read(other_types).d_model == 64);
}

TEST_CASE("each key with each fault", "[config][hostile][slow]") {
    enum Kind { size, number, text };
    struct Key {
        const char* name;
        Kind kind;
        bool needed;
    };
    const Key keys[] = {
        {"general.architecture", text, true},
        {"qwen2.block_count", size, true},
        {"qwen2.embedding_length", size, true},
        {"qwen2.feed_forward_length", size, true},
        {"qwen2.context_length", size, true},
        {"qwen2.attention.head_count", size, true},
        {"qwen2.attention.head_count_kv", size, false},
        {"qwen2.attention.key_length", size, false},
        {"qwen2.attention.value_length", size, false},
        {"qwen2.rope.dimension_count", size, false},
        {"qwen2.attention.layer_norm_rms_epsilon", number, true},
        {"qwen2.rope.freq_base", number, false},
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    for (const Key& key : keys) {
        std::vector<std::pair<std::string, Raw>> faults = {
            {"bool", raw(true)},
            {"array", {9, Bytes{}.put(std::uint32_t{4}).put(std::uint64_t{1}).put(std::uint32_t{1}).data()}},
        };
        if (key.kind != text) faults.push_back({"string", {8, Bytes{}.string("64").data()}});
        if (key.kind == text) {
            faults.push_back({"number", raw(1u)});
            faults.push_back({"unknown", {8, Bytes{}.string("no such\x1b").data()}});
            faults.push_back({"empty", {8, Bytes{}.string("").data()}});
        }
        if (key.kind == size) {
            faults.push_back({"float", raw(2.0f)});
            faults.push_back({"zero", raw(0u)});
            faults.push_back({"negative", raw(-1)});
            for (const int bits : {28, 31, 32, 62, 63}) {
                faults.push_back({fmt::format("2^{}", bits), raw(std::uint64_t{1} << bits)});
            }
            faults.push_back({"max", raw(~std::uint64_t{0})});
        }
        if (key.kind == number) {
            for (const double value : {0.0, -1.0, nan, infinity, -infinity, 1e30}) {
                faults.push_back({fmt::format("{}", value), raw(value)});
                faults.push_back({fmt::format("float {}", value), raw(static_cast<float>(value))});
            }
        }
        for (const auto& [fault, value] : faults) {
            INFO(key.name << " " << fault);
            GgufBuilder b = tiny_builder();
            b.set_raw(key.name, value.type, value.bytes);
            check_refused(b, fmt::format("key '{}'", key.name), "");
        }
        if (key.needed) {
            GgufBuilder b = tiny_builder();
            b.remove(key.name);
            INFO(key.name << " missing");
            check_refused(b, fmt::format("key '{}'", key.name), "is missing");
        }
    }
}

TEST_CASE("limits of sizes hold exactly", "[config][hostile]") {
    // A size within its limit is refused only because the tensors do not have it: the error then names no key.
    const std::pair<const char*, std::uint64_t> limits[] = {{"qwen2.block_count", kMaxLayers},
                                                            {"qwen2.feed_forward_length", kMaxFfWidth},
                                                            {"qwen2.embedding_length", kMaxWidth}};
    for (const auto& [key, limit] : limits) {
        for (const std::uint64_t value : {limit - 4, limit, limit + 1}) {
            INFO(key << " = " << value);
            GgufBuilder b = tiny_builder();
            b.set(key, value).set("qwen2.attention.key_length", 16u);
            check_refused(b, value > limit ? "key '" : "tensor '", value > limit ? "expected 1 to" : "");
        }
    }
    for (const std::uint64_t value : {kMaxContext - 1, kMaxContext, kMaxContext + 1}) {
        GgufBuilder b = tiny_builder();
        b.set("qwen2.context_length", value);
        CHECK(error_of([&] { read(b); }).has_value() == (value > kMaxContext));
    }
    GgufBuilder wide = tiny_builder();  // each factor in range, the product not
    wide.set("qwen2.attention.head_count", 1u << 18).set("qwen2.attention.key_length", 4096u);
    check_refused(wide, "key 'qwen2.attention.head_count'", "262144 heads of 4096 are wider than");
    GgufBuilder deep = tiny_builder();
    deep.set("qwen2.embedding_length", 1u << 14)
        .set("qwen2.attention.head_count", 1u)
        .set("qwen2.attention.head_count_kv", 1u);
    check_refused(deep, "key 'qwen2.attention.head_count'", "heads of 16384, more than 4096");
}

TEST_CASE("sizes that contradict each other", "[config][hostile]") {
    struct Case {
        const char* defect;
        std::function<void(GgufBuilder&)> apply;
        const char* where;
        const char* problem;
    };
    const Case cases[] = {
        {"kv heads do not divide heads", [](auto& b) { b.set("qwen2.attention.head_count_kv", 3u); },
         "key 'qwen2.attention.head_count_kv'", "is 3, which does not divide the 4 heads"},
        {"more kv heads than heads", [](auto& b) { b.set("qwen2.attention.head_count_kv", 8u); },
         "key 'qwen2.attention.head_count_kv'", "is 8, which does not divide the 4 heads"},
        {"heads do not divide the width",
         [](auto& b) { b.set("qwen2.attention.head_count", 7u).set("qwen2.attention.head_count_kv", 7u); },
         "key 'qwen2.attention.head_count'", "is 7, which does not divide the width 64"},
        {"odd RoPE", [](auto& b) { b.set("qwen2.rope.dimension_count", 15u); }, "key 'qwen2.rope.dimension_count'",
         "is 15, expected an even number up to the head's 16"},
        {"RoPE wider than a head", [](auto& b) { b.set("qwen2.rope.dimension_count", 18u); },
         "key 'qwen2.rope.dimension_count'", "is 18, expected an even number up to the head's 16"},
        {"keys and values of other sizes", [](auto& b) { b.set("qwen2.attention.value_length", 8u); },
         "key 'qwen2.attention.value_length'", "is 8, but keys have 16"},
        {"width", [](auto& b) { b.set("qwen2.embedding_length", 128u); }, "tensor 'token_embd.weight'",
         "but the metadata asks for [128, "},
        {"feed-forward width", [](auto& b) { b.set("qwen2.feed_forward_length", 64u); },
         "tensor 'blk.0.ffn_gate.weight'", "shape [64, 96] but the metadata asks for [64, 64]"},
        {"kv heads and tensors", [](auto& b) { b.set("qwen2.attention.head_count_kv", 4u); },
         "tensor 'blk.0.attn_k.weight'", "shape [64, 32] but the metadata asks for [64, 64]"},
        {"a layer too few in the file", [](auto& b) { b.set("qwen2.block_count", 3u); },
         "tensor 'blk.2.attn_norm.weight'", "is missing; the metadata declares 3 layers"},
        {"a layer too many in the file", [](auto& b) { b.set("qwen2.block_count", 1u); }, "tensor 'blk.1.",
         "is not part of a qwen2 model with 1 layers"},
        {"no embedding", [](auto& b) { b.remove_tensor("token_embd.weight"); }, "tensor 'token_embd.weight'",
         "is missing"},
        {"more tokens than rows", [](auto& b) { b.set("tokenizer.ggml.tokens", std::vector<std::string>(1000, "x")); },
         "key 'tokenizer.ggml.tokens'", "lists 1000 tokens, but token_embd.weight has"},
        {"no final norm", [](auto& b) { b.remove_tensor("output_norm.weight"); }, "tensor 'output_norm.weight'",
         "is missing"},
        {"a matrix missing", [](auto& b) { b.remove_tensor("blk.1.ffn_up.weight"); }, "tensor 'blk.1.ffn_up.weight'",
         "is missing"},
        {"a bias missing", [](auto& b) { b.remove_tensor("blk.1.attn_v.bias"); }, "tensor 'blk.1.attn_v.bias'",
         "is missing"},
        {"a bias too many",
         [](auto& b) { b.add_tensor("blk.0.attn_output.bias", {64}, FormatId::f32, std::vector<std::byte>(256)); },
         "tensor 'blk.0.attn_output.bias'", "is not part of a qwen2 model"},
        {"a third dimension",
         [](auto& b) {
             b.tensor("output_norm.weight").shape = {16, 2, 2};
         },
         "tensor 'output_norm.weight'", "shape [16, 2, 2] but the metadata asks for [64, 1]"},
    };
    for (const Case& c : cases) {
        INFO(c.defect);
        GgufBuilder b = tiny_builder();
        c.apply(b);
        check_refused(b, c.where, c.problem);
    }
}

TEST_CASE("an output matrix of its own, and none", "[config]") {
    TinyModelSpec spec;
    spec.tied = false;
    GgufBuilder b = tiny_builder(spec);
    CHECK_FALSE(read(b).tied_output);
    b.remove_tensor("output.weight");
    CHECK(read(b).tied_output);
}

TEST_CASE("RoPE scaling is refused by name unless it does nothing", "[config]") {
    const auto with = [](const char* type, std::optional<float> factor) {
        GgufBuilder b = tiny_builder();
        if (type) b.set("qwen2.rope.scaling.type", type);
        if (factor) b.set("qwen2.rope.scaling.factor", *factor);
        return b;
    };
    CHECK(read(with("none", std::nullopt)).rope_dim == 16);
    CHECK(read(with("none", 4.0f)).rope_dim == 16);
    CHECK(read(with("linear", 1.0f)).rope_dim == 16);
    CHECK(read(with("yarn", 1.0f)).rope_dim == 16);
    CHECK(read(with(nullptr, 1.0f)).rope_dim == 16);
    CHECK(read(with(nullptr, 0.0f)).rope_dim == 16);
    check_refused(with("linear", 2.0f), "key 'qwen2.rope.scaling.factor'",
                  "is 2: RoPE scaling (linear) is not supported");
    check_refused(with("yarn", 4.0f), "key 'qwen2.rope.scaling.factor'", "RoPE scaling (yarn)");
    check_refused(with(nullptr, 8.0f), "key 'qwen2.rope.scaling.factor'", "RoPE scaling (linear)");
    check_refused(with("linear", std::numeric_limits<float>::quiet_NaN()), "key 'qwen2.rope.scaling.factor'", "is nan");
    check_refused(with("longrope", 1.0f), "key 'qwen2.rope.scaling.type'", "is 'longrope'");
    check_refused(with("\x1b]0;x", {}), "key 'qwen2.rope.scaling.type'", "is '\\x1B]0;x'");

    GgufBuilder old = tiny_builder();
    old.set("qwen2.rope.scale_linear", 4.0f);
    check_refused(old, "key 'qwen2.rope.scale_linear'", "is 4");
    GgufBuilder attention = tiny_builder();
    attention.set("qwen2.rope.scaling.attn_factor", 1.2f);
    check_refused(attention, "key 'qwen2.rope.scaling.attn_factor'", "not supported");
    GgufBuilder llama3 = tiny_builder({.arch = "llama"});
    llama3.add_tensor("rope_freqs.weight", {8}, FormatId::f32, std::vector<std::byte>(32));
    check_refused(llama3, "tensor 'rope_freqs.weight'", "not supported");
}

TEST_CASE("models that only share the name", "[config]") {
    GgufBuilder experts = tiny_builder({.arch = "llama"});
    experts.set("llama.expert_count", 8u);
    check_refused(experts, "key 'llama.expert_count'", "is 8: mixtures of experts");
    GgufBuilder embedding = tiny_builder();
    embedding.set("qwen2.attention.causal", false);
    check_refused(embedding, "key 'qwen2.attention.causal'", "embedding model");
    GgufBuilder unknown = tiny_builder();
    unknown.set("general.architecture", "mamba");
    check_refused(unknown, "key 'general.architecture'",
                  "architecture 'mamba' is not supported; these are: qwen2, llama");
}

TEST_CASE("the registry finds what it lists", "[config]") {
    CHECK(architectures().size() == 2);
    for (const Architecture& a : architectures()) {
        CHECK(find_architecture(a.name) == &a);
        CHECK(a.tensors.size() == 15);
    }
    CHECK(find_architecture("") == nullptr);
    CHECK(find_architecture("qwen3") == nullptr);
}

TEST_CASE("shared models: those that run, and those that do not", "[config]") {
    DISTILL_SHARED_OR_SKIP(folder, "goldens");
    int read_well = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".gguf") continue;
        const std::string name = entry.path().stem().string();
        INFO(name);
        const Gguf file = Gguf::open(entry.path().string());
        bool later = false;  // what other issues bring
        for (const char* part : {"yarn", "linear", "llama3", "qwen3", "phi3", "chatglm"}) later |= contains(name, part);
        const auto error = error_of([&] { check_tensors(file, read_config(file)); });
        if (error) INFO(error->what());
        CHECK(error.has_value() == later);
        read_well += !error.has_value();
    }
    CHECK(read_well >= 18);
}
