// Which processors of this machine are worth computing on.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace distill {

struct Cores {
    int count = 0;          // physical ones; where cores differ in strength, only the strong
    std::vector<int> cpus;  // what the system calls them, hardware threads included; empty where all cores are alike
};

// sysfs: where the system describes itself, "/sys" but in tests. allowed: CPUs this process may use.
Cores find_cores(const std::string& sysfs, std::span<const int> allowed);

// CPUs this process may use, by its affinity; none where the system does not say.
std::vector<int> allowed_cpus();
// The calling thread runs on these alone; an empty list changes nothing. A system that refuses is no error.
void keep_to_cpus(std::span<const int> cpus);

}  // namespace distill
