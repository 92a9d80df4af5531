// Files that are written whole or not at all.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace distill {

// Puts the parts, one after another, into the file: the old one stays in place until the new one is safely on the disk,
// so whoever dies in between (or reads at the time) sees one of the two whole. Two writers: the last one wins. A new
// file is private to the user, a replaced one keeps its permissions; a symbolic link is replaced, not followed.
// Throws Error{failure} naming the path; the old file is then untouched and nothing of the new one is left.
void write_file_atomically(const std::string& path, std::span<const std::string_view> parts);

}  // namespace distill
