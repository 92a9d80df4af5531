// `distill template`: a chat as the exact text that a model gets.
#pragma once

#include <istream>
#include <string>

#include "engine/error.h"

namespace distill {

struct TemplateOptions {
    std::string model;          // path; "" = the built-in one
    std::string template_file;  // instead of a model's template
    bool jsonl = false;         // a row a line, each with its own template
};

// A row of --jsonl that cannot be rendered gives {"error":...} in its place; the status stays ok: rows are data.
Status run_template(const TemplateOptions& options, std::istream& in);

}  // namespace distill
