#include "cli/chat_input.h"

#include <unistd.h>

#include <utility>

#include "cli/signals.h"
#include "cli/terminal.h"
#include "engine/error.h"

namespace distill {

namespace {

constexpr std::string_view kBlock = "\"\"\"";
constexpr std::string_view kPrompt = ">>> ";
constexpr std::string_view kMorePrompt = "... ";

bool is_block(std::string_view text) {
    return text.starts_with(kBlock);
}

}  // namespace

bool message_finished(std::string& text) {
    if (is_block(text)) return text.size() >= 2 * kBlock.size() && text.ends_with(kBlock);
    const std::size_t last = text.find_last_not_of('\\');
    const std::size_t backslashes = text.size() - (last == std::string::npos ? 0 : last + 1);
    if (backslashes % 2 == 0) return true;
    text.pop_back();
    return false;
}

std::string without_block_marks(const std::string& text) {
    if (!is_block(text) || text.size() < 2 * kBlock.size()) return text;
    std::string inside = text.substr(kBlock.size(), text.size() - 2 * kBlock.size());
    if (inside.starts_with('\n')) inside.erase(0, 1);
    return without_last_newline(std::move(inside));
}

ChatInput::ChatInput(const UserEnvironment& environment, bool use_history,
                     std::function<Completion(std::string_view)> complete)
    : history_(use_history ? history_path(environment.state_home, environment.home) : std::string()) {
    history_.enable(use_history);
    if (environment.dumb_terminal || !stdin_is_terminal() || !standard_error().is_terminal()) return;
    mode_ = std::make_unique<TerminalMode>(STDIN_FILENO, STDERR_FILENO);
    EditorSettings settings;
    settings.input = STDIN_FILENO;
    settings.output = STDERR_FILENO;
    settings.window_size = [this] { return mode_->window(); };
    settings.wait = [this](int milliseconds) { return mode_->wait(milliseconds); };
    settings.suspend = [this] { mode_->suspend(); };
    // Whoever sees the line go must be able to stop the answer.
    settings.sending = [this] { mode_->running(); };
    settings.complete = std::move(complete);
    settings.finished = message_finished;
    settings.prompt = kPrompt;
    settings.more_prompt = kMorePrompt;
    settings.search_label = text_of(Text::search_label, environment.language);
    settings.too_long = text_of(Text::too_long, environment.language);
    editor_.emplace(std::move(settings), history_);
}

ChatInput::Result ChatInput::read(std::string& message) {
    const Result result = editor_ ? read_edited(message) : read_plain(message);
    if (result == Result::message) {
        history_.add(message);
        message = without_block_marks(message);
    }
    return result;
}

ChatInput::Result ChatInput::read_edited(std::string& message) {
    if (interrupts() > 0 && interrupted_) throw Error("interrupted", Status::interrupted);
    if (interrupts() > 0) interrupted_ = true;
    reset_interrupts();
    mode_->editing();
    const LineEditor::Result result = editor_->read(message);
    if (result != LineEditor::Result::line) reset_interrupts();
    mode_->running();
    if (result == LineEditor::Result::interrupted) {
        if (interrupted_ && !editor_->touched()) throw Error("interrupted", Status::interrupted);
        interrupted_ = true;
        return Result::interrupted;
    }
    interrupted_ = false;
    return result == LineEditor::Result::end ? Result::end : Result::message;
}

// Here the terminal itself turns Ctrl-C into signals, and the handler leaves on the second one.
ChatInput::Result ChatInput::read_plain(std::string& message) {
    Output err = standard_error();
    message.clear();
    const int seen = interrupts();  // before the prompt is shown: any Ctrl-C after that is meant for it
    for (std::string_view prompt = kPrompt;; prompt = kMorePrompt) {
        err.write(prompt);
        std::string line;
        const LineReader::Result result = lines_.read(line, seen);
        if (result == LineReader::Result::interrupted) {
            err.write("\n");
            return Result::interrupted;
        }
        if (result == LineReader::Result::end) {
            err.write("\n");
            return message.empty() ? Result::end : Result::message;
        }
        message += line;
        if (message_finished(message)) break;
        message += '\n';
    }
    reset_interrupts();
    return Result::message;
}

}  // namespace distill
