// What the program wants to know of its environment besides flags: read once, in main, and passed on.
#pragma once

#include <string>

#include "cli/messages.h"

namespace distill {

struct UserEnvironment {
    std::string home, state_home;  // HOME, XDG_STATE_HOME
    bool dumb_terminal = true;     // TERM says that escape sequences are not understood
    Language language = Language::english;
};
UserEnvironment read_environment();

}  // namespace distill
