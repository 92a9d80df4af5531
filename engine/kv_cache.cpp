#include "engine/kv_cache.h"

#include <fmt/format.h>

#include <cassert>
#include <cstdlib>
#include <cstring>

#include "engine/error.h"

namespace distill {

void KvCache::Free::operator()(std::uint16_t* p) const { std::free(p); }

KvCache::KvCache(const Config& c)
    : n_kv_heads_(static_cast<std::size_t>(c.n_kv_heads)),
      head_dim_(static_cast<std::size_t>(c.head_dim)),
      head_size_(kPageTokens * (head_dim_ + (head_dim_ + kPanelRows - 1) / kPanelRows * kPanelRows)),
      page_size_(static_cast<std::size_t>(c.n_layers) * n_kv_heads_ * head_size_) {}

void KvCache::reserve(std::size_t n_tokens) {
    while (pages_.size() * kPageTokens < n_tokens) {
        const std::size_t bytes = (page_bytes() + 63) / 64 * 64;
        auto* p = static_cast<std::uint16_t*>(std::aligned_alloc(64, bytes));
        if (p == nullptr) {
            throw Error(fmt::format("no memory for the keys and values of {} tokens ({} MB more); a smaller -c needs less",
                                    n_tokens, bytes / 1000000 + 1),
                        Status::failure);
        }
        // Attention multiplies slots behind the last token with zero: they must hold numbers.
        std::memset(p, 0, bytes);
        pages_.emplace_back(p);
    }
}

void KvCache::store(const Kernels& kernels, std::size_t layer, std::size_t pos, const float* k, const float* v) {
    assert(pos / kPageTokens < pages_.size());
    const std::size_t slot = pos % kPageTokens;
    std::uint16_t halves[64];
    for (std::size_t h = 0; h < n_kv_heads_; ++h) {
        std::uint16_t* head = pages_[pos / kPageTokens].get() + (layer * n_kv_heads_ + h) * head_size_;
        std::uint16_t* key = head + slot / kPanelRows * head_dim_ * kPanelRows + slot % kPanelRows;
        std::uint16_t* value = head + kPageTokens * head_dim_ + slot * kPanelRows;
        for (std::size_t d0 = 0; d0 < head_dim_; d0 += 64) {
            const std::size_t n = std::min<std::size_t>(64, head_dim_ - d0);
            kernels.ops.to_f16(halves, k + h * head_dim_ + d0, n);
            for (std::size_t i = 0; i < n; ++i) key[(d0 + i) * kPanelRows] = halves[i];
            kernels.ops.to_f16(halves, v + h * head_dim_ + d0, n);
            for (std::size_t i = 0; i < n; i += kPanelRows) {
                std::memcpy(value + (d0 + i) * kPageTokens, halves + i, std::min(kPanelRows, n - i) * sizeof(std::uint16_t));
            }
        }
    }
}

}  // namespace distill
