// The part of an answer that a script asked for with --extract.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace distill {

enum class Extract {
    boxed,      // content of the last \boxed{...}, braces balanced, as one line
    json,       // the last JSON object or array, one in a fenced block before others; else the answer itself as JSON
    code,       // content of the last fenced block that is closed
    last_line,  // the last line that is more than blanks, without those around it
};
std::string_view name_of(Extract part);  // as on the command line

// The part as it stands in the answer, nullopt where there is none.
std::optional<std::string> extract(Extract part, std::string_view answer);

// What an answer without it lacks, for the message: "no \boxed{...}".
std::string_view lack_of(Extract part);

}  // namespace distill
