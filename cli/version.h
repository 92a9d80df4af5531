// What --version and the JSON records say.
#pragma once

#include <string_view>

namespace distill {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace distill
