// Runs a real program, most of all ./distill itself, the way a shell or a terminal would.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace distill::test {

struct ProcessOptions {
    std::vector<std::string> arguments;  // after the program's name
    std::string input;                   // what stdin holds, then its end
    bool close_stdin = false;            // no descriptor 0 at all
    bool close_stdout = false;
    std::string stdout_path;                                       // a file or device instead of a pipe
    int close_after = -1;                                          // close our end of stdout after so many bytes
    std::vector<std::pair<std::string, std::string>> environment;  // added to our own; "" removes
    int interrupt_after_bytes = -1;                                // send SIGINT once stdout has given so many bytes
    std::chrono::milliseconds timeout{60'000};
};

struct ProcessResult {
    std::string out, err;
    int status = -1;         // exit status, or 128 + signal
    bool timed_out = false;  // killed
    double seconds = 0;
};

// The program under test: $DISTILL_BIN, else ./distill.
std::string distill_binary();

ProcessResult run_process(const std::string& program, const ProcessOptions& options);
ProcessResult run_distill(std::vector<std::string> arguments, std::string input = {});
ProcessResult run_distill(const ProcessOptions& options);

// A program on a terminal of its own (a pseudo terminal is its stdin, stdout and stderr).
class Terminal {
  public:
    Terminal(const std::string& program, const std::vector<std::string>& arguments,
             const std::vector<std::pair<std::string, std::string>>& environment = {});
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void type(std::string_view keys);  // "\r" is Enter, "\x03" Ctrl-C, "\x04" Ctrl-D
    void resize(int columns, int rows);
    void send_signal(int signal);
    // Whether the terminal echoes and gathers lines, as a shell leaves it.
    bool is_plain() const;
    // Reads until what came since the last wait_for holds `text`; returns all that came since then. False in `found`
    // after the time is over or at the end of output.
    std::string wait_for(std::string_view text, bool& found,
                         std::chrono::milliseconds timeout = std::chrono::milliseconds(30'000));
    // Reads to the end of the output and waits for the exit status (128 + signal; -1 if it had to be killed).
    int wait_exit(std::chrono::milliseconds timeout = std::chrono::milliseconds(30'000));
    const std::string& screen() const { return all_; }  // everything the program printed, and the echo of what we typed

  private:
    bool read_some(std::chrono::steady_clock::time_point deadline);
    int fd_ = -1;
    int pid_ = -1;
    std::string all_;
    std::size_t seen_ = 0;
};

}  // namespace distill::test
