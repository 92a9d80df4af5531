#include "engine/ops.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <new>

#include "quant/panels.h"

namespace distill {

namespace {

constexpr std::size_t kPromptTokens = 64;
constexpr bool takes_many_groups(const Kernels& kernels, std::size_t n_tokens) {
    return kernels.groups_at_once > 1 && n_tokens >= kPromptTokens;
}
// Weights that one thread works on at a time, at most: so few that many threads share them evenly and that they stay in
// the second-level cache for all groups of tokens. Where one call takes many groups, weights are read rarely, and it is
// the tokens of a long prompt that no cache holds: more rows, so that they are read less often.
constexpr std::size_t max_piece_bytes(const Kernels& kernels, std::size_t n_tokens) {
    return std::size_t{takes_many_groups(kernels, n_tokens) ? 2048u : 256u} << 10;
}

// Columns of the feed-forward layer that a thread takes from the input to the rounded result: what activations can be
// cut at.
constexpr std::size_t kGatedColumns = 256;

}  // namespace

template <class T>
Buffer<T>::Buffer(std::size_t n) {
    // A product reads a few lines of every token: large buffers in huge pages, if the system has some.
    constexpr std::size_t kHugePage = std::size_t{2} << 20;
    const std::size_t wanted = std::max<std::size_t>(1, n) * sizeof(T);
    const bool huge = wanted >= kHugePage / 4;
    const std::size_t align = huge ? kHugePage : 64, bytes = (wanted + align - 1) / align * align;
    data_.reset(static_cast<T*>(std::aligned_alloc(align, bytes)));
    if (data_ == nullptr) throw std::bad_alloc();
    if (huge) madvise(data_.get(), bytes, MADV_HUGEPAGE);
}
template <class T>
void Buffer<T>::Free::operator()(T* p) const {
    std::free(p);
}
template class Buffer<float>;
template class Buffer<std::byte>;

Activation::Activation(std::size_t max_tokens, std::size_t n_, const Kernels& k)
    : n(n_),
      kernels(&k),
      row_bytes(k.act_row_bytes(n_)),
      floats(max_tokens * n_),
      blocks(k.act_buffer_bytes(n_, max_tokens)) {}

AttendScratch::AttendScratch(std::size_t head_dim, const Kernels& kernels)
    : queries(kMaxQueries * head_dim),
      blocks(kernels.act_buffer_bytes(head_dim, kMaxQueries)),
      values(kMaxQueries * head_dim),
      page_values(kMaxQueries * head_dim),
      scores(kMaxQueries * KvCache::kPageTokens),
      expanded(KvCache::kPageTokens * (head_dim + kPanelRows)),
      page(kernels.page_attention == nullptr ? 0 : PageAttention::kScratchBytes) {}

OpsScratch::OpsScratch(const Model& m, int n_threads, std::size_t tokens)
    : max_tokens(tokens),
      gated(static_cast<std::size_t>(n_threads) * 2 * tokens * kGatedColumns),
      panel_bytes(std::max(m.packing->largest_panel() * (m.kernels->rows_at_once / kPanelRows),
                           max_piece_bytes(*m.kernels, kPromptTokens))),
      panels(static_cast<std::size_t>(n_threads) * panel_bytes) {
    for (int i = 0; i < n_threads; ++i) attention.emplace_back(static_cast<std::size_t>(m.config.head_dim), *m.kernels);
}

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
    pool_.share((n_tokens_ + group - 1) / group, [&](std::size_t i, int) {
        const std::size_t first = i * group;
        job(first, std::min(first + group, n_tokens_));
    });
}

ActForms Ops::forms_of(Readers readers) const {
    ActForms forms = 0;
    for (const Matrix* w : readers) forms |= w->format->block_weights > 1 ? kernels_.form_of(*w->format) : 0;
    return forms;
}

void Ops::quantize_group(Activation& a, std::size_t first, std::size_t column, std::size_t columns,
                         ActForms forms) const {
    quantize_group(a, first, column, columns, a.row(first) + column, a.n, forms);
}

void Ops::quantize_group(Activation& a, std::size_t first, std::size_t column, std::size_t columns, const float* x,
                         std::size_t x_stride, ActForms forms) const {
    if (forms == 0) return;
    const std::size_t left = n_tokens_ - first;
    const int group = group_size(static_cast<int>(left), kernels_.group);
    kernels_.ops.quantize(a.group(first, group, column), x, x_stride, columns,
                          static_cast<int>(std::min(left, static_cast<std::size_t>(group))), group, forms);
}

std::size_t Ops::rows_at_once() const {
    const int tokens = static_cast<int>(std::min<std::size_t>(n_tokens_, static_cast<std::size_t>(kernels_.group)));
    return group_size(tokens, kernels_.group) == kernels_.group ? kernels_.rows_at_once : kPanelRows;
}

void Ops::embed(float* x, const Tensor& embedding, std::span<const std::int32_t> tokens) const {
    const std::size_t n = embedding.columns(), row_bytes = embedding.format->row_bytes(n);
    for (std::size_t t = 0; t < tokens.size(); ++t) {
        const auto id = static_cast<std::size_t>(tokens[t]);
        embedding.format->dequantize(x + t * n, embedding.data.data() + id * row_bytes, n);
    }
}

bool Ops::rms_norm(Activation& h, const float* x, const Vector& weight, Readers readers) const {
    const ActForms forms = forms_of(readers);
    std::atomic<bool> finite = true;
    for_groups([&](std::size_t first, std::size_t last) {
        for (std::size_t t = first; t < last; ++t) {
            if (!kernels_.ops.rms_norm(h.row(t), x + t * h.n, weight.data(), h.n, config_.norm_eps)) finite = false;
        }
        quantize_group(h, first, 0, h.n, forms);
    });
    return finite;
}

void Ops::silu_mul(Activation& gate, const float* up, ActForms forms) const {
    // Columns are shared out as well: a decoded token has but one row. Whole vectors, because where a vector ends in a
    // row decides how its last values are computed.
    constexpr std::size_t kColumns = 1024;
    const auto group = static_cast<std::size_t>(kernels_.group);
    const std::size_t parts = (gate.n + kColumns - 1) / kColumns;
    pool_.share((n_tokens_ + group - 1) / group * parts, [&](std::size_t i, int) {
        const std::size_t first = i / parts * group, last = std::min(first + group, n_tokens_);
        const std::size_t column = i % parts * kColumns, columns = std::min(kColumns, gate.n - column);
        for (std::size_t t = first; t < last; ++t) {
            kernels_.ops.silu_mul(gate.row(t) + column, up + t * gate.n + column, columns);
        }
        quantize_group(gate, first, column, columns, forms);
    });
}

void Ops::gated(Activation& gate, float* up, const Matrix& gate_weight, const Matrix& up_weight, const Activation& h,
                Readers readers) const {
    const ActForms forms = forms_of(readers);
    const bool floats = std::ranges::any_of(readers, [](const Matrix* w) { return w->format->block_weights == 1; });
    if (n_tokens_ < kPromptTokens || floats) {
        matmul({{gate.floats.data(), &gate_weight}, {up, &up_weight}}, h);
        return silu_mul(gate, up, forms);
    }
    // A long prompt: what both products make of 256 columns for as many tokens as a call takes stays in the
    // second-level cache until it is rounded; whole rows of it would go to memory and back. Weights that are not packed
    // yet are packed once for all tokens.
    const auto group = static_cast<std::size_t>(kernels_.group);
    const bool packed = gate_weight.panels() != nullptr && up_weight.panels() != nullptr;
    const std::size_t tokens = packed ? kernels_.groups_at_once * group : n_tokens_;
    const std::size_t runs = (n_tokens_ + tokens - 1) / tokens, parts = (gate.n + kGatedColumns - 1) / kGatedColumns;
    pool_.share(parts * runs, [&](std::size_t i, int thread) {
        const std::size_t column = i / runs * kGatedColumns, columns = std::min(kGatedColumns, gate.n - column);
        const std::size_t first = i % runs * tokens, last = std::min(first + tokens, n_tokens_);
        float* of_gate =
            scratch_.gated.data() + static_cast<std::size_t>(thread) * 2 * scratch_.max_tokens * kGatedColumns;
        float* of_up = of_gate + (last - first) * columns;
        multiply({&gate_weight, column, column + columns, of_gate, columns}, first, last, h, thread);
        multiply({&up_weight, column, column + columns, of_up, columns}, first, last, h, thread);
        for (std::size_t t = 0; t < last - first; ++t) {
            kernels_.ops.silu_mul(of_gate + t * columns, of_up + t * columns, columns);
        }
        for (std::size_t t = first; t < last; t += group) {
            quantize_group(gate, t, column, columns, of_gate + (t - first) * columns, columns, forms);
        }
    });
}

void Ops::multiply(const RowProduct& p, std::size_t first, std::size_t last, const Activation& h, int thread) const {
    const Matrix& w = *p.weight;
    const bool quantised = w.format->block_weights > 1;
    const std::size_t row_bytes = w.format->row_bytes(w.columns);
    const auto group = static_cast<std::size_t>(kernels_.group);
    const std::size_t at_once = quantised ? kernels_.groups_at_once : 1;
    // Rows row..end, whose panels start at `panels`.
    const auto rows = [&](const std::byte* panels, std::size_t row, std::size_t end) {
        MatmulArgs args{};
        args.panels = panels;
        args.columns = args.panel_columns = w.columns;
        args.row_end = end - row;
        args.x_stride = h.n;
        args.out_stride = p.out_stride;
        args.bias = p.bias == nullptr || p.bias->empty() ? nullptr : p.bias->data() + row;
        args.add = p.add;
        for (std::size_t t = first; t < last;) {
            // Only whole groups, and one that is nearly whole, stand in one row.
            args.group = group_size(static_cast<int>(n_tokens_ - t), kernels_.group);
            args.n_groups = static_cast<std::size_t>(args.group) < group
                                ? 1
                                : std::clamp<std::size_t>((last - t) / group, 1, at_once);
            const std::size_t here = std::min(last - t, args.n_groups * group);
            args.n_tokens = static_cast<int>(here);
            args.x = quantised ? static_cast<const void*>(h.group(t)) : h.row(t);
            args.out = p.out + (t - first) * p.out_stride + row - p.begin;
            w.matmul(args);
            t += here;
        }
    };
    if (const std::byte* panels = w.panels()) return rows(panels + p.begin * row_bytes, p.begin, p.end);
    std::byte* panel = scratch_.panels.data() + static_cast<std::size_t>(thread) * scratch_.panel_bytes;
    // What a product works on at once stays in the nearest cache, which is best for few tokens; many tokens are an
    // input too large for any cache to be read once for each panel.
    const std::size_t tile = rows_at_once();
    const std::size_t tiles = n_tokens_ < kPromptTokens ? 1 : scratch_.panel_bytes / (tile * row_bytes);
    const std::size_t step = std::max<std::size_t>(tiles, 1) * tile;
    for (std::size_t row = p.begin; row < p.end; row += step) {
        const std::size_t end = std::min(row + step, p.end);
        pack_panels(panel, *w.format, w.source + row * row_bytes, 0, end - row, w.columns, kernels_.signed_panels);
        rows(panel, row, end);
    }
}

void Ops::matmul(std::initializer_list<Product> products, const Activation& h) const {
    // Pieces of rows, large enough that claiming one costs nothing.
    struct Piece {
        const Product* product;
        std::size_t rows, first_step, n_steps;
    };
    Piece pieces[3];
    std::size_t n_pieces = 0, n_steps = 0, total_bytes = 0;
    for (const Product& p : products) total_bytes += p.weight->rows * p.weight->format->row_bytes(p.weight->columns);
    const std::size_t turns =
        takes_many_groups(kernels_, n_tokens_) ? 3 : 8;  // of each thread, where pieces are not too small
    const std::size_t share = total_bytes / (static_cast<std::size_t>(pool_.size()) * turns);
    const std::size_t piece_bytes = std::clamp(share, std::size_t{16} << 10, max_piece_bytes(kernels_, n_tokens_));
    for (const Product& p : products) {
        assert(p.weight->columns == h.n && n_pieces < std::size(pieces));
        const std::size_t tile = rows_at_once();
        const std::size_t tile_bytes = tile * p.weight->format->row_bytes(p.weight->columns);
        const std::size_t rows = std::max<std::size_t>(1, piece_bytes / tile_bytes) * tile;
        const std::size_t steps = (p.weight->rows + rows - 1) / rows;
        pieces[n_pieces++] = {&p, rows, n_steps, steps};
        n_steps += steps;
    }
    pool_.share(n_steps, [&](std::size_t step, int thread) {
        std::size_t i = 0;
        while (step >= pieces[i].first_step + pieces[i].n_steps) ++i;
        const Product& p = *pieces[i].product;
        const std::size_t begin = (step - pieces[i].first_step) * pieces[i].rows;
        const std::size_t end = std::min(begin + pieces[i].rows, p.weight->rows);
        multiply({p.weight, begin, end, p.out + begin, p.weight->rows, p.bias, p.add}, 0, n_tokens_, h, thread);
    });
}

template <class Job>
void Ops::for_rows(std::span<const Segment> segments, const Job& job) const {
    for_groups([&](std::size_t first, std::size_t last) {
        for (const Segment& s : segments) {
            const std::size_t end = std::min(last, s.first + s.n_tokens);
            for (std::size_t row = std::max(first, s.first); row < end; ++row) job(s, row);
        }
    });
}

void Ops::rope(float* x, std::size_t n_heads, std::span<const Segment> segments) const {
    const auto head_dim = static_cast<std::size_t>(config_.head_dim),
               half = static_cast<std::size_t>(config_.rope_dim) / 2;
    for_rows(segments, [&](const Segment& s, std::size_t row) {
        const float* cosine = s.rope->cosine(s.position + row - s.first);
        const float* sine = s.rope->sine(s.position + row - s.first);
        for (std::size_t h = 0; h < n_heads; ++h) {
            float* head = x + (row * n_heads + h) * head_dim;
            if (config_.rope_pairs == RopePairs::halves) {
                kernels_.ops.rotate(head, cosine, sine, half);
                continue;
            }
            for (std::size_t i = 0; i < half; ++i) {
                const float a = head[2 * i], b = head[2 * i + 1];
                head[2 * i] = a * cosine[i] - b * sine[i];
                head[2 * i + 1] = a * sine[i] + b * cosine[i];
            }
        }
    });
}

void Ops::store(std::span<const Segment> segments, std::size_t layer, const float* k, const float* v) const {
    const auto width = static_cast<std::size_t>(config_.n_kv_heads) * static_cast<std::size_t>(config_.head_dim);
    for_rows(segments, [&](const Segment& s, std::size_t row) {
        s.kv->store(kernels_, layer, s.position + row - s.first, k + row * width, v + row * width);
    });
}

namespace {

constexpr std::size_t kPage = KvCache::kPageTokens;
static_assert(kPage == PageAttention::kKeys);

// Into the second-level cache.
void prefetch(const std::byte* from, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(from + i, 0, 2);
}

// The two products of attention for one head of one page, whatever type the cache holds.
class PageProducts {
  public:
    PageProducts(const Kernels& kernels, KvTypes types, std::size_t head_dim)
        : kernels_(kernels),
          types_(types),
          head_dim_(head_dim),
          page_((types.keys == KvType::f16 || types.values == KvType::f16) && head_dim % kPanelRows == 0 &&
                        head_dim <= PageAttention::kMaxColumns
                    ? kernels.page_attention
                    : nullptr),
          form_of_keys_(kernels.form_of(format(FormatId::q8_0))),
          key_product_(matmul(types.keys == KvType::f16 ? FormatId::f16 : FormatId::q8_0)),
          value_product_(matmul(types.values == KvType::f16 ? FormatId::f16 : FormatId::f32)) {}

    // How many are best worked on together: rounding a page for integer products is shared by all.
    std::size_t best_rows() const { return page_ != nullptr ? kMaxQueries : kMaxQueries / 4; }
    // Once for all pages.
    void prepare(AttendScratch& s, std::size_t rows) const {
        if (types_.keys == KvType::f16) {
            if (page_ != nullptr) page_->prepare(s.page.data(), s.queries.data(), rows, head_dim_);
            return;
        }
        for_groups(rows, [&](std::size_t row, std::size_t n, int group) {
            kernels_.ops.quantize(blocks(s, row), s.queries.data() + row * head_dim_, head_dim_, head_dim_,
                                  static_cast<int>(n), group, form_of_keys_);
        });
    }
    // scores[row][key] = q . k for the first `keys` keys of the page. `next`: the next page's, of as many bytes.
    void scores(AttendScratch& s, const std::byte* panels, const std::byte* next, std::size_t bytes, std::size_t rows,
                std::size_t keys) const {
        if (types_.keys == KvType::f16 && page_ != nullptr) {
            return page_->scores(s.page.data(), s.scores.data(), reinterpret_cast<const std::uint16_t*>(panels),
                                 reinterpret_cast<const std::uint16_t*>(next), rows, keys, head_dim_);
        }
        if (next != panels) prefetch(next, bytes);
        MatmulArgs a{};
        a.n_groups = 1;
        a.panels = panels;
        a.columns = a.panel_columns = a.x_stride = head_dim_;
        a.row_end = keys;
        a.out_stride = kPage;
        if (types_.keys == KvType::f16) {
            a.x = s.queries.data();
            a.out = s.scores.data();
            a.n_tokens = static_cast<int>(rows);
            return key_product_(a);
        }
        for_groups(rows, [&](std::size_t row, std::size_t n, int group) {
            a.x = blocks(s, row);
            a.out = s.scores.data() + row * kPage;
            a.n_tokens = static_cast<int>(n);
            a.group = group;
            key_product_(a);
        });
    }
    // values[row] = values[row] * factor[row] + sum over the first `keys` keys of w * v, sum[row] = sum[row] *
    // factor[row] + sum over the keys of w, w = exp(score * scale - max[row]).
    void add_values(AttendScratch& s, const std::byte* panels, const std::byte* next, std::size_t bytes,
                    std::size_t rows, std::size_t keys, float* sum, const float* factor, float scale,
                    const float* max) const {
        if (types_.values == KvType::f16 && page_ != nullptr) {
            return page_->values(s.page.data(), s.values.data(), sum, factor, s.scores.data(), scale, max,
                                 reinterpret_cast<const std::uint16_t*>(panels),
                                 reinterpret_cast<const std::uint16_t*>(next), rows, keys, head_dim_);
        }
        if (next != panels) prefetch(next, bytes);
        for (std::size_t r = 0; r < rows; ++r) {
            sum[r] = sum[r] * factor[r] + kernels_.ops.exp_sum(s.scores.data() + r * kPage, keys, scale, max[r]);
        }
        MatmulArgs a{};
        a.panels = panels;
        a.columns = keys;
        a.panel_columns = a.x_stride = kPage;
        a.row_end = a.out_stride = head_dim_;
        a.x = s.scores.data();
        a.out = s.page_values.data();
        a.n_tokens = static_cast<int>(rows);
        if (types_.values == KvType::q8_0) {
            const auto* scales = reinterpret_cast<const std::uint16_t*>(panels);
            const auto* elements = reinterpret_cast<const std::int8_t*>(scales + kPage * head_dim_ / kActBlock);
            for (std::size_t panel = 0; panel < head_dim_ / kPanelRows; ++panel) {
                kernels_.ops.expand_s8(s.expanded.data() + panel * kPage * kPanelRows,
                                       elements + panel * kPage * kPanelRows, scales + panel / 2 * kPage, keys);
            }
            a.panels = reinterpret_cast<const std::byte*>(s.expanded.data());
        }
        value_product_(a);
        for (std::size_t r = 0; r < rows; ++r) {
            kernels_.ops.scale_add(s.values.data() + r * head_dim_, factor[r], s.page_values.data() + r * head_dim_,
                                   head_dim_);
        }
    }

  private:
    static const Format& format(FormatId id) { return *find_format(static_cast<std::uint32_t>(id)); }
    MatmulFn matmul(FormatId id) const { return kernels_.matmul_of(format(id)); }
    std::byte* blocks(AttendScratch& s, std::size_t row) const {
        return s.blocks.data() + row * kernels_.act_row_bytes(head_dim_);
    }
    template <class Job>
    void for_groups(std::size_t rows, const Job& job) const {
        for (std::size_t row = 0; row < rows;) {
            const int group = group_size(static_cast<int>(rows - row), kernels_.group);
            const std::size_t n = std::min(rows - row, static_cast<std::size_t>(group));
            job(row, n, group);
            row += n;
        }
    }

    const Kernels& kernels_;
    KvTypes types_;
    std::size_t head_dim_;
    const PageAttention* page_;
    ActForms form_of_keys_;  // in q8_0
    MatmulFn key_product_, value_product_;
};

}  // namespace

// Softmax over pages of keys as they come (Milakov and Gimelshein 2018, "Online normalizer calculation for softmax"):
// for each row a running maximum, sum and weighted values, rescaled when the maximum grows. The pages are met in order
// and cut at fixed positions, so a token's result is the same whoever shares its tile.
void Ops::attend(Activation& out, const float* q, std::span<const Segment> segments, std::size_t layer,
                 Readers readers) const {
    constexpr float kMasked = -std::numeric_limits<float>::infinity();
    const auto head_dim = static_cast<std::size_t>(config_.head_dim);
    const auto n_heads = static_cast<std::size_t>(config_.n_heads),
               n_kv_heads = static_cast<std::size_t>(config_.n_kv_heads);
    const std::size_t share = n_heads / n_kv_heads;  // query heads that read the same keys and values
    const std::size_t heads_at_once = std::min(share, kMaxQueries);
    const std::size_t head_blocks = (share + heads_at_once - 1) / heads_at_once;
    const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));

    // The tokens [first, first + tokens) of a segment, one KV head and some of the query heads that share it.
    const auto attend_tile = [&](const Segment& segment, std::size_t first, std::size_t tokens, std::size_t kv_head,
                                 std::size_t block, AttendScratch& s) {
        const KvCache& kv = *segment.kv;
        const PageProducts products(kernels_, kv.types(), head_dim);
        const std::size_t position = segment.position + first, row0 = segment.first + first;
        const std::size_t head0 = kv_head * share + block * heads_at_once;
        const std::size_t heads = std::min(heads_at_once, share - block * heads_at_once);
        const std::size_t rows = tokens * heads;  // row = token * heads + head
        float max[kMaxQueries], sum[kMaxQueries];
        for (std::size_t r = 0; r < rows; ++r) {
            std::copy_n(q + ((row0 + r / heads) * n_heads + head0 + r % heads) * head_dim, head_dim,
                        s.queries.data() + r * head_dim);
            std::fill_n(s.values.data() + r * head_dim, head_dim, 0.0f);
            max[r] = kMasked;
            sum[r] = 0.0f;
        }
        products.prepare(s, rows);
        const std::size_t n_keys = position + tokens;  // what the last token of the tile sees
        for (std::size_t base = 0; base < n_keys; base += kPage) {
            const std::size_t page = base / kPage, here = std::min(kPage, n_keys - base);
            const std::size_t padded = (here + kPanelRows - 1) / kPanelRows * kPanelRows;
            const std::size_t next = base + kPage < n_keys ? page + 1 : page;
            products.scores(s, kv.keys(layer, kv_head, page), kv.keys(layer, kv_head, next), kv.key_bytes(), rows,
                            padded);
            // All maxima before all exponentials: each is a chain of operations that the next row need not wait for.
            alignas(64) float factor[kMaxQueries] = {};  // what earlier pages shrink by, once exp is taken
            for (std::size_t r = 0; r < rows; ++r) {
                float* scores = s.scores.data() + r * kPage;
                const std::size_t limit = position + r / heads + 1;  // keys that this token sees
                const std::size_t seen = limit <= base ? 0 : std::min(here, limit - base);
                std::fill(scores + seen, scores + padded, kMasked);
                const float top = std::max(max[r], kernels_.ops.max(scores, padded) * scale);
                factor[r] = max[r] - top;
                max[r] = top;
            }
            kernels_.ops.exp_sum(factor, (rows + kPanelRows - 1) / kPanelRows * kPanelRows, 1.0f, 0.0f);
            products.add_values(s, kv.values(layer, kv_head, page), kv.values(layer, kv_head, next), kv.value_bytes(),
                                rows, padded, sum, factor, scale, max);
        }
        for (std::size_t r = 0; r < rows; ++r) {
            float* to = out.row(row0 + r / heads) + (head0 + r % heads) * head_dim;
            const float* values = s.values.data() + r * head_dim;
            const float share_of_all = 1.0f / sum[r];
            for (std::size_t i = 0; i < head_dim; ++i) to[i] = values[i] * share_of_all;
        }
    };

    struct Tile {
        const Segment* segment;
        std::size_t first, tokens;
    };
    std::vector<Tile> tiles;
    for (const Segment& s : segments) {
        const std::size_t rows = PageProducts(kernels_, s.kv->types(), head_dim).best_rows();
        const std::size_t most = std::max<std::size_t>(rows / heads_at_once, 1);
        for (std::size_t t = 0; t < s.n_tokens; t += most) tiles.push_back({&s, t, std::min(most, s.n_tokens - t)});
    }
    // Begin with those that see the most keys, so that the threads end together.
    std::ranges::stable_sort(tiles, std::greater<>(), [](const Tile& t) { return t.segment->position + t.first; });
    const std::size_t units = tiles.size() * head_blocks * n_kv_heads;
    pool_.share(units, [&](std::size_t u, int thread) {
        const Tile& tile = tiles[u / n_kv_heads / head_blocks];
        attend_tile(*tile.segment, tile.first, tile.tokens, u % n_kv_heads, u / n_kv_heads % head_blocks,
                    scratch_.attention[static_cast<std::size_t>(thread)]);
    });
    const ActForms forms = forms_of(readers);
    for_groups([&](std::size_t first, std::size_t) { quantize_group(out, first, 0, out.n, forms); });
}

bool Ops::all_finite(const float* x, std::size_t n) const {
    constexpr std::size_t kPiece = std::size_t{1} << 15;
    std::atomic<bool> finite = true;
    pool_.share((n + kPiece - 1) / kPiece, [&](std::size_t piece, int) {
        // Infinity and NaN are the patterns whose exponent is all ones; an integer maximum finds them at vector speed,
        // by compilers that make vector code only of loops whose turns they know.
        constexpr std::size_t kTurns = 64;
        const auto pattern = [&](std::size_t i) { return std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu; };
        const std::size_t end = std::min(n, (piece + 1) * kPiece);
        std::uint32_t largest = 0;
        std::size_t i = piece * kPiece;
        for (; i + kTurns <= end; i += kTurns) {
            std::uint32_t here = 0;
            for (std::size_t k = 0; k < kTurns; ++k) here = std::max(here, pattern(i + k));
            largest = std::max(largest, here);
        }
        for (; i < end; ++i) largest = std::max(largest, pattern(i));
        if (largest >= 0x7f800000u) finite = false;
    });
    return finite;
}

}  // namespace distill
