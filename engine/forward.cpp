// One operation per line, as in the papers: docs/MODEL.md has the formulas and the tensors' names. Prefill and decode
// are the same code, a decoded token is just the smallest batch, so the two can never drift apart.
#include "engine/forward.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "engine/error.h"

namespace distill {
namespace {

std::size_t width(int heads, const Config& c) {
    return static_cast<std::size_t>(heads) * static_cast<std::size_t>(c.head_dim);
}

}  // namespace

Scratch::Scratch(const Model& m, int n_threads, std::size_t n)
    : max_tokens(n),
      ops(m, n_threads, n),
      x(n * static_cast<std::size_t>(m.config.d_model)),
      h(n, static_cast<std::size_t>(m.config.d_model), *m.kernels),
      q(n * width(m.config.n_heads, m.config)),
      k(n * width(m.config.n_kv_heads, m.config)),
      v(n * width(m.config.n_kv_heads, m.config)),
      attended(n, width(m.config.n_heads, m.config), *m.kernels),
      gate(n, static_cast<std::size_t>(m.config.d_ff), *m.kernels),
      up(n * static_cast<std::size_t>(m.config.d_ff)) {}

namespace {

// Makes room in the timelines, so that nothing after the pass can fail. Rows of the batch: part after part.
std::vector<Segment> make_segments(std::span<const Part> parts) {
    std::vector<Segment> segments;
    std::size_t row = 0;
    for (const Part& p : parts) {
        Timeline& t = *p.timeline;
        const std::size_t pos = t.tokens.size(), n = p.tokens.size();
        t.kv.reserve(pos, pos + n);
        t.rope.extend(pos + n);
        t.tokens.reserve(pos + n);
        segments.push_back({&t.kv, &t.rope, pos, row, n});
        row += n;
    }
    return segments;
}

// What stands before the given layer is not finite.
Error not_finite(std::size_t layer) {
    if (layer == 0) {
        return Error("the token embedding has numbers that are not finite: the file is damaged", Status::failure);
    }
    return Error(fmt::format("layer {} computed numbers that are not finite: the file is damaged or not meant for "
                             "16-bit keys and values",
                             layer - 1),
                 Status::failure);
}

}  // namespace

std::span<const float> forward(const Model& m, std::span<const Part> parts, Scratch& s, ThreadPool& pool, Logits want,
                               const std::function<bool(std::size_t)>& go_on) {
    const Config& c = m.config;
    const std::size_t d_model = static_cast<std::size_t>(c.d_model);
    const std::size_t n_heads = static_cast<std::size_t>(c.n_heads),
                      n_kv_heads = static_cast<std::size_t>(c.n_kv_heads);
    const std::vector<Segment> segments = make_segments(parts);
    const std::size_t n_tokens = segments.back().first + segments.back().n_tokens;
    const Ops ops{m, pool, s.ops, n_tokens};
    assert(n_tokens <= s.max_tokens);

    for (std::size_t i = 0; i < parts.size(); ++i) {
        ops.embed(s.x.data() + segments[i].first * d_model, *m.token_embedding, parts[i].tokens);  // [tokens, d_model]
    }
    for (std::size_t l = 0; l < m.layers.size(); ++l) {
        const LayerWeights& w = m.layers[l];
        if (l > 0 && go_on && !go_on(l)) return {};

        // x += Wo attention(rope(Wq h + bq), rope(Wk h + bk), Wv h + bv)      h = rms_norm(x)
        if (!ops.rms_norm(s.h, s.x.data(), w.attn_norm, {&w.q, &w.k, &w.v})) throw not_finite(l);
        ops.matmul({{s.q.data(), &w.q, &w.q_bias}, {s.k.data(), &w.k, &w.k_bias}, {s.v.data(), &w.v, &w.v_bias}}, s.h);
        ops.rope(s.q.data(), n_heads, segments);
        ops.rope(s.k.data(), n_kv_heads, segments);
        ops.store(segments, l, s.k.data(), s.v.data());
        ops.attend(s.attended, s.q.data(), segments, l, {&w.o});
        ops.matmul({{s.x.data(), &w.o, nullptr, true}}, s.attended);

        // x += Wdown (silu(Wgate h) * (Wup h))                                h = rms_norm(x)
        if (!ops.rms_norm(s.h, s.x.data(), w.ffn_norm, {&w.gate, &w.up})) throw not_finite(l + 1);
        ops.gated(s.gate, s.up.data(), w.gate, w.up, s.h, {&w.down});
        ops.matmul({{s.x.data(), &w.down, nullptr, true}}, s.gate);
    }
    if (!ops.all_finite(s.x.data(), n_tokens * d_model)) throw not_finite(m.layers.size());

    if (want != Logits::none) {
        // The largest matrix is worth skipping: where only last rows count, they move to the front.
        const std::size_t rows = want == Logits::all ? n_tokens : parts.size();
        if (want == Logits::last) {
            for (std::size_t i = 0; i < parts.size(); ++i) {
                const std::size_t last_row = segments[i].first + segments[i].n_tokens - 1;
                std::copy_n(s.x.data() + last_row * d_model, d_model, s.x.data() + i * d_model);
            }
        }
        const Ops last{m, pool, s.ops, rows};
        last.rms_norm(s.h, s.x.data(), m.output_norm, {&m.output});
        s.logits.resize(rows * m.output.rows);
        last.matmul({{s.logits.data(), &m.output}}, s.h);
        if (!ops.all_finite(s.logits.data(), s.logits.size())) {
            throw Error("the logits are not finite: the file's output matrix is damaged", Status::failure);
        }
    } else {
        s.logits.clear();
    }
    for (const Part& p : parts) {  // last: an error leaves all as it was
        p.timeline->tokens.insert(p.timeline->tokens.end(), p.tokens.begin(), p.tokens.end());
    }
    return s.logits;
}

}  // namespace distill
