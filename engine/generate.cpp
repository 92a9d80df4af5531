#include "engine/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <deque>
#include <limits>

#include "engine/error.h"
#include "engine/lookup.h"
#include "engine/thinking.h"
#include "tokenizer/utf8_stream.h"

namespace distill {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr int kAnswerTokens = 512;  // kept back for the answer where the room is 1024 and more

// In the last eighth of its budget the thinking ends at the first place where </think> is among the five likeliest
// tokens: a thought that the model was about to end reads better than one cut in mid-sentence.
constexpr int kSoftPart = 8;
constexpr int kSoftRank = 5;

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

// Decides when the engine ends the thinking in the model's place, and with which tokens. It does so once.
class ThinkingCloser {
  public:
    ThinkingCloser(const Tokenizer& tokenizer, const GenerateOptions& options, int budget)
        : tokenizer_(tokenizer),
          budget_(budget),
          soft_from_(budget - std::max(1, budget / kSoftPart)),
          message_(options.budget_message),
          close_(tokenizer.find("</think>")) {}

    // Inside the thinking, before a token is drawn from logits: what to feed instead, nothing while it may go on.
    std::vector<TokenId> tokens(std::span<const float> logits, int thinking_tokens) {
        if (end_ != ThinkingEnd::model) return {};
        if (repeats_ || thinking_tokens >= budget_) {
            end_ = repeats_ ? ThinkingEnd::repeat : ThinkingEnd::budget;
            const std::string before = message_.empty() ? "\n" : "\n" + message_ + "\n";
            const Piece pieces[] = {{before, Specials::as_text}, {"</think>\n\n", Specials::parse}};
            return tokenizer_.encode(pieces);
        }
        if (thinking_tokens >= soft_from_ && about_to_close(logits)) {
            end_ = ThinkingEnd::soft;
            return {close_};
        }
        return {};
    }
    void accept(TokenId id) { repeats_ = guard_.push(id) || repeats_; }
    ThinkingEnd end() const { return end_; }

  private:
    bool about_to_close(std::span<const float> logits) const {
        if (close_ < 0) return false;
        const float own = logits[static_cast<std::size_t>(close_)];
        return std::ranges::count_if(logits, [own](float other) { return other > own; }) < kSoftRank;
    }

    const Tokenizer& tokenizer_;
    const int budget_, soft_from_;
    const std::string& message_;
    const TokenId close_;
    RepeatGuard guard_;
    bool repeats_ = false;
    ThinkingEnd end_ = ThinkingEnd::model;
};

}  // namespace

std::string_view name_of(ThinkingEnd end) {
    switch (end) {
        case ThinkingEnd::model:
            return "model";
        case ThinkingEnd::soft:
            return "soft";
        case ThinkingEnd::budget:
            return "budget";
        case ThinkingEnd::repeat:
            return "repeat";
    }
    return "";
}

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
    if (max_tokens >= 0) room = std::min(room, max_tokens);
    if (requested == kBudgetAuto) return room / 2;
    return std::min(requested, room - std::min(kAnswerTokens, room / 2));
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
    ThinkingCloser closer(
        tokenizer, options,
        thinking_budget(options.reasoning_budget, sequence.n_ctx() - sequence.length(), options.max_tokens));
    Decoder decoder(sequence, options.lookup);
    std::deque<TokenId> forced;  // fed instead of what the model would say

    for (;;) {
        if (options.max_tokens >= 0 && out.generated_tokens >= options.max_tokens) {
            out.reason = StopReason::length;
            break;
        }
        if (pipe.inside_thinking() && forced.empty()) {
            for (const TokenId id : closer.tokens(logits, out.thinking_tokens)) forced.push_back(id);
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
        if (pipe.inside_thinking()) {
            closer.accept(id);
            ++out.thinking_tokens;
            if (events.thinking) events.thinking(out.thinking_tokens);
        }
        pipe.push(id);
        if (pipe.stopped()) {
            out.reason = StopReason::stop_string;
            break;
        }
        if (cancelled()) {
            out.reason = StopReason::cancelled;
            break;
        }
        if (decoder.length() >= sequence.n_ctx()) {
            out.reason = StopReason::context;
            break;
        }
        // The last token wanted needs no logits after it.
        if (options.max_tokens >= 0 && out.generated_tokens >= options.max_tokens) continue;
        logits = decoder.next(id);
    }
    out.text_seconds = seconds_since(decode_start);
    out.thinking_unfinished = pipe.inside_thinking();
    out.thinking_end = closer.end();
    pipe.finish();
    out.logits_hash = hash_logits(logits);
    decoder.settle();
    out.decoded_tokens = decoder.passes() + decoder.held();
    out.decode_passes = decoder.passes();
    return out;
}

}  // namespace distill
