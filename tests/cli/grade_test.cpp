// What counts as a right answer: each rule of cli/grade.h, and what must not be taken for equal.
#include "cli/grade.h"

#include "tests/support/catch.h"

namespace distill::test {
namespace {

bool boxed(std::string_view content, std::string_view expected, std::string_view unit = {}) {
    return is_right("So \\boxed{" + std::string(content) + "}.", expected, Check::boxed, unit);
}

TEST_CASE("the last boxed answer counts, its braces balanced", "[grade]") {
    CHECK(last_boxed("\\boxed{1} no, \\boxed{\\frac{1}{2}}") == "\\frac{1}{2}");
    CHECK(last_boxed("\\boxed{\\{1\\}}") == "\\{1\\}");
    CHECK(last_boxed("\\boxed{}") == "");
    CHECK_FALSE(last_boxed("\\boxed{1} then \\boxed{2"));
    CHECK_FALSE(last_boxed("42"));
    CHECK_FALSE(is_right("42", "42", Check::boxed));
    CHECK_FALSE(is_right("", "", Check::boxed));
    CHECK(is_right("\\boxed{41} or rather $\\boxed{42}$", "42", Check::boxed));
    CHECK_FALSE(is_right("\\boxed{42} or rather \\boxed{41}", "42", Check::boxed));
}

TEST_CASE("what does not change a boxed answer", "[grade]") {
    CHECK(boxed(" 42 ", "42"));
    CHECK(boxed("42.", "42"));
    CHECK(boxed("42。", "42"));
    CHECK(boxed("$42$", "42"));
    CHECK(boxed("\\(42\\)", "42"));
    CHECK(boxed("23, 12", "23,12"));
    CHECK(boxed("23，12", "23,12"));
    CHECK(boxed("４２", "42"));
    CHECK(boxed("42\\text{ cm}", "42cm"));
    CHECK(boxed("\\mathrm{cm}", "cm"));
    CHECK(boxed("\\dfrac{1}{2}", "\\frac{1}{2}"));
    CHECK(boxed("\\tfrac12", "\\frac12"));
    CHECK(boxed("\\left(1,\\;2\\right)", "(1,2)"));
    CHECK(boxed("26\\%", "26%"));
    CHECK(boxed("26%", "26\\%"));
    CHECK(boxed("\\$5", "5") == false);  // a dollar that is meant
    CHECK(boxed("2^{n}+7", "2^n+7"));
    CHECK(boxed("x = 3\\quad", "x=3"));
    CHECK(
        boxed("\xc2\xa0"
              "7\xe3\x80\x80",
              "7"));
}

TEST_CASE("what does", "[grade]") {
    CHECK_FALSE(boxed("0.5", "\\frac{1}{2}"));
    CHECK_FALSE(boxed("x=3", "3"));
    CHECK_FALSE(boxed("42", "4.2"));
    CHECK_FALSE(boxed("-42", "42"));
    CHECK_FALSE(boxed("12,23", "23,12"));
    CHECK_FALSE(boxed("2^{n+1}", "2^n+1"));
    CHECK_FALSE(boxed("\\{1\\}", "1"));
    CHECK_FALSE(boxed("", "42"));
    CHECK_FALSE(boxed("4 2..", "42"));
}

TEST_CASE("thousands commas, and commas that are none", "[grade]") {
    CHECK(boxed("12,345", "12345"));
    CHECK(boxed("-1,234,567.5", "-1234567.5"));
    CHECK(boxed("12{,}345", "12345"));
    CHECK(boxed("12\\,345", "12345"));
    CHECK(boxed("12，345", "12345"));
    CHECK(boxed("23,120", "23,120"));
    CHECK(boxed("23,120", "23, 120"));
    CHECK_FALSE(boxed("23120", "23,120"));   // a pair was asked for
    CHECK_FALSE(boxed("23, 120", "23120"));  // a pair was given
    CHECK_FALSE(boxed("12,34", "1234"));
    CHECK_FALSE(boxed("1234,567", "1234567"));
    CHECK_FALSE(boxed("1,234,56", "123456"));
    CHECK_FALSE(boxed("1,2345", "12345"));
    CHECK_FALSE(boxed("0.1,234", "0.1234"));
}

TEST_CASE("a unit counts only where the problem names it", "[grade]") {
    CHECK_FALSE(boxed("42 cm", "42"));
    CHECK(boxed("42\\text{ cm}", "42", "cm"));
    CHECK(boxed("42", "42", "cm"));
    CHECK(boxed("42平方厘米", "42", "平方厘米"));
    CHECK_FALSE(boxed("42 mm", "42", "cm"));
    CHECK_FALSE(boxed("cm", "42", "cm"));
}

TEST_CASE("JSON answers are compared as values", "[grade]") {
    const std::string wanted = R"({"name": "Ann", "age": 7})";
    CHECK(is_right(R"({"age":7.0,"name":"\u0041nn"})", wanted, Check::json));
    CHECK(is_right("Here it is:\n```json\n" + wanted + "\n```\n", wanted, Check::json));
    CHECK(is_right("  [1, 2]\n", "[1,2]", Check::json));
    CHECK_FALSE(is_right("[2, 1]", "[1,2]", Check::json));
    CHECK_FALSE(is_right(R"({"name": "Ann", "age": "7"})", wanted, Check::json));
    CHECK_FALSE(is_right(R"({"name": "Ann"})", wanted, Check::json));
    CHECK_FALSE(is_right("The answer: " + wanted, wanted, Check::json));
    CHECK_FALSE(is_right("", wanted, Check::json));
    CHECK_FALSE(is_right(std::string(100'000, '['), wanted, Check::json));
    CHECK_FALSE(is_right("```", wanted, Check::json));
    CHECK_FALSE(is_right("``````", wanted, Check::json));
    CHECK_FALSE(is_right("1e999", wanted, Check::json));
}

TEST_CASE("contained text", "[grade]") {
    CHECK(is_right("That is beyond\n  me.", "beyond me", Check::contains));
    CHECK(is_right("超出了我的能力", "超出", Check::contains));
    CHECK_FALSE(is_right("Beyond me", "beyond me", Check::contains));
    CHECK_FALSE(is_right("", "x", Check::contains));
}

TEST_CASE("names of checks", "[grade]") {
    for (const Check check : {Check::boxed, Check::json, Check::contains}) CHECK(find_check(name_of(check)) == check);
    CHECK_FALSE(find_check("nonesuch"));
}

}  // namespace
}  // namespace distill::test
