#include "cli/flags.h"

#include <CLI/CLI.hpp>
#include <cctype>
#include <cstdint>
#include <optional>
#include <utility>

namespace distill {

Flag Flag::type(const char* name) const {
    option_->type_name(name);
    return *this;
}

Flag Flag::range(int low, int high) const {
    option_->check(CLI::Range(low, high));
    return *this;
}

Flag Flag::one_of(std::vector<std::string> words) const {
    option_->check(CLI::IsMember(std::move(words)));
    return *this;
}

Flag Flag::group(const char* name) const {
    option_->group(name);
    return *this;
}

Flag Flag::required() const {
    option_->required();
    return *this;
}

Flag Flag::repeatable() const {
    option_->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    return *this;
}

Flag Flag::shows_default() const {
    option_->capture_default_str();
    return *this;
}

Flag Flag::excludes(Flag other) const {
    option_->excludes(other.option_);
    return *this;
}

Flag Flag::from_environment() const {
    std::string name = "DISTILL_ARG_";
    for (const char c : option_->get_lnames().front()) {
        name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    option_->envname(name);
    return *this;
}

Command::Command(CLI::App& app, const char* name, const char* description)
    : app_(app.add_subcommand(name, description)) {}

template <class Value>
Flag Command::value(const char* names, Value& value, const char* description) const {
    return Flag(app_->add_option(names, value, description));
}

Flag Command::flag(const char* names, bool& value, const char* description) const {
    return Flag(app_->add_flag(names, value, description));
}

Flag Command::word(const char* names, std::vector<std::string> words, std::function<void(const std::string&)> use,
                   const char* description) const {
    return Flag(app_->add_option_function<std::string>(names, use, description)).one_of(std::move(words));
}

void Command::footer(const std::string& text) const {
    app_->footer(text);
}

void Command::when_chosen(std::function<void()> act) const {
    if (app_->get_parent() != nullptr) {
        app_->callback(std::move(act));
    } else {
        app_->final_callback([app = app_, act = std::move(act)] {
            if (app->get_subcommands().empty()) act();
        });
    }
}

template Flag Command::value(const char*, int&, const char*) const;
template Flag Command::value(const char*, std::int64_t&, const char*) const;
template Flag Command::value(const char*, std::string&, const char*) const;
template Flag Command::value(const char*, std::optional<int>&, const char*) const;
template Flag Command::value(const char*, std::optional<float>&, const char*) const;
template Flag Command::value(const char*, std::optional<std::string>&, const char*) const;
template Flag Command::value(const char*, std::vector<std::string>&, const char*) const;

}  // namespace distill
