// distill bench: how fast this machine reads prompts (pp) and makes text (tg), next to the limit that the same process
// measured on the same threads.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
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

constexpr int kMaxTokens = 1 << 20;

struct BenchFlags {
    ModelFlags model;
    std::string prompt = "512", text = "64", depth = "0", threads, parallel = "1";
    int repetitions = 3;
    std::string format = "md";
};

struct Row {
    std::string test;
    int threads = 0;
    double tps = 0, tps_sd = 0;   // tokens/s: mean over the repetitions and their standard deviation
    double gbps = 0;              // weights read, GB/s: what bounds tg
    double gmacs = 0;             // multiply-adds of the layers' matrices, 10^9/s: what bounds pp
    std::optional<double> limit;  // of the same unit as the bound
    bool prompt = false;          // pp: bound by gmacs

    double reached() const { return prompt ? gmacs : gbps; }
    std::optional<double> share() const {
        return limit && *limit > 0 ? std::optional(reached() / *limit) : std::nullopt;
    }
};

// Multiply-adds of one token in the matrices of the layers. The output matrix works for the last position only.
double macs_per_token(const Gguf& file) {
    double macs = 0;
    for (const Tensor& t : file.tensors()) {
        if (t.n_dims == 2 && t.name.substr(0, 4) == "blk.") {
            macs += static_cast<double>(t.columns()) * static_cast<double>(t.rows());
        }
    }
    return macs;
}

// Any ids do: the work is the same. Spread over the vocabulary, so that the embedding rows are not all in the cache.
std::vector<TokenId> some_tokens(int n, int n_vocab) {
    std::vector<TokenId> ids;
    std::uint64_t state = 1;
    for (int i = 0; i < n; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ids.push_back(static_cast<TokenId>((state >> 33) % static_cast<std::uint64_t>(n_vocab)));
    }
    return ids;
}

class Bench {
  public:
    Bench(const Engine& engine, ThreadPool& pool, int n_ctx)
        : engine_(engine), pool_(pool), sequence_(engine, pool, n_ctx), macs_(macs_per_token(engine.file())) {}

    // One row: n tokens at once (prompt) or one by one (text), behind `depth` tokens.
    Row measure(bool prompt, int n, int depth, int repetitions) {
        Row row;
        row.prompt = prompt;
        row.threads = pool_.size();
        row.test = fmt::format("{}{}", prompt ? "pp" : "tg", n);
        if (depth > 0) row.test += fmt::format(" @ d{}", depth);
        const std::vector<TokenId> ids = some_tokens(depth + n, engine_.config().n_vocab);
        const std::span all(ids);
        sequence_.rewind(0);
        if (depth > 0) sequence_.forward(all.first(static_cast<std::size_t>(depth)), Logits::none);

        const double limit_before = probe(prompt);
        double sum = 0, squares = 0;
        for (int r = -1; r < repetitions; ++r) {  // the first one warms up
            sequence_.rewind(depth);
            const auto start = std::chrono::steady_clock::now();
            if (prompt) {
                sequence_.forward(all.subspan(static_cast<std::size_t>(depth)));
            } else {
                // Warming up needs no full length.
                const int steps = r < 0 ? std::min(n, 4) : n;
                for (int i = 0; i < steps; ++i) sequence_.forward(all.subspan(static_cast<std::size_t>(depth + i), 1));
            }
            const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            if (interrupts() > 0) throw Error("interrupted", Status::interrupted);
            if (r < 0) continue;
            const double tps = n / seconds;
            sum += tps;
            squares += tps * tps;
        }
        row.tps = sum / repetitions;
        if (repetitions > 1) {
            row.tps_sd = std::sqrt(std::max(0.0, (squares - sum * row.tps) / (repetitions - 1)));
        }
        row.gmacs = row.tps * macs_ * 1e-9;
        row.gbps = prompt ? 0 : row.tps * static_cast<double>(engine_.weight_bytes_per_token()) * 1e-9;
        row.limit = (limit_before + probe(prompt)) / 2;  // it drifts on shared machines: both sides of the row count
        return row;
    }

  private:
    // What bounds the row: multiply-adds of a prompt, bytes read of a text.
    double probe(bool prompt) {
        return prompt ? integer_peak_gmacs(engine_.kernels(), pool_) : read_bandwidth_gbps(pool_);
    }

    const Engine& engine_;
    ThreadPool& pool_;
    Sequence sequence_;
    double macs_;
};

nlohmann::ordered_json to_json(const Row& row, std::string_view model, std::string_view isa) {
    nlohmann::ordered_json j;
    j["test"] = row.test;
    j["tps"] = row.tps;
    j["tps_sd"] = row.tps_sd;
    j["threads"] = row.threads;
    j["isa"] = isa;
    j["gbps"] = row.gbps;
    j["gmacs"] = row.gmacs;
    j["limit"] = row.limit ? nlohmann::ordered_json(*row.limit) : nullptr;
    j["share_of_limit"] = row.share() ? nlohmann::ordered_json(*row.share()) : nullptr;
    j["model"] = model;
    return j;
}

std::string dump(const nlohmann::ordered_json& j, int indent) {
    return j.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// Prints rows as they are measured (json: at the end, because it is one list).
class Report {
  public:
    Report(std::string format, std::string model, std::string_view isa)
        : format_(std::move(format)), model_(std::move(model)), isa_(isa) {
        if (format_ == "md") {
            out_.write(
                "| test | threads | isa | tok/s | ± | reached | limit | share |\n"
                "|---|---:|---|---:|---:|---:|---:|---:|\n");
        } else if (format_ == "csv") {
            out_.write("test,tps,tps_sd,threads,isa,gbps,gmacs,limit,share_of_limit\n");
        }
    }
    void add(const Row& row) {
        const std::string limit = row.limit ? fmt::format("{:.1f}", *row.limit) : "";
        if (format_ == "md") {
            const char* const unit = row.prompt ? "GMAC/s" : "GB/s";
            const std::string share = row.share() ? fmt::format("{:.0f} %", *row.share() * 100) : "";
            out_.write(fmt::format("| {} | {} | {} | {:.2f} | {:.2f} | {:.1f} {} | {} | {} |\n", row.test, row.threads,
                                   isa_, row.tps, row.tps_sd, row.reached(), unit, limit, share));
        } else if (format_ == "csv") {
            const std::string share = row.share() ? fmt::format("{:.4f}", *row.share()) : "";
            out_.write(fmt::format("{},{:.3f},{:.3f},{},{},{:.2f},{:.2f},{},{}\n", row.test, row.tps, row.tps_sd,
                                   row.threads, isa_, row.gbps, row.gmacs, limit, share));
        } else if (format_ == "jsonl") {
            out_.write(dump(to_json(row, model_, isa_), -1));
        } else {
            list_.push_back(to_json(row, model_, isa_));
        }
    }
    void finish() {
        if (format_ == "json") out_.write(dump(list_, 2));
    }

  private:
    std::string format_, model_;
    std::string_view isa_;
    Output out_ = standard_output();
    nlohmann::ordered_json list_ = nlohmann::ordered_json::array();
};

Status run(const BenchFlags& flags) {
    const auto prompts = parse_int_list(flags.prompt, "-p", 0, kMaxTokens);
    const auto texts = parse_int_list(flags.text, "-n", 0, kMaxTokens);
    const auto depths = parse_int_list(flags.depth, "-d", 0, kMaxTokens);
    auto threads = parse_int_list(flags.threads, "-t", 1, 1024);
    for (const int width : parse_int_list(flags.parallel, "--parallel", 1, 1024)) {
        if (width != 1)
            throw Error("--parallel: this version runs one sequence at a time, only 1 works", Status::usage);
    }
    if (threads.empty()) threads.push_back(default_threads());
    ModelFlags model = flags.model;
    model.threads = threads.front();
    const Session session = load_session(model);
    int longest = 0;
    for (const int depth : depths) {
        for (const int n : prompts) longest = std::max(longest, depth + n);
        for (const int n : texts) longest = std::max(longest, depth + n);
    }
    if (longest > session.engine.config().n_ctx_train) {
        throw Error(fmt::format("-d with -p or -n asks for {} tokens, the model's window has {}", longest,
                                session.engine.config().n_ctx_train),
                    Status::context);
    }

    Report report(flags.format, model_name(flags.model, session.engine.config()), session.engine.kernels().name);
    for (const int n_threads : threads) {
        ThreadPool pool(n_threads);
        session.engine.pack(pool);
        Bench bench(session.engine, pool, std::max(longest, 1));
        for (const int depth : depths) {
            for (const bool prompt : {true, false}) {
                for (const int n : prompt ? prompts : texts) {
                    if (n > 0) report.add(bench.measure(prompt, n, depth, flags.repetitions));
                }
            }
        }
    }
    report.finish();
    return Status::ok;
}

}  // namespace

void add_bench_command(CLI::App& app, Action& action) {
    CLI::App* command = app.add_subcommand("bench", "measure prompt and text speed");
    const auto flags = std::make_shared<BenchFlags>();
    const auto add_list = [&](const char* name, std::string& value, const char* text) {
        command->add_option(name, value, text)->type_name("N,N,...")->capture_default_str();
    };
    command->add_option("-m,--model", flags->model.model, "GGUF model file; none = the built-in demo model")
        ->type_name("FILE")
        ->envname("DISTILL_ARG_MODEL");
    command->add_option("--kernels", flags->model.kernels, "kernel set, instead of the best this CPU runs")
        ->type_name("NAME")
        ->envname("DISTILL_ARG_KERNELS");
    add_list("-p,--n-prompt", flags->prompt, "prompt lengths; 0 = none");
    add_list("-n,--n-gen", flags->text, "text lengths; 0 = none");
    add_list("-d,--n-depth", flags->depth, "tokens already in the context");
    command->add_option("-t,--threads", flags->threads, "thread counts; none = physical cores")
        ->type_name("N,N,...")
        ->envname("DISTILL_ARG_THREADS");
    add_list("--parallel", flags->parallel, "sequences at once: only 1");
    command->add_option("-r,--repetitions", flags->repetitions, "measurements of each row")
        ->type_name("N")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    command->add_option("-o,--output", flags->format, "md, csv, json or jsonl")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"md", "csv", "json", "jsonl"}))
        ->capture_default_str();
    command->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace distill
