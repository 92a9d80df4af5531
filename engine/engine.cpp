#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/forward.h"
#include "engine/model.h"
#include "quant/kernels/kernels.h"

namespace distill {
namespace {

// Tokens of a prompt that go through the layers together. More would read the weights from memory less often, but by
// this size that is a few percent of the arithmetic, and the scratch memory grows with it.
constexpr std::size_t kBatch = 256;

Error out_of_memory() {
    return Error("out of memory; a smaller model or a smaller -c needs less", Status::failure);
}

}  // namespace

struct Engine::Impl {
    Gguf file;
    const Kernels* kernels = nullptr;
    std::optional<Tokenizer> tokenizer;
    Model model;
    bool repack = true;
};

Engine Engine::load(const LoadOptions& options) {
    const Kernels& kernels = choose_kernels(options.kernels);
    try {
        flush_denormals_to_zero();
        auto impl = std::make_unique<Impl>(options.bytes.empty() ? Gguf::open(options.path)
                                                                 : Gguf::parse(options.bytes, options.path));
        impl->kernels = &kernels;
        const Config config = read_config(impl->file);
        impl->tokenizer = Tokenizer::from_gguf(impl->file);
        impl->model = load_model(impl->file, config, kernels);
        impl->repack = options.repack;
        return Engine(std::move(impl));
    } catch (const std::bad_alloc&) {
        throw out_of_memory();
    }
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

const Gguf& Engine::file() const {
    return impl_->file;
}
const Config& Engine::config() const {
    return impl_->model.config;
}
const Tokenizer& Engine::tokenizer() const {
    return *impl_->tokenizer;
}
const Kernels& Engine::kernels() const {
    return *impl_->kernels;
}
const Model& Engine::model() const {
    return impl_->model;
}
std::uint64_t Engine::weight_bytes_per_token() const {
    return impl_->model.bytes_per_token;
}
void Engine::pack(ThreadPool& pool) const {
    if (impl_->repack) impl_->model.packing->finish(pool);
}
void Engine::pack_before(ThreadPool& pool, std::size_t n_tokens, const std::function<bool()>& go_on) const {
    if (impl_->repack) impl_->model.packing->advance(pool, n_tokens, go_on);
}

struct Sequence::Impl {
    const Engine& engine;
    ThreadPool& pool;
    int n_ctx;
    Timeline timeline;
    std::optional<Scratch> scratch;  // as large as the largest batch so far needed
    std::vector<float> rows;         // logits of several batches

    // That they exist and fit.
    void check(std::span<const TokenId> tokens) const {
        const std::size_t all = timeline.tokens.size() + tokens.size();
        if (all > static_cast<std::size_t>(n_ctx)) {
            throw Error(
                fmt::format(
                    "{} tokens: the request exceeds the available context size of {} tokens; raise -c or shorten "
                    "the prompt",
                    all, n_ctx),
                Status::context);
        }
        for (const TokenId id : tokens) {
            if (id < 0 || id >= engine.config().n_vocab) {
                throw Error(fmt::format("token id {} is outside the vocabulary of {}", id, engine.config().n_vocab),
                            Status::usage);
            }
        }
    }
    Scratch& scratch_for(std::size_t n_tokens) {
        if (!scratch || scratch->max_tokens < n_tokens) {
            scratch.reset();
            scratch.emplace(engine.model(), pool.size(), std::max<std::size_t>(n_tokens, 16));
        }
        return *scratch;
    }
};

Sequence::Sequence(const Engine& engine, ThreadPool& pool, int n_ctx, KvTypes types)
    : impl_(std::make_unique<Impl>(
          Impl{engine, pool, n_ctx, {KvCache(engine.config(), types), RopeTable(engine.config()), {}}, {}, {}})) {}
Sequence::Sequence(Sequence&&) noexcept = default;
Sequence& Sequence::operator=(Sequence&&) noexcept = default;
Sequence::~Sequence() = default;

std::span<const float> Sequence::forward(std::span<const TokenId> tokens, Logits want,
                                         const std::function<bool(int)>& progress) {
    Impl& s = *impl_;
    Timeline& timeline = s.timeline;
    const std::size_t before = timeline.tokens.size();
    s.check(tokens);
    if (tokens.empty()) return {};
    flush_denormals_to_zero();
    try {
        Scratch& scratch = s.scratch_for(std::min(tokens.size(), kBatch));
        const Model& model = s.engine.model();
        s.rows.clear();
        for (std::size_t done = 0; done < tokens.size();) {
            const auto batch = tokens.subspan(done, std::min(kBatch, tokens.size() - done));
            const bool last = done + batch.size() == tokens.size();
            const Logits now = want == Logits::last && !last ? Logits::none : want;
            bool stopped = false;
            std::function<bool(std::size_t)> go_on;
            if (progress) {
                go_on = [&](std::size_t layers) {
                    stopped = !progress(static_cast<int>(done + batch.size() * layers / model.layers.size()));
                    return !stopped;
                };
            }
            s.engine.pack_before(s.pool, batch.size(), [&] { return !go_on || go_on(0); });
            if (stopped) return {};
            const std::span<const float> logits =
                distill::forward(model, std::vector{Part{&timeline, batch}}, scratch, s.pool, now, go_on);
            if (stopped) return {};
            done += batch.size();
            if (want == Logits::all && tokens.size() > batch.size())
                s.rows.insert(s.rows.end(), logits.begin(), logits.end());
            if (last) return s.rows.empty() ? logits : std::span<const float>(s.rows);
            if (progress && !progress(static_cast<int>(done))) return {};
        }
        return {};
    } catch (const std::bad_alloc&) {
        timeline.tokens.resize(before);
        throw out_of_memory();
    } catch (const Error&) {
        timeline.tokens.resize(before);
        throw;
    }
}

std::span<const float> Sequence::forward_together(std::span<Sequence* const> sequences,
                                                  std::span<const TokenId> tokens) {
    assert(!sequences.empty() && sequences.size() == tokens.size());
    Impl& first = *sequences[0]->impl_;
    std::vector<Part> parts;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        Impl& s = *sequences[i]->impl_;
        assert(&s.engine == &first.engine);
        s.check(tokens.subspan(i, 1));
        parts.push_back({&s.timeline, tokens.subspan(i, 1)});
    }
    flush_denormals_to_zero();
    try {
        Scratch& scratch = first.scratch_for(parts.size());
        first.engine.pack_before(first.pool, parts.size(), {});
        return distill::forward(first.engine.model(), parts, scratch, first.pool, Logits::all);
    } catch (const std::bad_alloc&) {
        throw out_of_memory();
    }
}

Sequence Sequence::fork() const {
    const Impl& s = *impl_;
    Sequence copy(s.engine, s.pool, s.n_ctx, s.timeline.kv.types());
    copy.impl_->timeline = s.timeline;
    return copy;
}

void Sequence::rewind(int n_tokens) {
    auto& tokens = impl_->timeline.tokens;
    if (n_tokens >= 0 && static_cast<std::size_t>(n_tokens) < tokens.size())
        tokens.resize(static_cast<std::size_t>(n_tokens));
}

int Sequence::length() const {
    return static_cast<int>(impl_->timeline.tokens.size());
}
int Sequence::n_ctx() const {
    return impl_->n_ctx;
}
std::span<const TokenId> Sequence::tokens() const {
    return impl_->timeline.tokens;
}

std::span<const std::byte> Sequence::page(std::size_t i) const {
    return std::as_const(impl_->timeline.kv).page(i);
}
std::size_t Sequence::page_bytes() const {
    return impl_->timeline.kv.page_bytes();
}
std::string Sequence::page_layout() const {
    return impl_->timeline.kv.layout();
}

bool Sequence::restore_page(std::span<const TokenId> tokens, const std::function<bool(std::span<std::byte>)>& fill) {
    Timeline& timeline = impl_->timeline;
    const std::size_t before = timeline.tokens.size();
    assert(before % KvCache::kPageTokens == 0 && tokens.size() == KvCache::kPageTokens);
    if (before + tokens.size() > static_cast<std::size_t>(impl_->n_ctx)) return false;
    timeline.kv.reserve(before, before + tokens.size());
    const std::span<std::byte> page = timeline.kv.page(before / KvCache::kPageTokens);
    if (!fill(page)) {
        std::memset(page.data(), 0, page.size());  // attention reads slots without a token: they must hold numbers
        return false;
    }
    timeline.tokens.insert(timeline.tokens.end(), tokens.begin(), tokens.end());
    return true;
}

}  // namespace distill
