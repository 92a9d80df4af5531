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
            std::atomic<int> inside{0};
            pool.share(static_cast<std::size_t>(n), [&](std::size_t piece, int) {
                ++inside;
                ++done[piece];
                --inside;
            });
            REQUIRE(inside == 0);
            for (const auto& times : done) REQUIRE(times == 1);
        }
        int calls = 0;  // the two kinds follow each other
        pool.run([&](int thread) {
            if (thread == 0) ++calls;
        });
        CHECK(calls == 1);
    }
}

TEST_CASE("share gives each thread neighbours, and a thread that is done helps", "[threads]") {
    ThreadPool pool{2};
    std::vector<int> by(100, -1);
    std::atomic<bool> helped{false};
    pool.share(by.size(), [&](std::size_t piece, int thread) {
        by[piece] = thread;
        // The caller's first piece lasts until the other thread has done its own half and begun to help.
        if (thread == 1 && piece < by.size() / 2) helped = true;
        while (thread == 0 && piece == 0 && !helped) {
        }
    });
    CHECK(helped);
    CHECK(by[0] == 0);
    for (std::size_t i = by.size() / 2; i < by.size(); ++i) CHECK(by[i] == 1);
}

}  // namespace
}  // namespace distill
