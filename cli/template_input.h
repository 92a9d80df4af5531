// JSON as values of a template: the order of keys kept, integers exact.
#pragma once

#include <string_view>

#include "tokenizer/template/value.h"

namespace distill {

// Throws Error{usage} for what is no JSON, is nested too deep or has an integer of more than 64 bits. All text counts
// as input: it never becomes a control token.
jinja::Value parse_template_value(std::string_view json);

// What strftime_now shows: SOURCE_DATE_EPOCH (as UTC) if set, else the local time; seconds since 1970.
std::int64_t template_clock();

}  // namespace distill
