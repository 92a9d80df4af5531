// JSON that comes from outside: parsed with a bound on its nesting, mistakes reported as Error{usage}.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace distill {

// Throws Error{usage}: "no JSON at byte N", "nested too deep".
nlohmann::json parse_json(std::string_view text);

}  // namespace distill
