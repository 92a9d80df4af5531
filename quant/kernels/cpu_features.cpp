#include "quant/kernels/cpu_features.h"

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace distill {

#if defined(__x86_64__)
namespace {

struct Leaf {
    std::uint32_t a = 0, b = 0, c = 0, d = 0;
};

Leaf cpuid(std::uint32_t leaf, std::uint32_t sub) {
    Leaf r;
    if (__get_cpuid_count(leaf, sub, &r.a, &r.b, &r.c, &r.d) == 0) return {};
    return r;
}

bool bit(std::uint32_t word, int n) {
    return (word >> n & 1) != 0;
}

// Which register sets the operating system saves (Intel SDM vol. 1, 13.2). Only asked once CPUID reports OSXSAVE.
std::uint32_t xcr0() {
    std::uint32_t low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

// Linux keeps the tile registers of a process, 8 KiB for each thread, only once the process has asked for it
// (Documentation/arch/x86/xstate.rst); signal stacks have to hold them from then on. Asking twice does nothing.
bool tiles_granted() {
#if defined(__linux__)
    constexpr long kRequestPermission = 0x1023, kTileData = 18;
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
    return false;
#endif
}

}  // namespace

CpuFeatures detect_cpu_features() {
    CpuFeatures f;
    const Leaf one = cpuid(1, 0), seven = cpuid(7, 0), seven_one = cpuid(7, 1);
    if (!bit(one.c, 27)) return f;  // OSXSAVE
    constexpr std::uint32_t kYmm = 0x6, kZmm = 0xe6, kTiles = 0x60000;
    const std::uint32_t saved = xcr0();
    if ((saved & kYmm) != kYmm) return f;
    const bool fma = bit(one.c, 12), f16c = bit(one.c, 29);
    f.avx2 = bit(seven.b, 5) && fma && f16c;
    f.avxvnni = f.avx2 && bit(seven_one.a, 4);
    const bool avx512 = bit(seven.b, 16) && bit(seven.b, 17) && bit(seven.b, 30) && bit(seven.b, 31);  // F DQ BW VL
    f.avx512vnni = f.avx2 && avx512 && bit(seven.c, 11) && (saved & kZmm) == kZmm;
    // TILE, INT8; every processor with tiles has VBMI and GFNI, which their file uses too.
    f.amx = f.avx512vnni && bit(seven.d, 24) && bit(seven.d, 25) && bit(seven.c, 1) && bit(seven.c, 8) &&
            (saved & kTiles) == kTiles && tiles_granted();
    return f;
}

bool fetches_lines_in_pairs() {
    const std::uint32_t version = cpuid(1, 0).a, family = (version >> 8 & 15) + (version >> 20 & 255);
    return family == 0x19 && detect_cpu_features().avx512vnni;  // Zen 3 is of that family too, and has no AVX-512
}
#elif defined(__aarch64__) && defined(__APPLE__)
namespace {

bool has(const char* feature) {
    int value = 0;
    std::size_t size = sizeof value;
    return sysctlbyname(feature, &value, &size, nullptr, 0) == 0 && value != 0;
}

}  // namespace

CpuFeatures detect_cpu_features() {
    CpuFeatures f;
    f.dotprod = has("hw.optional.arm.FEAT_DotProd");
    f.i8mm = has("hw.optional.arm.FEAT_I8MM");
    return f;
}
#elif defined(__aarch64__) && defined(__linux__)
CpuFeatures detect_cpu_features() {
    // The kernel's interface; the C library's headers of older systems lack the second name.
    constexpr unsigned long kAsimdDotprod = 1ul << 20, kI8mm = 1ul << 13;
    CpuFeatures f;
    f.dotprod = (getauxval(AT_HWCAP) & kAsimdDotprod) != 0;
    f.i8mm = (getauxval(AT_HWCAP2) & kI8mm) != 0;
    return f;
}
#else
CpuFeatures detect_cpu_features() {
    return {};
}
#endif

void flush_denormals_to_zero() {
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040u);  // FTZ, DAZ
#elif defined(__aarch64__)
    std::uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    __asm__ volatile("msr fpcr, %0" ::"r"(fpcr | std::uint64_t{1} << 24));  // FZ
#endif
}

}  // namespace distill
