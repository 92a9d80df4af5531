// Every limit on what a model file may ask for, and overflow-checked arithmetic on sizes from it. A limit is either far
// above what published models use or what keeps later arithmetic inside its type.
#pragma once

#include <cstdint>

namespace distill {

// --- container (gguf.cpp) ---

// Metadata entries. Published files have 20 to 60. An indexed entry costs about 100 bytes of memory, its bytes in the
// file at least 14, so the limit bounds what a small hostile file can make us allocate (25 MiB).
inline constexpr std::uint64_t kMaxKeys = 1u << 18;

// Tensors over all parts. The largest published mixture models have about 2,000; same reason as above.
inline constexpr std::uint64_t kMaxTensors = 1u << 16;

// Bytes of a key or tensor name: the format's own limit for keys.
inline constexpr std::uint64_t kMaxNameBytes = 65535;

// Arrays in arrays: published files nest one deep; the walk keeps a stack of this size.
inline constexpr int kMaxArrayNesting = 4;

// Dimensions of a tensor: the format's own limit.
inline constexpr std::uint32_t kMaxDims = 4;

// Alignment of tensor data: at least 8 as the format says, at most 16 MiB (huge pages are 2 MiB). A power of two.
inline constexpr std::uint64_t kMinAlignment = 8;
inline constexpr std::uint64_t kMaxAlignment = 1u << 24;

// --- hyper-parameters (config.cpp) ---
// Each fits an int, and so does each product that the forward pass indexes with one (heads * head_dim).

inline constexpr std::uint64_t kMaxLayers = 1024;       // deepest published: 126
inline constexpr std::uint64_t kMaxWidth = 1u << 20;    // d_model, heads * head_dim; widest published: 53,248 (a d_ff)
inline constexpr std::uint64_t kMaxFfWidth = 1u << 22;  // d_ff
inline constexpr std::uint64_t kMaxHeadDim = 4096;      // published: 64 to 256
inline constexpr std::uint64_t kMaxVocab = 1u << 24;    // published: up to 262,208
inline constexpr std::uint64_t kMaxContext = 1u << 27;  // published: up to 10,485,760; nothing is allocated for it

// --- checked arithmetic: false if the true result does not fit ---

[[nodiscard]] inline bool checked_add(std::uint64_t& out, std::uint64_t a, std::uint64_t b) {
    return !__builtin_add_overflow(a, b, &out);
}

[[nodiscard]] inline bool checked_mul(std::uint64_t& out, std::uint64_t a, std::uint64_t b) {
    return !__builtin_mul_overflow(a, b, &out);
}

// Up to the next multiple of `step`, a power of two.
[[nodiscard]] inline bool checked_round_up(std::uint64_t& out, std::uint64_t a, std::uint64_t step) {
    if (!checked_add(out, a, step - 1)) return false;
    out &= ~(step - 1);
    return true;
}

}  // namespace distill
