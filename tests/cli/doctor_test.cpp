// `distill doctor`: what it reads from the kernel's files (a made-up tree), how it judges figures, and the whole
// command.
#include "cli/doctor.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/process.h"

namespace distill::test {
namespace {

// Files of a kernel that never ran.
class Machine {
  public:
    void put(const std::string& file, const std::string& text) {
        const std::filesystem::path path = dir_.path() / file;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    std::vector<Finding> look(int threads = 2, std::uint64_t needed = std::uint64_t{1} << 30) const {
        return look_at_machine(dir_.path().string(), threads, needed);
    }

  private:
    TempDir dir_;
};

const Finding& about(const std::vector<Finding>& findings, std::string_view topic) {
    const auto found =
        std::find_if(findings.begin(), findings.end(), [&](const Finding& f) { return f.topic == topic; });
    INFO("no finding about " << topic);
    REQUIRE(found != findings.end());
    return *found;
}

bool any_advice(const std::vector<Finding>& findings) {
    return std::any_of(findings.begin(), findings.end(), [](const Finding& f) { return !f.advice.empty(); });
}

TEST_CASE("doctor finds nothing wrong with a machine at rest", "[doctor]") {
    CHECK(Machine().look().empty());  // no files, no opinion
    Machine m;
    for (const char* cpu : {"cpu0", "cpu1"}) {
        const std::string folder = std::string("sys/devices/system/cpu/") + cpu;
        m.put(folder + "/cpufreq/scaling_governor", "performance\n");
        m.put(folder + "/cpufreq/scaling_max_freq", "3000000\n");
        m.put(folder + "/cpufreq/cpuinfo_max_freq", "3000000\n");
        m.put(folder + "/thermal_throttle/core_throttle_count", "0\n");
    }
    m.put("proc/loadavg", "0.10 0.10 0.10 1/100 1234\n");
    m.put("proc/self/cgroup", "0::/\n");
    m.put("sys/fs/cgroup/cpu.max", "max 100000\n");
    m.put("sys/fs/cgroup/memory.max", "max\n");
    m.put("proc/meminfo",
          "MemTotal: 8388608 kB\nMemAvailable:    4194304 kB\nSwapTotal: 1048576 kB\nSwapFree: 1048576 kB\n");
    const std::vector<Finding> findings = m.look();
    CHECK_FALSE(any_advice(findings));
    CHECK(about(findings, "governor").text == "performance on 2 CPUs");
    CHECK(about(findings, "memory").text == "4.0 GiB available, 1.0 GiB needed");
    CHECK(about(findings, "swap").text == "0.0 GiB in use");
    CHECK(findings.size() == 4);  // the load as well; groups without a limit are not worth a line
}

TEST_CASE("doctor names what slows a machine down", "[doctor]") {
    Machine m;
    m.put("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    m.put("sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq", "1200000\n");
    m.put("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3000000\n");
    m.put("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "12\n");
    m.put("sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "30\n");
    m.put("proc/loadavg", "1.90 0.10 0.10 1/100 1234\n");
    // The limit may stand in a group further out.
    m.put("proc/self/cgroup", "0::/box/inner\n");
    m.put("sys/fs/cgroup/box/inner/cpu.max", "max 100000\n");
    m.put("sys/fs/cgroup/box/cpu.max", "150000 100000\n");
    m.put("sys/fs/cgroup/box/cpu.stat", "nr_periods 9\nnr_throttled 7\n");
    m.put("sys/fs/cgroup/box/memory.max", "1073741824\n");
    m.put("sys/fs/cgroup/box/memory.current", "805306368\n");
    m.put("sys/fs/cgroup/box/memory.stat", "anon 1\ninactive_file 268435456\n");
    m.put("proc/meminfo", "MemAvailable: 524288 kB\nSwapTotal: 2097152 kB\nSwapFree: 1048576 kB\n");
    const std::vector<Finding> findings = m.look();
    CHECK(about(findings, "governor").text == "powersave on 1 CPUs");
    CHECK(contains(about(findings, "governor").advice, "performance"));
    CHECK_FALSE(about(findings, "clock").advice.empty());
    CHECK(contains(about(findings, "heat").text, "42 times"));
    CHECK(contains(about(findings, "load").advice, "fewer threads"));
    CHECK(about(findings, "cpu quota").text == "1.5 CPUs, held back 7 times");
    CHECK(contains(about(findings, "cpu quota").advice, "-t 1"));
    CHECK(about(findings, "memory limit").text == "0.5 GiB left in the control group");
    CHECK(contains(about(findings, "memory limit").advice, "1.0 GiB are needed"));
    CHECK(contains(about(findings, "memory").advice, "smaller"));
    CHECK(about(findings, "swap").text == "1.0 GiB in use");
    CHECK_FALSE(about(findings, "swap").advice.empty());
}

TEST_CASE("doctor passes over files that make no sense", "[doctor]") {
    Machine m;
    m.put("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "\x1b[31m\n");
    m.put("sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq", "fast\n");
    m.put("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "-3\n");
    m.put("proc/loadavg", "busy\n");
    m.put("proc/self/cgroup", "0::relative\n");
    m.put("sys/fs/cgroup/cpu.max", "100000 0\n");
    m.put("sys/fs/cgroup/memory.max", "99999999999999999999999999\n");
    m.put("proc/meminfo", "MemAvailable:\nSwapTotal: 1 kB\nSwapFree: 5 kB\n");
    const std::vector<Finding> findings = m.look();
    CHECK(about(findings, "governor").text == "\\x1B[31m on 1 CPUs");
    CHECK(about(findings, "swap").text == "0.0 GiB in use");
    CHECK(findings.size() == 2);
}

TEST_CASE("doctor compares figures with what bounds them", "[doctor]") {
    Measured m;
    m.threads = 4;
    m.one_gbps = 10;
    m.all_gbps = 30;
    m.one_gmacs = 100;
    m.all_gmacs = 390;
    m.bytes_per_token = 1e9;
    m.macs_per_token = 1.3e9;
    m.text_tps = 27;
    m.prompt_tps = 150;
    CHECK(m.text_ceiling() == Approx(30));
    CHECK(m.prompt_ceiling() == Approx(300));
    CHECK_FALSE(any_advice(judge(m)));
    CHECK(about(judge(m), "text").text == "27.0 tok/s, 90 % of the 30.0 that the memory allows");
    CHECK(about(judge(m), "prompt").text == "150 tok/s, 50 % of the 300 that multiply-adds allow");

    m.text_tps = 15;
    CHECK_FALSE(about(judge(m), "text").advice.empty());
    m.bytes_per_token = 4e6;  // a toy: its ceiling says nothing
    CHECK(about(judge(m), "text").advice.empty());
    m.all_gmacs = 200;
    CHECK_FALSE(about(judge(m), "multiply-adds").advice.empty());
    m.all_gbps = 7;
    CHECK_FALSE(about(judge(m), "bandwidth").advice.empty());
}

TEST_CASE("distill doctor measures a model", "[doctor][slow]") {
    const TempDir dir;
    const std::string path = dir.write("tiny.gguf", tiny_model());
    const ProcessResult json = run_distill({"doctor", "-m", path, "-t", "1", "--json"});
    INFO(json.err);
    REQUIRE(json.status == 0);
    const auto j = nlohmann::json::parse(json.out);
    CHECK(j["threads"] == 1);
    CHECK(j["context"] == 512);
    for (const char* key : {"gbps", "gmacs"}) {
        CHECK(j[key]["one_thread"].get<double>() > 0);
        CHECK(j[key]["all_threads"].get<double>() > 0);
    }
    for (const char* key : {"text", "prompt"}) {
        CHECK(j[key]["tps"].get<double>() > 0);
        CHECK(j[key]["ceiling_tps"].get<double>() > 0);
    }
    CHECK(j["findings"].size() >= 5);

    const ProcessResult text = run_distill({"doctor", "-t", "1", "--kernels", "scalar"});
    CHECK(text.status == 0);
    CHECK(text.out.starts_with("built-in demo, "));
    CHECK(contains(text.out, "kernels       scalar; this CPU runs "));
    CHECK(run_distill({"doctor", "-m", "/nowhere.gguf"}).status == 3);
}

}  // namespace
}  // namespace distill::test
