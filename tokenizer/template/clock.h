// Dates for strftime_now, in English and without a time zone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace distill::jinja {

// strftime of the time that is `seconds` after 1970 began, by the same clock.
std::string format_time(std::string_view format, std::int64_t seconds);

}  // namespace distill::jinja
