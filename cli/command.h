// How a command joins the program: it adds its CLI11 subcommand and flags to the application, and from the subcommand's
// callback stores what main shall run once the whole command line has been read. One file a command.
#pragma once

#include <functional>

#include "cli/environment.h"
#include "engine/error.h"

namespace CLI {
class App;
}

namespace distill {

// Runs the chosen command. Throws Error for whatever goes wrong; the status is the program's own.
using Action = std::function<Status()>;

// On the application itself: one answer, or chat on a terminal.
void add_run_command(CLI::App& app, Action& action, const UserEnvironment& environment);
void add_info_command(CLI::App& app, Action& action);
void add_tokenize_command(CLI::App& app, Action& action);
void add_template_command(CLI::App& app, Action& action);
void add_logits_command(CLI::App& app, Action& action);
void add_bench_command(CLI::App& app, Action& action);
void add_eval_command(CLI::App& app, Action& action);
void add_quantize_command(CLI::App& app, Action& action);
void add_doctor_command(CLI::App& app, Action& action);
// `man` and `completion`, which describe all the others.
void add_manual_commands(CLI::App& app, Action& action);

}  // namespace distill
