// The file becomes part of this object by the assembler's .incbin; the Makefile names it as a prerequisite, because
// compilers do not list it among their dependencies. The path counts from the root of the tree, where make runs.
#include "cli/builtin_model.h"

#include <cstdint>

#include "cli/terminal.h"

asm(R"(
    .pushsection .rodata.distill_demo_model, "a"
    .balign 64
    .global distill_demo_model_begin
    .hidden distill_demo_model_begin
distill_demo_model_begin:
    .incbin "models/demo-Q4_K_M.gguf"
    .global distill_demo_model_end
    .hidden distill_demo_model_end
distill_demo_model_end:
    .popsection
)");

extern "C" {
extern const std::byte distill_demo_model_begin[];
extern const std::byte distill_demo_model_end[];
}

namespace distill {

std::span<const std::byte> builtin_model() {
    // Not a difference of pointers: to the compiler these are two objects.
    const auto begin = reinterpret_cast<std::uintptr_t>(distill_demo_model_begin);
    return {distill_demo_model_begin, reinterpret_cast<std::uintptr_t>(distill_demo_model_end) - begin};
}

void note_builtin_model() {
    note(
        "no -m: the built-in demo model answers, which knows school arithmetic in English and Chinese and nothing "
        "else; -m FILE.gguf takes a real model");
}

Gguf open_model(const std::string& path, UnsupportedTypes unsupported) {
    if (!path.empty()) return Gguf::open(path, unsupported);
    note_builtin_model();
    return Gguf::parse(builtin_model(), std::string(kBuiltinName), unsupported);
}

}  // namespace distill
