// distill man, distill completion: the manual page and completions for shells.
#include "cli/manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "cli/command.h"
#include "cli/terminal.h"
#include "cli/version.h"

namespace distill {

namespace {

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

std::string troff_flags(const Command& program) {
    std::string out;
    for (const FlagHelp& flag : program.flags()) {
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
std::string names_of(const Command& program, const Wanted& wanted) {
    std::string out;
    for (const FlagHelp& flag : program.flags()) {
        if (!wanted(flag)) continue;
        for (const std::string& name : flag.names) out += (out.empty() ? "" : " ") + name;
    }
    return out;
}

std::string command_names(const Command& program, std::string_view between) {
    std::string out;
    for (const Command& command : program.commands())
        out += fmt::format("{}{}", out.empty() ? "" : between, command.name());
    return out;
}

std::string bash_case(std::string_view pattern, const Command& program) {
    return fmt::format("    {})\n        flags='{}'\n        files='{}'\n        values='{}' ;;\n", pattern,
                       names_of(program, [](const FlagHelp&) { return true; }),
                       names_of(program, [](const FlagHelp& f) { return f.takes_file(); }),
                       names_of(program, [](const FlagHelp& f) { return !f.type.empty() && !f.takes_file(); }));
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

std::string zsh_arguments(const Command& program) {
    std::string out;
    for (const FlagHelp& flag : program.flags()) {
        for (const std::string& name : flag.names) {
            const std::string value =
                flag.type.empty() ? "" : fmt::format(":{}:{}", for_zsh(flag.type), flag.takes_file() ? "_files" : "");
            out += " \\\n            " + single_quoted(fmt::format("{}[{}]{}", name, for_zsh(flag.description), value));
        }
    }
    return out;
}

std::string fish_flags(const Command& program, std::string_view condition) {
    std::string out;
    for (const FlagHelp& flag : program.flags()) {
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

std::string manual_page(const Command& program) {
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
    page += troff_flags(program) + ".SH COMMANDS\n";
    for (const Command& command : program.commands()) {
        page += fmt::format(".SS distill {}\n{}\n", troff(command.name()), troff(command.description()));
        page += troff_flags(command);
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

std::string bash_completion(const Command& program) {
    std::string out =
        "# bash completion for distill; made by: distill completion bash\n"
        "_distill() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= flags files values i\n"
        "    COMPREPLY=()\n"
        "    for ((i = 1; i < COMP_CWORD; ++i)); do\n";
    out += fmt::format("        case ${{COMP_WORDS[i]}} in {}) command=${{COMP_WORDS[i]}}; break ;; esac\n",
                       command_names(program, "|"));
    out += "    done\n    case $command in\n" + bash_case("''", program);
    for (const Command& command : program.commands()) out += bash_case(command.name(), command);
    out +=
        "    esac\n"
        "    case \" $values \" in *\" $prev \"*) return ;; esac\n"
        "    case \" $files \" in *\" $prev \"*) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;; esac\n"
        "    if [[ $cur == -* ]]; then\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$cur\")\n"
        "    elif [[ -z $command ]]; then\n";
    out += fmt::format("        mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\")\n", command_names(program, " "));
    out +=
        "    else\n"
        "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
        "    fi\n"
        "}\n"
        "complete -o filenames -F _distill distill\n";
    return out;
}

std::string zsh_completion(const Command& program) {
    std::string out =
        "#compdef distill\n# zsh completion for distill; made by: distill completion zsh\n"
        "_distill() {\n    local -a commands\n    commands=(\n";
    for (const Command& command : program.commands()) {
        out += "        " + single_quoted(fmt::format("{}:{}", command.name(), for_zsh(command.description()))) + "\n";
    }
    out += "    )\n    case $words[2] in\n";
    for (const Command& command : program.commands()) {
        out += fmt::format("        {}) _arguments{} '*:file:_files' ;;\n", command.name(), zsh_arguments(command));
    }
    out +=
        fmt::format("        *) _arguments{} '1:command:{{_describe command commands}}' ;;\n", zsh_arguments(program));
    return out + "    esac\n}\n_distill \"$@\"\n";
}

std::string fish_completion(const Command& program) {
    std::string out = "# fish completion for distill; made by: distill completion fish\n";
    for (const Command& command : program.commands()) {
        out += fmt::format("complete -c distill -f -n __fish_use_subcommand -a {} -d {}\n", command.name(),
                           single_quoted(replaced(command.description(), "\n", " ")));
    }
    out += fish_flags(program, "__fish_use_subcommand");
    for (const Command& command : program.commands()) {
        out += fish_flags(command, "__fish_seen_subcommand_from " + command.name());
    }
    return out;
}

void add_manual_commands(const Command& program, Action& action) {
    const auto print = [](const std::string& text) {
        standard_output().write(text);
        return Status::ok;
    };
    Command(program, "man", "print the manual page: distill man | man -l -").when_chosen([program, &action, print] {
        action = [program, print] { return print(manual_page(program)); };
    });
    const Command completion(program, "completion", "print a completion script: bash, zsh or fish");
    const auto shell = std::make_shared<std::string>();
    completion.value("SHELL", *shell, "bash, zsh or fish").required().one_of({"bash", "zsh", "fish"});
    completion.when_chosen([program, &action, shell, print] {
        action = [program, shell, print] {
            return print(*shell == "bash"  ? bash_completion(program)
                         : *shell == "zsh" ? zsh_completion(program)
                                           : fish_completion(program));
        };
    });
}

}  // namespace distill
