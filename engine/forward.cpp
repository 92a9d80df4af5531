// One operation per line, as in the papers: docs/MODEL.md has the formulas and the tensors' names. Prefill and decode are
// the same code, a decoded token is just the smallest batch, so the two can never drift apart.
#include "engine/forward.h"

#include <fmt/format.h>

#include <cassert>

#include "engine/error.h"

namespace distill {
namespace {

std::size_t width(int heads, const Config& c) { return static_cast<std::size_t>(heads) * static_cast<std::size_t>(c.head_dim); }

}  // namespace

Scratch::Scratch(const Model& m, int n_threads, std::size_t n)
    : Scratch(m.config, static_cast<std::size_t>(n_threads) * m.packing->largest_panel(), n) {}

Scratch::Scratch(const Config& c, std::size_t panel_bytes, std::size_t n)
    : max_tokens(n),
      panels(panel_bytes),
      x(n * static_cast<std::size_t>(c.d_model)),
      h(n, static_cast<std::size_t>(c.d_model)),
      q(n * width(c.n_heads, c)),
      k(n * width(c.n_kv_heads, c)),
      v(n * width(c.n_kv_heads, c)),
      attended(n, width(c.n_heads, c)),
      gate(n, static_cast<std::size_t>(c.d_ff)),
      up(n * static_cast<std::size_t>(c.d_ff)),
      output_pairs(2 * n, static_cast<std::size_t>(c.d_model)) {}

std::span<const float> forward(const Model& m, Timeline& timeline, Scratch& s, ThreadPool& pool,
                               std::span<const TokenId> tokens, Logits want,
                               const std::function<bool(std::size_t)>& go_on) {
    const Config& c = m.config;
    const Ops ops{m, pool, s.panels, tokens.size()};
    const std::size_t pos = timeline.tokens.size(), d_model = static_cast<std::size_t>(c.d_model);
    const std::size_t n_heads = static_cast<std::size_t>(c.n_heads), n_kv_heads = static_cast<std::size_t>(c.n_kv_heads);
    assert(tokens.size() <= s.max_tokens);
    timeline.kv.reserve(pos + tokens.size());
    timeline.rope.extend(pos + tokens.size());
    timeline.tokens.reserve(pos + tokens.size());

    ops.embed(s.x.data(), *m.token_embedding, tokens);  // [tokens, d_model]
    for (std::size_t l = 0; l < m.layers.size(); ++l) {
        const LayerWeights& w = m.layers[l];
        if (l > 0 && go_on && !go_on(l)) return {};

        // x += Wo attention(rope(Wq h + bq), rope(Wk h + bk), Wv h + bv)      h = rms_norm(x)
        ops.rms_norm(s.h, s.x.data(), w.attn_norm);
        ops.matmul({{s.q.data(), &w.q, &w.q_bias}, {s.k.data(), &w.k, &w.k_bias}, {s.v.data(), &w.v, &w.v_bias}}, s.h);
        ops.rope(s.q.data(), n_heads, pos, timeline.rope);
        ops.rope(s.k.data(), n_kv_heads, pos, timeline.rope);
        ops.store(timeline.kv, l, pos, s.k.data(), s.v.data());
        ops.attend(s.attended, s.q.data(), timeline.kv, l, pos);
        ops.matmul({{s.x.data(), &w.o, nullptr, true}}, s.attended);

        // x += Wdown (silu(Wgate h) * (Wup h))                                h = rms_norm(x)
        ops.rms_norm(s.h, s.x.data(), w.ffn_norm);
        ops.matmul({{s.gate.floats.data(), &w.gate}, {s.up.data(), &w.up}}, s.h);
        ops.silu_mul(s.gate, s.up.data());
        ops.matmul({{s.x.data(), &w.down, nullptr, true}}, s.gate);

        if (!ops.all_finite(s.x.data(), tokens.size() * d_model)) {
            throw Error(fmt::format("layer {} computed numbers that are not finite: the file is damaged or not meant for "
                                    "16-bit keys and values", l), Status::failure);
        }
    }

    if (want != Logits::none) {
        const std::size_t rows = want == Logits::all ? tokens.size() : 1;  // the largest matrix is worth skipping
        const Ops last{m, pool, s.panels, rows};
        last.rms_norm(s.h, s.x.data() + (tokens.size() - rows) * d_model, m.output_norm);
        s.logits.resize(rows * m.output.rows);
        last.logits(s.logits.data(), m.output, s.h, s.output_pairs);
        if (!ops.all_finite(s.logits.data(), s.logits.size())) {
            throw Error("the logits are not finite: the file's output matrix is damaged", Status::failure);
        }
    } else {
        s.logits.clear();
    }
    timeline.tokens.insert(timeline.tokens.end(), tokens.begin(), tokens.end());  // last: an error leaves all as it was
    return s.logits;
}

}  // namespace distill
