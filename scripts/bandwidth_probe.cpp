// usage: g++ -O3 -march=native -pthread scripts/bandwidth_probe.cpp -o /tmp/probe && /tmp/probe [THREADS] [MEGABYTES]
// Prints the read bandwidth in GB/s, best of three passes: the limit that decoding is measured against. The buffer must
// be far larger than the last cache; each thread sums its own contiguous part, as a matrix-vector product reads weights.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

// Eight independent sums, so that neither the adder's latency nor one outstanding load limits the stream.
std::uint64_t sum(const std::uint64_t* data, std::size_t words) {
    std::uint64_t lanes[64] = {};
    for (std::size_t i = 0; i + 64 <= words; i += 64)
        for (std::size_t k = 0; k < 64; ++k) lanes[k] += data[i + k];
    std::uint64_t total = 0;
    for (const std::uint64_t lane : lanes) total += lane;
    return total;
}

}  // namespace

int main(int argc, char** argv) {
    const auto threads = static_cast<std::size_t>(argc > 1 ? std::atoi(argv[1]) : 2);
    const auto megabytes = static_cast<std::size_t>(argc > 2 ? std::atoi(argv[2]) : 512);
    if (threads < 1 || threads > 1024 || megabytes < 1) return 2;
    const std::size_t words = megabytes * 1024 * 1024 / 8 / threads;  // of each thread

    std::vector<std::vector<std::uint64_t>> parts(threads);
    std::vector<std::uint64_t> sums(threads);
    const auto each = [&](auto work) {
        std::vector<std::thread> team;
        for (std::size_t t = 0; t < threads; ++t) team.emplace_back([&, t] { work(t); });
        for (std::thread& thread : team) thread.join();
    };
    each([&](std::size_t t) { parts[t].assign(words, t + 1); });  // touched by the thread that reads it
    double best = 0;
    for (int pass = 0; pass < 3; ++pass) {
        const auto start = Clock::now();
        each([&](std::size_t t) { sums[t] = sum(parts[t].data(), words); });
        const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
        const double rate = static_cast<double>(words * 8 * threads) / seconds / 1e9;
        if (rate > best) best = rate;
    }
    std::uint64_t check = 0;
    for (const std::uint64_t s : sums) check += s;
    std::printf("%.1f\n", check == 0 ? 0.0 : best);  // the sum is used, so the loop stays
}
