// {{ value is test }}.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tokenizer/template/builtins.h"
#include "tokenizer/template/characters.h"
#include "tokenizer/template/format.h"
#include "tokenizer/template/interpreter.h"
#include "tokenizer/template/operators.h"

namespace distill::jinja {

namespace {

void no_arguments(Arguments&& arguments) {
    Bound("test", std::move(arguments), {});
}

template <bool (*holds)(const Value&)>
bool simple(Interpreter&, const Value& v, Arguments&& a) {
    no_arguments(std::move(a));
    return holds(v);
}

bool is_defined(const Value& v) {
    return !v.is_undefined();
}
bool is_undefined(const Value& v) {
    return v.is_undefined();
}
bool is_none(const Value& v) {
    return v.is_none();
}
bool is_boolean(const Value& v) {
    return v.is_bool();
}
bool is_true(const Value& v) {
    return v.is_bool() && v.boolean();
}
bool is_false(const Value& v) {
    return v.is_bool() && !v.boolean();
}
bool is_integer(const Value& v) {
    return v.kind() == Value::Kind::integer;
}
bool is_float(const Value& v) {
    return v.is_real();
}
bool is_number(const Value& v) {
    return v.is_number();
}
bool is_string(const Value& v) {
    return v.is_string();
}
bool is_mapping(const Value& v) {
    return v.is_dict();
}
bool is_escaped(const Value& v) {
    return v.is_markup();
}
bool is_sequence(const Value& v) {
    return v.is_undefined() || v.is_string() || v.is_list() || v.is_dict() || (v.is_object() && v.object().indexable());
}
// An undefined value has a __call__, which fails.
bool is_callable(const Value& v) {
    return v.is_undefined() || (v.is_object() && v.object().callable());
}

bool test_iterable(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments(std::move(a));
    return is_iterable(in, v);
}

bool divides(Interpreter& in, const Value& v, const Value& by, std::int64_t rest) {
    return equal(in, arithmetic(in, Operator::mod, v, by), Value(rest));
}

template <std::int64_t rest>
bool test_parity(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments(std::move(a));
    return divides(in, v, Value(std::int64_t{2}), rest);
}

bool test_divisibleby(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("divisibleby", std::move(a), {"num"}, 1);
    return divides(in, v, bound[0], 0);
}

template <bool upper>
bool test_case(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments(std::move(a));
    const Text text = str(in, v);
    in.budget().bytes(text.size());
    bool any = false;
    for (std::size_t at = 0; at < text.size();) {
        const Char c = decode_char(text.view(), at);
        at += c.size;
        if (is_title(c.code) || (upper ? is_lower(c.code) : is_upper(c.code))) return false;
        any = any || (upper ? is_upper(c.code) : is_lower(c.code));
    }
    return any;
}

template <bool want>
bool test_equal(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("eq", std::move(a), {""}, 1);
    return equal(in, v, bound[0]) == want;
}

template <Order first, Order second>
bool test_order(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("compare", std::move(a), {""}, 1);
    const Order order = compare(in, v, bound[0], first == Order::less ? "<" : ">");
    return order == first || order == second;
}

bool test_in(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("in", std::move(a), {"seq"}, 1);
    return contains(in, bound[0], v);
}

bool test_sameas(Interpreter&, const Value& v, Arguments&& a) {
    const Bound bound("sameas", std::move(a), {"other"}, 1);
    // Equal literals of a template are one object.
    return same_object(v, bound[0]) || (v.is_string() && bound[0].is_string() && v.view() == bound[0].view());
}

bool test_filter(Interpreter&, const Value& v, Arguments&& a) {
    no_arguments(std::move(a));
    return v.is_string() && find_filter(v.view()) != nullptr;
}

bool test_test(Interpreter&, const Value& v, Arguments&& a) {
    no_arguments(std::move(a));
    return v.is_string() && find_test(v.view()) != nullptr;
}

struct Entry {
    std::string_view name;
    Test test;
};

constexpr auto kLess = test_order<Order::less, Order::less>;
constexpr auto kLessEqual = test_order<Order::less, Order::equal>;
constexpr auto kGreater = test_order<Order::greater, Order::greater>;
constexpr auto kGreaterEqual = test_order<Order::greater, Order::equal>;

constexpr std::array kTests = std::to_array<Entry>({
    {"odd", test_parity<1>},
    {"even", test_parity<0>},
    {"divisibleby", test_divisibleby},
    {"defined", simple<is_defined>},
    {"undefined", simple<is_undefined>},
    {"filter", test_filter},
    {"test", test_test},
    {"none", simple<is_none>},
    {"boolean", simple<is_boolean>},
    {"false", simple<is_false>},
    {"true", simple<is_true>},
    {"integer", simple<is_integer>},
    {"float", simple<is_float>},
    {"lower", test_case<false>},
    {"upper", test_case<true>},
    {"string", simple<is_string>},
    {"mapping", simple<is_mapping>},
    {"number", simple<is_number>},
    {"sequence", simple<is_sequence>},
    {"iterable", test_iterable},
    {"callable", simple<is_callable>},
    {"sameas", test_sameas},
    {"escaped", simple<is_escaped>},
    {"in", test_in},
    {"==", test_equal<true>},
    {"eq", test_equal<true>},
    {"equalto", test_equal<true>},
    {"!=", test_equal<false>},
    {"ne", test_equal<false>},
    {">", kGreater},
    {"gt", kGreater},
    {"greaterthan", kGreater},
    {"ge", kGreaterEqual},
    {">=", kGreaterEqual},
    {"<", kLess},
    {"lt", kLess},
    {"lessthan", kLess},
    {"<=", kLessEqual},
    {"le", kLessEqual},
});

}  // namespace

Test find_test(std::string_view name) {
    const auto at = std::find_if(kTests.begin(), kTests.end(), [&](const Entry& entry) { return entry.name == name; });
    return at == kTests.end() ? nullptr : at->test;
}

}  // namespace distill::jinja
