#include "engine/model.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <exception>
#include <mutex>

#include "engine/arch/registry.h"
#include "engine/error.h"
#include "quant/panels.h"

namespace distill {

// One anonymous mapping for all panels: huge pages make a token's walk through it cheap for the TLB, and unlike the
// heap it returns to the system as a whole.
struct Model::Memory {
    std::byte* base = nullptr;
    std::size_t bytes = 0;

    explicit Memory(std::size_t n) : bytes(n) {
        if (n == 0) return;
        void* p = mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) throw Error(fmt::format("no memory for {:.0f} MB of weights", static_cast<double>(n) / 1e6), Status::failure);
        madvise(p, n, MADV_HUGEPAGE);
        base = static_cast<std::byte*>(p);
    }
    ~Memory() {
        if (base != nullptr) munmap(base, bytes);
    }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
};

namespace {

constexpr std::size_t kAlign = 64;

std::size_t aligned(std::size_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

// A matrix still to be packed.
struct Job {
    const Tensor* source;
    Matrix* matrix;
    std::byte* panels;
};

// Rows that are packed in one go: large enough for streaming, small enough that both copies of a piece are cheap.
std::size_t rows_per_step(const Tensor& t) {
    constexpr std::size_t kStepBytes = std::size_t{1} << 20;
    const std::size_t panel = panel_bytes(*t.format, t.columns());
    return std::max<std::size_t>(1, kStepBytes / std::max<std::size_t>(1, panel)) * kPanelRows;
}

class Loader {
  public:
    Loader(const Gguf& file, Model& model) : file_(file), model_(model) {}

    // A small tensor as floats, whatever its format.
    Vector vector(const std::string& name) {
        const Tensor& t = tensor(name);
        Vector v(t.columns() * t.rows());
        t.format->dequantize(v.data(), t.data.data(), v.size());
        model_.bytes_per_token += t.data.size();
        return v;
    }

    Vector optional_vector(const std::string& name) { return file_.find_tensor(name) == nullptr ? Vector{} : vector(name); }

    void matrix(Matrix& m, const std::string& name) {
        const Tensor& t = tensor(name);
        m.format = t.format;
        m.matmul = model_.kernels->matmul_of(*t.format);
        m.rows = t.rows();
        m.columns = t.columns();
        model_.bytes_per_token += t.data.size();
        total_ += aligned(packed_bytes(*t.format, m.rows, m.columns));
        jobs_.push_back({&t, &m, nullptr});
    }

    void pack(ThreadPool& pool, const LoadHooks& hooks);

  private:
    const Tensor& tensor(const std::string& name) {
        const Tensor* t = file_.find_tensor(name);
        assert(t != nullptr && "check_tensors() has seen it");
        return *t;
    }

    const Gguf& file_;
    Model& model_;
    std::vector<Job> jobs_;
    std::size_t total_ = 0;
};

void Loader::pack(ThreadPool& pool, const LoadHooks& hooks) {
    model_.memory = std::make_shared<Model::Memory>(total_);
    struct Step {
        const Job* job;
        std::size_t row_begin, row_end;
    };
    std::vector<Step> steps;
    std::byte* next = model_.memory->base;
    for (Job& j : jobs_) {
        j.panels = next;
        j.matrix->panels = next;
        next += aligned(packed_bytes(*j.source->format, j.matrix->rows, j.matrix->columns));
        const std::size_t by = rows_per_step(*j.source);
        for (std::size_t r = 0; r < j.matrix->rows; r += by) steps.push_back({&j, r, std::min(r + by, j.matrix->rows)});
    }

    std::atomic<std::size_t> claimed{0}, packed{0};
    std::atomic<bool> stop{false};
    std::mutex mutex;
    std::exception_ptr error;
    const int beside_thread = pool.size() - 1;  // not the caller, who reports progress, where there is another
    pool.run([&](int thread) {
        if (thread == beside_thread && hooks.beside) {
            try {
                hooks.beside();
            } catch (...) {
                const std::lock_guard lock(mutex);
                error = std::current_exception();
                stop = true;
            }
        }
        while (!stop) {
            const std::size_t i = claimed.fetch_add(1);
            if (i >= steps.size()) return;
            const Step& s = steps[i];
            const Tensor& t = *s.job->source;
            const std::size_t row_bytes = t.format->row_bytes(t.columns());
            pack_panels(s.job->panels, *t.format, t.data.data(), s.row_begin, s.row_end, t.columns());
            // Never two copies resident: the source of what is packed goes at once.
            file_.release(t.data.subspan(s.row_begin * row_bytes, (s.row_end - s.row_begin) * row_bytes));
            packed.fetch_add(1);
            if (thread == 0) {
                if (hooks.cancelled != nullptr && (*hooks.cancelled)()) stop = true;
                if (hooks.progress) hooks.progress(static_cast<double>(packed.load()) / static_cast<double>(steps.size()));
            }
        }
    });
    if (error) std::rethrow_exception(error);
    if (hooks.cancelled != nullptr && (*hooks.cancelled)()) throw Error("interrupted while loading", Status::interrupted);
}

}  // namespace

Model load_model(const Gguf& file, const Config& config, const Kernels& kernels, ThreadPool& pool, const LoadHooks& hooks) {
    check_tensors(file, config);
    Model model;
    model.config = config;
    model.kernels = &kernels;
    model.token_embedding = file.find_tensor("token_embd.weight");
    model.layers.resize(static_cast<std::size_t>(config.n_layers));

    Loader loader(file, model);
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
        LayerWeights& w = model.layers[i];
        const std::string layer = fmt::format("blk.{}.", i);
        w.attn_norm = loader.vector(layer + "attn_norm.weight");
        loader.matrix(w.q, layer + "attn_q.weight");
        loader.matrix(w.k, layer + "attn_k.weight");
        loader.matrix(w.v, layer + "attn_v.weight");
        w.q_bias = loader.optional_vector(layer + "attn_q.bias");
        w.k_bias = loader.optional_vector(layer + "attn_k.bias");
        w.v_bias = loader.optional_vector(layer + "attn_v.bias");
        loader.matrix(w.o, layer + "attn_output.weight");
        w.ffn_norm = loader.vector(layer + "ffn_norm.weight");
        loader.matrix(w.gate, layer + "ffn_gate.weight");
        loader.matrix(w.up, layer + "ffn_up.weight");
        loader.matrix(w.down, layer + "ffn_down.weight");
    }
    model.output_norm = loader.vector("output_norm.weight");
    loader.matrix(model.output, config.tied_output ? "token_embd.weight" : "output.weight");
    loader.pack(pool, hooks);
    return model;
}

}  // namespace distill
