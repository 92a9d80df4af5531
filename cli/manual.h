// The manual page and the shells' completions, made from the application itself: whatever flags and commands it has,
// they know.
#pragma once

#include <string>

namespace distill {

class Command;

std::string manual_page(const Command& program);  // troff, section 1
std::string bash_completion(const Command& program);
std::string zsh_completion(const Command& program);
std::string fish_completion(const Command& program);

}  // namespace distill
