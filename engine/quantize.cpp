#include "engine/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "engine/error.h"
#include "engine/gguf_writer.h"
#include "quant/encode.h"

namespace distill {
namespace {

using Mix = QuantizeType::Mix;

constexpr QuantizeType kTypes[] = {
    {"F32", FormatId::f32, 0, Mix::none},        {"F16", FormatId::f16, 1, Mix::none},
    {"BF16", FormatId::bf16, 32, Mix::none},     {"Q8_0", FormatId::q8_0, 7, Mix::none},
    {"Q4_0", FormatId::q4_0, 2, Mix::none},      {"Q4_1", FormatId::q4_1, 3, Mix::none},
    {"Q5_0", FormatId::q5_0, 8, Mix::none},      {"Q5_1", FormatId::q5_1, 9, Mix::none},
    {"Q4_K", FormatId::q4_k, 14, Mix::none},     {"Q4_K_S", FormatId::q4_k, 14, Mix::small},
    {"Q4_K_M", FormatId::q4_k, 15, Mix::medium}, {"Q5_K", FormatId::q5_k, 16, Mix::none},
    {"Q5_K_S", FormatId::q5_k, 16, Mix::small},  {"Q5_K_M", FormatId::q5_k, 17, Mix::medium},
    {"Q6_K", FormatId::q6_k, 18, Mix::none},
};

constexpr std::uint32_t kQuantizationVersion = 2;  // of the block layouts; all files since mid 2023 say 2

// Weights decoded, encoded and written together; a slab has whole rows, so a longer row makes a larger slab.
constexpr std::uint64_t kSlabWeights = 4u << 20;
// What one thread takes at a time.
constexpr std::uint64_t kChunkWeights = 64u << 10;

const Format& format_of(FormatId id) {
    return *find_format(static_cast<std::uint32_t>(id));
}

bool is_float(FormatId id) {
    return id == FormatId::f32 || id == FormatId::f16 || id == FormatId::bf16;
}

bool holds(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// "blk.12.attn_v.weight" -> 12; -1 for a tensor of no layer.
int layer_of(std::string_view name) {
    if (!name.starts_with("blk.")) return -1;
    int layer = -1;
    const auto [end, problem] = std::from_chars(name.data() + 4, name.data() + name.size(), layer);
    return problem == std::errc() && end != name.data() + name.size() && *end == '.' && layer < (1 << 20) ? layer : -1;
}

bool is_matrix(const Tensor& tensor) {
    return tensor.n_dims >= 2 && tensor.name.ends_with(".weight") && !tensor.name.ends_with("_norm.weight");
}

// The format a matrix has in a file of this type, before its rows are looked at.
FormatId wanted_format(const QuantizeType& type, std::string_view name, bool is_output, int n_layers) {
    const FormatId id = type.format;
    if (is_float(id) || id == FormatId::q8_0 || id == FormatId::q6_k) return id;
    if (is_output) return FormatId::q6_k;
    const int layer = layer_of(name);
    if (type.mix == Mix::none || layer < 0) return id;
    const bool value = holds(name, "attn_v."), down = holds(name, "ffn_down.");
    const int eighth = n_layers / 8;
    if (type.mix == Mix::medium) {
        if (holds(name, "attn_qkv.")) return id == FormatId::q4_k ? FormatId::q5_k : FormatId::q6_k;
        const bool more = layer < eighth || layer >= 7 * n_layers / 8 || (layer - eighth) % 3 == 2;
        if (more && (value || down)) return FormatId::q6_k;
    } else if (id == FormatId::q4_k && ((value && layer < 4) || (down && layer < eighth))) {
        return FormatId::q5_k;
    }
    return id;
}

FormatId fitting_format(FormatId id, std::uint64_t columns) {
    if (columns % format_of(id).block_weights == 0) return id;
    const FormatId smaller = id == FormatId::q4_k   ? FormatId::q5_0
                             : id == FormatId::q5_k ? FormatId::q5_1
                             : id == FormatId::q6_k ? FormatId::q8_0
                                                    : FormatId::f16;
    return columns % format_of(smaller).block_weights == 0 ? smaller : FormatId::f16;
}

// Decodes and encodes rows of one tensor, and remembers the first weight that cannot be stored.
class Converter {
  public:
    Converter(const Tensor& tensor, const Format& to)
        : from_(*tensor.format),
          to_(to),
          encoder_(*find_encoder(to.id)),
          columns_(tensor.columns()),
          data_(tensor.data) {}

    // Rows [begin, end) into out; called by many threads.
    void convert(std::byte* out, std::uint64_t begin, std::uint64_t end, std::vector<float>& scratch) {
        const std::uint64_t n = (end - begin) * columns_;
        scratch.resize(n);
        from_.dequantize(scratch.data(), data_.data() + begin * from_.row_bytes(columns_), n);
        for (std::uint64_t i = 0; i < n; ++i) {
            if (std::fabs(scratch[i]) <= encoder_.limit) continue;  // false for NaN
            std::uint64_t bad = begin * columns_ + i, seen = first_bad_;
            while (bad < seen && !first_bad_.compare_exchange_weak(seen, bad)) {
            }
            return;
        }
        encoder_.encode(out, scratch.data(), n);
    }

    void check(const Gguf& file, const Tensor& tensor) const {
        if (first_bad_ == kNone) return;
        const std::uint64_t row = first_bad_ / columns_, column = first_bad_ % columns_;
        std::vector<float> weights(columns_);
        from_.dequantize(weights.data(), data_.data() + row * from_.row_bytes(columns_), columns_);
        const float weight = weights[column];
        const std::string what =
            std::isfinite(weight) ? fmt::format("is {}, beyond the {} that {} holds", weight, encoder_.limit, to_.name)
                                  : fmt::format("is {}; the file is damaged, or the training was", weight);
        throw Error(at_tensor(file.path(), tensor.name),
                    fmt::format("weight at row {}, column {} {}", row, column, what), tensor.offset, Status::bad_model);
    }

  private:
    static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
    const Format& from_;
    const Format& to_;
    const Encoder& encoder_;
    std::uint64_t columns_;
    std::span<const std::byte> data_;
    std::atomic<std::uint64_t> first_bad_{kNone};
};

// Everything in front of the data.
void describe(GgufWriter& writer, const Gguf& file, const QuantizeOptions& options,
              std::span<const PlannedTensor> plan) {
    for (const Value& value : file.values()) {
        if (!value.key.starts_with("split.")) writer.put(value);
    }
    writer.put("general.file_type", options.type->file_type);
    writer.put("general.quantization_version", kQuantizationVersion);
    for (const PlannedTensor& p : plan) {
        writer.add_tensor(p.tensor->name, std::span(p.tensor->shape).first(static_cast<std::size_t>(p.tensor->n_dims)),
                          *p.format);
    }
}

}  // namespace

std::span<const QuantizeType> quantize_types() {
    return kTypes;
}

const QuantizeType* find_quantize_type(std::string_view name) {
    const auto same = [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; };
    for (const QuantizeType& type : kTypes) {
        if (std::equal(name.begin(), name.end(), type.name.begin(), type.name.end(), same)) return &type;
    }
    return nullptr;
}

std::vector<PlannedTensor> plan_quantization(const Gguf& file, const QuantizeOptions& options) {
    int n_layers = 0;
    for (const Tensor& tensor : file.tensors()) n_layers = std::max(n_layers, layer_of(tensor.name) + 1);
    const bool tied = file.find_tensor("output.weight") == nullptr;
    std::vector<bool> used(options.tensor_types.size());
    std::vector<PlannedTensor> plan;
    for (const Tensor& tensor : file.tensors()) {
        PlannedTensor planned{&tensor, &format_of(FormatId::f32), false, 0};
        if (is_matrix(tensor)) {
            const bool is_output = tensor.name == (tied ? "token_embd.weight" : "output.weight");
            FormatId wanted =
                options.pure ? options.type->format : wanted_format(*options.type, tensor.name, is_output, n_layers);
            const FormatId fitting = fitting_format(wanted, tensor.columns());
            planned.format = &format_of(fitting);
            planned.fallback = fitting != wanted;
            for (std::size_t i = 0; i < options.tensor_types.size(); ++i) {
                const auto& [part, format] = options.tensor_types[i];
                if (!holds(tensor.name, part)) continue;
                used[i] = true;
                if (tensor.columns() % format->block_weights != 0) {
                    throw Error(
                        at_tensor(file.path(), tensor.name),
                        fmt::format("rows of {} weights are not whole blocks of {}, as --tensor-type {} asks for",
                                    tensor.columns(), format->block_weights, format->name),
                        std::nullopt, Status::usage);
                }
                planned.format = format;
                planned.fallback = false;
            }
            const Format& from = *tensor.format;
            if (!is_float(from.id) && !is_float(planned.format->id) && from.id != planned.format->id &&
                !options.allow_requantize) {
                throw Error(
                    at_tensor(file.path(), tensor.name),
                    fmt::format("is {} already, and rounding it again to {} loses more than going there from the "
                                "original; --allow-requantize does it all the same",
                                from.name, planned.format->name),
                    std::nullopt, Status::usage);
            }
        }
        planned.bytes = tensor.rows() * planned.format->row_bytes(tensor.columns());
        plan.push_back(planned);
    }
    for (std::size_t i = 0; i < used.size(); ++i) {
        if (used[i]) continue;
        throw Error(
            fmt::format("--tensor-type: no matrix has '{}' in its name", printable(options.tensor_types[i].first, 80)),
            Status::usage);
    }
    return plan;
}

std::uint64_t quantized_file_bytes(const Gguf& file, const QuantizeOptions& options,
                                   std::span<const PlannedTensor> plan) {
    GgufWriter writer("");
    describe(writer, file, options, plan);
    return writer.file_bytes();
}

void quantize(const Gguf& file, const QuantizeOptions& options, std::span<const PlannedTensor> plan,
              const std::string& out, ThreadPool& pool, const QuantizeHooks& hooks) {
    GgufWriter writer(out);
    describe(writer, file, options, plan);
    writer.open();
    std::uint64_t total = 0, done = 0;
    for (const PlannedTensor& p : plan) total += p.tensor->data.size();
    std::vector<std::byte> slab;
    for (const PlannedTensor& p : plan) {
        const Tensor& tensor = *p.tensor;
        const std::uint64_t columns = tensor.columns(), row_bytes = p.format->row_bytes(columns);
        const std::uint64_t slab_rows = std::max<std::uint64_t>(kSlabWeights / columns, 1);
        const std::uint64_t chunk_rows = std::max<std::uint64_t>(kChunkWeights / columns, 1);
        const bool copy = tensor.format->id == p.format->id;
        Converter converter(tensor, *p.format);
        for (std::uint64_t begin = 0; begin < tensor.rows(); begin += slab_rows) {
            if (hooks.cancelled && hooks.cancelled()) throw Error("interrupted", Status::interrupted);
            const std::uint64_t end = std::min(begin + slab_rows, tensor.rows());
            const std::uint64_t from_bytes = tensor.format->row_bytes(columns);
            const auto source = tensor.data.subspan(begin * from_bytes, (end - begin) * from_bytes);
            if (copy) {
                writer.write(source);
            } else {
                slab.resize((end - begin) * row_bytes);
                std::atomic<std::uint64_t> next{begin};
                pool.run([&](int) {
                    std::vector<float> scratch;
                    for (;;) {
                        const std::uint64_t first = next.fetch_add(chunk_rows);
                        if (first >= end) return;
                        converter.convert(slab.data() + (first - begin) * row_bytes, first,
                                          std::min(first + chunk_rows, end), scratch);
                    }
                });
                converter.check(file, tensor);
                writer.write(slab);
            }
            file.release(source);
            done += source.size();
            if (hooks.progress)
                hooks.progress(static_cast<double>(done) / static_cast<double>(std::max<std::uint64_t>(total, 1)));
        }
    }
    writer.finish();
}

}  // namespace distill
