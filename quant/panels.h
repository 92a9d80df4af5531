// Rearranging the rows of a matrix into the panels that kernels read (quant/panel_layouts.h says what those look like).
#pragma once

#include <cstddef>

#include "quant/formats.h"
#include "quant/kernels/kernels.h"
#include "quant/panel_layouts.h"

namespace distill {

// Bytes of one panel, a matrix of `rows` (the last panel is padded with zero rows).
std::size_t panel_bytes(const Format& format, std::size_t columns);
std::size_t packed_bytes(const Format& format, std::size_t rows, std::size_t columns);

// Rearranges rows row_begin..row_end (row_begin a multiple of 16) of a matrix stored row by row at `rows` (the data of
// row 0; as in the file, unaligned) into `panels` (the panel of row 0), for a table that says which formats it reads as
// signed_panels. columns: whole blocks.
void pack_panels(std::byte* panels, const Format& format, const std::byte* rows, std::size_t row_begin,
                 std::size_t row_end, std::size_t columns, SignedPanels signed_panels);

}  // namespace distill
