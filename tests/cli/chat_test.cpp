// The chat, on a terminal of its own.
#include <chrono>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/process.h"

namespace distill::test {
namespace {

struct Chat {
    explicit Chat(std::vector<std::string> more = {},
                  const std::vector<std::pair<std::string, std::string>>& environment = {},
                  const TinyModelSpec& spec = {})
        : path(folder.write("tiny.gguf", tiny_model(spec))),
          terminal(distill_binary(), arguments(std::move(more)), environment) {}

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
        terminal.type(std::string(text) + "\n");
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

TEST_CASE("Ctrl-C stops the answer, a second one leaves with 130", "[chat]") {
    const TinyModelSpec slow = {.n_layers = 8, .d_model = 256, .d_ff = 1024, .n_ctx_train = 100'000};
    Chat chat({"-n", "-1", "--color", "off"}, {}, slow);
    chat.line("the thing");
    chat.expect("\n");  // the echo of what was typed
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
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
    CHECK(screen({}, {{"NO_COLOR", "1"}}).find('\033') == std::string::npos);
    CHECK(screen({}, {{"TERM", "dumb"}}).find('\033') == std::string::npos);
    CHECK(screen({"--color", "off"}, {}).find('\033') == std::string::npos);
    CHECK(screen({"--color", "on"}, {{"NO_COLOR", "1"}}).find("\033[2m") != std::string::npos);
    CHECK(screen({"--think-show", "hide"}, {}).find('\033') == std::string::npos);
}

TEST_CASE("a message that does not fit costs only itself", "[chat]") {
    Chat chat({"-c", "64"});
    chat.line(std::string(200, 'x'));
    chat.expect("exceeds the available context size");
    chat.line("/bye");
    CHECK(chat.terminal.wait_exit() == 0);
}

}  // namespace
}  // namespace distill::test
