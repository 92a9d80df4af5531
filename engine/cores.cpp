#include "engine/cores.h"

#include <algorithm>
#include <fstream>
#include <set>

#if defined(__linux__)
#include <sched.h>
#endif

namespace distill {
namespace {

// A core of less than two thirds of the strongest one's capacity holds the others up more than it helps: of the RK3588
// the A76 have 1024 and the A55 around 530; of phones the middle cores, with 700 to 900, still count.
constexpr int kStrongNumerator = 2, kStrongDenominator = 3;

struct Cpu {
    int id;
    int capacity;          // 1024 = the machine's strongest, by Linux' own measure; 0 where it does not say
    std::string siblings;  // hardware threads of one core share this text
};

Cpu describe(const std::string& sysfs, int id) {
    const std::string folder = sysfs + "/devices/system/cpu/cpu" + std::to_string(id);
    Cpu cpu{id, 0, {}};
    std::ifstream capacity(folder + "/cpu_capacity");
    if (!(capacity >> cpu.capacity) || cpu.capacity < 0) cpu.capacity = 0;
    std::ifstream siblings(folder + "/topology/thread_siblings_list");
    if (!std::getline(siblings, cpu.siblings)) cpu.siblings = "cpu " + std::to_string(id);
    return cpu;
}

}  // namespace

Cores find_cores(const std::string& sysfs, std::span<const int> allowed) {
    std::vector<Cpu> all;
    for (const int id : allowed) all.push_back(describe(sysfs, id));
    int strongest = 0, weakest = 1 << 30;
    for (const Cpu& cpu : all) {
        strongest = std::max(strongest, cpu.capacity);
        weakest = std::min(weakest, cpu.capacity);
    }
    const auto strong = [&](int capacity) {
        return static_cast<long>(capacity) * kStrongDenominator >= static_cast<long>(strongest) * kStrongNumerator;
    };
    Cores cores;
    // Two hyper-threads share one core's multipliers: cores are counted, by the list of their siblings.
    std::set<std::string> physical;
    const bool differ = !all.empty() && !strong(weakest);
    for (const Cpu& cpu : all) {
        if (!strong(cpu.capacity)) continue;
        physical.insert(cpu.siblings);
        if (differ) cores.cpus.push_back(cpu.id);
    }
    cores.count = static_cast<int>(physical.size());
    return cores;
}

std::vector<int> allowed_cpus() {
    std::vector<int> ids;
#if defined(__linux__)
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return ids;
    for (int id = 0; id < CPU_SETSIZE; ++id) {
        if (CPU_ISSET(static_cast<std::size_t>(id), &allowed)) ids.push_back(id);
    }
#endif
    return ids;
}

void keep_to_cpus(std::span<const int> cpus) {
#if defined(__linux__)
    if (cpus.empty()) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int id : cpus) {
        if (id >= 0 && id < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(id), &set);
    }
    sched_setaffinity(0, sizeof set, &set);
#else
    static_cast<void>(cpus);
#endif
}

}  // namespace distill
