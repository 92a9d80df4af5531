// Whole files: which tensor gets which format, that nothing else changes, and what it costs in the logits.
#include "engine/quantize.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "engine/engine.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/shared_files.h"

namespace distill::test {
namespace {

std::vector<std::byte> read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

struct Fixture {
    TempDir folder;
    std::string out = folder.path() / "out.gguf";

    // OUT in the type of that name, read again.
    Gguf run(const Gguf& file, std::string_view type, QuantizeOptions options = {}, int threads = 2) const {
        options.type = find_quantize_type(type);
        REQUIRE(options.type);
        ThreadPool pool(threads);
        const auto plan = plan_quantization(file, options);
        quantize(file, options, plan, out, pool, {});
        CHECK(std::filesystem::file_size(out) == quantized_file_bytes(file, options, plan));
        CHECK_FALSE(std::filesystem::exists(out + ".part"));
        return Gguf::open(out);
    }
};

std::string_view format_in(const Gguf& file, std::string_view tensor) {
    const Tensor* found = file.find_tensor(tensor);
    REQUIRE(found);
    return found->format->name;
}

std::vector<float> weights(const Tensor& tensor) {
    std::vector<float> out(tensor.rows() * tensor.columns());
    tensor.format->dequantize(out.data(), tensor.data.data(), out.size());
    return out;
}

std::vector<float> logits(const std::string& path) {
    ThreadPool pool(1);
    const Engine engine = Engine::load({.path = path, .kernels = "scalar"});
    Sequence sequence(engine, pool, 64);
    std::vector<TokenId> ids;
    for (int i = 0; i < 24; ++i) ids.push_back((i * 37 + 5) % 250);
    const auto row = sequence.forward(ids, Logits::last);
    return {row.begin(), row.end()};
}

// Kullback-Leibler divergence of the softmax of b from that of a.
double divergence(const std::vector<float>& a, const std::vector<float>& b) {
    const auto log_sum = [](const std::vector<float>& row) {
        double sum = 0;
        for (const float v : row) sum += std::exp(static_cast<double>(v));
        return std::log(sum);
    };
    const double la = log_sum(a), lb = log_sum(b);
    double kl = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double pa = static_cast<double>(a[i]) - la, pb = static_cast<double>(b[i]) - lb;
        kl += std::exp(pa) * (pa - pb);
    }
    return kl;
}

TEST_CASE("metadata is kept bit for bit, tensors keep names, order and shapes", "[quantize][slow]") {
    const Fixture f;
    GgufBuilder b = tiny_builder({.d_model = 256, .d_ff = 256});
    b.set("general.alignment", std::uint32_t{64}).set("some.floats", std::vector<float>{1.5f, -0.0f});
    b.set("some.strings", std::vector<std::string>{"", "a\nb"}).set("some.flag", true).set("some.double", 0.1);
    b.alignment = 64;
    const auto bytes = b.build();
    const Gguf in = Gguf::parse(bytes, "in");
    const Gguf out = f.run(in, "Q8_0");
    CHECK(out.version() == 3);
    std::size_t i = 0;
    for (const Value& value : in.values()) {
        if (value.key == "general.file_type" || value.key == "general.quantization_version") continue;
        const Value& kept = out.values()[i++];
        INFO(value.key);
        CHECK(kept.key == value.key);
        CHECK(kept.type == value.type);
        CHECK(kept.element == value.element);
        CHECK(kept.count == value.count);
        CHECK(std::ranges::equal(kept.bytes, value.bytes));
    }
    CHECK(out.find_uint("general.file_type") == 7);
    CHECK(out.find_uint("general.quantization_version") == 2);
    REQUIRE(out.tensors().size() == in.tensors().size());
    for (std::size_t t = 0; t < in.tensors().size(); ++t) {
        const Tensor &from = in.tensors()[t], &to = out.tensors()[t];
        CHECK(to.name == from.name);
        CHECK(to.shape == from.shape);
        CHECK(to.n_dims == from.n_dims);
        CHECK(to.offset % 64 == 0);
        CHECK(to.format->name == (from.n_dims == 1 ? "F32" : "Q8_0"));
        if (from.n_dims == 1) CHECK(std::ranges::equal(to.data, from.data));
    }
    // A file type that was there is replaced where it stood.
    b.set("general.file_type", std::uint32_t{1});
    const auto again = b.build();
    CHECK(f.run(Gguf::parse(again, "in"), "Q4_0").find_uint("general.file_type") == 2);
}

TEST_CASE("the mixes", "[quantize]") {
    const Fixture f;
    const auto bytes = tiny_model({.n_layers = 16, .d_model = 256, .d_ff = 256, .tied = false});
    const Gguf in = Gguf::parse(bytes, "in");
    const auto formats_of = [&](std::string_view type, std::string_view part) {
        QuantizeOptions options;
        options.type = find_quantize_type(type);
        std::string text;
        for (const PlannedTensor& p : plan_quantization(in, options)) {
            if (contains(p.tensor->name, part)) text += std::string(p.format->name) + " ";
        }
        return text;
    };
    CHECK(formats_of("Q4_K_M", "attn_v.weight") ==
          "Q6_K Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q6_K Q6_K ");
    CHECK(formats_of("q4_k_m", "ffn_down.weight") == formats_of("Q4_K_M", "attn_v.weight"));
    CHECK(formats_of("Q5_K_M", "blk.2.ffn_down") == "Q5_K ");
    CHECK(formats_of("Q5_K_M", "blk.1.ffn_down") == "Q6_K ");
    CHECK(formats_of("Q4_K_S", "attn_v.weight").substr(0, 25) == "Q5_K Q5_K Q5_K Q5_K Q4_K ");
    for (const char* type : {"Q4_K_M", "Q5_K_M", "Q4_K", "Q4_K_S", "Q5_K_S", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q6_K"}) {
        INFO(type);
        CHECK(formats_of(type, "output.weight").substr(0, 5) != "F32 ");
        CHECK(formats_of(type, "attn_q.weight").substr(0, 4) == std::string_view(type).substr(0, 4));
        CHECK(contains(formats_of(type, "output.weight"), "Q6_K"));
        CHECK(contains(formats_of(type, "token_embd"), std::string_view(type).substr(0, 4)));
    }
    CHECK(formats_of("F16", "blk.3.attn_norm") == "F32 ");
    CHECK(formats_of("BF16", "blk.3.attn_q.weight") == "BF16 ");
    CHECK_FALSE(find_quantize_type("Q9_9"));
    CHECK_FALSE(find_quantize_type(""));

    QuantizeOptions options;
    options.type = find_quantize_type("Q4_K_M");
    options.pure = true;
    for (const PlannedTensor& p : plan_quantization(in, options)) {
        CHECK(p.format->name == (p.tensor->n_dims > 1 ? "Q4_K" : "F32"));
    }
    options.pure = false;
    options.tensor_types = {{"attn_q", find_format(8)}, {"blk.1.attn_q", find_format(1)}};
    for (const PlannedTensor& p : plan_quantization(in, options)) {
        if (contains(p.tensor->name, "attn_q.weight"))
            CHECK(p.format->name == (p.tensor->name.starts_with("blk.1.") ? "F16" : "Q8_0"));
        if (contains(p.tensor->name, "attn_q.bias")) CHECK(p.format->name == "F32");
    }
    options.tensor_types = {{"nonesuch", find_format(8)}};
    const auto error = error_of([&] { plan_quantization(in, options); });
    REQUIRE(error);
    CHECK(error->status() == Status::usage);
}

TEST_CASE("published mixes come out of our own rules", "[quantize]") {
    // These files have the types that published ones have: asked for the same mix, nothing would change.
    for (const char* name : {"small-llama-Q4_K_M", "small-qwen2-896-Q4_K_M"}) {
        const Gguf file = Gguf::open(std::string("tests/golden/data/") + name + ".gguf");
        QuantizeOptions options;
        options.type = find_quantize_type("Q4_K_M");
        for (const PlannedTensor& p : plan_quantization(file, options)) {
            INFO(name << " " << p.tensor->name);
            CHECK(p.format->name == p.tensor->format->name);
        }
    }
}

TEST_CASE("rows that do not divide by the block fall back", "[quantize]") {
    const auto formats_of = [](int d_model, int d_ff, std::string_view type) {
        const auto bytes = tiny_model({.d_model = d_model, .d_ff = d_ff});
        const Gguf in = Gguf::parse(bytes, "in");
        QuantizeOptions options;
        options.type = find_quantize_type(type);
        options.pure = true;
        std::string text;
        for (const PlannedTensor& p : plan_quantization(in, options)) {
            if (contains(p.tensor->name, "blk.0.ffn_down")) text += p.format->name;
            if (contains(p.tensor->name, "blk.0.ffn_up")) text += "/" + std::string(p.format->name);
        }
        return text;
    };
    // ffn_down has rows of d_ff, ffn_up of d_model; the tensors' order in the file does not matter here.
    for (const auto& [type, fallback] : {std::pair{"Q4_K", "Q5_0"}, {"Q5_K", "Q5_1"}, {"Q6_K", "Q8_0"}}) {
        const std::string text = formats_of(256, 96, type);
        INFO(text);
        CHECK(contains(text, fallback));
        CHECK(contains(text, std::string("/") + type));
        CHECK(contains(formats_of(256, 80, type), "F16"));
    }
    CHECK(contains(formats_of(64, 80, "Q4_0"), "F16"));
    CHECK(contains(formats_of(64, 80, "Q4_0"), "/Q4_0"));
}

TEST_CASE("every type gives a file that loads and computes nearly the same", "[quantize][slow]") {
    const Fixture f;
    const std::string path = f.folder.write("in.gguf", tiny_model({.d_model = 256, .d_ff = 256}));
    const Gguf in = Gguf::open(path);
    const std::vector<float> exact = logits(path);
    for (const QuantizeType& type : quantize_types()) {
        const Gguf out = f.run(in, type.name);
        const double kl = divergence(exact, logits(f.out));
        INFO(type.name << ": " << kl);
        CHECK(out.find_uint("general.file_type") == type.file_type);
        const char width = type.name[1];
        CHECK(kl < (type.name == "F32" ? 1e-9 : width == '4' ? 0.1 : width == '5' ? 0.03 : width == '6' ? 0.01 : 1e-3));
        CHECK(kl > -1e-9);
    }
}

TEST_CASE("the same bytes for any number of threads", "[quantize][slow]") {
    const Fixture f;
    // Rows enough for several chunks.
    const auto bytes = tiny_model({.n_layers = 1, .d_model = 256, .d_ff = 1024});
    const Gguf in = Gguf::parse(bytes, "in");
    f.run(in, "Q4_K_M", {}, 1);
    const auto one = read(f.out);
    f.run(in, "Q4_K_M", {}, 3);
    CHECK(read(f.out) == one);
}

TEST_CASE("dequantising and rounding again", "[quantize]") {
    const Fixture f;
    const auto bytes = tiny_model({.d_model = 256, .d_ff = 256, .format = FormatId::q8_0});
    const Gguf in = Gguf::parse(bytes, "in");
    const Gguf floats = f.run(in, "F32");
    for (const Tensor& tensor : in.tensors()) {
        INFO(tensor.name);
        CHECK(weights(*floats.find_tensor(tensor.name)) == weights(tensor));
    }
    // Encoding what Q8_0 can hold gives its values again, nearly all to the bit.
    const auto error = error_of([&] { f.run(in, "Q4_0"); });
    REQUIRE(error);
    CHECK(error->status() == Status::usage);
    CHECK(contains(error->what(), "--allow-requantize"));
    QuantizeOptions allowed;
    allowed.allow_requantize = true;
    CHECK(format_in(f.run(in, "Q4_0", allowed), "blk.0.attn_q.weight") == "Q4_0");
    // The same type again is a copy.
    const Gguf same = f.run(in, "Q8_0");
    for (const Tensor& tensor : in.tensors())
        CHECK(std::ranges::equal(same.find_tensor(tensor.name)->data, tensor.data));
}

TEST_CASE("a split model becomes one file", "[quantize]") {
    const Fixture f;
    const GgufBuilder b = tiny_builder({.d_model = 64});
    const auto whole = b.build();
    std::string first;
    int part = 0;
    for (const GgufBuilder& p : b.split(3)) {
        const std::string path = f.folder.write("m-0000" + std::to_string(++part) + "-of-00003.gguf", p.build());
        if (part == 1) first = path;
    }
    const Gguf joined = f.run(Gguf::open(first), "Q8_0");
    CHECK_FALSE(joined.find("split.count"));
    CHECK_FALSE(joined.find("split.no"));
    const auto from_parts = read(f.out);
    const Gguf direct = f.run(Gguf::parse(whole, "whole"), "Q8_0");
    REQUIRE(direct.tensors().size() == b.tensors.size());
    CHECK(read(f.out).size() == from_parts.size());
}

TEST_CASE("weights that cannot be stored are named", "[quantize][hostile]") {
    const Fixture f;
    const auto poisoned = [&](float value, std::string_view type) {
        GgufBuilder b = tiny_builder({.d_model = 64});
        auto& data = b.tensor("blk.1.ffn_up.weight").data;
        std::memcpy(data.data() + 4 * (64 * 3 + 7), &value, 4);
        const auto bytes = b.build();
        const auto error = error_of([&] { f.run(Gguf::parse(bytes, "in.gguf"), type); });
        CHECK_FALSE(std::filesystem::exists(f.out));
        CHECK_FALSE(std::filesystem::exists(f.out + ".part"));
        return error;
    };
    for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e6f}) {
        for (const char* type : {"Q8_0", "Q4_0", "F16"}) {
            const auto error = poisoned(value, type);
            REQUIRE(error);
            INFO(error->what());
            CHECK(error->status() == Status::bad_model);
            CHECK(contains(error->what(), "blk.1.ffn_up.weight"));
            CHECK(contains(error->what(), "row 3, column 7"));
        }
    }
}

TEST_CASE("a real golden in F16 keeps its logits in Q8_0", "[quantize][slow]") {
    DISTILL_SHARED_OR_SKIP(golden, "goldens/small-qwen2-F16.gguf");
    const Fixture f;
    f.run(Gguf::open(golden.string()), "Q8_0");
    CHECK(divergence(logits(golden.string()), logits(f.out)) < 1e-3);
    f.run(Gguf::open(golden.string()), "Q4_K_M");
    CHECK(divergence(logits(golden.string()), logits(f.out)) < 0.05);
}

}  // namespace
}  // namespace distill::test
