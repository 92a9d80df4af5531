// distill eval: asks a model every problem of a set and counts the right answers. What counts as right: cli/grade.h.
//
// --out keeps one line a problem behind a header that says which model and settings they come from. What is kept is the
// answer itself, and it is graded again on every run: a corrected set needs no new answers.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/grade.h"
#include "cli/input.h"
#include "cli/json_input.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "quant/kernels/kernels.h"

namespace distill {

namespace {

using Json = nlohmann::ordered_json;

// Long enough for a reasoning model's thought (half of it, see thinking_budget) and short enough to survive a text that
// goes round in circles.
constexpr int kMaxTokens = 8192;

struct EvalFlags {
    ModelFlags model;
    SamplingFlags sampling;
    PromptStyle style;
    std::string set, out;
    std::optional<std::string> system_prompt;
    std::vector<std::string> only;
    int limit = 0;  // 0 = all
    int max_tokens = kMaxTokens;
    int reasoning_budget = kBudgetAuto;
    bool json = false;
};

struct Problem {
    std::string question, answer, kind, lang, wording, unit;
    Check check = Check::boxed;
};

// What the model did with one problem.
struct Result {
    std::string answer;
    std::string stop_reason;
    int thinking_tokens = 0, tokens = 0, steps = 0;  // steps: tokens read behind the prompt, what text_seconds measures
    double text_seconds = 0;
};

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

std::string dump(const Json& json, int indent = -1) {
    return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

// ---- the problem set ------------------------------------------------------------------------------------------------

Problem read_problem(std::string_view line) {
    const nlohmann::json row = parse_json(line);
    if (!row.is_object()) throw Error("expected a JSON object", Status::usage);
    const auto text = [&](const char* key, bool needed) -> std::string {
        const auto found = row.find(key);
        if (found == row.end()) {
            if (needed) throw Error(fmt::format("\"{}\" is missing", key), Status::usage);
            return {};
        }
        if (!found->is_string()) throw Error(fmt::format("\"{}\" must be a string", key), Status::usage);
        return found->get<std::string>();
    };
    Problem problem;
    problem.question = text("question", true);
    if (problem.question.empty()) throw Error("\"question\" is empty", Status::usage);
    problem.kind = text("kind", false);
    problem.lang = text("lang", false);
    problem.wording = text("wording", false);
    problem.unit = text("unit", false);
    if (const std::string check = text("check", false); !check.empty()) {
        const auto found = find_check(check);
        if (!found) {
            throw Error(fmt::format("unknown check '{}': boxed, json and contains are known", printable(check, 40)),
                        Status::usage);
        }
        problem.check = *found;
    }
    // A number or an object may stand there as it is.
    const auto answer = row.find("answer");
    if (answer == row.end()) throw Error("\"answer\" is missing", Status::usage);
    problem.answer = answer->is_string() ? answer->get<std::string>() : answer->dump();
    if (problem.check == Check::json) {
        try {
            parse_json(problem.answer);
        } catch (const Error& error) {
            throw Error(fmt::format("\"answer\" is to be JSON: {}", error.problem()), Status::usage);
        }
    }
    return problem;
}

std::vector<Problem> read_set(const EvalFlags& flags) {
    const std::string text = read_text_file(flags.set);
    std::vector<Problem> problems;
    std::vector<std::string> kinds;
    std::size_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = std::string_view(text).substr(at, end - at);
        at = end + 1;
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        try {
            problems.push_back(read_problem(line));
        } catch (const Error& error) {
            throw Error(fmt::format("{}: line {}", flags.set, number), error.problem(), std::nullopt, Status::usage);
        }
        const std::string& kind = problems.back().kind;
        if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
    }
    if (problems.empty()) throw Error(flags.set, "holds no problem", std::nullopt, Status::usage);
    for (const std::string& kind : flags.only) {
        if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
            throw Error(fmt::format("--only: no problem is of the kind '{}'; there are: {}", printable(kind, 40),
                                    fmt::join(kinds, " ")),
                        Status::usage);
        }
    }
    if (!flags.only.empty()) {
        std::erase_if(problems, [&](const Problem& problem) {
            return std::find(flags.only.begin(), flags.only.end(), problem.kind) == flags.only.end();
        });
    }
    if (flags.limit > 0 && problems.size() > static_cast<std::size_t>(flags.limit)) {
        problems.resize(static_cast<std::size_t>(flags.limit));
    }
    return problems;
}

// ---- results on disk ------------------------------------------------------------------------------------------------

constexpr std::string_view kHeaderStart = "{\"distill_eval\":";

class ResultFile {
  public:
    // Opens or makes the file, reads what it holds and refuses it where its header is not `header`.
    ResultFile(std::string path, const Json& header) : path_(std::move(path)) {
        fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0666);
        struct stat status {};
        if (fd_ < 0 || ::fstat(fd_, &status) != 0) fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
        try {
            if (!S_ISREG(status.st_mode)) refuse("is no regular file: results are read back and appended");
            read(read_text_file(path_), header);
        } catch (...) {
            ::close(fd_);
            throw;
        }
    }
    ~ResultFile() {
        if (fd_ >= 0) ::close(fd_);
    }
    ResultFile(const ResultFile&) = delete;
    ResultFile& operator=(const ResultFile&) = delete;

    // A kept result of the question; each is given once, so that a question that stands twice in the set needs two.
    std::optional<Result> take(std::string_view question) {
        const auto found = kept_.find(hash_of(question));
        if (found == kept_.end() || found->second.empty()) return std::nullopt;
        Result result = std::move(found->second.front());
        found->second.erase(found->second.begin());
        return result;
    }

    void add(const Problem& problem, const Result& result, bool right) {
        const Json line = {{"hash", fmt::format("{:016x}", hash_of(problem.question))},
                           {"kind", problem.kind},
                           {"lang", problem.lang},
                           {"right", right},
                           {"question", problem.question},
                           {"expected", problem.answer},
                           {"answer", result.answer},
                           {"stop_reason", result.stop_reason},
                           {"thinking_tokens", result.thinking_tokens},
                           {"tokens", result.tokens},
                           {"steps", result.steps},
                           {"text_seconds", result.text_seconds}};
        Output(fd_, path_).write(dump(line));
    }

    void close() {
        if (::close(std::exchange(fd_, -1)) != 0) fail(fmt::format("writing failed: {}", std::strerror(errno)));
    }

  private:
    [[noreturn]] void fail(std::string_view what) const { throw Error(path_, what, std::nullopt, Status::failure); }
    [[noreturn]] void refuse(std::string_view what) const { throw Error(path_, what, std::nullopt, Status::usage); }

    void read(std::string_view text, const Json& header) {
        const std::size_t whole = text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1;
        const std::string_view cut = text.substr(whole);
        if (whole == 0 && !cut.empty() && cut.substr(0, kHeaderStart.size()) != kHeaderStart) refuse_stranger();
        if (!cut.empty()) {
            note(fmt::format("{}: its last line was cut short and is dropped", printable(path_)));
            if (::ftruncate(fd_, static_cast<off_t>(whole)) != 0)
                fail(fmt::format("cannot be cut: {}", std::strerror(errno)));
        }
        if (whole == 0) {
            Output(fd_, path_).write(dump(header));
            return;
        }
        std::size_t number = 0;
        for (std::size_t at = 0; at < whole;) {
            const std::size_t end = text.find('\n', at);
            const std::string_view line = text.substr(at, end - at);
            at = end + 1;
            if (++number == 1) {
                check_header(line, header);
            } else {
                read_result(line, number);
            }
        }
    }

    [[noreturn]] void refuse_stranger() const { refuse("was not made by distill eval --out; name another file"); }

    void check_header(std::string_view line, const Json& header) const {
        if (line.substr(0, kHeaderStart.size()) != kHeaderStart) refuse_stranger();
        nlohmann::json found;
        try {
            found = parse_json(line);
        } catch (const Error& error) {
            refuse(fmt::format("line 1: {}", error.problem()));
        }
        for (const auto& [key, value] : header.items()) {
            const nlohmann::json wanted = value;  // objects compare whatever the order of their keys
            const auto it = found.find(key);
            if (it == found.end() || *it != wanted) {
                refuse(fmt::format("was made with another \"{}\": {}, now {}; name another file", key,
                                   it == found.end() ? "none" : it->dump(-1, ' ', true), wanted.dump(-1, ' ', true)));
            }
        }
    }

    void read_result(std::string_view line, std::size_t number) {
        try {
            const nlohmann::json row = parse_json(line);
            Result result;
            result.answer = row.at("answer").get<std::string>();
            result.stop_reason = row.at("stop_reason").get<std::string>();
            result.thinking_tokens = row.at("thinking_tokens").get<int>();
            result.tokens = row.at("tokens").get<int>();
            result.steps = row.at("steps").get<int>();
            result.text_seconds = row.at("text_seconds").get<double>();
            kept_[hash_of(row.at("question").get<std::string>())].push_back(std::move(result));
        } catch (const nlohmann::json::exception&) {
            refuse(fmt::format("line {} is no result", number));
        } catch (const Error& error) {
            refuse(fmt::format("line {}: {}", number, error.problem()));
        }
    }

    std::string path_;
    int fd_ = -1;
    std::map<std::uint64_t, std::vector<Result>> kept_;
};

// ---- scores ---------------------------------------------------------------------------------------------------------

struct Score {
    int right = 0, total = 0, unfinished = 0;  // unfinished: cut before the model's own end
    std::int64_t thinking_tokens = 0, tokens = 0, steps = 0;
    double text_seconds = 0;

    void add(const Result& result, bool is_right) {
        right += is_right ? 1 : 0;
        ++total;
        unfinished += result.stop_reason == "end" ? 0 : 1;
        thinking_tokens += result.thinking_tokens;
        tokens += result.tokens;
        steps += result.steps;
        text_seconds += result.text_seconds;
    }
    double percent() const { return total == 0 ? 0 : 100.0 * right / total; }
    double mean_thinking() const { return total == 0 ? 0 : static_cast<double>(thinking_tokens) / total; }
    double mean_tokens() const { return total == 0 ? 0 : static_cast<double>(tokens) / total; }
    double speed() const { return text_seconds > 0 ? static_cast<double>(steps) / text_seconds : 0; }
};

struct Group {
    std::string kind, lang;
    Score score;
};

struct Report {
    Score all;
    std::vector<Group> groups;    // kind and language, in the order of the set
    std::vector<Group> wordings;  // where the set has them: `kind` is the wording

    void add(const Problem& problem, const Result& result, bool right) {
        all.add(result, right);
        group(groups, problem.kind, problem.lang).add(result, right);
        if (!problem.wording.empty()) group(wordings, problem.wording, {}).add(result, right);
    }

    static Score& group(std::vector<Group>& list, const std::string& kind, const std::string& lang) {
        const auto found =
            std::find_if(list.begin(), list.end(), [&](const Group& g) { return g.kind == kind && g.lang == lang; });
        return found != list.end() ? found->score : list.emplace_back(Group{kind, lang, {}}).score;
    }
};

std::string as_table(const Report& report, const Session& session) {
    std::size_t width = 4;
    for (const Group& g : report.groups) width = std::max(width, printable(g.kind, 40).size());
    std::string out = fmt::format("{:<{}}  {:<5} {:>6} {:>6} {:>8} {:>9}\n", "kind", width, "lang", "right", "total",
                                  "%", "thinking");
    const auto line = [&](std::string_view kind, std::string_view lang, const Score& s) {
        out += fmt::format("{:<{}}  {:<5} {:>6} {:>6} {:>8.2f} {:>9.1f}\n", printable(kind, 40), width,
                           printable(lang, 20), s.right, s.total, s.percent(), s.mean_thinking());
    };
    for (const Group& g : report.groups) line(g.kind.empty() ? "-" : g.kind, g.lang.empty() ? "-" : g.lang, g.score);
    for (const Group& g : report.wordings) line("(" + g.kind + ")", "", g.score);
    line("all", "", report.all);
    out += fmt::format("\nmean thinking {:.1f} tokens of {:.1f}, {:.1f} tok/s ({}, {} thread{})\n",
                       report.all.mean_thinking(), report.all.mean_tokens(), report.all.speed(),
                       session.engine.kernels().name, session.pool->size(), session.pool->size() == 1 ? "" : "s");
    if (report.all.unfinished > 0) {
        out += fmt::format("{} of {} answers were cut before their end (-n, -c)\n", report.all.unfinished,
                           report.all.total);
    }
    return out;
}

Json to_json(const Score& s) {
    return {{"right", s.right},
            {"total", s.total},
            {"percent", s.percent()},
            {"unfinished", s.unfinished},
            {"mean_thinking_tokens", s.mean_thinking()},
            {"mean_tokens", s.mean_tokens()}};
}

Json to_json(const Report& report) {
    Json json = to_json(report.all);
    json["tokens_per_second"] = report.all.speed();
    json["kinds"] = Json::array();
    for (const Group& g : report.groups) {
        Json row = {{"kind", g.kind}, {"lang", g.lang}};
        row.update(to_json(g.score));
        json["kinds"].push_back(row);
    }
    if (!report.wordings.empty()) json["wordings"] = Json::array();
    for (const Group& g : report.wordings) {
        Json row = {{"wording", g.kind}};
        row.update(to_json(g.score));
        json["wordings"].push_back(row);
    }
    return json;
}

// ---- the run --------------------------------------------------------------------------------------------------------

// Greedy means the likeliest token: a file's own penalties come back with --temp.
SamplerOptions eval_sampler(const EvalFlags& flags, const Engine& engine) {
    SamplingFlags sampling = flags.sampling;
    if (!sampling.temperature) {
        sampling.temperature = 0.0f;
        if (!sampling.repeat_penalty) sampling.repeat_penalty = 1.0f;
    }
    return sampler_options(sampling, engine.file(), engine.tokenizer());
}

// nullopt: interrupted.
std::optional<Result> ask(const EvalFlags& flags, const Engine& engine, Sequence& sequence, const Prompter& prompter,
                          SamplerOptions sampler, const Problem& problem) {
    std::vector<Message> messages;
    if (flags.system_prompt) messages.push_back({"system", *flags.system_prompt});
    messages.push_back({"user", problem.question});
    const Prompt prompt = prompter.render(messages);
    sampler.seed ^= hash_of(problem.question);  // the same whatever was asked before
    GenerateOptions options;
    options.sampler = sampler;
    options.max_tokens = flags.max_tokens;
    options.split_thinking = prompt.split_thinking;
    options.thinking_open = prompt.thinking_open;
    options.reasoning_budget = flags.reasoning_budget;
    GenerateEvents events;
    events.cancelled = [] { return interrupts() > 0; };
    Result result;
    try {
        const Generation g = generate(engine, sequence, prompt.ids, options, events);
        if (g.reason == StopReason::cancelled) return std::nullopt;
        result = {g.answer,          std::string(name_of(g.reason)),
                  g.thinking_tokens, g.generated_tokens,
                  g.decoded_tokens,  g.text_seconds};
    } catch (const Error& error) {
        // A problem too long for the window is one it cannot solve, and no reason to lose the others.
        if (error.status() != Status::context) throw;
        result.stop_reason = name_of(StopReason::context);
    }
    return result;
}

std::string bar(std::size_t done, std::size_t total, const Score& score) {
    constexpr std::size_t kWidth = 24;
    const std::size_t filled = kWidth * done / total;
    return fmt::format("[{}{}] {} of {}, {:.1f} % right", std::string(filled, '#'), std::string(kWidth - filled, '.'),
                       done, total, score.percent());
}

Status run(const EvalFlags& flags) {
    const std::vector<Problem> problems = read_set(flags);
    const Session session = load_session(flags.model);
    const Engine& engine = session.engine;
    const Prompter prompter(engine, flags.style);
    const SamplerOptions sampler = eval_sampler(flags, engine);
    Sampler{sampler};  // bad values are wrong usage before a file is made

    // What the answers depend on: the header of --out and a part of --json.
    Json header = {{"distill_eval", 1}};
    header["model"] = model_name(flags.model, engine.config());
    if (flags.json || !flags.out.empty()) header["model_hash"] = model_fingerprint(engine.file());
    header["kernels"] = engine.kernels().name;
    header["template"] = prompter.template_name();
    header["system_prompt"] = flags.system_prompt.value_or("");
    header["ctx_size"] = session.n_ctx;
    header["max_tokens"] = flags.max_tokens;
    header["reasoning_budget"] = flags.reasoning_budget;
    header["sampling"] = sampling_record(sampler);
    header["seed"] = sampler.seed;
    std::optional<ResultFile> file;
    if (!flags.out.empty()) file.emplace(flags.out, header);

    Sequence sequence = session.sequence();
    Report report;
    int resumed = 0;
    bool interrupted = false;
    Progress progress("scoring");
    for (std::size_t i = 0; i < problems.size(); ++i) {
        const Problem& problem = problems[i];
        std::optional<Result> result = file ? file->take(problem.question) : std::nullopt;
        const bool kept = result.has_value();
        if (!kept) result = ask(flags, engine, sequence, prompter, sampler, problem);
        if (!result) {
            interrupted = true;
            break;
        }
        const bool right = is_right(result->answer, problem.answer, problem.check, problem.unit);
        if (kept)
            ++resumed;
        else if (file)
            file->add(problem, *result, right);
        report.add(problem, *result, right);
        progress.update(static_cast<double>(i + 1) / static_cast<double>(problems.size()),
                        bar(i + 1, problems.size(), report.all));
    }
    progress.clear();
    if (file) file->close();

    Output out = standard_output();
    if (flags.json) {
        Json json = {
            {"set", flags.set}, {"problems", problems.size()}, {"interrupted", interrupted}, {"resumed", resumed}};
        json.update(to_json(report));
        header.erase("distill_eval");
        header["threads"] = session.pool->size();
        json.update(header);
        out.write(dump(json));
    } else {
        out.write(as_table(report, session));
    }
    if (interrupted) note(fmt::format("interrupted after {} of {} problems", report.all.total, problems.size()));
    return interrupted ? Status::interrupted : Status::ok;
}

constexpr std::string_view kFooter =
    "SET.jsonl: one problem a line, {\"question\": \"...\", \"answer\": \"...\", \"kind\": \"...\", \"lang\": "
    "\"...\"}, and if\n"
    "wanted \"check\": boxed (default), json or contains; \"unit\"; \"wording\" (scored apart).\n"
    "  boxed     the last \\boxed{...} equals the answer, as text, after both lost blanks, $ \\, \\left \\right, "
    "\\text{X}'s\n"
    "            wrapper and one full stop at the end; \\dfrac is \\frac. 12,345 is 12345 where the expected answer "
    "has no\n"
    "            comma. A unit behind the answer is wrong unless the problem says \"unit\": \"cm\". 0.5 is not 1/2.\n"
    "  json      the answer, or its last ``` block, is JSON of the same value.\n"
    "  contains  the text stands in the answer; runs of blanks count as one.\n"
    "Only the text behind the thinking counts.";

}  // namespace

void add_eval_command(const Command& program, Action& action) {
    const Command command(program, "eval", "score a model on a set of problems");
    const auto flags = std::make_shared<EvalFlags>();
    command.footer(std::string(kFooter));
    command.value("set", flags->set, "the problems; - = stdin").type("SET.jsonl").required();
    add_model_flags(command, flags->model);
    add_context_flag(command, flags->model);
    command.value("--out", flags->out, "keep results here, and go on where it ends").type("FILE");
    command.flag("--json", flags->json, "one JSON object instead of a table");
    command.value("--only", flags->only, "only problems of this kind (may be given again)").type("KIND").repeatable();
    command.value("--limit", flags->limit, "only the first N problems; 0 = all").type("N").range(0);
    command.value("-n,--n-predict,--predict", flags->max_tokens, "tokens a problem at most; -1 = no limit")
        .type("N")
        .range(-1)
        .shows_default()
        .from_environment();
    command
        .value("--reasoning-budget", flags->reasoning_budget,
               "tokens of thinking at most; -1 = no limit (default: half of the room left)")
        .type("N")
        .range(kBudgetNone)
        .from_environment();
    command.value("--system-prompt", flags->system_prompt, "system prompt (also -sys)").type("TEXT");
    command.flag("--raw", flags->style.raw, "the question as it is, no chat template");
    command.value("--chat-template", flags->style.chat_template, "built-in chat template instead of the file's")
        .type("NAME");
    flags->sampling.seed = 0;  // a score that can be repeated
    add_sampling_flags(command, flags->sampling);
    command.when_chosen([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace distill
