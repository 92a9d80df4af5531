// The chat, on a terminal of its own.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/patience.h"
#include "tests/support/process.h"
#include "tests/support/screen.h"
#include "tests/support/shared_files.h"

namespace distill::test {
namespace {

struct Chat {
    explicit Chat(std::vector<std::string> more = {},
                  const std::vector<std::pair<std::string, std::string>>& environment = {},
                  const TinyModelSpec& spec = {})
        : path(folder.write("tiny.gguf", tiny_model(spec))),
          terminal(distill_binary(), arguments(std::move(more)), with_places(environment)) {}

    // Nothing of the tests may reach the history or depend on the language of whoever runs them.
    std::vector<std::pair<std::string, std::string>> with_places(
        std::vector<std::pair<std::string, std::string>> environment) const {
        for (const auto& [name, value] :
             {std::pair<std::string, std::string>{"XDG_STATE_HOME", folder.path() / "state"}, {"LC_ALL", "C.UTF-8"}}) {
            bool given = false;
            for (const auto& change : environment) given = given || change.first == name;
            if (!given) environment.emplace_back(name, value);
        }
        return environment;
    }

    std::vector<std::string> arguments(std::vector<std::string> more) const {
        std::vector<std::string> all = {"-m", path, "-n", "12", "--temp", "0", "--ignore-eos", "-t", "1"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    // What came up to the text; the test fails where it never comes.
    std::string expect(std::string_view text) {
        bool found = false;
        std::string fresh = terminal.wait_for(text, found);
        INFO("waiting for '" << text << "', the screen: " << terminal.screen());
        REQUIRE(found);
        return fresh;
    }
    void line(std::string_view text) {
        expect(">>> ");
        terminal.type(std::string(text) + "\r");
    }
    // Until an answer has begun: not the line that was typed, nor how far its prompt is read, stands last.
    void expect_answer() {
        const auto end = std::chrono::steady_clock::now() + patience() * std::chrono::seconds(10);
        std::string last;
        do {
            bool found = false;
            terminal.wait_for("\x01", found, std::chrono::milliseconds(50));  // which never comes
            last = picture();
            last.erase(0, last.rfind('\n') + 1);
            INFO("the last line: " << last);
            REQUIRE(std::chrono::steady_clock::now() < end);
        } while (last.starts_with(">>>") || last.starts_with("reading the prompt"));
    }
    // What stands on the screen now, in a window of that size.
    std::string picture(int columns = 80, int rows = 24) const {
        Screen screen(columns, rows);
        screen.feed(terminal.screen());
        return screen.all_text();
    }

    TempDir folder;
    std::string path;
    Terminal terminal;
};

TEST_CASE("a chat answers turn by turn and leaves with /bye", "[chat]") {
    Chat chat;
    chat.line("the thing");
    chat.expect("| text 12 tok");
    chat.line("and the other");
    // The second turn keeps what it shares with the first.
    chat.expect(" kept)");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("each way of leaving", "[chat]") {
    for (const char* word : {"/bye", "/exit", "/quit"}) {
        Chat chat;
        chat.line(word);
        CHECK(chat.terminal.wait_exit() == 0);
    }
    Chat chat;
    chat.expect(">>> ");
    chat.terminal.type("\x04");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("slash commands", "[chat]") {
    Chat chat;
    chat.line("/nonsense now");
    chat.expect("unknown command '/nonsense'");
    chat.line("/help");
    chat.expect("/clear");
    chat.line("the thing");
    chat.expect("| text 12 tok");
    chat.line("/clear");
    chat.expect("forgotten");
    chat.line("the thing");
    const std::string answer = chat.expect("| text 12 tok");
    CHECK(answer.find("kept)") == std::string::npos);
    chat.line("//slash first");
    chat.expect("| text 12 tok");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("Ctrl-C stops the answer, a second one leaves with 130", "[chat][slow]") {
    const TinyModelSpec slow = {.n_layers = 8, .d_model = 256, .d_ff = 1024, .n_ctx_train = 100'000};
    Chat chat({"-n", "-1", "--color", "off"}, {}, slow);
    chat.line("the thing");
    chat.expect_answer();
    chat.terminal.type("\x03");
    chat.expect("(stopped)");
    // Typing a line makes the next Ctrl-C a first one again.
    chat.line("/help");
    chat.expect("/clear");
    chat.expect(">>> ");
    chat.terminal.type("\x03");
    chat.expect("again leaves");
    chat.terminal.type("\x03");
    CHECK(chat.terminal.wait_exit() == 130);
}

TEST_CASE("colour only where it may be", "[chat]") {
    // The answer begins inside the thinking, whose style is faint.
    const auto screen = [](std::vector<std::string> more,
                           std::vector<std::pair<std::string, std::string>> environment) {
        more.insert(more.end(), {"--raw", "--reasoning-budget", "4"});
        Chat chat(std::move(more), environment);
        chat.line("the <think>");
        chat.expect("| text 12 tok");
        chat.line("/bye");
        CHECK(chat.terminal.wait_exit() == 0);
        return chat.terminal.screen();
    };
    CHECK(screen({}, {}).find("\033[2m") != std::string::npos);
    // The editor moves the cursor in any case, but changes no style.
    const auto styled = [](const std::string& text) {
        for (std::size_t at = 0; (at = text.find("\033[", at)) != std::string::npos; ++at) {
            const std::size_t end = text.find_first_not_of("0123456789;?", at + 2);
            if (end != std::string::npos && text[end] == 'm') return true;
        }
        return false;
    };
    CHECK_FALSE(styled(screen({}, {{"NO_COLOR", "1"}})));
    CHECK(screen({}, {{"TERM", "dumb"}}).find('\033') == std::string::npos);
    CHECK_FALSE(styled(screen({"--color", "off"}, {})));
    CHECK(screen({"--color", "on"}, {{"NO_COLOR", "1"}}).find("\033[2m") != std::string::npos);
    CHECK_FALSE(styled(screen({"--think-show", "hide"}, {})));
}

TEST_CASE("a message that does not fit costs only itself", "[chat]") {
    Chat chat({"-c", "64"});
    chat.line(std::string(200, 'x'));
    chat.expect("exceeds the available context size");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("Chinese and emoji are typed and edited on a real terminal", "[chat]") {
    Chat chat({"--color", "off"});
    chat.expect(">>> ");
    // A wrong character, a joined one and a flag typed, the flag deleted, and back over the joined one.
    chat.terminal.type("你坏👨‍👩‍👧🇨🇳\x7f");
    chat.terminal.type("\x1b[D\x1b[D\x1b[3~好\r");
    chat.expect("| text 12 tok");
    chat.line("/undo");
    chat.expect("taken back: 你好👨‍👩‍👧");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
    CHECK(contains(chat.picture(), ">>> 你好👨‍👩‍👧\n"));
    CHECK(chat.terminal.is_plain());
}

TEST_CASE("a paste of a hundred lines is one message", "[chat]") {
    Chat chat({"-n", "2"}, {}, {.n_ctx_train = 4096});
    std::string paste;
    for (int i = 0; i < 100; ++i) paste += "line " + std::to_string(i) + "\r";
    chat.expect(">>> ");
    chat.terminal.type("\x1b[200~" + paste + "\x1b[201~");
    chat.terminal.type("end\r");
    chat.expect("| text 2 tok");
    chat.line("/context");
    chat.expect("2 messages");
    chat.line("/show prompt");
    chat.expect("line 98\r\nline 99\r\nend");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("messages of several lines", "[chat]") {
    Chat chat({"-n", "2", "--raw"});
    chat.line("one\\");
    chat.terminal.type("two\nthree\r");
    chat.expect("| text 2 tok");
    chat.line("/show prompt");
    chat.expect("one\r\ntwo\r\nthree");
    chat.line("/clear");
    chat.line("\"\"\"first");
    chat.terminal.type("second\"\"\"\r");
    chat.expect("| text 2 tok");
    chat.line("/show prompt");
    chat.expect("first\r\nsecond");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("what was typed comes back in the next chat, unless it shall not", "[chat]") {
    TempDir state;
    const std::vector<std::pair<std::string, std::string>> environment = {{"XDG_STATE_HOME", state.path()}};
    {
        Chat chat({"-n", "2"}, environment);
        chat.line("第一行\n第二行");
        chat.expect("| text 2 tok");
        chat.line("/set nohistory");
        chat.expect("not remembered");
        chat.line("secret");
        chat.expect("| text 2 tok");
        chat.line("/bye");
        CHECK(chat.terminal.wait_exit() == 0);
    }
    Chat chat({"-n", "2"}, environment);
    chat.expect(">>> ");
    chat.terminal.type("\x1b[A\x1b[A");  // "/set nohistory" lies before it
    chat.terminal.type("\r");
    chat.expect("| text 2 tok");
    chat.line("/undo");
    chat.expect("taken back: 第一行…");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
    std::ifstream file(state.path() / "distill" / "history");
    std::ostringstream lines;
    lines << file.rdbuf();
    CHECK(contains(lines.str(), "第一行\\n第二行\n"));
    CHECK_FALSE(contains(lines.str(), "secret"));

    Chat without({"--no-history", "-n", "2"}, environment);
    without.line("\x1b[Asecret");
    without.expect("| text 2 tok");
    without.line("/bye");
    CHECK(without.terminal.wait_exit() == 0);
    CHECK(std::filesystem::file_size(state.path() / "distill" / "history") == lines.str().size());
}

TEST_CASE("a chat is saved and goes on elsewhere", "[chat]") {
    TempDir place;
    const std::string file = place.path() / "a chat.json";
    {
        Chat chat;
        chat.line("/system be brief");
        chat.line("the thing");
        chat.expect("| text 12 tok");
        chat.line("/temp 0.25");
        chat.expect("temperature is 0.25");
        chat.line("/save " + file);
        chat.expect("3 messages");
        chat.line("/bye");
        CHECK(chat.terminal.wait_exit() == 0);
    }
    Chat chat;
    chat.line("/load " + place.path().string() + "/a\t");
    chat.expect("3 messages");
    chat.line("/show system");
    chat.expect("be brief");
    chat.line("/set parameter temperature");
    chat.expect("is no value for temperature");
    chat.line("/show parameters");
    chat.expect("temperature     0.25");
    chat.line("/undo");
    chat.expect("taken back: the thing");
    // A file that was changed leaves everything as it is.
    std::ofstream(file, std::ios::app) << " ";
    chat.line("/load " + file);
    chat.expect("the checksum does not fit");
    chat.line("/show system");
    chat.expect("be brief");
    chat.line("/save /dev/full");
    chat.expect("no regular file");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
    // The same by another model.
    const TinyModelSpec other = {.n_layers = 3};
    {
        Chat first;
        first.line("the thing");
        first.expect("| text 12 tok");
        first.line("/save " + file);
        first.expect("2 messages");
        first.line("/bye");
        CHECK(first.terminal.wait_exit() == 0);
    }
    Chat second({}, {}, other);
    second.line("/load " + file);
    second.expect("saved with another model");
    second.line("and now");
    second.expect("| text 12 tok");
    second.line("/bye");
    CHECK(second.terminal.wait_exit() == 0);
}

TEST_CASE("undo, regen, forget and read", "[chat]") {
    TempDir place;
    const std::string text = place.write("文件.txt", std::string_view("inside\n"));
    Chat chat({"--raw", "-n", "3"});
    chat.line("/undo");
    chat.expect("nothing to take back");
    chat.line("/regen");
    chat.expect("no answer to make again");
    chat.line("/forget");
    chat.expect("nothing to take back");
    chat.line("first thing");
    chat.expect("| text 3 tok");
    chat.line("second thing");
    chat.expect("| text 3 tok");
    chat.line("/regenerate");
    chat.expect("| text 3 tok");
    chat.line("/context");
    chat.expect("4 messages");
    chat.line("/forget");
    chat.expect("forgotten: first thing");
    chat.line("/undo");
    chat.expect("taken back: second thing");
    chat.line("/read " + text);
    chat.expect("7 bytes go with the next message");
    chat.line("/read " + chat.path);
    chat.expect("no UTF-8 text");
    chat.line("question");
    chat.expect("| text 3 tok");
    chat.line("/show prompt");
    chat.expect("[file name]: 文件.txt\r\n[file content begin]\r\ninside\r\n[file content end]\r\nquestion");
    chat.line("/stats");
    chat.expect("all 4 answers");
    chat.line("/set quiet");
    chat.expect("not shown");
    chat.line("/ctx 64");
    chat.expect("num_ctx is 64");
    chat.line(std::string(300, 'x'));
    chat.expect("exceeds the available context size");
    chat.expect("/forget drops");
    chat.line("/set parameter top_p 7");
    chat.expect("error");
    chat.line("/bye now");
    chat.expect("takes no argument");
    chat.line("／bye");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("Ctrl-C discards the line, a second one leaves, and the terminal is as before", "[chat]") {
    Chat chat;
    chat.expect(">>> ");
    CHECK_FALSE(chat.terminal.is_plain());
    chat.terminal.type("half a line\x03");
    chat.expect("again leaves");
    // Something typed in between makes the next one a first one.
    chat.expect(">>> ");
    chat.terminal.type("more\x03");
    chat.expect("again leaves");
    chat.expect(">>> ");
    chat.terminal.type("\x03");
    CHECK(chat.terminal.wait_exit() == 130);
    CHECK(chat.terminal.is_plain());
    CHECK(contains(chat.terminal.screen(), "\033[?2004l"));
}

TEST_CASE("signals that end the chat put the terminal back", "[chat]") {
    for (const int signal : {SIGTERM, SIGHUP, SIGQUIT}) {
        Chat chat;
        chat.expect(">>> ");
        CHECK_FALSE(chat.terminal.is_plain());
        chat.terminal.send_signal(signal);
        CHECK(chat.terminal.wait_exit() == 128 + signal);
        CHECK(chat.terminal.is_plain());
    }
}

TEST_CASE("Ctrl-C while a prompt is read takes the question back", "[chat][slow]") {
    const TinyModelSpec slow = {.n_layers = 8, .d_model = 256, .d_ff = 1024, .n_ctx_train = 100'000};
    Chat chat({"-n", "4"}, {}, slow);
    chat.expect(">>> ");
    chat.terminal.type("\x1b[200~" + std::string(60'000, 'x') + "\x1b[201~");
    chat.terminal.type("\r");
    chat.expect("reading the prompt");
    chat.terminal.type("\x03");
    chat.expect("taken back");
    // What the line was is not lost: it can be recalled.
    chat.line("/context");
    chat.expect("0 messages");
    chat.line("short");
    chat.expect("| text 4 tok");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("Ctrl-C at any moment ends in a prompt or in 130", "[chat][slow]") {
    Random random(11);
    const TinyModelSpec slow = {.n_layers = 4, .d_model = 256, .d_ff = 512, .n_ctx_train = 100'000};
    for (int round = 0; round < 12; ++round) {
        Chat chat({"-n", "200"}, {}, slow);
        if (round % 2 == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(random.below(60)));
            chat.terminal.type("\x03");
            bool prompt = false;
            chat.terminal.wait_for(">>> ", prompt, std::chrono::milliseconds(2000));
            if (prompt) chat.terminal.type("\x04");
            const int status = chat.terminal.wait_exit();
            INFO("status " << status << ": " << chat.terminal.screen());
            CHECK((status == 0 || status == 130));
        } else {
            chat.line("the thing");
            std::this_thread::sleep_for(std::chrono::milliseconds(random.below(400)));
            chat.terminal.type("\x03");
            chat.expect(">>> ");
            chat.terminal.type("\x04");
            CHECK(chat.terminal.wait_exit() == 0);
        }
        CHECK(chat.terminal.is_plain());
    }
}

TEST_CASE("a stopped answer stays in the conversation", "[chat][slow]") {
    const TinyModelSpec slow = {.n_layers = 8, .d_model = 256, .d_ff = 1024, .n_ctx_train = 100'000};
    Chat chat({"-n", "-1", "--raw"}, {}, slow);
    chat.line("the thing");
    chat.expect_answer();
    chat.terminal.type("\x03");
    chat.expect("(stopped)");
    chat.line("/context");
    chat.expect("2 messages");
    chat.line("/show prompt");
    chat.expect("…");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("a window that changes its size while a line is typed", "[chat]") {
    Chat chat;
    chat.expect(">>> ");
    chat.terminal.resize(20, 6);
    chat.terminal.type("abcdefghijklmnopqrstuvwxyz");
    chat.expect("qrstuvwxyz");
    chat.terminal.resize(60, 6);
    chat.expect(">>> abcdefghijklmnopqrstuvwxyz");
    chat.terminal.type("\x15/bye\r");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("a chat on a terminal that understands nothing reads plain lines", "[chat]") {
    Chat chat({"-n", "2", "--raw"}, {{"TERM", "dumb"}});
    chat.line("one\\");
    chat.expect("... ");
    chat.terminal.type("two\r");
    chat.expect("| text 2 tok");
    chat.line("/show prompt");
    chat.expect("one\r\ntwo");
    chat.expect(">>> ");
    chat.terminal.type("\x04");
    CHECK(chat.terminal.wait_exit() == 0);
    CHECK(chat.terminal.screen().find('\033') == std::string::npos);
}

TEST_CASE("the chat speaks the language of the locale", "[chat]") {
    Chat chat({}, {{"LC_ALL", "zh_CN.UTF-8"}});
    chat.expect("列出命令");
    chat.line("/nonsense");
    chat.expect("未知命令");
    chat.line("/help");
    chat.expect("清空对话");
    chat.line("/help save");
    chat.expect("保存对话");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
}

TEST_CASE("earlier turns lose their thinking and nothing else is read again", "[chat][slow]") {
    DISTILL_SHARED_OR_SKIP(model, "models/trial-Q4_K_M.gguf");
    TempDir state;
    Terminal terminal(distill_binary(),
                      {"-m", model.string(), "--temp", "0", "-t", "1", "--no-history", "--color", "off"},
                      {{"LC_ALL", "C.UTF-8"}});
    const auto ask = [&](std::string_view question) {
        bool found = false;
        terminal.wait_for(">>> ", found);
        terminal.type(std::string(question) + "\r");
        const std::string fresh = terminal.wait_for(" logits ", found);
        REQUIRE(found);
        return fresh;
    };
    // "prompt 21 tok (17 kept)" -> 21 and 17
    const auto number_after = [](const std::string& text, std::string_view mark) {
        const std::size_t at = text.rfind(mark);
        REQUIRE(at != std::string::npos);
        return std::stoi(text.substr(at + mark.size()));
    };
    const std::string first = ask("12 + 30 = ?");
    CHECK(contains(first, "<think>"));
    const int prompt = number_after(first, "prompt ");
    const std::string second = ask("7 + 8 = ?");
    const int kept = number_after(second, "tok (");
    // All of the first prompt but the opened thinking: "<think>" and the newline after it.
    CHECK(kept >= prompt - 2);
    CHECK(kept <= prompt);
    bool found = false;
    terminal.wait_for(">>> ", found);
    terminal.type("/nothink\r");
    terminal.wait_for("without thinking", found);
    CHECK(found);
    const std::string third = ask("5 + 6 = ?");
    CHECK_FALSE(contains(third, "<think>"));
    terminal.type("/bye\r");
    CHECK(terminal.wait_exit() == 0);
}

}  // namespace
}  // namespace distill::test
