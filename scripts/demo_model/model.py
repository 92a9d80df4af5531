"""The demo model in PyTorch: a small Qwen2 (RMSNorm, QKV bias, grouped KV heads, RoPE on halves, SwiGLU, tied output).

Two attention paths for training on rows that hold several conversations: variable-length flash attention (fast, needs a
GPU), and a dense mask (any device, any version). generate() decodes greedily with a KV cache.

Usage: import only.
"""
import inspect
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

try:
    from torch.nn.attention.varlen import varlen_attn
    _causal = {"is_causal": True} if "is_causal" in inspect.signature(varlen_attn).parameters else {"window_size": (-1, 0)}
except ImportError:  # before PyTorch 2.10: the dense mask is used
    varlen_attn = None

CONFIGS = {
    "demo": dict(n_layers=8, d_model=256, n_heads=4, n_kv_heads=2, d_ff=768),
    "smoke": dict(n_layers=2, d_model=64, n_heads=2, n_kv_heads=1, d_ff=128),
}
EPS = 1e-6
ROPE_BASE = 10000.0


def rms_norm(x, w):
    x32 = x.float()
    return (x32 * torch.rsqrt(x32.pow(2).mean(-1, keepdim=True) + EPS)).to(x.dtype) * w.to(x.dtype)


def rope_table(n, dim, device):
    freq = ROPE_BASE ** (-torch.arange(0, dim, 2, device=device, dtype=torch.float32) / dim)
    angle = torch.arange(n, device=device, dtype=torch.float32)[:, None] * freq  # [n, dim / 2]
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    """x [B, H, T, dim]: turns the pairs (i, i + dim/2)."""
    a, b = x.float().chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1).to(x.dtype)


def attend_dense(q, k, v, mask):
    """q [B, H, T, dim], k and v [B, KV, S, dim], mask [B, 1, T, S] (True = visible). float32 softmax."""
    rep = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(rep, dim=1), v.repeat_interleave(rep, dim=1)
    scores = (q @ k.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])
    return torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1).to(v.dtype) @ v


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        d, hd = c["d_model"], c["d_model"] // c["n_heads"]
        kv = c["n_kv_heads"] * hd
        self.attn_norm = nn.Parameter(torch.ones(d))
        self.ffn_norm = nn.Parameter(torch.ones(d))
        self.qkv = nn.Parameter(torch.randn(d + 2 * kv, d) / math.sqrt(d))  # rows: Q, K, V
        self.qkv_bias = nn.Parameter(torch.zeros(d + 2 * kv))
        self.o = nn.Parameter(torch.zeros(d, d))
        self.gate_up = nn.Parameter(torch.randn(2 * c["d_ff"], d) / math.sqrt(d))  # rows: gate, up
        self.down = nn.Parameter(torch.zeros(d, c["d_ff"]))
        self.splits = (d, kv, kv)

    def project(self, x, cos, sin):
        b, t, d = x.shape
        hd = d // self.c["n_heads"]
        h = rms_norm(x, self.attn_norm)
        q, k, v = F.linear(h, self.qkv.to(x.dtype), self.qkv_bias.to(x.dtype)).split(self.splits, dim=-1)
        heads = lambda y: y.view(b, t, -1, hd).transpose(1, 2)
        return rotate(heads(q), cos, sin), rotate(heads(k), cos, sin), heads(v)

    def finish(self, x, att):
        b, h, t, hd = att.shape
        x = x + F.linear(att.transpose(1, 2).reshape(b, t, h * hd), self.o.to(x.dtype))
        g, u = F.linear(rms_norm(x, self.ffn_norm), self.gate_up.to(x.dtype)).chunk(2, dim=-1)
        return x + F.linear(F.silu(g) * u, self.down.to(x.dtype))


class Qwen2(nn.Module):
    def __init__(self, n_vocab, config):
        super().__init__()
        self.c = CONFIGS[config]
        self.embed = nn.Parameter(torch.randn(n_vocab, self.c["d_model"]) * 0.02)
        self.layers = nn.ModuleList(Layer(self.c) for _ in range(self.c["n_layers"]))
        self.norm = nn.Parameter(torch.ones(self.c["d_model"]))
        self.head_dim = self.c["d_model"] // self.c["n_heads"]

    def loss(self, tokens, cu, bos, dtype):
        """Mean cross-entropy. tokens [B, T + 1]: the id, plus 4096 where a token counts in the loss. A row holds several
        conversations, each starting with BOS, and none sees another. cu: where they start in the flattened rows, and the
        end, int32 (the end may repeat); None: attention by a dense mask."""
        ids = tokens & 4095
        x_ids, target = ids[:, :-1], torch.where(tokens[:, 1:] >= 4096, ids[:, 1:], -100)
        b, t = x_ids.shape
        cos, sin = rope_table(t, self.head_dim, tokens.device)
        x = F.embedding(x_ids, self.embed).to(dtype)
        if cu is None:
            doc = (x_ids == bos).cumsum(1)
            at = torch.arange(t, device=tokens.device)
            mask = ((doc[:, :, None] == doc[:, None, :]) & (at[:, None] >= at[None, :]))[:, None]
        for layer in self.layers:
            q, k, v = layer.project(x, cos, sin)
            if cu is None:
                att = attend_dense(q, k, v, mask)
            else:
                rep = q.shape[1] // k.shape[1]
                flat = lambda y: y.transpose(1, 2).reshape(b * t, -1, self.head_dim)
                att = varlen_attn(flat(q), flat(k.repeat_interleave(rep, dim=1)), flat(v.repeat_interleave(rep, dim=1)),
                                  cu, cu, t, t, **_causal)
                att = att.view(b, t, -1, self.head_dim).transpose(1, 2)
            x = layer.finish(x, att)
        logits = F.linear(rms_norm(x, self.norm), self.embed.to(dtype))
        return F.cross_entropy(logits.view(b * t, -1).float(), target.reshape(-1), ignore_index=-100)

    @torch.no_grad()
    def generate(self, prompts, eos, max_new):
        """Greedy continuations of lists of ids; each ends with EOS or after max_new. float32 throughout."""
        dev = self.embed.device
        n, width = len(prompts), max(map(len, prompts))
        out = [[] for _ in prompts]
        live = torch.arange(n, device=dev)
        ids = torch.zeros(n, width, dtype=torch.long, device=dev)
        pad = torch.tensor([width - len(p) for p in prompts], device=dev)  # on the left: RoPE is relative, so this is exact
        for i, p in enumerate(prompts):
            ids[i, width - len(p):] = torch.tensor(p, device=dev)
        total = width + max_new
        cos, sin = rope_table(total, self.head_dim, dev)
        kvh = self.c["n_kv_heads"]
        cache = [(torch.zeros(n, kvh, total, self.head_dim, device=dev), torch.zeros(n, kvh, total, self.head_dim, device=dev))
                 for _ in self.layers]
        chunk, kept = [], []
        at = torch.arange(total, device=dev)
        pos, step_ids = 0, ids
        while True:
            t = step_ids.shape[1]
            x = F.embedding(step_ids, self.embed)
            rows = at[pos:pos + t]
            mask = ((at[None, :pos + t] <= rows[:, None])[None] & (at[None, None, :pos + t] >= pad[:, None, None]))[:, None]
            mask = mask | (rows[:, None] == at[None, :pos + t])  # padding rows see themselves: no row without a key
            for layer, (kc, vc) in zip(self.layers, cache):
                q, k, v = layer.project(x, cos[pos:pos + t], sin[pos:pos + t])
                kc[:, :, pos:pos + t], vc[:, :, pos:pos + t] = k, v
                x = layer.finish(x, attend_dense(q, kc[:, :, :pos + t], vc[:, :, :pos + t], mask))
            nxt = F.linear(rms_norm(x[:, -1:], self.norm), self.embed).argmax(-1)  # [live, 1]
            pos += t
            chunk.append(nxt)
            step_ids = nxt
            if len(chunk) == 32 or pos + 1 >= total:  # hand the finished ones over, keep the others
                block = torch.cat(chunk, 1).tolist()
                keep = []
                for row, (i, toks) in enumerate(zip(live.tolist(), block)):
                    if eos in toks:
                        out[i] += toks[:toks.index(eos) + 1]
                    else:
                        out[i] += toks
                        keep.append(row)
                chunk = []
                if not keep or pos + 1 >= total:
                    return out
                if len(keep) < len(block):
                    kept = torch.tensor(keep, device=dev)
                    live, pad, step_ids = live[kept], pad[kept], step_ids[kept]
                    cache = [(kc[kept], vc[kept]) for kc, vc in cache]

    def gguf_tensors(self):
        """(GGUF name, array) of every weight, float32."""
        out = [("token_embd.weight", self.embed), ("output_norm.weight", self.norm)]
        for i, layer in enumerate(self.layers):
            q, k, v = layer.qkv.split(layer.splits)
            qb, kb, vb = layer.qkv_bias.split(layer.splits)
            gate, up = layer.gate_up.chunk(2)
            for name, w in (("attn_norm.weight", layer.attn_norm), ("attn_q.weight", q), ("attn_q.bias", qb), ("attn_k.weight", k),
                            ("attn_k.bias", kb), ("attn_v.weight", v), ("attn_v.bias", vb), ("attn_output.weight", layer.o),
                            ("ffn_norm.weight", layer.ffn_norm), ("ffn_gate.weight", gate), ("ffn_up.weight", up),
                            ("ffn_down.weight", layer.down)):
                out.append((f"blk.{i}.{name}", w))
        return [(name, w.detach().float().cpu().numpy()) for name, w in out]

    def load_gguf_tensors(self, arrays):
        """The inverse of gguf_tensors(), from a mapping."""
        get = lambda name: torch.from_numpy(arrays[name]).float()
        with torch.no_grad():
            self.embed.copy_(get("token_embd.weight"))
            self.norm.copy_(get("output_norm.weight"))
            for i, layer in enumerate(self.layers):
                g = lambda name: get(f"blk.{i}.{name}")
                layer.attn_norm.copy_(g("attn_norm.weight"))
                layer.ffn_norm.copy_(g("ffn_norm.weight"))
                layer.qkv.copy_(torch.cat([g(f"attn_{n}.weight") for n in "qkv"]))
                layer.qkv_bias.copy_(torch.cat([g(f"attn_{n}.bias") for n in "qkv"]))
                layer.o.copy_(g("attn_output.weight"))
                layer.gate_up.copy_(torch.cat([g("ffn_gate.weight"), g("ffn_up.weight")]))
                layer.down.copy_(g("ffn_down.weight"))
