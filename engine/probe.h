// What this machine can reach, measured in the same process as the figures it is compared with: on shared machines both
// limits move within minutes.
#pragma once

#include "engine/thread_pool.h"
#include "quant/kernels/kernels.h"

namespace distill {

// Gigabytes (1e9) a second that all threads of the pool read together, from memory far larger than the
// caches; the best of a few rounds.
double read_bandwidth_gbps(ThreadPool& pool);

// 1e9 integer multiply-adds a second that all threads reach together with the table's best instruction, from registers.
double integer_peak_gmacs(const Kernels& kernels, ThreadPool& pool);

}  // namespace distill
