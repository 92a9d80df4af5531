// distill quantize: a model in other number formats.
#include "engine/quantize.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "quant/encode.h"

namespace distill {

namespace {

struct QuantizeFlags {
    std::string in, out, type;
    std::vector<std::string> tensor_types;
    bool pure = false, allow_requantize = false, force = false, dry_run = false;
    int threads = 0;
};

std::string type_names() {
    std::string names;
    for (const QuantizeType& type : quantize_types()) names += fmt::format("{}{}", names.empty() ? "" : " ", type.name);
    return names;
}

// "attn_v=Q6_K"
std::pair<std::string, const Format*> parse_tensor_type(const std::string& text) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0) {
        throw Error(fmt::format("--tensor-type: '{}' is not NAME=TYPE", printable(text, 80)), Status::usage);
    }
    const QuantizeType* type = find_quantize_type(text.substr(equals + 1));
    if (!type || type->mix != QuantizeType::Mix::none) {
        std::string names;
        for (const QuantizeType& t : quantize_types()) {
            if (t.mix == QuantizeType::Mix::none) names += fmt::format(" {}", t.name);
        }
        throw Error(fmt::format("--tensor-type: unknown type '{}'; these are:{}",
                                printable(text.substr(equals + 1), 40), names),
                    Status::usage);
    }
    return {text.substr(0, equals), find_format(static_cast<std::uint32_t>(type->format))};
}

// Before anything is read or written.
void check_paths(const QuantizeFlags& flags) {
    struct stat in {
    }, out{};
    if (::stat(flags.out.c_str(), &out) != 0) return;
    if (::stat(flags.in.c_str(), &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
        throw Error(flags.out, "is the input itself; name another output", std::nullopt, Status::usage);
    }
    if (!S_ISREG(out.st_mode)) throw Error(flags.out, "is no regular file", std::nullopt, Status::usage);
    if (!flags.force) {
        throw Error(flags.out, "exists already; --force replaces it", std::nullopt, Status::usage);
    }
}

std::string mebibytes(std::uint64_t bytes) {
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024 * 1024));
}

// "26.1 MiB -> 7.1 MiB, 8.53 bits a weight"
std::string summary(const Gguf& file, std::span<const PlannedTensor> plan, std::uint64_t bytes) {
    double weights = 0, bits = 0;
    std::size_t fallbacks = 0;
    for (const PlannedTensor& p : plan) {
        weights += static_cast<double>(p.tensor->columns()) * static_cast<double>(p.tensor->rows());
        bits += 8 * static_cast<double>(p.bytes);
        fallbacks += p.fallback ? 1 : 0;
    }
    std::string text = fmt::format("{} -> {}, {:.2f} bits a weight", mebibytes(file.file_bytes()), mebibytes(bytes),
                                   bits / std::max(weights, 1.0));
    if (fallbacks > 0) {
        text += fmt::format("; {} of {} tensors have rows that do not divide by the block and got a wider format",
                            fallbacks, plan.size());
    }
    return text;
}

std::string as_table(std::span<const PlannedTensor> plan) {
    std::string out;
    for (const PlannedTensor& p : plan) {
        const std::string shape =
            fmt::format("{}", fmt::join(p.tensor->shape.begin(), p.tensor->shape.begin() + p.tensor->n_dims, " x "));
        out += fmt::format("{:<32} {:>18}  {:>5} -> {:<5} {:>11}{}\n", printable(p.tensor->name), shape,
                           p.tensor->format->name, p.format->name, mebibytes(p.bytes),
                           p.fallback ? "  (its rows do not divide by the block)" : "");
    }
    return out;
}

Status run(const QuantizeFlags& flags) {
    QuantizeOptions options;
    options.type = find_quantize_type(flags.type);
    if (!options.type) {
        throw Error(fmt::format("unknown type '{}'; these are: {}", printable(flags.type, 40), type_names()),
                    Status::usage);
    }
    options.pure = flags.pure;
    options.allow_requantize = flags.allow_requantize;
    for (const std::string& text : flags.tensor_types) options.tensor_types.push_back(parse_tensor_type(text));
    if (!flags.dry_run) check_paths(flags);

    name_mapped_file(flags.in);
    const Gguf file = Gguf::open(flags.in);
    const auto plan = plan_quantization(file, options);
    const std::uint64_t bytes = quantized_file_bytes(file, options, plan);
    Output out = standard_output();
    if (flags.dry_run) {
        out.write(as_table(plan));
        out.write(summary(file, plan, bytes) + "\n");
        return Status::ok;
    }

    const auto start = std::chrono::steady_clock::now();
    ThreadPool pool(flags.threads > 0 ? flags.threads : default_threads());
    Progress progress("quantizing");
    QuantizeHooks hooks;
    hooks.progress = [&](double fraction) { progress.update(fraction); };
    hooks.cancelled = [] { return interrupts() > 0; };
    quantize(file, options, plan, flags.out, pool, hooks);
    progress.clear();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    out.write(fmt::format("{}: {}, {:.1f} s\n", printable(flags.out, 400), summary(file, plan, bytes), seconds));
    return Status::ok;
}

}  // namespace

void add_quantize_command(const Command& program, Action& action) {
    const Command command(program, "quantize", "write a model in another number format");
    const auto flags = std::make_shared<QuantizeFlags>();
    command.footer(
        fmt::format("TYPE: {}.\n"
                    "Matrices get the type's format, with Q6_K for the output matrix below 6 bits; norms and biases "
                    "stay F32. The _M\n"
                    "mixes give attn_v and ffn_down Q6_K in the layers that matter most. Rows that are no multiple of "
                    "256 get Q5_0 for\n"
                    "Q4_K, Q5_1 for Q5_K, Q8_0 for Q6_K; those that are no multiple of 32 get F16. Metadata is kept.",
                    type_names()));
    command.value("in", flags->in, "GGUF model file; of a split model any part").type("IN.gguf").required();
    command.value("out", flags->out, "the file to write").type("OUT.gguf").required();
    command.value("type", flags->type, "see below; upper or lower case").type("TYPE").required();
    command.flag("--pure", flags->pure, "the same format for every matrix");
    command.value("--tensor-type", flags->tensor_types, "format of the matrices with NAME in their name; repeatable")
        .type("NAME=TYPE")
        .repeatable();
    command.flag("--allow-requantize", flags->allow_requantize, "round weights again that were rounded before");
    command.flag("--force", flags->force, "replace OUT.gguf");
    command.flag("--dry-run", flags->dry_run, "print what would be written, and write nothing");
    command.value("-t,--threads", flags->threads, "threads; 0 = physical cores")
        .range(0, 1024)
        .type("N")
        .from_environment();
    command.when_chosen([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace distill
