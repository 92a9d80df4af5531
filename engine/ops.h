// The operations that the forward pass is written in. Each splits its work over the threads - by output rows, tokens or
// heads, never in a way that changes a sum - and calls a kernel. All shapes: rows are tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "engine/config.h"
#include "engine/kv_cache.h"
#include "engine/model.h"
#include "engine/thread_pool.h"
#include "quant/kernels/kernels.h"

namespace distill {

// A buffer for vector code: 64-byte aligned, uninitialised; pages that are never touched cost nothing. From 512 KiB on
// it is made of huge pages, of 2 MiB, if the system has some.
template <class T>
class Buffer {
  public:
    Buffer() = default;
    explicit Buffer(std::size_t n);
    T* data() { return data_.get(); }
    const T* data() const { return data_.get(); }

  private:
    struct Free {
        void operator()(T* p) const;
    };
    std::unique_ptr<T, Free> data_;
};
extern template class Buffer<float>;
extern template class Buffer<std::byte>;

// The input of matrix products, [tokens, n]: as floats, and as blocks of integers in groups of tokens
// (quant/kernels/kernels.h) for quantised weights. An operation that makes one is told which matrices will be
// multiplied with it: it rounds what they read.
struct Activation {
    Activation() = default;
    Activation(std::size_t max_tokens, std::size_t n, const Kernels& kernels);
    std::size_t n = 0;
    const Kernels* kernels = nullptr;
    std::size_t row_bytes = 0;  // of blocks
    Buffer<float> floats;       // [max_tokens][n]
    Buffer<std::byte> blocks;   // group by group, as the table's quantize makes them
    // The group that begins at token t, a multiple of the table's group; of it, what begins at `column`, a multiple
    // of 256.
    std::byte* group(std::size_t t, int group_size, std::size_t column) {
        return blocks.data() + t * row_bytes + kernels->act_bytes(column, group_size);
    }
    const std::byte* group(std::size_t t) const { return blocks.data() + t * row_bytes; }
    float* row(std::size_t t) { return floats.data() + t * n; }
    const float* row(std::size_t t) const { return floats.data() + t * n; }
};

// Cosine and sine for every position so far, [position][rope_dim / 2] each; the same for all layers.
class RopeTable {
  public:
    explicit RopeTable(const Config& config)
        : half_(static_cast<std::size_t>(config.rope_dim) / 2), base_(config.rope_base) {}
    void extend(std::size_t n_positions);
    const float* cosine(std::size_t pos) const { return cos_.data() + pos * half_; }
    const float* sine(std::size_t pos) const { return sin_.data() + pos * half_; }

  private:
    std::size_t half_;
    double base_;
    std::vector<float> cos_, sin_;
};

// out = weight * x (+ bias); one entry of a product over a shared input.
struct Product {
    float* out;  // [tokens][weight->rows]
    const Matrix* weight;
    const Vector* bias = nullptr;
    bool add = false;
};

// Consecutive rows of a batch that continue one sequence.
struct Segment {
    KvCache* kv;
    const RopeTable* rope;
    std::size_t position;         // of the first row in the sequence
    std::size_t first, n_tokens;  // rows of the batch
};

// Rows of queries that one tile of attention works on.
inline constexpr std::size_t kMaxQueries = PageAttention::kMaxRows;

// Working memory of one thread for one tile of attention.
struct AttendScratch {
    AttendScratch(std::size_t head_dim, const Kernels& kernels);
    Buffer<float> queries;      // [rows][head_dim]
    Buffer<std::byte> blocks;   // the same as int8, for keys in q8_0
    Buffer<float> values;       // [rows][head_dim]: weighted values so far
    Buffer<float> page_values;  // [rows][head_dim]: those of one page
    Buffer<float> scores;       // [rows][kPageTokens]
    Buffer<float> expanded;     // values of one page and head in q8_0, as F32 panels
    Buffer<std::byte> page;     // PageAttention's
};

// What operations need beside their operands.
struct OpsScratch {
    OpsScratch(const Model& model, int n_threads, std::size_t max_tokens);
    std::size_t max_tokens;
    Buffer<float> gated;       // [threads][2][max_tokens][256 columns]: of a gate, and of what it is multiplied with
    std::size_t panel_bytes;   // at least one panel of any matrix
    Buffer<std::byte> panels;  // [threads][panel_bytes], for matrices that are not packed yet
    std::vector<AttendScratch> attention;  // [threads]
};

// Matrices that read an activation.
using Readers = std::initializer_list<const Matrix*>;

class Ops {
  public:
    Ops(const Model& model, ThreadPool& pool, OpsScratch& scratch, std::size_t n_tokens)
        : config_(model.config), kernels_(*model.kernels), pool_(pool), scratch_(scratch), n_tokens_(n_tokens) {}

    void embed(float* x, const Tensor& embedding, std::span<const std::int32_t> tokens) const;
    // h = rms_norm(x) * weight, [n_tokens, n]. False if x is not finite, or its squares are not.
    bool rms_norm(Activation& h, const float* x, const Vector& weight, Readers readers) const;
    // Products that share the input h, as one job.
    void matmul(std::initializer_list<Product> products, const Activation& h) const;
    // Turns each head of x [n_tokens][n_heads * head_dim] by its token's position.
    void rope(float* x, std::size_t n_heads, std::span<const Segment> segments) const;
    // k, v: [n_tokens][n_kv_heads * head_dim].
    void store(std::span<const Segment> segments, std::size_t layer, const float* k, const float* v) const;
    // out = softmax(q k^T / sqrt(head_dim)) v, causal, [n_tokens][n_heads * head_dim]. Each row sees the keys and
    // values of its own sequence.
    void attend(Activation& out, const float* q, std::span<const Segment> segments, std::size_t layer,
                Readers readers) const;
    // gate = silu(gate_weight * h) * (up_weight * h); its floats are there only if float weights read them.
    // up: [n_tokens][gate.n], to work in.
    void gated(Activation& gate, float* up, const Matrix& gate_weight, const Matrix& up_weight, const Activation& h,
               Readers readers) const;
    bool all_finite(const float* x, std::size_t n) const;

  private:
    // What quantised matrices among them read.
    ActForms forms_of(Readers readers) const;
    // The group of tokens that begins at `first`; of its columns, a multiple of 32, those from `column` on, a multiple
    // of 256. No forms: only float weights read it.
    void quantize_group(Activation& a, std::size_t first, std::size_t column, std::size_t columns,
                        ActForms forms) const;
    // The same of rows that stand elsewhere, x_stride floats apart.
    void quantize_group(Activation& a, std::size_t first, std::size_t column, std::size_t columns, const float* x,
                        std::size_t x_stride, ActForms forms) const;
    std::size_t rows_at_once() const;  // that a product works on: a multiple of kPanelRows
    // gate = silu(gate) * up
    void silu_mul(Activation& gate, const float* up, ActForms forms) const;
    // Rows begin..end of a weight, begin a multiple of kPanelRows: out[t - first][row - begin] for the tokens
    // first..last. `first` begins a group.
    struct RowProduct {
        const Matrix* weight;
        std::size_t begin, end;
        float* out;
        std::size_t out_stride;  // floats
        const Vector* bias = nullptr;
        bool add = false;
    };
    void multiply(const RowProduct& p, std::size_t first, std::size_t last, const Activation& h, int thread) const;
    // job(first, last) for groups of tokens, over the threads when there is more than one group.
    template <class Job>
    void for_groups(const Job& job) const;
    // job(segment, row) for every row.
    template <class Job>
    void for_rows(std::span<const Segment> segments, const Job& job) const;

    const Config& config_;
    const Kernels& kernels_;
    ThreadPool& pool_;
    OpsScratch& scratch_;
    std::size_t n_tokens_;
};

}  // namespace distill
