#include "cli/environment.h"

#include <cstdlib>
#include <initializer_list>

namespace distill {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

}  // namespace

UserEnvironment read_environment() {
    UserEnvironment environment;
    environment.home = variable("HOME");
    environment.state_home = variable("XDG_STATE_HOME");
    const std::string term = variable("TERM");
    environment.dumb_terminal = term.empty() || term == "dumb";
    // The first one that is set decides, as in the C library.
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
        const std::string locale = variable(name);
        if (locale.empty()) continue;
        environment.language = language_of(locale);
        break;
    }
    return environment;
}

}  // namespace distill
