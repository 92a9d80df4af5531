// The built-in demo model, through the real binary. Its weights may be trained again: the questions here are easy ones.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/builtin_model.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/process.h"

namespace distill::test {
namespace {

using Json = nlohmann::json;

// stderr is the one line about the model.
void check_only_note(const ProcessResult& r) {
    INFO("stderr: " << r.err);
    CHECK(contains(r.err, "built-in demo model"));
    CHECK(contains(r.err, "-m FILE.gguf"));
    CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
    CHECK(r.err.find('\033') == std::string::npos);
}

ProcessResult ask(const std::string& question, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"--temp", "0", "-t", "1", "-p", question};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_distill(arguments);
}

TEST_CASE("the built-in model is a whole aligned GGUF file", "[builtin]") {
    const auto bytes = builtin_model();
    CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % 64 == 0);
    const Gguf file = Gguf::parse(bytes, "built-in");
    CHECK(file.find_string("general.architecture") == "qwen2");
    CHECK(file.find_tensor("token_embd.weight") != nullptr);
    // Read where it lies.
    for (const Tensor& tensor : file.tensors()) {
        CHECK(tensor.data.data() >= bytes.data());
        CHECK(tensor.data.data() + tensor.data.size() <= bytes.data() + bytes.size());
    }
}

TEST_CASE("without -m the built-in model answers, in English and in Chinese", "[builtin][slow]") {
    const std::pair<const char*, const char*> questions[] = {
        {"12 * 34 = ?", "\\boxed{408}"},
        {"What is 17 times 23?", "\\boxed{391}"},
        {"Find the sum of 123 and 456.", "\\boxed{579}"},
        {"A cage holds chickens and rabbits: 35 heads and 94 feet. How many of each?", "\\boxed{23,12}"},
        {"Solve 3x + 7 = 25.", "\\boxed{6}"},
        {"12 × 34 = ？", "\\boxed{408}"},
        {"鸡兔同笼，共35个头，94只脚，鸡和兔各有几只？", "\\boxed{23,12}"},
        {"计算：100 - 58", "\\boxed{42}"},
    };
    int right = 0;
    for (const auto& [question, answer] : questions) {
        const ProcessResult r = ask(question);
        UNSCOPED_INFO(question << " -> " << r.out);
        CHECK(r.status == 0);
        check_only_note(r);
        right += contains(r.out, answer);
    }
    CHECK(right >= 7);
}

TEST_CASE("the built-in model's thinking is kept apart from its answer", "[builtin][slow]") {
    const ProcessResult plain = ask("12 * 34 = ?");
    CHECK_FALSE(contains(plain.out, "think>"));
    const ProcessResult r = ask("12 * 34 = ?", {"--json"});
    check_only_note(r);
    REQUIRE(r.status == 0);
    const Json record = Json::parse(r.out);
    CHECK(record["model"] == "built-in demo");
    CHECK(record["stop_reason"] == "end");
    CHECK(record["thinking"].get<std::string>().size() > 10);
    CHECK(record["thinking_tokens"].get<int>() > 10);
    CHECK(record["answer"].get<std::string>() + "\n" == plain.out);
    CHECK_FALSE(contains(record["answer"].get<std::string>(), "think>"));
    CHECK_FALSE(contains(record["thinking"].get<std::string>(), "think>"));
    const ProcessResult shown = ask("12 * 34 = ?", {"--think-show", "full"});
    CHECK(shown.out == plain.out);
    CHECK(contains(shown.err, record["thinking"].get<std::string>()));
}

TEST_CASE("the built-in model gives the same bytes on any number of threads", "[builtin][slow]") {
    const char* const question = "计算：12 × 34";
    const Json one = Json::parse(ask(question, {"--json", "-t", "1"}).out);
    for (const char* threads : {"2", "3"}) {
        const Json other = Json::parse(ask(question, {"--json", "-t", threads}).out);
        INFO(threads << " threads");
        for (const char* key : {"thinking", "answer", "logits"}) CHECK(other[key] == one[key]);
    }
}

TEST_CASE("weights left in the file give the same bytes", "[builtin][slow]") {
    const std::string question = "A cage holds chickens and rabbits: 35 heads and 94 feet. How many of each?";
    const ProcessResult packed = ask(question), mapped = ask(question, {"--no-repack"});
    CHECK(mapped.status == 0);
    CHECK(!mapped.out.empty());
    CHECK(mapped.out == packed.out);
    CHECK(mapped.err == packed.err);
}

TEST_CASE("every command that takes -m works without it", "[builtin]") {
    const ProcessResult info = run_distill({"info", "--json"});
    CHECK(info.status == 0);
    check_only_note(info);
    const Json facts = Json::parse(info.out);
    CHECK(facts["file"] == "built-in demo");
    CHECK(facts["supported"] == true);
    CHECK(contains(run_distill({"info"}).out, "built-in demo"));

    const ProcessResult ids = run_distill({"tokenize", "-p", "12"});
    CHECK(ids.status == 0);
    check_only_note(ids);
    const ProcessResult text = run_distill({"tokenize", "--decode"}, ids.out);
    CHECK(text.out == "12");

    const TempDir dir;
    const std::string path = dir.path() / "out.f32";
    const ProcessResult logits = run_distill({"logits", "--ids", "65,66", "-o", path});
    CHECK(logits.status == 0);
    check_only_note(logits);
    CHECK(std::filesystem::file_size(path) == 2 * sizeof(float) * facts["n_vocab"].get<std::size_t>());

    const ProcessResult bench = run_distill({"bench", "-p", "8", "-n", "2", "-r", "1", "-t", "1", "-o", "jsonl"});
    CHECK(bench.status == 0);
    check_only_note(bench);
    CHECK(Json::parse(bench.out.substr(0, bench.out.find('\n')))["model"] == "built-in demo");

    // Mistakes are told as ever, in one line.
    const ProcessResult mistake = run_distill({"logits", "-o", "x"});
    CHECK(mistake.status == 2);
    CHECK(std::count(mistake.err.begin(), mistake.err.end(), '\n') == 1);
}

TEST_CASE("a chat without -m is one with the built-in model", "[builtin][chat][slow]") {
    Terminal terminal(distill_binary(), {"--temp", "0", "-t", "1", "--no-history"});
    bool found = false;
    terminal.wait_for("built-in demo model", found);
    REQUIRE(found);
    terminal.wait_for(">>> ", found);
    terminal.type("12 * 34 = ?\r");
    terminal.wait_for("boxed{408}", found);
    INFO(terminal.screen());
    CHECK(found);
    terminal.wait_for(">>> ", found);
    terminal.type("/bye\r");
    CHECK(terminal.wait_exit() == 0);
}

}  // namespace
}  // namespace distill::test
