// Ctrl-C, closed pipes, and a model file that shrinks under us. The handlers only count, or end the process.
#pragma once

#include <termios.h>

#include <string_view>

namespace distill {

// SIGINT is counted: the first asks the running work to stop, a second one before reset_interrupts() leaves at once
// with status 130. SIGPIPE and SIGXFSZ are ignored, so that a write to a closed pipe or beyond a limit is an error we
// can handle. SIGBUS (a page of the mapped model is gone) prints a line prepared beforehand and leaves with status 1.
void install_signal_handlers();

int interrupts();
void reset_interrupts();

// Waits until fd has something to read (or has ended); false as soon as there are more than `seen` interrupts. Unlike a
// read that a signal cuts short, it misses none: neither one just before the wait, nor one that another thread
// received.
bool wait_for_input(int fd, int seen);

// The same for an editor of lines, which also wants to know of a window that changed its size, and whose patience may
// have an end (milliseconds; -1: none). The interrupt that ends the wait still counts.
enum class Wake { input, interrupted, resized, late };
Wake wait_for_key(int fd, int milliseconds);

// A terminal whose modes are not its usual ones. However a signal ends the program, `usual` is put back; so it is while
// the program sleeps after SIGTSTP; then `ours` is set again, and wait_for_key() reports a resized window.
struct HeldTerminal {
    int input, output;
    termios usual, ours;
};
void hold_terminal(const HeldTerminal& terminal);
void release_terminal();

// The file that the SIGBUS line names.
void name_mapped_file(std::string_view path);
// While true, leaving from a handler first switches the terminal's text attributes back.
void set_terminal_styled(bool styled);

}  // namespace distill
