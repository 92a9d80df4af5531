#include "engine/thread_pool.h"

#include <atomic>
#include <vector>

#include "tests/support/catch.h"

namespace distill {
namespace {

TEST_CASE("run calls each thread once", "[threads]") {
    for (const int threads : {1, 2, 5, 16}) {
        ThreadPool pool{threads};
        REQUIRE(pool.size() == threads);
        for (int round = 0; round < 200; ++round) {
            std::vector<std::atomic<int>> calls(static_cast<std::size_t>(threads));
            pool.run([&](int thread) { ++calls[static_cast<std::size_t>(thread)]; });
            for (const auto& n : calls) REQUIRE(n == 1);
        }
    }
}

TEST_CASE("share gets every piece done once, whoever comes in time", "[threads]") {
    // More threads than cores: some come late or never, and must not touch a job that is over.
    for (const int threads : {1, 2, 5, 16}) {
        ThreadPool pool{threads};
        for (int round = 0; round < 2000; ++round) {
            const int n = round % 7;
            std::vector<std::atomic<int>> done(static_cast<std::size_t>(n));
            std::atomic<int> next{0}, inside{0};
            pool.share([&](int) {
                ++inside;
                for (int i = next++; i < n; i = next++) ++done[static_cast<std::size_t>(i)];
                --inside;
            });
            REQUIRE(inside == 0);
            for (const auto& times : done) REQUIRE(times == 1);
        }
        int calls = 0;  // the two kinds follow each other
        pool.run([&](int thread) { calls += thread == 0; });
        CHECK(calls == 1);
    }
}

TEST_CASE("share always runs the caller and lets others help", "[threads]") {
    ThreadPool pool{2};
    std::atomic<bool> caller{false}, helped{false};
    pool.share([&](int thread) {
        (thread == 0 ? caller : helped) = true;
        // The caller's piece lasts until the other thread has come.
        while (thread == 0 && !helped) {
        }
    });
    CHECK(caller);
    CHECK(helped);
}

}  // namespace
}  // namespace distill
