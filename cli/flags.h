// The command line, read by CLI11, which no other file knows: its headers, and what they make of each type of value,
// take a compiler 5 seconds, and 15 to 20 with sanitizers.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace distill {

// One flag, or a word that stands by its place. Each function returns the flag again.
class Flag {
  public:
    explicit Flag(CLI::Option* option) : option_(option) {}
    Flag type(const char* name) const;  // "FILE": what the help calls the value
    Flag range(int low, int high = std::numeric_limits<int>::max()) const;
    Flag one_of(std::vector<std::string> words) const;
    Flag group(const char* name) const;  // the heading in the help
    Flag required() const;
    Flag repeatable() const;     // each use adds one value; else the last one counts
    Flag shows_default() const;  // in the help
    Flag excludes(Flag other) const;
    // The value of DISTILL_ARG_<LONG_NAME> may stand in for it; long name as in "--ctx-size".
    Flag from_environment() const;

  private:
    CLI::Option* option_;
};

// What the manual page and completions say of a flag.
struct FlagHelp {
    std::vector<std::string> names;  // with their dashes; none: it stands by its place
    std::string type;                // "FILE", "N"; "": takes no value
    std::string description;

    bool takes_file() const { return type == "FILE"; }
};

// The program itself or one of its subcommands; copies are the same one. Names as CLI11 has them: "-m,--model", "set",
// "model,-m,--model".
class Command {
  public:
    explicit Command(CLI::App& app) : app_(&app) {}
    Command(const Command& parent, const char* name, const char* description);  // a new one

    // Value: those listed at the end of flags.cpp.
    template <class Value>
    Flag value(const char* names, Value& value, const char* description) const;
    Flag flag(const char* names, bool& value, const char* description) const;
    // One of a few words, which `use` gets.
    Flag word(const char* names, std::vector<std::string> words, std::function<void(const std::string&)> use,
              const char* description) const;
    void footer(const std::string& text) const;
    // Called once the command line is read: by a subcommand if it is the one chosen, by the program if none is.
    void when_chosen(std::function<void()> act) const;

    std::string name() const;
    std::string description() const;
    std::vector<FlagHelp> flags() const;
    std::vector<Command> commands() const;

  private:
    CLI::App* app_;
};

class CommandLine {
  public:
    CommandLine(const char* description, const char* footer);
    ~CommandLine();
    const Command& program() const { return program_; }
    // Fills the values in and calls the chosen command. The result is the help, if that was asked for; throws
    // Error{usage}.
    std::optional<std::string> read(std::vector<std::string> arguments);

  private:
    std::unique_ptr<CLI::App> app_;
    Command program_;
};

}  // namespace distill
