#include "engine/lookup.h"

#include <algorithm>

namespace distill {

namespace {

// What a pass over a token and its guesses costs, in passes over one token, at most (1.5B in Q4_K_M, two Zen 5 cores;
// docs/SPEED.md has others): two to four tokens wait for the same weights as one, eight are as many as a tile takes.
struct Width {
    std::size_t guesses;
    double cost;
};
constexpr std::array<Width, 3> kWidths = {{{1, 1.03}, {3, 1.12}, {7, 1.4}}};
constexpr std::size_t kMostGuesses = kWidths.back().guesses;

// Recent tokens count: text changes its ways.
constexpr double kMemory = 24;
// A chance too low to try grows back by this each time it is passed over, so that it is tried again now and then.
constexpr double kForgiven = 0.003;

// Less than this, in plain passes, is not worth the risk of a wrong estimate.
constexpr double kWorthwhile = 1.05;

// Tokens gained by a pass: 1 + p + p^2 + ... over its cost.
double gain(const Width& width, double chance) {
    double tokens = 1, all_held = 1;
    for (std::size_t i = 0; i < width.guesses; ++i) tokens += all_held *= chance;
    return tokens / width.cost;
}

}  // namespace

std::uint64_t PromptLookup::hash_of_last(std::size_t n) const {
    std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
    for (std::size_t i = text_.size() - n; i < text_.size(); ++i) {
        hash = (hash ^ static_cast<std::uint32_t>(text_[i])) * 0x100000001b3u;
    }
    return hash;
}

void PromptLookup::append(TokenId id) {
    // Runs that end in the last token enter when the next one comes: nothing finds itself.
    for (Runs& runs : runs_) {
        if (text_.size() >= runs.length)
            runs.ends[hash_of_last(runs.length)] = static_cast<std::uint32_t>(text_.size());
    }
    text_.push_back(id);
}

// Where the last tokens ended before; 0 if nowhere.
std::size_t PromptLookup::find(const Runs& runs) const {
    if (text_.size() < runs.length) return 0;
    const auto found = runs.ends.find(hash_of_last(runs.length));
    if (found == runs.ends.end()) return 0;
    const auto run = std::span(text_).subspan(found->second - runs.length, runs.length);
    return std::ranges::equal(run, std::span(text_).last(runs.length)) ? found->second : 0;  // hashes may collide
}

std::span<const TokenId> PromptLookup::guess(std::size_t most) {
    asked_ = nullptr;
    for (Runs& runs : runs_) {
        const std::size_t end = find(runs);
        if (end == 0) continue;
        std::size_t n = 0;
        double best = kWorthwhile;
        for (const Width& width : kWidths) {
            if (const double g = gain(width, runs.chance); g > best) {
                best = g;
                n = width.guesses;
            }
        }
        if (n == 0) runs.chance += kForgiven;
        asked_ = &runs;
        return std::span(text_).subspan(end, std::min({n, most, text_.size() - end}));
    }
    return {};
}

void PromptLookup::judge(std::size_t guessed, std::size_t held) {
    if (guessed == 0 || asked_ == nullptr) return;
    const double tried = static_cast<double>(held < guessed ? held + 1 : held);
    asked_->chance = (asked_->chance * asked_->seen + static_cast<double>(held)) / (asked_->seen + tried);
    asked_->seen = std::min(kMemory, asked_->seen + tried);
}

Decoder::Decoder(Sequence& sequence, bool guesses)
    : sequence_(sequence), guesses_(guesses), length_(sequence.length()) {
    if (!guesses_) return;
    for (const TokenId id : sequence.tokens()) lookup_.append(id);
}

// The guesses that were not confirmed leave the sequence.
void Decoder::settle() {
    if (tried_.empty()) return;
    const std::size_t guessed = tried_.size() - 1, held = confirmed_ - 1;
    lookup_.judge(guessed, held);
    guessed_ += static_cast<int>(guessed);
    held_ += static_cast<int>(held);
    sequence_.rewind(length_);
    tried_.clear();
}

std::span<const float> Decoder::next(TokenId id) {
    if (guesses_) lookup_.append(id);
    if (confirmed_ < tried_.size() && tried_[confirmed_] == id) {
        const std::size_t n_vocab = rows_.size() / tried_.size();
        ++length_;
        return rows_.subspan(confirmed_++ * n_vocab, n_vocab);
    }
    settle();
    tried_.assign(1, id);
    if (guesses_) {
        const int room = sequence_.n_ctx() - length_ - 1;
        const auto guess = lookup_.guess(room <= 0 ? 0 : std::min(kMostGuesses, static_cast<std::size_t>(room)));
        tried_.insert(tried_.end(), guess.begin(), guess.end());
    }
    try {
        rows_ = sequence_.forward(tried_, Logits::all);
    } catch (...) {
        tried_.clear();
        throw;
    }
    ++passes_;
    ++length_;
    confirmed_ = 1;
    return rows_.first(rows_.size() / tried_.size());
}

}  // namespace distill
