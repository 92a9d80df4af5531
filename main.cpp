// distill: picks the command, catches Error, sets the exit status. Commands live in cli/, one file each.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <new>

#include "cli/command.h"
#include "cli/environment.h"
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

// CLI11's help without the ranges and variable names that would make each flag take two lines.
class HelpFormatter : public CLI::Formatter {
  public:
    HelpFormatter() { column_width(32); }
    std::string make_option_opts(const CLI::Option* option) const override {
        if (option->get_items_expected_max() == 0) return {};
        const std::string type = option->get_type_name();  // "N:INT in [0 - 1024]"
        return " " + type.substr(0, type.find(':')) + (option->get_required() ? " (needed)" : "");
    }
};

Status run(int argc, char** argv) {
    CLI::App app(
        "distill runs a language model (a GGUF file) on the CPU.\n"
        "Without a command: -p, -f or stdin give one answer; on a terminal without them: a chat.",
        "distill");
    app.formatter(std::make_shared<HelpFormatter>());
    app.footer(
        "DISTILL_ARG_<NAME> in the environment holds a flag's value: DISTILL_ARG_CTX_SIZE=4096 is --ctx-size 4096.");
    app.require_subcommand(0, 1);
    app.fallthrough(false);
    // A flag given twice is no mistake: scripts append theirs to defaults.
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    bool version = false;
    app.add_flag("--version", version, "print the version");

    Action action;
    add_run_command(app, action, read_environment());
    add_info_command(app, action);
    add_tokenize_command(app, action);
    add_template_command(app, action);
    add_logits_command(app, action);
    add_bench_command(app, action);
    add_eval_command(app, action);
    add_quantize_command(app, action);
    add_doctor_command(app, action);
    add_manual_commands(app, action);

    std::vector<std::string> arguments = normalise_arguments(argc, argv);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
        app.parse(arguments);
    } catch (const CLI::CallForHelp&) {
        standard_output().write(app.help());
        return Status::ok;
    } catch (const CLI::ParseError& e) {
        throw Error(fmt::format("{}; see distill --help", e.what()), Status::usage);
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
