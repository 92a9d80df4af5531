// The interpreter by tables: what templates give, what they may not do, and that hostile ones end in time.
#include <sys/resource.h>

#include <ctime>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/patience.h"
#include "tokenizer/template/chat.h"
#include "tokenizer/template/clock.h"
#include "tokenizer/template/template.h"

namespace distill::test {
namespace {

std::string render(std::string_view source) {
    jinja::Context context;
    context["messages"] = to_value(std::vector<Message>{{"system", "Be good."}, {"user", "Hi"}, {"assistant", "Yo"}});
    context["n"] = jinja::Value(std::int64_t{5});
    return std::string(jinja::Template(source, "t", Status::bad_model).render(context, 1767323045).view());
}

struct Row {
    std::string source, expected;
};

TEST_CASE("templates give what Jinja2 gives", "[template]") {
    const std::vector<Row> rows = {
        // White space
        {"  {% if n %}\n  a\n  {% endif %}\nb", "  a\nb"},
        {"a  {%- if n -%}  b  {%- endif %}\n c", "ab c"},
        {"x\n  {{ n }}\n", "x\n  5"},
        {"  {%+ if n %}a{% endif +%}\nb", "  a\nb"},
        {"a {#- note -#} b", "ab"},
        {"{% raw %}{{ n }}{% endraw %}", "{{ n }}"},
        {"a\r\nb\r", "a\nb"},
        // Precedence
        {"{{ -2 ** 2 }} {{ 2 ** 3 ** 2 }} {{ 1 ~ 2 * 3 }}", "4 64 16"},
        {"{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ not 1 == 2 }}", "True False True"},
        {"{{ 'a' if n > 9 else 'b' if n > 4 else 'c' }}", "b"},
        {"{{ 'x' if false }}|{{ n is not none and n is number }}", "|True"},
        // Numbers as Python has them
        {"{{ 7 / 2 }} {{ 6 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7.5 % -2 }}", "3.5 3.0 -4 2 -0.5"},
        {"{{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 1e-5 }} {{ 0.1 + 0.2 }}",
         "1e+16 1000000000000000.0 0.0001 1e-05 0.30000000000000004"},
        {"{{ 2.5|round }} {{ 2.675|round(2) }} {{ 7|round }} {{ '12abc'|int(3) }} {{ '0x1f'|int(base=16) }}",
         "2.0 2.67 7 3 31"},
        // str and repr
        {"{{ [1, 'a', none, true, 1.5, (2,), {'k': \"it's\"}] }}", "[1, 'a', None, True, 1.5, (2,), {'k': \"it's\"}]"},
        {"{{ {'a': [1, {'b': none}], 'é': 1.0}|tojson }}", "{\"a\": [1, {\"b\": null}], \"é\": 1.0}"},
        {"{{ {'a': [1], 'b': {}}|tojson(indent=1) }}", "{\n \"a\": [\n  1\n ],\n \"b\": {}\n}"},
        // Undefined
        {"[{{ nope }}{{ nope|default('d') }}{{ nope is defined }}{% for x in nope %}{% endfor %}]", "[dFalse]"},
        // Slices, strings
        {"{{ 'héllo'[1] }} {{ 'abc'[::-1] }} {{ [1,2,3,4][-2:] }} {{ 'abc'[10:] }}{{ [1][5] is defined }}",
         "é cba [3, 4] False"},
        {"{{ 'a</think>b</think>c'.split('</think>')[-1] }} {{ ' x '|trim }} {{ 'xxaxx'.strip('x') }}", "c x a"},
        {"{{ '%s-%03d' % ('a', 7) }} {{ '{:>4}|{!r}'.format(1, 'q') }}", "a-007    1|'q'"},
        {"{{ 'ß ñ'.upper() }} {{ \"they're x-y\"|title }} {{ 'ab' * 2 }}", "SS Ñ They're X-Y abab"},
        // Scopes
        {"{% set x = 1 %}{% for i in [1,2] %}{% set x = i %}{{ x }}{% endfor %}{{ x }}", "121"},
        {"{% set ns = namespace(t=0) %}{% for i in range(4) %}{% set ns.t = ns.t + i %}{% endfor %}{{ ns.t }}", "6"},
        {"{% macro f(a, b=2, c=b) %}{{ a }}{{ b }}{{ c }}{{ late }}{% endmacro %}{% set late = '!' %}{{ f(1) }}{{ f(1, "
         "c=9) }}",
         "122!129!"},
        {"{% macro box() %}[{{ caller('x') }}]{% endmacro %}{% call(v) box() %}{{ v }}{{ n }}{% endcall %}", "[x5]"},
        {"{% set b %}a{{ n }}{% endset %}{{ b|upper }}{% filter upper %}q{% endfilter %}{% with q=1 %}{{ q }}{% "
         "endwith %}",
         "A5Q1"},
        {"{% generation %}a{% endgeneration %}", "a"},
        // Loops
        {"{% for m in messages %}{{ loop.index }}{{ m.role[0] }}{{ ',' if not loop.last }}{% endfor %}", "1s,2u,3a"},
        {"{% for i in range(5) if i is odd %}{{ i }}/{{ loop.length }} {% else %}none{% endfor %}", "1/2 3/2 "},
        {"{% for i in [1,2,3] %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "13"},
        {"{% for i in [1,2] %}{% break %}{% else %}else{% endfor %}", "else"},
        {"{% for k, v in {'a': 1, 'b': 2}|dictsort(reverse=true) %}{{ k }}{{ v }}{% endfor %}", "b2a1"},
        {"{% for x in [[1, [2, [3]]]] recursive %}{{ x if x is number else loop(x) }}{% endfor %}", "123"},
        {"{% for m in messages %}{{ loop.previtem.role if loop.previtem }}>{% endfor %}", ">system>user>"},
        // Generators come once
        {"{% set g = [1,2]|map('string') %}{{ g|list }}{{ g|list }}{{ 'yes' if []|map('upper') }}", "['1', '2'][]yes"},
        {"{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|join }}", "Hi"},
        {"{{ messages|groupby('role')|map('first')|join(' ') }}", "assistant system user"},
        {"{{ messages[1:]|map(attribute='role')|list }}{{ (messages|last).content }}", "['user', 'assistant']Yo"},
        // Clock
        {"{{ strftime_now('%d %b %Y') }}", "02 Jan 2026"},
        // A dict's methods come before its keys
        {"{{ {'items': 1}.items is callable }} {{ {'items': 1}['items'] }} {{ {'a': 1}.a }}", "True 1 1"},
        // Values cannot be changed
        {"{{ [].append is defined }}{{ {}.update is defined }}", "FalseFalse"},
        {"{{ x|nosuch if false else 'ok' }}{% if false %}{% include 'x' %}{% endif %}", "ok"},
    };
    for (const Row& row : rows) {
        INFO(row.source);
        std::string got;
        const auto error = error_of([&] { got = render(row.source); });
        INFO((error ? error->what() : ""));
        CHECK(got == row.expected);
        CHECK_FALSE(error);
    }
}

TEST_CASE("mistakes are errors with line and column", "[template]") {
    struct Mistake {
        std::string source, problem, place;
        Status status;
    };
    const std::vector<Mistake> rows = {
        {"a\n  {{ 1 + }}", "unexpected '}}'", "t, line 2, column 10", Status::bad_model},
        {"{% if n %}", "unexpected end of template", "line 1", Status::bad_model},
        {"{{ 'abc }}", "a string is not closed", "column 4", Status::bad_model},
        {"{{ n", "the tag is not closed", "column 1", Status::bad_model},
        {"{# n", "missing end of comment", "column 1", Status::bad_model},
        {"{% raw %}x", "missing end of raw", "column 1", Status::bad_model},
        {"{{ (1] }}", "unexpected ']', expected ')'", "column 6", Status::bad_model},
        {"{{ n|nosuch }}", "no filter named 'nosuch'", "column 6", Status::bad_model},
        {"{{ n is nosuch }}", "no test named 'nosuch'", "column 6", Status::bad_model},
        {"{% nosuch %}", "unknown tag 'nosuch'", "column 4", Status::bad_model},
        {"{% break %}", "outside of a loop", "column 4", Status::bad_model},
        {"{% for loop in n %}{% endfor %}", "special loop variable", "column 8", Status::bad_model},
        {"{% set n.a.b = 1 %}", "expected", "column 11", Status::bad_model},
        {"{{ 99999999999999999999 }}", "does not fit 64 bits", "column 4", Status::bad_model},
        {"{% block b %}{% endblock %}", "stands alone", "column 4", Status::bad_model},
        {"\n\n{{ messages[0].x.y }}", "has no attribute 'x'", "line 3, column 17", Status::usage},
        {"{{ nope.x }}", "'nope' is undefined", "column 8", Status::usage},
        {"{{ nope() }}", "'nope' is undefined", "", Status::usage},
        {"{{ 1 / 0 }}{{ 1 }}", "division by zero", "column 4", Status::usage},
        {"{{ 1 // 0 }}", "division by zero", "", Status::usage},
        {"{{ 1.5 % 0 }}", "division by zero", "", Status::usage},
        {"{{ (-9223372036854775807 - 1) // -1 }}", "64-bit", "", Status::usage},
        {"{{ -(-9223372036854775807 - 1) }}", "64-bit", "", Status::usage},
        {"{{ 9223372036854775807 + 1 }}", "64-bit", "", Status::usage},
        {"{{ 2 ** 63 }}", "64-bit", "", Status::usage},
        {"{{ 9223372036854775807|round(-1) }}", "64-bit", "", Status::usage},
        {"{{ [1][::0] }}", "step cannot be zero", "", Status::usage},
        {"{{ range(1, 2, 0) }}", "must not be zero", "", Status::usage},
        {"{{ range(1000000000000000000) }}", "100000", "", Status::usage},
        {"{{ raise_exception('no ' ~ n) }}", "the template refuses: no 5", "", Status::usage},
        {"{{ 1 + 'a' }}", "unsupported operand", "", Status::usage},
        {"{{ 1 < 'a' }}", "not supported between", "", Status::usage},
        {"{{ [].append(1) }}", "unsafe", "", Status::usage},
        {"{{ {[1]: 2} }}", "unhashable", "", Status::usage},
        {"{{ [1]|map('string')|tojson }}", "not JSON serializable", "", Status::usage},
        {"{% include 'x' %}", "stands alone", "", Status::usage},
        {"{% import 'x' as y %}", "stands alone", "", Status::usage},
        {"{% set x.y = 1 %}", "non-namespace", "", Status::usage},
        {"{% for a, b in [[1]] %}{% endfor %}", "not enough values", "", Status::usage},
        {"{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "not more than 1", "", Status::usage},
        {"{{ '%d' % 'x' }}", "real number is required", "", Status::usage},
        {"{{ '{}'.format() }}", "out of range", "", Status::usage},
    };
    for (const Mistake& row : rows) {
        INFO(row.source);
        const auto error = error_of([&] { render(row.source); });
        REQUIRE(error);
        CHECK(contains(error->problem(), row.problem));
        CHECK(contains(error->where(), row.place));
        CHECK(error->status() == row.status);
        INFO(error->what());
    }
}

std::string times(std::string_view text, std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out += text;
    return out;
}

TEST_CASE("hostile templates end in an error, soon and small", "[template][hostile][slow]") {
    const std::vector<Row> rows = {
        {"brackets", "{{ " + times("(", 100'000) + times(")", 100'000) + " }}"},
        {"lists", "{{ " + times("[", 100'000) + " }}"},
        {"not", "{{ " + times("not ", 100'000) + "1 }}"},
        {"minus", "{{ " + times("-", 100'000) + "1 }}"},
        {"attributes", "{{ n" + times(".a", 100'000) + " }}"},
        {"sum", "{{ 1" + times("+1", 100'000) + " }}"},
        {"filters", "{{ n" + times("|e", 100'000) + " }}"},
        {"conditions", "{{ 1" + times(" if 1 else 1", 30'000) + " }}"},
        {"blocks", times("{% if 1 %}", 30'000)},
        {"macros in macros", times("{% macro f() %}", 1000)},
        {"targets", "{% for " + times("(", 50'000) + "a" + times(")", 50'000) + " in n %}{% endfor %}"},
        {"huge source", times("{{ n }}", 100'000)},
        {"recursion", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"},
        {"recursion by argument", "{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}"},
        {"recursive loop", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"},
        {"caller recursion",
         "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{% call f() %}{% endcall %}"},
        {"self", "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}"},
        {"self in a list", "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a|string|length }}"},
        {"loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"},
        {"doubling",
         "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}"},
        {"doubling lists",
         "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}"},
        {"sharing",
         "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}"},
        {"sharing as JSON",
         "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ "
         "ns.s|tojson }}"},
        {"sharing compared",
         "{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}"
         "{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}"},
        {"sharing as key",
         "{% set ns = namespace(s=(1,)) %}{% for i in range(60) %}{% set ns.s = (ns.s, ns.s) %}{% endfor %}{{ {ns.s: "
         "1} }}"},
        {"deep list", "{% set ns = namespace(s=1) %}{% for i in range(90000) %}{% set ns.s = [ns.s] %}{% endfor %}"},
        {"deep generator",
         "{% set ns = namespace(s=[1]) %}{% for i in range(90000) %}{% set ns.s = ns.s|map('string') %}{% endfor %}{{ "
         "ns.s|list }}"},
        {"repeat", "{{ 'a' * 9223372036854775807 }}"},
        {"repeat list", "{{ [1] * 9223372036854775807 }}"},
        {"indent", "{{ 'a'|indent(9223372036854775807, true) }}"},
        {"many indents", "{{ ('\n' * 10000)|indent(10000, true, true) }}"},
        {"JSON indent", "{{ [1]|tojson(indent=1000000000) }}"},
        {"center", "{{ 'a'|center(9223372036854775807) }}"},
        {"width", "{{ '%9223372036854775807d' % 1 }}"},
        {"width by argument", "{{ '%*d' % (999999999999, 1) }}"},
        {"precision", "{{ '%.999999f' % 1 }}"},
        {"format width", "{{ '{:999999999999}'.format(1) }}"},
        {"format depth", "{{ '{:{:{}}}'.format(1, 2, 3) }}"},
        {"batch fill", "{{ [1]|batch(9223372036854775807, 0)|list }}"},
        {"slices", "{{ [1]|slice(9223372036854775807)|list }}"},
        {"replace", "{{ ('a' * 1000000)|replace('', 'bbbbbbbbbbbbbbbbbbbbbbbb') }}"},
        {"search",
         "{% set a = 'a' * 4000000 %}{% set b = a ~ 'b' %}{% for i in range(99999) %}{{ b in a ~ a }}{% endfor %}"},
        {"scan", "{% set a = 'a' * 8000000 %}{% for i in range(99999) %}{% if a.count('b') %}{% endif %}{% endfor %}"},
        {"split", "{{ ('a' * 9000000)|list|length }}"},
        {"output", "{% set a = 'a' * 1000000 %}{% for i in range(99999) %}{{ a }}{% endfor %}"},
        {"sort", "{% for i in range(99999) %}{% if range(99999)|sort %}{% endif %}{% endfor %}"},
        {"unique",
         "{{ range(99999)|list|unique|list|length }}{% for i in range(99) %}{{ range(99999)|unique|list|length }}{% "
         "endfor %}"},
        {"loop kept",
         "{% set ns = namespace() %}{% for i in [1] recursive %}{% set ns.l = loop %}{% endfor %}{{ ns.l([1]) }}"},
        {"wide call", "{{ dict(**dict(range(99999)|map('string')|map('list'))) }}"},
        {"changed", "{% for i in range(99999) %}{{ loop.changed(loop) }}{{ range(99999)|sum }}{% endfor %}"},
    };
    for (const Row& row : rows) {
        INFO(row.source);
        // Processor time: others may share the machine.
        const std::clock_t start = std::clock();
        const auto error = error_of([&] { render(row.expected); });
        const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
        REQUIRE(error);
        CHECK(contains(error->where(), "t, line "));
        CHECK(seconds < (kSanitized ? 20 : 1.5) * patience());
    }
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    if (!kSanitized) CHECK(usage.ru_maxrss < 1024 * 1024);  // in KiB, and for the whole test program
}

TEST_CASE("limits leave room for honest templates", "[template]") {
    const std::string depth = times("(", 90) + "1" + times(")", 90);
    CHECK(render("{{ " + depth + " }}") == "1");
    CHECK(render("{{ 1" + times(" + 1", 200) + " }}") == "201");
    CHECK(render("{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40)|length }}") == "72");
    CHECK(render("{% for i in range(90000) %}{% endfor %}{{ ('a' * 8000000)|length }}") == "8000000");
    std::vector<Message> many;
    for (int i = 0; i < 2000; ++i) many.push_back({i % 2 == 0 ? "user" : "assistant", "a turn of the conversation"});
    CHECK(ChatTemplate::by_name("deepseek-r1")->render(many, true).text().size() > 80'000);
}

TEST_CASE("dates", "[template]") {
    using jinja::format_time;
    CHECK(format_time("%Y-%m-%d %H:%M:%S", 0) == "1970-01-01 00:00:00");
    CHECK(format_time("%A %d %B %Y, day %j, week %V of %G", 951782400) ==
          "Tuesday 29 February 2000, day 060, week 09 of 2000");
    CHECK(format_time("%-d.%-m. %e|%I %p|%y", 1767323045) == "2.1.  2|03 AM|26");
    CHECK(format_time("%Y %a", -1) == "1969 Wed");
    CHECK(format_time("%G-W%V-%u", 1609459199) == "2020-W53-4");
    CHECK(format_time("100%% %", 0) == "100% %");
}

}  // namespace
}  // namespace distill::test
