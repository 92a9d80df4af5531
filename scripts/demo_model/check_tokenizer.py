"""Compares our encoder with Hugging Face's (package `tokenizers`) on text of the generator and on odd strings; skipped with
a reason where that package is absent.

Usage: python3 check_tokenizer.py TOKENIZER.json [SAMPLES]
"""
import random
import sys

import problems
from tokenizer import BYTE, CONTROL, Tokenizer

# The published expression of the qwen2 pre-tokenizer.
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
ODD = ["", " ", "  a", "a\n\n b", "x²+y³=z⁴", "９＋１=？", "it's I'LL we'Re", "__init__(self)", "ａｂｃ café naïve ß", "a_b-c", "1,234.50€", "\t\n \r\n x",
       "日本語テスト한국어", "😀👍🏽", "“引号”、（括号）", "½+¼", "Ⅷ ① ٣", "    four", "tail   ", "a\u00a0b", "\\boxed{3}", "$\\frac{1}{2}$"]


def main():
    try:
        from tokenizers import Regex, Tokenizer as HF, models, pre_tokenizers
    except ImportError:
        print("skipped: the package `tokenizers` is not installed")
        return 0
    ours = Tokenizer(sys.argv[1])
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    shown = lambda b: "".join(BYTE[x] for x in b)
    vocab = {t if isinstance(t, str) else shown(t): i for i, t in enumerate(ours.tokens)}
    hf = HF(models.BPE(vocab={k: v for k, v in vocab.items()}, merges=[(shown(a), shown(b)) for a, b in ours.merges]))
    hf.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"),
                                                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    r = random.Random(3)
    table = problems.kind_table()
    texts = list(ODD)
    for _ in range(n):
        texts += [t for t, _ in problems.sample(r, *table) if t not in ours.control]
    odd = 0
    for t in texts:
        if hf.encode(t).ids != ours.encode(t):
            if t in ODD:
                odd += 1
                print("differs (odd string):", repr(t))
                continue
            print("differs:", repr(t), hf.encode(t).ids, ours.encode(t))
            return 1
        assert ours.decode(ours.encode(t)) == t
    print(f"{len(texts)} texts: equal ids ({odd} of {len(ODD)} odd strings differ); {len(CONTROL)} control tokens apart")
    return 0


if __name__ == "__main__":
    sys.exit(main())
