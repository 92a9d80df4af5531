#include "engine/probe.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "engine/error.h"

namespace distill {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Beyond any cache, and mapped apart from the heap so that it leaves no trace in it.
class Arena {
  public:
    static constexpr std::size_t kBytes = std::size_t{256} << 20;
    Arena() {
        void* p = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            throw Error("no memory for the 256 MB that the bandwidth is measured with", Status::failure);
        madvise(p, kBytes, MADV_HUGEPAGE);
        words_ = static_cast<std::uint64_t*>(p);
    }
    ~Arena() { munmap(words_, kBytes); }
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    std::uint64_t* words() { return words_; }

  private:
    std::uint64_t* words_;
};

}  // namespace

double read_bandwidth_gbps(ThreadPool& pool) {
    Arena arena;
    constexpr std::size_t kWords = Arena::kBytes / sizeof(std::uint64_t), kPiece = std::size_t{1} << 15;
    std::uint64_t* words = arena.words();
    std::atomic<std::uint64_t> sink{0};
    const auto each_piece = [&](auto&& work) {
        std::atomic<std::size_t> next{0};
        pool.run([&](int) {
            std::uint64_t sum = 0;
            for (std::size_t i = next.fetch_add(kPiece); i < kWords; i = next.fetch_add(kPiece)) sum += work(words + i);
            sink += sum;
        });
    };
    each_piece([](std::uint64_t* p) {  // first touch, by the threads that will read
        std::fill_n(p, kPiece, std::uint64_t{1});
        return std::uint64_t{0};
    });
    double best = 0;
    for (int round = 0; round < 5; ++round) {
        const auto start = Clock::now();
        each_piece([](const std::uint64_t* p) {
            // One word of each line is enough to bring the line in; eight sums keep the loads independent.
            std::uint64_t s[8] = {};
            for (std::size_t i = 0; i < kPiece; i += 64) {
                for (std::size_t k = 0; k < 8; ++k) s[k] += p[i + 8 * k];
            }
            return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
        });
        best = std::max(best, static_cast<double>(Arena::kBytes) / 1e9 / seconds_since(start));
    }
    return best;
}

double integer_peak_gmacs(const Kernels& kernels, ThreadPool& pool) {
    std::atomic<std::uint64_t> steps{0};
    std::uint64_t n = 1 << 12;
    double best = 0;
    for (int round = 0; round < 12; ++round) {
        steps = 0;
        const auto start = Clock::now();
        pool.run([&](int thread) {
            std::int32_t sink = thread + 1;
            steps += kernels.integer_peak(n, &sink);
        });
        const double seconds = seconds_since(start);
        if (seconds < 2e-3)
            n *= 4;  // long enough for the clock and the start of the threads not to count
        else
            best = std::max(best, static_cast<double>(steps.load()) / 1e9 / seconds);
    }
    return best;
}

}  // namespace distill
