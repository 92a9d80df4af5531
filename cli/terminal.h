// The standard streams: writing that notices a full disk or a reader that left, and what a terminal may be sent.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

namespace distill {

// Writes to a descriptor until all is out, however it is set. False when that fails; errno then says why.
bool write_all(int fd, std::string_view bytes);

// An output descriptor. Nothing is buffered: each write is one whole character or more, seen at once.
class Output {
  public:
    Output(int fd, std::string_view name);

    // Throws Error{reader_gone} when the other end of a pipe is closed, Error{failure} for anything else.
    void write(std::string_view bytes);
    bool is_terminal() const { return terminal_; }

  private:
    int fd_;
    std::string name_;
    bool terminal_;
};

Output standard_output();
Output standard_error();
bool stdin_is_terminal();

// stderr lines "distill: note: ..." and "distill: warning: ..."; they never fail.
void note(std::string_view text);
void warn(std::string_view text);
void print_error(std::string_view text);

enum class ColorMode { automatic, on, off };
// Whether escape sequences may go to `out`. Never on a stream that is no terminal, whatever is asked; on a terminal,
// automatic obeys NO_COLOR and TERM=dumb.
bool use_color(ColorMode mode, const Output& out);

// Text as a terminal may see it: control bytes other than newline and tab, which could be commands, become U+FFFD.
std::string safe_for_terminal(std::string_view text);

// One line on stderr that is rewritten in place ("loading 42 %"), from half a second on and only on a terminal; gone
// when the object is.
class Progress {
  public:
    explicit Progress(std::string label);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // fraction: 0 to 1. detail: stands behind the percentage, as many columns as bytes.
    void update(double fraction, std::string_view detail = {});
    void clear();

  private:
    std::string label_;
    bool enabled_;
    bool fancy_;  // escape sequences are understood
    std::chrono::steady_clock::time_point start_, last_;
    std::size_t shown_ = 0;  // width of what stands on the line
};

}  // namespace distill
