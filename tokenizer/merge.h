// The merge loop that both tokenizer families share: among all neighbours that may merge, join those with the lowest
// key first, the leftmost among equals, until none is left. O(n log n) in the symbols of a word, whatever they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tokenizer/merge_queue.h"
#include "tokenizer/tokenizer.h"

namespace distill {

inline constexpr std::uint32_t kNoMerge = UINT32_MAX;

// What a family tells the loop about neighbours; places are indices of symbols, in the order they were added.
//   std::uint32_t key(Merger& m, place left, place right)              lower merges first; kNoMerge: never
//   std::size_t n_keys()                                               keys are below it
//   TokenId merged(Merger& m, place left, place right, key)            the token that they become
class Merger {
  public:
    using Place = std::uint32_t;
    static constexpr Place kEnd = UINT32_MAX;

    // Starts a word of at most n symbols.
    void begin(std::size_t n) {
        symbols_.clear();
        symbols_.reserve(n);
    }
    void add(TokenId id) { symbols_.push_back({id, kNoMerge, 0, 0}); }  // -1: no token

    TokenId id(Place i) const { return symbols_[i].id; }
    Place next(Place i) const { return symbols_[i].next; }  // kEnd behind the last

    // Afterwards the tokens of the word are id(0), id(next(0)), ...
    template <class Family>
    void run(const Family& family) {
        const auto n = static_cast<Place>(symbols_.size());
        for (Place i = 0; i < n; ++i) {
            symbols_[i].prev = i - 1;  // wraps to kEnd for the first
            symbols_[i].next = i + 1 < n ? i + 1 : kEnd;
        }
        for (Place i = 0; i + 1 < n; ++i) symbols_[i].key = family.key(*this, i, i + 1);
        // A word is a few letters nearly always: then looking at every pair beats keeping a queue.
        if (n <= kScanned) {
            scan(family);
        } else {
            drain_queue(family);
        }
    }

  private:
    static constexpr Place kScanned = 32;

    // 16 bytes: long words are bound by the cache.
    struct Symbol {
        TokenId id;
        std::uint32_t key;  // of the pair with the next symbol
        Place prev, next;
    };

    template <class Family>
    void look_up(Place i, const Family& family) {
        Symbol& left = symbols_[i];
        left.key = left.next == kEnd ? kNoMerge : family.key(*this, i, left.next);
    }

    // Joins symbol i with the next one; the pairs at i and at the one before it are looked up afresh.
    template <class Family>
    void join(Place i, const Family& family) {
        Symbol& left = symbols_[i];
        Symbol& right = symbols_[left.next];
        left.id = family.merged(*this, i, left.next, left.key);
        left.next = right.next;
        right.key = kNoMerge;  // whatever the queue still holds for it is stale now
        if (left.next != kEnd) symbols_[left.next].prev = i;
        look_up(i, family);
        if (left.prev != kEnd) look_up(left.prev, family);
    }

    template <class Family>
    void scan(const Family& family) {
        if (symbols_.empty()) return;
        for (;;) {
            Place best = kEnd;
            std::uint32_t key = kNoMerge;
            for (Place i = 0; i != kEnd; i = symbols_[i].next) {
                if (symbols_[i].key < key) {
                    key = symbols_[i].key;
                    best = i;
                }
            }
            if (best == kEnd) return;
            join(best, family);
        }
    }

    // A queued pair whose symbol has another key by now is stale and skipped: each join leaves at most two, so the
    // queue never outgrows O(n).
    template <class Family>
    void drain_queue(const Family& family) {
        queue_.begin(family.n_keys());
        const auto push = [&](Place i) {
            if (i != kEnd && symbols_[i].key != kNoMerge) queue_.push(symbols_[i].key, i);
        };
        for (Place i = 0; i < symbols_.size(); ++i) push(i);
        while (!queue_.empty()) {
            const auto [key, i] = queue_.pop();
            if (symbols_[i].key != key) continue;
            join(i, family);
            push(i);
            push(symbols_[i].prev);
        }
    }

    std::vector<Symbol> symbols_;
    MergeQueue queue_;
};

}  // namespace distill
