// Arithmetic, membership and subscripts with Python's rules, on 64-bit integers: a result that needs more is an error.
#pragma once

#include <optional>

#include "tokenizer/template/ast.h"
#include "tokenizer/template/value.h"

namespace distill::jinja {

Value arithmetic(Interpreter& in, Operator op, const Value& a, const Value& b);
Value negative(const Value& v);
Value positive(const Value& v);
// int(d); throws Fault for what is no number of 64 bits.
std::int64_t to_integer(double d);

bool contains(Interpreter& in, const Value& container, const Value& item);
// container[key] where key is a place or key in it; nullopt if it has none.
std::optional<Value> subscript(Interpreter& in, const Value& container, const Value& key);
// v[start:stop:step]; none for what is left out.
Value slice(Interpreter& in, const Value& v, const Value& start, const Value& stop, const Value& step);

}  // namespace distill::jinja
