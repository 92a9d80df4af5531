// The order in which a long word's pairs merge: a priority queue of (key, place). Pairs come in large groups of one key
// and mostly from left to right, so each key has a line that is filled and drained in order, and only keys meet in a
// heap. A plain heap of all pairs costs several times more on a megabyte without a blank: it jumps all over the cache.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace distill {

class MergeQueue {
  public:
    // Keys will be below n_keys. The queue is empty before and after each word.
    void begin(std::size_t n_keys) {
        if (line_of_.size() < n_keys) line_of_.resize(n_keys, 0);
    }

    void push(std::uint32_t key, std::uint32_t place) {
        std::uint32_t& number = line_of_[key];
        if (number == 0) {
            lines_.emplace_back();
            number = static_cast<std::uint32_t>(lines_.size());
        }
        Line& line = lines_[number - 1];
        if (line.empty()) {
            line.restart();
            keys_.push_back(key);
            std::push_heap(keys_.begin(), keys_.end(), std::greater<>{});
        }
        if (line.places.empty() || place >= line.places.back()) {
            line.places.push_back(place);
        } else {
            line.early.push_back(place);
            std::push_heap(line.early.begin(), line.early.end(), std::greater<>{});
        }
    }

    bool empty() const { return keys_.empty(); }

    struct Entry {
        std::uint32_t key;
        std::uint32_t place;
    };
    // The lowest key, of its places the leftmost.
    Entry pop() {
        const std::uint32_t key = keys_.front();
        Line& line = lines_[line_of_[key] - 1];
        std::uint32_t place;
        if (line.early.empty() || (line.first < line.places.size() && line.places[line.first] <= line.early.front())) {
            place = line.places[line.first++];
        } else {
            place = line.early.front();
            std::pop_heap(line.early.begin(), line.early.end(), std::greater<>{});
            line.early.pop_back();
        }
        if (line.empty()) {
            std::pop_heap(keys_.begin(), keys_.end(), std::greater<>{});
            keys_.pop_back();
        }
        return {key, place};
    }

  private:
    struct Line {
        std::vector<std::uint32_t> places;  // ascending; drained from `first`
        std::size_t first = 0;
        std::vector<std::uint32_t> early;  // heap of those that came after a later place

        bool empty() const { return first == places.size() && early.empty(); }
        void restart() {
            places.clear();
            first = 0;
        }
    };
    std::vector<std::uint32_t> line_of_;  // by key: index in lines_ + 1, 0 = none yet
    std::vector<Line> lines_;
    std::vector<std::uint32_t> keys_;  // heap of the keys whose line is not empty
};

}  // namespace distill
