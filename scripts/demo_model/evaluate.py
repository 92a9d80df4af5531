"""Held-out problems and their scores: draws test problems, grades answers, and scores PyTorch weights.

Usage: python3 evaluate.py heldout OUT.jsonl [PER_KIND_AND_LANGUAGE] [SEED]       writes a problem set (no PyTorch needed)
       python3 evaluate.py score WEIGHTS_DIR TOKENIZER.json SET.jsonl OUT.json    scores weights of train.py
"""
import json
import random
import sys
import time
from collections import defaultdict

import problems
from kinds import KINDS


def held_out(n, seed, with_keys=False, wide=False):
    """n problems for each kind and language, a quarter of them in wordings never trained on ("who": all of them). The
    shipped set's collection of wordings, or the wide one."""
    out = []
    for kind, (_, _, check) in KINDS.items():
        for zh in (False, True):
            r = random.Random(f"{seed}/{kind}/{zh}")
            seen_questions = set()
            tries = 0
            while len(seen_questions) < n and tries < 200 * n:
                tries += 1
                unseen = kind == "who" or len(seen_questions) % 4 == 3
                q, _, _, answer, key = problems.draw(r, kind, zh, "test", unseen, wide)
                if q in seen_questions:
                    continue
                seen_questions.add(q)
                out.append(dict(question=q, answer=answer, kind=kind, lang="zh" if zh else "en", check=check,
                                wording="unseen" if unseen else "seen"))
                if with_keys:
                    out[-1]["key"] = key
    return out


def boxed(text):
    """The content of the last \\boxed{...}, its braces balanced; None if there is none."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth, i = 1, start + 7
    while i < len(text):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return text[start + 7:i]
        i += 1
    return None


def grade(item, text):
    """Whether a generated text (thinking, </think>, answer) holds the right answer."""
    if "</think>" not in text:
        return False
    final = text.split("</think>")[-1]
    if item["check"] == "contains":
        return item["answer"] in final
    if item["check"] == "json":
        try:
            return json.loads(final.strip()) == json.loads(item["answer"])
        except ValueError:
            return False
    got = boxed(final)
    return got is not None and got.replace(" ", "") == item["answer"].replace(" ", "")


def prompt_ids(tokenizer, question):
    c = tokenizer.control
    return [c["bos"], c["user"], *tokenizer.encode(question), c["assistant"], c["think"], *tokenizer.encode("\n")]


def score(model, tokenizer, items, max_new=720, batch=2048):
    """Greedy answers to all items. Returns a report, and the texts that were wrong."""
    start = time.time()
    texts = [None] * len(items)
    order = sorted(range(len(items)), key=lambda i: len(items[i]["question"]))
    n_tokens = 0
    for b in range(0, len(items), batch):
        part = order[b:b + batch]
        outs = model.generate([prompt_ids(tokenizer, items[i]["question"]) for i in part], tokenizer.control["eos"], max_new)
        for i, ids in zip(part, outs):
            n_tokens += len(ids)
            texts[i] = tokenizer.decode([t for t in ids if t != tokenizer.control["eos"]])
    count, right = defaultdict(int), defaultdict(int)
    wrong = []
    for item, text in zip(items, texts):
        ok = grade(item, text)
        for key in ("all", f"{item['kind']}/{item['lang']}", f"wording/{item['wording']}", f"lang/{item['lang']}",
                    f"{item['kind']}/{item['lang']}/{item['wording']}"):
            count[key] += 1
            right[key] += ok
        if not ok:
            wrong.append(dict(item, text=text))
    report = {k: [right[k], count[k]] for k in sorted(count)}
    return dict(scores=report, tokens=n_tokens, seconds=round(time.time() - start, 1)), wrong


def summary(report):
    s = report["scores"]
    pct = lambda k: 100 * s[k][0] / s[k][1]
    kinds = sorted((k for k in s if k.count("/") == 1 and not k.startswith(("wording", "lang"))), key=pct)
    line = f"all {pct('all'):.2f}%"
    for w in ("wording/seen", "wording/unseen"):
        if w in s:
            line += f", {w[8:]} {pct(w):.2f}%"
    return line + "; worst " + ", ".join(f"{k} {pct(k):.1f}" for k in kinds[:10])


def main():
    if sys.argv[1] == "heldout":
        n = int(sys.argv[3]) if len(sys.argv) > 3 else 40
        seed = int(sys.argv[4]) if len(sys.argv) > 4 else 2026
        items = held_out(n, seed)
        with open(sys.argv[2], "w", encoding="utf-8") as f:
            for item in items:
                f.write(json.dumps(item, ensure_ascii=False) + "\n")
        print(f"{len(items)} problems")
        return 0
    import torch
    from tokenizer import Tokenizer
    from train import load_weights
    tokenizer = Tokenizer(sys.argv[3])
    model = load_weights(sys.argv[2], len(tokenizer)).to("cuda" if torch.cuda.is_available() else "cpu")
    items = [json.loads(line) for line in open(sys.argv[4], encoding="utf-8")]
    report, wrong = score(model, tokenizer, items)
    json.dump(dict(report, wrong=wrong), open(sys.argv[5], "w", encoding="utf-8"), ensure_ascii=False, indent=1)
    print(summary(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
