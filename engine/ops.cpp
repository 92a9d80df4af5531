#include "engine/ops.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "quant/panels.h"

namespace distill {

template <class T>
Buffer<T>::Buffer(std::size_t n) {
    const std::size_t bytes = (std::max<std::size_t>(1, n) * sizeof(T) + 63) / 64 * 64;
    data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
    if (data_ == nullptr) throw std::bad_alloc();
}
template <class T>
void Buffer<T>::Free::operator()(T* p) const {
    std::free(p);
}
template class Buffer<float>;
template class Buffer<std::byte>;

Activation::Activation(std::size_t max_tokens, std::size_t n_)
    : n(n_),
      floats(max_tokens * n_),
      blocks((max_tokens + kMaxGroup) * (n_ / kActBlock) * sizeof(ActBlock<1>)) {}

void RopeTable::extend(std::size_t n_positions) {
    const std::size_t old = half_ == 0 ? n_positions : cos_.size() / half_;
    if (n_positions <= old) return;
    cos_.resize(n_positions * half_);
    sin_.resize(n_positions * half_);
    for (std::size_t i = 0; i < half_; ++i) {
        const double frequency = std::pow(base_, -static_cast<double>(i) / static_cast<double>(half_));
        for (std::size_t pos = old; pos < n_positions; ++pos) {
            const double angle = static_cast<double>(pos) * frequency;
            cos_[pos * half_ + i] = static_cast<float>(std::cos(angle));
            sin_[pos * half_ + i] = static_cast<float>(std::sin(angle));
        }
    }
}

template <class Job>
void Ops::for_groups(const Job& job) const {
    const auto group = static_cast<std::size_t>(kernels_.group);
    if (n_tokens_ <= group) {
        job(std::size_t{0}, n_tokens_);
        return;
    }
    std::atomic<std::size_t> next{0};
    pool_.share([&](int) {
        for (std::size_t t = next.fetch_add(group); t < n_tokens_; t = next.fetch_add(group)) {
            job(t, std::min(t + group, n_tokens_));
        }
    });
}

void Ops::quantize_group(Activation& a, std::size_t first) const {
    if (a.n % kActBlock != 0) return;  // only float weights have such rows
    const std::size_t left = n_tokens_ - first;
    const int group = group_size(static_cast<int>(left), kernels_.group);
    const std::size_t here = std::min(left, static_cast<std::size_t>(group));
    kernels_.ops.quantize(a.blocks.data() + first * (a.n / kActBlock) * sizeof(ActBlock<1>), a.row(first), a.n, a.n,
                          static_cast<int>(here), group);
}

void Ops::embed(float* x, const Tensor& embedding, std::span<const std::int32_t> tokens) const {
    const std::size_t n = embedding.columns(), row_bytes = embedding.format->row_bytes(n);
    for (std::size_t t = 0; t < tokens.size(); ++t) {
        const auto id = static_cast<std::size_t>(tokens[t]);
        embedding.format->dequantize(x + t * n, embedding.data.data() + id * row_bytes, n);
    }
}

void Ops::rms_norm(Activation& h, const float* x, const Vector& weight) const {
    for_groups([&](std::size_t first, std::size_t last) {
        for (std::size_t t = first; t < last; ++t) {
            kernels_.ops.rms_norm(h.row(t), x + t * h.n, weight.data(), h.n, config_.norm_eps);
        }
        quantize_group(h, first);
    });
}

void Ops::silu_mul(Activation& gate, const float* up) const {
    for_groups([&](std::size_t first, std::size_t last) {
        // Token by token: where a vector ends in a row decides how its last values are computed.
        for (std::size_t t = first; t < last; ++t) kernels_.ops.silu_mul(gate.row(t), up + t * gate.n, gate.n);
        quantize_group(gate, first);
    });
}

void Ops::matmul(std::initializer_list<Product> products, const Activation& h) const { run_products(products, h, false); }

void Ops::logits(float* out, const Matrix& weight, const Activation& h, Activation& pairs) const {
    if (weight.format->block_weights == 1) return matmul({{out, &weight}}, h);
    const Ops doubled(*this, 2 * n_tokens_);
    doubled.for_groups([&](std::size_t first, std::size_t last) {
        std::vector<ActBlock<1>> rounded(h.n / kActBlock);
        for (std::size_t t = first; t < last; t += 2) {
            const float* x = h.row(t / 2);
            kernels_.ops.quantize(rounded.data(), x, h.n, h.n, 1, 1);
            std::copy_n(x, h.n, pairs.row(t));
            float* lost = pairs.row(t + 1);
            for (std::size_t i = 0; i < h.n; ++i) {
                const ActBlock<1>& block = rounded[i / kActBlock];
                const std::size_t k = i % kActBlock;
                lost[i] = x[i] - static_cast<float>(block.q[0][k]) * block.scale[0][k / (kActBlock / 2)];
            }
        }
        doubled.quantize_group(pairs, first);
    });
    doubled.run_products({{out, &weight}}, pairs, true);
}

void Ops::run_products(std::initializer_list<Product> products, const Activation& h, bool pairs) const {
    // Pieces of rows, small enough to share out evenly and to stay in the second-level cache for all groups of tokens,
    // large enough that claiming one costs nothing.
    struct Piece {
        const Product* product;
        std::size_t rows, first_step, n_steps;
    };
    constexpr std::size_t kMaxPieceBytes = std::size_t{256} << 10;
    Piece pieces[3];
    std::size_t n_pieces = 0, n_steps = 0, total_bytes = 0;
    for (const Product& p : products) total_bytes += p.weight->rows * p.weight->format->row_bytes(p.weight->columns);
    const std::size_t share = total_bytes / (static_cast<std::size_t>(pool_.size()) * 8);
    const std::size_t piece_bytes = std::clamp<std::size_t>(share, std::size_t{16} << 10, kMaxPieceBytes);
    for (const Product& p : products) {
        assert(p.weight->columns == h.n && n_pieces < std::size(pieces));
        const std::size_t panel = kPanelRows * p.weight->format->row_bytes(p.weight->columns);
        const std::size_t rows = std::max<std::size_t>(1, piece_bytes / panel) * kPanelRows;
        const std::size_t steps = (p.weight->rows + rows - 1) / rows;
        pieces[n_pieces++] = {&p, rows, n_steps, steps};
        n_steps += steps;
    }

    const auto group = static_cast<std::size_t>(kernels_.group);
    // Rows row..end, whose panels start at `panels`, for all tokens.
    const auto multiply = [&](const Product& p, const std::byte* panels, std::size_t row, std::size_t end) {
        const Matrix& w = *p.weight;
        MatmulArgs args{};
        args.panels = panels;
        args.columns = args.panel_columns = w.columns;
        args.row_end = end - row;
        args.x_stride = h.n;
        args.out_stride = w.rows;
        args.bias = p.bias == nullptr || p.bias->empty() ? nullptr : p.bias->data() + row;
        args.add = p.add;
        args.pairs = pairs;
        const bool quantised = w.format->block_weights > 1;
        for (std::size_t t = 0; t < n_tokens_; t += group) {
            const std::size_t left = n_tokens_ - t;
            args.group = group_size(static_cast<int>(left), kernels_.group);
            args.n_tokens = static_cast<int>(std::min(left, group) / (pairs ? 2 : 1));
            args.x = quantised ? static_cast<const void*>(h.blocks.data() + t * (h.n / kActBlock) * sizeof(ActBlock<1>))
                               : h.row(t);
            args.out = p.out + (pairs ? t / 2 : t) * w.rows + row;
            w.matmul(args);
        }
    };
    const auto run_step = [&](std::size_t step, int thread) {
        std::size_t i = 0;
        while (step >= pieces[i].first_step + pieces[i].n_steps) ++i;
        const Product& p = *pieces[i].product;
        const Matrix& w = *p.weight;
        const std::size_t row_bytes = w.format->row_bytes(w.columns);
        const std::size_t begin = (step - pieces[i].first_step) * pieces[i].rows, end = std::min(begin + pieces[i].rows, w.rows);
        if (const std::byte* panels = w.panels()) return multiply(p, panels + begin * row_bytes, begin, end);
        std::byte* panel = panel_buffers_ + static_cast<std::size_t>(thread) * panel_buffer_bytes_;
        for (std::size_t row = begin; row < end; row += kPanelRows) {
            const std::size_t panel_end = std::min(row + kPanelRows, end);
            pack_panels(panel, *w.format, w.source + row * row_bytes, 0, panel_end - row, w.columns);
            multiply(p, panel, row, panel_end);
        }
    };
    if (pool_.size() == 1 || n_steps == 1) {
        for (std::size_t s = 0; s < n_steps; ++s) run_step(s, 0);
        return;
    }
    std::atomic<std::size_t> next{0};
    pool_.share([&](int thread) {
        for (std::size_t s = next.fetch_add(1); s < n_steps; s = next.fetch_add(1)) run_step(s, thread);
    });
}

void Ops::rope(float* x, std::size_t n_heads, std::size_t pos0, const RopeTable& table) const {
    const auto head_dim = static_cast<std::size_t>(config_.head_dim), half = static_cast<std::size_t>(config_.rope_dim) / 2;
    const bool halves = config_.rope_pairs == RopePairs::halves;
    for_groups([&](std::size_t first, std::size_t last) {
        for (std::size_t t = first; t < last; ++t) {
            const float* cosine = table.cosine(pos0 + t);
            const float* sine = table.sine(pos0 + t);
            for (std::size_t h = 0; h < n_heads; ++h) {
                float* head = x + (t * n_heads + h) * head_dim;
                for (std::size_t i = 0; i < half; ++i) {
                    float& a = halves ? head[i] : head[2 * i];
                    float& b = halves ? head[i + half] : head[2 * i + 1];
                    const float turned = a * cosine[i] - b * sine[i];
                    b = a * sine[i] + b * cosine[i];
                    a = turned;
                }
            }
        }
    });
}

void Ops::store(KvCache& kv, std::size_t layer, std::size_t pos0, const float* k, const float* v) const {
    const auto width = static_cast<std::size_t>(config_.n_kv_heads) * static_cast<std::size_t>(config_.head_dim);
    for_groups([&](std::size_t first, std::size_t last) {
        for (std::size_t t = first; t < last; ++t) kv.store(kernels_, layer, pos0 + t, k + t * width, v + t * width);
    });
}

namespace {
// Into the second-level cache.
void prefetch(const void* from, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(static_cast<const char*>(from) + i, 0, 2);
}
}  // namespace

// Softmax over pages of keys as they come (Milakov and Gimelshein 2018, "Online normalizer calculation for softmax"): for
// each row a running maximum, sum and weighted values, rescaled when the maximum grows. The pages are met in order and
// cut at fixed positions, so a token's result is the same whoever shares its tile.
void Ops::attend(Activation& out, const float* q, const KvCache& kv, std::size_t layer, std::size_t pos0) const {
    constexpr std::size_t kPage = KvCache::kPageTokens, kMaxRows = 64;
    constexpr float kMasked = -std::numeric_limits<float>::infinity();
    const auto head_dim = static_cast<std::size_t>(config_.head_dim);
    const auto n_heads = static_cast<std::size_t>(config_.n_heads), n_kv_heads = static_cast<std::size_t>(config_.n_kv_heads);
    const std::size_t share = n_heads / n_kv_heads;  // query heads that read the same keys and values
    const std::size_t heads_at_once = std::min(share, kMaxRows);
    const std::size_t tile = std::clamp<std::size_t>(32 / heads_at_once, 1, n_tokens_);  // tokens
    const std::size_t n_tiles = (n_tokens_ + tile - 1) / tile, head_blocks = (share + heads_at_once - 1) / heads_at_once;
    const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
    const MatmulFn product = kernels_.matmul_of(*find_format(static_cast<std::uint32_t>(FormatId::f16)));

    const auto attend_tile = [&](std::size_t unit, float* scratch) {
        const std::size_t kv_head = unit % n_kv_heads, block = unit / n_kv_heads % head_blocks;
        // The last tokens see the most keys: begin with them, so that the threads end together.
        const std::size_t first = (n_tiles - 1 - unit / n_kv_heads / head_blocks) * tile;
        const std::size_t head0 = kv_head * share + block * heads_at_once;
        const std::size_t heads = std::min(heads_at_once, share - block * heads_at_once);
        const std::size_t tokens = std::min(tile, n_tokens_ - first), rows = tokens * heads;  // row = token * heads + head
        float* queries = scratch;                       // [rows][head_dim]
        float* values = queries + kMaxRows * head_dim;  // [rows][head_dim]: weighted values so far
        float* page_values = values + kMaxRows * head_dim;
        float* scores = page_values + kMaxRows * head_dim;  // [rows][kPage]
        float max[kMaxRows], sum[kMaxRows];
        for (std::size_t r = 0; r < rows; ++r) {
            const float* from = q + ((first + r / heads) * n_heads + head0 + r % heads) * head_dim;
            std::copy_n(from, head_dim, queries + r * head_dim);
            std::fill_n(values + r * head_dim, head_dim, 0.0f);
            max[r] = kMasked;
            sum[r] = 0.0f;
        }
        const std::size_t n_keys = pos0 + first + tokens;  // what the last token of the tile sees
        for (std::size_t base = 0; base < n_keys; base += kPage) {
            const std::size_t page = base / kPage, here = std::min(kPage, n_keys - base);
            const std::size_t padded = (here + kPanelRows - 1) / kPanelRows * kPanelRows;
            MatmulArgs a{};
            a.panels = reinterpret_cast<const std::byte*>(kv.keys(layer, kv_head, page));
            a.columns = a.panel_columns = head_dim;
            a.row_end = padded;
            a.x = queries;
            a.x_stride = head_dim;
            a.out = scores;
            a.out_stride = kPage;
            a.n_tokens = static_cast<int>(rows);
            if (base + kPage < n_keys) prefetch(kv.keys(layer, kv_head, page + 1), 2 * kPage * head_dim * sizeof(std::uint16_t));
            product(a);
            float factor[kMaxRows];
            for (std::size_t r = 0; r < rows; ++r) {
                float* s = scores + r * kPage;
                const std::size_t limit = pos0 + first + r / heads + 1;  // keys that this token sees
                const std::size_t seen = limit <= base ? 0 : std::min(here, limit - base);
                factor[r] = 1.0f;
                if (seen == 0) {
                    std::fill_n(s, padded, 0.0f);
                    continue;
                }
                std::fill(s + seen, s + padded, kMasked);
                const float top = std::max(max[r], kernels_.ops.max(s, padded) * scale);
                factor[r] = std::exp(max[r] - top);
                sum[r] = sum[r] * factor[r] + kernels_.ops.exp_sum(s, padded, scale, top);
                max[r] = top;
            }
            a.panels = reinterpret_cast<const std::byte*>(kv.values(layer, kv_head, page));
            a.columns = padded;
            a.panel_columns = kPage;
            a.row_end = head_dim;
            a.x = scores;
            a.x_stride = kPage;
            a.out = page_values;
            a.out_stride = head_dim;
            product(a);
            for (std::size_t r = 0; r < rows; ++r) {
                kernels_.ops.scale_add(values + r * head_dim, factor[r], page_values + r * head_dim, head_dim);
            }
        }
        for (std::size_t r = 0; r < rows; ++r) {
            float* to = out.row(first + r / heads) + (head0 + r % heads) * head_dim;
            for (std::size_t i = 0; i < head_dim; ++i) to[i] = values[r * head_dim + i] / sum[r];
        }
    };

    const std::size_t units = n_tiles * head_blocks * n_kv_heads;
    const std::size_t scratch_floats = kMaxRows * (3 * head_dim + kPage);
    std::atomic<std::size_t> next{0};
    const Buffer<float> scratch(scratch_floats * static_cast<std::size_t>(pool_.size()));
    pool_.share([&](int thread) {
        float* mine = const_cast<float*>(scratch.data()) + static_cast<std::size_t>(thread) * scratch_floats;
        for (std::size_t u = next.fetch_add(1); u < units; u = next.fetch_add(1)) attend_tile(u, mine);
    });
    for_groups([&](std::size_t first, std::size_t) { quantize_group(out, first); });
}

bool Ops::all_finite(const float* x, std::size_t n) const {
    // Infinity and NaN are the patterns whose exponent is all ones; an integer maximum finds them at vector speed.
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu);
    return largest < 0x7f800000u;
}

}  // namespace distill
