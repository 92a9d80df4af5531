// The program as scripts use it: its real binary, its streams and its exit statuses.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/process.h"

namespace distill::test {
namespace {

using Json = nlohmann::json;

// A tiny model with random weights; what it says is noise, but always the same noise.
struct Model {
    explicit Model(const TinyModelSpec& spec = {}) : path(folder.write("tiny.gguf", tiny_model(spec))) {}
    TempDir folder;
    std::string path;

    // -m, greedy, 24 tokens, then the rest.
    std::vector<std::string> arguments(std::vector<std::string> more) const {
        std::vector<std::string> all = {"-m", path, "--temp", "0", "-n", "24", "--ignore-eos", "-t", "2"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
};

// One line "distill: error: ..." and nothing else.
void check_error(const ProcessResult& r, int status, std::string_view part) {
    INFO("stderr: " << r.err);
    CHECK(r.status == status);
    CHECK(r.out.empty());
    CHECK(r.err.rfind("distill: error: ", 0) == 0);
    CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
    CHECK(r.err.size() <= 512);
    CHECK(r.err.find(part) != std::string::npos);
}

TEST_CASE("one answer goes to stdout and ends with one newline", "[cli]") {
    const Model model;
    const ProcessResult r = run_distill(model.arguments({"--raw", "-p", "the thing"}));
    INFO(r.err);
    CHECK(r.status == 0);
    REQUIRE(r.out.size() > 2);
    CHECK(r.out.back() == '\n');
    CHECK(r.out[r.out.size() - 2] != '\n');
    CHECK(r.out.find('\033') == std::string::npos);
    CHECK(r.err.find('\033') == std::string::npos);
    CHECK(r.err.find("tok/s") == std::string::npos);  // no speed line: stderr is no terminal
}

TEST_CASE("the prompt comes from -p, -f, stdin, or several of them joined by one newline", "[cli]") {
    const Model model;
    const std::string file = model.folder.write("prompt.txt", std::string_view("the thing\n"));
    const auto answer = [&](std::vector<std::string> more, std::string input = {}) {
        const ProcessResult r = run_distill(model.arguments(std::move(more)), std::move(input));
        INFO(r.err);
        CHECK(r.status == 0);
        CHECK_FALSE(r.out.empty());
        return r.out;
    };
    const std::string expected = answer({"-p", "the thing"});
    CHECK(answer({"-f", file}) == expected);
    CHECK(answer({}, "the thing") == expected);
    CHECK(answer({}, "the thing\n") == expected);
    CHECK(answer({"-p", "-"}, "the thing") == expected);
    CHECK(answer({"-f", "-"}, "the thing\r\n") == expected);

    const std::string joined = answer({"-p", "the\nthing"});
    CHECK(joined != expected);
    CHECK(answer({"-p", "thing"}, "the") == joined);
    CHECK(answer({"-p", "thing"}, "the\n") == joined);
    CHECK(answer({"-p", "thing", "-f", model.folder.write("the.txt", std::string_view("the\n"))}) == joined);
}

TEST_CASE("an empty prompt gives nothing and status 0", "[cli]") {
    const Model model;
    for (const std::string& input : {std::string(), std::string("\n")}) {
        const ProcessResult r = run_distill(model.arguments({}), input);
        CHECK(r.status == 0);
        CHECK(r.out.empty());
        CHECK(r.err.empty());
    }
    ProcessOptions closed;
    closed.arguments = model.arguments({});
    closed.close_stdin = true;
    CHECK(run_distill(closed).status == 0);
    // A file that is no model is reported even so.
    check_error(run_distill({"-m", model.folder.write("x.gguf", std::string_view("no model"))}), 3, "x.gguf");
}

TEST_CASE("wrong usage is status 2 and one line", "[cli]") {
    const Model model;
    check_error(run_distill(model.arguments({"--no-such-flag"})), 2, "--no-such-flag");
    check_error(run_distill(model.arguments({"-p"})), 2, "--prompt");
    check_error(run_distill(model.arguments({"-p", "x", "-c", "many"})), 2, "many");
    check_error(run_distill(model.arguments({"-p", "x", "--temp", "nan"})), 2, "--temp");
    check_error(run_distill(model.arguments({"-p", "x", "--top-p", "1.5"})), 2, "--top-p");
    check_error(run_distill(model.arguments({"-p", "x", "--think-show", "loud"})), 2, "loud");
    check_error(run_distill(model.arguments({"-p", "x", "--chat-template", "nonesuch"})), 2, "chatml");
    check_error(run_distill(model.arguments({"-p", "x", "--kernels", "nonesuch"})), 2, "scalar");
    check_error(run_distill(model.arguments({"-f", model.folder.path() / "absent.txt"})), 2, "absent.txt");
    check_error(run_distill(model.arguments({"-p", "x", "--extract", "number"})), 2, "number");
    check_error(run_distill(model.arguments({"-p", "x", "--reasoning", "loud"})), 2, "loud");
    check_error(run_distill(model.arguments({"-p", "x", "--cache-limit", "-1"})), 2, "-1");
    check_error(run_distill({"nonesuch"}), 2, "nonesuch");
    check_error(run_distill({"bench", "-m", model.path, "--parallel", "0"}), 2, "--parallel");
    check_error(run_distill({"bench", "-m", model.path, "--given", model.path}), 2, "--forced");
    check_error(run_distill(model.arguments({"-p", "x", "-ctk", "q4_0"})), 2, "q8_0");
    check_error(run_distill(model.arguments({"-p", "x", "-ctv", "q8_0"})), 2, "use f16");  // heads of 16
    check_error(run_distill({"logits", "-m", model.path, "-o", "x"}), 2, "--ids");
    check_error(run_distill({"logits", "-m", model.path, "--ids", "1,2x", "-o", "x"}), 2, "2x");
    check_error(run_distill({"logits", "-m", model.path, "--ids", "1,99999", "-o", "/dev/null"}), 2, "99999");
}

TEST_CASE("control bytes of the command line never reach the terminal", "[cli][hostile]") {
    const ProcessResult r = run_distill({"-m", "no\033[31m\nsuch.gguf", "-p", "x"});
    CHECK(r.status == 3);
    CHECK(r.err.find('\033') == std::string::npos);
    CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
}

TEST_CASE("a model that cannot be read is status 3", "[cli]") {
    const Model model;
    check_error(run_distill({"-m", model.folder.path() / "absent.gguf", "-p", "x"}), 3, "absent.gguf");
    check_error(run_distill({"-m", model.folder.path(), "-p", "x"}), 3, "directory");
    const auto bytes = tiny_model();
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{3}, std::size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
        INFO("cut to " << size);
        const auto cut = std::span(bytes).first(size);
        check_error(run_distill({"-m", model.folder.write("cut.gguf", cut), "-p", "x"}), 3, "cut.gguf");
    }
}

TEST_CASE("a prompt that does not fit is status 4 with both numbers", "[cli]") {
    const Model model;
    const std::string text(300, 'x');
    check_error(run_distill(model.arguments({"--raw", "-c", "64", "-p", text})), 4, "300 tokens");
    check_error(run_distill(model.arguments({"--raw", "-c", "64", "-p", text})), 4, "64 tokens");
    check_error(run_distill({"logits", "-m", model.path, "-c", "4", "--ids", "1,2,3,4,5", "-o", "/dev/null"}), 4,
                "5 tokens");
}

TEST_CASE("a cut answer is status 5 with --strict, else a warning", "[cli]") {
    const Model model;
    const ProcessResult loose = run_distill(model.arguments({"--raw", "-p", "the"}));
    CHECK(loose.status == 0);
    CHECK(loose.err.find("warning") != std::string::npos);
    CHECK(loose.err.find("24 tokens") != std::string::npos);
    const ProcessResult strict = run_distill(model.arguments({"--raw", "-p", "the", "--strict"}));
    CHECK(strict.status == 5);
    CHECK(strict.out == loose.out);
    const ProcessResult full =
        run_distill({"-m", model.path, "--raw", "--strict", "--ignore-eos", "-c", "32", "-p", "the", "--temp", "0"});
    CHECK(full.status == 5);
    CHECK(full.err.find("context of 32 tokens is full") != std::string::npos);
}

TEST_CASE("a full disk is status 1", "[cli]") {
    if (!std::filesystem::exists("/dev/full")) DISTILL_SKIP("no /dev/full here");
    const Model model;
    for (const auto& arguments :
         {model.arguments({"--raw", "-p", "the"}), model.arguments({"--raw", "-p", "the", "--json"}),
          std::vector<std::string>{"--help"}, std::vector<std::string>{"--version"},
          std::vector<std::string>{"logits", "-m", model.path, "--ids", "1", "-o", "/dev/full"}}) {
        ProcessOptions options;
        options.arguments = arguments;
        options.stdout_path = "/dev/full";
        INFO(arguments[0]);
        check_error(run_distill(options), 1, "No space left");
    }
    ProcessOptions closed;
    closed.arguments = model.arguments({"--raw", "-p", "the"});
    closed.close_stdout = true;
    CHECK(run_distill(closed).status == 1);
}

TEST_CASE("a reader that goes away ends the run with 141, quietly", "[cli]") {
    const Model model;
    ProcessOptions options;
    options.arguments = {"-m", model.path, "--raw", "-p", "the", "--ignore-eos", "--temp", "1"};
    options.close_after = 1;
    const ProcessResult r = run_distill(options);
    CHECK(r.status == 141);
    CHECK(r.err.empty());
}

TEST_CASE("Ctrl-C prints what there is and leaves with 130", "[cli][slow]") {
    // Slow enough to be interrupted before it ends.
    const Model model({.n_layers = 8, .d_model = 256, .d_ff = 1024, .n_ctx_train = 100'000});
    ProcessOptions options;
    options.arguments = {"-m", model.path, "--raw", "-p", "the", "--ignore-eos", "-t", "1"};
    options.interrupt_after_bytes = 10;
    const ProcessResult r = run_distill(options);
    INFO(r.err);
    CHECK(r.status == 130);
    CHECK(r.out.size() >= 10);
    CHECK(r.out.back() == '\n');
    CHECK(r.err.find("error") == std::string::npos);
}

TEST_CASE("the same bytes for 1, 2 and 5 threads, and on a second run", "[cli]") {
    const Model model;
    std::string greedy, drawn;
    for (const char* threads : {"1", "2", "5", "2"}) {
        const ProcessResult g = run_distill(
            {"-m", model.path, "--raw", "-p", "the thing", "-n", "64", "--temp", "0", "-t", threads, "--ignore-eos"});
        const ProcessResult d = run_distill(
            {"-m", model.path, "--raw", "-p", "the thing", "-n", "64", "-s", "7", "-t", threads, "--ignore-eos"});
        CHECK(g.status == 0);
        CHECK(d.status == 0);
        if (greedy.empty()) {
            greedy = g.out;
            drawn = d.out;
        }
        INFO(threads << " threads");
        CHECK(g.out == greedy);
        CHECK(d.out == drawn);
    }
    CHECK(greedy != drawn);
}

TEST_CASE("the speed line comes with -v and says what was done", "[cli]") {
    const Model model;
    const ProcessResult r = run_distill(model.arguments({"--raw", "-p", "the thing", "-v"}));
    CHECK(r.status == 0);
    const std::size_t at = r.err.find(", 2 threads | prompt ");
    REQUIRE(at != std::string::npos);
    CHECK(r.err.find(" | text 24 tok, ", at) != std::string::npos);
    CHECK(r.err.find(" GB/s | logits ", at) != std::string::npos);
    CHECK(r.err.find("seed ") != std::string::npos);
}

TEST_CASE("--json gives one record a line with what a script needs", "[cli]") {
    const Model model;
    const ProcessResult plain = run_distill(model.arguments({"--raw", "-p", "the"}));
    const ProcessResult r = run_distill(model.arguments({"--raw", "-p", "the", "--json", "-s", "5"}));
    INFO(r.err);
    REQUIRE(r.status == 0);
    REQUIRE(std::count(r.out.begin(), r.out.end(), '\n') == 1);
    const Json record = Json::parse(r.out);
    CHECK(record["answer"].get<std::string>() + "\n" == plain.out);
    CHECK(record["stop_reason"] == "length");
    CHECK(record["completion_tokens"] == 24);
    CHECK(record["seed"] == 5);
    CHECK(record["version"].is_string());
    CHECK(record["model_hash"].get<std::string>().size() == 16);
    for (const char* key : {"thinking", "prompt_tokens", "thinking_tokens", "timings", "model", "kernels"}) {
        INFO(key);
        CHECK(record.contains(key));
    }

    const ProcessResult samples = run_distill(
        {"-m", model.path, "--raw", "-p", "the", "-n", "16", "--json", "--samples", "3", "-s", "5", "--ignore-eos"});
    REQUIRE(samples.status == 0);
    std::vector<Json> records;
    std::istringstream lines(samples.out);
    for (std::string line; std::getline(lines, line);) records.push_back(Json::parse(line));
    REQUIRE(records.size() == 3);
    CHECK(records[2]["seed"] == 7);
    CHECK(records[0]["answer"] != records[1]["answer"]);
    // Each is what a run of its own with that seed gives.
    const ProcessResult alone =
        run_distill({"-m", model.path, "--raw", "-p", "the", "-n", "16", "-s", "7", "--ignore-eos"});
    CHECK(records[2]["answer"].get<std::string>() + "\n" == alone.out);
    CHECK(records[2]["cached_tokens"] == records[0]["prompt_tokens"].get<int>() - 1);
}

TEST_CASE("environment variables stand in for flags, the command line wins", "[cli]") {
    const Model model;
    ProcessOptions options;
    options.arguments = {"--raw", "-p", "the", "--ignore-eos"};
    options.environment = {
        {"DISTILL_ARG_MODEL", model.path}, {"DISTILL_ARG_TEMP", "0"}, {"DISTILL_ARG_N_PREDICT", "24"}};
    const ProcessResult from_environment = run_distill(options);
    const ProcessResult from_flags = run_distill(model.arguments({"--raw", "-p", "the"}));
    INFO(from_environment.err);
    CHECK(from_environment.status == 0);
    CHECK(from_environment.out == from_flags.out);
    options.arguments.insert(options.arguments.end(), {"-n", "3"});
    CHECK(run_distill(options).err.find("3 tokens") != std::string::npos);
    options.environment.emplace_back("DISTILL_ARG_STRICT", "1");
    CHECK(run_distill(options).status == 5);
    options.environment.back() = {"DISTILL_ARG_CTX_SIZE", "nonsense"};
    CHECK(run_distill(options).status == 2);
}

TEST_CASE("thinking stays off a stdout that is no terminal", "[cli]") {
    const Model model;
    const std::vector<std::string> common = {"--raw", "-p", "the <think>", "--reasoning-budget", "8"};
    const ProcessResult hidden = run_distill(model.arguments(common));
    INFO(hidden.err);
    CHECK(hidden.status == 0);
    CHECK_FALSE(hidden.out.empty());
    const Json record = Json::parse(
        run_distill(model.arguments({"--raw", "-p", "the <think>", "--reasoning-budget", "8", "--json"})).out);
    const std::string thinking = record["thinking"];
    REQUIRE_FALSE(thinking.empty());
    for (const char* how : {"full", "dim", "short", "hide"}) {
        auto arguments = model.arguments(common);
        arguments.insert(arguments.end(), {"--think-show", how, "--color", "on"});
        const ProcessResult r = run_distill(arguments);
        INFO(how << ": " << r.err);
        CHECK(r.status == 0);
        CHECK(r.out == hidden.out);
        CHECK((r.err.find("<think>\n" + thinking) != std::string::npos) == (how[0] == 'f' || how[0] == 'd'));
        CHECK((r.err.find("(thought for") != std::string::npos) == (how[0] == 's'));
        CHECK(r.err.find('\033') == std::string::npos);
    }
    // Thinking that never ends: no answer, said so.
    auto endless = model.arguments({"--raw", "-p", "the <think>", "--reasoning-budget", "-1", "--strict"});
    const ProcessResult r = run_distill(endless);
    CHECK(r.status == 5);
    CHECK(r.out.empty());
    CHECK(r.err.find("thinking had not ended") != std::string::npos);
}

TEST_CASE("the thinking goes to a side stream as well", "[cli]") {
    const Model model;
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"--raw", "-p", "the <think>", "--reasoning-budget", "8"});
        return model.arguments(std::move(more));
    };
    const ProcessResult plain = run_distill(with({}));
    const std::string thinking = Json::parse(run_distill(with({"--json"})).out)["thinking"];
    REQUIRE_FALSE(thinking.empty());
    const auto read = [](const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const std::string path = model.folder.write("thinking.txt", std::string(10'000, 'x'));
    for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--json"}, {"--think-show", "full"}}) {
        auto arguments = with(more);
        arguments.insert(arguments.end(), {"--think-file", path});
        const ProcessResult r = run_distill(arguments);
        INFO(r.err);
        CHECK(r.status == 0);
        CHECK(read(path) == thinking + "\n");
        if (more.empty()) CHECK(r.out == plain.out);
    }
    const ProcessResult on_stderr = run_distill(with({"--think-fd", "2"}));
    CHECK(on_stderr.out == plain.out);
    CHECK(on_stderr.err.find(thinking + "\n") != std::string::npos);

    run_distill(with({"--samples", "2", "--think-file", path}));
    CHECK(read(path) == thinking + "\n\f\n" + thinking + "\n");  // greedy: both the same

    check_error(run_distill(with({"--think-file", "/nonexistent/x"})), 2, "/nonexistent/x: cannot be written");
    check_error(run_distill(with({"--think-file", model.folder.path()})), 2, "cannot be written");
    check_error(run_distill(with({"--think-fd", "77"})), 2, "77>FILE");
    check_error(run_distill(with({"--think-fd", "-1"})), 2, "--think-fd");
    check_error(run_distill(with({"--think-fd", "1"})), 2, "stdout");
    check_error(run_distill(with({"--think-fd", "2", "--think-file", path})), 2, "--think-file");
    if (!std::filesystem::exists("/dev/full")) DISTILL_SKIP("no /dev/full here");
    const ProcessResult full = run_distill(with({"--think-file", "/dev/full"}));
    CHECK(full.status == 1);
    CHECK(full.err.find("/dev/full: writing failed: No space left") != std::string::npos);
}

TEST_CASE("through a real shell: descriptors, pipes, loops", "[cli]") {
    const Model model;
    const auto shell = [&](const std::string& script) {
        ProcessOptions options;
        options.arguments = {"-c", script};
        options.environment = {{"D", std::filesystem::absolute(distill_binary())},
                               {"M", model.path},
                               {"O", "--raw --temp 0 -n 12 --ignore-eos -t 1"},
                               {"T", model.folder.path()}};
        return run_process("/bin/bash", options);
    };
    const std::string answer =
        run_distill({"-m", model.path, "--raw", "--temp", "0", "-n", "12", "--ignore-eos", "-p", "the"}).out;
    const auto check = [&](const char* script, const std::string& out, int status = 0) {
        const ProcessResult r = shell(script);
        INFO(script << "\n" << r.err);
        CHECK(r.status == status);
        CHECK(r.out == out);
    };
    check("echo the | $D -m $M $O", answer);
    check("$D -m $M $O </dev/null", "");
    // More than a pipe holds: one answer may be through before a reader that is slow to start has left.
    check("$D -m $M $O -n -1 --samples 1000 -p the </dev/null 2>/dev/null | head -c 1; exit ${PIPESTATUS[0]}",
          answer.substr(0, 1), 141);
    check("$D -m $M $O -p the </dev/null >/dev/full", "", 1);
    check("for i in 1 2 3; do $D -m $M $O -p the </dev/null; done", answer + answer + answer);
    check("echo the > $T/a; cp $T/a $T/b; for f in $T/a $T/b; do $D -m $M $O -f $f </dev/null; done", answer + answer);
    check("x=$(echo the | $D -m $M $O) && printf '%s\\n' \"$x\"", answer);
    check("echo the | $D -m $M $O | $D -m $M $O >/dev/null", "");
    check("echo the | $D -m $M $O --strict >/dev/null || echo $?", "5\n");
    // The thinking on a descriptor of the shell's, to a reader that leaves early, to one that may only be read.
    check("$D -m $M $O -p 'a <think>' --think-fd 3 3>$T/t >/dev/null </dev/null && [ -s $T/t ]", "");
    check("$D -m $M $O -n 200 -p 'a <think>' --think-fd 3 3> >(head -c 1 >/dev/null) >/dev/null </dev/null", "");
    check("$D -m $M $O -p 'a <think>' --think-fd 3 3</dev/null </dev/null", "", 2);
    check("mkfifo $T/fifo; $D -m $M $O -p a --think-file $T/fifo </dev/null", "", 2);
}

TEST_CASE("--extract prints only its part, status 6 without one", "[cli][slow]") {
    // The built-in model boxes its answers.
    const auto ask = [](std::vector<std::string> more) {
        std::vector<std::string> arguments = {"--temp", "0", "-t", "1", "-p", "12 * 34 = ?"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_distill(arguments);
    };
    const std::string whole = ask({}).out;
    const ProcessResult boxed = ask({"--extract", "boxed"});
    CHECK(boxed.status == 0);
    CHECK(boxed.out == "408\n");
    const ProcessResult line = ask({"--extract", "last-line"});
    CHECK(line.status == 0);
    CHECK(whole.ends_with(line.out));
    const Json record = Json::parse(ask({"--extract", "boxed", "--json"}).out);
    CHECK(record["extracted"] == "408");
    CHECK(record["answer"].get<std::string>() + "\n" == whole);
    CHECK(ask({"--extract", "boxed", "--samples", "3"}).out == "408\n408\n408\n");

    const ProcessResult none = ask({"--extract", "code"});
    CHECK(none.status == 6);
    CHECK(none.out.empty());
    CHECK(none.err.find("error: the answer holds no fenced code block") != std::string::npos);
    const ProcessResult none_json = ask({"--extract", "json", "--json"});
    CHECK(none_json.status == 6);
    CHECK(Json::parse(none_json.out)["extracted"].is_null());
    // A cut answer that lacks its part: --strict tells the cause.
    CHECK(ask({"--extract", "boxed", "-n", "10", "--strict"}).status == 5);
    CHECK(ask({"--extract", "boxed", "-n", "10"}).status == 6);
    CHECK(ask({"--extract", "boxed", "--think-show", "full"}).out == "408\n");
}

TEST_CASE("samples share the reading of the prompt, and a form feed stands between", "[cli]") {
    const Model model;
    const auto run = [&](std::vector<std::string> more) {
        std::vector<std::string> arguments = {"-m", model.path, "--raw",        "-p",     "the thing of it",
                                              "-n", "16",       "--ignore-eos", "--temp", "1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_distill(arguments);
    };
    const ProcessResult r = run({"--samples", "3", "-s", "40", "-v"});
    CHECK(r.status == 0);
    CHECK(r.out == run({"-s", "40"}).out + "\f\n" + run({"-s", "41"}).out + "\f\n" + run({"-s", "42"}).out);
    CHECK(r.err.find(" kept)") != std::string::npos);
}

TEST_CASE("--reasoning off answers at once, on a template that thinks", "[cli][slow]") {
    const auto ask = [](const char* how) {
        return Json::parse(
            run_distill({"--temp", "0", "-t", "1", "-p", "12 * 34 = ?", "--json", "--reasoning", how}).out);
    };
    const Json automatic = ask("auto"), on = ask("on"), off = ask("off");
    CHECK(on["answer"] == automatic["answer"]);
    CHECK_FALSE(on["thinking"].get<std::string>().empty());
    CHECK(off["thinking"] == "");
    CHECK(off["thinking_tokens"] == 0);
    CHECK_FALSE(off["answer"].get<std::string>().empty());
    CHECK(off["prompt_tokens"].get<int>() > on["prompt_tokens"].get<int>());
}

TEST_CASE("a thought cut by its budget says so, in the record and in its text", "[cli][slow]") {
    const Model model;
    const ProcessResult r = run_distill(model.arguments({"--raw", "-p", "the <think>", "--reasoning-budget", "4",
                                                         "--reasoning-budget-message", "That must do.", "--json"}));
    const Json record = Json::parse(r.out);
    CHECK(record["thinking_ended_by"] == "budget");
    CHECK(record["thinking"].get<std::string>().ends_with("That must do."));
    CHECK(r.err.find("closed after its budget") != std::string::npos);
    // -n 24 without a budget: half for the thinking, and an answer.
    const Json half = Json::parse(run_distill(model.arguments({"--raw", "-p", "the <think>", "--json"})).out);
    CHECK(half["thinking_tokens"].get<int>() <= 14);
    CHECK_FALSE(half["answer"].get<std::string>().empty());
    const ProcessResult circles =
        run_distill({"-m", model.path, "--raw", "-p", "the <think>", "--temp", "0", "-c", "4096", "-n", "1200",
                     "--reasoning-budget", "-1", "--ignore-eos", "--json"});
    CHECK(Json::parse(circles.out)["thinking_ended_by"] == "repeat");
    CHECK(circles.err.find("went round in circles") != std::string::npos);
}

TEST_CASE("on a terminal, short thinking is one moving line", "[cli]") {
    const Model model({.n_layers = 4, .d_model = 128, .d_ff = 512, .n_ctx_train = 4096});
    Terminal terminal(distill_binary(),
                      {"-m", model.path, "--raw", "-p", "the <think>", "--temp", "0", "-n", "40", "--ignore-eos",
                       "--think-show", "short", "--reasoning-budget", "20", "-t", "1"});
    bool found = false;
    terminal.wait_for("(thinking for 0.", found);
    CHECK(found);
    terminal.wait_for("\r(thought for ", found);
    CHECK(found);
    terminal.wait_for(" tokens)", found);
    CHECK(found);
    terminal.wait_for("tok/s", found);
    CHECK(found);
}

TEST_CASE("stop strings, --version, --help", "[cli]") {
    const Model model;
    const std::string whole = run_distill(model.arguments({"--raw", "-p", "the"})).out;
    REQUIRE(whole.size() > 12);
    const ProcessResult r = run_distill(model.arguments({"--raw", "-p", "the", "-r", whole.substr(8, 2)}));
    CHECK(r.status == 0);
    CHECK(r.out == whole.substr(0, whole.find(whole.substr(8, 2))) + "\n");

    const ProcessResult version = run_distill({"--version"});
    CHECK(version.status == 0);
    CHECK(version.out.rfind("distill ", 0) == 0);
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"},
                                                      {"logits", "--help"},
                                                      {"bench", "-h"},
                                                      {"info", "--help"},
                                                      {"tokenize", "--help"}}) {
        const ProcessResult help = run_distill(arguments);
        CHECK(help.status == 0);
        CHECK(help.out.find("--help") != std::string::npos);
        CHECK(help.err.empty());
    }
    CHECK(run_distill({"logits", "--help"}).out.find("--ids") != std::string::npos);
}

TEST_CASE("logits: the same rows in one batch and token by token, on any number of threads", "[cli]") {
    const Model model;
    const auto logits = [&](std::vector<std::string> more) {
        const std::string path = model.folder.path() / "out.f32";
        std::vector<std::string> arguments = {"logits", "-m", model.path, "-o", path};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const ProcessResult r = run_distill(arguments);
        INFO(r.err);
        CHECK(r.status == 0);
        CHECK(r.out.empty());
        std::ifstream file(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    std::string ids = "1";
    for (int i = 2; i <= 100; ++i) ids += "," + std::to_string(i);
    const std::string expected = logits({"--ids", ids, "-t", "1"});
    CHECK(expected.size() % (100 * sizeof(float)) == 0);
    CHECK(logits({"--ids", ids, "-t", "1", "-b", "1"}) == expected);
    CHECK(logits({"--ids", ids, "-t", "2", "-b", "100"}) == expected);
    CHECK(logits({"--ids", ids, "-t", "5", "-b", "7"}) == expected);
    // "A" is token 65 in a vocabulary whose first 256 tokens are the bytes.
    CHECK(logits({"-p", "AB"}) == logits({"--ids", "65,66"}));
}

TEST_CASE("bench reports rows in four formats", "[cli][slow]") {
    const Model model;
    const auto bench = [&](const char* format) {
        const ProcessResult r = run_distill(
            {"bench", "-m", model.path, "-p", "16", "-n", "4", "-d", "0,8", "-r", "2", "-t", "1", "-o", format});
        INFO(r.err);
        CHECK(r.status == 0);
        return r.out;
    };
    const Json list = Json::parse(bench("json"));
    REQUIRE(list.size() == 4);
    const char* const tests[] = {"pp16", "tg4", "pp16 @ d8", "tg4 @ d8"};
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(list[i]["test"] == tests[i]);
        CHECK(list[i]["tps"].get<double>() > 0);
        CHECK(list[i]["tps_sd"].get<double>() >= 0);
        CHECK(list[i]["threads"] == 1);
        CHECK(list[i]["isa"].is_string());
        CHECK(list[i]["gbps"].is_number());
    }
    CHECK(list[1]["gbps"].get<double>() > 0);
    std::istringstream lines(bench("jsonl"));
    int n = 0;
    for (std::string line; std::getline(lines, line); ++n) CHECK(Json::parse(line).contains("tps"));
    CHECK(n == 4);
    CHECK(bench("csv").rfind("test,tps,tps_sd,threads,isa,gbps", 0) == 0);
    CHECK(bench("md").find("| tg4 @ d8 | 1 |") != std::string::npos);
}

TEST_CASE("bench measures sequences side by side, and a text forced behind a prompt", "[cli][slow]") {
    const Model model({.n_ctx_train = 4096});
    const auto rows = [&](std::vector<std::string> more) {
        std::vector<std::string> arguments = {"bench", "-m", model.path, "-r", "1", "-t", "2", "-o", "json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const ProcessResult r = run_distill(arguments);
        INFO(r.err);
        REQUIRE(r.status == 0);
        return Json::parse(r.out);
    };
    const Json widths = rows({"-p", "0", "-n", "4", "-d", "70", "--parallel", "1,3"});
    REQUIRE(widths.size() == 2);
    CHECK(widths[0]["test"] == "tg4 @ d70");
    CHECK(widths[1]["test"] == "tg4 @ d70 x3");

    std::string text;
    for (int i = 0; i < 40; ++i) text += "line " + std::to_string(i * 7919) + " of a text that is copied\n";
    const std::string given = model.folder.write("given.txt", std::string_view(text));
    const Json forced =
        rows({"--given", given, "--forced", model.folder.write("forced.txt", std::string_view(text).substr(200, 800))});
    REQUIRE(forced.size() == 2);
    CHECK(forced[0]["test"] == "forced");
    CHECK(forced[1]["test"] == "forced lookup");  // that its logits have the same bits, the command checks itself
    for (const Json& row : forced) CHECK(row["tps"].get<double>() > 0);
}

TEST_CASE("guesses and their absence give the same answer", "[cli][slow]") {
    const Model model({.n_ctx_train = 4096});
    std::string text;
    for (int i = 0; i < 30; ++i) text += "the same words again and again, ";
    for (const char* temperature : {"0", "0.8"}) {
        const std::vector<std::string> arguments = {"-m", model.path, "--raw",        "-p",        text,
                                                    "-n", "150",      "--ignore-eos", "--temp",    temperature,
                                                    "-s", "7",        "--json",       "--no-cache"};
        const auto run = [&](bool lookup) {
            std::vector<std::string> all = arguments;
            if (!lookup) all.push_back("--no-lookup");
            const ProcessResult r = run_distill(all);
            REQUIRE(r.status == 0);
            return Json::parse(r.out);
        };
        const Json with = run(true), without = run(false);
        CHECK(with["answer"] == without["answer"]);
        CHECK(without["decode_passes"] == 149);
        CHECK(with["decode_passes"].get<int>() <= 149);
    }
}

TEST_CASE("a file that shrinks while it is used ends in one line, not in a crash", "[cli][fault][slow]") {
    const Model model({.n_layers = 8, .d_model = 256, .d_ff = 1024, .n_ctx_train = 100'000});
    ProcessOptions options;
    options.arguments = {"-m", model.path, "-t", "1", "--raw", "--ignore-eos", "-p", "the", "-n", "2000"};
    // The test only proves something where the weights are still read from the mapping; both ends are sound.
    const std::string path = model.path;
    std::thread cutter([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        std::error_code ignored;
        std::filesystem::resize_file(path, 4096, ignored);
    });
    const ProcessResult r = run_distill(options);
    cutter.join();
    INFO(r.err);
    CHECK((r.status == 0 || r.status == 1 || r.status == 3));
    if (r.status == 1) CHECK(r.err.find("distill: error: ") != std::string::npos);
}

}  // namespace
}  // namespace distill::test
