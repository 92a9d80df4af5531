// distill eval through the real binary, on the built-in model: scores, results that are kept, mistakes in the set.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/patience.h"
#include "tests/support/process.h"

namespace distill::test {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSet =
    R"({"question": "12 * 34 = ?", "answer": "408", "kind": "mul", "lang": "en"})"
    "\n"
    R"({"question": "What is 17 times 23?", "answer": 391, "kind": "mul", "lang": "en", "check": "boxed"})"
    "\n\n"
    R"({"question": "计算：100 - 58", "answer": "42", "kind": "sub", "lang": "zh", "wording": "seen"})"
    "\n"
    R"({"question": "Who are you?", "answer": "distill", "kind": "who", "lang": "en", "check": "contains"})"
    "\n"
    R"({"question": "12 * 34 = ?", "answer": "409", "kind": "wrong", "lang": "en"})"
    "\n";

std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

struct Fixture {
    TempDir folder;
    std::string set = folder.write("set.jsonl", kSet);
    std::string out = folder.path() / "out.jsonl";

    ProcessResult eval(std::vector<std::string> more = {}) const {
        // One thread: on a busy machine two that wait for each other take many times as long.
        std::vector<std::string> arguments = {"eval", set, "-t", "1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_distill(arguments);
    }
    Json json(std::vector<std::string> more = {}) const {
        more.push_back("--json");
        const ProcessResult r = eval(std::move(more));
        INFO(r.err);
        REQUIRE(r.status == 0);
        REQUIRE(std::count(r.out.begin(), r.out.end(), '\n') == 1);
        return Json::parse(r.out);
    }
    void check_usage(const ProcessResult& r, std::string_view part) const {
        INFO(r.err);
        CHECK(r.status == 2);
        CHECK(r.out.empty());
        CHECK(contains(r.err, part));
    }
};

TEST_CASE("eval counts right answers by kind and language", "[eval][slow]") {
    const Fixture f;
    const Json j = f.json();
    CHECK(j["right"] == 4);
    CHECK(j["total"] == 5);
    CHECK(j["percent"] == 80.0);
    CHECK(j["unfinished"] == 0);
    CHECK(j["interrupted"] == false);
    CHECK(j["model"] == "built-in demo");
    CHECK(j["sampling"]["temperature"] == 0.0);
    CHECK(j["mean_thinking_tokens"].get<double>() > 5);
    CHECK(j["tokens_per_second"].get<double>() > 0);
    REQUIRE(j["kinds"].size() == 4);
    CHECK(j["kinds"][0]["kind"] == "mul");
    CHECK(j["kinds"][0]["right"] == 2);
    CHECK(j["kinds"][1]["lang"] == "zh");
    CHECK(j["kinds"][3]["right"] == 0);
    CHECK(j["wordings"][0]["wording"] == "seen");

    const ProcessResult table = f.eval();
    CHECK(table.status == 0);
    CHECK(contains(table.out, "mul    en         2      2   100.00"));
    CHECK(contains(table.out, "all               4      5    80.00"));
    CHECK(contains(table.out, "mean thinking "));
    CHECK(contains(table.out, " tok/s"));
    CHECK(std::count(table.err.begin(), table.err.end(), '\n') == 1);  // which model answers, no progress bar
    CHECK_FALSE(contains(table.err, "scoring"));

    CHECK(f.json({"--limit", "2"})["total"] == 2);
    CHECK(f.json({"--only", "who"})["total"] == 1);
    CHECK(f.json({"--only", "who", "--only", "sub"})["total"] == 2);
    const Json cut = f.json({"--limit", "1", "-n", "3"});
    CHECK(cut["right"] == 0);
    CHECK(cut["unfinished"] == 1);
    const Json small = f.json({"--limit", "1", "-c", "4"});  // the question alone is longer
    CHECK(small["right"] == 0);
    CHECK(small["unfinished"] == 1);
}

TEST_CASE("eval gives the same results on any number of threads, drawn ones too", "[eval]") {
    const Fixture f;
    const auto answers = [&](std::vector<std::string> more) {
        std::filesystem::remove(f.out);
        more.insert(more.end(), {"--out", f.out});
        CHECK(f.eval(more).status == 0);
        std::vector<std::string> all;
        for (const std::string& line : lines_of(read(f.out))) {
            const Json row = Json::parse(line);
            if (row.contains("answer")) all.push_back(row["answer"]);
        }
        return all;
    };
    // Random weights: a trained model is too sure of itself for seeds to matter.
    const std::string noise = f.folder.write("tiny.gguf", tiny_model());
    const auto greedy = [&](const char* threads) { return answers({"-m", noise, "-n", "12", "-t", threads}); };
    const auto drawn = [&](const char* threads, const char* seed) {
        return answers({"-m", noise, "-n", "12", "-t", threads, "--temp", "1", "-s", seed});
    };
    CHECK(greedy("1").size() == 5);
    CHECK(greedy("3") == greedy("1"));
    CHECK(drawn("2", "5") == drawn("1", "5"));
    CHECK(drawn("1", "6") != drawn("1", "5"));
}

TEST_CASE("--out goes on where it ended", "[eval][slow]") {
    const Fixture f;
    const Json first = f.json({"--out", f.out, "--limit", "2"});
    CHECK(first["resumed"] == 0);
    CHECK(lines_of(read(f.out)).size() == 3);  // a header and two results
    const Json second = f.json({"--out", f.out});
    CHECK(second["resumed"] == 2);
    CHECK(second["total"] == 5);
    CHECK(second["right"] == 4);
    const std::string whole = read(f.out);
    REQUIRE(lines_of(whole).size() == 6);
    CHECK(Json::parse(lines_of(whole)[1])["right"] == true);
    CHECK(f.json({"--out", f.out})["resumed"] == 5);
    CHECK(read(f.out) == whole);

    // Cut anywhere, as by a crash: whole lines are kept, the rest is answered again.
    for (const std::size_t size : {whole.size() - 1, whole.size() - 40, whole.find('\n') + 1, whole.find('\n') - 5}) {
        f.folder.write("out.jsonl", std::string_view(whole).substr(0, size));
        const Json again = f.json({"--out", f.out});
        INFO("cut to " << size << " of " << whole.size());
        CHECK(again["total"] == 5);
        CHECK(again["right"] == 4);
        CHECK(again["resumed"] == (size > whole.size() - 50 ? 4 : 0));
        CHECK(lines_of(read(f.out)).size() == 6);
    }

    // A corrected set is graded anew, without new answers.
    std::string corrected(kSet);
    corrected.replace(corrected.find("409"), 3, "408");
    f.folder.write("set.jsonl", corrected);
    const Json graded = f.json({"--out", f.out});
    CHECK(graded["resumed"] == 5);
    CHECK(graded["right"] == 5);
}

TEST_CASE("--out refuses results of another model or other settings, and files that are none", "[eval][slow]") {
    const Fixture f;
    f.json({"--out", f.out, "--limit", "1"});
    const std::string before = read(f.out);
    f.check_usage(f.eval({"--out", f.out, "--temp", "0.5"}), "\"sampling\"");
    f.check_usage(f.eval({"--out", f.out, "-s", "3"}), "\"seed\"");
    f.check_usage(f.eval({"--out", f.out, "-n", "77"}), "\"max_tokens\"");
    f.check_usage(f.eval({"--out", f.out, "--system-prompt", "Be brief."}), "\"system_prompt\"");
    const std::string model = f.folder.write("tiny.gguf", tiny_model());
    f.check_usage(f.eval({"--out", f.out, "-m", model}), "\"model\"");
    CHECK(read(f.out) == before);

    f.check_usage(f.eval({"--out", f.set}), "not made by distill eval");
    CHECK(read(f.set) == kSet);
    const std::string note = f.folder.write("note.txt", std::string_view("no newline"));
    f.check_usage(f.eval({"--out", note}), "not made by distill eval");
    CHECK(read(note) == "no newline");
    f.folder.write("out.jsonl", before + "{\"half\": 1}\n");
    f.check_usage(f.eval({"--out", f.out}), "line 3");
    CHECK(f.eval({"--out", "/dev/full"}).status == 2);
    CHECK(f.eval({"--out", f.folder.path() / "no/such/folder.jsonl"}).status == 1);
}

TEST_CASE("a broken line of the set is named", "[eval][hostile][slow]") {
    const Fixture f;
    const std::pair<const char*, const char*> lines[] = {
        {"{\"question\": \"x\"", "no JSON"},
        {"[1]", "object"},
        {"{\"answer\": \"1\"}", "\"question\" is missing"},
        {"{\"question\": \"x\"}", "\"answer\" is missing"},
        {"{\"question\": \"\", \"answer\": \"1\"}", "empty"},
        {"{\"question\": 5, \"answer\": \"1\"}", "must be a string"},
        {"{\"question\": \"x\", \"answer\": \"1\", \"check\": \"magic\"}", "boxed, json and contains"},
        {"{\"question\": \"x\", \"answer\": \"{\", \"check\": \"json\"}", "to be JSON"},
        {"{\"question\": \"\xff\", \"answer\": \"1\"}", "no JSON"},
        {"nul\x01", "no JSON"},
    };
    for (const auto& [line, part] : lines) {
        const std::string set = f.folder.write("broken.jsonl", std::string(kSet) + line + "\n");
        const ProcessResult r = run_distill({"eval", set});
        INFO(line);
        f.check_usage(r, part);
        CHECK(contains(r.err, "broken.jsonl: line 7"));
        CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
    }
    const std::string empty = f.folder.write("empty.jsonl", std::string_view("\n\n"));
    f.check_usage(run_distill({"eval", empty}), "holds no problem");
    f.check_usage(run_distill({"eval", f.folder.path() / "absent.jsonl"}), "absent.jsonl");
    f.check_usage(run_distill({"eval"}), "set");
    f.check_usage(f.eval({"--only", "nonesuch"}), "mul sub who wrong");
    f.check_usage(f.eval({"--temp", "-1"}), "--temp");
    const ProcessResult piped = run_distill({"eval", "-", "--json", "-t", "1"}, std::string(kSet));
    CHECK(piped.status == 0);
}

TEST_CASE("Ctrl-C prints what was scored so far and leaves with 130", "[eval][slow]") {
    const Fixture f;
    std::string many;
    for (int i = 0; i < 100'000; ++i) {
        many += R"({"question": "What is )" + std::to_string(i) +
                R"( + 1?", "answer": "1", "kind": "add", "lang": "en"})"
                "\n";
    }
    const std::string set = f.folder.write("many.jsonl", many);
    Terminal terminal(distill_binary(), {"eval", set, "--out", f.out});
    bool found = false;
    terminal.wait_for(" of 100000, ", found);
    INFO(terminal.screen());
    REQUIRE(found);
    CHECK(contains(terminal.screen(), "scoring"));
    CHECK(contains(terminal.screen(), "[......"));
    terminal.type("\x03");
    CHECK(terminal.wait_exit() == 130);
    CHECK(contains(terminal.screen(), "mean thinking"));
    CHECK(contains(terminal.screen(), "interrupted after"));
    const std::vector<std::string> lines = lines_of(read(f.out));
    CHECK(lines.size() > 1);
    for (const std::string& line : lines) CHECK(Json::accept(line));
}

TEST_CASE("the built-in model solves the first held-out problems of each kind", "[eval][builtin][slow]") {
    const std::string all = read("tests/demo/heldout.jsonl");
    if (all.empty()) DISTILL_SKIP("no tests/demo/heldout.jsonl: run from the root of the tree");
    // The first few of each kind and language: the set is sorted by these.
    const int each = kSanitized || patience() > 1 ? 1 : 3;
    std::string some;
    std::string last;
    int n = 0, total = 0;
    for (const std::string& line : lines_of(all)) {
        const Json row = Json::parse(line);
        const std::string group = row["kind"].get<std::string>() + row["lang"].get<std::string>();
        n = group == last ? n + 1 : 1;
        last = group;
        if (n > each) continue;
        some += line + "\n";
        ++total;
    }
    const TempDir folder;
    const ProcessResult r = run_distill({"eval", folder.write("set.jsonl", some), "--json", "-t", "1"});
    INFO(r.err);
    REQUIRE(r.status == 0);
    const Json j = Json::parse(r.out);
    INFO(r.out);
    CHECK(j["total"] == total);
    CHECK(j["percent"].get<double>() >= 90);
}

}  // namespace
}  // namespace distill::test
