#include "tokenizer/template/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tokenizer/template/format.h"
#include "tokenizer/template/interpreter.h"
#include "tokenizer/template/key_set.h"
#include "tokenizer/template/objects.h"

namespace distill::jinja {

namespace {

// Tuples can be keys; with shared parts they could stand for any number of items.
constexpr std::uint32_t kMaxKeyItems = 64;

Order order_of(bool less, bool equal) {
    return less ? Order::less : equal ? Order::equal : Order::greater;
}

// Exact, also where a 64-bit integer is no double.
Order compare_int_real(std::int64_t i, double d) {
    if (std::isnan(d)) return Order::unordered;
    if (d >= 9223372036854775808.0) return Order::less;
    if (d < -9223372036854775808.0) return Order::greater;
    const double whole = std::floor(d);
    const auto as_int = static_cast<std::int64_t>(whole);
    if (i != as_int) return order_of(i < as_int, false);
    return d > whole ? Order::less : Order::equal;
}

Order compare_numbers(const Value& a, const Value& b) {
    if (a.is_int() && b.is_int()) return order_of(a.integer() < b.integer(), a.integer() == b.integer());
    if (a.is_int()) return compare_int_real(a.integer(), b.real());
    if (b.is_int()) {
        const Order reverse = compare_int_real(b.integer(), a.real());
        if (reverse == Order::less) return Order::greater;
        return reverse == Order::greater ? Order::less : reverse;
    }
    if (std::isnan(a.real()) || std::isnan(b.real())) return Order::unordered;
    return order_of(a.real() < b.real(), a.real() == b.real());
}

Order compare_text(std::string_view a, std::string_view b) {
    const int c = a.compare(b);
    return order_of(c < 0, c == 0);
}

bool is_tuple(const Value& v) {
    return v.is_list() && v.list().kind != ListKind::list;
}

void check_key(const Value& key) {
    const auto view = key.object_as<DictView>();
    if (key.is_dict() || (key.is_list() && !is_tuple(key)) || (view && view->what() != DictView::What::values)) {
        throw Fault(fmt::format("unhashable type: '{}'", type_name(key)));
    }
    if (key.is_list()) {
        if (key.list().weight >= kMaxKeyItems) throw Fault("a tuple as a key has too many items");
        for (const Value& item : key.list().items) check_key(item);
    }
}

// What comparing with a key may cost.
void draw_key(Budget& budget, const Value& key) {
    if (key.is_string()) budget.bytes(key.view().size());
    if (!key.is_list()) return;
    budget.step(key.list().weight);
    for (const Value& item : key.list().items) draw_key(budget, item);
}

int key_class(const Value& key) {
    if (key.is_number()) return 0;
    return 1 + static_cast<int>(key.kind());
}

// A total order of keys that agrees with Python's equality; its meaning is nobody's business.
int key_order(const Value& a, const Value& b) {
    if (key_class(a) != key_class(b)) return key_class(a) < key_class(b) ? -1 : 1;
    if (a.is_number()) {
        switch (compare_numbers(a, b)) {
            case Order::less:
                return -1;
            case Order::equal:
                return 0;
            case Order::greater:
                return 1;
            case Order::unordered: {  // NaN before all numbers
                const bool first = a.is_real() && std::isnan(a.real()), second = b.is_real() && std::isnan(b.real());
                return first && second ? 0 : first ? -1 : 1;
            }
        }
    }
    switch (a.kind()) {
        case Value::Kind::string:
            return a.view().compare(b.view());
        case Value::Kind::list: {
            const auto& x = a.list().items;
            const auto& y = b.list().items;
            for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
                if (const int c = key_order(x[i], y[i]); c != 0) return c;
            }
            return x.size() == y.size() ? 0 : x.size() < y.size() ? -1 : 1;
        }
        case Value::Kind::object:
            return &a.object() == &b.object() ? 0 : std::less<const Object*>{}(&a.object(), &b.object()) ? -1 : 1;
        default:
            return 0;  // one undefined, one none
    }
}

unsigned depth_of(const std::vector<Value>& items) {
    unsigned depth = 0;
    for (const Value& item : items) depth = std::max(depth, item.depth());
    return depth;
}

}  // namespace

unsigned depth_over(unsigned inner) {
    if (inner >= kMaxValueDepth) throw Fault("values are nested too deep");
    return inner + 1;
}

const Value* Dict::find(Budget& budget, const Value& key) const {
    check_key(key);
    draw_key(budget, key);
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), key, [&](std::uint32_t i, const Value& k) {
        return key_order(entries[i].first, k) < 0;
    });
    if (at == sorted.end() || key_order(entries[*at].first, key) != 0) return nullptr;
    return &entries[*at].second;
}

const Value* Dict::find(Budget& budget, std::string_view key) const {
    return find(budget, Value::text(key));
}

bool KeySet::Less::operator()(const Value& a, const Value& b) const {
    return key_order(a, b) < 0;
}

bool KeySet::insert(Budget& budget, const Value& key) {
    check_key(key);
    draw_key(budget, key);
    budget.bytes(sizeof(Value));
    return keys_.insert(key).second;
}

const Value* Arguments::find(std::string_view name) const {
    for (const auto& [key, value] : named) {
        if (key == name) return &value;
    }
    return nullptr;
}

Object::Object(unsigned depth) : depth_(depth) {}

Value Object::call(Interpreter&, Arguments&&) {
    throw Fault(fmt::format("'{}' object is not callable", type_name()));
}

void Object::repr(Interpreter&, Text& out) {
    out.append(fmt::format("<{}>", type_name()), Origin::input);
}

unsigned Value::depth() const {
    switch (kind()) {
        case Kind::list:
            return list().depth;
        case Kind::dict:
            return dict().depth;
        case Kind::object:
            return object().depth();
        default:
            return 0;
    }
}

const std::string& Value::why_undefined() const {
    static const std::string kNoMessage = "the value is undefined";
    const auto& why = std::get<Undefined>(v_).why;
    return why ? *why : kNoMessage;
}

Value make_list(Budget& budget, std::vector<Value> items, ListKind kind) {
    budget.bytes(items.size() * sizeof(Value));
    List list;
    list.depth = depth_over(depth_of(items));
    list.items = std::move(items);
    list.kind = kind;
    for (const Value& item : list.items) {
        list.weight = std::min(kMaxKeyItems, list.weight + (item.is_list() ? item.list().weight : 1));
    }
    return std::make_shared<const List>(std::move(list));
}

Value make_dict(Budget& budget, std::vector<std::pair<Value, Value>> entries) {
    budget.bytes(entries.size() * 3 * sizeof(Value));
    budget.step(entries.size() / 4);
    Dict dict;
    unsigned depth = 0;
    for (const auto& [key, value] : entries) {
        check_key(key);
        draw_key(budget, key);
        depth = std::max({depth, key.depth(), value.depth()});
    }
    dict.depth = depth_over(depth);
    std::vector<std::uint32_t> order(entries.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto less = [&](std::uint32_t a, std::uint32_t b) {
        const int c = key_order(entries[a].first, entries[b].first);
        return c != 0 ? c < 0 : a < b;
    };
    std::sort(order.begin(), order.end(), less);
    // Of equal keys the first keeps its place and gets the last one's value.
    std::vector<bool> dropped(entries.size(), false);
    for (std::size_t i = 0; i < order.size();) {
        std::size_t end = i + 1;
        while (end < order.size() && key_order(entries[order[i]].first, entries[order[end]].first) == 0) ++end;
        for (std::size_t j = i + 1; j < end; ++j) dropped[order[j]] = true;
        if (end > i + 1) entries[order[i]].second = entries[order[end - 1]].second;
        i = end;
    }
    std::vector<std::uint32_t> place(entries.size(), 0);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        place[i] = static_cast<std::uint32_t>(dict.entries.size());
        if (!dropped[i]) dict.entries.push_back(std::move(entries[i]));
    }
    for (const std::uint32_t i : order) {
        if (!dropped[i]) dict.sorted.push_back(place[i]);
    }
    return std::make_shared<const Dict>(std::move(dict));
}

Value make_text(Budget& budget, Text text, bool markup) {
    Budget::check_text(text.size());
    budget.bytes(text.size() + sizeof(String));
    return Value(std::move(text), markup);
}

std::string_view type_name(const Value& v) {
    switch (v.kind()) {
        case Value::Kind::undefined:
            return "Undefined";
        case Value::Kind::none:
            return "NoneType";
        case Value::Kind::boolean:
            return "bool";
        case Value::Kind::integer:
            return "int";
        case Value::Kind::real:
            return "float";
        case Value::Kind::string:
            return v.is_markup() ? "Markup" : "str";
        case Value::Kind::list:
            return is_tuple(v) ? "tuple" : "list";
        case Value::Kind::dict:
            return "dict";
        case Value::Kind::object:
            return v.object().type_name();
    }
    return "";
}

bool truth(Interpreter& in, const Value& v) {
    switch (v.kind()) {
        case Value::Kind::undefined:
        case Value::Kind::none:
            return false;
        case Value::Kind::boolean:
        case Value::Kind::integer:
            return v.integer() != 0;
        case Value::Kind::real:
            return v.real() != 0;
        case Value::Kind::string:
            return !v.view().empty();
        case Value::Kind::list:
            return !v.list().items.empty();
        case Value::Kind::dict:
            return !v.dict().entries.empty();
        case Value::Kind::object:
            return v.object().length(in).value_or(1) != 0;
    }
    return false;
}

bool equal(Interpreter& in, const Value& a, const Value& b) {
    in.budget().step();
    if (a.is_number() && b.is_number()) return compare_numbers(a, b) == Order::equal;
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Value::Kind::string:
            if (a.view().size() != b.view().size()) return false;
            in.budget().bytes(a.view().size());
            return a.view() == b.view();
        case Value::Kind::list: {
            if (is_tuple(a) != is_tuple(b)) return false;
            const auto& x = a.list().items;
            const auto& y = b.list().items;
            if (x.size() != y.size()) return false;
            for (std::size_t i = 0; i < x.size(); ++i) {
                if (!same_object(x[i], y[i]) && !equal(in, x[i], y[i])) return false;
            }
            return true;
        }
        case Value::Kind::dict: {
            if (a.dict().entries.size() != b.dict().entries.size()) return false;
            for (const auto& [key, value] : a.dict().entries) {
                const Value* other = b.dict().find(in.budget(), key);
                if (other == nullptr || (!same_object(value, *other) && !equal(in, value, *other))) return false;
            }
            return true;
        }
        case Value::Kind::object: {
            if (&a.object() == &b.object()) return true;
            const auto x = a.object_as<Range>(), y = b.object_as<Range>();
            return x && y && x->same_numbers(*y);
        }
        default:
            return true;  // undefined or none, both
    }
}

Order compare(Interpreter& in, const Value& a, const Value& b, std::string_view op) {
    in.budget().step();
    if (a.is_undefined() || b.is_undefined()) throw Fault((a.is_undefined() ? a : b).why_undefined());
    if (a.is_number() && b.is_number()) return compare_numbers(a, b);
    if (a.is_string() && b.is_string()) {
        in.budget().bytes(std::min(a.view().size(), b.view().size()));
        return compare_text(a.view(), b.view());
    }
    if (a.is_list() && b.is_list() && is_tuple(a) == is_tuple(b)) {
        const auto& x = a.list().items;
        const auto& y = b.list().items;
        for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
            if (!same_object(x[i], y[i]) && !equal(in, x[i], y[i])) return compare(in, x[i], y[i], op);
        }
        return order_of(x.size() < y.size(), x.size() == y.size());
    }
    throw Fault(fmt::format("'{}' not supported between instances of '{}' and '{}'", op, type_name(a), type_name(b)));
}

bool same_object(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Value::Kind::undefined:
            return std::get<Undefined>(a.variant()).why == std::get<Undefined>(b.variant()).why;
        case Value::Kind::none:
            return true;
        case Value::Kind::boolean:
            return a.boolean() == b.boolean();
        case Value::Kind::integer:
            return a.integer() == b.integer();
        case Value::Kind::real:
            return a.real() == b.real();
        case Value::Kind::string:  // short strings are one object in Python, mostly
            return &a.string() == &b.string() || (a.view().size() <= 1 && a.view() == b.view());
        case Value::Kind::list:
            return &a.list() == &b.list();
        case Value::Kind::dict:
            return &a.dict() == &b.dict();
        case Value::Kind::object:
            return &a.object() == &b.object();
    }
    return false;
}

}  // namespace distill::jinja
