#include "engine/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <charconv>
#include <cstdint>
#include <fstream>
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
    // On lines of their own: the workers spin on the first while others count up the second.
    alignas(64) std::atomic<std::uint32_t> generation{0};  // of jobs
    alignas(64) std::atomic<std::uint32_t> finished{0};    // workers that have left the job
    // Who may still join: generation << 32 | kClosed | workers that have entered.
    alignas(64) std::atomic<std::uint64_t> entry{0};
    const std::function<void(int)>* job = nullptr;
    // The pieces of a shared job that began as one thread's own.
    struct alignas(64) Range {
        std::atomic<std::size_t> next{0};
        std::size_t end = 0;
    };
    std::vector<Range> ranges;  // [threads]
    bool stopping = false;
    std::vector<int> caller_cpus;  // what the caller was allowed before it was told to keep to the big cores

    static constexpr std::uint64_t kClosed = std::uint64_t{1} << 31;

    // Counts a worker in, unless the job of that generation is closed or long gone.
    bool enter(std::uint32_t of_generation) {
        std::uint64_t e = entry.load(std::memory_order_acquire);
        while (e >> 32 == of_generation && (e & kClosed) == 0) {
            if (entry.compare_exchange_weak(e, e + 1, std::memory_order_acq_rel, std::memory_order_acquire))
                return true;
        }
        return false;
    }

    void work(int thread) {
        flush_denormals_to_zero();
        std::uint32_t seen = 0;
        while (true) {
            wait_change(generation, seen);
            seen = generation.load(std::memory_order_acquire);
            if (stopping) return;
            if (!enter(seen)) continue;
            (*job)(thread);
            finished.fetch_add(1, std::memory_order_acq_rel);
            finished.notify_one();
        }
    }

    void start(const std::function<void(int)>& j) {
        job = &j;
        finished.store(0, std::memory_order_relaxed);
        const std::uint32_t next = generation.load(std::memory_order_relaxed) + 1;
        entry.store(std::uint64_t{next} << 32, std::memory_order_release);
        generation.store(next, std::memory_order_release);
        generation.notify_all();
    }

    void wait_for(std::uint32_t n_workers) {
        for (std::uint32_t n = finished.load(std::memory_order_acquire); n != n_workers;
             n = finished.load(std::memory_order_acquire)) {
            wait_change(finished, n);
        }
    }
};

ThreadPool::ThreadPool(int n_threads) : ThreadPool(n_threads, find_cores("/sys", allowed_cpus())) {}

ThreadPool::ThreadPool(int n_threads, const Cores& cores) : impl_(std::make_unique<Impl>()) {
    assert(n_threads >= 1);
    // One slow core would hold up all at the end of each job. Threads inherit what the caller may use.
    if (!cores.cpus.empty() && n_threads <= cores.count) {
        impl_->caller_cpus = allowed_cpus();
        keep_to_cpus(cores.cpus);
    }
    impl_->ranges = std::vector<Impl::Range>(static_cast<std::size_t>(n_threads));
    for (int i = 1; i < n_threads; ++i) impl_->workers.emplace_back([this, i] { impl_->work(i); });
}

ThreadPool::~ThreadPool() {
    impl_->stopping = true;
    impl_->generation.fetch_add(1, std::memory_order_release);
    impl_->generation.notify_all();
    for (std::thread& t : impl_->workers) t.join();
    keep_to_cpus(impl_->caller_cpus);
}

int ThreadPool::size() const {
    return static_cast<int>(impl_->workers.size()) + 1;
}

void ThreadPool::run(const std::function<void(int)>& job) {
    Impl& p = *impl_;
    if (!p.workers.empty()) p.start(job);
    job(0);
    if (!p.workers.empty()) p.wait_for(static_cast<std::uint32_t>(p.workers.size()));
}

void ThreadPool::share(std::size_t n_pieces, const std::function<void(std::size_t, int)>& job) {
    Impl& p = *impl_;
    if (p.workers.empty() || n_pieces <= 1) {
        for (std::size_t i = 0; i < n_pieces; ++i) job(i, 0);
        return;
    }
    const std::size_t n = p.ranges.size();
    for (std::size_t i = 0; i < n; ++i) {
        p.ranges[i].next.store(n_pieces * i / n, std::memory_order_relaxed);
        p.ranges[i].end = n_pieces * (i + 1) / n;
    }
    const std::function<void(int)> claim = [&](int thread) {
        for (std::size_t i = 0; i < n; ++i) {
            Impl::Range& r = p.ranges[(static_cast<std::size_t>(thread) + i) % n];
            for (std::size_t k = r.next.fetch_add(1); k < r.end; k = r.next.fetch_add(1)) job(k, thread);
        }
    };
    p.start(claim);
    claim(0);
    const std::uint64_t entered = p.entry.fetch_or(Impl::kClosed, std::memory_order_acq_rel) & (Impl::kClosed - 1);
    p.wait_for(static_cast<std::uint32_t>(entered));
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
    int n = find_cores("/sys", allowed_cpus()).count;
    if (n < 1) n = static_cast<int>(std::thread::hardware_concurrency());
    if (const int quota = quota_cpus(); quota > 0) n = std::min(n, quota);
    return std::max(1, n);
}

}  // namespace distill
