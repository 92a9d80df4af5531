// The manual page and the completions, as the programs that read them see them.
#include <cstdlib>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/process.h"

namespace distill::test {
namespace {

std::string output_of(std::vector<std::string> arguments) {
    const ProcessResult r = run_distill(arguments);
    INFO(r.err);
    REQUIRE(r.status == 0);
    REQUIRE(!r.out.empty());
    return r.out;
}

bool have(const char* program) { return std::system((std::string("command -v ") + program + " >/dev/null").c_str()) == 0; }
int run_shell(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()); }

TEST_CASE("the manual page knows every command and flag of the help", "[cli]") {
    const std::string page = output_of({"man"});
    for (const char* word : {"distill bench", "distill eval", "distill completion", "\\-\\-cache\\-type\\-k", "\\-\\-extract",
                             "EXIT STATUS", "DISTILL_ARG_"}) {
        INFO(word);
        CHECK(page.find(word) != std::string::npos);
    }
    if (!have("groff")) {
        DISTILL_SKIP("groff is not installed");
    }
    const TempDir folder;
    const std::string file = folder.write("distill.1", std::string_view(page));
    CHECK(run_shell("test -z \"$(groff -man -Tutf8 -ww -z '" + file + "' 2>&1)\"") == 0);
}

TEST_CASE("bash completes commands, flags and files", "[cli]") {
    const std::string script = output_of({"completion", "bash"});
    if (!have("bash")) {
        DISTILL_SKIP("bash is not installed");
    }
    const TempDir folder;
    const std::string file = folder.write("distill.bash", std::string_view(script));
    folder.write("some.gguf", std::string_view("x"));
    // What the words complete to, blank-separated; the last one is under the cursor.
    const auto completes = [&](const std::string& words, const std::string& expected) {
        INFO(words << " -> " << expected);
        CHECK(run_shell("bash -c 'source " + file + "; cd " + folder.path().string() + "; COMP_WORDS=(distill " + words +
                        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _distill; test \"${COMPREPLY[*]}\" = \"" + expected + "\"'") ==
              0);
    };
    completes("quan", "quantize");
    completes("--no-loo", "--no-lookup");
    completes("bench --para", "--parallel");
    completes("-m so", "some.gguf");
    completes("info so", "some.gguf");
    completes("-n 1 --ext", "--extract");
}

TEST_CASE("zsh and fish read their completions", "[cli]") {
    const TempDir folder;
    for (const char* shell : {"zsh", "fish"}) {
        const std::string file = folder.write(std::string("distill.") + shell, std::string_view(output_of({"completion", shell})));
        if (have(shell)) CHECK(run_shell(std::string(shell) + " -n " + file) == 0);
    }
    CHECK(run_distill({"completion", "tcsh"}).status == 2);
}

}  // namespace
}  // namespace distill::test
