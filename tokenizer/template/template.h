// A Jinja template ready to render: the interpreter behind one class. Immutable; threads may share one.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/error.h"
#include "tokenizer/template/value.h"

namespace distill::jinja {

struct Program;

class Template {
  public:
    // `name` is what errors call it: "chat template", a file. Throws Error{bad} with line and column for a mistake in
    // it.
    Template(std::string_view source, std::string name, Status bad);
    ~Template();
    // `now` is what strftime_now shows, in seconds since 1970. Throws Error{usage} with line and column: the template
    // and what it was given do not go together.
    Text render(const Context& context, std::int64_t now) const;

  private:
    std::string name_;
    std::unique_ptr<const Program> program_;
};

}  // namespace distill::jinja
