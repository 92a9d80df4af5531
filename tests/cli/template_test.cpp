#include "cli/template.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/process.h"

namespace distill::test {
namespace {

using Json = nlohmann::json;

ProcessResult run_at(std::vector<std::string> arguments, std::string input) {
    ProcessOptions options;
    options.arguments = std::move(arguments);
    options.input = std::move(input);
    options.environment = {{"SOURCE_DATE_EPOCH", "1767323045"}};
    return run_distill(options);
}

TEST_CASE("template: one object in, the exact bytes out", "[cli][template]") {
    const TempDir folder;
    const std::string file =
        folder.write("t.jinja", std::string_view("{{ bos_token }}{% for m in messages %}[{{ m.role }}]"
                                                 "{{ m.content }}{% endfor %}{{ x }}{{ tools is none }}"
                                                 "{{ strftime_now('%Y') }}\n\n"));
    const ProcessResult r =
        run_at({"template", "--template", file},
               R"({"messages":[{"role":"user","content":"hé\n"}],"bos_token":"<s>","extra":{"x":1.0},"other":1})");
    CHECK(r.out == "<s>[user]hé\n1.0True2026\n");
    CHECK(r.err.empty());
    CHECK(r.status == 0);
}

TEST_CASE("template: rows with their own templates", "[cli][template]") {
    const std::string rows =
        R"({"template":"{{ messages[0]|tojson }}","messages":[{"z":1,"a":[1.50,9007199254740993,1e3]}],"name":"x"})"
        "\n"
        R"({"template":"{{ 1 / 0 }}","messages":[]})"
        "\n"
        "\n"
        R"({"template":"{% if %}","messages":[]})"
        "\n"
        "not json\n"
        R"({"messages":[]})"
        "\n"
        R"({"template":"a{{ add_generation_prompt }}{{ eos_token }}","messages":[],"tools":null,"add_generation_prompt":true,"eos_token":"</s>"})"
        "\n"
        R"({"template":"{{ n }}","messages":[],"extra":{"n":18446744073709551616}})"
        "\n"
        R"({"template":"{{ tools[0].a }}","messages":[],"tools":[{"a":1}]})";
    const ProcessResult r = run_at({"template", "--jsonl"}, rows);
    CHECK(r.status == 0);
    std::vector<Json> out;
    for (std::size_t at = 0; at < r.out.size();) {
        const std::size_t end = r.out.find('\n', at);
        REQUIRE(end != std::string::npos);
        out.push_back(Json::parse(r.out.substr(at, end - at)));
        at = end + 1;
    }
    REQUIRE(out.size() == 8);
    CHECK(out[0]["text"] == R"({"z": 1, "a": [1.5, 9007199254740993, 1000.0]})");
    CHECK(contains(out[1]["error"].get<std::string>(), "line 1, column 4: division by zero"));
    CHECK(contains(out[2]["error"].get<std::string>(), "line 1"));
    CHECK(contains(out[3]["error"].get<std::string>(), "JSON"));
    CHECK(contains(out[4]["error"].get<std::string>(), "template"));
    CHECK(out[5]["text"] == "aTrue</s>");
    CHECK(contains(out[6]["error"].get<std::string>(), "64 bits"));
    CHECK(out[7]["text"] == "1");
}

TEST_CASE("template: a model's own", "[cli][template]") {
    const TempDir folder;
    const std::string own =
        folder.write("m.gguf", tiny_builder({.chat_template = "<{{ messages[0].content }}>"}).build());
    const std::string chat = R"({"messages":[{"role":"user","content":"hi"}],"add_generation_prompt":true})";
    CHECK(run_at({"template", "-m", own}, chat).out == "<hi>");
    const ProcessResult demo = run_at({"template"}, chat);
    CHECK(demo.status == 0);
    CHECK(demo.out == "<｜begin▁of▁sentence｜><｜User｜>hi<｜Assistant｜><think>\n");
    const std::string bad = folder.write("b.gguf", tiny_builder({.chat_template = "{% if %}"}).build());
    const ProcessResult refused = run_at({"template", "-m", bad}, chat);
    CHECK(refused.status == 3);
    CHECK(contains(refused.err, "tokenizer.chat_template"));
}

TEST_CASE("template: wrong usage", "[cli][template]") {
    CHECK(run_at({"template", "--template", "/nonesuch.jinja"}, R"({"messages":[]})").status == 2);
    CHECK(run_at({"template"}, "[1]").status == 2);
    CHECK(run_at({"template"}, "{").status == 2);
    CHECK(run_at({"template"}, R"({"messages":1})").status == 2);
    CHECK(run_at({"template", "--jsonl", "--template", "x"}, "").status == 2);
}

TEST_CASE("a run takes its template by name or file, with variables", "[cli][template]") {
    const TempDir folder;
    const std::string file = folder.write("t.jinja", std::string_view("{{ raise_exception('got ' ~ mood) }}"));
    const auto run = [&](std::vector<std::string> flags) {
        std::vector<std::string> arguments = {"-p", "1 + 1 = ?", "-n", "4", "-t", "1"};
        arguments.insert(arguments.end(), flags.begin(), flags.end());
        return run_distill(arguments);
    };
    const ProcessResult by_file = run({"--chat-template", file, "--chat-template-kwargs", R"({"mood": "glum"})"});
    CHECK(by_file.status == 2);
    CHECK(contains(by_file.err, "got glum"));
    CHECK(run({"--chat-template", "deepseek-r1"}).status == 0);
    CHECK(run({"--chat-template-kwargs", R"({"enable_thinking": false})"}).status == 0);
    const ProcessResult bad = run({"--chat-template-kwargs", "[1]"});
    CHECK(bad.status == 2);
    CHECK(contains(bad.err, "--chat-template-kwargs"));
}

}  // namespace
}  // namespace distill::test
