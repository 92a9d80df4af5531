// Hashing for the tokenizer's flat tables. Not meant to resist an attacker: the tables count their probes and start
// over with another seed, or refuse the file, when a run grows longer than chance allows.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace distill {

// Longest probe run a table accepts. With at most 2/3 of the slots taken, runs past 100 are already rarer than 1e-9.
inline constexpr int kMaxProbes = 512;
inline constexpr int kHashAttempts = 4;

inline std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 32;
    x *= 0x9E3779B97F4A7C15u;  // odd, with the digits of the golden ratio: spreads neighbouring values
    x ^= x >> 29;
    x *= 0xD6E8FEB86659FD93u;
    return x ^ x >> 32;
}

inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
    const char* p = bytes.data();
    std::size_t n = bytes.size();
    std::uint64_t h = seed ^ n * 0x9E3779B97F4A7C15u;
    const auto word = [](const char* at, std::size_t size) {
        std::uint64_t w = 0;
        std::memcpy(&w, at, size);
        return w;
    };
    for (; n > 8; n -= 8, p += 8) {
        h = (h ^ word(p, 8)) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    // The rest, 0 to 8 bytes, by fixed-size loads that may overlap.
    std::uint64_t tail = 0;
    if (n == 8) {
        tail = word(p, 8);
    } else if (n >= 4) {
        tail = word(p, 4) | word(p + n - 4, 4) << 32;
    } else if (n > 0) {
        tail = word(p, 1) | word(p + n / 2, 1) << 8 | word(p + n - 1, 1) << 16;
    }
    return mix(h ^ tail);
}

}  // namespace distill
