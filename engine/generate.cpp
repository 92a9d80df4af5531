#include "engine/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <deque>
#include <limits>

#include "engine/error.h"
#include "engine/thinking.h"
#include "tokenizer/utf8_stream.h"

namespace distill {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Rooms from here on leave the answer 512 tokens when halved.
constexpr int kEvenRoom = 1024;

// Lets text through until a stop string begins; holds back what could be the start of one.
class StopMatcher {
  public:
    explicit StopMatcher(const std::vector<std::string>& stops) : stops_(stops) {}

    bool stopped() const { return stopped_; }

    std::string push(std::string_view text) {
        if (stopped_) return {};
        held_ += text;
        std::size_t first = std::string::npos;
        for (const std::string& stop : stops_) {
            if (!stop.empty()) first = std::min(first, held_.find(stop));
        }
        if (first != std::string::npos) {
            stopped_ = true;
            return take(first);
        }
        std::size_t keep = 0;
        for (const std::string& stop : stops_) {
            if (stop.empty()) continue;
            for (std::size_t n = std::min(held_.size(), stop.size() - 1); n > keep; --n) {
                if (held_.compare(held_.size() - n, n, stop, 0, n) == 0) {
                    keep = n;
                    break;
                }
            }
        }
        return take(held_.size() - keep);
    }
    std::string finish() { return stopped_ ? std::string() : take(held_.size()); }

  private:
    std::string take(std::size_t n) {
        std::string out = held_.substr(0, n);
        held_.erase(0, n);
        return out;
    }
    const std::vector<std::string>& stops_;
    std::string held_;
    bool stopped_ = false;
};

// Tokens to bytes to characters to thinking and answer to stop strings to the caller.
class TextPipe {
  public:
    TextPipe(const Tokenizer& tokenizer, const GenerateOptions& options, const GenerateEvents& events, Generation& out)
        : tokenizer_(tokenizer),
          events_(events),
          out_(out),
          splitter_(options.split_thinking, options.thinking_open),
          stop_(options.stop),
          open_(options.split_thinking ? tokenizer.find("<think>") : -1),
          close_(options.split_thinking ? tokenizer.find("</think>") : -1) {}

    void push(TokenId id) {
        bytes_.clear();
        // Some files mark the tags as control tokens, which have no text of their own.
        const bool tag = id >= 0 && (id == open_ || id == close_);
        tokenizer_.append_bytes(bytes_, id, tag);
        emit(splitter_.push(utf8_.push(bytes_)));
    }
    void finish() {
        emit(splitter_.push(utf8_.finish()));
        emit(splitter_.finish());
        emit_answer(stop_.finish());
    }
    bool inside_thinking() const { return splitter_.inside(); }
    bool stopped() const { return stop_.stopped(); }

  private:
    void emit(const std::vector<ThinkingSplitter::Part>& parts) {
        for (const auto& part : parts) {
            if (part.thinking) {
                out_.thinking += part.text;
                if (events_.text) events_.text(part.text, true);
            } else {
                emit_answer(stop_.push(part.text));
            }
        }
    }
    void emit_answer(const std::string& text) {
        if (text.empty()) return;
        out_.answer += text;
        if (events_.text) events_.text(text, false);
    }

    const Tokenizer& tokenizer_;
    const GenerateEvents& events_;
    Generation& out_;
    Utf8Stream utf8_;
    ThinkingSplitter splitter_;
    StopMatcher stop_;
    TokenId open_, close_;
    std::string bytes_;
};

}  // namespace

std::string_view name_of(StopReason reason) {
    switch (reason) {
        case StopReason::end:
            return "end";
        case StopReason::stop_string:
            return "stop";
        case StopReason::length:
            return "length";
        case StopReason::context:
            return "context";
        case StopReason::cancelled:
            return "cancelled";
    }
    return "";
}

int thinking_budget(int requested, int room, int max_tokens) {
    if (requested == kBudgetNone) return std::numeric_limits<int>::max();
    if (requested >= 0) return requested;
    if (max_tokens >= kEvenRoom) room = std::min(room, max_tokens);
    return room / 2;
}

std::uint32_t hash_logits(std::span<const float> row) {
    // FNV-1a over words; folded, because its low half alone never sees the high bits of the words.
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const float value : row) hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001b3u;
    return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

Generation generate(const Engine& engine, Sequence& sequence, std::span<const TokenId> prompt,
                    const GenerateOptions& options, const GenerateEvents& events) {
    const Tokenizer& tokenizer = engine.tokenizer();
    const auto cancelled = [&] { return events.cancelled && events.cancelled(); };
    Generation out;
    out.prompt_tokens = static_cast<int>(std::min<std::size_t>(prompt.size(), std::numeric_limits<int>::max()));
    if (prompt.size() >= static_cast<std::size_t>(sequence.n_ctx())) {
        throw Error(fmt::format("the prompt of {} tokens exceeds the available context size of {} tokens, one of which "
                                "is for the answer; shorten it or raise -c",
                                prompt.size(), sequence.n_ctx()),
                    Status::context);
    }
    if (prompt.empty()) throw Error("an empty prompt has no next token", Status::usage);
    Sampler sampler(options.sampler);

    // Keep what the sequence already holds of this prompt, but evaluate at least its last token: that gives the logits.
    const auto start = Clock::now();
    const std::span<const TokenId> old = sequence.tokens();
    const auto differs = std::mismatch(old.begin(), old.end(), prompt.begin(), prompt.end()).second;
    const std::size_t common = std::min(static_cast<std::size_t>(differs - prompt.begin()), prompt.size() - 1);
    sequence.rewind(static_cast<int>(common));
    out.cached_tokens = static_cast<int>(common);

    const auto progress = [&](int done) {
        if (events.prefill) events.prefill(static_cast<int>(common) + done, out.prompt_tokens);
        return !cancelled();
    };
    std::span<const float> logits = sequence.forward(prompt.subspan(common), Logits::last, progress);
    out.prompt_seconds = seconds_since(start);
    if (logits.empty() || cancelled()) {
        out.reason = StopReason::cancelled;
        return out;
    }
    for (const TokenId id : prompt) sampler.accept(id);

    const auto decode_start = Clock::now();
    TextPipe pipe(tokenizer, options, events, out);
    const int budget =
        thinking_budget(options.reasoning_budget, sequence.n_ctx() - sequence.length(), options.max_tokens);
    std::deque<TokenId> forced;  // fed instead of what the model would say
    const auto close_thinking = [&] {
        for (const TokenId id : tokenizer.encode("\n</think>\n\n", Specials::parse)) forced.push_back(id);
        out.thinking_closed_by_budget = true;
    };

    for (;;) {
        if (options.max_tokens >= 0 && out.generated_tokens >= options.max_tokens) {
            out.reason = StopReason::length;
            break;
        }
        if (pipe.inside_thinking() && out.thinking_tokens >= budget && forced.empty() &&
            !out.thinking_closed_by_budget) {
            close_thinking();
        }
        TokenId id = 0;
        if (forced.empty()) {
            id = sampler.sample(logits);
            if (tokenizer.is_end(id) && !options.ignore_end) {
                out.reason = StopReason::end;
                break;
            }
        } else {
            id = forced.front();
            forced.pop_front();
        }
        if (out.generated_tokens == 0) out.first_token_seconds = seconds_since(start);
        sampler.accept(id);
        ++out.generated_tokens;
        if (pipe.inside_thinking()) ++out.thinking_tokens;
        pipe.push(id);
        if (pipe.stopped()) {
            out.reason = StopReason::stop_string;
            break;
        }
        if (cancelled()) {
            out.reason = StopReason::cancelled;
            break;
        }
        if (sequence.length() >= sequence.n_ctx()) {
            out.reason = StopReason::context;
            break;
        }
        // The last token wanted needs no logits after it.
        if (options.max_tokens >= 0 && out.generated_tokens >= options.max_tokens) continue;
        logits = sequence.forward(std::span<const TokenId>(&id, 1));
        ++out.decode_steps;
    }
    out.text_seconds = seconds_since(decode_start);
    out.thinking_unfinished = pipe.inside_thinking();
    pipe.finish();
    out.logits_hash = hash_logits(logits);
    return out;
}

}  // namespace distill
