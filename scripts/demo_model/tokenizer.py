"""Byte-level BPE of the demo model: training, and a fast encoder that equals the one engines run (pre-tokenizer "qwen2").

Vocabulary: the 256 bytes, six control tokens of the R1 template, then merged tokens. Merges are restricted so that what
carries the arithmetic stays apart: a digit is always one token, no merge joins punctuation to a letter (a leading blank
or backslash excepted), letters of different scripts, or two symbols.

Usage: python3 tokenizer.py OUT.json [VOCAB_SIZE] [SAMPLES] [SEED]    trains on text of the generator
"""
import json
import random
import re
import sys
from collections import Counter

import problems

# The qwen2 pre-tokenizer: contractions, an optional symbol and letters, one digit, symbols, line ends, blanks. Python's re
# has no \p{L} and \p{N}; N lists the numbers outside Nd that our text can hold, L is every other word character.
N = "0-9０-９²³¹⁰⁴-⁹₀-₉½¼¾"
L = f"(?:(?![{N}])[^\\W\\d_])"
PRE = re.compile(f"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|(?:(?![{N}\\r\\n])(?:[\\W_]))?{L}+|[{N}\\d]|"
                 f" ?(?:(?![{N}])[^\\s\\w]|_)+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")

CONTROL = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<think>", "</think>"]
NAMES = ["bos", "eos", "user", "assistant", "think", "/think"]


def byte_table():
    """GPT-2's printable stand-in for each byte."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + extra)
            extra += 1
    return table


BYTE = byte_table()
UNBYTE = {c: b for b, c in BYTE.items()}


def script(ch):
    """What a whole character belongs to: latin, other letters, blank, or symbol."""
    if ch.isalpha():
        return "latin" if ch.isascii() else "letter"
    return "blank" if ch in " \n" else "symbol"


def may_merge(a, b):
    """Whether a merge of two byte strings is allowed (see the head of the file)."""
    whole = a + b
    try:
        text = whole.decode()
    except UnicodeDecodeError:
        # Part of one character: allowed while the joined bytes are a prefix of a single multi-byte character.
        head = whole[0]
        length = 4 if head >= 0xF0 else 3 if head >= 0xE0 else 2 if head >= 0xC0 else 0
        return 0 < len(whole) < length and all(0x80 <= x < 0xC0 for x in whole[1:])
    if len(text) == 1:
        return True
    try:
        left, right = a.decode(), b.decode()
    except UnicodeDecodeError:
        return False
    kinds = {script(c) for c in text}
    if kinds == {"letter"}:  # at most a word: longer ones would be whole sentences of the fixed answers
        return len(text) <= 4
    if kinds == {"latin"}:
        return True
    if left == " " and len(right) == 1 and script(right) == "symbol":
        return True
    if left[0] in " \\" and script(text[-1]) in ("latin", "letter") and {script(c) for c in text[1:]} <= {script(text[-1])}:
        return len(text) <= 12
    if left in (".", "。", ":", "：", ",") and right == "\n" or text == "\n\n":
        return True
    return text in ("...", "……", "\\\\")


def train(texts, n_vocab):
    """Merges by frequency, ties by text; returns them in order as pairs of byte strings."""
    words = Counter()
    for t in texts:
        words.update(PRE.findall(t))
    seqs = [([bytes([b]) for b in w.encode()], c) for w, c in words.items()]
    pairs, where = Counter(), {}
    for i, (s, c) in enumerate(seqs):
        for p in zip(s, s[1:]):
            pairs[p] += c
            where.setdefault(p, set()).add(i)
    merges = []
    allowed = {}
    while len(merges) < n_vocab - 256 - len(CONTROL):
        best = None
        for p, c in pairs.items():
            if c < 2:
                continue
            if best is None or (c, p) > best:
                ok = allowed.get(p)
                if ok is None:
                    ok = allowed[p] = may_merge(*p)
                if ok:
                    best = (c, p)
        if best is None:
            break
        a, b = best[1]
        merges.append((a, b))
        for i in list(where[a, b]):
            s, c = seqs[i]
            for p in zip(s, s[1:]):
                pairs[p] -= c
            out, j = [], 0
            while j < len(s):
                if j + 1 < len(s) and s[j] == a and s[j + 1] == b:
                    out.append(a + b)
                    j += 2
                else:
                    out.append(s[j])
                    j += 1
            seqs[i] = (out, c)
            for p in zip(out, out[1:]):
                pairs[p] += c
                where.setdefault(p, set()).add(i)
        pairs = Counter({p: c for p, c in pairs.items() if c > 0})
    return merges


class Tokenizer:
    """Encodes text (no control tokens in it) by the merges, pre-token by pre-token, with a cache."""

    def __init__(self, path):
        spec = json.load(open(path, encoding="utf-8"))
        to_bytes = lambda s: bytes(UNBYTE[c] for c in s)
        self.merges = [tuple(to_bytes(x) for x in m.split(" ")) for m in spec["merges"]]
        self.tokens = [bytes([b]) for b in range(256)] + CONTROL + [a + b for a, b in self.merges]
        self.id = {t: i for i, t in enumerate(self.tokens) if isinstance(t, bytes)}
        self.control = {n: 256 + i for i, n in enumerate(NAMES)}
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.cache = {}

    def _word(self, w):
        s = [bytes([b]) for b in w.encode()]
        while len(s) > 1:
            best = min(((self.rank.get(p, 1 << 30), i) for i, p in enumerate(zip(s, s[1:]))))
            if best[0] == 1 << 30:
                break
            i = best[1]
            s[i:i + 2] = [s[i] + s[i + 1]]
        ids = self.cache[w] = [self.id[x] for x in s]
        return ids

    def encode(self, text):
        out, cache = [], self.cache
        if len(cache) > 400000:
            cache.clear()
        for w in PRE.findall(text):
            ids = cache.get(w)
            out += ids if ids is not None else self._word(w)
        return out

    def decode(self, ids):
        return b"".join(t if isinstance(t, bytes) else t.encode() for t in (self.tokens[i] for i in ids)).decode("utf-8", "replace")

    def __len__(self):
        return len(self.tokens)


def main():
    out = sys.argv[1]
    n_vocab = int(sys.argv[2]) if len(sys.argv) > 2 else 1536
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 60000
    r = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 7)
    table = problems.kind_table()
    texts = []
    for _ in range(n):
        texts += [p for p, _ in problems.sample(r, *table) if p not in NAMES]
    merges = train(texts, n_vocab)
    as_text = lambda b: "".join(BYTE[x] for x in b)
    with open(out, "w", encoding="utf-8") as f:
        json.dump({"merges": [f"{as_text(a)} {as_text(b)}" for a, b in merges]}, f, ensure_ascii=False, indent=0)
        f.write("\n")
    t = Tokenizer(out)
    print(f"{len(t)} tokens; {sum(len(t.encode(x)) for x in texts[:20000]) / sum(1 for x in texts[:20000] if x):.1f} tokens a piece")


if __name__ == "__main__":
    main()
