// What this CPU and this operating system let us execute. Nothing else in the tree asks the CPU anything.
#pragma once

namespace distill {

struct CpuFeatures {
    bool avx2 = false;        // with FMA and F16C, and ymm state saved by the OS
    bool avxvnni = false;     // 256-bit vpdpbusd without AVX-512
    bool avx512vnni = false;  // F, BW, DQ, VL and VNNI, and zmm state saved by the OS
    bool amx = false;         // tiles of bytes, granted by the OS
    bool dotprod = false;     // sdot, udot
    bool i8mm = false;        // smmla

    bool covers(const CpuFeatures& needs) const {
        return (avx2 || !needs.avx2) && (avxvnni || !needs.avxvnni) && (avx512vnni || !needs.avx512vnni) &&
               (amx || !needs.amx) && (dotprod || !needs.dotprod) && (i8mm || !needs.i8mm);
    }
};

CpuFeatures detect_cpu_features();

// Of two lines that fill 128 bytes, Zen 4 fetches the other one by itself, and is slowed down when it is asked for both
// (docs/SPEED.md). There is no such function but on x86-64.
bool fetches_lines_in_pairs();

// Denormal numbers read and come out as zero in the calling thread: they can cost a hundred cycles each and carry
// nothing that a logit would show. Every thread that computes calls it, so that all make the same bits.
void flush_denormals_to_zero();

}  // namespace distill
