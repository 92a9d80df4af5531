// distill man, distill completion: the manual page and completions for shells.
#include "cli/manual.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <vector>

#include "cli/command.h"
#include "cli/terminal.h"
#include "cli/version.h"

namespace distill {

namespace {

struct Flag {
    std::vector<std::string> names;  // with their dashes
    std::string type;                // "FILE", "N"; empty: takes no value
    std::string description;

    bool takes_file() const { return type == "FILE"; }
};

std::vector<Flag> flags_of(const CLI::App& app) {
    std::vector<Flag> flags;
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_group().empty()) continue;  // hidden
        Flag flag;
        for (const std::string& name : option->get_snames()) flag.names.push_back("-" + name);
        for (const std::string& name : option->get_lnames()) flag.names.push_back("--" + name);
        if (option->get_items_expected_max() > 0) {
            const std::string type = option->get_type_name();  // "N:INT in [0 - 1024]"
            flag.type = type.substr(0, type.find(':'));
            if (flag.type.empty()) flag.type = "VALUE";
        }
        if (flag.names.empty()) flag.type = option->get_name();  // stands by its place
        flag.description = option->get_description();
        flags.push_back(std::move(flag));
    }
    return flags;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

// --- troff ---------------------------------------------------------------------------------------------------------

std::string troff(std::string_view text) {
    std::string out = replaced(replaced(std::string(text), "\\", "\\e"), "-", "\\-");
    if (!out.empty() && (out[0] == '.' || out[0] == '\'')) out.insert(0, "\\&");
    return replaced(out, "\n", "\n.br\n");
}

std::string troff_flags(const CLI::App& app) {
    std::string out;
    for (const Flag& flag : flags_of(app)) {
        std::string names;
        for (const std::string& name : flag.names)
            names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", troff(name));
        if (!flag.type.empty()) names += fmt::format("{}\\fI{}\\fR", names.empty() ? "" : " ", troff(flag.type));
        out += fmt::format(".TP\n{}\n{}\n", names, troff(flag.description));
    }
    return out;
}

// --- shells --------------------------------------------------------------------------------------------------------

// Names of the flags that `wanted` takes, blank-separated.
template <class Wanted>
std::string names_of(const CLI::App& app, const Wanted& wanted) {
    std::string out;
    for (const Flag& flag : flags_of(app)) {
        if (!wanted(flag)) continue;
        for (const std::string& name : flag.names) out += (out.empty() ? "" : " ") + name;
    }
    return out;
}

std::string command_names(const CLI::App& app, std::string_view between) {
    std::string out;
    for (const CLI::App* command : commands_of(app))
        out += fmt::format("{}{}", out.empty() ? "" : between, command->get_name());
    return out;
}

std::string bash_case(std::string_view pattern, const CLI::App& app) {
    return fmt::format("    {})\n        flags='{}'\n        files='{}'\n        values='{}' ;;\n", pattern,
                       names_of(app, [](const Flag&) { return true; }),
                       names_of(app, [](const Flag& f) { return f.takes_file(); }),
                       names_of(app, [](const Flag& f) { return !f.type.empty() && !f.takes_file(); }));
}

// Between single quotes; zsh reads brackets and colons of a description as its own.
std::string single_quoted(std::string_view text) {
    return "'" + replaced(std::string(text), "'", "'\\''") + "'";
}
std::string for_zsh(std::string_view text) {
    std::string out = replaced(std::string(text), "\\", "\\\\");
    for (const char* mark : {"[", "]", ":"}) out = replaced(out, mark, std::string("\\") + mark);
    return replaced(out, "\n", " ");
}

std::string zsh_arguments(const CLI::App& app) {
    std::string out;
    for (const Flag& flag : flags_of(app)) {
        for (const std::string& name : flag.names) {
            const std::string value =
                flag.type.empty() ? "" : fmt::format(":{}:{}", for_zsh(flag.type), flag.takes_file() ? "_files" : "");
            out += " \\\n            " + single_quoted(fmt::format("{}[{}]{}", name, for_zsh(flag.description), value));
        }
    }
    return out;
}

std::string fish_flags(const CLI::App& app, std::string_view condition) {
    std::string out;
    for (const Flag& flag : flags_of(app)) {
        if (flag.names.empty()) continue;
        out += fmt::format("complete -c distill -n {}", single_quoted(condition));
        for (const std::string& name : flag.names) {
            out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
        }
        if (!flag.type.empty()) out += flag.takes_file() ? " -r -F" : " -x";
        out += fmt::format(" -d {}\n", single_quoted(replaced(flag.description, "\n", " ")));
    }
    return out;
}

}  // namespace

std::string manual_page(const CLI::App& app) {
    std::string page = fmt::format(
        ".TH DISTILL 1 \"\" \"distill {}\" \"User Commands\"\n"
        ".SH NAME\ndistill \\- run a language model (a GGUF file) on the CPU\n"
        ".SH SYNOPSIS\n.B distill\n[\\fIflags\\fR] [\\fB\\-m\\fR \\fIFILE\\fR] \\fB\\-p\\fR \\fITEXT\\fR\n.br\n"
        ".B distill\n[\\fIflags\\fR] [\\fB\\-m\\fR \\fIFILE\\fR]\n.br\n.B distill\n\\fIcommand\\fR [\\fIflags\\fR]\n"
        ".SH DESCRIPTION\nThe first form prints one answer; text from a standard input that is no terminal comes "
        "before the\n"
        "prompt. The second one, on a terminal, is a chat. The answer goes to standard output, all else to standard "
        "error.\n"
        "Without a model file a small built\\-in model answers.\n.SH FLAGS\n",
        kVersion);
    page += troff_flags(app) + ".SH COMMANDS\n";
    for (const CLI::App* command : commands_of(app)) {
        page += fmt::format(".SS distill {}\n{}\n", troff(command->get_name()), troff(command->get_description()));
        page += troff_flags(*command);
    }
    page +=
        ".SH EXIT STATUS\n"
        ".TP\n.B 0\ncomplete answer\n.TP\n.B 1\nfailure while running\n.TP\n.B 2\nwrong usage\n"
        ".TP\n.B 3\nmodel file unreadable or unsupported\n.TP\n.B 4\nthe prompt does not fit the context\n"
        ".TP\n.B 5\nwith \\fB\\-\\-strict\\fR: the answer was cut, or the thinking never ended\n"
        ".TP\n.B 6\nthe answer lacks what \\fB\\-\\-extract\\fR asks for\n.TP\n.B 130\ninterrupted\n"
        ".TP\n.B 141\nthe reader of standard output went away\n"
        ".SH ENVIRONMENT\n"
        ".TP\n\\fBDISTILL_ARG_\\fR\\fINAME\\fR\nholds a flag's value: DISTILL_ARG_CTX_SIZE=4096 is \\-\\-ctx\\-size "
        "4096; the command "
        "line wins\n"
        ".TP\n.B NO_COLOR\nset and not empty: no colours\n"
        ".TP\n.B SOURCE_DATE_EPOCH\nthe time that chat templates see\n"
        ".SH FILES\n"
        ".TP\n\\fI$XDG_STATE_HOME\\fR/distill/history\nlines typed in chats (~/.local/state where the variable is not "
        "set)\n"
        ".TP\n\\fI$XDG_CACHE_HOME\\fR/distill/prompts\nwhat was read of long prompts (~/.cache where it is not set)\n";
    return page;
}

std::string bash_completion(const CLI::App& app) {
    std::string out =
        "# bash completion for distill; made by: distill completion bash\n"
        "_distill() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= flags files values i\n"
        "    COMPREPLY=()\n"
        "    for ((i = 1; i < COMP_CWORD; ++i)); do\n";
    out += fmt::format("        case ${{COMP_WORDS[i]}} in {}) command=${{COMP_WORDS[i]}}; break ;; esac\n",
                       command_names(app, "|"));
    out += "    done\n    case $command in\n" + bash_case("''", app);
    for (const CLI::App* command : commands_of(app)) out += bash_case(command->get_name(), *command);
    out +=
        "    esac\n"
        "    case \" $values \" in *\" $prev \"*) return ;; esac\n"
        "    case \" $files \" in *\" $prev \"*) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;; esac\n"
        "    if [[ $cur == -* ]]; then\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$cur\")\n"
        "    elif [[ -z $command ]]; then\n";
    out += fmt::format("        mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\")\n", command_names(app, " "));
    out +=
        "    else\n"
        "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
        "    fi\n"
        "}\n"
        "complete -o filenames -F _distill distill\n";
    return out;
}

std::string zsh_completion(const CLI::App& app) {
    std::string out =
        "#compdef distill\n# zsh completion for distill; made by: distill completion zsh\n"
        "_distill() {\n    local -a commands\n    commands=(\n";
    for (const CLI::App* command : commands_of(app)) {
        out += "        " +
               single_quoted(fmt::format("{}:{}", command->get_name(), for_zsh(command->get_description()))) + "\n";
    }
    out += "    )\n    case $words[2] in\n";
    for (const CLI::App* command : commands_of(app)) {
        out +=
            fmt::format("        {}) _arguments{} '*:file:_files' ;;\n", command->get_name(), zsh_arguments(*command));
    }
    out += fmt::format("        *) _arguments{} '1:command:{{_describe command commands}}' ;;\n", zsh_arguments(app));
    return out + "    esac\n}\n_distill \"$@\"\n";
}

std::string fish_completion(const CLI::App& app) {
    std::string out = "# fish completion for distill; made by: distill completion fish\n";
    for (const CLI::App* command : commands_of(app)) {
        out += fmt::format("complete -c distill -f -n __fish_use_subcommand -a {} -d {}\n", command->get_name(),
                           single_quoted(replaced(command->get_description(), "\n", " ")));
    }
    out += fish_flags(app, "__fish_use_subcommand");
    for (const CLI::App* command : commands_of(app)) {
        out += fish_flags(*command, "__fish_seen_subcommand_from " + command->get_name());
    }
    return out;
}

void add_manual_commands(CLI::App& app, Action& action) {
    const auto print = [](const std::string& text) {
        standard_output().write(text);
        return Status::ok;
    };
    app.add_subcommand("man", "print the manual page: distill man | man -l -")->callback([&app, &action, print] {
        action = [&app, print] { return print(manual_page(app)); };
    });
    CLI::App* const completion = app.add_subcommand("completion", "print a completion script: bash, zsh or fish");
    const auto shell = std::make_shared<std::string>();
    completion->add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    completion->callback([&app, &action, shell, print] {
        action = [&app, shell, print] {
            return print(*shell == "bash"  ? bash_completion(app)
                         : *shell == "zsh" ? zsh_completion(app)
                                           : fish_completion(app));
        };
    });
}

}  // namespace distill
