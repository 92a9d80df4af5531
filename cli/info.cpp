// Two steps: facts() reads everything from the file, then one of two writers makes text of it.
#include "cli/info.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "cli/builtin_model.h"
#include "cli/command.h"
#include "engine/arch/registry.h"
#include "engine/config.h"
#include "engine/gguf.h"
#include "engine/limits.h"
#include "tokenizer/template/chat.h"
#include "tokenizer/tokenizer.h"

namespace distill {
namespace {

struct TypeShare {
    std::string name;
    bool supported;
    std::uint64_t n_tensors, bytes;
};

// Shapes as the file declares them, also of an architecture that we do not run; absent where the key is absent or
// wrong.
struct Shapes {
    std::optional<std::uint64_t> n_layers, d_model, d_ff, n_heads, n_kv_heads, head_dim, n_ctx_train, n_vocab;
    std::optional<double> rope_base;
};

struct MemoryAt {
    std::uint64_t context, kv_bytes, total_bytes;
};

struct Facts {
    std::uint32_t version;
    int n_parts;
    std::uint64_t file_bytes, n_tensors, n_keys, n_weights, weight_bytes;
    std::string architecture, name;
    std::optional<Config> config;  // present if the architecture runs
    Shapes shapes;
    std::vector<TypeShare> types;  // by bytes, largest first
    std::string tokenizer_model, tokenizer_pre;
    std::uint64_t n_tokens = 0;
    bool has_template = false;
    std::string template_name, template_note;  // name: "" if there is none that we know
    std::optional<std::uint64_t> kv_bytes_per_token;
    std::vector<MemoryAt> memory;
    std::vector<std::string> unsupported;  // empty: the model runs
};

// Look-ups that take a wrong type for an absent key: whether it matters is for read_config to say.
template <class Lookup>
auto lenient(Lookup lookup) -> decltype(lookup()) {
    try {
        return lookup();
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::string string_or_empty(const Gguf& file, std::string_view key) {
    return std::string{lenient([&] { return file.find_string(key); }).value_or("")};
}

// Without the path, which is the same for all of them.
std::string without_path(const Error& error, const Gguf& file) {
    std::string_view line = error.what();
    const std::string prefix = file.path() + ": ";
    if (line.substr(0, prefix.size()) == prefix) line.remove_prefix(prefix.size());
    return std::string{line};
}

Shapes declared_shapes(const Gguf& file, std::string_view architecture) {
    const auto uint = [&](std::string_view name) {
        return lenient([&] { return file.find_uint(fmt::format("{}.{}", architecture, name)); });
    };
    Shapes s;
    s.n_layers = uint("block_count");
    s.d_model = uint("embedding_length");
    s.d_ff = uint("feed_forward_length");
    s.n_heads = uint("attention.head_count");
    s.n_kv_heads = uint("attention.head_count_kv");
    if (!s.n_kv_heads) s.n_kv_heads = s.n_heads;
    s.head_dim = uint("attention.key_length");
    if (!s.head_dim && s.d_model && s.n_heads && *s.n_heads > 0) s.head_dim = *s.d_model / *s.n_heads;
    s.n_ctx_train = uint("context_length");
    if (const Tensor* embedding = file.find_tensor("token_embd.weight")) s.n_vocab = embedding->rows();
    s.rope_base = lenient([&] { return file.find_float(fmt::format("{}.rope.freq_base", architecture)); });
    return s;
}

// f16 keys and values of all layers; nullopt if a size is unknown or absurd.
std::optional<std::uint64_t> kv_bytes_per_token(const Shapes& s) {
    if (!s.n_layers || !s.n_kv_heads || !s.head_dim) return std::nullopt;
    std::uint64_t bytes = 4;
    for (const std::uint64_t factor : {*s.n_layers, *s.n_kv_heads, *s.head_dim}) {
        if (!checked_mul(bytes, bytes, factor)) return std::nullopt;
    }
    return bytes;
}

void count_tensors(Facts& facts, const Gguf& file) {
    for (const Tensor& tensor : file.tensors()) {
        std::uint64_t weights = tensor.columns();
        for (const std::uint64_t dim : {tensor.shape[1], tensor.shape[2], tensor.shape[3]})
            weights *= dim;  // checked in open()
        if (!checked_add(facts.n_weights, facts.n_weights, weights)) facts.n_weights = ~std::uint64_t{0};
        facts.weight_bytes += tensor.data.size();

        std::string name{gguf_type_name(tensor.type)};
        if (name.empty()) name = fmt::format("type {}", tensor.type);
        auto share =
            std::find_if(facts.types.begin(), facts.types.end(), [&](const auto& t) { return t.name == name; });
        if (share == facts.types.end()) {
            facts.types.push_back({name, tensor.format != nullptr, 0, 0});
            share = std::prev(facts.types.end());
        }
        ++share->n_tensors;
        share->bytes += tensor.data.size();
    }
    std::stable_sort(facts.types.begin(), facts.types.end(),
                     [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
    for (const TypeShare& type : facts.types) {
        if (!type.supported) {
            const bool has_name = type.name.substr(0, 5) != "type ";
            facts.unsupported.push_back(fmt::format("tensor {}{} ({} tensor{})", has_name ? "type " : "", type.name,
                                                    type.n_tensors, type.n_tensors == 1 ? "" : "s"));
        }
    }
}

void read_tokenizer(Facts& facts, const Gguf& file) {
    facts.tokenizer_model = string_or_empty(file, "tokenizer.ggml.model");
    facts.tokenizer_pre = string_or_empty(file, "tokenizer.ggml.pre");
    const Value* tokens = file.find("tokenizer.ggml.tokens");
    if (tokens && tokens->type == ValueType::array) facts.n_tokens = tokens->count;
    facts.has_template = file.find("tokenizer.chat_template") != nullptr;
    try {
        const Tokenizer tokenizer = Tokenizer::from_gguf(file);
        try {
            const auto chat = ChatTemplate::from_gguf(file, tokenizer, facts.template_note);
            if (chat) facts.template_name = chat->name();
        } catch (const Error& error) {
            facts.unsupported.push_back(without_path(error, file));
        }
    } catch (const Error& error) {
        facts.unsupported.push_back(without_path(error, file));
    }
}

void plan_memory(Facts& facts) {
    const auto per_token = facts.kv_bytes_per_token;
    if (!per_token) return;
    std::vector<std::uint64_t> contexts;
    const std::uint64_t window = facts.shapes.n_ctx_train.value_or(0);
    for (const std::uint64_t context : {2048u, 4096u, 8192u, 32768u}) {
        if (window == 0 || context < window) contexts.push_back(context);
    }
    if (window > 0) contexts.push_back(window);
    for (const std::uint64_t context : contexts) {
        MemoryAt at{context, 0, 0};
        if (!checked_mul(at.kv_bytes, context, *per_token)) continue;
        if (!checked_add(at.total_bytes, at.kv_bytes, facts.weight_bytes)) continue;
        facts.memory.push_back(at);
    }
}

Facts read_facts(const Gguf& file) {
    Facts facts{};
    facts.version = file.version();
    facts.n_parts = file.n_parts();
    facts.file_bytes = file.file_bytes();
    facts.n_tensors = file.tensors().size();
    facts.n_keys = file.values().size();
    facts.architecture = string_or_empty(file, "general.architecture");
    facts.name = string_or_empty(file, "general.name");
    facts.shapes = declared_shapes(file, facts.architecture);
    count_tensors(facts, file);
    try {
        facts.config = read_config(file);
        check_tensors(file, *facts.config);
    } catch (const Error& error) {
        facts.unsupported.push_back(without_path(error, file));
    }
    if (facts.config) {  // defaults filled in, and checked
        facts.shapes.n_kv_heads = static_cast<std::uint64_t>(facts.config->n_kv_heads);
        facts.shapes.head_dim = static_cast<std::uint64_t>(facts.config->head_dim);
        facts.shapes.rope_base = static_cast<double>(facts.config->rope_base);
    }
    facts.kv_bytes_per_token = kv_bytes_per_token(facts.shapes);
    read_tokenizer(facts, file);
    plan_memory(facts);
    return facts;
}

// --- as a table ------------------------------------------------------------------------------------------------------

std::string human_bytes(std::uint64_t bytes) {
    const auto value = static_cast<double>(bytes);
    if (bytes < 1024) return fmt::format("{} B", bytes);
    if (bytes < 1024 * 1024) return fmt::format("{:.1f} KiB", value / 1024);
    if (bytes < 1024 * 1024 * 1024) return fmt::format("{:.1f} MiB", value / (1024 * 1024));
    return fmt::format("{:.2f} GiB", value / (1024.0 * 1024 * 1024));
}

std::string human_count(std::uint64_t count) {
    const auto value = static_cast<double>(count);
    if (count < 1'000'000) return fmt::format("{}", count);
    if (count < 1'000'000'000) return fmt::format("{:.1f} M", value / 1e6);
    return fmt::format("{:.2f} B", value / 1e9);
}

std::string or_unknown(std::optional<std::uint64_t> value) {
    return value ? fmt::format("{}", *value) : "?";
}

std::string template_line(const Facts& facts) {
    if (!facts.template_name.empty()) {
        return facts.has_template ? fmt::format("{} (recognised)", facts.template_name)
                                  : fmt::format("none in the file; {} fits the vocabulary", facts.template_name);
    }
    return facts.has_template ? "not recognised; --raw runs without it" : "none; prompts are taken as with --raw";
}

std::string as_text(const std::string& path, const Facts& facts) {
    std::string out;
    const auto line = [&](std::string_view label, std::string_view text) {
        out += fmt::format("{:<14}{}\n", label, text);
    };
    const Shapes& s = facts.shapes;

    line("file", fmt::format("{} (GGUF {}, {}{})", printable(path, 400), facts.version, human_bytes(facts.file_bytes),
                             facts.n_parts > 1 ? fmt::format(" in {} parts", facts.n_parts) : ""));
    line("architecture", facts.architecture.empty() ? "not given" : printable(facts.architecture));
    if (!facts.name.empty()) line("name", printable(facts.name));
    line("parameters", human_count(facts.n_weights));
    line("layers", fmt::format("{}, width {}, feed-forward {}", or_unknown(s.n_layers), or_unknown(s.d_model),
                               or_unknown(s.d_ff)));
    line("attention",
         fmt::format("{} heads of {}, {} for keys and values{}", or_unknown(s.n_heads), or_unknown(s.head_dim),
                     or_unknown(s.n_kv_heads), facts.config && facts.config->qkv_bias ? ", with biases" : ""));
    if (s.rope_base) line("rope base", fmt::format("{}", *s.rope_base));
    line("vocabulary", fmt::format("{} rows{}", or_unknown(s.n_vocab),
                                   !facts.config               ? ""
                                   : facts.config->tied_output ? ", output tied to the embedding"
                                                               : ", output a matrix of its own"));
    line("context", fmt::format("{} tokens", or_unknown(s.n_ctx_train)));

    line("tensors", fmt::format("{}", facts.n_tensors));
    for (const TypeShare& type : facts.types) {
        const double share = 100.0 * static_cast<double>(type.bytes) /
                             static_cast<double>(std::max<std::uint64_t>(facts.weight_bytes, 1));
        out += fmt::format("  {:<10}{:>6}  {:>11}  {:>5.1f} %{}\n", type.name, type.n_tensors, human_bytes(type.bytes),
                           share, type.supported ? "" : "  not supported");
    }

    line("tokenizer", facts.tokenizer_model.empty() ? "none"
                                                    : fmt::format("{}{}{}, {} tokens", printable(facts.tokenizer_model),
                                                                  facts.tokenizer_pre.empty() ? "" : ", pre-tokenizer ",
                                                                  printable(facts.tokenizer_pre), facts.n_tokens));
    line("template", template_line(facts));

    if (facts.kv_bytes_per_token) {
        line("memory", fmt::format("weights {} + keys and values in F16, {} a token", human_bytes(facts.weight_bytes),
                                   human_bytes(*facts.kv_bytes_per_token)));
        for (const MemoryAt& at : facts.memory) {
            out += fmt::format("  context {:<8}{:>11}  {:>11} together\n", at.context, human_bytes(at.kv_bytes),
                               human_bytes(at.total_bytes));
        }
    } else {
        line("memory", fmt::format("weights {}", human_bytes(facts.weight_bytes)));
    }

    if (facts.unsupported.empty()) {
        line("unsupported", "nothing: this model runs");
    } else {
        for (std::size_t i = 0; i < facts.unsupported.size(); ++i)
            line(i == 0 ? "unsupported" : "", facts.unsupported[i]);
    }
    return out;
}

// --- as JSON ---------------------------------------------------------------------------------------------------------

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

std::string as_json(const std::string& path, const Facts& facts) {
    const Shapes& s = facts.shapes;
    Json types = Json::array();
    for (const TypeShare& type : facts.types) {
        types.push_back(
            {{"type", type.name}, {"tensors", type.n_tensors}, {"bytes", type.bytes}, {"supported", type.supported}});
    }
    Json contexts = Json::array();
    for (const MemoryAt& at : facts.memory) {
        contexts.push_back({{"context", at.context}, {"kv_bytes", at.kv_bytes}, {"total_bytes", at.total_bytes}});
    }
    Json object = {
        {"file", path},
        {"gguf_version", facts.version},
        {"parts", facts.n_parts},
        {"file_bytes", facts.file_bytes},
        {"architecture", text_or_null(facts.architecture)},
        {"name", text_or_null(facts.name)},
        {"supported", facts.unsupported.empty()},
        {"unsupported", facts.unsupported},
        {"parameters", facts.n_weights},
        {"n_layers", or_null(s.n_layers)},
        {"d_model", or_null(s.d_model)},
        {"d_ff", or_null(s.d_ff)},
        {"n_heads", or_null(s.n_heads)},
        {"n_kv_heads", or_null(s.n_kv_heads)},
        {"head_dim", or_null(s.head_dim)},
        {"n_vocab", or_null(s.n_vocab)},
        {"n_ctx_train", or_null(s.n_ctx_train)},
        {"rope_base", or_null(s.rope_base)},
        {"qkv_bias", facts.config ? Json(facts.config->qkv_bias) : Json(nullptr)},
        {"tied_output", facts.config ? Json(facts.config->tied_output) : Json(nullptr)},
        {"metadata_keys", facts.n_keys},
        {"tensors", facts.n_tensors},
        {"tensor_types", types},
        {"tokenizer",
         {{"model", text_or_null(facts.tokenizer_model)},
          {"pre", text_or_null(facts.tokenizer_pre)},
          {"tokens", facts.n_tokens}}},
        {"template", {{"in_file", facts.has_template}, {"name", text_or_null(facts.template_name)}}},
        {"memory",
         {{"weight_bytes", facts.weight_bytes},
          {"kv_bytes_per_token", or_null(facts.kv_bytes_per_token)},
          {"contexts", contexts}}},
    };
    // Names from the file may hold any bytes; what is no UTF-8 becomes U+FFFD.
    return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write(std::FILE* out, const std::string& text) {
    errno = 0;
    if (std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0) return;
    const int reason = errno;
    throw Error{fmt::format("cannot write the output: {}", std::strerror(reason)),
                reason == EPIPE ? Status::reader_gone : Status::failure};
}

}  // namespace

Status run_info(const std::string& path, bool json, std::FILE* out) {
    const Gguf file = open_model(path, UnsupportedTypes::keep);
    const Facts facts = read_facts(file);
    write(out, json ? as_json(file.path(), facts) : as_text(file.path(), facts));
    return Status::ok;
}

void add_info_command(const Command& program, Action& action) {
    struct Flags {
        std::string path;
        bool json = false;
    };
    const auto flags = std::make_shared<Flags>();
    const Command command(program, "info", "what a model file holds and what it needs, from its header alone");
    command.value("model,-m,--model", flags->path, "the GGUF file; none = the built-in demo model");
    command.flag("--json", flags->json, "one JSON object instead of a table");
    command.when_chosen([flags, &action] { action = [flags] { return run_info(flags->path, flags->json, stdout); }; });
}

}  // namespace distill
