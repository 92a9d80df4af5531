#include "cli/tokenize.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/tokenizer/vocabularies.h"

namespace distill::test {
namespace {

// A byte vocabulary in a file: <s> is 256, "th" 257.
struct Fixture {
    Fixture() {
        TokenList list = byte_tokens();
        list.add("<s>", TokenKind::control);
        list.merge("t", "h");
        GgufBuilder b = list.bpe();
        b.set("tokenizer.ggml.bos_token_id", 256u);
        options.model = folder.write("v.gguf", b.build());
    }
    // What the command writes for this input.
    std::string run(std::string_view input = {}) {
        std::istringstream in{std::string(input)};
        char* data = nullptr;
        std::size_t size = 0;
        std::FILE* out = open_memstream(&data, &size);
        try {
            status = run_tokenize(options, in, out);
        } catch (...) {
            std::fclose(out);
            std::free(data);
            throw;
        }
        std::fclose(out);
        const std::string text(data, size);
        std::free(data);
        return text;
    }
    TempDir folder;
    TokenizeOptions options;
    int status = -1;
};

TEST_CASE("tokenize: ids on one line, from -p or stdin", "[cli]") {
    Fixture f;
    CHECK(f.run("the\n") == "257 101 10\n");
    CHECK(f.run("") == "\n");
    CHECK(f.status == 0);
    f.options.prompt = "the<s>";
    CHECK(f.run("not read") == "257 101 60 115 62\n");
    f.options.bos = true;
    CHECK(f.run() == "256 257 101 60 115 62\n");
    f.options.special = true;
    CHECK(f.run() == "256 257 101 256\n");
}

TEST_CASE("tokenize --decode: raw bytes and nothing else", "[cli]") {
    Fixture f;
    f.options.decode = true;
    CHECK(f.run("257 101\n") == "the");
    CHECK(f.run("[256, 257,228]") == "th\xE4");
    CHECK(f.run("") == "");
    CHECK(f.run("0 10") == std::string("\0\n", 2));
    f.options.special = true;
    CHECK(f.run("256 257") == "<s>th");
    for (const char* bad : {"258", "-1", "1x", "99999999999", "0x1"}) {
        INFO(bad);
        const std::optional<Error> error = error_of([&] { f.run(bad); });
        REQUIRE(error);
        CHECK(error->status() == Status::usage);
    }
}

TEST_CASE("tokenize --jsonl: a line out for each line in, bad ones in their place", "[cli][hostile]") {
    Fixture f;
    f.options.jsonl = true;
    CHECK(f.run("{\"text\":\"the\"}\n{\"text\":\"\",\"ids\":[1]}\n{\"text\":\"\\n\"}") ==
          "{\"ids\":[257,101]}\n{\"ids\":[]}\n{\"ids\":[10]}\n");
    CHECK(f.status == 0);
    CHECK(f.run("").empty());
    CHECK(f.run("{\"text\":\"a\"}\r\n\r\n") == "{\"ids\":[97]}\n");
    const std::string deep = "{\"text\":" + std::string(100000, '[') + "}";
    const std::string out = f.run("{\"text\":\"a\"}\nnonsense\n{\"txt\":1}\n{\"text\":7}\n[1]\n" + deep +
                                  "\n{\"text\":\"\xFF\"}\n{\"text\":\"\\ud800\"}\n{\"text\":\"b\"}\n");
    CHECK(f.status == 2);
    std::istringstream lines(out);
    std::vector<std::string> rows;
    for (std::string line; std::getline(lines, line);) rows.push_back(line);
    REQUIRE(rows.size() == 9);
    CHECK(rows.front() == "{\"ids\":[97]}");
    CHECK(rows.back() == "{\"ids\":[98]}");
    for (std::size_t i = 1; i < 8; ++i) {
        INFO(rows[i]);
        CHECK(rows[i].starts_with("{\"error\":\"line " + std::to_string(i + 1) + ": "));
    }
}

TEST_CASE("tokenize: what cannot be is an error with a status", "[cli][hostile]") {
    Fixture f;
    const auto status_of = [&](std::FILE* out) -> int {
        std::istringstream in("some text");
        const std::optional<Error> error = error_of([&] { run_tokenize(f.options, in, out); });
        if (out != stdout) std::fclose(out);
        return error ? static_cast<int>(error->status()) : 0;
    };
    f.options.decode = f.options.jsonl = true;
    CHECK(status_of(std::tmpfile()) == 2);
    f.options.decode = f.options.jsonl = false;
    CHECK(status_of(std::fopen("/dev/full", "w")) == 1);
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    close(ends[0]);  // the test program ignores SIGPIPE, as distill does
    CHECK(status_of(fdopen(ends[1], "w")) == 141);
    f.options.model += ".absent";
    CHECK(status_of(std::tmpfile()) == 3);
    f.options.model = f.folder.write("no_bos.gguf", byte_tokens().bpe().build());
    f.options.bos = true;
    CHECK(status_of(std::tmpfile()) == 2);
}

}  // namespace
}  // namespace distill::test
