// Where a chat's messages come from: the line editor on a terminal that understands escape sequences, plain lines
// elsewhere. Either way a message may have several lines.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/environment.h"
#include "cli/history.h"
#include "cli/input.h"
#include "cli/line_editor.h"
#include "cli/terminal_mode.h"

namespace distill {

// Whether what was typed so far is a whole message: not inside a """ block, and no single \ at its end (which is
// removed: it only stands for the line break that follows).
bool message_finished(std::string& text);
// Without the """ around it.
std::string without_block_marks(const std::string& text);

class ChatInput {
  public:
    ChatInput(const UserEnvironment& environment, bool use_history,
              std::function<Completion(std::string_view)> complete);

    // The next message. Between calls the terminal lets Ctrl-C through as a signal. Throws Error{interrupted} for the
    // second Ctrl-C in a row; what ended the last answer counts as the first.
    enum class Result { message, end, interrupted };
    Result read(std::string& message);

    History& history() { return history_; }

  private:
    Result read_edited(std::string& message);
    Result read_plain(std::string& message);

    History history_;
    std::unique_ptr<TerminalMode> mode_;  // null: plain lines
    std::optional<LineEditor> editor_;
    LineReader lines_;
    bool interrupted_ = false;  // the last thing that happened here
};

}  // namespace distill
