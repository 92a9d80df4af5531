#include <string>

#include "engine/error.h"
#include "quant/kernels/kernels.h"

namespace distill {

extern const Kernels kScalarKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels, kAvxVnniKernels, kAvx512VnniKernels, kAmxKernels;
#elif defined(__aarch64__)
extern const Kernels kNeonKernels, kNeonDotprodKernels, kNeonI8mmKernels;
#endif

std::span<const Kernels* const> kernel_tables() {
    static constexpr const Kernels* kTables[] = {
#if defined(__x86_64__)
        &kAmxKernels,
        &kAvx512VnniKernels,
        &kAvxVnniKernels,
        &kAvx2Kernels,
#elif defined(__aarch64__)
        &kNeonI8mmKernels,
        &kNeonDotprodKernels,
        &kNeonKernels,
#endif
        &kScalarKernels,
    };
    return kTables;
}

std::vector<const Kernels*> runnable_kernels() {
    const CpuFeatures cpu = detect_cpu_features();
    std::vector<const Kernels*> out;
    for (const Kernels* k : kernel_tables()) {
        if (cpu.covers(k->needs)) out.push_back(k);
    }
    return out;
}

const Kernels& choose_kernels(std::string_view name) {
    const std::vector<const Kernels*> runnable = runnable_kernels();
    if (name.empty()) return *runnable.front();
    std::string names;
    for (const Kernels* k : runnable) {
        if (k->name == name) return *k;
        names += (names.empty() ? "" : ", ") + std::string(k->name);
    }
    throw Error("--kernels " + printable(name, 40) + ": not available on this CPU; these would run: " + names,
                Status::usage);
}

}  // namespace distill
