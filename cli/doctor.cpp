#include "cli/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "engine/probe.h"
#include "quant/kernels/kernels.h"

namespace distill {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr int kMaxCpus = 4096;  // as many as Linux knows
constexpr int kMaxGroupDepth = 64;

// First line of a small file of the kernel; "" where there is none.
std::string line_of(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return std::nullopt;
    std::uint64_t value = 0;
    const char* const first = text.data() + begin;
    const auto [end, error] = std::from_chars(first, text.data() + text.size(), value);
    if (error != std::errc{} || end == first) return std::nullopt;
    return value;
}

// The number behind `key` ("SwapFree:", "nr_throttled") in a file of such lines.
std::optional<std::uint64_t> entry(const std::string& path, std::string_view key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(key)) return number_in(std::string_view(line).substr(key.size()));
    }
    return std::nullopt;
}

std::string gib(double bytes) {
    return fmt::format("{:.1f} GiB", bytes / (1024 * kMiB));
}

// This process's control group and those around it, innermost first: each may set a limit.
std::vector<std::string> control_groups(const std::string& root) {
    std::string group = line_of(root + "/proc/self/cgroup");
    group = group.starts_with("0::/") ? group.substr(3) : "";
    std::vector<std::string> groups;
    for (int depth = 0; depth < kMaxGroupDepth && group.size() > 1; ++depth) {
        groups.push_back(root + "/sys/fs/cgroup" + group);
        group.resize(group.rfind('/'));
    }
    groups.push_back(root + "/sys/fs/cgroup");
    return groups;
}

void look_at_clock(std::vector<Finding>& findings, const std::string& root) {
    std::map<std::string, int> governors;
    int capped = 0;
    std::uint64_t throttled = 0;
    for (int cpu = 0; cpu < kMaxCpus; ++cpu) {
        const std::string folder = fmt::format("{}/sys/devices/system/cpu/cpu{}", root, cpu);
        std::error_code ignored;
        if (!std::filesystem::exists(folder, ignored)) break;
        if (const std::string governor = line_of(folder + "/cpufreq/scaling_governor"); !governor.empty()) {
            ++governors[governor];
        }
        const auto now = number_in(line_of(folder + "/cpufreq/scaling_max_freq"));
        const auto full = number_in(line_of(folder + "/cpufreq/cpuinfo_max_freq"));
        if (now && full && *now < *full) ++capped;
        throttled += number_in(line_of(folder + "/thermal_throttle/core_throttle_count")).value_or(0);
    }
    for (const auto& [name, cpus] : governors) {
        const bool slow = name == "powersave" || name == "conservative" || name == "userspace";
        findings.push_back({"governor", fmt::format("{} on {} CPUs", printable(name), cpus),
                            slow ? "clocks may stay low: cpupower frequency-set -g performance (as root)" : ""});
    }
    if (capped > 0) {
        findings.push_back({"clock", fmt::format("{} CPUs are held below their full clock", capped),
                            "raise scaling_max_freq, or choose another power profile"});
    }
    if (throttled > 0) {
        findings.push_back({"heat",
                            fmt::format("cores were slowed down {} times since the start for being hot", throttled),
                            "cool the machine, or use fewer threads (-t)"});
    }
}

void look_at_load(std::vector<Finding>& findings, const std::string& root, int threads) {
    double load = 0;
    std::ifstream file(root + "/proc/loadavg");
    std::error_code ignored;
    int cpus = 0;
    while (cpus < kMaxCpus &&
           std::filesystem::exists(fmt::format("{}/sys/devices/system/cpu/cpu{}", root, cpus), ignored))
        ++cpus;
    if (!(file >> load) || cpus == 0) return;
    findings.push_back(
        {"load", fmt::format("{:.1f} running programs on {} CPUs", load, cpus),
         load + threads > cpus + 0.5 ? "others take part of the cores: stop them, or use fewer threads (-t)" : ""});
}

void look_at_groups(std::vector<Finding>& findings, const std::string& root, int threads, std::uint64_t needed) {
    std::optional<double> quota;
    std::optional<std::uint64_t> room;
    std::uint64_t held_back = 0;
    for (const std::string& group : control_groups(root)) {
        double limit = 0, period = 0;
        std::ifstream file(group + "/cpu.max");
        if (file >> limit >> period && period > 0) quota = std::min(quota.value_or(limit / period), limit / period);
        held_back = std::max(held_back, entry(group + "/cpu.stat", "nr_throttled ").value_or(0));
        if (const auto most = number_in(line_of(group + "/memory.max"))) {
            const std::uint64_t used = number_in(line_of(group + "/memory.current")).value_or(0);
            // Cached files count as used although they give way.
            const std::uint64_t cached = entry(group + "/memory.stat", "inactive_file ").value_or(0);
            const std::uint64_t taken = used - std::min(used, cached);
            const std::uint64_t left = *most - std::min(*most, taken);
            room = std::min(room.value_or(left), left);
        }
    }
    if (quota) {
        findings.push_back({"cpu quota", fmt::format("{:.1f} CPUs, held back {} times", *quota, held_back),
                            *quota < threads ? fmt::format("the control group allows less than {} threads: raise its "
                                                           "cpu.max, or use -t {}",
                                                           threads, std::max(1, static_cast<int>(*quota)))
                                             : ""});
    }
    if (room) {
        findings.push_back(
            {"memory limit", fmt::format("{} left in the control group", gib(static_cast<double>(*room))),
             *room < needed ? fmt::format("{} are needed: raise its memory.max, or choose a smaller -c or model",
                                          gib(static_cast<double>(needed)))
                            : ""});
    }
}

void look_at_memory(std::vector<Finding>& findings, const std::string& root, std::uint64_t needed) {
    const std::string meminfo = root + "/proc/meminfo";
    if (const auto available = entry(meminfo, "MemAvailable:")) {  // KiB, as all here
        const double bytes = static_cast<double>(*available) * 1024;
        findings.push_back({"memory",
                            fmt::format("{} available, {} needed", gib(bytes), gib(static_cast<double>(needed))),
                            bytes < static_cast<double>(needed) ? "the weights will be read from the disk again and "
                                                                  "again: free memory, or choose a smaller -c or model"
                                                                : ""});
    }
    const auto total = entry(meminfo, "SwapTotal:"), left = entry(meminfo, "SwapFree:");
    if (total && left && *total > 0) {
        const std::uint64_t used = *total - std::min(*total, *left);
        findings.push_back({"swap", fmt::format("{} in use", gib(static_cast<double>(used) * 1024)),
                            used > 100 * 1024 ? "programs wait for the disk when memory is short: close some" : ""});
    }
}

struct DoctorFlags {
    ModelFlags model;
    bool json = false;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Measured measure(const Session& session) {
    const Engine& engine = session.engine;
    ThreadPool& pool = *session.pool;
    Measured m;
    m.threads = pool.size();
    m.bytes_per_token = static_cast<double>(engine.weight_bytes_per_token());
    m.macs_per_token = macs_per_token(engine.file());
    ThreadPool one(1);
    m.one_gbps = read_bandwidth_gbps(one);
    m.one_gmacs = integer_peak_gmacs(engine.kernels(), one);
    m.all_gbps = read_bandwidth_gbps(pool);
    m.all_gmacs = integer_peak_gmacs(engine.kernels(), pool);

    engine.pack(pool);
    // Any tokens do: the work is the same.
    const int room = std::min(session.n_ctx, engine.config().n_ctx_train);
    const int n = std::clamp(room / 2, 1, 64);
    std::vector<TokenId> ids;
    for (int i = 0; i < n; ++i) ids.push_back(static_cast<TokenId>(i * 7919 % engine.config().n_vocab));
    Sequence sequence = session.sequence();
    sequence.forward(ids);  // warms up
    sequence.rewind(0);
    auto start = std::chrono::steady_clock::now();
    sequence.forward(ids);
    m.prompt_tps = n / seconds_since(start);
    int made = 0;
    start = std::chrono::steady_clock::now();
    while (made < std::min(n, room - n) && (made < 4 || seconds_since(start) < 3)) {
        sequence.forward(std::span(ids).subspan(static_cast<std::size_t>(made), 1));
        ++made;
        if (interrupts() > 0) throw Error("interrupted", Status::interrupted);
    }
    if (made > 0) m.text_tps = made / seconds_since(start);
    // The bandwidth of a shared machine moves: both sides of the run count.
    m.all_gbps = (m.all_gbps + read_bandwidth_gbps(pool)) / 2;
    return m;
}

std::vector<Finding> look_at_kernels(const Kernels& chosen) {
    std::string names;
    const std::vector<const Kernels*> all = runnable_kernels();
    for (const Kernels* k : all) names += (names.empty() ? "" : ", ") + std::string(k->name);
    std::string advice;
    if (&chosen != all.front())
        advice = fmt::format("{} is faster: leave out --kernels", all.front()->name);
    else if (chosen.name == "scalar")
        advice = "this CPU has no vector instructions that distill knows: expect a tenth of the speed";
    return {{"kernels", fmt::format("{}; this CPU runs {}", chosen.name, names), advice}};
}

Status run(const DoctorFlags& flags) {
    const Session session = load_session(flags.model);
    const Engine& engine = session.engine;
    const KvCache cache(engine.config(), flags.model.kv_types);
    const std::uint64_t pages =
        (static_cast<std::uint64_t>(session.n_ctx) + KvCache::kPageTokens - 1) / KvCache::kPageTokens;
    std::uint64_t weights = 0;
    for (const Tensor& t : engine.file().tensors()) weights += t.data.size();
    const std::uint64_t needed = weights + pages * cache.page_bytes();
    const int threads = session.pool->size();

    std::vector<Finding> findings = look_at_kernels(engine.kernels());
    const std::vector<Finding> around = look_at_machine("", threads, needed);  // before our own load is part of it
    const Measured m = measure(session);
    for (const auto& part : {judge(m), around}) findings.insert(findings.end(), part.begin(), part.end());

    if (!flags.json) {
        std::string text =
            fmt::format("{}, {} tokens of context\n", model_name(flags.model, engine.config()), session.n_ctx);
        for (const Finding& f : findings) {
            text += fmt::format("{:<5}{:<14}{}{}\n", f.advice.empty() ? "ok" : "slow", f.topic, f.text,
                                f.advice.empty() ? "" : "; " + f.advice);
        }
        standard_output().write(safe_for_terminal(text));
        return Status::ok;
    }
    using Json = nlohmann::ordered_json;
    Json list = Json::array();
    for (const Finding& f : findings) {
        list.push_back(
            {{"topic", f.topic}, {"text", f.text}, {"advice", f.advice.empty() ? Json(nullptr) : Json(f.advice)}});
    }
    const Json object = {{"model", model_name(flags.model, engine.config())},
                         {"isa", engine.kernels().name},
                         {"threads", threads},
                         {"context", session.n_ctx},
                         {"needed_bytes", needed},
                         {"gbps", {{"one_thread", m.one_gbps}, {"all_threads", m.all_gbps}}},
                         {"gmacs", {{"one_thread", m.one_gmacs}, {"all_threads", m.all_gmacs}}},
                         {"text", {{"tps", m.text_tps}, {"ceiling_tps", m.text_ceiling()}}},
                         {"prompt", {{"tps", m.prompt_tps}, {"ceiling_tps", m.prompt_ceiling()}}},
                         {"findings", list}};
    standard_output().write(object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return Status::ok;
}

}  // namespace

std::vector<Finding> look_at_machine(const std::string& root, int threads, std::uint64_t needed_bytes) {
    std::vector<Finding> findings;
    look_at_clock(findings, root);
    look_at_load(findings, root, threads);
    look_at_groups(findings, root, threads, needed_bytes);
    look_at_memory(findings, root, needed_bytes);
    return findings;
}

std::vector<Finding> judge(const Measured& m) {
    std::vector<Finding> findings;
    findings.push_back(
        {"bandwidth", fmt::format("{:.1f} GB/s with 1 thread, {:.1f} with {}", m.one_gbps, m.all_gbps, m.threads),
         m.all_gbps < 0.8 * m.one_gbps ? "one thread alone reads faster: other programs are in the way, or try -t 1"
                                       : ""});
    findings.push_back({"multiply-adds",
                        fmt::format("{:.0f} GMAC/s with 1 thread, {:.0f} with {}", m.one_gmacs, m.all_gmacs, m.threads),
                        m.threads > 1 && m.all_gmacs < 0.6 * m.threads * m.one_gmacs
                            ? "the threads do not get a core each: other programs, or a quota, take part of them"
                            : ""});
    const auto share = [](double reached, double ceiling) { return ceiling > 0 ? reached / ceiling : 0; };
    const double text = share(m.text_tps, m.text_ceiling()), prompt = share(m.prompt_tps, m.prompt_ceiling());
    findings.push_back(
        {"text",
         m.fits_caches() ? fmt::format("{:.1f} tok/s; the model is so small that memory does not bound it", m.text_tps)
                         : fmt::format("{:.1f} tok/s, {:.0f} % of the {:.1f} that the memory allows", m.text_tps,
                                       100 * text, m.text_ceiling()),
         !m.fits_caches() && text < 0.6
             ? "the cores are the limit: see the other lines, and `distill bench` for more repetitions"
             : ""});
    findings.push_back({"prompt",
                        fmt::format("{:.0f} tok/s, {:.0f} % of the {:.0f} that multiply-adds allow", m.prompt_tps,
                                    100 * prompt, m.prompt_ceiling()),
                        ""});
    return findings;
}

void add_doctor_command(const Command& program, Action& action) {
    const auto flags = std::make_shared<DoctorFlags>();
    const Command command(program, "doctor", "what this machine can reach with a model, and what slows it down");
    add_model_flags(command, flags->model);
    add_context_flag(command, flags->model);
    command.flag("--json", flags->json, "one JSON object instead of lines");
    command.when_chosen([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace distill
