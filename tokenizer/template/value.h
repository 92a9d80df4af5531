// Values of a template: what Python has, as far as templates see it. All are immutable but namespaces and the few
// objects that count (loop, cycler, joiner, generators); lists and dicts are shared, never changed, so that no value
// can contain itself except through a namespace.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tokenizer/template/budget.h"
#include "tokenizer/template/text.h"

namespace distill::jinja {

class Interpreter;
class Value;
class Object;

struct Undefined {
    std::shared_ptr<const std::string> why;  // the message of the error that using it gives
};

struct String {
    Text text;
    bool markup = false;  // made by |safe or |escape: what is added to it gets escaped
};

enum class ListKind : std::uint8_t { list, tuple, group };  // group: of |groupby, a pair that knows .grouper and .list

struct List {
    std::vector<Value> items;
    ListKind kind = ListKind::list;
    unsigned depth = 1;
    std::uint32_t weight = 1;  // items of all levels, up to the limit for keys
};

// In the order of insertion; look-up by a sorted index, so that no choice of keys makes it slow.
struct Dict {
    std::vector<std::pair<Value, Value>> entries;
    std::vector<std::uint32_t> sorted;  // positions of entries by key
    unsigned depth = 1;
    // Null if absent; throws Fault for a key of a type that cannot be one.
    const Value* find(Budget& budget, const Value& key) const;
    const Value* find(Budget& budget, std::string_view key) const;
};

struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;
    const Value* find(std::string_view name) const;
};

class Value {
  public:
    using Variant = std::variant<Undefined, std::monostate, bool, std::int64_t, double, std::shared_ptr<const String>,
                                 std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Object>>;
    // Same order as the variant.
    enum class Kind { undefined, none, boolean, integer, real, string, list, dict, object };

    Value() = default;  // undefined without a message
    Value(Undefined undefined) : v_(std::move(undefined)) {}
    Value(bool b) : v_(b) {}
    Value(std::int64_t i) : v_(i) {}
    Value(double d) : v_(d) {}
    Value(std::shared_ptr<const String> s) : v_(std::move(s)) {}
    Value(std::shared_ptr<const List> l) : v_(std::move(l)) {}
    Value(std::shared_ptr<const Dict> d) : v_(std::move(d)) {}
    Value(std::shared_ptr<Object> o) : v_(std::move(o)) {}
    Value(Text text, bool markup = false) : v_(std::make_shared<const String>(String{std::move(text), markup})) {}
    Value(const char*) = delete;  // would become a bool
    static Value none() { return Value(Variant(std::monostate{})); }
    static Value text(std::string_view s, Origin origin = Origin::trusted) { return Text(std::string(s), origin); }
    static Value undefined(std::string why) { return Undefined{std::make_shared<const std::string>(std::move(why))}; }

    Kind kind() const { return static_cast<Kind>(v_.index()); }
    bool is_undefined() const { return kind() == Kind::undefined; }
    bool is_none() const { return kind() == Kind::none; }
    bool is_bool() const { return kind() == Kind::boolean; }
    bool is_int() const { return kind() == Kind::integer || is_bool(); }  // as in Python, a bool is one
    bool is_real() const { return kind() == Kind::real; }
    bool is_number() const { return is_int() || is_real(); }
    bool is_string() const { return kind() == Kind::string; }
    bool is_markup() const { return is_string() && string().markup; }
    bool is_list() const { return kind() == Kind::list; }  // or tuple
    bool is_dict() const { return kind() == Kind::dict; }
    bool is_object() const { return kind() == Kind::object; }

    bool boolean() const { return std::get<bool>(v_); }
    std::int64_t integer() const { return is_bool() ? (boolean() ? 1 : 0) : std::get<std::int64_t>(v_); }
    double real() const { return is_real() ? std::get<double>(v_) : static_cast<double>(integer()); }  // any number
    const String& string() const { return *std::get<std::shared_ptr<const String>>(v_); }
    const Text& text() const { return string().text; }
    std::string_view view() const { return text().view(); }
    const List& list() const { return *std::get<std::shared_ptr<const List>>(v_); }
    const Dict& dict() const { return *std::get<std::shared_ptr<const Dict>>(v_); }
    Object& object() const { return *std::get<std::shared_ptr<Object>>(v_); }
    template <class T>
    std::shared_ptr<T> object_as() const {
        return is_object() ? std::dynamic_pointer_cast<T>(std::get<std::shared_ptr<Object>>(v_)) : nullptr;
    }
    const std::string& why_undefined() const;  // the message
    const Variant& variant() const { return v_; }
    unsigned depth() const;  // 0 for what holds nothing

  private:
    explicit Value(Variant v) : v_(std::move(v)) {}
    Variant v_;
};

class Iterator {
  public:
    virtual ~Iterator() = default;
    // The next item, nullopt at the end. Each call draws a step.
    virtual std::optional<Value> next(Interpreter& in) = 0;
};

// Everything else: functions, macros, loops, generators, ranges, views of dicts.
class Object : public std::enable_shared_from_this<Object> {
  public:
    explicit Object(unsigned depth = 1);
    virtual ~Object() = default;
    virtual std::string_view type_name() const = 0;
    virtual std::optional<Value> attribute(Interpreter&, std::string_view) { return std::nullopt; }
    virtual bool callable() const { return false; }
    virtual Value call(Interpreter& in, Arguments&& arguments);  // throws Fault unless callable
    // Null if it cannot be iterated.
    virtual std::unique_ptr<Iterator> iterate(Interpreter&) { return nullptr; }
    virtual std::optional<std::int64_t> length(Interpreter&) { return std::nullopt; }
    virtual std::optional<Value> item(Interpreter&, std::int64_t) { return std::nullopt; }  // index within its length
    virtual bool indexable() const { return false; }
    virtual void repr(Interpreter& in, Text& out);
    unsigned depth() const { return depth_; }

  private:
    unsigned depth_;
};

// The variables that a template is given.
using Context = std::map<std::string, Value, std::less<>>;

// Makers; they throw Fault beyond the limits on depth and memory.
Value make_list(Budget& budget, std::vector<Value> items, ListKind kind = ListKind::list);
// A key that comes again replaces the value and keeps its place.
Value make_dict(Budget& budget, std::vector<std::pair<Value, Value>> entries);
Value make_text(Budget& budget, Text text, bool markup = false);
template <class T, class... A>
Value make_object(A&&... arguments) {
    return Value(std::shared_ptr<Object>(std::make_shared<T>(std::forward<A>(arguments)...)));
}
// The depth of something that holds these; throws Fault beyond the limit.
unsigned depth_over(unsigned inner);

// As Python names the type: "str", "int", "NoneType", ...
std::string_view type_name(const Value& v);

bool truth(Interpreter& in, const Value& v);
bool equal(Interpreter& in, const Value& a, const Value& b);
enum class Order { less, equal, greater, unordered };
// Throws Fault where Python has no order between the two; `op` is for the message.
Order compare(Interpreter& in, const Value& a, const Value& b, std::string_view op);
bool same_object(const Value& a, const Value& b);  // `is`

}  // namespace distill::jinja
