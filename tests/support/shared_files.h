// Files that lie beside the tree for development and tests (real models, vocabularies, goldens). They are not part of
// the project: a test that wants one skips where it is absent.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

namespace distill::test {

// The file or folder `rel` of the shared folder: $DISTILL_SHARED, else ../shared as seen from the root of the tree.
inline std::optional<std::filesystem::path> shared(std::string_view rel) {
    const char* root = std::getenv("DISTILL_SHARED");
    std::filesystem::path path = root != nullptr ? root : "../shared";
    path /= rel;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return std::nullopt;
    return path;
}

}  // namespace distill::test

// DISTILL_SHARED_OR_SKIP(path, "models/x.gguf"); declares path, or leaves the case with a reason where the file is
// absent.
#define DISTILL_SHARED_OR_SKIP(name, rel)                                           \
    const auto name##_found = ::distill::test::shared(rel);                         \
    if (!name##_found) DISTILL_SKIP("no shared file " rel " (set DISTILL_SHARED)"); \
    const std::filesystem::path& name = *name##_found
