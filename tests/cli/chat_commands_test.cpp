// What a chat is made of besides typing: its table of commands, its messages in two languages, its colours.
#include "cli/chat_commands.h"

#include <set>

#include "cli/chat_input.h"
#include "cli/markdown_style.h"
#include "cli/messages.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"

namespace distill::test {
namespace {

using Candidates = std::vector<std::string>;

TEST_CASE("each command has a name of its own and help in both languages", "[chat]") {
    std::set<std::string_view> names;
    for (const ChatCommand& command : chat_commands()) {
        INFO(command.name);
        CHECK(command.name.starts_with('/'));
        CHECK(names.insert(command.name).second);
        for (const std::string_view alias : command.aliases) CHECK((alias.empty() || names.insert(alias).second));
        CHECK_FALSE(command.help[0].empty());
        CHECK_FALSE(command.help[1].empty());
        CHECK(command.help[0] != command.help[1]);
        CHECK(command.run != nullptr);
        CHECK((command.kind != ChatCommand::Argument::none || command.argument.empty()));
    }
    for (const char* name : {"/help",       "/?",       "/bye",    "/exit",  "/quit",    "/clear", "/reset",  "/regen",
                             "/regenerate", "/undo",    "/forget", "/save",  "/load",    "/dump",  "/set",    "/temp",
                             "/think",      "/nothink", "/show",   "/stats", "/context", "/read",  "/system", "/ctx"}) {
        INFO(name);
        CHECK(names.count(name) == 1);
    }
}

TEST_CASE("Tab offers commands, their words, and files", "[chat]") {
    const auto offer = [](std::string_view text) { return complete_command(text, "/nonexistent").candidates; };
    CHECK(offer("/co") == Candidates{"/context"});
    CHECK(offer("/re") == Candidates{"/read", "/regen", "/regenerate", "/reset"});
    CHECK(offer("/show p") == Candidates{"parameters", "prompt"});
    CHECK(offer("/set n") == Candidates{"nohistory", "nothink"});
    CHECK(offer("/set parameter te") == Candidates{"temperature"});
    CHECK(offer("/nonsense x").empty());
    CHECK(offer("plain text").empty());
    CHECK(offer("/sys\n").empty());

    TempDir folder;
    folder.write("one file.json", std::string_view("x"));
    folder.write("中文", std::string_view("x"));
    folder.write(".hidden", std::string_view("x"));
    folder.write("bad\x1bname", std::string_view("x"));
    folder.write(
        "bad\xff"
        "utf8",
        std::string_view("x"));
    std::filesystem::create_directory(folder.path() / "sub");
    const std::string base = folder.path().string() + "/";
    CHECK(offer("/load " + base) == Candidates{base + "one file.json", base + "sub/", base + "中文"});
    CHECK(offer("/save " + base + ".h") == Candidates{base + ".hidden"});
    CHECK(offer("/read " + base + "one f") == Candidates{base + "one file.json"});
    CHECK(complete_command("/load ~/su", folder.path().string()).candidates == Candidates{"~/sub/"});
    CHECK(complete_command("/load  ~/su", folder.path().string()).begin == 7);
    CHECK(offer("/load /nonexistent/").empty());
}

TEST_CASE("where a message ends", "[chat]") {
    const auto finished = [](std::string text, std::string_view then) {
        const bool done = message_finished(text);
        CHECK(text == then);
        return done;
    };
    CHECK(finished("one", "one"));
    CHECK_FALSE(finished("one\\", "one"));
    CHECK(finished("one\\\\", "one\\\\"));
    CHECK_FALSE(finished("\"\"\"", "\"\"\""));
    CHECK_FALSE(finished("\"\"\"a\nb", "\"\"\"a\nb"));
    CHECK(finished("\"\"\"a\nb\"\"\"", "\"\"\"a\nb\"\"\""));
    CHECK(without_block_marks("\"\"\"\na\nb\n\"\"\"") == "a\nb");
    CHECK(without_block_marks("\"\"\"a\"\"\"") == "a");
    CHECK(without_block_marks("say \"\"\"a\"\"\"") == "say \"\"\"a\"\"\"");
}

TEST_CASE("every message takes the same values in both languages", "[chat]") {
    CHECK(language_of("zh_CN.UTF-8") == Language::chinese);
    CHECK(language_of("en_US.UTF-8") == Language::english);
    CHECK(language_of("") == Language::english);
    const auto fields = [](std::string_view text) {
        std::vector<std::string> found;
        for (std::size_t at = 0; (at = text.find('{', at)) != std::string_view::npos; ++at) {
            found.emplace_back(text.substr(at, text.find('}', at) - at + 1));
        }
        return found;
    };
    int fewer_in_chinese = 0;
    for (int i = 0; i < static_cast<int>(Text::count); ++i) {
        const auto text = static_cast<Text>(i);
        INFO(text_of(text, Language::english));
        auto english = fields(text_of(text, Language::english)), chinese = fields(text_of(text, Language::chinese));
        CHECK(english == chinese);
        CHECK_FALSE(text_of(text, Language::chinese).empty());
        fewer_in_chinese += text_of(text, Language::english) != text_of(text, Language::chinese);
    }
    CHECK(fewer_in_chinese == static_cast<int>(Text::count));
    CHECK(message(Language::chinese, Text::written, "x") == "已写入 x");
}

TEST_CASE("headings and code are coloured, the text stays", "[chat]") {
    const std::string text =
        "# Title\ntext # no `x`\n```cpp\n# code\nint x;\n```\nafter\n####### seven\n    # deep\n#tag\n``\n";
    const std::string want =
        "\033[1m# Title\033[0m\ntext # no `x`\n\033[36m```cpp\n# code\nint x;\n```\033[0m\nafter\n####### seven\n    # "
        "deep\n"
        "#tag\n``\n";
    MarkdownStyle whole;
    const std::string at_once = whole.push(text);
    CHECK(at_once + whole.finish() == want);
    // Cut anywhere it comes to the same.
    for (std::size_t cut = 1; cut < 12; ++cut) {
        MarkdownStyle style;
        std::string styled;
        for (std::size_t at = 0; at < text.size(); at += cut) styled += style.push(text.substr(at, cut));
        CHECK(styled + style.finish() == want);
    }
    MarkdownStyle open;
    const auto styled = [&](std::string_view piece) {
        const std::string first = open.push(piece);
        return first + open.finish();
    };
    CHECK(styled("```\ncode") == "\033[36m```\ncode\033[0m");
    CHECK(styled("plain ##") == "plain ##");
    CHECK(styled("##") == "##");
}

}  // namespace
}  // namespace distill::test
