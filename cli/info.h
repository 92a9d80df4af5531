// `distill info`: what a model file holds and what it will cost, from its header alone. Whatever cannot run is
// reported, not refused, as long as the file itself is sound.
#pragma once

#include <cstdio>
#include <string>

#include "engine/error.h"

namespace distill {

// Writes a table, or with `json` one JSON object, to `out`; path "" is the built-in model. Throws Error{bad_model} for
// a broken file and Error{failure} or Error{reader_gone} when `out` takes no more.
Status run_info(const std::string& path, bool json, std::FILE* out);

}  // namespace distill
