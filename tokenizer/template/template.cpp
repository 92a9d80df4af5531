#include "tokenizer/template/template.h"

#include <fmt/format.h>

#include "tokenizer/template/interpreter.h"
#include "tokenizer/template/parser.h"

namespace distill::jinja {

namespace {

std::string place(std::string_view name, Position at) {
    return fmt::format("{}, line {}, column {}", name, at.line, at.column);
}

}  // namespace

Template::Template(std::string_view source, std::string name, Status bad) : name_(std::move(name)) {
    try {
        program_ = parse(source);
    } catch (const SyntaxError& error) {
        throw Error(place(name_, error.at), error.message, std::nullopt, bad);
    }
}

Template::~Template() = default;

Text Template::render(const Context& context, std::int64_t now) const {
    Budget budget;
    Interpreter interpreter(*program_, context, now, budget);
    try {
        return interpreter.render();
    } catch (const RuntimeError& error) {
        throw Error(place(name_, error.at()), error.message(), std::nullopt, Status::usage);
    }
}

}  // namespace distill::jinja
