#include "cli/chat_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <random>

#include "cli/atomic_file.h"
#include "cli/chat.h"
#include "cli/info.h"
#include "cli/text_width.h"

namespace distill {

namespace {

namespace fs = std::filesystem;
using Argument = ChatCommand::Argument;

// Of a folder with more names than that, Tab shows none: no one could read them.
constexpr std::size_t kMaxCandidates = 400;

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

// The first word, and what follows it.
std::pair<std::string_view, std::string_view> first_word(std::string_view text) {
    const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
    return {text.substr(0, end), trimmed(text.substr(end))};
}

std::string_view without_quotes(std::string_view text) {
    if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
        return text.substr(1, text.size() - 2);
    }
    return text;
}

std::string with_home(std::string_view path, std::string_view home) {
    if (home.empty() || !path.starts_with("~/")) return std::string(path);
    return std::string(home) + std::string(path.substr(1));
}

std::string path_argument(const Chat& chat, std::string_view argument) {
    return with_home(without_quotes(argument), chat.environment().home);
}

std::string joined(std::span<const std::string_view> words) {
    std::string list;
    for (const std::string_view word : words) list += fmt::format("{}{}", list.empty() ? "" : ", ", word);
    return list;
}

template <class Number>
Number number_in(const Chat& chat, std::string_view name, std::string_view text, Number low, Number high) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= low && value <= high)) {
        throw Error(chat.words(Text::bad_value, printable(text, 40), name), Status::usage);
    }
    return value;
}

// ---- /set parameter ------------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 10> kParameters = {"temperature",   "top_k",   "top_p",       "min_p",
                                                          "seed",          "num_ctx", "num_predict", "repeat_penalty",
                                                          "repeat_last_n", "stop"};

std::string parameter_value(Chat& chat, std::string_view name) {
    const SamplerOptions& s = chat.sampler();
    if (name == "temperature") return fmt::format("{}", s.temperature);
    if (name == "top_k") return fmt::format("{}", s.top_k);
    if (name == "top_p") return fmt::format("{}", s.top_p);
    if (name == "min_p") return fmt::format("{}", s.min_p);
    if (name == "seed") return fmt::format("{}", s.seed);
    if (name == "num_ctx") return fmt::format("{}", chat.session().n_ctx);
    if (name == "num_predict") return fmt::format("{}", chat.flags().max_tokens);
    if (name == "repeat_penalty") return fmt::format("{}", s.repeat_penalty);
    if (name == "repeat_last_n") return fmt::format("{}", s.repeat_last_n);
    std::string list;
    for (const std::string& stop : chat.flags().stop) {
        list += fmt::format("{}\"{}\"", list.empty() ? "" : " ", printable(stop));
    }
    return list.empty() ? "-" : list;
}

void set_parameter(Chat& chat, std::string_view name, std::string_view text) {
    constexpr int kMost = std::numeric_limits<int>::max();
    constexpr float kMostFloat = std::numeric_limits<float>::max();
    if (std::find(kParameters.begin(), kParameters.end(), name) == kParameters.end()) {
        throw Error(chat.words(Text::unknown_parameter, printable(name, 40), joined(kParameters)), Status::usage);
    }
    const std::string_view value = without_quotes(text);
    SamplerOptions sampler = chat.sampler();
    const auto integer = [&](int low) { return number_in<int>(chat, name, value, low, kMost); };
    const auto real = [&] { return number_in<float>(chat, name, value, 0.0f, kMostFloat); };
    if (name == "temperature") sampler.temperature = real();
    if (name == "top_k") sampler.top_k = integer(0);
    if (name == "top_p") sampler.top_p = real();
    if (name == "min_p") sampler.min_p = real();
    if (name == "repeat_penalty") sampler.repeat_penalty = real();
    if (name == "repeat_last_n") sampler.repeat_last_n = integer(-1);
    if (name == "seed") {
        const auto seed = number_in<std::int64_t>(chat, name, value, -1, std::numeric_limits<std::int64_t>::max());
        sampler.seed = seed < 0 ? std::random_device{}() : static_cast<std::uint64_t>(seed);
    }
    chat.set_sampler(sampler);
    if (name == "num_predict") chat.flags().max_tokens = integer(-1);
    if (name == "num_ctx") chat.resize(integer(1));
    if (name == "stop") {
        chat.flags().stop.clear();
        if (!value.empty()) chat.flags().stop.emplace_back(value);
    }
    chat.say(Text::set_to, name, parameter_value(chat, name));
}

// ---- the handlers --------------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 8> kSetWords = {"parameter", "system",  "verbose", "quiet",
                                                       "think",     "nothink", "history", "nohistory"};
constexpr std::array<std::string_view, 6> kShowWords = {"info",     "parameters", "system",
                                                        "template", "license",    "prompt"};

bool leave(Chat&, std::string_view) {
    return false;
}

bool clear(Chat& chat, std::string_view) {
    chat.clear();
    return true;
}

bool regenerate(Chat& chat, std::string_view) {
    chat.regenerate();
    return true;
}

bool undo(Chat& chat, std::string_view) {
    chat.undo();
    return true;
}

bool forget(Chat& chat, std::string_view) {
    chat.forget_oldest();
    return true;
}

bool save(Chat& chat, std::string_view argument) {
    chat.save(path_argument(chat, argument));
    return true;
}

bool load(Chat& chat, std::string_view argument) {
    chat.load(path_argument(chat, argument));
    return true;
}

bool dump(Chat& chat, std::string_view argument) {
    const std::string text = chat.sequence_text();
    if (argument.empty()) {
        chat.say(text);
        return true;
    }
    const std::string path = path_argument(chat, argument);
    const std::array<std::string_view, 1> parts = {text};
    write_file_atomically(path, parts);
    chat.say(Text::written, printable(path));
    return true;
}

bool read(Chat& chat, std::string_view argument) {
    chat.read_file(path_argument(chat, argument));
    return true;
}

bool system_prompt(Chat& chat, std::string_view argument) {
    if (!argument.empty()) {
        chat.set_system(std::string(without_quotes(argument)));
    } else if (chat.system().empty()) {
        chat.say(Text::system_none);
    } else {
        chat.say(chat.system());
    }
    return true;
}

std::optional<ThinkShow> think_show_of(std::string_view word) {
    if (word == "full") return ThinkShow::full;
    if (word == "dim") return ThinkShow::dim;
    if (word == "short") return ThinkShow::brief;
    if (word == "hide") return ThinkShow::hide;
    return std::nullopt;
}

bool think(Chat& chat, std::string_view argument) {
    if (!argument.empty()) {
        const std::optional<ThinkShow> show = think_show_of(argument);
        if (!show) throw Error(chat.words(Text::bad_value, printable(argument, 40), "think"), Status::usage);
        chat.flags().think_show = *show;
    }
    chat.set_thinking(true);
    return true;
}

bool no_think(Chat& chat, std::string_view) {
    chat.set_thinking(false);
    return true;
}

bool set(Chat& chat, std::string_view argument) {
    const auto [what, rest] = first_word(argument);
    if (what == "parameter") {
        const auto [name, value] = first_word(rest);
        if (name.empty()) {
            chat.say(Text::parameter_names, joined(kParameters));
        } else {
            set_parameter(chat, name, value);
        }
    } else if (what == "system") {
        chat.set_system(std::string(without_quotes(rest)));
    } else if (what == "verbose" || what == "quiet") {
        chat.show_speed() = chat.flags().verbose = what == "verbose";
        chat.say(what == "verbose" ? Text::verbose_on : Text::verbose_off);
    } else if (what == "think") {
        think(chat, rest);
    } else if (what == "nothink") {
        no_think(chat, rest);
    } else if (what == "history" || what == "nohistory") {
        chat.history().enable(what == "history");
        chat.say(what == "history" ? Text::history_on : Text::history_off);
    } else {
        throw Error(chat.words(Text::unknown_setting, printable(what, 40), joined(kSetWords)), Status::usage);
    }
    return true;
}

template <std::size_t kIndex>
bool set_one(Chat& chat, std::string_view argument) {
    set_parameter(chat, kParameters[kIndex], argument);
    return true;
}

bool show(Chat& chat, std::string_view argument) {
    const Gguf& file = chat.session().engine.file();
    if (argument == "info") {
        run_info(chat.flags().model.model, false, stderr);
    } else if (argument == "parameters") {
        for (const std::string_view name : kParameters)
            chat.say(fmt::format("{:<15} {}", name, parameter_value(chat, name)));
    } else if (argument == "system") {
        system_prompt(chat, {});
    } else if (argument == "template") {
        const std::string_view text = file.find_string("tokenizer.chat_template").value_or("");
        chat.say(text.empty() ? chat.words(Text::no_template, chat.template_name()) : std::string(text));
    } else if (argument == "license") {
        const std::string_view name = file.find_string("general.license").value_or("");
        const std::string_view link = file.find_string("general.license.link").value_or("");
        chat.say(name.empty() ? chat.words(Text::no_license) : fmt::format("{} {}", name, link));
    } else if (argument == "prompt") {
        chat.say(chat.prompt_text());
    } else {
        throw Error(chat.words(Text::show_names, joined(kShowWords)), Status::usage);
    }
    return true;
}

bool stats(Chat& chat, std::string_view) {
    chat.say(chat.stats());
    return true;
}

bool context(Chat& chat, std::string_view) {
    chat.say(chat.context_use());
    return true;
}

bool help(Chat& chat, std::string_view argument);

constexpr std::array kCommands = {
    ChatCommand{"/help",
                {"/?"},
                Argument::word,
                false,
                "[COMMAND]",
                {"this list, or more of one command", "显示本列表或某个命令的说明"},
                {},
                help},
    ChatCommand{"/bye",
                {"/exit", "/quit"},
                Argument::none,
                false,
                "",
                {"leave; so does Ctrl-D", "退出；也可按 Ctrl-D"},
                {},
                leave},
    ChatCommand{"/clear",
                {"/reset"},
                Argument::none,
                false,
                "",
                {"forget the conversation; the system prompt stays", "清空对话，保留系统提示"},
                {},
                clear},
    ChatCommand{"/regen",
                {"/regenerate"},
                Argument::none,
                false,
                "",
                {"another answer to the last question", "重新回答上一个问题"},
                {},
                regenerate},
    ChatCommand{"/undo",
                {},
                Argument::none,
                false,
                "",
                {"take back the last question and its answer", "撤回上一问一答"},
                {},
                undo},
    ChatCommand{"/forget",
                {},
                Argument::none,
                false,
                "",
                {"drop the oldest question and its answer", "丢弃最早的一问一答"},
                {},
                forget},
    ChatCommand{"/save",
                {},
                Argument::file,
                true,
                "FILE",
                {"save the conversation and its settings", "保存对话和设置"},
                {},
                save},
    ChatCommand{
        "/load", {}, Argument::file, true, "FILE", {"go on with a saved conversation", "载入已保存的对话"}, {}, load},
    ChatCommand{"/dump",
                {},
                Argument::file,
                false,
                "[FILE]",
                {"the text before the model, its tokens and all", "输出模型所见的全部文本"},
                {},
                dump},
    ChatCommand{"/read",
                {},
                Argument::file,
                true,
                "FILE",
                {"add a file to the next message", "把文件加入下一条消息"},
                {},
                read},
    ChatCommand{"/system",
                {},
                Argument::text,
                false,
                "[TEXT]",
                {"set or show the system prompt; \"\" for none", "设置或显示系统提示；\"\" 表示无"},
                {},
                system_prompt},
    ChatCommand{"/think",
                {},
                Argument::word,
                false,
                "[full|dim|short|hide]",
                {"think before answering, and how to show it", "先思考再回答，可指定显示方式"},
                {},
                think},
    ChatCommand{
        "/nothink", {}, Argument::none, false, "", {"answer without thinking", "不经思考直接回答"}, {}, no_think},
    ChatCommand{
        "/set",
        {},
        Argument::word,
        true,
        "WHAT [VALUE]",
        {"change a setting: parameter NAME VALUE, system TEXT, verbose, quiet, think, nothink, history, nohistory",
         "修改设置：parameter 名称 值、system 文本、verbose、quiet、think、nothink、history、nohistory"},
        kSetWords,
        set},
    ChatCommand{"/temp",
                {"/temperature"},
                Argument::text,
                true,
                "T",
                {"how varied answers are; 0: always the likeliest", "温度；0 表示总取最可能的词"},
                {},
                set_one<0>},
    ChatCommand{"/top_k",
                {"/top-k"},
                Argument::text,
                true,
                "N",
                {"choose among the N likeliest; 0: all", "只在最可能的 N 个中选；0 为不限"},
                {},
                set_one<1>},
    ChatCommand{"/top_p",
                {"/top-p"},
                Argument::text,
                true,
                "P",
                {"choose among the likeliest that make up P", "只在累计概率 P 内选"},
                {},
                set_one<2>},
    ChatCommand{"/min_p",
                {"/min-p"},
                Argument::text,
                true,
                "P",
                {"leave out what is less likely than P times the likeliest", "略去低于最大概率 P 倍的词"},
                {},
                set_one<3>},
    ChatCommand{"/seed",
                {},
                Argument::text,
                true,
                "N",
                {"start of the random numbers; -1: any", "随机种子；-1 为随机"},
                {},
                set_one<4>},
    ChatCommand{
        "/ctx", {}, Argument::text, true, "N", {"size of the context in tokens", "上下文词元数"}, {}, set_one<5>},
    ChatCommand{"/show",
                {},
                Argument::word,
                true,
                "WHAT",
                {"info, parameters, system, template, license or prompt",
                 "显示 info、parameters、system、template、license 或 prompt"},
                kShowWords,
                show},
    ChatCommand{"/stats",
                {},
                Argument::none,
                false,
                "",
                {"speed of the last answer and of all", "上次及全部回答的速度"},
                {},
                stats},
    ChatCommand{"/context", {}, Argument::none, false, "", {"how full the context is", "上下文使用量"}, {}, context},
};

bool is_called(const ChatCommand& command, std::string_view word) {
    return command.name == word ||
           (!word.empty() && std::find(command.aliases.begin(), command.aliases.end(), word) != command.aliases.end());
}

const ChatCommand* find_command(std::string_view word) {
    const auto found =
        std::find_if(kCommands.begin(), kCommands.end(), [&](const ChatCommand& c) { return is_called(c, word); });
    return found == kCommands.end() ? nullptr : &*found;
}

std::string usage_of(const ChatCommand& command) {
    return fmt::format("{}{}{}", command.name, command.argument.empty() ? "" : " ", command.argument);
}

// Two columns, by width: half of the help is Chinese.
std::string help_line(std::string_view left, std::string_view right) {
    constexpr int kColumn = 30;
    return fmt::format("{}{}{}", left,
                       std::string(static_cast<std::size_t>(std::max(kColumn - text_width(left), 1)), ' '), right);
}

bool help(Chat& chat, std::string_view argument) {
    const auto language = static_cast<std::size_t>(chat.environment().language);
    if (argument.empty()) {
        for (const ChatCommand& command : kCommands) chat.say(help_line(usage_of(command), command.help[language]));
        chat.say(help_line("//", chat.words(Text::slash_escape_help)));
        chat.say(Text::keys_help);
        return true;
    }
    const ChatCommand* command =
        find_command(argument.starts_with('/') ? std::string(argument) : fmt::format("/{}", argument));
    if (command == nullptr) throw Error(chat.words(Text::unknown_help, printable(argument, 40)), Status::usage);
    std::string names = usage_of(*command);
    for (const std::string_view alias : command->aliases) {
        if (!alias.empty()) names += fmt::format(", {}", alias);
    }
    chat.say(names);
    chat.say(command->help[language]);
    if (command->name == "/set") chat.say(Text::parameter_names, joined(kParameters));
    return true;
}

// ---- Tab -----------------------------------------------------------------------------------------------------------

Completion complete_file(std::string_view typed, std::size_t begin, std::string_view home) {
    Completion offer{begin, {}};
    const std::size_t slash = typed.rfind('/');
    const std::string_view folder = slash == std::string_view::npos ? "" : typed.substr(0, slash + 1);
    const std::string_view start = typed.substr(folder.size());
    std::error_code error;
    const std::string where = folder.empty() ? "." : with_home(folder, home);
    for (fs::directory_iterator at(where, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        // Hidden ones only for whoever asks; nothing that a terminal should not see.
        if (!name.starts_with(start) || (start.empty() && name.starts_with('.')) || clean_text(name) != name) continue;
        if (offer.candidates.size() == kMaxCandidates) return {begin, {}};
        std::error_code ignored;
        offer.candidates.push_back(fmt::format("{}{}{}", folder, name, at->is_directory(ignored) ? "/" : ""));
    }
    std::sort(offer.candidates.begin(), offer.candidates.end());
    return offer;
}

Completion complete_word(std::string_view typed, std::size_t begin, std::span<const std::string_view> words) {
    Completion offer{begin, {}};
    for (const std::string_view word : words) {
        if (word.starts_with(typed)) offer.candidates.emplace_back(word);
    }
    std::sort(offer.candidates.begin(), offer.candidates.end());
    return offer;
}

}  // namespace

std::span<const ChatCommand> chat_commands() {
    return kCommands;
}

bool run_command(Chat& chat, std::string_view text) {
    const auto [word, argument] = first_word(text);
    const ChatCommand* command = find_command(word);
    if (command == nullptr) throw Error(chat.words(Text::unknown_command, printable(word, 40)), Status::usage);
    if (command->argument_needed && argument.empty()) {
        throw Error(chat.words(Text::needs_argument, command->name, command->argument, command->name), Status::usage);
    }
    if (command->kind == Argument::none && !argument.empty()) {
        throw Error(chat.words(Text::takes_no_argument, command->name), Status::usage);
    }
    return command->run(chat, argument);
}

Completion complete_command(std::string_view text, std::string_view home) {
    if (!text.starts_with('/') || text.find('\n') != std::string_view::npos) return {};
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos) {
        std::vector<std::string_view> names;
        for (const ChatCommand& command : kCommands) {
            names.push_back(command.name);
            for (const std::string_view alias : command.aliases) {
                if (!alias.empty()) names.push_back(alias);
            }
        }
        return complete_word(text, 0, names);
    }
    const ChatCommand* command = find_command(text.substr(0, blank));
    if (command == nullptr) return {};
    const std::size_t begin = std::min(text.find_first_not_of(' ', blank), text.size());
    const std::string_view typed = text.substr(begin);
    if (command->kind == Argument::file) return complete_file(typed, begin, home);
    constexpr std::string_view kParameter = "parameter ";
    if (command->name == "/set" && typed.starts_with(kParameter)) {
        return complete_word(typed.substr(kParameter.size()), begin + kParameter.size(), kParameters);
    }
    return complete_word(typed, begin, command->words);
}

}  // namespace distill
