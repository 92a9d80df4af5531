// The commands of a chat: one table of names, arguments and help from which /help and Tab completion come as well.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "cli/line_editor.h"

namespace distill {

class Chat;

struct ChatCommand {
    enum class Argument { none, text, file, word };
    std::string_view name;
    std::array<std::string_view, 2> aliases;  // "" = none
    Argument kind;
    bool argument_needed;
    std::string_view argument;                                     // as /help shows it
    std::array<std::string_view, 2> help;                          // by Language
    std::span<const std::string_view> words = {};                  // what the argument may begin with
    bool (*run)(Chat& chat, std::string_view argument) = nullptr;  // false: the chat ends
};
std::span<const ChatCommand> chat_commands();

// Runs "/name argument"; false when the chat shall end. Throws Error{usage} for a command that does not exist.
bool run_command(Chat& chat, std::string_view text);

// For Tab: names of commands, words and files.
Completion complete_command(std::string_view text, std::string_view home);

}  // namespace distill
