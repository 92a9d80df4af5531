// distill bench: how fast this machine reads prompts (pp) and makes text (tg), next to the limit that the same process
// measured on the same threads.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "engine/generate.h"
#include "engine/lookup.h"
#include "engine/probe.h"
#include "quant/kernels/kernels.h"

namespace distill {

namespace {

constexpr int kMaxTokens = 1 << 20;
constexpr int kMaxParallel = 256;  // more than any memory bus can make use of

struct BenchFlags {
    ModelFlags model;
    std::string prompt = "512", text = "64", depth = "0", threads, parallel = "1";
    std::string given, forced;  // files: a prompt, and the text that stands in for the model's answer
    KvTypes kv_types;
    int repetitions = 3;
    std::string format = "md";
};

struct Row {
    std::string test;
    int threads = 0;
    double tps = 0, tps_sd = 0;   // tokens/s: mean over the repetitions and their standard deviation
    double bytes_per_token = 0;   // weights, and keys and values of the tokens before; 0 for pp
    double gbps = 0;              // these, GB/s: what bounds tg
    double gmacs = 0;             // multiply-adds of the layers' matrices, 10^9/s: what bounds pp
    std::optional<double> limit;  // of the same unit as the bound
    bool prompt = false;          // pp: bound by gmacs

    double reached() const { return prompt ? gmacs : gbps; }
    std::optional<double> share() const {
        return limit && *limit > 0 ? std::optional(reached() / *limit) : std::nullopt;
    }
};

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

// One figure measured several times.
class Samples {
  public:
    void add(double x) {
        ++n_;
        sum_ += x;
        squares_ += x * x;
    }
    double mean() const { return sum_ / n_; }
    double deviation() const { return n_ < 2 ? 0 : std::sqrt(std::max(0.0, (squares_ - sum_ * mean()) / (n_ - 1))); }

  private:
    int n_ = 0;
    double sum_ = 0, squares_ = 0;
};

class Stopwatch {
  public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

  private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class Bench {
  public:
    Bench(const Engine& engine, ThreadPool& pool, int n_ctx, KvTypes kv_types)
        : engine_(engine), pool_(pool), sequence_(engine, pool, n_ctx, kv_types), macs_(macs_per_token(engine.file())) {
        const Config& c = engine.config();
        const KvCache cache(c, kv_types);
        kv_bytes_ = static_cast<double>(cache.page_bytes()) / KvCache::kPageTokens;
    }

    // n tokens at once behind `depth` tokens.
    Row prompt(int n, int depth, int repetitions) {
        Row row = begin(fmt::format("pp{}", n), depth);
        row.prompt = true;
        const std::vector<TokenId> ids = some_tokens(depth + n, engine_.config().n_vocab);
        return measure(row, std::span(ids).first(static_cast<std::size_t>(depth)), repetitions, [&](bool) {
            const Stopwatch watch;
            sequence_.forward(std::span(ids).subspan(static_cast<std::size_t>(depth)));
            return n / watch.seconds();
        });
    }

    // n tokens one by one behind `depth` tokens, in `width` sequences at once; tokens a second count all of them.
    Row text(int n, int depth, int width, int repetitions) {
        Row row = begin(fmt::format("tg{}", n), depth);
        if (width > 1) row.test += fmt::format(" x{}", width);
        const std::vector<TokenId> ids = some_tokens(depth + n, engine_.config().n_vocab);
        row.bytes_per_token =
            (static_cast<double>(engine_.weight_bytes_per_token()) / width) + kv_bytes_ * (depth + n / 2.0);
        return measure(row, std::span(ids).first(static_cast<std::size_t>(depth)), repetitions, [&](bool warming) {
            std::vector<Sequence> others;
            std::vector<Sequence*> all = {&sequence_};
            for (int i = 1; i < width; ++i) others.push_back(sequence_.fork());
            for (Sequence& s : others) all.push_back(&s);
            const int steps = warming ? std::min(n, 4) : n;
            const Stopwatch watch;
            for (int i = 0; i < steps; ++i) {
                const TokenId id = ids[static_cast<std::size_t>(depth + i)];
                Sequence::forward_together(all, std::vector<TokenId>(all.size(), id));
            }
            return width * steps / watch.seconds();
        });
    }

    // A given text in place of the model's own choice behind a given prompt: token by token, and with what stands
    // before guessed at (engine/lookup.h). The two take turns, so that both see the same moods of the machine.
    std::vector<Row> forced(std::span<const TokenId> prompt, std::span<const TokenId> text, int repetitions) {
        std::vector<Row> rows = {begin("forced", 0), begin("forced lookup", 0)};
        std::vector<Samples> tps(2);
        const double limit_before = probe(false);
        sequence_.rewind(0);
        const std::span<const float> first = sequence_.forward(prompt);
        const std::uint32_t expected = hash_logits(first);
        std::vector<std::uint32_t> hashes;
        for (int r = 0; r < repetitions; ++r) {
            for (const bool guesses : {false, true}) {
                sequence_.rewind(static_cast<int>(prompt.size()));
                Decoder decoder(sequence_, guesses);
                std::uint32_t hash = expected;
                const Stopwatch watch;
                for (const TokenId id : text) hash = hash * 31 + hash_logits(decoder.next(id));
                tps[guesses].add(static_cast<double>(text.size()) / watch.seconds());
                hashes.push_back(hash);
                if (interrupts() > 0) throw Error("interrupted", Status::interrupted);
                if (guesses && r == 0) {
                    note(fmt::format("lookup: {} tokens in {} readings of the weights, {} of {} guesses held",
                                     text.size(), decoder.passes(), decoder.held(), decoder.guessed()));
                }
            }
        }
        if (std::ranges::count(hashes, hashes.front()) != std::ssize(hashes)) {
            throw Error("the logits with and without lookup differ: this is a defect of distill, please report it",
                        Status::failure);
        }
        const double limit = (limit_before + probe(false)) / 2;
        for (std::size_t i = 0; i < 2; ++i) {
            rows[i].bytes_per_token = static_cast<double>(engine_.weight_bytes_per_token());
            finish(rows[i], tps[i], limit);
        }
        return rows;
    }

  private:
    // What bounds the row: multiply-adds of a prompt, bytes read of a text.
    double probe(bool prompt) {
        return prompt ? integer_peak_gmacs(engine_.kernels(), pool_) : read_bandwidth_gbps(pool_);
    }
    Row begin(std::string test, int depth) const {
        Row row;
        row.threads = pool_.size();
        row.test = std::move(test);
        if (depth > 0) row.test += fmt::format(" @ d{}", depth);
        return row;
    }
    // once(warming) -> tokens a second, with the sequence holding `before` at each call.
    Row measure(Row row, std::span<const TokenId> before, int repetitions,
                const std::function<double(bool warming)>& once) {
        sequence_.rewind(0);
        if (!before.empty()) sequence_.forward(before, Logits::none);
        const double limit_before = probe(row.prompt);
        Samples tps;
        for (int r = -1; r < repetitions; ++r) {  // the first one warms up
            sequence_.rewind(static_cast<int>(before.size()));
            const double result = once(r < 0);
            if (interrupts() > 0) throw Error("interrupted", Status::interrupted);
            if (r >= 0) tps.add(result);
        }
        // The limit drifts on shared machines: both sides of the row count.
        finish(row, tps, (limit_before + probe(row.prompt)) / 2);
        return row;
    }
    void finish(Row& row, const Samples& tps, double limit) const {
        row.tps = tps.mean();
        row.tps_sd = tps.deviation();
        row.gmacs = row.tps * macs_ * 1e-9;
        row.gbps = row.tps * row.bytes_per_token * 1e-9;
        row.limit = limit;
    }

    const Engine& engine_;
    ThreadPool& pool_;
    Sequence sequence_;
    double macs_;
    double kv_bytes_;  // of keys and values, a token
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
    const auto widths = parse_int_list(flags.parallel, "--parallel", 1, kMaxParallel);
    if (flags.given.empty() != flags.forced.empty()) {
        throw Error("--given and --forced belong together: a prompt, and the text that follows it", Status::usage);
    }
    if (threads.empty()) threads.push_back(default_threads());
    ModelFlags model = flags.model;
    model.threads = threads.front();
    const Session session = load_session(model);
    std::vector<TokenId> given, forced;
    if (!flags.given.empty()) {
        given = session.engine.tokenizer().encode(read_text_file(flags.given), Specials::as_text);
        forced = session.engine.tokenizer().encode(read_text_file(flags.forced), Specials::as_text);
        if (given.empty() || forced.empty())
            throw Error("--given and --forced need a text each, one is empty", Status::usage);
    }
    int longest = static_cast<int>(given.size() + forced.size());
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
        Bench bench(session.engine, pool, std::max(longest, 1), flags.kv_types);
        if (!given.empty()) {
            for (const Row& row : bench.forced(given, forced, flags.repetitions)) report.add(row);
            continue;
        }
        for (const int depth : depths) {
            for (const int n : prompts) {
                if (n > 0) report.add(bench.prompt(n, depth, flags.repetitions));
            }
            for (const int n : texts) {
                for (const int width : widths) {
                    if (n > 0) report.add(bench.text(n, depth, width, flags.repetitions));
                }
            }
        }
    }
    report.finish();
    return Status::ok;
}

}  // namespace

void add_bench_command(const Command& program, Action& action) {
    const Command command(program, "bench", "measure prompt and text speed");
    const auto flags = std::make_shared<BenchFlags>();
    const auto add_list = [&](const char* name, std::string& value, const char* text) {
        command.value(name, value, text).type("N,N,...").shows_default();
    };
    command.value("-m,--model", flags->model.model, "GGUF model file; none = the built-in demo model")
        .type("FILE")
        .from_environment();
    command.value("--kernels", flags->model.kernels, "kernel set, instead of the best this CPU runs")
        .type("NAME")
        .from_environment();
    add_list("-p,--n-prompt", flags->prompt, "prompt lengths; 0 = none");
    add_list("-n,--n-gen", flags->text, "text lengths; 0 = none");
    add_list("-d,--n-depth", flags->depth, "tokens already in the context");
    command.value("-t,--threads", flags->threads, "thread counts; none = physical cores")
        .type("N,N,...")
        .from_environment();
    add_list("--parallel", flags->parallel, "sequences that make text together; tokens/s count all");
    command.value("--given", flags->given, "with --forced: a prompt; measures prompt lookup instead of the other rows")
        .type("FILE");
    command.value("--forced", flags->forced, "the text that stands in for the model's answer to --given").type("FILE");
    add_cache_type_flags(command, flags->kv_types);
    command.value("-r,--repetitions", flags->repetitions, "measurements of each row")
        .type("N")
        .range(1, 1000)
        .shows_default();
    command.value("-o,--output", flags->format, "md, csv, json or jsonl")
        .type("FORMAT")
        .one_of({"md", "csv", "json", "jsonl"})
        .shows_default();
    command.when_chosen([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace distill
