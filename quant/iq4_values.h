// The table of 16 values that the 4-bit indices of IQ4_NL and IQ4_XS stand for (quant/iq4.h).
#pragma once

#include <stdint.h>

namespace distill {

static constexpr int8_t kIQ4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace distill
