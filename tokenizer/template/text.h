// A string that remembers where each byte came from. Text of the template may hold control tokens; text of messages,
// tools and other input never does, whatever is done to it on the way: every operation keeps the origin of what it
// copies, and what it makes up out of input counts as input.
#pragma once

#include <string>
#include <string_view>

namespace distill::jinja {

enum class Origin : char { trusted = 0, input = 1 };

class Text {
  public:
    Text() = default;
    explicit Text(std::string bytes, Origin origin = Origin::trusted) : bytes_(std::move(bytes)), origin_(origin) {}

    std::string_view view() const { return bytes_; }
    std::size_t size() const { return bytes_.size(); }
    bool empty() const { return bytes_.empty(); }
    Origin origin_at(std::size_t i) const { return marks_.empty() ? origin_ : static_cast<Origin>(marks_[i]); }
    // input if any byte is.
    Origin origin() const;

    void append(std::string_view bytes, Origin origin);
    void append(const Text& other) { append(other, 0, other.size()); }
    void append(const Text& other, std::size_t from, std::size_t n);
    void clear();
    Text substr(std::size_t from, std::size_t n) const;

  private:
    void spread();  // one mark a byte

    std::string bytes_;
    std::string marks_;  // the Origin of each byte; empty: all have origin_
    Origin origin_ = Origin::trusted;
};

}  // namespace distill::jinja
