"""Trains the demo model on problems drawn on the fly, scores it on held-out ones, saves its weights.

Muon for the matrices inside the layers, AdamW for embedding, norms and biases; warm-up, constant, then linear decay to
zero. Worker processes draw and pack the data; kinds with more errors on a dev set (test-split problems, drawn with other
seeds than the shipped set) are drawn more often afterwards.

Usage: python3 train.py OUT_DIR TOKENIZER.json [--steps N] [--seconds S] [--rows R] [--seed K] [--init WEIGHTS_DIR]
                        [--peak-lr X] [--config demo|smoke] [--workers W] [--heldout SET.jsonl] [--final-per-kind N] [--cut P]
A smoke run for a CPU: smoke.sh
"""
import argparse
import glob
import json
import multiprocessing as mp
import os
import random
import sys
import time

import numpy as np

import evaluate
import problems
from kinds import KINDS
from tokenizer import Tokenizer

ROW = 1024      # tokens of a packed row
BLOCK_ROWS = 8  # rows that a worker hands over at a time
LOSS = 4096     # added to an id that counts in the loss


def encode_sample(tokenizer, pieces, keep=None):
    """The ids of a conversation, those in the loss marked; with `keep`, no more of its answer than that many tokens."""
    ids = []
    for text, in_loss in pieces:
        c = tokenizer.control.get(text)
        cut = keep and in_loss and len(text) > 8 * keep
        part = [c] if c is not None else tokenizer.encode(text[:8 * keep] if cut else text)
        if keep and in_loss and len(part) > keep:
            return ids + [i + LOSS for i in part[:keep]]
        ids += [i + LOSS for i in part] if in_loss else part
    return ids


def worker(seed, tokenizer_path, queue, weights, cut):
    """Packs conversations into rows of ROW + 1 ids, best fit from a small pool, and puts blocks of rows into the queue."""
    tokenizer = Tokenizer(tokenizer_path)
    r = random.Random(seed)
    pad = tokenizer.control["eos"]  # joins the conversation before it; without loss
    pool = []
    while True:
        table = problems.kind_table(list(weights))
        rows = np.full((BLOCK_ROWS, ROW + 1), pad, dtype=np.uint16)
        for row in rows:
            used = 0
            while True:
                while len(pool) < 48:
                    keep = int(24 + 48 * r.random()) if r.random() < cut else None
                    ids = encode_sample(tokenizer, problems.sample(r, *table), keep)
                    if len(ids) <= ROW + 1:
                        pool.append(ids)
                space = ROW + 1 - used
                if space > 160:
                    best = len(pool) - 1  # plenty of room: any, so that the mix stays as drawn
                    if len(pool[best]) > space:
                        best = -1
                else:
                    best = max((i for i in range(len(pool)) if len(pool[i]) <= space), key=lambda i: len(pool[i]), default=-1)
                if best < 0:
                    best = max((i for i in range(len(pool)) if len(pool[i]) <= space), key=lambda i: len(pool[i]), default=-1)
                if best < 0:
                    break
                ids = pool.pop(best)
                row[used:used + len(ids)] = ids
                used += len(ids)
        queue.put(rows)


def orthogonal(g):
    """Newton-Schulz iteration towards the nearest orthogonal matrices of a batch [n, rows, columns], in bfloat16."""
    import torch
    x = g.bfloat16() if g.is_cuda else g
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.transpose(-1, -2)
    for _ in range(5):
        s = x @ x.transpose(-1, -2)
        x = 3.4445 * x + (-4.7750 * s + 2.0315 * (s @ s)) @ x
    return (x.transpose(-1, -2) if tall else x).to(g.dtype)


class Muon:
    """Momentum, then an orthogonalised update. Fused matrices (Q, K, V; gate, up) are taken apart by rows first."""

    def __init__(self, model, momentum=0.95, decay=0.02):
        self.momentum, self.decay = momentum, decay
        self.items = []
        for layer in model.layers:
            half = layer.gate_up.shape[0] // 2
            self.items += [(layer.qkv, layer.splits), (layer.o, (layer.o.shape[0],)), (layer.gate_up, (half, half)),
                           (layer.down, (layer.down.shape[0],))]
        self.buffers = [p.detach() * 0 for p, _ in self.items]

    def step(self, lr):
        import torch
        with torch.no_grad():
            groups = {}
            for (p, splits), buf in zip(self.items, self.buffers):
                buf.mul_(self.momentum).add_(p.grad)
                update = p.grad + self.momentum * buf
                for piece, target in zip(update.split(splits), p.data.split(splits)):
                    groups.setdefault(tuple(piece.shape), []).append((piece, target))
            for (rows, cols), members in groups.items():
                updates = orthogonal(torch.stack([u for u, _ in members])) * max(1.0, rows / cols) ** 0.5
                for u, (_, target) in zip(updates, members):
                    target.mul_(1 - lr * self.decay).add_(u, alpha=-lr)


def save_weights(model, folder):
    """The float32 weights under their GGUF names, in files of at most 15 MB (weights-0.npz, ...)."""
    os.makedirs(folder, exist_ok=True)
    part, size, index = {}, 0, 0
    for name, w in model.gguf_tensors():
        if size + w.nbytes > 15_000_000:
            np.savez(f"{folder}/weights-{index}.npz", **part)
            part, size, index = {}, 0, index + 1
        part[name] = w
        size += w.nbytes
    np.savez(f"{folder}/weights-{index}.npz", **part)


def read_weights(folder):
    arrays = {}
    for path in sorted(glob.glob(f"{folder}/weights-*.npz")):
        with np.load(path) as z:
            arrays.update({k: z[k] for k in z.files})
    if not arrays:
        raise FileNotFoundError(f"no weights-*.npz in {folder}")
    return arrays


def load_weights(folder, n_vocab):
    from model import CONFIGS, Qwen2
    arrays = read_weights(folder)
    width = arrays["token_embd.weight"].shape[1]
    model = Qwen2(n_vocab, next(k for k, c in CONFIGS.items() if c["d_model"] == width))
    model.load_gguf_tensors(arrays)
    return model


def fake_quantize(arrays, bits, block):
    """Weights as a symmetric integer format with one scale a block would hold them: a forecast of what quantising costs."""
    out = {}
    top = 2 ** (bits - 1) - 1
    for name, w in arrays.items():
        if w.ndim == 2:
            b = w.reshape(-1, block)
            scale = np.abs(b).max(1, keepdims=True) / top + 1e-12
            w = (np.round(b / scale) * scale).reshape(w.shape).astype(np.float32)
        out[name] = w
    return out


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("out")
    ap.add_argument("tokenizer")
    ap.add_argument("--steps", type=int, default=7000)
    ap.add_argument("--seconds", type=float, default=1e9, help="the decay ends at this time even if steps are left")
    ap.add_argument("--rows", type=int, default=128, help="rows of 1024 tokens a step")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--init", help="weights to continue from")
    ap.add_argument("--peak-lr", type=float, default=0.015)
    ap.add_argument("--adam-lr", type=float, default=0.003)
    ap.add_argument("--decay-from", type=float, default=0.45, help="the fraction of the run after which the rate falls")
    ap.add_argument("--config", default="demo")
    ap.add_argument("--workers", type=int, default=14)
    ap.add_argument("--heldout", help="problem set to score at the end")
    ap.add_argument("--final-per-kind", type=int, default=0, help="further test problems a kind and language at the end")
    ap.add_argument("--max-new", type=int, default=720, help="tokens at most an answer when scoring")
    ap.add_argument("--dev-per-kind", type=int, default=16)
    ap.add_argument("--dev-at", default="0.3,0.55,0.75,0.9", help="fractions of the run where a dev score adapts the mix")
    ap.add_argument("--cut", type=float, default=0.0, help="the part of the samples of which only the start of the thought is "
                    "kept, where it shows how the question was read: more questions a second")
    ap.add_argument("--quant-check", action="store_true", help="score the weights under coarse quantisation too")
    args = ap.parse_args()
    os.makedirs(args.out, exist_ok=True)
    start = time.time()

    base = [w for _, w, _ in KINDS.values() for _ in range(2)]
    weights = mp.Array("d", base, lock=False)
    queues = [mp.Queue(maxsize=24) for _ in range(args.workers)]
    procs = [mp.Process(target=worker, args=(args.seed * 1000 + i, args.tokenizer, q, weights, args.cut), daemon=True)
             for i, q in enumerate(queues)]
    for p in procs:
        p.start()

    import torch
    from model import Qwen2, varlen_attn
    torch.manual_seed(args.seed)
    cuda = torch.cuda.is_available()
    device = "cuda" if cuda else "cpu"
    torch.set_float32_matmul_precision("high")
    tokenizer = Tokenizer(args.tokenizer)
    bos = tokenizer.control["bos"]
    model = Qwen2(len(tokenizer), args.config)
    if args.init:
        model.load_gguf_tensors(read_weights(args.init))
    model.to(device)
    n_params = sum(p.numel() for p in model.parameters())
    dtype = torch.bfloat16 if cuda else torch.float32
    muon = Muon(model)
    matrix_ids = {id(p) for p, _ in muon.items}
    adam = torch.optim.AdamW([p for p in model.parameters() if id(p) not in matrix_ids], lr=args.adam_lr, betas=(0.9, 0.98),
                             weight_decay=0.0)

    turn = 0

    def batch():
        nonlocal turn
        blocks = []
        for _ in range(max(1, args.rows // BLOCK_ROWS)):
            blocks.append(queues[turn % args.workers].get())
            turn += 1
        rows = np.concatenate(blocks)[:args.rows].astype(np.int32)
        if not cuda:
            return torch.from_numpy(rows).long(), None
        starts = np.flatnonzero((rows[:, :-1] & (LOSS - 1)).reshape(-1) == bos)
        cu = np.full(args.rows * 40, args.rows * ROW, dtype=np.int32)
        cu[:len(starts)] = starts
        send = lambda a: torch.from_numpy(a).pin_memory().to(device, non_blocking=True)
        return send(rows).long(), send(cu)

    flash = cuda and varlen_attn is not None
    loss_fn = torch.compile(model.loss, dynamic=False) if cuda else model.loss
    if flash:  # the fast path must agree with the plain one before it is trusted
        tokens, cu = batch()
        saved = [p.detach().clone() for p in model.parameters()]
        with torch.no_grad():  # the output matrices start at zero, where nothing flows back through attention
            for layer in model.layers:
                layer.o.normal_(0, 0.03)
                layer.down.normal_(0, 0.03)
        fast = loss_fn(tokens, cu, bos, dtype)
        fast.backward()
        grads = {n: p.grad.float() for n, p in model.named_parameters()}
        model.zero_grad(set_to_none=True)
        for i in range(0, args.rows, 8):  # in float32, a few rows at a time, each weighted by its share of the loss
            share = (tokens[i:i + 8, 1:] >= LOSS).sum() / (tokens[:, 1:] >= LOSS).sum()
            (model.loss(tokens[i:i + 8], None, bos, torch.float32) * share).backward()
        worst = max(((grads[n] - p.grad).norm() / p.grad.norm()).item() for n, p in model.named_parameters() if p.ndim == 2)
        with torch.no_grad():
            for p, old in zip(model.parameters(), saved):
                p.copy_(old)
        print(f"flash attention: gradients within {worst:.3f} of the dense ones", flush=True)
        assert worst < 0.1, "the fast attention path computes wrong gradients"
    print(f"{n_params} parameters, {len(tokenizer)} tokens, {device}, ready after {time.time() - start:.0f} s", flush=True)

    pairs = [(k, zh) for k in KINDS for zh in (False, True)]
    dev_at = [float(x) for x in args.dev_at.split(",") if x]
    log = dict(args=vars(args), parameters=n_params, loss=[], dev=[])
    train_start = time.time()
    paused = 0.0  # spent on dev scores
    step, ema = 0, None
    acc = torch.zeros((), device=device)
    every = 20 if args.steps > 200 else 5
    while step < args.steps:
        now = time.time()
        progress = max(step / args.steps, (now - train_start) / max(1.0, args.seconds - (train_start - start)))
        if progress >= 1:
            break
        lr = min(1.0, (step + 1) / 200) * min(1.0, (1 - progress) / (1 - args.decay_from))
        model.zero_grad(set_to_none=True)
        tokens, cu = batch()
        loss = loss_fn(tokens, cu if flash else None, bos, dtype)
        loss.backward()
        muon.step(lr * args.peak_lr)
        for g in adam.param_groups:
            g["lr"] = lr * args.adam_lr
        adam.step()
        acc += loss.detach()
        step += 1
        if step % every == 0:
            value = acc.item() / every
            acc.zero_()
            rate = step * args.rows * ROW / (time.time() - train_start - paused)
            log["loss"].append([step, round(value, 5)])
            if step % (every * 10) == 0:
                waiting = min(q.qsize() for q in queues) if sys.platform == "linux" else -1
                print(f"step {step} loss {value:.4f} lr {lr:.3f} {rate / 1e6:.2f} M tok/s, blocks waiting {waiting}, {now - start:.0f} s", flush=True)
        if dev_at and progress >= dev_at[0]:
            dev_at.pop(0)
            t0 = time.time()
            # Fresh test-split problems, another seed than the shipped set: they steer the mix, and nothing trains on them.
            dev = evaluate.held_out(args.dev_per_kind, f"dev{step}") + evaluate.held_out(args.dev_per_kind, f"dev{step}", wide=True)
            report, wrong = evaluate.score(model, tokenizer, dev, args.max_new)
            log["dev"].append(dict(step=step, **report))
            for i, (k, zh) in enumerate(pairs):
                right, count = report["scores"][f"{k}/{'zh' if zh else 'en'}"]
                weights[i] = base[i] * (1 + 6 * (1 - right / count))
            paused += time.time() - t0
            print(f"dev at {step}: {evaluate.summary(report)} ({time.time() - t0:.0f} s)", flush=True)
            json.dump(wrong, open(f"{args.out}/dev_wrong.json", "w", encoding="utf-8"), ensure_ascii=False, indent=1)
    seconds = time.time() - train_start
    for p in procs:
        p.terminate()
    log.update(steps=step, tokens_seen=step * args.rows * ROW, train_seconds=round(seconds - paused, 1), wall_seconds=round(time.time() - start, 1))
    print(f"{step} steps, {log['tokens_seen'] / 1e6:.0f} M tokens in {seconds - paused:.0f} s", flush=True)
    save_weights(model, args.out)
    json.dump(log, open(f"{args.out}/log.json", "w"), indent=0)

    final = {}
    if args.heldout:
        items = [json.loads(line) for line in open(args.heldout, encoding="utf-8")]
        final["heldout"], wrong = evaluate.score(model, tokenizer, items, args.max_new)
        print("held-out:", evaluate.summary(final["heldout"]), f"{final['heldout']['seconds']} s", flush=True)
        json.dump(wrong, open(f"{args.out}/wrong.json", "w", encoding="utf-8"), ensure_ascii=False, indent=1)
    for name, wide in (("more", False), ("wide", True)) if args.final_per_kind else ():
        items = evaluate.held_out(args.final_per_kind, "final", wide=wide)
        final[name], wrong = evaluate.score(model, tokenizer, items, args.max_new)
        print(f"{name}:", evaluate.summary(final[name]), f"{final[name]['seconds']} s", flush=True)
        json.dump(wrong, open(f"{args.out}/wrong_{name}.json", "w", encoding="utf-8"), ensure_ascii=False, indent=1)
    if args.quant_check and args.heldout:
        arrays = read_weights(args.out)
        items = [json.loads(line) for line in open(args.heldout, encoding="utf-8")]
        for name, bits, block in (("8 bits a block of 32", 8, 32), ("6 bits a block of 16", 6, 16), ("4 bits a block of 32", 4, 32)):
            model.load_gguf_tensors(fake_quantize(arrays, bits, block))
            report, _ = evaluate.score(model, tokenizer, items, args.max_new)
            final[name] = report
            print(f"{name}:", evaluate.summary(report), flush=True)
    json.dump(dict(log, final=final), open(f"{args.out}/log.json", "w"), indent=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
