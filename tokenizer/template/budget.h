// What a template may spend. A chat template is a program that comes with a file of unknown origin: every loop it can
// cause, every byte it can allocate and every level it can nest is drawn from here, so that a hostile one ends in an
// error within a second and an honest one never notices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace distill::jinja {

// Nodes evaluated and items visited. A conversation of a thousand turns takes some hundred thousand.
inline constexpr std::uint64_t kMaxSteps = 1'000'000;
// Bytes of rendered text, and of any one string on the way to it: more than any context holds.
inline constexpr std::size_t kMaxOutput = std::size_t{16} << 20;
// Bytes copied, compared or searched by all operations together; what keeps ten cheap steps over megabytes cheap.
inline constexpr std::uint64_t kMaxBytes = std::uint64_t{256} << 20;
// Calls inside calls: macros, callers, recursive loops.
inline constexpr int kMaxCalls = 64;
// Levels of brackets and of blocks in the source.
inline constexpr int kMaxNesting = 100;
// Operators, subscripts and filters applied to each other's results in one expression, brackets included.
inline constexpr int kMaxExpressionDepth = 250;
// Levels of evaluation at once: calls times nesting, in practice a few dozen. Bounds the stack to about a megabyte.
inline constexpr int kMaxEvaluation = 1200;
// Lists in lists; also generators that read from generators. JSON comes with 128 at most.
inline constexpr unsigned kMaxValueDepth = 200;
// As in the sandbox that templates are written for.
inline constexpr std::int64_t kMaxRange = 100'000;

// What went wrong inside an operation, before it is known where in the template that is.
class Fault : public std::exception {
  public:
    explicit Fault(std::string message) : message_(std::move(message)) {}
    const char* what() const noexcept override { return message_.c_str(); }
    const std::string& message() const { return message_; }

  private:
    std::string message_;
};

class Budget {
  public:
    void step(std::uint64_t n = 1) {
        steps_ += n;
        if (steps_ > kMaxSteps) throw Fault("the template takes more than 1000000 steps");
    }
    void bytes(std::uint64_t n) {
        bytes_ += n;
        if (bytes_ > kMaxBytes) throw Fault("the template works on more than 256 MiB of text and lists");
    }
    static void check_text(std::size_t size) {
        if (size > kMaxOutput) throw Fault("a text grows beyond 16 MiB");
    }

  private:
    std::uint64_t steps_ = 0;
    std::uint64_t bytes_ = 0;
};

// Counts a level for as long as it lives.
class Level {
  public:
    Level(int& depth, int limit, std::string_view what) : depth_(depth) {
        if (depth_ >= limit) throw Fault(std::string(what));
        ++depth_;
    }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

  private:
    int& depth_;
};

}  // namespace distill::jinja
