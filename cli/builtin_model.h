// The demo model that is linked into the program, so that it answers on a machine that has no model file yet.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "engine/gguf.h"

namespace distill {

inline constexpr std::string_view kBuiltinName = "built-in demo";  // where a file's path or name would stand

// A whole GGUF file in read-only memory, 64-byte aligned.
std::span<const std::byte> builtin_model();

// The one line on stderr that tells which model answers, what it can do, and how to give another.
void note_builtin_model();

// The file, or without a path the built-in model and the line about it. Throws as Gguf::open.
Gguf open_model(const std::string& path, UnsupportedTypes unsupported = UnsupportedTypes::refuse);

}  // namespace distill
