#include "engine/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string_view>

#include "engine/error.h"
#include "engine/gguf.h"

namespace distill {

namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// A logit as the comparisons below may see it: NaN never wins, +Inf is merely the largest number (differences of two
// infinities would be NaN).
float tamed(float logit) {
    if (std::isnan(logit)) return kLowest;
    return std::min(logit, std::numeric_limits<float>::max());
}

// The largest logit of each run of kRun, -Inf for one without a number: the only full pass over a vocabulary of 150,000
// that most samplings need. `>` is false for NaN, so NaN never enters.
constexpr std::size_t kRun = 64;
std::vector<float> run_maxima(std::span<const float> logits) {
    std::vector<float> maxima((logits.size() + kRun - 1) / kRun);
    for (std::size_t r = 0; r < maxima.size(); ++r) {
        const auto run = logits.subspan(r * kRun, std::min(kRun, logits.size() - r * kRun));
        // Eight chains of comparisons, because one would wait for its own result at each step.
        std::array<float, 8> best;
        best.fill(kLowest);
        std::size_t i = 0;
        for (; i + best.size() <= run.size(); i += best.size()) {
            for (std::size_t lane = 0; lane < best.size(); ++lane) {
                best[lane] = run[i + lane] > best[lane] ? run[i + lane] : best[lane];
            }
        }
        for (; i < run.size(); ++i) best[0] = run[i] > best[0] ? run[i] : best[0];
        maxima[r] = *std::max_element(best.begin(), best.end());
    }
    return maxima;
}

// exp(x) for x <= 0, to about 2e-7 of itself; NaN and anything below the smallest normal number count as that one.
// Without a branch or a call, so that a loop over it becomes vector code.
float exp_of_negative(float x) {
    const float scaled = x * 1.44269504f;  // to base 2
    float t = scaled > -126.0f ? scaled : -126.0f;
    t = t < 0.0f ? t : 0.0f;
    const auto whole = static_cast<std::int32_t>(t - 0.5f);  // rounds to nearest, t being negative
    const float f = t - static_cast<float>(whole);           // in [-0.5, 0.5]
    // 2^f: the Taylor series of exp(f ln 2).
    float p = 1.5403530e-4f;
    p = p * f + 1.3333558e-3f;
    p = p * f + 9.6181291e-3f;
    p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f;
    p = p * f + 6.9314718e-1f;
    p = p * f + 1.0f;
    return p * std::bit_cast<float>((whole + 127) << 23);
}

// Sum of exp(logit - max) over a whole vocabulary, run by run: loops of a fixed length become vector code.
double total_mass(std::span<const float> logits, float max) {
    double total = 0;
    std::array<float, kRun> mass;
    std::array<float, kRun> padded;
    for (std::size_t begin = 0; begin < logits.size(); begin += kRun) {
        const float* run = logits.data() + begin;
        if (const std::size_t left = logits.size() - begin; left < kRun) {
            padded.fill(kLowest);
            std::copy_n(run, left, padded.begin());
            run = padded.data();
        }
        for (std::size_t i = 0; i < kRun; ++i) mass[i] = exp_of_negative(run[i] - max);
        for (std::size_t half = kRun / 2; half > 0; half /= 2) {
            for (std::size_t i = 0; i < half; ++i) mass[i] += mass[i + half];
        }
        total += static_cast<double>(mass[0]);
    }
    return total;
}

// The order of candidates: larger logits first, ties to the lowest id. A total order, so results never depend on how a
// selection algorithm walks.
template <typename Candidate>
bool before(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// A number that at least k logits reach, as high as can be found cheaply: the k-th largest of the maxima of runs. It
// leaves a few times k candidates.
float threshold_for(std::vector<float> maxima, std::size_t k) {
    if (maxima.size() < k) return kLowest;
    const auto kth = maxima.begin() + static_cast<std::ptrdiff_t>(k - 1);
    std::nth_element(maxima.begin(), kth, maxima.end(), std::greater<float>());
    return *kth;
}

// Ever looser thresholds for top-p over a whole vocabulary: most of the mass lies close to the top.
constexpr std::array<float, 5> kTopPDepths = {4.0f, 8.0f, 16.0f, 32.0f, std::numeric_limits<float>::infinity()};

void check(bool good, std::string_view flag, double value, std::string_view expected) {
    if (!good) throw Error(fmt::format("{} {} is out of range: expected {}", flag, value, expected), Status::usage);
}

}  // namespace

SamplerOptions model_defaults(const Gguf& file, const Tokenizer& tokenizer) {
    SamplerOptions o;
    const std::string_view chat = file.find_string("tokenizer.chat_template").value_or("");
    const bool chatml = tokenizer.find("<|im_start|>") >= 0 && tokenizer.find("<|im_end|>") >= 0;
    if (tokenizer.find("<｜Assistant｜>") >= 0 && tokenizer.find("<think>") >= 0) {
        // The R1 distills: DeepSeek's model card.
        o.temperature = 0.6f;
        o.top_p = 0.95f;
    } else if (chatml && tokenizer.pre_name() == "qwen2" && chat.find("<|im_start|>") != std::string_view::npos) {
        // Qwen2.5-Instruct: its generation_config.json.
        o.temperature = 0.7f;
        o.top_p = 0.8f;
        o.top_k = 20;
        o.repeat_penalty = 1.05f;
    }

    const auto real = [&](std::string_view key, float& option) {
        if (const auto value = file.find_float(key)) option = static_cast<float>(*value);
    };
    const auto integer = [&](std::string_view key, int& option) {
        if (const auto value = file.find_int(key)) {
            option = static_cast<int>(std::clamp<std::int64_t>(*value, -1, std::numeric_limits<int>::max()));
        }
    };
    real("general.sampling.temp", o.temperature);
    integer("general.sampling.top_k", o.top_k);
    real("general.sampling.top_p", o.top_p);
    real("general.sampling.min_p", o.min_p);
    integer("general.sampling.penalty_last_n", o.repeat_last_n);
    real("general.sampling.penalty_repeat", o.repeat_penalty);
    // Other engines write these for "off".
    o.top_k = std::max(o.top_k, 0);
    if (o.temperature < 0) o.temperature = 0;
    return o;
}

Sampler::Sampler(const SamplerOptions& options) : options_(options), state_(options.seed) {
    const SamplerOptions& o = options_;
    // Comparisons with NaN are false, so each range refuses it.
    check(o.temperature >= 0 && std::isfinite(o.temperature), "--temp", o.temperature, "0 (greedy) or more");
    check(o.top_k >= 0, "--top-k", o.top_k, "0 (off) or more");
    check(o.top_p >= 0 && o.top_p <= 1, "--top-p", o.top_p, "0 to 1 (off)");
    check(o.min_p >= 0 && o.min_p <= 1, "--min-p", o.min_p, "0 (off) to 1");
    check(o.repeat_penalty > 0 && std::isfinite(o.repeat_penalty), "--repeat-penalty", o.repeat_penalty,
          "more than 0, with 1 for off");
    check(o.repeat_last_n >= -1, "--repeat-last-n", o.repeat_last_n, "-1 (everything) or more");
    check(std::isfinite(o.presence_penalty), "--presence-penalty", o.presence_penalty, "a number");
    check(std::isfinite(o.frequency_penalty), "--frequency-penalty", o.frequency_penalty, "a number");
}

// splitmix64 (Steele, Lea, Flood 2014).
std::uint64_t Sampler::next_random() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void Sampler::accept(TokenId id) {
    if (options_.repeat_last_n == 0) return;
    recent_.push_back(id);
    if (options_.repeat_last_n > 0 && recent_.size() > static_cast<std::size_t>(options_.repeat_last_n)) {
        recent_.pop_front();
    }
}

TokenId Sampler::sample(std::span<const float> logits) {
    const SamplerOptions& o = options_;
    const auto none = [] { return Error("no logit is finite: nothing can be sampled", Status::failure); };

    // Penalties change a few logits: remember those rather than copy 150,000.
    std::vector<float> penalised;
    if (!recent_.empty() && (o.repeat_penalty != 1 || o.presence_penalty != 0 || o.frequency_penalty != 0)) {
        std::map<TokenId, int> counts;
        for (const TokenId id : recent_) ++counts[id];
        penalised.assign(logits.begin(), logits.end());
        for (const auto& [id, count] : counts) {
            if (id < 0 || static_cast<std::size_t>(id) >= penalised.size()) continue;
            float& logit = penalised[static_cast<std::size_t>(id)];
            logit = logit > 0 ? logit / o.repeat_penalty : logit * o.repeat_penalty;
            logit -= static_cast<float>(count) * o.frequency_penalty + o.presence_penalty;
        }
        logits = penalised;
    }

    const std::vector<float> maxima = run_maxima(logits);
    const auto best_run = std::max_element(maxima.begin(), maxima.end());  // the first of equals
    if (best_run == maxima.end() || !(*best_run > kLowest)) throw none();
    const auto run_begin = logits.begin() + (best_run - maxima.begin()) * static_cast<std::ptrdiff_t>(kRun);
    const TokenId best = static_cast<TokenId>(std::find(run_begin, logits.end(), *best_run) - logits.begin());
    // +Inf becomes the largest number: it takes all the probability, as it should.
    const float max = tamed(*best_run);
    if (o.temperature == 0 || o.top_k == 1) return best;

    // Candidates at or above a threshold, in the order of their ids.
    const auto gather = [&](float threshold) {
        candidates_.clear();
        for (std::size_t r = 0; r < maxima.size(); ++r) {
            if (!(maxima[r] >= threshold) || maxima[r] == kLowest) continue;
            const std::size_t end = std::min(logits.size(), (r + 1) * kRun);
            for (std::size_t i = r * kRun; i < end; ++i) {
                if (logits[i] >= threshold && logits[i] > kLowest) {
                    candidates_.push_back({static_cast<TokenId>(i), tamed(logits[i])});
                }
            }
        }
    };
    const auto sort = [&] { std::sort(candidates_.begin(), candidates_.end(), before<Candidate>); };
    const float min_p_logit = o.min_p > 0 ? max + std::log(o.min_p) : kLowest;
    const auto mass_of = [&](float logit) { return std::exp(logit - max); };

    // Top-p on sorted candidates: the shortest head that holds `wanted`, never less than one.
    const auto keep_mass = [&](double wanted) {
        double mass = 0;
        std::size_t kept = 0;
        while (kept < candidates_.size() && (kept == 0 || mass < wanted)) {
            mass += static_cast<double>(mass_of(candidates_[kept++].logit));
        }
        candidates_.resize(kept);
    };

    const std::size_t k = static_cast<std::size_t>(o.top_k);
    if (o.top_k > 0 && k < logits.size()) {
        gather(threshold_for(maxima, k));
        if (candidates_.size() > k) {
            const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(k);
            std::nth_element(candidates_.begin(), end - 1, candidates_.end(), before<Candidate>);
            candidates_.erase(end, candidates_.end());
        }
        sort();
        if (o.top_p < 1) {  // the probabilities are those among the kept ones
            double total = 0;
            for (const Candidate& c : candidates_) total += static_cast<double>(mass_of(c.logit));
            keep_mass(static_cast<double>(o.top_p) * total);
        }
    } else if (o.top_p < 1) {
        const double total = total_mass(logits, max);
        // Gather from the top until the wanted mass is inside; only then sort.
        for (const float depth : kTopPDepths) {
            gather(max - depth);
            double mass = 0;
            for (const Candidate& c : candidates_) mass += static_cast<double>(mass_of(c.logit));
            if (mass >= static_cast<double>(o.top_p) * total) break;
        }
        sort();
        keep_mass(static_cast<double>(o.top_p) * total);
    } else {
        gather(min_p_logit);  // order does not matter to the draw below, only that it is always the same
    }

    // min-p, then temperature: weights exp((logit - max) / T); the largest weighs exactly 1, so the sum is never 0.
    double total = 0;
    for (const Candidate& c : candidates_) {
        if (c.logit >= min_p_logit) total += static_cast<double>(std::exp((c.logit - max) / o.temperature));
    }
    const double target = static_cast<double>(next_random() >> 11) * 0x1.0p-53 * total;
    double sum = 0;
    TokenId last = best;
    for (const Candidate& c : candidates_) {
        if (c.logit < min_p_logit) continue;
        sum += static_cast<double>(std::exp((c.logit - max) / o.temperature));
        last = c.id;
        if (sum > target) break;
    }
    return last;
}

}  // namespace distill
