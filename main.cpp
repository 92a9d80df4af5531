// distill: picks the command, catches Error, sets the exit status. Commands live in cli/, one file each.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <new>

#include "cli/command.h"
#include "cli/environment.h"
#include "cli/flags.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "engine/error.h"

namespace distill {
namespace {

// A standard stream may be closed when we start. Then the model file would be opened in its place and answers written
// over it: put something harmless there first. stdout gets a descriptor that fails, because losing the answer is an
// error.
void fill_closed_streams() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) == -1) {
            [[maybe_unused]] const int got = ::open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

Status run(int argc, char** argv) {
    CommandLine line(
        "distill runs a language model (a GGUF file) on the CPU.\n"
        "Without a command: -p, -f or stdin give one answer; on a terminal without them: a chat.",
        "DISTILL_ARG_<NAME> in the environment holds a flag's value: DISTILL_ARG_CTX_SIZE=4096 is --ctx-size 4096.");
    const Command& program = line.program();
    bool version = false;
    program.flag("--version", version, "print the version");

    Action action;
    add_run_command(program, action, read_environment());
    add_info_command(program, action);
    add_tokenize_command(program, action);
    add_template_command(program, action);
    add_logits_command(program, action);
    add_bench_command(program, action);
    add_eval_command(program, action);
    add_quantize_command(program, action);
    add_doctor_command(program, action);
    add_manual_commands(program, action);

    if (const auto help = line.read(normalise_arguments(argc, argv))) {
        standard_output().write(*help);
        return Status::ok;
    }
    if (version) {
        standard_output().write(fmt::format("distill {}\n", kVersion));
        return Status::ok;
    }
    return action();
}

}  // namespace
}  // namespace distill

int main(int argc, char** argv) {
    using namespace distill;
    fill_closed_streams();
    install_signal_handlers();
    try {
        return static_cast<int>(run(argc, argv));
    } catch (const Error& e) {
        // Who pressed Ctrl-C or closed the pipe knows it.
        if (e.status() != Status::interrupted && e.status() != Status::reader_gone) print_error(e.what());
        return static_cast<int>(e.status());
    } catch (const std::bad_alloc&) {
        print_error("out of memory; a smaller -c or a smaller model needs less");
    } catch (const std::exception& e) {
        print_error(e.what());
    }
    return static_cast<int>(Status::failure);
}
