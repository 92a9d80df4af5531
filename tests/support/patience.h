// Limits of time in tests, where the machine is not the one they were meant for.
#pragma once

#include <algorithm>
#include <cstdlib>

namespace distill::test {

// Limits, and waits for something to begin, are this many times as long: $DISTILL_PATIENCE, which
// scripts/test_aarch64.sh sets for an emulator, else 1.
inline double patience() {
    const char* text = std::getenv("DISTILL_PATIENCE");
    return text == nullptr ? 1.0 : std::max(1.0, std::atof(text));
}

}  // namespace distill::test
