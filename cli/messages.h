// What the chat says, in the languages it speaks. One table: a message added in one language cannot be forgotten in the
// other.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace distill {

enum class Language { english, chinese };
// By the name of a locale: "zh_CN.UTF-8" is Chinese, all others are English.
Language language_of(std::string_view locale);

enum class Text {
    greeting,
    again_leaves,
    stopped,
    taken_back,
    cleared,
    forget_hint,
    unknown_command,
    unknown_help,
    needs_argument,
    takes_no_argument,
    slash_escape_help,
    keys_help,
    nothing_to_regenerate,
    nothing_to_undo,
    undone,
    forgot_oldest,
    saved,
    loaded,
    other_model,
    written,
    file_added,
    not_text,
    set_to,
    unknown_setting,
    unknown_parameter,
    bad_value,
    parameter_names,
    show_names,
    system_set,
    system_none,
    think_on,
    think_off,
    not_thinking_model,
    history_on,
    history_off,
    verbose_on,
    verbose_off,
    no_license,
    no_template,
    no_answer_yet,
    stats_last,
    stats_all,
    context_use,
    context_messages,
    reading,
    search_label,
    too_long,
    count,  // how many there are
};

std::string_view text_of(Text text, Language language);

// The message with its values in place of {}.
template <class... Values>
std::string message(Language language, Text text, const Values&... values) {
    return fmt::format(fmt::runtime(text_of(text, language)), values...);
}

}  // namespace distill
