// The test program: Catch2's own run, then one line of counts that scripts read: "N passed, N failed[, N skipped]".
#define CATCH_CONFIG_RUNNER
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tests/support/catch.h"

#if __has_include(<catch2/catch_all.hpp>)
using ListenerBase = Catch::EventListenerBase;
#else
using ListenerBase = Catch::TestEventListenerBase;
#endif

namespace {

struct Counts {
    int passed = 0;
    int failed = 0;
    int skipped = 0;
    bool case_skipped = false;  // of the running case
};

// Catch2 makes the listener itself, so the counts it shares with main and note_skip live here.
Counts& counts() {
    static Counts the_counts;
    return the_counts;
}

class CountingListener : public ListenerBase {
  public:
    using ListenerBase::ListenerBase;
    void testCaseStarting(const Catch::TestCaseInfo&) override { counts().case_skipped = false; }
    void testCaseEnded(const Catch::TestCaseStats& stats) override {
        Counts& c = counts();
        if (!stats.totals.assertions.allOk()) {
            ++c.failed;
        } else if (c.case_skipped) {
            ++c.skipped;
        } else {
            ++c.passed;
        }
    }
};
CATCH_REGISTER_LISTENER(CountingListener)

}  // namespace

namespace distill::test {

void note_skip(std::string_view reason) {
    counts().case_skipped = true;
    std::cout << "skipped: " << Catch::getResultCapture().getCurrentTestName() << ": " << reason << '\n';
}

}  // namespace distill::test

int main(int argc, char** argv) {
    // Tests write into pipes whose reader is gone.
    std::signal(SIGPIPE, SIG_IGN);
    // A shell that starts the tests in the background ignores these, and so would the programs that tests start.
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGQUIT, SIG_DFL);
    // What a test runs must not meet, nor leave, prompts in the user's own cache.
    ::setenv("DISTILL_ARG_NO_CACHE", "1", 1);
    const int result = Catch::Session().run(argc, argv);
    const Counts& c = counts();
    std::cout << c.passed << " passed, " << c.failed << " failed";
    if (c.skipped > 0) std::cout << ", " << c.skipped << " skipped";
    std::cout << '\n';
    // No test at all proves nothing.
    if (result == 0 && c.passed == 0) return 1;
    return result;
}
