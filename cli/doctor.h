// `distill doctor`: what this machine can reach with a model, how much of it is reached, and what stands in the way.
// Each finding is one line; those that cost speed say what to do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace distill {

struct Finding {
    std::string topic, text;
    std::string advice;  // "" = nothing is wrong

    bool operator==(const Finding&) const = default;
};

// What the kernel's files below `root` ("" = this machine; tests make up a tree) say that slows a model down or leaves
// no room for it. needed_bytes: weights, keys and values. Files that are absent or odd are passed over: not every
// kernel and not every container has them.
std::vector<Finding> look_at_machine(const std::string& root, int threads, std::uint64_t needed_bytes);

// Figures of one machine with one model.
struct Measured {
    int threads = 1;
    double one_gbps = 0, all_gbps = 0;    // read bandwidth with one thread, and with all
    double one_gmacs = 0, all_gmacs = 0;  // integer multiply-adds, 1e9 a second
    double bytes_per_token = 0;           // of weights, that one token of text reads
    double macs_per_token = 0;            // in the layers' matrices
    double text_tps = 0, prompt_tps = 0;  // reached

    double text_ceiling() const { return bytes_per_token > 0 ? all_gbps * 1e9 / bytes_per_token : 0; }
    double prompt_ceiling() const { return macs_per_token > 0 ? all_gmacs * 1e9 / macs_per_token : 0; }
    // Caches may hold the whole model: then memory bounds nothing.
    bool fits_caches() const { return bytes_per_token < 64e6; }
};
std::vector<Finding> judge(const Measured& m);

}  // namespace distill
