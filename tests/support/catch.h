// Catch2 behind one name: v2 is one header, v3 a library with other header names and a listener base of another name.
// It also gives both versions the same way to skip a case.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

#include <string_view>

namespace distill::test {

// Prints why and counts the running case as skipped instead of passed.
void note_skip(std::string_view reason);

}  // namespace distill::test

// Leaves the test case (from its own body, not from a lambda or helper) with a printed reason.
#define DISTILL_SKIP(reason)                \
    do {                                    \
        ::distill::test::note_skip(reason); \
        return;                             \
    } while (false)
