#include "cli/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <utility>

#include "engine/error.h"

namespace distill {

namespace {

// "N" of CLI11's "N:INT in [0 - 1024]"
std::string plain_type(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    return type.substr(0, type.find(':'));
}

// CLI11's help without the ranges and variable names that would make each flag take two lines.
class HelpFormatter : public CLI::Formatter {
  public:
    HelpFormatter() { column_width(32); }
    std::string make_option_opts(const CLI::Option* option) const override {
        if (option->get_items_expected_max() == 0) return {};
        return " " + plain_type(*option) + (option->get_required() ? " (needed)" : "");
    }
};

}  // namespace

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

Command::Command(const Command& parent, const char* name, const char* description)
    : app_(parent.app_->add_subcommand(name, description)) {}

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

std::string Command::name() const {
    return app_->get_name();
}

std::string Command::description() const {
    return app_->get_description();
}

std::vector<FlagHelp> Command::flags() const {
    std::vector<FlagHelp> flags;
    for (const CLI::Option* option : std::as_const(*app_).get_options()) {
        if (option->get_group().empty()) continue;  // hidden
        FlagHelp flag;
        for (const std::string& name : option->get_snames()) flag.names.push_back("-" + name);
        for (const std::string& name : option->get_lnames()) flag.names.push_back("--" + name);
        if (option->get_items_expected_max() > 0) {
            flag.type = plain_type(*option);
            if (flag.type.empty()) flag.type = "VALUE";
        }
        if (flag.names.empty()) flag.type = option->get_name();
        flag.description = option->get_description();
        flags.push_back(std::move(flag));
    }
    return flags;
}

std::vector<Command> Command::commands() const {
    std::vector<Command> commands;
    for (CLI::App* app : app_->get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); })) {
        commands.emplace_back(*app);
    }
    return commands;
}

CommandLine::CommandLine(const char* description, const char* footer)
    : app_(std::make_unique<CLI::App>(description, "distill")), program_(*app_) {
    app_->formatter(std::make_shared<HelpFormatter>());
    app_->footer(footer);
    app_->require_subcommand(0, 1);
    app_->fallthrough(false);
    // A flag given twice is no mistake: scripts append theirs to defaults.
    app_->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

CommandLine::~CommandLine() = default;

std::optional<std::string> CommandLine::read(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
        app_->parse(arguments);
    } catch (const CLI::CallForHelp&) {
        return app_->help();
    } catch (const CLI::ParseError& e) {
        throw Error(fmt::format("{}; see distill --help", e.what()), Status::usage);
    }
    return std::nullopt;
}

template Flag Command::value(const char*, int&, const char*) const;
template Flag Command::value(const char*, std::int64_t&, const char*) const;
template Flag Command::value(const char*, std::string&, const char*) const;
template Flag Command::value(const char*, std::optional<int>&, const char*) const;
template Flag Command::value(const char*, std::optional<float>&, const char*) const;
template Flag Command::value(const char*, std::optional<std::string>&, const char*) const;
template Flag Command::value(const char*, std::vector<std::string>&, const char*) const;

}  // namespace distill
