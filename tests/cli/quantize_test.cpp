// distill quantize through the real binary: statuses, what is refused, and that no half file is left behind.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "engine/gguf.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/process.h"

namespace distill::test {
namespace {

namespace fs = std::filesystem;

struct Fixture {
    TempDir folder;
    std::string in = folder.write("in.gguf", tiny_model({.d_model = 256, .d_ff = 256}));
    std::string out = folder.path() / "out.gguf";

    ProcessResult run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "quantize");
        return run_distill(arguments);
    }
    void refused(const ProcessResult& r, int status, std::string_view part) const {
        INFO(r.err);
        CHECK(r.status == status);
        CHECK(r.out.empty());
        CHECK(r.err.rfind("distill: error: ", 0) == 0);
        CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
        CHECK(contains(r.err, part));
        CHECK_FALSE(fs::exists(out + ".part"));
    }
};

TEST_CASE("quantize writes a model that answers", "[quantize][slow]") {
    const Fixture f;
    const ProcessResult r = f.run({f.in, f.out, "q4_k_m", "-t", "1"});
    INFO(r.err);
    CHECK(r.status == 0);
    CHECK(r.err.empty());
    CHECK(contains(r.out, "bits a weight"));
    CHECK(Gguf::open(f.out).find_uint("general.file_type") == 15);
    CHECK(run_distill({"-m", f.out, "--raw", "-p", "the", "-n", "4", "-t", "1"}).status == 0);
    CHECK(fs::file_size(f.out) < fs::file_size(f.in) / 3);

    f.refused(f.run({f.in, f.out, "Q8_0"}), 2, "--force");
    CHECK(f.run({f.in, f.out, "Q8_0", "--force", "--pure", "--tensor-type", "attn_v=F16"}).status == 0);
    const Gguf file = Gguf::open(f.out);
    CHECK(file.find_uint("general.file_type") == 7);
    CHECK(file.find_tensor("blk.0.attn_v.weight")->format->name == "F16");
    f.refused(f.run({f.out, f.folder.path() / "again.gguf", "Q4_0"}), 2, "--allow-requantize");
    CHECK(f.run({f.out, f.folder.path() / "again.gguf", "Q4_0", "--allow-requantize"}).status == 0);
}

TEST_CASE("quantize refuses what would do harm, and says what would work", "[quantize]") {
    const Fixture f;
    f.refused(f.run({f.in, f.in, "Q8_0", "--force"}), 2, "the input itself");
    const std::string link = f.folder.path() / "link.gguf";
    fs::create_symlink(f.in, link);
    f.refused(f.run({f.in, link, "Q8_0", "--force"}), 2, "the input itself");
    f.refused(f.run({f.in, f.out, "Q9_X"}), 2, "Q4_K_M");
    f.refused(f.run({f.in, f.out}), 2, "type");
    f.refused(f.run({f.in, f.out, "Q8_0", "--tensor-type", "x"}), 2, "NAME=TYPE");
    f.refused(f.run({f.in, f.out, "Q8_0", "--tensor-type", "attn=Q4_K_M"}), 2, "unknown type");
    f.refused(f.run({f.in, f.out, "Q8_0", "--tensor-type", "nonesuch=F16"}), 2, "nonesuch");
    f.refused(f.run({f.in, f.folder.path(), "Q8_0", "--force"}), 2, "no regular file");
    f.refused(f.run({f.in, "/dev/null", "Q8_0", "--force"}), 2, "no regular file");
    f.refused(f.run({f.in, f.folder.path() / "no/such/out.gguf", "Q8_0"}), 1, "cannot be written");
    f.refused(f.run({f.folder.path() / "absent.gguf", f.out, "Q8_0"}), 3, "absent.gguf");
    CHECK_FALSE(fs::exists(f.out));
    CHECK_NOTHROW(Gguf::open(f.in));
}

TEST_CASE("quantize of broken files is status 3 and leaves nothing", "[quantize][hostile]") {
    const Fixture f;
    const auto bytes = tiny_model();
    for (const std::size_t size : {std::size_t{0}, std::size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
        INFO("cut to " << size);
        const std::string cut = f.folder.write("cut.gguf", std::span(bytes).first(size));
        f.refused(f.run({cut, f.out, "Q8_0"}), 3, "cut.gguf");
        CHECK_FALSE(fs::exists(f.out));
    }
}

TEST_CASE("--dry-run says what would be written, to the byte, and writes nothing", "[quantize]") {
    const Fixture f;
    const ProcessResult r = f.run({f.in, f.out, "Q4_K_M", "--dry-run"});
    INFO(r.out << r.err);
    CHECK(r.status == 0);
    CHECK(contains(r.out, "blk.0.attn_q.weight"));
    CHECK(contains(r.out, "F32 -> Q4_K"));
    CHECK(contains(r.out, "bits a weight"));
    CHECK_FALSE(fs::exists(f.out));
    CHECK_FALSE(fs::exists(f.out + ".part"));
}

TEST_CASE("quantize on a full disk ends with status 1 and removes what it began", "[quantize][fault]") {
    const Fixture f;
    // A limit on the size of files stands in for a full disk.
    ProcessOptions options;
    options.arguments = {
        "-c", "ulimit -f 64; trap '' XFSZ; exec \"$0\" \"$@\"", distill_binary(), "quantize", f.in, f.out, "Q8_0"};
    const ProcessResult r = run_process("/bin/sh", options);
    INFO(r.err);
    CHECK(r.status == 1);
    CHECK(contains(r.err, "writing failed"));
    CHECK_FALSE(fs::exists(f.out));
    CHECK_FALSE(fs::exists(f.out + ".part"));
}

}  // namespace
}  // namespace distill::test
