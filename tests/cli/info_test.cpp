// `distill info`: what it says about models that run, and that it says so rather than fails for those that do not.
#include "cli/info.h"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"

using namespace distill;
using namespace distill::test;
using Json = nlohmann::json;

namespace {

// What run_info prints for a file of these bytes.
std::string info(const std::vector<std::byte>& bytes, bool json) {
    const TempDir dir;
    const std::string path = dir.write("model.gguf", bytes);
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* out = ::open_memstream(&text, &size);
    REQUIRE(out);
    Status status = Status::failure;
    const auto error = error_of([&] { status = run_info(path, json, out); });
    std::fclose(out);
    const std::string result{text, size};
    std::free(text);
    if (error) throw *error;
    CHECK(status == Status::ok);
    return result;
}

Json json_info(const GgufBuilder& b) {
    return Json::parse(info(b.build(), true));
}

}  // namespace

TEST_CASE("info of a model that runs", "[info]") {
    TinyModelSpec spec;
    spec.d_model = spec.d_ff = 256;
    spec.format = FormatId::q4_k;
    spec.formats = {{"token_embd.weight", FormatId::q6_k}};
    spec.n_ctx_train = 4096;
    spec.n_vocab = 320;
    const GgufBuilder b = tiny_builder(spec);

    const Json j = json_info(b);
    CHECK(j["architecture"] == "qwen2");
    CHECK(j["name"] == "tiny qwen2");
    CHECK(j["supported"] == true);
    CHECK(j["unsupported"].empty());
    CHECK(j["gguf_version"] == 3);
    CHECK(j["parts"] == 1);
    CHECK(j["n_layers"] == 2);
    CHECK(j["d_model"] == 256);
    CHECK(j["d_ff"] == 256);
    CHECK(j["n_heads"] == 4);
    CHECK(j["n_kv_heads"] == 2);
    CHECK(j["head_dim"] == 64);
    CHECK(j["n_vocab"] == 320);
    CHECK(j["n_ctx_train"] == 4096);
    CHECK(j["rope_base"] == 10000.0);
    CHECK(j["qkv_bias"] == true);
    CHECK(j["tied_output"] == true);
    CHECK(j["tokenizer"] == Json({{"model", "gpt2"}, {"pre", "qwen2"}, {"tokens", 320}}));
    CHECK(j["template"]["in_file"] == true);
    CHECK(j["template"]["name"] == "chatml");

    std::uint64_t bytes = 0, tensors = 0, last = ~std::uint64_t{0};
    for (const Json& type : j["tensor_types"]) {
        CHECK(type["supported"] == true);
        CHECK(type["bytes"].get<std::uint64_t>() <= last);  // largest first
        last = type["bytes"].get<std::uint64_t>();
        bytes += last;
        tensors += type["tensors"].get<std::uint64_t>();
    }
    CHECK(j["tensor_types"].size() == 3);
    CHECK(bytes == j["memory"]["weight_bytes"]);
    CHECK(tensors == b.tensors.size());
    CHECK(j["memory"]["kv_bytes_per_token"] == 4 * 2 * 2 * 64);
    const Json& contexts = j["memory"]["contexts"];
    REQUIRE(contexts.size() == 2);
    CHECK(contexts[0] == Json({{"context", 2048}, {"kv_bytes", 2048 * 1024}, {"total_bytes", bytes + 2048 * 1024}}));
    CHECK(contexts[1]["context"] == 4096);

    const std::string text = info(b.build(), false);
    for (const char* part :
         {"architecture  qwen2\n", "name          tiny qwen2\n", "Q4_K", "Q6_K", "pre-tokenizer qwen2, 320 tokens",
          "chatml (recognised)", "context 4096", "1.0 KiB a token", "nothing: this model runs"}) {
        INFO(text);
        CHECK(contains(text, part));
    }
}

TEST_CASE("info reports what does not run", "[info]") {
    SECTION("a tensor type") {
        GgufBuilder b = tiny_builder();
        b.tensor("blk.0.ffn_up.weight").type = 16;
        b.tensor("blk.1.ffn_up.weight").type = 16;
        b.tensor("blk.1.ffn_down.weight").type = 99;
        const Json j = json_info(b);
        CHECK(j["supported"] == false);
        const std::string all = j["unsupported"].dump();
        CHECK(contains(all, "tensor type IQ2_XXS (2 tensors)"));
        CHECK(contains(all, "\"tensor type 99 (1 tensor)\""));
        CHECK(contains(info(b.build(), false), "not supported"));
    }
    SECTION("an architecture, its shapes still shown") {
        GgufBuilder b = tiny_builder();
        for (KeyEntry& entry : b.keys) {
            if (entry.key.starts_with("qwen2.")) entry.key = "gemma9" + entry.key.substr(5);
        }
        b.set("general.architecture", "gemma9");
        const Json j = json_info(b);
        CHECK(j["supported"] == false);
        CHECK(contains(j["unsupported"][0].get<std::string>(), "architecture 'gemma9' is not supported"));
        CHECK(j["n_layers"] == 2);
        CHECK(j["head_dim"] == 16);
        CHECK(j["qkv_bias"].is_null());
        CHECK(j["memory"]["kv_bytes_per_token"] == 4 * 2 * 2 * 16);
    }
    SECTION("a template") {
        const GgufBuilder b = tiny_builder({.chat_template = "{{ something else }}"});
        const Json j = json_info(b);
        CHECK(j["template"]["in_file"] == true);
        CHECK(j["template"]["name"].is_null());
        CHECK(contains(info(b.build(), false), "not recognised; --raw runs without it"));
    }
    SECTION("no template") {
        const GgufBuilder b = tiny_builder({.arch = "llama"});
        CHECK(json_info(b)["template"]["in_file"] == false);
        CHECK(json_info(b)["supported"] == true);
    }
    SECTION("a vocabulary without a model") {
        GgufBuilder b = tiny_builder();
        b.tensors.clear();
        const Json j = json_info(b);
        CHECK(j["supported"] == false);
        CHECK(contains(j["unsupported"].dump(), "the file holds no model"));
        CHECK(j["memory"]["weight_bytes"] == 0);
    }
    SECTION("an empty container") {
        const Json j = json_info(GgufBuilder{});
        CHECK(j["architecture"].is_null());
        CHECK(j["supported"] == false);
        CHECK(contains(info(GgufBuilder{}.build(), false), "not given"));
    }
    SECTION("wild sizes") {
        GgufBuilder b = tiny_builder();
        b.set("qwen2.block_count", ~std::uint64_t{0}).set("qwen2.context_length", ~std::uint64_t{0});
        const Json j = json_info(b);
        CHECK(j["supported"] == false);
        CHECK(j["memory"]["kv_bytes_per_token"].is_null());
        b.set("qwen2.block_count", 2u);
        CHECK(json_info(b)["memory"]["contexts"].size() == 4);  // the declared window times its bytes would wrap
        b.set("qwen2.attention.head_count", 0u);
        CHECK(json_info(b)["head_dim"].is_null());
    }
}

TEST_CASE("names from the file reach the terminal harmless", "[info][hostile]") {
    GgufBuilder b = tiny_builder();
    b.set("general.name", "evil\x1b[2J\xff");
    CHECK(contains(info(b.build(), false), "evil\\x1B[2J\\xFF\n"));
    CHECK(json_info(b)["name"].get<std::string>().starts_with("evil\x1b[2J"));  // parses, so it was valid JSON
}

TEST_CASE("info fails for broken files and full disks", "[info][hostile]") {
    auto bytes = tiny_model();
    bytes.resize(bytes.size() / 2);
    const auto broken = error_of([&] { info(bytes, false); });
    REQUIRE(broken);
    CHECK(broken->status() == Status::bad_model);

    const TempDir dir;
    const std::string path = dir.write("model.gguf", tiny_model());
    std::FILE* full = std::fopen("/dev/full", "w");
    REQUIRE(full);
    const auto error = error_of([&] { run_info(path, true, full); });
    std::fclose(full);
    REQUIRE(error);
    CHECK(error->status() == Status::failure);
    CHECK(contains(error->problem(), "No space left"));
}
