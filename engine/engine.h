// The whole public surface of the engine: an Engine is a loaded model, a Sequence one timeline of tokens on it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/config.h"
#include "engine/gguf.h"
#include "engine/kv_cache.h"
#include "engine/thread_pool.h"
#include "tokenizer/tokenizer.h"

namespace distill {

struct Kernels;
struct Model;

struct LoadOptions {
    std::string path;
    std::span<const std::byte> bytes{};  // not empty: the model itself, and `path` is what errors call it
    std::string kernels{};               // "" = the best this CPU runs; otherwise a table's name
    bool repack = true;  // false: weights stay as they are in the file, which takes no memory of its own and is slower
};

// A loaded model; many Sequences may use it at once. Loading reads no weights: the first pass works from the mapping,
// and the following ones rearrange the weights into memory of their own as they go (engine/packing.h). Results are the
// same bits before, during and after.
class Engine {
  public:
    // Throws Error{bad_model} for anything wrong with the file, Error{usage} for a kernel table that cannot run here.
    static Engine load(const LoadOptions& options);
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;
    ~Engine();

    const Gguf& file() const;
    const Config& config() const;
    const Tokenizer& tokenizer() const;
    const Kernels& kernels() const;  // kernels().name is what the speed line prints
    const Model& model() const;
    std::uint64_t weight_bytes_per_token() const;  // bytes of weights one decoded token reads
    // Rearranges all weights at once, for whoever measures. Throws Error{failure} for lack of memory.
    void pack(ThreadPool& pool) const;

  private:
    friend class Sequence;
    struct Impl;
    explicit Engine(std::unique_ptr<Impl> impl);
    // Its share before a pass over n_tokens; go_on is asked now and then and may be empty.
    void pack_before(ThreadPool& pool, std::size_t n_tokens, const std::function<bool()>& go_on) const;
    std::unique_ptr<Impl> impl_;
};

enum class Logits { last, all, none };

// Tokens so far, their keys and values, and scratch memory. Not for use by two threads at once. The results do not
// depend on the pool's size nor on how the tokens were cut into calls.
class Sequence {
  public:
    // Room for n_ctx tokens; memory is taken as the sequence grows. Engine and pool must outlive the sequence. Throws
    // Error{usage} for types of keys and values that the model's heads do not fit.
    Sequence(const Engine& engine, ThreadPool& pool, int n_ctx, KvTypes types = {});
    Sequence(Sequence&&) noexcept;
    Sequence& operator=(Sequence&&) noexcept;
    ~Sequence();

    // Appends tokens. Returns logits [rows, n_vocab] (rows: 1, tokens.size() or 0), valid until the next call. Throws
    // Error{context} when they do not fit and Error{failure} for non-finite logits or lack of memory; the sequence is
    // then as it was. progress, if given, is called between layers and batches, and while weights are packed, with the
    // number of tokens done, a batch under way counted by its layers; returning false stops there: the batches done so
    // far stay, the result is empty.
    std::span<const float> forward(std::span<const TokenId> tokens, Logits want = Logits::last,
                                   const std::function<bool(int done)>& progress = {});
    // Appends one token to each of several sequences of one engine, which read the weights once together. Returns
    // logits [sequences, n_vocab], for each the same bits as forward() would give; valid until the next call on the
    // first sequence, whose pool does the work. Throws as forward() does; the sequences are then all as they were.
    static std::span<const float> forward_together(std::span<Sequence* const> sequences,
                                                   std::span<const TokenId> tokens);
    // A second timeline with the same tokens behind it. Keys and values are shared until one of the two writes there.
    Sequence fork() const;
    void rewind(int n_tokens);  // forget all after the first n_tokens
    int length() const;         // tokens so far
    int n_ctx() const;
    std::span<const TokenId> tokens() const;

    // Keys and values of 64 tokens as bytes, to be kept and put back by a sequence on the same model, kernels and
    // layout. page(i) belongs to tokens [64 i, 64 i + 64), all of which the sequence must hold; it stays in place,
    // unchanged, while the sequence is not rewound into it.
    std::span<const std::byte> page(std::size_t i) const;
    std::size_t page_bytes() const;
    std::string page_layout() const;
    // Appends a page to a sequence that holds whole pages only: fill puts the bytes in place and says whether they are
    // sound. Where they are not, or there is no room for the page, the sequence is as it was and the result false.
    bool restore_page(std::span<const TokenId> tokens, const std::function<bool(std::span<std::byte>)>& fill);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace distill
