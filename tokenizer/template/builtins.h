// The names that every template finds: filters, tests, methods of values and global functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "tokenizer/template/value.h"

namespace distill::jinja {

using Filter = Value (*)(Interpreter& in, const Value& value, Arguments&& arguments);
using Test = bool (*)(Interpreter& in, const Value& value, Arguments&& arguments);

// Null if there is none of that name.
Filter find_filter(std::string_view name);
Test find_test(std::string_view name);

// value.name where that is a method, bound to the value. Methods that would change a list or dict are undefined values
// that say so, as in the sandbox that templates are written for.
std::optional<Value> find_method(Interpreter& in, const Value& value, std::string_view name);

// range, dict, namespace, cycler, joiner, raise_exception, strftime_now.
std::optional<Value> find_global(std::string_view name);

// The arguments of one call, matched with the names of its parameters. Throws Fault for too many, too few (fewer than
// `required`), unknown and doubly given ones.
class Bound {
  public:
    Bound(std::string_view function, Arguments&& arguments, std::initializer_list<std::string_view> names,
          std::size_t required = 0);
    bool has(std::size_t i) const { return values_[i].has_value(); }
    const Value& operator[](std::size_t i) const { return *values_[i]; }
    // With a fallback where the argument was left out; throws Fault for a wrong type.
    Value value(std::size_t i, Value fallback) const { return has(i) ? *values_[i] : std::move(fallback); }
    std::int64_t integer(std::size_t i, std::int64_t fallback) const;
    bool truth(Interpreter& in, std::size_t i, bool fallback) const;

  private:
    std::string_view function_;
    std::vector<std::optional<Value>> values_;
};

// "a.b.0" as the filters take it: subscripts one after the other.
class AttributePath {
  public:
    AttributePath() = default;  // the value itself
    AttributePath(Interpreter& in, const Value& attribute);
    // `fallback` takes the place of an undefined step unless null.
    Value of(Interpreter& in, Value value, const Value* fallback = nullptr) const;

  private:
    std::vector<Value> parts_;
};

// What sorts and compares without regard to case: strings in lower case, everything else as it is.
Value without_case(Interpreter& in, const Value& v);

// Shared by filters and methods.
Value mapped_case(Interpreter& in, const Value& v, bool upper);
Value capitalized(Interpreter& in, const Value& v);
// `chars` null or none: white space.
Value stripped(Interpreter& in, const Value& v, const Value* chars, bool left, bool right);
Value replaced(Interpreter& in, const Value& v, const Value& old, const Value& with, std::int64_t count, bool markup);
Value centered(Interpreter& in, const Value& v, std::int64_t width, const Text& fill, char align);
// As str.splitlines.
std::vector<Text> lines_of(Interpreter& in, const Text& text, bool keep_ends = false);
std::vector<Value> sorted(Interpreter& in, std::vector<Value> items, const std::vector<Value>& keys, bool reverse);

}  // namespace distill::jinja
