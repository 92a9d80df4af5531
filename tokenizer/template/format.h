// Values as text: str(), repr(), json.dumps() and the two ways of formatting strings, as Python writes them.
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/template/value.h"

namespace distill::jinja {

// Shortest text that reads back as the same number, as Python's repr.
std::string float_text(double value);

// str(v), repr(v). What is made up for lists, dicts and objects counts as input.
void append_str(Interpreter& in, Text& out, const Value& v);
void append_repr(Interpreter& in, Text& out, const Value& v);
Text str(Interpreter& in, const Value& v);

struct JsonStyle {
    bool ensure_ascii = false;
    bool sort_keys = false;
    bool multiline = false;
    Text indent;  // of one level, where multiline
    Text item_separator, key_separator;
};
// json.dumps; throws Fault for what JSON has no form for.
Text to_json(Interpreter& in, const Value& v, const JsonStyle& style);

// text % values (a tuple, a dict or one value).
Value percent_format(Interpreter& in, const Value& format, const Value& values);
// text.format(...)
Value brace_format(Interpreter& in, const Value& format, const Arguments& arguments);
// format(value, spec)
Text format_value(Interpreter& in, const Value& v, const Text& spec);

// Escaped for HTML: & < > ' ".
Text escaped_html(const Text& text);

}  // namespace distill::jinja
