#include "engine/thinking.h"

#include <algorithm>

namespace distill {

namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";

// Bytes at the end of text that could be the start of tag.
std::size_t partial_tag(std::string_view text, std::string_view tag) {
    for (std::size_t n = std::min(text.size(), tag.size() - 1); n > 0; --n) {
        if (text.substr(text.size() - n) == tag.substr(0, n)) return n;
    }
    return 0;
}

std::size_t trailing_newlines(std::string_view text) {
    const std::size_t last = text.find_last_not_of('\n');
    return last == std::string_view::npos ? text.size() : text.size() - last - 1;
}

void append(std::vector<ThinkingSplitter::Part>& parts, bool thinking, std::string_view text) {
    if (text.empty()) return;
    if (!parts.empty() && parts.back().thinking == thinking) {
        parts.back().text += text;
    } else {
        parts.push_back({thinking, std::string(text)});
    }
}

}  // namespace

ThinkingSplitter::ThinkingSplitter(bool armed, bool starts_inside)
    : state_(!armed          ? State::answer
             : starts_inside ? State::thinking
                             : State::before),
      thought_(armed && starts_inside),
      skip_newlines_(true) {}

std::vector<ThinkingSplitter::Part> ThinkingSplitter::push(std::string_view text) {
    std::vector<Part> parts;
    held_ += text;
    run(parts, false);
    return parts;
}

std::vector<ThinkingSplitter::Part> ThinkingSplitter::finish() {
    std::vector<Part> parts;
    run(parts, true);
    held_.clear();
    return parts;
}

// Takes from the front of held_ what can be decided; each turn of the loop either changes the state or returns.
void ThinkingSplitter::run(std::vector<Part>& parts, bool at_end) {
    for (;;) {
        switch (state_) {
            case State::before: {
                const std::size_t start = held_.find_first_not_of(" \t\r\n");
                const std::string_view text =
                    start == std::string::npos ? std::string_view() : std::string_view(held_).substr(start);
                if (text.substr(0, kOpen.size()) == kOpen) {
                    held_.erase(0, start + kOpen.size());
                    state_ = State::thinking;
                    thought_ = true;
                } else if (!at_end && text == kOpen.substr(0, text.size())) {
                    return;  // white space, or half the tag
                } else {
                    state_ = State::answer;
                }
                break;
            }
            case State::thinking: {
                if (skip_newlines_) {
                    held_.erase(0, std::min(held_.find_first_not_of('\n'), held_.size()));
                    if (held_.empty()) return;
                    skip_newlines_ = false;
                }
                const std::size_t close = held_.find(kClose);
                const bool closed = close != std::string::npos;
                std::size_t keep = closed ? held_.size() - close : at_end ? 0 : partial_tag(held_, kClose);
                keep += trailing_newlines(std::string_view(held_).substr(0, held_.size() - keep));
                append(parts, true, std::string_view(held_).substr(0, held_.size() - keep));
                if (!closed) {
                    held_.erase(0, held_.size() - keep);
                    return;
                }
                held_.erase(0, close + kClose.size());
                state_ = State::gap;
                break;
            }
            case State::gap:
                held_.erase(0, std::min(held_.find_first_not_of('\n'), held_.size()));
                if (held_.empty()) return;
                state_ = State::answer;
                break;
            case State::answer:
                append(parts, false, held_);
                held_.clear();
                return;
        }
    }
}

bool set_reasoning(std::vector<TokenId>& prompt, bool open, Reasoning reasoning, const Tokenizer& tokenizer) {
    const auto add = [&](std::string_view text) {
        const std::vector<TokenId> ids = tokenizer.encode(text, Specials::parse);
        prompt.insert(prompt.end(), ids.begin(), ids.end());
    };
    switch (reasoning) {
        case Reasoning::automatic:
            return open;
        case Reasoning::on:
            if (!open) add("<think>\n");
            return true;
        case Reasoning::off:
            break;
    }
    // The last token that is more than white space, and where it ends.
    std::string text;
    std::size_t end = prompt.size();
    for (; end > 0; --end) {
        text.clear();
        tokenizer.append_bytes(text, prompt[end - 1], true);
        if (text.find_first_not_of(" \t\r\n") != std::string::npos) break;
    }
    if (text.ends_with(kClose)) return false;
    if (open && text.ends_with(kOpen)) {
        // The newline behind the tag and the next one may be one token: the block is the one models were trained on.
        prompt.resize(end);
        add("\n\n</think>\n\n");
    } else {
        add(open ? "\n</think>\n\n" : "<think>\n\n</think>\n\n");
    }
    return false;
}

bool RepeatGuard::push(TokenId id) {
    bool repeats = false;
    for (std::size_t period = 1; period <= std::min(count_, kMaxPeriod); ++period) {
        std::size_t& run = run_[period - 1];
        run = recent_[(count_ - period) % kMaxPeriod] == id ? run + 1 : 0;
        // The first round has nothing before it to equal.
        repeats = repeats || run + period >= std::max(kMinSpan, kMinRounds * period);
    }
    recent_[count_++ % kMaxPeriod] = id;
    return repeats;
}

}  // namespace distill
