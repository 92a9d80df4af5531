// How a command joins the program: it adds its subcommand and flags to the program, and from the subcommand's
// callback stores what main shall run once the whole command line has been read. One file a command.
#pragma once

#include <functional>

#include "cli/environment.h"
#include "cli/flags.h"
#include "engine/error.h"

namespace distill {

// Runs the chosen command. Throws Error for whatever goes wrong; the status is the program's own.
using Action = std::function<Status()>;

// On the program itself: one answer, or chat on a terminal.
void add_run_command(const Command& program, Action& action, const UserEnvironment& environment);
void add_info_command(const Command& program, Action& action);
void add_tokenize_command(const Command& program, Action& action);
void add_template_command(const Command& program, Action& action);
void add_logits_command(const Command& program, Action& action);
void add_bench_command(const Command& program, Action& action);
void add_eval_command(const Command& program, Action& action);
void add_quantize_command(const Command& program, Action& action);
void add_doctor_command(const Command& program, Action& action);
// `man` and `completion`, which describe all the others.
void add_manual_commands(const Command& program, Action& action);

}  // namespace distill
