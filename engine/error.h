// The one exception type. Whatever a file, a user or the machine can cause is thrown as an Error and caught in main (or
// once per request, in a server); broken promises between our own functions are asserts.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace distill {

// Exit statuses, as docs and scripts rely on them.
enum class Status : int {
    ok = 0,
    failure = 1,        // while running: out of memory, write failed, non-finite logits
    usage = 2,          // wrong command line
    bad_model = 3,      // model file unreadable or unsupported
    context = 4,        // the prompt does not fit the context
    cut = 5,            // with --strict: cut short
    constraint = 6,     // constraint not satisfied
    interrupted = 130,  // Ctrl-C
    reader_gone = 141,  // the reader of our stdout went away
};

// One line of at most 512 bytes: "<where>: <what> [byte <offset>]". Bytes that are no printable text are shown as \xNN.
class Error : public std::exception {
  public:
    // where: file, "file: key 'x'", "file: tensor 'y'" or "" when there is no place; what: what is wrong, what was
    // expected, what to do next; offset: byte in the file of the field at fault.
    Error(std::string_view where, std::string_view what, std::optional<std::uint64_t> offset, Status status);
    Error(std::string_view what, Status status) : Error("", what, std::nullopt, status) {}

    const char* what() const noexcept override { return line_.c_str(); }
    const std::string& where() const { return where_; }
    const std::string& problem() const { return problem_; }
    std::optional<std::uint64_t> offset() const { return offset_; }
    Status status() const { return status_; }

  private:
    std::string where_, problem_, line_;
    std::optional<std::uint64_t> offset_;
    Status status_;
};

// Text from outside made fit to print: control bytes and bad UTF-8 as \xNN, cut to max_bytes with "...". No quotes
// added.
std::string printable(std::string_view text, std::size_t max_bytes = 120);

// The `where` of an error inside a model file: "path: tensor 'name'" and "path: key 'name'".
std::string at_tensor(std::string_view path, std::string_view name);
std::string at_key(std::string_view path, std::string_view name);

}  // namespace distill
