// The manual page and the shells' completions, made from the application itself: whatever flags and commands it has,
// they know.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace distill {

std::string manual_page(const CLI::App& app);  // troff, section 1
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);
std::string fish_completion(const CLI::App& app);

}  // namespace distill
