// The modes of a terminal that is edited on: keys come one by one and unechoed. What the terminal was like before is
// put back when the object goes, when the program is stopped or ended by a signal, and before it sleeps after Ctrl-Z.
#pragma once

#include <termios.h>

#include "cli/edit_view.h"
#include "cli/signals.h"

namespace distill {

class TerminalMode {
  public:
    // input and output must be terminals. Starts as running().
    TerminalMode(int input, int output);
    ~TerminalMode();
    TerminalMode(const TerminalMode&) = delete;
    TerminalMode& operator=(const TerminalMode&) = delete;

    void editing();  // Ctrl-C and Ctrl-Z are keys
    void running();  // they are signals; what is typed meanwhile is kept for the next line

    WindowSize window() const;
    // For the editor, while editing(): waits for input, a signal or the time.
    Wake wait(int milliseconds);
    // Sleeps as Ctrl-Z asks for, until the shell wakes the program again.
    void suspend() const;

  private:
    int input_, output_;
    termios running_{}, editing_{};
};

}  // namespace distill
