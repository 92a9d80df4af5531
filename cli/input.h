// Reading prompts: whole streams and files, and lines typed on a terminal.
#pragma once

#include <optional>
#include <string>

namespace distill {

// Everything up to the end of stdin; a closed stdin is empty. Throws Error{usage} beyond the limit, Error{interrupted}.
std::string read_stdin();
// The whole file; "-" is stdin. Throws Error{usage} naming the file.
std::string read_text_file(const std::string& path);
// Drops one newline (LF or CR LF) from the end, where editors and echo put one.
std::string without_last_newline(std::string text);

// Reads lines from a terminal.
class LineReader {
  public:
    enum class Result { line, end, interrupted };
    // A line without its newline; text before an end of input counts as a line. Interrupted (more than `seen`
    // interrupts by now): what was typed is dropped.
    Result read(std::string& line, int seen);

  private:
    std::string buffer_;  // bytes after the last line taken
};

}  // namespace distill
