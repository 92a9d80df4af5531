// The lines a person has sent, in memory and in a file that the next chat reads. The file holds one entry a line,
// newest last, a newline inside an entry as \n and a backslash as \\; several chats may add to it at the same time.
// History is a comfort: whatever is wrong with its place, it goes on in memory and says nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace distill {

class History {
  public:
    // path "": in memory only. Folders that are missing are made when the first entry is written.
    explicit History(std::string path);

    // Drops empty entries and the same one twice in a row. An entry beyond kMaxEntry stays in memory only.
    void add(std::string_view entry);
    const std::vector<std::string>& entries() const { return entries_; }  // oldest first
    // Switched off, nothing is remembered any more.
    void enable(bool on) { enabled_ = on; }
    bool enabled() const { return enabled_; }

    static constexpr std::size_t kMaxEntries = 1000;
    static constexpr std::size_t kMaxEntry = 64 << 10;
    static constexpr std::size_t kMaxFile = 1 << 20;  // beyond, the older half is dropped

  private:
    void load();
    void append(std::string_view line);

    std::string path_;
    std::vector<std::string> entries_;
    bool enabled_ = true;
};

// Where the file belongs: in `state_home` if that is an absolute path, else under ~/.local/state; "" without a home.
std::string history_path(std::string_view state_home, std::string_view home);

}  // namespace distill
