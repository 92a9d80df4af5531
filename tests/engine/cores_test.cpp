#include "engine/cores.h"

#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "engine/thread_pool.h"
#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"

namespace distill {
namespace {

// A made-up /sys: one CPU for each entry, with its capacity ("" = no such file) and its siblings.
struct Machine {
    struct Cpu {
        std::string capacity, siblings;
    };
    explicit Machine(const std::vector<Cpu>& cpus) : allowed(cpus.size()) {
        std::iota(allowed.begin(), allowed.end(), 0);
        for (std::size_t i = 0; i < cpus.size(); ++i) {
            const std::filesystem::path cpu = folder.path() / ("devices/system/cpu/cpu" + std::to_string(i));
            std::filesystem::create_directories(cpu / "topology");
            if (!cpus[i].capacity.empty()) std::ofstream(cpu / "cpu_capacity") << cpus[i].capacity << '\n';
            if (!cpus[i].siblings.empty())
                std::ofstream(cpu / "topology/thread_siblings_list") << cpus[i].siblings << '\n';
        }
    }
    Cores cores() const { return find_cores(folder.path().string(), allowed); }
    test::TempDir folder;
    std::vector<int> allowed;
};

using Ids = std::vector<int>;

TEST_CASE("only the big cores of a board count", "[threads]") {
    // RK3588: four A55 first, then two pairs of A76.
    Machine board({{"530", "0"},
                   {"530", "1"},
                   {"530", "2"},
                   {"530", "3"},
                   {"1024", "4"},
                   {"1024", "5"},
                   {"1024", "6"},
                   {"1024", "7"}});
    CHECK(board.cores().count == 4);
    CHECK(board.cores().cpus == Ids{4, 5, 6, 7});

    board.allowed = {2, 3, 5};  // as taskset left it
    CHECK(board.cores().count == 1);
    CHECK(board.cores().cpus == Ids{5});

    board.allowed = {0, 1, 2};  // nothing bigger to be had
    CHECK(board.cores().count == 3);
    CHECK(board.cores().cpus.empty());
}

TEST_CASE("a phone's middle cores count, its little ones do not", "[threads]") {
    const Machine phone({{"325", "0"},
                         {"325", "1"},
                         {"325", "2"},
                         {"828", "3"},
                         {"828", "4"},
                         {"828", "5"},
                         {"828", "6"},
                         {"1024", "7"}});
    CHECK(phone.cores().count == 5);
    CHECK(phone.cores().cpus == Ids{3, 4, 5, 6, 7});
}

TEST_CASE("cores that are alike are all counted, hardware threads once", "[threads]") {
    const Machine server({{"", "0,2"}, {"", "1,3"}, {"", "0,2"}, {"", "1,3"}});
    CHECK(server.cores().count == 2);
    CHECK(server.cores().cpus.empty());

    const Machine even({{"1024", "0"}, {"1024", "1"}});
    CHECK(even.cores().count == 2);
    CHECK(even.cores().cpus.empty());

    const Machine silent({{"", ""}, {"", ""}, {"nonsense", ""}});
    CHECK(silent.cores().count == 3);
    CHECK(silent.cores().cpus.empty());
}

TEST_CASE("a thread keeps to the CPUs it is told", "[threads]") {
    Ids before, after;
    std::thread([&] {
        before = allowed_cpus();
        keep_to_cpus(std::vector<int>{});
        if (allowed_cpus() != before) before.clear();
        if (!before.empty()) keep_to_cpus(std::vector<int>{before.back()});
        after = allowed_cpus();
    }).join();
    REQUIRE(!before.empty());
    CHECK(after == Ids{before.back()});
}

TEST_CASE("a pool that fits the big cores keeps to them, its caller only for its lifetime", "[threads]") {
    const Ids mine = allowed_cpus();
    REQUIRE(!mine.empty());
    const Cores one{1, {mine.back()}};
    {
        ThreadPool pool(1, one);
        CHECK(allowed_cpus() == one.cpus);
    }
    CHECK(allowed_cpus() == mine);
    {
        ThreadPool pool(2, one);  // more threads than big cores: the system places them
        Ids worker;
        pool.run([&](int thread) {
            if (thread == 1) worker = allowed_cpus();
        });
        CHECK(worker == mine);
        CHECK(allowed_cpus() == mine);
    }
    const Cores two{2, {mine.back()}};
    ThreadPool pool(2, two);
    Ids worker;
    pool.run([&](int thread) {
        if (thread == 1) worker = allowed_cpus();
    });
    CHECK(worker == two.cpus);
}

}  // namespace
}  // namespace distill
