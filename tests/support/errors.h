// Tests of errors look at their parts, not at the printed line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/error.h"

namespace distill::test {

// The Error that f() throws; nullopt if it returns. Anything else that is thrown passes through and fails the case.
template <class F>
std::optional<Error> error_of(F&& f) {
    try {
        std::forward<F>(f)();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// Sanitizers cost time and memory that limits for the product do not count.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace distill::test
