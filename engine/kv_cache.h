// Keys and values of the tokens so far, in F16, in pages of 64 tokens that are added as the sequence grows. Within a page
// both are laid out as weight panels (quant/panels.h), so that attention is two small matrix products on the same
// kernels: scores = K q with 16 keys to a panel, output = V^T p with 16 elements of a head to a panel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/config.h"
#include "quant/kernels/kernels.h"

namespace distill {

class KvCache {
  public:
    static constexpr std::size_t kPageTokens = 64;

    explicit KvCache(const Config& config);

    // Room for n tokens; throws Error{failure} when memory ends, the cache then as it was.
    void reserve(std::size_t n_tokens);
    // k, v: [n_kv_heads * head_dim] of the token at position pos (pos < reserved).
    void store(const Kernels& kernels, std::size_t layer, std::size_t pos, const float* k, const float* v);

    // Keys of one page and head: [64 / 16 panels][head_dim][16 keys].
    const std::uint16_t* keys(std::size_t layer, std::size_t kv_head, std::size_t page) const {
        return pages_[page].get() + (layer * n_kv_heads_ + kv_head) * head_size_;
    }
    // Values: [padded head_dim / 16 panels][64 keys][16 elements]. Slots without a token are finite.
    const std::uint16_t* values(std::size_t layer, std::size_t kv_head, std::size_t page) const {
        return keys(layer, kv_head, page) + kPageTokens * head_dim_;
    }
    std::size_t page_bytes() const { return page_size_ * sizeof(std::uint16_t); }

    // A whole page as bytes, for whoever keeps it elsewhere, and what such bytes mean: pages of another layout are useless.
    std::span<const std::byte> page(std::size_t i) const { return {reinterpret_cast<const std::byte*>(pages_[i].get()), page_bytes()}; }
    std::span<std::byte> page(std::size_t i) { return {reinterpret_cast<std::byte*>(pages_[i].get()), page_bytes()}; }
    static constexpr std::string_view layout() { return "f16-panels-64"; }

  private:
    struct Free {
        void operator()(std::uint16_t* p) const;
    };
    std::size_t n_kv_heads_, head_dim_;
    std::size_t head_size_;  // halves: K and V of one head in one page
    std::size_t page_size_;  // halves: all layers and heads
    std::vector<std::unique_ptr<std::uint16_t[], Free>> pages_;
};

}  // namespace distill
