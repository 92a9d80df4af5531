#include "cli/extract.h"

#include <chrono>

#include "tests/support/catch.h"
#include "tests/support/patience.h"

namespace distill {
namespace {

constexpr const char* kNone = nullptr;

struct Row {
    const char* what;
    const char* answer;
    const char* part;  // kNone: there is none
};

template <std::size_t N>
void check_rows(Extract part, const Row (&rows)[N]) {
    for (const Row& row : rows) {
        INFO(row.what);
        const auto found = extract(part, row.answer);
        REQUIRE(found.has_value() == (row.part != kNone));
        if (found) CHECK(*found == row.part);
    }
}

TEST_CASE("extract: the last box", "[extract]") {
    const Row rows[] = {
        {"plain", "so \\boxed{42}.", "42"},
        {"the last one counts", "\\boxed{1} no, \\boxed{2}", "2"},
        {"nested braces", "\\boxed{\\frac{1}{2}} done", "\\frac{1}{2}"},
        {"escaped braces", "\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"},
        {"one line", "\\boxed{1\n2}", "1 2"},
        {"empty", "\\boxed{}", ""},
        {"never closed", "\\boxed{1", kNone},
        {"the last is cut: an earlier one may be wrong", "\\boxed{1} or \\boxed{2", kNone},
        {"none", "42", kNone},
        {"nothing", "", kNone},
    };
    check_rows(Extract::boxed, rows);
}

TEST_CASE("extract: the last JSON value", "[extract]") {
    const Row rows[] = {
        {"an object in prose", "Here: {\"a\": 1}. Good?", "{\"a\": 1}"},
        {"the last of two", "{\"a\": 1} or {\"a\": 2}", "{\"a\": 2}"},
        {"not the one inside", "{\"a\": {\"b\": [1, 2]}}", "{\"a\": {\"b\": [1, 2]}}"},
        {"brackets in strings", "x {\"a\": \"}]\\\"\"} y", "{\"a\": \"}]\\\"\"}"},
        {"text as it stands", "[1,\n  2]", "[1,\n  2]"},
        {"a block before a footnote", "```json\n{\"a\": 1}\n```\nsee [1]", "{\"a\": 1}"},
        {"a block that is no JSON", "```\nx = {}\n``` and [3]", "[3]"},
        {"braces that are no JSON", "{x} [y] {\"a\": 1,}", kNone},
        {"valid inside invalid", "{x: [1, 2]}", "[1, 2]"},
        {"crossed brackets", "[1, {2]}", kNone},
        {"unclosed", "{\"a\": [1, 2", kNone},
        {"the whole answer, a number", " 42\n", "42"},
        {"the whole answer, a string", "\"x\"", "\"x\""},
        {"prose", "The answer is 42.", kNone},
        {"nothing", "", kNone},
    };
    check_rows(Extract::json, rows);
}

TEST_CASE("extract: the last fenced block", "[extract]") {
    const Row rows[] = {
        {"with a language", "Run:\n```sh\nls -l\n```\nThat is all.", "ls -l"},
        {"several lines, indents stay", "```\na\n  b\n\nc\n```", "a\n  b\n\nc"},
        {"the last one", "```\na\n```\n```\nb\n```\n", "b"},
        {"tildes", "~~~\na\n~~~", "a"},
        {"a longer fence holds a shorter one", "````\n```\na\n```\n````", "```\na\n```"},
        {"indented", "1. x\n   ```\n   a\n   ```\n", "   a"},
        {"empty", "```\n```", ""},
        {"cut: an earlier one", "```\na\n```\n```\nb", "a"},
        {"code within a line", "```a```\nb", kNone},
        {"never closed", "```\na", kNone},
        {"none", "a", kNone},
    };
    check_rows(Extract::code, rows);
}

TEST_CASE("extract: the last line", "[extract]") {
    const Row rows[] = {
        {"one", "a", "a"},
        {"the last", "a\nb", "b"},
        {"blank lines behind it", "a\nb \n \n\n", "b"},
        {"CR LF", "a\r\nb\r\n", "b"},
        {"blanks only", " \n\t\n", kNone},
        {"nothing", "", kNone},
    };
    check_rows(Extract::last_line, rows);
}

TEST_CASE("extract stays linear in a text of brackets", "[extract][hostile][slow]") {
    for (const std::string& unit : {std::string("["), std::string("{\""), std::string("[\""), std::string("```\n"),
                                    std::string("\\boxed{"), std::string("[1,")}) {
        std::string text;
        while (text.size() < 200'000) text += unit;
        const auto start = std::chrono::steady_clock::now();
        for (const Extract part : {Extract::boxed, Extract::json, Extract::code, Extract::last_line})
            extract(part, text);
        INFO(unit);
        CHECK(std::chrono::steady_clock::now() - start < test::patience() * std::chrono::seconds(5));
    }
}

}  // namespace
}  // namespace distill
