// Files written whole or not at all: what stays when writing fails, and when the process is killed in the middle.
#include "cli/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"

namespace distill::test {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_one(const std::string& path, std::string_view text) {
    const std::array<std::string_view, 1> parts = {text};
    write_file_atomically(path, parts);
}

std::size_t files_in(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST_CASE("a file is written from its parts, and written over", "[atomic]") {
    TempDir folder;
    const std::string path = folder.path() / "file";
    const std::array<std::string_view, 3> parts = {"one ", "", "two"};
    write_file_atomically(path, parts);
    CHECK(contents(path) == "one two");
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    write_one(path, "three");
    CHECK(contents(path) == "three");
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0640);
    CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("a file that cannot be written is named, and nothing is left behind", "[atomic][fault]") {
    TempDir folder;
    const fs::path& base = folder.path();
    fs::create_directory(base / "folder");
    fs::create_symlink("/dev/null", base / "device");
    const auto missing = error_of([&] { write_one(base / "missing" / "file", "x"); });
    REQUIRE(missing);
    CHECK(missing->status() == Status::failure);
    CHECK(contains(missing->where(), "missing/file"));
    CHECK(contains(missing->problem(), "No such file"));
    const auto directory = error_of([&] { write_one(base / "folder", "x"); });
    REQUIRE(directory);
    CHECK(contains(directory->problem(), "no regular file"));
    CHECK(error_of([&] { write_one("/dev/null", "x"); }));
    CHECK(fs::is_character_file("/dev/null"));
    // The link is replaced; what it pointed to is not.
    write_one(base / "device", "x");
    CHECK(fs::is_regular_file(fs::symlink_status(base / "device")));
    CHECK(error_of([&] { write_one(base / std::string(300, 'n'), "x"); }));
    CHECK(files_in(base) == 2);
}

TEST_CASE("a write that runs out of room leaves the old file", "[atomic][fault]") {
    TempDir folder;
    const std::string path = folder.path() / "file";
    write_one(path, "old");
    // In a child of its own, so that the limit binds nobody else.
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit limit{4096, 4096};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        std::signal(SIGXFSZ, SIG_IGN);
        bool failed = false;
        try {
            write_one(path, std::string(100'000, 'x'));
        } catch (const Error& e) {
            failed = contains(e.problem(), "File too large") && e.where() == path;
        }
        ::_exit(failed ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(contents(path) == "old");
    CHECK(files_in(folder.path()) == 1);
}

// Each round a child writes generation after generation until it is killed at some moment.
void kill_loop(int rounds) {
    TempDir folder;
    const std::string path = folder.path() / "file";
    const auto generation = [](int n) {
        return std::string(200'000, static_cast<char>('a' + n % 26)) + std::to_string(n);
    };
    write_one(path, generation(0));
    Random random(7);
    int replaced = 0;
    std::string before = contents(path);
    const auto inode = [](const std::string& name) {
        struct stat info {};
        REQUIRE(::stat(name.c_str(), &info) == 0);
        return info.st_ino;
    };
    for (int round = 0; round < rounds; ++round) {
        const ino_t old_inode = inode(path);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            try {
                for (int n = 1;; ++n) write_one(path, generation(round * 31 + n));
            } catch (const Error&) {
                ::_exit(1);
            }
        }
        // Once it is at work, however busy the machine.
        const auto start = std::chrono::steady_clock::now();
        while (inode(path) == old_inode && std::chrono::steady_clock::now() - start < std::chrono::seconds(10)) {
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random.below(5000)));
        ::kill(child, SIGKILL);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        const std::string now = contents(path);
        REQUIRE(now.size() > 200'000);
        const int n = std::stoi(now.substr(200'000));
        REQUIRE(now == generation(n));
        replaced += now != before ? 1 : 0;
        before = now;
    }
    // A loop that never caught a write would prove nothing.
    CHECK(replaced > rounds / 2);
}

TEST_CASE("a writer killed at any moment leaves the old file or the new one", "[atomic][fault]") {
    kill_loop(30);
}
TEST_CASE("a writer killed a thousand times", "[.slow][atomic]") {
    kill_loop(1000);
}

}  // namespace
}  // namespace distill::test
