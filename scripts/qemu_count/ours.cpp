// usage: ours MODEL KERNELS N_PROMPT      on one thread, weights packed: a mark (getppid, see plugin.c) before and after the
// prompt, and after each of four tokens of text
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <vector>

#include "engine/engine.h"
#include "engine/error.h"

int main(int argc, char** argv) try {
    if (argc != 4) {
        std::cerr << "usage: ours MODEL KERNELS N_PROMPT\n";
        return 2;
    }
    using namespace distill;
    LoadOptions options;
    options.path = argv[1];
    options.kernels = argv[2];
    const Engine engine = Engine::load(options);
    ThreadPool pool(1);
    engine.pack(pool);
    Sequence sequence(engine, pool, 512);
    const std::vector<TokenId> first{1};
    sequence.forward(first);  // buffers are touched, tables are made
    sequence.rewind(0);
    std::vector<TokenId> prompt;
    for (int i = 0; i < std::atoi(argv[3]); ++i) prompt.push_back(100 + 7 * i);
    getppid();
    sequence.forward(prompt);
    getppid();
    for (int i = 0; i < 4; ++i) {
        sequence.forward(std::vector<TokenId>{200 + i});
        getppid();
    }
} catch (const distill::Error& e) {
    std::cerr << "ours: " << e.what() << '\n';
    return 1;
}
