// Trained models of the shared folder, through the real binary: the text that other engines give for them.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/shared_files.h"

namespace distill::test {
namespace {

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string without_newlines(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

// What stands in the last \boxed{...}; "" if there is none.
std::string boxed(const std::string& text) {
    const std::size_t at = text.rfind("\\boxed{");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + 7;
    return text.substr(begin, text.find('}', begin) - begin);
}

TEST_CASE("stories260K continues its story word for word", "[real]") {
    DISTILL_SHARED_OR_SKIP(model, "models/stories260K.gguf");
    DISTILL_SHARED_OR_SKIP(expected, "models/stories260K.greedy200.txt");
    const ProcessResult r =
        run_distill({"-m", model.string(), "--raw", "--temp", "0", "-n", "200", "-p", "Once upon a time"});
    INFO(r.err);
    CHECK(r.status == 0);
    CHECK(without_newlines(r.out) == without_newlines(read_file(expected)));
}

TEST_CASE("the trial model solves its puzzles as recorded, thinking kept off stdout", "[real][slow]") {
    DISTILL_SHARED_OR_SKIP(model, "models/trial-Q4_K_M.gguf");
    DISTILL_SHARED_OR_SKIP(cases, "models/trial.cases.jsonl");
    std::ifstream lines(cases);
    int n = 0;
    for (std::string line; std::getline(lines, line); ++n) {
        const auto row = nlohmann::json::parse(line);
        const std::string question = row["question"];
        const ProcessResult r = run_distill({"-m", model.string(), "--temp", "0", "-p", question});
        INFO(question << "\n" << r.out << r.err);
        CHECK(r.status == 0);
        CHECK_FALSE(boxed(r.out).empty());
        CHECK(boxed(r.out) == boxed(row["greedy"]));
        CHECK(r.out.find("</think>") == std::string::npos);
        const std::string greedy = row["greedy"];
        CHECK(r.out.find(greedy.substr(0, std::min<std::size_t>(20, greedy.find('\n')))) == std::string::npos);
    }
    CHECK(n > 0);
}

}  // namespace
}  // namespace distill::test
