#include "engine/kv_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "engine/error.h"
#include "quant/f16.h"
#include "quant/panels.h"

namespace distill {

namespace {

constexpr std::size_t kBlock = 32;  // elements that share a scale in Q8_0

// 32 floats as bytes times the scale that is returned (f16).
std::uint16_t quantize_block(std::int8_t (&q)[kBlock], const Kernels& kernels, const float* x) {
    float largest = 0, poison = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
        largest = std::max(largest, std::abs(x[i]));
        poison += x[i] * 0.0f;  // what is not finite must not vanish in the integers: the scale carries it on
    }
    const float scale = largest / 127.0f + poison;
    std::uint16_t half = 0;
    kernels.ops.to_f16(&half, &scale, 1);
    const float rounded = half_to_float(half), inverse = rounded > 0 ? 1.0f / rounded : 0.0f;
    for (std::size_t i = 0; i < kBlock; ++i) {
        const float steps = std::nearbyint(x[i] * inverse);
        q[i] = static_cast<std::int8_t>(steps >= -127.0f ? std::min(steps, 127.0f) : -127.0f);
    }
    return half;
}

}  // namespace

KvCache::KvCache(const Config& c, KvTypes types)
    : types_(types),
      n_layers_(static_cast<std::size_t>(c.n_layers)),
      n_kv_heads_(static_cast<std::size_t>(c.n_kv_heads)),
      head_dim_(static_cast<std::size_t>(c.head_dim)) {
    if ((types.keys == KvType::q8_0 || types.values == KvType::q8_0) && head_dim_ % kBlock != 0) {
        throw Error(
            fmt::format(
                "keys and values in q8_0 need heads of a multiple of {} elements, this model's have {}; use f16",
                kBlock, head_dim_),
            Status::usage);
    }
    const std::size_t padded = (head_dim_ + kPanelRows - 1) / kPanelRows * kPanelRows;
    const std::size_t q8_bytes = kPageTokens * head_dim_ / kBlock * (kBlock + sizeof(std::uint16_t));
    key_bytes_ = types.keys == KvType::q8_0 ? q8_bytes : kPageTokens * head_dim_ * sizeof(std::uint16_t);
    value_bytes_ = types.values == KvType::q8_0 ? q8_bytes : kPageTokens * padded * sizeof(std::uint16_t);
}

KvCache::Page KvCache::new_page(std::size_t n_tokens) const {
    const std::size_t bytes = (page_bytes() + 63) / 64 * 64;
    auto* p = static_cast<std::byte*>(std::aligned_alloc(64, bytes));
    if (p == nullptr) {
        throw Error(fmt::format("no memory for the keys and values of {} tokens ({} MB more); a smaller -c needs less",
                                n_tokens, bytes / 1000000 + 1),
                    Status::failure);
    }
    // Attention multiplies slots behind the last token with zero: they must hold numbers.
    std::memset(p, 0, bytes);
    return Page(p, [](std::byte* page) { std::free(page); });
}

void KvCache::reserve(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin / kPageTokens; i < pages_.size() && i * kPageTokens < end; ++i) {
        if (pages_[i].use_count() == 1) continue;
        Page own = new_page(end);
        std::memcpy(own.get(), pages_[i].get(), page_bytes());
        pages_[i] = std::move(own);
    }
    while (pages_.size() * kPageTokens < end) pages_.push_back(new_page(end));
}

std::string KvCache::layout() const {
    const auto name = [](KvType t) { return t == KvType::f16 ? "f16" : "q8_0"; };
    return fmt::format("{}-{}-panels-64", name(types_.keys), name(types_.values));
}

void KvCache::store_key(std::byte* keys, const Kernels& kernels, std::size_t slot, const float* k) const {
    const std::size_t lane = slot % kPanelRows;
    if (types_.keys == KvType::q8_0) {
        static_assert(sizeof(PanelQ8_0) == sizeof(PanelSignedQ8_0));
        auto* panel = reinterpret_cast<PanelQ8_0*>(keys) + slot / kPanelRows * (head_dim_ / kBlock);
        const int offset = kernels.signed_panels.q8_0 ? 0 : 128;
        for (std::size_t b = 0; b < head_dim_ / kBlock; ++b) {
            std::int8_t q[kBlock];
            panel[b].d[lane] = quantize_block(q, kernels, k + b * kBlock);
            for (std::size_t i = 0; i < kBlock; ++i)
                panel[b].q[i / 4][4 * lane + i % 4] = static_cast<std::uint8_t>(q[i] + offset);
        }
        return;
    }
    auto* key = reinterpret_cast<std::uint16_t*>(keys) + slot / kPanelRows * head_dim_ * kPanelRows + lane;
    std::uint16_t halves[64];
    for (std::size_t d0 = 0; d0 < head_dim_; d0 += std::size(halves)) {
        const std::size_t n = std::min(std::size(halves), head_dim_ - d0);
        kernels.ops.to_f16(halves, k + d0, n);
        for (std::size_t i = 0; i < n; ++i) key[(d0 + i) * kPanelRows] = halves[i];
    }
}

void KvCache::store_value(std::byte* values, const Kernels& kernels, std::size_t slot, const float* v) const {
    if (types_.values == KvType::q8_0) {
        auto* scales = reinterpret_cast<std::uint16_t*>(values);
        auto* elements =
            reinterpret_cast<std::int8_t*>(values + kPageTokens * head_dim_ / kBlock * sizeof(std::uint16_t));
        for (std::size_t b = 0; b < head_dim_ / kBlock; ++b) {
            std::int8_t q[kBlock];
            scales[b * kPageTokens + slot] = quantize_block(q, kernels, v + b * kBlock);
            for (std::size_t half = 0; half < 2; ++half) {
                std::memcpy(elements + ((2 * b + half) * kPageTokens + slot) * kPanelRows, q + half * kPanelRows,
                            kPanelRows);
            }
        }
        return;
    }
    auto* value = reinterpret_cast<std::uint16_t*>(values) + slot * kPanelRows;
    std::uint16_t halves[64];
    for (std::size_t d0 = 0; d0 < head_dim_; d0 += std::size(halves)) {
        const std::size_t n = std::min(std::size(halves), head_dim_ - d0);
        kernels.ops.to_f16(halves, v + d0, n);
        for (std::size_t i = 0; i < n; i += kPanelRows) {
            std::memcpy(value + (d0 + i) * kPageTokens, halves + i,
                        std::min(kPanelRows, n - i) * sizeof(std::uint16_t));
        }
    }
}

void KvCache::store(const Kernels& kernels, std::size_t layer, std::size_t pos, const float* k, const float* v) {
    assert(pos / kPageTokens < pages_.size() && pages_[pos / kPageTokens].use_count() == 1);
    const std::size_t slot = pos % kPageTokens;
    for (std::size_t h = 0; h < n_kv_heads_; ++h) {
        std::byte* head = pages_[pos / kPageTokens].get() + (layer * n_kv_heads_ + h) * (key_bytes_ + value_bytes_);
        store_key(head, kernels, slot, k + h * head_dim_);
        store_value(head + key_bytes_, kernels, slot, v + h * head_dim_);
    }
}

}  // namespace distill
