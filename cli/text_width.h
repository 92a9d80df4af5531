// What a person sees as one character (a grapheme cluster), and how many columns of a terminal it takes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace distill {

struct Cluster {
    std::size_t size;  // bytes
    int width;         // columns; 0 for control characters, which are clusters of their own
};

// The cluster that begins at text[at]; at < text.size(). A broken UTF-8 sequence is one of a single column.
Cluster cluster_at(std::string_view text, std::size_t at);
// Where the cluster before `at` begins; at > 0. Looks back to the start of the line at most.
std::size_t cluster_before(std::string_view text, std::size_t at);
// Columns of a text without newlines and tabs.
int text_width(std::string_view text);

// What a person typed or a file holds, as text: CR LF and CR become LF, control characters other than LF and tab
// vanish, and what is no UTF-8 becomes U+FFFD.
std::string clean_text(std::string_view bytes);

}  // namespace distill
