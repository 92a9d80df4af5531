// Tokens to a program: the grammar of Jinja2 with loop controls and generation blocks. Templates cannot load others:
// extends, include and import are parsed, and refused when they are reached.
#pragma once

#include <memory>
#include <string_view>

#include "tokenizer/template/ast.h"

namespace distill::jinja {

// Throws SyntaxError.
std::unique_ptr<Program> parse(std::string_view source);

}  // namespace distill::jinja
