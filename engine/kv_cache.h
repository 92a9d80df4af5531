// Keys and values of the tokens so far, in pages of 64 tokens that are added as the sequence grows. Within a page both
// are laid out as weight panels (quant/panels.h), so that attention is two small matrix products on the same kernels:
// scores = K q with 16 keys to a panel, output = V^T p with 16 elements of a head to a panel. Copies share their pages
// until one of them writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/config.h"
#include "quant/kernels/kernels.h"

namespace distill {

enum class KvType {
    f16,
    q8_0,  // a signed byte an element and an f16 scale for 32 of them: 53 % of the memory, and of the reading
};
struct KvTypes {
    KvType keys = KvType::f16, values = KvType::f16;
};

class KvCache {
  public:
    static constexpr std::size_t kPageTokens = 64;

    // Throws Error{usage} where heads are no whole blocks of a type.
    explicit KvCache(const Config& config, KvTypes types = {});

    // Room for the tokens [begin, end), which are to be stored; throws Error{failure} when memory ends, the contents
    // then as they were.
    void reserve(std::size_t begin, std::size_t end);
    // k, v: [n_kv_heads * head_dim] of the token at position pos (reserved).
    void store(const Kernels& kernels, std::size_t layer, std::size_t pos, const float* k, const float* v);

    // Keys of one page and head: F16 panels [64 / 16][head_dim][16 keys], or [64 / 16][head_dim / 32] of PanelQ8_0, or of
    // PanelSignedQ8_0 where the kernels that stored them have that.
    const std::byte* keys(std::size_t layer, std::size_t kv_head, std::size_t page) const {
        return pages_[page].get() + (layer * n_kv_heads_ + kv_head) * (key_bytes_ + value_bytes_);
    }
    // Values: panels [padded head_dim / 16][64 keys][16 elements] in F16, or as int8 behind their f16 scales
    // [head_dim / 32][64 keys]. Slots without a token are finite.
    const std::byte* values(std::size_t layer, std::size_t kv_head, std::size_t page) const {
        return keys(layer, kv_head, page) + key_bytes_;
    }
    // Of one head in one page. A head's values stand behind its keys.
    std::size_t key_bytes() const { return key_bytes_; }
    std::size_t value_bytes() const { return value_bytes_; }
    KvTypes types() const { return types_; }
    std::size_t page_bytes() const { return n_layers_ * n_kv_heads_ * (key_bytes_ + value_bytes_); }

    // A whole page as bytes, for whoever keeps it elsewhere, and what such bytes mean: pages of another layout are
    // useless.
    std::span<const std::byte> page(std::size_t i) const { return {pages_[i].get(), page_bytes()}; }
    std::span<std::byte> page(std::size_t i) { return {pages_[i].get(), page_bytes()}; }
    std::string layout() const;

  private:
    using Page = std::shared_ptr<std::byte[]>;
    Page new_page(std::size_t n_tokens) const;
    void store_key(std::byte* keys, const Kernels& kernels, std::size_t slot, const float* k) const;
    void store_value(std::byte* values, const Kernels& kernels, std::size_t slot, const float* v) const;

    KvTypes types_;
    std::size_t n_layers_, n_kv_heads_, head_dim_;
    std::size_t key_bytes_, value_bytes_;
    std::vector<Page> pages_;
};

}  // namespace distill
