// Weights on their way from the file's rows to the kernels' panels (quant/panels.h). A matrix can be used before it is
// packed - kernels then get each panel as it is made, in a small buffer - so the first pass starts at once, from the
// mapping. Packing follows beside the next passes, a share at a time: a reader has the first token sooner, and decoding
// soon reads whole panels at the memory's speed.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/gguf.h"
#include "engine/thread_pool.h"
#include "quant/formats.h"
#include "quant/kernels/kernels.h"

namespace distill {

// [rows, columns]. The bytes belong to the file and to the Packing that made it.
struct Matrix {
    const Format* format = nullptr;
    MatmulFn matmul = nullptr;
    std::size_t rows = 0, columns = 0;
    const std::byte* source = nullptr;  // row by row, as in the file
    const std::atomic<const std::byte*>* packed_panels =
        nullptr;  // what it points to is null as long as it is not packed

    const std::byte* panels() const { return packed_panels->load(std::memory_order_acquire); }
};

class Packing {
  public:
    explicit Packing(const Gguf& file);  // which must outlive it
    ~Packing();
    Packing(const Packing&) = delete;
    Packing& operator=(const Packing&) = delete;

    // Matrices are packed in the order in which they were added.
    Matrix add(const Tensor& tensor, const Kernels& kernels);
    std::size_t largest_panel() const { return largest_panel_; }  // bytes

    // Before each pass over n_tokens: nothing before the first one, then a share of the matrices that grows with the
    // tokens, because their arithmetic hides it. May be called from several threads; who finds another at work goes on
    // without. go_on, if given, is asked between matrices and may leave the rest for later. Throws Error{failure} for
    // lack of memory.
    void advance(ThreadPool& pool, std::size_t n_tokens, const std::function<bool()>& go_on = {});
    void finish(ThreadPool& pool, const std::function<bool()>& go_on = {});

  private:
    struct Job {
        const Tensor* tensor;
        SignedPanels signed_panels;
        std::size_t offset;  // of its panels in memory_
        std::atomic<const std::byte*> panels{nullptr};
    };
    void pack(ThreadPool& pool, std::size_t bytes, const std::function<bool()>& go_on);
    void pack(ThreadPool& pool, Job& job);

    const Gguf& file_;
    std::deque<Job> jobs_;  // stays where it is: matrices point into it
    std::size_t total_ = 0, largest_panel_ = 0;
    std::atomic<bool> used_{false}, done_{false};
    std::mutex mutex_;      // of what follows
    std::size_t next_ = 0;  // job
    std::byte* memory_ = nullptr;
};

}  // namespace distill
