// Lines that the next chat remembers: the file's form, its bounds, several writers, and places that cannot be used.
#include "cli/history.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"

namespace distill::test {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

std::string contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST_CASE("where the history lies", "[history]") {
    CHECK(history_path("/state", "/home/me") == "/state/distill/history");
    CHECK(history_path("", "/home/me") == "/home/me/.local/state/distill/history");
    CHECK(history_path("relative", "/home/me") == "/home/me/.local/state/distill/history");
    CHECK(history_path("", "").empty());
}

TEST_CASE("entries come back in the next run, several lines and backslashes included", "[history]") {
    TempDir folder;
    const std::string path = folder.path() / "state" / "distill" / "history";
    const Lines said = {"one", "两行\n第二行", "C:\\new", "ends with \\", "\\n"};
    {
        History history(path);
        CHECK(history.entries().empty());
        for (const std::string& line : said) history.add(line);
        history.add("\\n");  // twice in a row
        history.add(" \n");
        CHECK(history.entries() == said);
    }
    CHECK(History(path).entries() == said);
    CHECK(contents(path) == "one\n两行\\n第二行\nC:\\\\new\nends with \\\\\n\\\\n\n");
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    REQUIRE(::stat(fs::path(path).parent_path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("a history that is switched off keeps nothing", "[history]") {
    TempDir folder;
    const std::string path = folder.path() / "history";
    History history(path);
    history.add("one");
    history.enable(false);
    history.add("two");
    CHECK(history.entries() == Lines{"one"});
    history.enable(true);
    history.add("three");
    CHECK(contents(path) == "one\nthree\n");
}

TEST_CASE("the history does not grow without end", "[history]") {
    TempDir folder;
    const std::string path = folder.path() / "history";
    {
        History history(path);
        for (int i = 0; i < 100; ++i) history.add(std::to_string(i) + std::string(20'000, 'x'));
        history.add(std::string(History::kMaxEntry + 1, 'y'));
        CHECK(history.entries().back().size() == History::kMaxEntry + 1);
    }
    CHECK(fs::file_size(path) <= History::kMaxFile);
    const Lines kept = History(path).entries();
    CHECK(kept.size() > 20);
    CHECK(kept.back() == "99" + std::string(20'000, 'x'));
    History history(folder.path() / "many");
    for (std::size_t i = 0; i < History::kMaxEntries + 5; ++i) history.add(std::to_string(i));
    CHECK(history.entries().size() == History::kMaxEntries);
    CHECK(History(folder.path() / "many").entries() == history.entries());
}

TEST_CASE("several chats write at the same time", "[history][fault]") {
    TempDir folder;
    const std::string path = folder.path() / "history";
    constexpr int kWriters = 4, kLines = 60;
    std::vector<pid_t> children;
    for (int w = 0; w < kWriters; ++w) {
        children.push_back(::fork());
        REQUIRE(children.back() >= 0);
        if (children.back() == 0) {
            History history(path);
            for (int i = 0; i < kLines; ++i)
                history.add(std::to_string(w) + "/" + std::to_string(i) + std::string(3000, 'x'));
            ::_exit(0);
        }
    }
    for (const pid_t child : children) {
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(status == 0);
    }
    const Lines entries = History(path).entries();
    const std::set<std::string> distinct(entries.begin(), entries.end());
    CHECK(entries.size() == kWriters * kLines);
    CHECK(distinct.size() == kWriters * kLines);
    for (const std::string& entry : entries) REQUIRE(entry.ends_with(std::string(3000, 'x')));
}

TEST_CASE("a place that cannot be used is no trouble", "[history][hostile]") {
    TempDir folder;
    const fs::path& base = folder.path();
    const std::string target = folder.write("target", std::string_view("secret\n"));
    fs::create_symlink(target, base / "link");
    fs::create_directory(base / "folder");
    REQUIRE(::mkfifo((base / "pipe").c_str(), 0600) == 0);
    for (const std::string& path :
         {std::string(base / "link"), std::string(base / "folder"), std::string(base / "pipe"),
          std::string("/proc/distill/history"), target + "/history", std::string("/dev/null")}) {
        INFO(path);
        History history(path);
        CHECK(history.entries().empty());
        history.add("one");
        CHECK(history.entries() == Lines{"one"});
    }
    CHECK(contents(target) == "secret\n");
}

TEST_CASE("what others wrote into the file cannot disturb the terminal", "[history][hostile]") {
    TempDir folder;
    const std::string path = folder.write("history", std::string_view("a\x1b[2Jb\n\n\xff\nno newline\\"));
    CHECK(History(path).entries() == Lines{"a[2Jb", "\xef\xbf\xbd", "no newline\\"});
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    History history(path);
    history.add("next");
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
}

}  // namespace
}  // namespace distill::test
