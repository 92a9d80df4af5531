// The merge loop against the plain definition: look at all pairs, join the best, start over.
#include "tokenizer/merge.h"

#include <map>

#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"

namespace distill::test {
namespace {

struct Rule {
    std::uint32_t key;
    TokenId merged;
};
using Rules = std::map<std::pair<TokenId, TokenId>, Rule>;

struct ByRules {
    const Rules& rules;
    std::size_t n;

    const Rule* find(const Merger& m, Merger::Place left, Merger::Place right) const {
        const auto rule = rules.find({m.id(left), m.id(right)});
        return rule == rules.end() ? nullptr : &rule->second;
    }
    std::size_t n_keys() const { return n; }
    std::uint32_t key(const Merger& m, Merger::Place left, Merger::Place right) const {
        const Rule* rule = find(m, left, right);
        return rule == nullptr ? kNoMerge : rule->key;
    }
    TokenId merged(const Merger& m, Merger::Place left, Merger::Place right, std::uint32_t) const {
        return find(m, left, right)->merged;
    }
};

std::vector<TokenId> by_definition(std::vector<TokenId> ids, const Rules& rules) {
    for (;;) {
        std::size_t best = 0;
        const Rule* rule = nullptr;
        for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
            const auto found = rules.find({ids[i], ids[i + 1]});
            if (found != rules.end() && (rule == nullptr || found->second.key < rule->key)) {
                rule = &found->second;
                best = i;
            }
        }
        if (rule == nullptr) return ids;
        ids[best] = rule->merged;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
}

TEST_CASE("merging follows the definition, short words and long, distinct keys and equal ones", "[tokenizer]") {
    Random random{5};
    Merger merger;  // one for all rounds: words must leave nothing behind
    for (int round = 0; round < 400; ++round) {
        // Symbols 0..3 to begin with; each rule makes a new one from any two known so far, so that merges build on
        // merges and a later rule may have the lower key.
        Rules rules;
        TokenId next = 4;
        const std::size_t n_keys = round % 3 == 0 ? 3 : 40;  // few keys: many ties
        for (int i = 0; i < 30; ++i) {
            const auto known = static_cast<std::uint64_t>(next);
            const auto left = static_cast<TokenId>(random.below(known));
            const auto right = static_cast<TokenId>(random.below(known));
            const auto key = static_cast<std::uint32_t>(random.below(n_keys));
            if (rules.insert({{left, right}, {key, next}}).second) ++next;
        }
        std::vector<TokenId> ids;
        const std::uint64_t n = random.below(round % 2 == 0 ? 12 : 300);
        for (std::uint64_t i = 0; i < n; ++i) ids.push_back(static_cast<TokenId>(random.below(4)));

        merger.begin(ids.size());
        for (const TokenId id : ids) merger.add(id);
        merger.run(ByRules{rules, n_keys});
        std::vector<TokenId> merged;
        if (!ids.empty()) {
            for (Merger::Place i = 0; i != Merger::kEnd; i = merger.next(i)) merged.push_back(merger.id(i));
        }
        INFO("round " << round << ", " << n << " symbols");
        REQUIRE(merged == by_definition(ids, rules));
    }
}

}  // namespace
}  // namespace distill::test
