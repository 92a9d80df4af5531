// A conversation on a terminal: what was said, the settings it goes on with, and what its commands (chat_commands.h) do
// to both.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/chat_input.h"
#include "cli/environment.h"
#include "cli/messages.h"
#include "cli/run.h"
#include "cli/saved_chat.h"

namespace distill {

class Chat {
  public:
    Chat(const RunFlags& flags, const UserEnvironment& environment);

    Status run();

    // ---- for the commands; all may throw Error, and then nothing has changed -------------------------------------
    void clear();
    void regenerate();
    void undo();
    void forget_oldest();
    void save(const std::string& path);
    void load(const std::string& path);
    void read_file(const std::string& path);
    void set_system(const std::string& text);  // "" = none
    void set_thinking(bool on);
    void resize(int n_ctx);
    void set_sampler(const SamplerOptions& sampler);  // checked

    const std::string& system() const { return system_; }
    const SamplerOptions& sampler() const { return sampler_; }
    RunFlags& flags() { return flags_; }  // verbose, stop, max_tokens, think_show and the budget may be changed
    bool thinks() const;                  // the model thinks aloud
    bool thinking() const { return flags_.reasoning_budget != 0; }
    bool& show_speed() { return show_speed_; }
    const Session& session() const { return session_; }
    std::string_view template_name() const { return prompter_.template_name(); }
    History& history() { return input_.history(); }
    const UserEnvironment& environment() const { return environment_; }

    std::string prompt_text() const;    // what the next prompt begins with, control tokens included
    std::string sequence_text() const;  // what the model has before it, thinking included
    std::string stats() const;
    std::string context_use() const;

    // One line on stderr; it may come from anywhere.
    void say(std::string_view line);
    template <class... Values>
    void say(Text text, const Values&... values) {
        say(message(environment_.language, text, values...));
    }
    template <class... Values>
    std::string words(Text text, const Values&... values) const {
        return message(environment_.language, text, values...);
    }

  private:
    struct Totals {
        int answers = 0, prompt_tokens = 0, cached_tokens = 0, text_tokens = 0, thinking_tokens = 0, decoded_tokens = 0;
        double prompt_seconds = 0, text_seconds = 0;
    };

    void handle(std::string text);
    void ask(const std::string& question);
    // Answers the last question; false if it was stopped before anything was said.
    bool answer();
    std::vector<Message> conversation() const;
    const std::string& fingerprint();
    void count(const Generation& g);

    RunFlags flags_;
    const UserEnvironment environment_;
    Session session_;
    Prompter prompter_;
    SamplerOptions sampler_;
    Sequence sequence_;
    std::string system_;
    std::vector<ChatMessage> turns_;  // questions and answers in turn
    std::string attached_;            // files that go with the next question
    bool show_speed_ = true;
    std::string fingerprint_, last_speed_;
    Totals totals_;
    Output out_ = standard_output();
    Output err_ = standard_error();
    ChatInput input_;  // last: it changes the terminal's modes, once all the rest has worked
};

}  // namespace distill
