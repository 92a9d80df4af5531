// usage: make_tiny_model OUT.gguf          writes a small complete qwen2 model with random weights: its text is noise
//
// For trying the program by hand where only shapes matter.
#include <fstream>
#include <iostream>

#include "tests/support/gguf_builder.h"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: make_tiny_model OUT.gguf\n";
        return 2;
    }
    const auto bytes = distill::test::tiny_model({.d_model = 256, .d_ff = 256, .format = distill::FormatId::q8_0});
    std::ofstream file(argv[1], std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) {
        std::cerr << "make_tiny_model: " << argv[1] << " cannot be written\n";
        return 1;
    }
    return 0;
}
