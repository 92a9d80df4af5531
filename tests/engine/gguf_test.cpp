// The container reader: sound files of all kinds, and every way of lying about a size that we could think of.
#include "engine/gguf.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>

#include "engine/error.h"
#include "engine/limits.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/patience.h"
#include "tests/support/shared_files.h"

using namespace distill;
using namespace distill::test;

namespace {

constexpr std::uint64_t k2_31 = std::uint64_t{1} << 31;
constexpr std::uint64_t k2_32 = std::uint64_t{1} << 32;
constexpr std::uint64_t k2_61 = std::uint64_t{1} << 61;
constexpr std::uint64_t k2_62 = std::uint64_t{1} << 62;
constexpr std::uint64_t k2_63 = std::uint64_t{1} << 63;
constexpr std::uint64_t kMax = ~std::uint64_t{0};
constexpr auto kString = static_cast<std::uint32_t>(ValueType::string);
constexpr auto kArray = static_cast<std::uint32_t>(ValueType::array);

// Two keys and two tensors: enough for a container.
GgufBuilder small() {
    GgufBuilder b;
    Random random{1};
    b.set("general.architecture", "test").set("test.number", std::uint32_t{7});
    b.add_tensor("first", {32, 2}, FormatId::q8_0, random_weights(FormatId::q8_0, 64, random));
    b.add_tensor("second", {5}, FormatId::f32, random_weights(FormatId::f32, 5, random));
    return b;
}

class Timer {
  public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

  private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Opens bytes that must be refused; the parts of the error are checked by the caller.
std::optional<Error> refusal(const std::vector<std::byte>& bytes) {
    const Timer timer;
    auto error = error_of([&] { Gguf::parse(bytes, "test.gguf"); });
    CHECK(timer.seconds() < 1.0 * patience());
    if (error) {
        CHECK(error->status() == Status::bad_model);
        CHECK(std::string_view{error->what()}.size() <= 495);
        if (error->offset()) CHECK(*error->offset() <= bytes.size());
    }
    return error;
}

struct Hostile {
    const char* defect;
    std::function<void(GgufBuilder&)> apply;
    const char* where;    // part of Error::where
    const char* problem;  // part of Error::problem
};

void check_all(std::initializer_list<Hostile> cases) {
    for (const Hostile& c : cases) {
        INFO(c.defect);
        GgufBuilder b = small();
        c.apply(b);
        const auto error = refusal(b.build());
        REQUIRE(error);
        INFO(error->what());
        CHECK(contains(error->where(), c.where));
        CHECK(contains(error->problem(), c.problem));
    }
}

std::vector<std::byte> nested_arrays(int depth) {  // depth arrays around one byte
    Bytes bytes;
    for (int i = 1; i < depth; ++i) bytes.put(kArray).put(std::uint64_t{1});
    return bytes.put(std::uint32_t{0}).put(std::uint64_t{1}).put(std::uint8_t{42}).data();
}

}  // namespace

TEST_CASE("a sound file comes back as it was written", "[gguf]") {
    for (const std::uint32_t version : {2u, 3u}) {
        GgufBuilder b = small();
        b.version = version;
        const auto bytes = b.build();
        const Gguf file = Gguf::parse(bytes, "test.gguf");
        CHECK(file.version() == version);
        CHECK(file.n_parts() == 1);
        CHECK(file.path() == "test.gguf");
        CHECK(file.file_bytes() == bytes.size());
        REQUIRE(file.values().size() == 2);
        CHECK(file.values()[0].key == "general.architecture");
        CHECK(file.find_string("general.architecture") == "test");
        CHECK(file.find_uint("test.number") == 7u);

        REQUIRE(file.tensors().size() == 2);
        const Tensor* first = file.find_tensor("first");
        REQUIRE(first);
        CHECK(first->format->id == FormatId::q8_0);
        CHECK(first->type == 8);
        CHECK(first->n_dims == 2);
        CHECK(first->columns() == 32);
        CHECK(first->rows() == 2);
        CHECK(first->shape == std::array<std::uint64_t, 4>{32, 2, 1, 1});
        CHECK(first->offset % 32 == 0);
        CHECK(std::equal(first->data.begin(), first->data.end(), b.tensors[0].data.begin(), b.tensors[0].data.end()));
        CHECK(first->data.data() == bytes.data() + first->offset);
        const Tensor* second = file.find_tensor("second");
        REQUIRE(second);
        CHECK(std::equal(second->data.begin(), second->data.end(), b.tensors[1].data.begin(), b.tensors[1].data.end()));
        CHECK(file.find_tensor("third") == nullptr);
        CHECK(file.find("absent") == nullptr);
        CHECK(file.find_uint("absent") == std::nullopt);
    }
}

TEST_CASE("an empty directory is a file as well", "[gguf]") {
    const auto bytes = GgufBuilder{}.build();
    CHECK(bytes.size() == 24);
    const Gguf file = Gguf::parse(bytes, "empty.gguf");
    CHECK(file.values().empty());
    CHECK(file.tensors().empty());
}

TEST_CASE("typed look-ups convert what fits and refuse the rest", "[gguf]") {
    GgufBuilder b;
    b.set("u8", std::uint8_t{200})
        .set("i8", std::int8_t{-5})
        .set("u16", std::uint16_t{65535})
        .set("i16", std::int16_t{-300});
    b.set("u32", std::uint32_t{4000000000}).set("i32", std::int32_t{-7}).set("u64", kMax).set("i64", std::int64_t{9});
    b.set("f32", 1.5f).set("f64", -2.25).set("yes", true).set("no", false).set("text", "ab\xffz").set("void", "");
    b.set_raw("odd bool", 7, Bytes{}.put(std::uint8_t{2}).data());
    b.set("words", std::vector<std::string>{"x", "", "yz"}).set("floats", std::vector<float>{1, -2.5f});
    b.set("doubles", std::vector<double>{0.5, 1e300, -1e300}).set("ints", std::vector<std::int32_t>{3, -4});
    b.set("shorts", std::vector<std::int16_t>{-1, 2}).set("longs", std::vector<std::uint64_t>{1, k2_31});
    b.set("none", std::vector<std::uint8_t>{});
    b.set_raw("deep", kArray, nested_arrays(kMaxArrayNesting));
    const auto bytes = b.build();
    const Gguf file = Gguf::parse(bytes, "t");

    CHECK(file.find_uint("u8") == 200u);
    CHECK(file.find_int("i8") == -5);
    CHECK(file.find_uint("u16") == 65535u);
    CHECK(file.find_int("i16") == -300);
    CHECK(file.find_uint("u32") == 4000000000u);
    CHECK(file.find_int("u32") == 4000000000);
    CHECK(file.find_int("i32") == -7);
    CHECK(file.find_uint("u64") == kMax);
    CHECK(file.find_uint("i64") == 9u);
    CHECK(file.find_float("f32") == 1.5);
    CHECK(file.find_float("f64") == -2.25);
    CHECK(file.find_float("i8") == -5.0);
    CHECK(file.find_float("u64") == 0x1p64);
    CHECK(file.find_bool("yes") == true);
    CHECK(file.find_bool("no") == false);
    CHECK(file.find_string("text") == "ab\xffz");
    CHECK(file.find_string("void") == "");
    CHECK(file.find_strings("words") == std::vector<std::string_view>{"x", "", "yz"});
    CHECK(file.find_floats("floats") == std::vector<float>{1, -2.5f});
    const float infinity = std::numeric_limits<float>::infinity();
    CHECK(file.find_floats("doubles") == std::vector<float>{0.5f, infinity, -infinity});
    CHECK(file.find_ints("ints") == std::vector<std::int32_t>{3, -4});
    CHECK(file.find_ints("shorts") == std::vector<std::int32_t>{-1, 2});
    CHECK(file.find_strings("none")->empty());
    CHECK(file.find_floats("none")->empty());
    CHECK(file.find("deep")->element == ValueType::array);

    struct Bad {
        const char* key;
        std::function<void()> look_up;
        const char* problem;
    };
    const Bad bad[] = {
        {"i8", [&] { file.find_uint("i8"); }, "is -5, expected 0 or more"},
        {"u64", [&] { file.find_int("u64"); }, "too large"},
        {"text", [&] { file.find_uint("text"); }, "holds string, expected an integer"},
        {"f32", [&] { file.find_uint("f32"); }, "holds f32, expected an integer"},
        {"yes", [&] { file.find_uint("yes"); }, "holds bool, expected an integer"},
        {"text", [&] { file.find_float("text"); }, "expected a number"},
        {"u8", [&] { file.find_bool("u8"); }, "expected a bool"},
        {"odd bool", [&] { file.find_bool("odd bool"); }, "bool of value 2"},
        {"u8", [&] { file.find_string("u8"); }, "expected a string"},
        {"words", [&] { file.find_string("words"); }, "holds array of string"},
        {"ints", [&] { file.find_strings("ints"); }, "holds array of i32, expected an array of strings"},
        {"words", [&] { file.find_floats("words"); }, "expected an array of floats"},
        {"floats", [&] { file.find_ints("floats"); }, "expected an array of integers"},
        {"longs", [&] { file.find_ints("longs"); }, "element 1 is 2147483648, beyond 32 bits"},
        {"u8", [&] { file.find_ints("u8"); }, "holds u8, expected an array"},
        {"deep", [&] { file.find_ints("deep"); }, "holds array of array"},
    };
    for (const Bad& c : bad) {
        const auto error = error_of(c.look_up);
        REQUIRE(error);
        INFO(error->what());
        CHECK(contains(error->where(), fmt::format("key '{}'", c.key)));
        CHECK(contains(error->problem(), c.problem));
        CHECK(error->offset() >= file.find(c.key)->offset);
        CHECK(error->offset() < file.find(c.key)->offset + file.find(c.key)->bytes.size());
        CHECK(error->status() == Status::bad_model);
    }
}

TEST_CASE("what is no file we can map is refused at once", "[gguf][hostile]") {
    const TempDir dir;
    const std::string fifo = (dir.path() / "fifo").string();
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    struct Case {
        std::string path;
        const char* problem;
    };
    const Case cases[] = {
        {dir.path().string(), "is a directory"},
        {(dir.path() / "absent.gguf").string(), "No such file or directory"},
        {fifo, "is a pipe"},  // nobody writes to it: a blocking open would never return
        {"/dev/null", "is not a regular file"},
        {dir.write("empty.gguf", ""), "is empty"},
        {dir.write("short.gguf", "GG"), "is not a GGUF file"},
        {dir.write("magic.gguf", "GGUF"), "it is cut short"},
        {dir.write("page.gguf", "<!DOCTYPE html><html><body>404</body></html>"), "looks like a web page"},
        {dir.write("lfs.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), "Git LFS pointer"},
        {dir.write("zip.gguf", "PK\x03\x04 and so on, and so on"), "zip archive"},
        {dir.write("tensors", std::string_view{"\x10\0\0\0\0\0\0\0{\"a\":{}}", 16}), "safetensors"},
        {dir.write("old.gguf", "tjgg and so on, and so on, and on"), "from before GGUF"},
    };
    for (const Case& c : cases) {
        INFO(c.path);
        const Timer timer;
        const auto error = error_of([&] { Gguf::open(c.path); });
        CHECK(timer.seconds() < 1.0 * patience());
        REQUIRE(error);
        INFO(error->what());
        CHECK(contains(error->problem(), c.problem));
        CHECK(contains(error->where(), c.path.substr(c.path.rfind('/'))));
        CHECK(error->status() == Status::bad_model);
    }
    if (::geteuid() != 0) {  // root may read anything
        const std::string closed = dir.write("closed.gguf", "GGUF");
        REQUIRE(::chmod(closed.c_str(), 0) == 0);
        const auto error = error_of([&] { Gguf::open(closed); });
        REQUIRE(error);
        CHECK(contains(error->problem(), "Permission denied"));
    }
}

TEST_CASE("magic and version", "[gguf][hostile]") {
    check_all({
        {"magic", [](auto& b) { b.magic = "GGML"; }, "test.gguf", "starts with 'GGML"},
        {"control bytes in the magic", [](auto& b) { b.magic = "\x1b[2J"; }, "test.gguf", "starts with '\\x1B[2J"},
        {"version 0", [](auto& b) { b.version = 0; }, "test.gguf", "version 0"},
        {"version 1", [](auto& b) { b.version = 1; }, "test.gguf", "version 1"},
        {"version 4", [](auto& b) { b.version = 4; }, "test.gguf",
         "version 4; versions 2 and 3 are supported, a newer"},
        {"version max", [](auto& b) { b.version = ~0u; }, "test.gguf", "version 4294967295"},
        {"big-endian",
         [](auto& b) {
             b = GgufBuilder{};
             b.big_endian = true;
         },
         "test.gguf", "big-endian"},
        {"big-endian magic", [](auto& b) { b.magic = "FUGG"; }, "test.gguf", "big-endian"},
    });
}

TEST_CASE("counts are compared with the bytes that are there", "[gguf][hostile]") {
    for (const std::uint64_t count : {k2_32, k2_61, k2_62, k2_63, kMax - 1, kMax}) {
        const std::string text = fmt::format("{}", count);
        check_all({
            {"tensors", [&](auto& b) { b.n_tensors = count; }, "test.gguf", text.c_str()},
            {"keys", [&](auto& b) { b.n_keys = count; }, "test.gguf", text.c_str()},
        });
    }
    check_all({
        {"a key too many", [](auto& b) { b.n_keys = 3; }, "test.gguf", ""},
        {"a tensor too many", [](auto& b) { b.n_tensors = 3; }, "test.gguf", "tensor name is empty"},
        {"a key too few", [](auto& b) { b.n_keys = 1; }, "test.gguf", ""},
    });
}

TEST_CASE("limits on counts hold exactly", "[gguf][hostile][slow]") {
    // Keys of one bool each; the names are what keeps them apart.
    const auto with_keys = [](std::uint64_t n) {
        Bytes bytes;
        bytes.text("GGUF").put(std::uint32_t{3}).put(std::uint64_t{0}).put(n);
        for (std::uint64_t i = 0; i < n; ++i) {
            char name[8];
            fmt::format_to_n(name, sizeof name, "{:08x}", i);
            bytes.string({name, sizeof name}).put(std::uint32_t{7}).put(std::uint8_t{1});
        }
        return bytes.data();
    };
    for (const std::uint64_t n : {kMaxKeys - 1, kMaxKeys}) {
        const auto bytes = with_keys(n);
        CHECK(Gguf::parse(bytes, "t").values().size() == n);
    }
    const auto error = refusal(with_keys(kMaxKeys + 1));
    REQUIRE(error);
    CHECK(contains(error->problem(), fmt::format("more than the {} supported", kMaxKeys)));

    const auto with_tensors = [](std::uint64_t n) {
        Bytes bytes;
        bytes.text("GGUF").put(std::uint32_t{3}).put(n).put(std::uint64_t{0});
        for (std::uint64_t i = 0; i < n; ++i) {
            bytes.string(fmt::format("t{}", i))
                .put(std::uint32_t{1})
                .put(std::uint64_t{1})
                .put(std::uint32_t{0})
                .put(32 * i);
        }
        bytes.zeros((32 - bytes.data().size() % 32) % 32 + 32 * n);
        return bytes.data();
    };
    for (const std::uint64_t n : {kMaxTensors - 1, kMaxTensors}) {
        const auto bytes = with_tensors(n);
        CHECK(Gguf::parse(bytes, "t").tensors().size() == n);
    }
    const auto too_many = refusal(with_tensors(kMaxTensors + 1));
    REQUIRE(too_many);
    CHECK(contains(too_many->problem(), fmt::format("more than the {} supported", kMaxTensors)));

    for (const std::uint64_t length : {kMaxNameBytes - 1, kMaxNameBytes, kMaxNameBytes + 1}) {
        GgufBuilder b = small();
        b.set(std::string(length, 'k'), true);
        INFO(length);
        CHECK(refusal(b.build()).has_value() == (length > kMaxNameBytes));
    }
    for (const int depth : {kMaxArrayNesting - 1, kMaxArrayNesting, kMaxArrayNesting + 1, 5000}) {
        GgufBuilder b = small();
        b.set_raw("deep", kArray, nested_arrays(depth));
        INFO(depth);
        CHECK(refusal(b.build()).has_value() == (depth > kMaxArrayNesting));
    }
}

TEST_CASE("keys and values that lie", "[gguf][hostile]") {
    const auto array = [](std::uint32_t element, std::uint64_t count) {
        return Bytes{}.put(element).put(count).data();
    };
    check_all({
        {"key length past the end", [](auto& b) { b.keys[1].key_length = 100000; }, "test.gguf", "key of 100000 bytes"},
        {"key length 2^61", [](auto& b) { b.keys[1].key_length = k2_61; }, "test.gguf", "runs past the end"},
        {"key length max", [](auto& b) { b.keys[1].key_length = kMax; }, "test.gguf", "runs past the end"},
        {"empty key", [](auto& b) { b.set("", true); }, "test.gguf", "key is empty"},
        {"same key twice", [](auto& b) { b.append_raw("test.number", 7, Bytes{}.put(true).data()); },
         "key 'test.number'", "appears twice"},
        {"control bytes in a key", [](auto& b) { b.set("a\nb", true); }, "test.gguf", "'a\\x0Ab' holds control bytes"},
        {"NUL in a key",
         [](auto& b) {
             b.set(std::string_view{"a\0b", 3}, true);
         },
         "test.gguf", "control bytes"},
        {"value type 13", [](auto& b) { b.keys[1].type = 13; }, "key 'test.number'", "value type 13 is not known"},
        {"value type max", [](auto& b) { b.keys[1].type = ~0u; }, "key 'test.number'", "value type 4294967295"},
        {"string past the end", [](auto& b) { b.set_raw("s", kString, Bytes{}.string("x", 99999).data()); }, "key 's'",
         "string of 99999 bytes"},
        {"string of 2^63", [](auto& b) { b.set_raw("s", kString, Bytes{}.string("x", k2_63).data()); }, "key 's'",
         "runs past the end"},
        {"string of 2^64-1", [](auto& b) { b.set_raw("s", kString, Bytes{}.string("x", kMax).data()); }, "key 's'",
         "runs past the end"},
        {"2^61 x 8 bytes wraps to 0", [&](auto& b) { b.set_raw("a", kArray, array(10, k2_61)); }, "key 'a'",
         "array of 2305843009213693952 x u64 runs past the end"},
        {"2^62 x 4 bytes", [&](auto& b) { b.set_raw("a", kArray, array(4, k2_62)); }, "key 'a'", "runs past the end"},
        {"2^64-1 bools", [&](auto& b) { b.set_raw("a", kArray, array(7, kMax)); }, "key 'a'", "runs past the end"},
        {"2^61 strings", [&](auto& b) { b.set_raw("a", kArray, array(8, k2_61)); }, "key 'a'", "runs past the end"},
        {"2^60 arrays", [&](auto& b) { b.set_raw("a", kArray, array(9, k2_61 / 2)); }, "key 'a'", "runs past the end"},
        {"array of type 13", [&](auto& b) { b.set_raw("a", kArray, array(13, 1)); }, "key 'a'",
         "element type 13 is not known"},
        {"long string inside an array",
         [](auto& b) {
             b.set_raw("a", kArray, Bytes{}.put(kString).put(std::uint64_t{2}).string("x").string("y", k2_62).data());
         },
         "key 'a'", "string in an array"},
        {"unknown type in a nested array",
         [](auto& b) {
             b.set_raw("a", kArray,
                       Bytes{}.put(kArray).put(std::uint64_t{1}).put(std::uint32_t{99}).put(std::uint64_t{0}).data());
         },
         "key 'a'", "element type 99"},
    });
}

TEST_CASE("errors name the byte of the field", "[gguf][hostile]") {
    GgufBuilder b;
    b.set_raw("s", kString, Bytes{}.string("x", 99999).data());
    const auto in_value = refusal(b.build());
    REQUIRE(in_value);
    CHECK(in_value->offset() == 24u + 8 + 1 + 4);  // header, key length, "s", type

    GgufBuilder versions;
    versions.version = 9;
    CHECK(refusal(versions.build())->offset() == 4u);
    GgufBuilder counts;
    counts.n_keys = kMax;
    CHECK(refusal(counts.build())->offset() == 16u);
}

TEST_CASE("arrays in arrays are walked over", "[gguf]") {
    Bytes bytes;
    bytes.put(kArray).put(std::uint64_t{3});
    bytes.put(kString).put(std::uint64_t{2}).string("one").string("two");
    bytes.put(std::uint32_t{4}).put(std::uint64_t{0});
    bytes.put(kArray).put(std::uint64_t{2});
    for (int i = 0; i < 2; ++i) bytes.put(std::uint32_t{2}).put(std::uint64_t{2}).put(std::uint32_t{0xABCDABCD});
    GgufBuilder b = small();
    b.keys.insert(b.keys.begin(), KeyEntry{"nest", kArray, bytes.data()});
    const auto built = b.build();
    const Gguf file = Gguf::parse(built, "t");
    CHECK(file.find("nest")->count == 3);
    CHECK(file.find("nest")->bytes.size() == bytes.data().size() - 12);
    CHECK(file.find_uint("test.number") == 7u);  // the walk ended in the right place
}

TEST_CASE("alignment", "[gguf][hostile]") {
    for (const std::uint32_t sound : {8u, 16u, 32u, 64u, 4096u}) {
        GgufBuilder b = small();
        b.alignment = sound;
        b.set("general.alignment", sound);
        const auto bytes = b.build();
        const Gguf file = Gguf::parse(bytes, "t");
        INFO(sound);
        for (std::size_t i = 0; i < 2; ++i) {
            const Tensor& tensor = file.tensors()[i];
            CHECK(tensor.offset % sound == 0);
            CHECK(
                std::equal(tensor.data.begin(), tensor.data.end(), b.tensors[i].data.begin(), b.tensors[i].data.end()));
        }
    }
    for (const std::uint64_t bad : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{4},
                                    std::uint64_t{24}, std::uint64_t{33}, k2_31, k2_32, k2_63, kMax}) {
        const std::string text = fmt::format("is {}, expected a power of two", bad);
        check_all(
            {{"value", [&](auto& b) { b.set("general.alignment", bad); }, "key 'general.alignment'", text.c_str()}});
    }
    check_all({
        {"string", [](auto& b) { b.set("general.alignment", "32"); }, "key 'general.alignment'", "holds string"},
        {"float", [](auto& b) { b.set("general.alignment", 32.0f); }, "key 'general.alignment'", "holds f32"},
        {"negative", [](auto& b) { b.set("general.alignment", -32); }, "key 'general.alignment'", "is -32"},
        {"array", [](auto& b) { b.set("general.alignment", std::vector<std::uint32_t>{32}); },
         "key 'general.alignment'", "holds array of u32"},
    });
}

TEST_CASE("tensors that lie", "[gguf][hostile]") {
    check_all({
        {"no dimensions", [](auto& b) { b.tensors[0].shape = {}; }, "tensor 'first'", "has 0 dimensions"},
        {"five dimensions",
         [](auto& b) {
             b.tensors[0].shape = {32, 1, 1, 1, 1};
         },
         "tensor 'first'", "has 5 dimensions"},
        {"2^32-1 dimensions", [](auto& b) { b.tensors[0].n_dims = ~0u; }, "tensor 'first'",
         "has 4294967295 dimensions"},
        {"zero columns",
         [](auto& b) {
             b.tensors[0].shape = {0, 2};
         },
         "tensor 'first'", "shape [0, 2] holds a zero"},
        {"zero rows",
         [](auto& b) {
             b.tensors[0].shape = {32, 0};
         },
         "tensor 'first'", "holds a zero"},
        {"type by name", [](auto& b) { b.tensors[0].type = 16; }, "tensor 'first'", "type IQ2_XXS is not supported"},
        {"withdrawn type", [](auto& b) { b.tensors[0].type = 4; }, "tensor 'first'", "type Q4_2 is not supported"},
        {"type by number", [](auto& b) { b.tensors[0].type = 77; }, "tensor 'first'", "type 77 is not supported"},
        {"type max", [](auto& b) { b.tensors[0].type = ~0u; }, "tensor 'first'", "type 4294967295 is not supported"},
        {"part of a block",
         [](auto& b) {
             b.tensors[0].shape = {31, 2};
         },
         "tensor 'first'", "rows of 31 weights are not whole blocks of 32, as Q8_0 needs"},
        {"short row of a K-quant", [](auto& b) { b.tensors[0].type = 12; }, "tensor 'first'",
         "whole blocks of 256, as Q4_K"},
        {"unaligned", [](auto& b) { b.tensors[1].offset = 7; }, "tensor 'second'", "offset 7 is no multiple"},
        {"past the end", [](auto& b) { b.tensors[1].offset = 1u << 20; }, "tensor 'second'",
         "run past the end of the file"},
        {"wrapping start", [](auto& b) { b.tensors[1].offset = kMax - 31; }, "tensor 'second'", "beyond 64 bits"},
        {"wrapping end", [](auto& b) { b.tensors[1].offset = k2_63; }, "tensor 'second'", "run past the end"},
        {"wraps back into the file", [](auto& b) { b.tensors[1].offset = kMax - 159; }, "tensor 'second'", ""},
        {"overlap", [](auto& b) { b.tensors[1].offset = 0; }, "tensor 'second'", "overlaps tensor 'first'"},
        {"overlap by the end", [](auto& b) { b.tensors[1].offset = 64; }, "tensor 'second'", "overlaps tensor 'first'"},
        {"same name twice", [](auto& b) { b.tensors[1].name = "first"; }, "tensor 'first'", "appears twice"},
        {"empty name", [](auto& b) { b.tensors[1].name = ""; }, "test.gguf", "tensor name is empty"},
        {"control bytes", [](auto& b) { b.tensors[1].name = "a\x1b[1m"; }, "test.gguf",
         "'a\\x1B[1m' holds control bytes"},
        {"name length", [](auto& b) { b.tensors[1].name_length = kMax; }, "test.gguf", "runs past the end"},
        {"more rows than data",
         [](auto& b) {
             b.tensors[1].shape = {5, 20};
         },
         "tensor 'second'", "run past the end"},
    });
}

TEST_CASE("shapes whose products wrap", "[gguf][hostile]") {
    const std::vector<std::uint64_t> sizes = {k2_31 - 1,  k2_31,      k2_31 + 1, k2_32 - 1,  k2_32,
                                              k2_32 + 32, k2_62 - 32, k2_62,     k2_62 + 32, k2_63 - 32,
                                              k2_63,      k2_63 + 32, kMax - 31, kMax};
    for (const FormatId id : {FormatId::f32, FormatId::q8_0, FormatId::q4_k}) {
        for (const std::uint64_t a : sizes) {
            std::vector<std::vector<std::uint64_t>> shapes = {{a}, {32, a}, {256, a}, {a, 32}, {a, 2, 2, 2}};
            for (const std::uint64_t b : sizes) shapes.insert(shapes.end(), {{a, b}, {256, a, b}, {256, 2, a, b}});
            for (const auto& shape : shapes) {
                GgufBuilder b = small();
                b.tensors[0].shape = shape;
                b.tensors[0].type = static_cast<std::uint32_t>(id);
                INFO(fmt::format("{} [{}]", static_cast<int>(id), fmt::join(shape, ", ")));
                const auto error = refusal(b.build());
                REQUIRE(error);  // none of them fits in a file of a few hundred bytes
                REQUIRE(contains(error->where(), "tensor 'first'"));
            }
        }
    }
}

TEST_CASE("tensors may stand in any order and leave gaps", "[gguf]") {
    GgufBuilder b = small();
    b.tensors[0].offset = 32;  // written data: first at 0..67, second at 96..115
    b.tensors[1].offset = 0;
    const auto bytes = b.build();
    const Gguf file = Gguf::parse(bytes, "t");
    CHECK(file.find_tensor("second")->offset + 32 == file.find_tensor("first")->offset);
}

TEST_CASE("a file cut anywhere is refused", "[gguf][hostile]") {
    TinyModelSpec spec;
    spec.n_layers = 1;
    const GgufBuilder b = tiny_builder(spec);
    const auto whole = b.build();
    CHECK_FALSE(refusal(whole));
    const std::size_t directory_end = b.directory_end();
    REQUIRE(directory_end > 5000);
    std::vector<std::size_t> lengths;
    for (std::size_t n = 1; n <= directory_end; ++n) lengths.push_back(n);
    for (std::size_t n = directory_end + 1; n < whole.size(); n += 1024) lengths.push_back(n);
    lengths.push_back(whole.size() - 32);  // the last tensor ends within its padding
    for (const std::size_t n : lengths) {
        // A block of its own, so that ASan sees a byte read beyond it.
        const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
        const auto error = error_of([&] { Gguf::parse(cut, "cut.gguf"); });
        INFO(n);
        REQUIRE(error);
        REQUIRE(error->status() == Status::bad_model);
    }
}

namespace {

// Uses everything the reader hands out, so that a sanitizer sees what is wrong with it.
std::uint64_t touch(const Gguf& file) {
    std::uint64_t sum = 0;
    for (const Value& value : file.values()) {
        sum += value.key.size();
        for (const std::byte byte : value.bytes) sum += std::to_integer<std::uint64_t>(byte);
        error_of([&] { sum += file.find_uint(value.key).value_or(0); });
        error_of([&] { sum += file.find_bool(value.key).value_or(false); });
        error_of([&] { sum += file.find_float(value.key).value_or(0) > 0; });
        error_of([&] { sum += file.find_strings(value.key)->size(); });
        error_of([&] { sum += file.find_ints(value.key)->size(); });
        error_of([&] { sum += file.find_floats(value.key)->size(); });
    }
    for (const Tensor& tensor : file.tensors()) {
        sum += std::to_integer<std::uint64_t>(tensor.data.front()) + std::to_integer<std::uint64_t>(tensor.data.back());
    }
    return sum;
}

}  // namespace

TEST_CASE("100,000 bit flips", "[gguf][hostile][slow]") {
    GgufBuilder b = small();
    b.set("words", std::vector<std::string>{"a", "bb", "ccc"}).set("ints", std::vector<std::int32_t>{1, 2, 3});
    b.set("flag", true).set("float", 1.5f).set("general.alignment", 32u);
    b.set_raw("deep", kArray, nested_arrays(3));
    std::vector<std::byte> bytes = b.build();
    const std::size_t directory_end = b.directory_end();
    Random random{11};
    int refused = 0;
    const int flips = kSanitized ? 10'000 : 100'000;  // the sanitizers cost minutes otherwise
    const Timer timer;
    for (int i = 0; i < flips; ++i) {
        // One to three flips, most of them in the directory: flips in the data change nothing here.
        std::size_t at[3];
        const std::size_t n = 1 + random.below(3);
        std::byte saved[3];
        for (std::size_t k = 0; k < n; ++k) {
            at[k] = random.below(directory_end);
            saved[k] = bytes[at[k]];
            bytes[at[k]] ^= static_cast<std::byte>(1 << random.below(8));
        }
        refused += error_of([&] { touch(Gguf::parse(bytes, "flip.gguf")); }).has_value();
        for (std::size_t k = n; k-- > 0;) bytes[at[k]] = saved[k];
    }
    CHECK(refused > flips / 2);
    CHECK(refused < flips);  // a flip in a key's name or a value is no defect of the container
    CHECK(timer.seconds() < (kSanitized ? 120 : 20) * patience());
    CHECK_FALSE(refusal(bytes));  // all flips were undone
}

TEST_CASE("100,000 unknown keys and long strings cost little", "[gguf][hostile]") {
    GgufBuilder b = small();
    b.keys.reserve(100'010);
    for (int i = 0; i < 100'000; ++i) b.append_raw(fmt::format("unknown.key.{}", i), 4, Bytes{}.put(i).data());
    b.append_raw("huge", kString, Bytes{}.string(std::string(8u << 20, 'x')).data());
    const auto bytes = b.build();
    const auto resident = [] {
        std::ifstream statm{"/proc/self/statm"};
        std::size_t total = 0, pages = 0;
        statm >> total >> pages;
        return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    };
    const std::size_t before = resident();
    const Timer timer;
    const Gguf file = Gguf::parse(bytes, "t");
    CHECK(timer.seconds() < (kSanitized ? 5.0 : 1.0) * patience());
    if (!kSanitized) CHECK(resident() < before + bytes.size() + (64u << 20));
    CHECK(file.find_uint("unknown.key.99999") == 99999u);
    CHECK(file.find_string("huge")->size() == 8u << 20);
}

TEST_CASE("a vocabulary of 152,000 tokens opens in milliseconds", "[gguf]") {
    GgufBuilder b = small();
    std::vector<std::string> tokens, merges;
    for (int i = 0; i < 152'000; ++i) tokens.push_back(fmt::format("token{}", i));
    for (int i = 0; i < 151'000; ++i) merges.push_back(fmt::format("tok en{}", i));
    b.set("tokenizer.ggml.tokens", tokens).set("tokenizer.ggml.merges", merges);
    b.set("tokenizer.ggml.token_type", std::vector<std::int32_t>(tokens.size(), 1));
    const TempDir dir;
    const std::string path = dir.write("vocabulary.gguf", b.build());
    double best = 1e9;
    for (int i = 0; i < 5; ++i) {
        const Timer timer;
        const Gguf file = Gguf::open(path);
        best = std::min(best, timer.seconds());
        CHECK(file.find_strings("tokenizer.ggml.tokens")->back() == "token151999");
    }
    CHECK(best < (kSanitized ? 1.0 : 0.015) * patience());
}

TEST_CASE("info may look at types that do not run", "[gguf]") {
    GgufBuilder b = small();
    b.add_tensor("third", {256}, FormatId::q4_k, std::vector<std::byte>(144));
    b.tensors[0].type = 16;
    b.tensors[2].type = 99;
    const auto bytes = b.build();
    CHECK(refusal(bytes));
    const Gguf file = Gguf::parse(bytes, "t", UnsupportedTypes::keep);
    const Tensor* first = file.find_tensor("first");
    REQUIRE(first);
    CHECK(first->format == nullptr);
    CHECK(first->type == 16);
    CHECK(first->data.size() == 96);  // up to the next tensor
    CHECK(file.find_tensor("third")->data.size() == 160);
    CHECK(file.find_tensor("second")->format != nullptr);

    GgufBuilder outside = small();
    outside.tensors[0].type = 16;
    outside.tensors[0].offset = 1u << 20;
    const auto beyond = outside.build();
    CHECK(error_of([&] { Gguf::parse(beyond, "t", UnsupportedTypes::keep); }));
}

TEST_CASE("a mapped file gives its pages back", "[gguf]") {
    GgufBuilder b;
    Random random{2};
    for (const char* name : {"a", "b", "c"}) {
        b.add_tensor(name, {10'000}, FormatId::f32, random_weights(FormatId::f32, 10'000, random));
    }
    const TempDir dir;
    const Gguf opened = Gguf::open(dir.write("m.gguf", b.build()));
    Gguf file = Gguf::open((dir.path() / "m.gguf").string());
    file = Gguf::open((dir.path() / "m.gguf").string());  // the old mapping goes, the new one stays
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < 3; ++i) {
            const Tensor& tensor = file.tensors()[i];
            CHECK(
                std::equal(tensor.data.begin(), tensor.data.end(), b.tensors[i].data.begin(), b.tensors[i].data.end()));
            file.release(tensor.data);
        }
    }
    file.release({});
    file.release(opened.tensors()[0].data);  // of another mapping: nothing happens
    const auto bytes = b.build();
    const Gguf in_memory = Gguf::parse(bytes, "m");
    in_memory.release(in_memory.tensors()[1].data);  // dropping pages of the caller's memory would zero them
    CHECK(bytes == b.build());
}

// --- split models ----------------------------------------------------------------------------------------------------

TEST_CASE("a split model opens by any of its parts", "[gguf]") {
    const GgufBuilder whole = tiny_builder();
    const TempDir dir;
    const auto parts = whole.split(3);
    const auto name = [](std::size_t part) { return fmt::format("m-{:05}-of-00003.gguf", part + 1); };
    for (std::size_t i = 0; i < 3; ++i) dir.write(name(i), parts[i].build());
    for (std::size_t given = 0; given < 3; ++given) {
        const Gguf file = Gguf::open((dir.path() / name(given)).string());
        CHECK(file.n_parts() == 3);
        CHECK(file.find_string("general.architecture") == "qwen2");
        REQUIRE(file.tensors().size() == whole.tensors.size());
        for (const TensorEntry& entry : whole.tensors) {
            const Tensor* tensor = file.find_tensor(entry.name);
            REQUIRE(tensor);
            CHECK(std::equal(tensor->data.begin(), tensor->data.end(), entry.data.begin(), entry.data.end()));
        }
        CHECK(file.tensors().front().part == 0);
        CHECK(file.tensors().back().part == 2);
    }
}

TEST_CASE("split models that do not fit together", "[gguf][hostile]") {
    struct Case {
        const char* defect;
        std::function<void(std::vector<GgufBuilder>&)> apply;
        std::size_t left_out;  // part that is not written; 9: all are
        const char* where;
        const char* problem;
    };
    const Case cases[] = {
        {"second part missing", [](auto&) {}, 1, "m-00002-of-00003.gguf", "it is part 2 of 3 of this model"},
        {"last part missing", [](auto&) {}, 2, "m-00003-of-00003.gguf", "No such file"},
        {"another count", [](auto& p) { p[1].set("split.count", std::uint16_t{4}); }, 9,
         "m-00002-of-00003.gguf: key 'split.count'", "is 4, but the name says 3"},
        {"count missing", [](auto& p) { p[0].remove("split.count"); }, 9, "m-00001-of-00003.gguf: key 'split.count'",
         "is missing"},
        {"another number", [](auto& p) { p[2].set("split.no", std::uint16_t{1}); }, 9,
         "m-00003-of-00003.gguf: key 'split.no'", "is 1, but the name says 2"},
        {"count of a wrong type", [](auto& p) { p[1].set("split.count", "3"); }, 9, "key 'split.count'",
         "holds string"},
        {"another total", [](auto& p) { p[0].set("split.tensors.count", 5); }, 9, "key 'split.tensors.count'",
         "is 5, but the 3 parts hold 26 tensors"},
        {"tensor in two parts", [](auto& p) { p[2].tensors[0].name = p[0].tensors[0].name; }, 9,
         "m-00003-of-00003.gguf: tensor 'token_embd.weight'", "appears twice"},
        {"version of a later part", [](auto& p) { p[1].version = 1; }, 9, "m-00002-of-00003.gguf", "version 1"},
        {"broken tensor of a later part", [](auto& p) { p[2].tensors[0].offset = 3; }, 9,
         "m-00003-of-00003.gguf: tensor", "no multiple"},
    };
    for (const Case& c : cases) {
        INFO(c.defect);
        auto parts = tiny_builder().split(3);
        c.apply(parts);
        const TempDir dir;
        for (std::size_t i = 0; i < 3; ++i) {
            if (i != c.left_out) dir.write(fmt::format("m-{:05}-of-00003.gguf", i + 1), parts[i].build());
        }
        const auto error = error_of([&] { Gguf::open((dir.path() / "m-00001-of-00003.gguf").string()); });
        REQUIRE(error);
        INFO(error->what());
        CHECK(contains(error->where(), c.where));
        CHECK(contains(error->problem(), c.problem));
        CHECK(error->status() == Status::bad_model);
    }
}

TEST_CASE("part names and what is not one", "[gguf]") {
    const TempDir dir;
    const auto parts = tiny_builder().split(2);
    const std::string lone = dir.write("renamed.gguf", parts[0].build());
    const auto error = error_of([&] { Gguf::open(lone); });
    REQUIRE(error);
    CHECK(contains(error->problem(), "one of 2 parts"));

    // Names that are no part, and a whole model whose name only looks like one.
    for (const char* name : {"m-00001-of-00001.gguf", "m-00003-of-00002.gguf", "m-00000-of-00002.gguf",
                             "m-0001-of-0002.gguf", "m-00001-of-00002.GGUF", "m-0000x-of-00002.gguf"}) {
        INFO(name);
        CHECK(Gguf::open(dir.write(name, tiny_model())).n_parts() == 1);
    }
}

TEST_CASE("the builder's tiny models are sound in each format", "[gguf][slow]") {
    for (const Format& f : formats()) {
        for (const char* arch : {"qwen2", "llama"}) {
            TinyModelSpec spec;
            spec.arch = arch;
            spec.format = f.id;
            spec.d_model = spec.d_ff = 256;
            spec.tied = false;
            INFO(arch << ' ' << f.name);
            const auto bytes = tiny_model(spec);
            const Gguf file = Gguf::parse(bytes, "tiny");
            CHECK(file.find_tensor("output.weight")->format->id == f.id);
            CHECK(bytes == tiny_model(spec));
        }
    }
}

TEST_CASE("published vocabularies and models open", "[gguf]") {
    DISTILL_SHARED_OR_SKIP(root, "models");
    int opened = 0;
    for (const char* folder : {"models", "goldens", "tokenizer"}) {
        for (const auto& entry : std::filesystem::directory_iterator(root.parent_path() / folder)) {
            if (entry.path().extension() != ".gguf") continue;
            INFO(entry.path().string());
            const Gguf file = Gguf::open(entry.path().string());
            CHECK(file.find_string("general.architecture"));
            ++opened;
        }
    }
    CHECK(opened > 20);
}
