"""A short further training with AdamW at a low rate, small enough for a CPU: the weights of train.py, some kinds more often.

Usage: python3 finetune.py IN_DIR OUT_DIR TOKENIZER.json [--steps N] [--lr X] [--kinds add,sub] [--share 0.5] [--seed K]
"""
import argparse
import random
import sys
import time

import numpy as np

import problems
from kinds import KINDS
from tokenizer import Tokenizer
from train import LOSS, encode_sample, load_weights, save_weights


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("source")
    ap.add_argument("out")
    ap.add_argument("tokenizer")
    ap.add_argument("--steps", type=int, default=300)
    ap.add_argument("--lr", type=float, default=1e-4)
    ap.add_argument("--kinds", default="add,sub")
    ap.add_argument("--share", type=float, default=0.5, help="the part of the samples that is of these kinds")
    ap.add_argument("--rows", type=int, default=5)
    ap.add_argument("--width", type=int, default=384, help="tokens of a row")
    ap.add_argument("--max-len", type=int, default=10000, help="longer samples are left out")
    ap.add_argument("--seed", type=int, default=9)
    args = ap.parse_args()
    import torch
    tokenizer = Tokenizer(args.tokenizer)
    r = random.Random(args.seed)
    bos, eos = tokenizer.control["bos"], tokenizer.control["eos"]
    model = load_weights(args.source, len(tokenizer))
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.98), weight_decay=0.0)
    chosen = set(args.kinds.split(","))
    base = [w for _, w, _ in KINDS.values() for _ in range(2)]
    pairs = [(k, zh) for k in KINDS for zh in (False, True)]
    inside = sum(w for w, (k, _) in zip(base, pairs) if k in chosen)
    up = args.share / (1 - args.share) * (sum(base) - inside) / inside
    table = problems.kind_table([w * (up if k in chosen else 1) for w, (k, _) in zip(base, pairs)])

    def row():
        out = []
        tries = 0
        while tries < 6 and len(out) < args.width - 60:
            ids = encode_sample(tokenizer, problems.sample(r, *table))
            if len(ids) > args.max_len:
                continue
            if len(out) + len(ids) <= args.width + 1:
                out += ids
            else:
                tries += 1
        return out + [eos] * (args.width + 1 - len(out))

    start, total = time.time(), 0.0
    for step in range(args.steps):
        progress = step / args.steps
        for g in opt.param_groups:
            g["lr"] = args.lr * min(1.0, (step + 1) / 20) * min(1.0, 2 * (1 - progress))
        tokens = torch.from_numpy(np.array([row() for _ in range(args.rows)], dtype=np.int64))
        opt.zero_grad(set_to_none=True)
        loss = model.loss(tokens, None, bos, torch.float32)
        loss.backward()
        opt.step()
        total += loss.item()
        if (step + 1) % 10 == 0:
            print(f"step {step + 1} loss {total / 10:.5f} {time.time() - start:.0f} s", flush=True)
            total = 0.0
        if (step + 1) % 50 == 0:
            save_weights(model, args.out)
    save_weights(model, args.out)
    return 0


if __name__ == "__main__":
    assert LOSS == 4096
    sys.exit(main())
