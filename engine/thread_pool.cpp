#include "engine/thread_pool.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "quant/kernels/cpu_features.h"

namespace distill {
namespace {

// About 20 to 50 microseconds: longer than the gaps between two jobs of a token, far shorter than a scheduler's slice.
constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

// Waits until value != old: spins, then sleeps.
void wait_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
    for (int i = 0; i < kSpins; ++i) {
        if (value.load(std::memory_order_acquire) != old) return;
        pause();
    }
    while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

}  // namespace

struct ThreadPool::Impl {
    std::vector<std::thread> workers;
    // On lines of their own: the workers spin on the first while others count down the second.
    alignas(64) std::atomic<std::uint32_t> generation{0};
    alignas(64) std::atomic<std::uint32_t> running{0};
    alignas(64) const std::function<void(int)>* job = nullptr;
    bool stopping = false;

    void work(int thread) {
        flush_denormals_to_zero();
        std::uint32_t seen = 0;
        while (true) {
            wait_change(generation, seen);
            ++seen;
            if (stopping) return;
            (*job)(thread);
            if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) running.notify_one();
        }
    }
};

ThreadPool::ThreadPool(int n_threads) : impl_(std::make_unique<Impl>()) {
    assert(n_threads >= 1);
    for (int i = 1; i < n_threads; ++i) impl_->workers.emplace_back([this, i] { impl_->work(i); });
}

ThreadPool::~ThreadPool() {
    impl_->stopping = true;
    impl_->generation.fetch_add(1, std::memory_order_release);
    impl_->generation.notify_all();
    for (std::thread& t : impl_->workers) t.join();
}

int ThreadPool::size() const { return static_cast<int>(impl_->workers.size()) + 1; }

void ThreadPool::run(const std::function<void(int)>& job) {
    Impl& p = *impl_;
    if (p.workers.empty()) {
        job(0);
        return;
    }
    p.job = &job;
    p.running.store(static_cast<std::uint32_t>(p.workers.size()), std::memory_order_relaxed);
    p.generation.fetch_add(1, std::memory_order_release);
    p.generation.notify_all();
    job(0);
    for (std::uint32_t left = p.running.load(std::memory_order_acquire); left != 0;
         left = p.running.load(std::memory_order_acquire)) {
        wait_change(p.running, left);
    }
}

namespace {

// CPUs that the control group lets this process use at once ("max" or a quota per period); 0 where nothing says.
int quota_cpus() {
    std::ifstream file("/sys/fs/cgroup/cpu.max");
    std::string quota;
    double period = 0;
    if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
    double q = 0;
    if (std::from_chars(quota.data(), quota.data() + quota.size(), q).ec != std::errc{}) return 0;
    return std::max(1, static_cast<int>(q / period + 0.5));
}

}  // namespace

int default_threads() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    int n = 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        // Two hyper-threads share one core's multipliers: count cores, by the list of their siblings.
        std::set<std::string> cores;
        for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (!CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) continue;
            std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
            std::string siblings;
            if (!std::getline(file, siblings)) siblings = "cpu " + std::to_string(cpu);
            cores.insert(siblings);
        }
        n = static_cast<int>(cores.size());
    }
    if (n < 1) n = static_cast<int>(std::thread::hardware_concurrency());
    if (const int quota = quota_cpus(); quota > 0) n = std::min(n, quota);
    return std::max(1, n);
}

}  // namespace distill
