#include "engine/packing.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <limits>

#include "engine/error.h"
#include "quant/panels.h"

namespace distill {
namespace {

constexpr std::size_t kAlign = 64;
std::size_t aligned(std::size_t n) {
    return (n + kAlign - 1) / kAlign * kAlign;
}

// Tokens whose passes pack everything. More would leave decoding slow for longer, fewer would make the first tokens
// wait.
constexpr std::size_t kTokensToPackAll = 16;

// Rows that are packed in one go: large enough for streaming, small enough that both copies of a piece are cheap.
std::size_t rows_per_step(const Tensor& t) {
    constexpr std::size_t kStepBytes = std::size_t{1} << 20;
    const std::size_t panel = panel_bytes(*t.format, t.columns());
    return std::max<std::size_t>(1, kStepBytes / std::max<std::size_t>(1, panel)) * kPanelRows;
}

}  // namespace

Packing::Packing(const Gguf& file) : file_(file) {}

Packing::~Packing() {
    if (memory_ != nullptr) munmap(memory_, total_);
}

Matrix Packing::add(const Tensor& t, const Kernels& kernels) {
    Job& job = jobs_.emplace_back();
    job.tensor = &t;
    job.signed_panels = kernels.signed_panels;
    job.offset = total_;
    total_ += aligned(packed_bytes(*t.format, t.rows(), t.columns()));
    largest_panel_ = std::max(largest_panel_, panel_bytes(*t.format, t.columns()));
    return Matrix{t.format, kernels.matmul_of(*t.format), t.rows(), t.columns(), t.data.data(), &job.panels};
}

void Packing::advance(ThreadPool& pool, std::size_t n_tokens, const std::function<bool()>& go_on) {
    if (done_.load(std::memory_order_relaxed) || !used_.exchange(true)) return;
    if (n_tokens >= kTokensToPackAll) return finish(pool, go_on);
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock) pack(pool, total_ / kTokensToPackAll * n_tokens, go_on);
}

void Packing::finish(ThreadPool& pool, const std::function<bool()>& go_on) {
    const std::lock_guard lock(mutex_);
    pack(pool, std::numeric_limits<std::size_t>::max(), go_on);
}

// The next matrices, until `bytes` are reached.
void Packing::pack(ThreadPool& pool, std::size_t bytes, const std::function<bool()>& go_on) {
    if (memory_ == nullptr && total_ > 0) {
        // One anonymous mapping for all panels: huge pages make a token's walk through it cheap for the TLB, and unlike
        // the heap it returns to the system as a whole.
        void* p = mmap(nullptr, total_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) {
            throw Error(fmt::format("no memory for {:.0f} MB of weights; --no-repack needs none",
                                    static_cast<double>(total_) / 1e6),
                        Status::failure);
        }
        madvise(p, total_, MADV_HUGEPAGE);
        memory_ = static_cast<std::byte*>(p);
    }
    for (std::size_t packed = 0; next_ < jobs_.size() && packed < bytes; ++next_) {
        if (go_on && !go_on()) return;
        pack(pool, jobs_[next_]);
        packed += jobs_[next_].tensor->data.size();
    }
    done_ = next_ == jobs_.size();
}

void Packing::pack(ThreadPool& pool, Job& job) {
    const Tensor& t = *job.tensor;
    std::byte* panels = memory_ + job.offset;
    const std::size_t row_bytes = t.format->row_bytes(t.columns()), by = rows_per_step(t);
    pool.share((t.rows() + by - 1) / by, [&](std::size_t step, int) {
        const std::size_t row = step * by, end = std::min(row + by, static_cast<std::size_t>(t.rows()));
        pack_panels(panels, *t.format, t.data.data(), row, end, t.columns(), job.signed_panels);
        // Never two copies resident: the source of what is packed goes at once.
        file_.release(t.data.subspan(row * row_bytes, (end - row) * row_bytes));
    });
    job.panels.store(panels, std::memory_order_release);
}

}  // namespace distill
