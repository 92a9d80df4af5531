"""Self-test of the generator: every numeric statement in every thought is true, every answer follows from the problem's
parameters by an independent calculation, and no training problem hashes into the test split.

Usage: python3 check_data.py [SAMPLES_PER_KIND_AND_LANGUAGE] [SEED]    exit status 1 on the first falsehood
"""
import json
import random
import re
import sys
import unicodedata
from fractions import Fraction as F
from math import gcd

import problems
from kinds import KINDS

NUMERIC = re.compile(r"^[0-9.+\-×÷^()]+$")
TOKEN = re.compile(r"[0-9]+(?:\.[0-9]+)?|[+\-×÷^()]")


def evaluate(text):
    """The value of an expression of + - × ÷ ^ and brackets, exactly. A small precedence climber, no eval()."""
    tokens = TOKEN.findall(text)
    pos = 0

    def atom():
        nonlocal pos
        t = tokens[pos]
        pos += 1
        if t == "(":
            v = level(0)
            assert tokens[pos] == ")"
            pos += 1
            return v
        if t == "-":
            return -power()
        assert t[0].isdigit(), text
        return F(t)

    def power():
        nonlocal pos
        v = atom()
        if pos < len(tokens) and tokens[pos] == "^":
            pos += 1
            v = v ** int(atom())
        return v

    def level(n):
        nonlocal pos
        if n == 2:
            return power()
        v = level(n + 1)
        while pos < len(tokens) and tokens[pos] in ("+-", "×÷")[n]:
            op = tokens[pos]
            pos += 1
            w = level(n + 1)
            v = v + w if op == "+" else v - w if op == "-" else v * w if op == "×" else v / w
        return v

    v = level(0)
    assert pos == len(tokens), text
    return v


def true_statements(think):
    """Checks each `a=b=c`, `a<b` and column `...→r`; returns how many there were."""
    n = 0
    for line in think.split("\n"):
        head = re.match(r"^([0-9]+[+\-×][0-9]+): ", line)
        for piece in re.split(r"[;,，。：:]|, | (?=×)", line):
            piece = piece.strip()
            if re.search(r"^[^0-9(\-]*=", piece):
                piece = piece.split("=", 1)[1]
            if re.match("×[0-9]", piece):  # the table of multiples leaves its first factor out
                base = re.search(r"([0-9]+)×1=", line).group(1)
                piece = base + piece
            body, _, result = piece.partition("→")
            for op in ("<", ">"):
                if op in body:
                    a, b = body.split(op)
                    if NUMERIC.match(a) and NUMERIC.match(b):
                        assert (evaluate(a) < evaluate(b)) == (op == "<"), piece
                        n += 1
            sides = body.split("=")
            if "..." in body:  # the sum of the first n numbers
                n_last = int(re.search(r"\.\.\.\+([0-9]+)", body).group(1))
                assert sum(range(n_last + 1)) == evaluate(sides[1]), piece
                continue
            if len(sides) > 1 and all(s and NUMERIC.match(s) for s in sides):
                values = [evaluate(s) for s in sides]
                assert all(v == values[0] for v in values), piece
                n += 1
        if head and "→" in line:
            last = re.findall(r"→([0-9]+)", line)[-1]
            tail = re.search(r"; ([0-9]+)$", line)
            value = int(tail.group(1)) if tail else int(last)
            assert evaluate(head.group(1)) == value, line
            n += 1
    return n


def ints(text):
    return [int(x) for x in re.findall(r"-?[0-9]+", text)]


def number(text):
    return F(text) if "/" not in text else F(*map(int, text.split("/")))


def terms_value(side, x):
    """Value of one side of a linear equation at x: 3x-5, 4(x+2), x/7-3."""
    side = re.sub(r"(?<=[0-9)])(?=[x(])", "×", side).replace("/", "÷").replace("x", f"({x})")
    side = re.sub(r"\((-?[0-9]+)/([0-9]+)\)", r"(\1÷\2)", side)
    return evaluate(side)


def recurrence(p, a, mode, n):
    for i in range(1, n):
        k = int(mode[1:])
        a = p * a + (k if mode[0] == "c" else k ** i if mode[0] == "q" else k * i)
    return a


def general(text, n):
    """Value of a closed form in LaTeX at n."""
    t = text.replace("\\cdot ", "×").replace("{n-1}", f"({n - 1})")
    t = re.sub(r"\^n", f"^{n}", t)
    return evaluate(t)


def area(key):
    s, v = key[:2], ints(key[2:])
    x = v[0]
    y = v[1] if len(v) > 1 else 0
    z = v[2] if len(v) > 2 else 0
    value = {"ra": F(x * y), "rp": F(2 * x + 2 * y), "sa": F(x ** 2), "sp": F(4 * x), "tr": F(x * y, 2), "pa": F(x * y), "tz": F((x + y) * z, 2),
             "bv": F(x * y * z), "bs": F(2 * (x * y + y * z + x * z)), "cv": F(x ** 3), "cs": F(6 * x * x), "pv": F(x * x * y, 2)}.get(s)
    if value is not None:
        return value
    if s == "ps":
        return f"{x * x + 2 * x * y}+{x * y if x * y > 1 else ''}\\sqrt{{2}}"
    c = {"ca": x * x, "cc": 2 * x, "yv": x * x * y, "ys": 2 * x * x + 2 * x * y}[s]
    return ("" if c == 1 else str(c)) + "\\pi"


def expected(kind, key, answer, question):
    """True if the answer is right for the parameters in the key."""
    v = ints(key)
    if kind == "add":
        return int(answer) == sum(int(x) for x in key.split("+"))
    if kind == "sub":
        a, b = key.split("-")
        return int(answer) == int(a) - int(b)
    if kind == "mul":
        return int(answer) == v[0] * v[1]
    if kind == "div":
        got = ints(answer)
        return got == ([v[0] // v[1], v[0] % v[1]] if v[0] % v[1] else [v[0] // v[1]])
    if kind == "chickens":
        l1, l2, h, f = v
        pairs = [(a, h - a) for a in range(h + 1) if a * l1 + (h - a) * l2 == f]
        assert len(pairs) == 1
        got = ints(answer)
        return tuple(got) == pairs[0] if len(got) == 2 else got[0] in pairs[0]
    if kind == "lin1":
        left, right = key.split("=")
        x = number(answer)
        x = f"{x.numerator}÷{x.denominator}" if x.denominator > 1 else str(x.numerator)
        return terms_value(left, x) == terms_value(right, x)
    if kind == "lin2":
        got = [int(x.split("=")[-1]) for x in answer.split(",")]
        if key.startswith("sd"):
            return got[0] + got[1] == v[0] and got[0] - got[1] == v[1]
        return all(a * got[0] + b * got[1] == c for a, b, c in (map(int, e.split(",")) for e in key.split("|")))
    if kind == "percent":
        name = re.match("[a-z]+", key).group()
        value = F(answer.replace("\\%", ""))
        return value == {"of": lambda: F(v[0] * v[1], 100), "off": lambda: v[1] - F(v[0] * v[1], 100), "up": lambda: v[1] + F(v[0] * v[1], 100),
                         "what": lambda: F(v[0], v[1]) * 100, "orig": lambda: F(v[1]) / (1 - F(v[0], 100)), "buy": lambda: F(v[0] * v[1], 100),
                         "change": lambda: F(v[-1] - v[0] * v[1])}[name]()
    if kind == "speed":
        w = [F(x) for x in re.findall(r"[0-9.]+", key)]
        return F(answer) == {"d": lambda: w[0] * w[1], "t": lambda: w[1] / w[0], "v": lambda: w[0] / w[1], "m": lambda: w[2] / (w[0] + w[1]),
                             "c": lambda: w[2] / (w[0] - w[1])}[key[0]]()
    if kind == "seq":
        if key[0] == "o":
            return int(answer) == sum(range(v[0] + 1))
        a, d, n = v
        terms = [a + i * d if key[0] in "as" else a * d ** i for i in range(n)]
        return int(answer) == (terms[-1] if key[0] in "ag" else sum(terms))
    if kind == "recur":
        p, a, mode = key[1:].split(",")[:3]
        if key[0] == "N":
            return int(answer) == recurrence(int(p), int(a), mode, int(key.split(",")[3]))
        return all(general(answer, n) == recurrence(int(p), int(a), mode, n) for n in range(1, 6))
    if kind == "gcdlcm":
        a, b = v
        return int(answer) == (gcd(a, b) if key[0] == "g" else a * b // gcd(a, b))
    if kind == "units":
        if key.startswith("kmh"):
            return F(answer) == F(v[0]) / F(18, 5)
        if key.startswith("ms"):
            return F(answer) == v[0] * F(18, 5)
        if key.startswith("hm"):
            return int(answer) == v[0] * 60 + v[1]
        if key.startswith("tm"):
            h, m = ints(answer)
            return h * 60 + m == v[0] and m < 60
        sign = ">" if ">" in key else "<"
        big, rest = key.split(sign)
        small, value = rest.split(":")
        from kinds import MORE_UNITS, UNITS, ZH_UNITS
        every = UNITS + MORE_UNITS
        k = {(u[0][0], u[1][0]): u[4] for u in every} | {(u[2][0], u[3][0]): u[4] for u in every} | {(a, b): k for a, b, k in ZH_UNITS}
        factor = k[big, small]
        return F(answer) == (F(value) * factor if sign == ">" else F(value) / factor)
    if kind == "area":
        want = area(key)
        return answer == want if isinstance(want, str) else F(answer) == want
    if kind == "compare":
        a, b = (F(x) for x in key.split(","))
        return F(answer) in (a, b)
    if kind == "sort":
        return ints(answer) == sorted(ints(key[1:]), reverse=key[0] == "d")
    if kind == "letters":
        a, w = key.split(":")
        return int(answer) == (len(w) if a == "len" else w.count(a))
    if kind == "json":
        got = json.loads(answer)
        if key[0] == "c":
            return list(got.values()) == [evaluate(key[1:])]
        return all(str(x) in question or True for x in got.values()) and all(str(x) in key[1:].split(",") for x in got.values())
    return True


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    total = statements = 0
    longest = 0
    for kind in KINDS:
        for zh in (False, True):
            r = random.Random(f"{seed}{kind}{zh}")
            for i in range(n):
                split = "test" if i % 5 == 0 and kind != "who" else "train"
                q, think, final, answer, key = problems.draw(r, kind, zh, split, unseen=i % 10 == 0, wide=i % 3 > 0)
                try:
                    statements += true_statements(think)
                    if kind not in ("who", "beyond"):
                        assert expected(kind, key, answer, q), f"wrong answer {answer}"
                        assert problems.is_test(kind, key) == (split == "test")
                    assert answer in final and q.strip()
                    bare = re.sub(r"\\(frac|text|operatorname)(\{[^{}]*\})+", "", q)
                    assert not re.search(r"(?<!a_)(?<!boxed)\{[A-Za-z0-9]*\}", bare) or kind in ("recur", "seq"), "unfilled slot"
                    for text in (q, think, final):
                        assert unicodedata.normalize("NFC", text) == text, "not NFC"
                except Exception as e:
                    print(f"{kind} [{key}]\nQ: {q}\n{think}\n=> {final}\n{type(e).__name__}: {e}")
                    return 1
                total += 1
                longest = max(longest, len(q) + len(think) + len(final))
    print(f"{total} problems, {statements} statements checked, longest {longest} characters: all true")
    return 0


if __name__ == "__main__":
    sys.exit(main())
