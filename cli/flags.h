// CLI11 as far as commands need it, compiled once: its own headers, and what they make of each type of value, cost a
// file that includes them 5 seconds.
#pragma once

#include <functional>
#include <limits>
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

// The application or one of its subcommands. Names as CLI11 has them: "-m,--model", "set", "model,-m,--model".
class Command {
  public:
    explicit Command(CLI::App& app) : app_(&app) {}
    Command(CLI::App& app, const char* name, const char* description);  // a new subcommand

    // Value: those listed at the end of flags.cpp.
    template <class Value>
    Flag value(const char* names, Value& value, const char* description) const;
    Flag flag(const char* names, bool& value, const char* description) const;
    // One of a few words, which `use` gets.
    Flag word(const char* names, std::vector<std::string> words, std::function<void(const std::string&)> use,
              const char* description) const;
    void footer(const std::string& text) const;
    // Called once the command line is read: by a subcommand if it is the one chosen, by the application if none is.
    void when_chosen(std::function<void()> act) const;

  private:
    CLI::App* app_;
};

}  // namespace distill
