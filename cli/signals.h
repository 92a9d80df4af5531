// Ctrl-C, closed pipes, and a model file that shrinks under us. The handlers only count, or end the process.
#pragma once

#include <string_view>

namespace distill {

// SIGINT is counted: the first asks the running work to stop, a second one before reset_interrupts() leaves at once
// with status 130. SIGPIPE is ignored, so that a write to a closed pipe is an error we can handle. SIGBUS (a page of
// the mapped model is gone) prints a line prepared beforehand and leaves with status 1.
void install_signal_handlers();

int interrupts();
void reset_interrupts();

// Waits until fd has something to read (or has ended); false as soon as there are more than `seen` interrupts. Unlike a
// read that a signal cuts short, it misses none: neither one just before the wait, nor one that another thread
// received.
bool wait_for_input(int fd, int seen);

// The file that the SIGBUS line names.
void name_mapped_file(std::string_view path);
// While true, leaving from a handler first switches the terminal's text attributes back.
void set_terminal_styled(bool styled);

}  // namespace distill
