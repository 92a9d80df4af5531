#include "engine/probe.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "engine/error.h"

namespace distill {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPieceBytes = std::size_t{256} << 10, kPieceWords = kPieceBytes / sizeof(std::uint64_t);

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Far beyond the last cache: of a memory of its size, a server's 480 MiB hold enough for the rate to come out too high
// by a twelfth. Never more than a gigabyte or a quarter of what is free, however.
std::size_t arena_bytes() {
    constexpr std::size_t kMost = std::size_t{1} << 30;
    std::size_t bytes = std::size_t{256} << 20;
#if defined(_SC_LEVEL3_CACHE_SIZE) && defined(_SC_AVPHYS_PAGES)
    const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE), pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (cache > 0 && pages > 0 && page > 0) {
        const std::size_t free = static_cast<std::size_t>(pages) * static_cast<std::size_t>(page);
        bytes = std::max(bytes, std::min({2 * static_cast<std::size_t>(cache), free / 4, kMost}));
    }
#endif
    return bytes / kPieceBytes * kPieceBytes;
}

// Mapped apart from the heap so that it leaves no trace in it.
class Arena {
  public:
    Arena() {
        void* p = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) {
            throw Error(fmt::format("no memory for the {} MB that the bandwidth is measured with", bytes_ >> 20),
                        Status::failure);
        }
        madvise(p, bytes_, MADV_HUGEPAGE);
        words_ = static_cast<std::uint64_t*>(p);
    }
    ~Arena() { munmap(words_, bytes_); }
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    std::size_t bytes() const { return bytes_; }
    std::uint64_t* piece(std::size_t i) { return words_ + i * kPieceWords; }

  private:
    std::size_t bytes_ = arena_bytes();
    std::uint64_t* words_;
};

}  // namespace

double read_bandwidth_gbps(ThreadPool& pool) {
    Arena arena;
    const std::size_t n_pieces = arena.bytes() / kPieceBytes;
    std::atomic<std::uint64_t> sink{0};
    // First touch, by the threads that will read: neighbouring pieces are one thread's, as rows of weights are.
    pool.share(n_pieces, [&](std::size_t i, int) { std::fill_n(arena.piece(i), kPieceWords, std::uint64_t{1}); });
    double best = 0;
    for (int round = 0; round < 5; ++round) {
        const auto start = Clock::now();
        pool.share(n_pieces, [&](std::size_t piece, int) {
            // One word of each line is enough to bring the line in; eight sums keep the loads independent.
            const std::uint64_t* p = arena.piece(piece);
            std::uint64_t s[8] = {};
            for (std::size_t i = 0; i < kPieceWords; i += 64) {
                for (std::size_t k = 0; k < 8; ++k) s[k] += p[i + 8 * k];
            }
            sink += s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
        });
        best = std::max(best, static_cast<double>(arena.bytes()) / 1e9 / seconds_since(start));
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
