// Whether a model's answer is the expected one. Text is compared, no algebra is done: 0.5 is not 1/2, x=3 is not 3.
//
// boxed     What stands in the last \boxed{...} (braces balanced) equals the expected answer after both lost: blanks,
//           $, \( \) \[ \], spacing commands (\, \; \: \! \quad), \left and \right, the wrapper of \text{X}
//           \mathrm{X} \mathbf{X} \textbf{X}, the backslash of \% and \$, the braces of ^{x} and _{x} around one
//           character, the comma's braces in 12{,}345, one full stop at the end. \dfrac and \tfrac are \frac;
//           full-width forms (，１（) are ASCII. Thousands commas (12,345: groups of three digits, no blank behind the
//           comma) are removed from the answer only where the expected answer has no comma at all, because 23,120 may
//           be a pair. A unit behind the answer is an error unless the problem names it ("unit": "cm").
// json      The answer, or the last ``` block in it, is JSON and equals the expected value: order of keys and blanks do
//           not matter, 1 equals 1.0.
// contains  The expected text stands in the answer; a run of blanks counts as one, upper and lower case differ.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace distill {

enum class Check { boxed, json, contains };
std::string_view name_of(Check check);
std::optional<Check> find_check(std::string_view name);

// The content of the last \boxed{...}; nullopt if there is none or its braces never close.
std::optional<std::string> last_boxed(std::string_view text);

// `answer` is the text behind the thinking. expected: for json a JSON text. unit: for boxed, may stand behind it.
bool is_right(std::string_view answer, std::string_view expected, Check check, std::string_view unit = {});

}  // namespace distill
