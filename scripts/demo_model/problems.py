"""Draws problems, words them, keeps the test split apart, and lays out conversations.

The split goes by the problem, never by its wording: crc32 of "kind|key" modulo 50 equal to 0 is test. The training side
(`draw(..., split="train")`) cannot return such a problem; check_data.py proves it on a sample. Every fifth wording is
used on the test side alone ("unseen").

Usage: python3 problems.py [N] [SEED]    prints N sample conversations
"""
import random
import re
import sys
import zlib
from functools import lru_cache

from kinds import KINDS, pick, ri
from noise import around, vary
from words import ITEMS_EN, ITEMS_ZH, NAMES_EN, NAMES_ZH, WORDS
from wordings import BEYOND, BEYOND_MATH, BEYOND_THINGS, PRACTICE, WORDINGS

TEST_MODULUS = 50
STORIES = {"add", "sub", "mul", "div"}
THINGS = tuple(t.split("|") for t in BEYOND_THINGS)
MATH = tuple(t.split("|") for t in BEYOND_MATH)


def is_test(kind, key):
    return zlib.crc32(f"{kind}|{key}".encode()) % TEST_MODULUS == 0


@lru_cache(maxsize=None)
def compiled(template):
    """A template as a list of tuples of alternatives; choosing one of each and joining gives the text to fill in."""
    parts, rest = [], template
    while True:
        open_ = rest.find("[")
        close = rest.find("]", open_)
        if open_ < 0 or close < 0 or "|" not in rest[open_:close]:
            parts.append((rest,))
            return parts
        parts.append((rest[:open_],))
        parts.append(tuple(rest[open_ + 1:close].split("|")))
        rest = rest[close + 1:]


def expand(r, template):
    return "".join(p[0] if len(p) == 1 else p[int(r.random() * len(p))] for p in compiled(template))


@lru_cache(maxsize=None)
def choices(kind, sub, zh, unseen):
    """The templates of a list that are (not) kept for the score on unseen wordings."""
    if kind == "beyond":
        full = BEYOND[zh]
    else:
        full = WORDINGS[kind][sub][zh]
    return [t for i, t in enumerate(full) if (i % 5 == 4) == unseen]


@lru_cache(maxsize=None)
def practice(kind, sub, zh):
    """Wordings that only training uses."""
    return PRACTICE.get((kind, sub), ((), ()))[zh]


def beyond_question(r, zh, unseen):
    t = expand(r, pick(r, choices("beyond", "beyond", zh, unseen)))
    things = THINGS[zh]
    if "{m}" in t:
        m = pick(r, MATH[zh]).format(n=ri(r, 2, 60), k=ri(r, 2, 20))
        return t.replace("{m}", m)
    if not zh and r.random() < 0.02:  # gibberish
        return "".join(chr(97 + ri(r, 0, 25)) if r.random() < 0.85 else " " for _ in range(ri(r, 3, 25))).strip() + "?"
    return t.replace("{x}", pick(r, things)).replace("{y}", pick(r, things))



ASK_EN = ("Please reason step by step, and put your final answer within \\boxed{}.", "Put your final answer within \\boxed{}.",
          "Think step by step.", "Let's think step by step.", "Please reason step by step.", "Show your work.", "Explain your steps.")
ASK_ZH = ("请逐步推理，并将最终答案放在\\boxed{}中。", "请一步一步思考，最后把答案放在\\boxed{}里。", "请逐步思考。", "请写出过程。", "请给出详细步骤。")
POLITE_EN = ("Please help: ", "Hi, ", "Hello! ", "Question: ", "Problem: ", "Q: ", "Can you help me? ", "Please ", "I need help with this: ", "Homework: ", "1. ", "Exercise: ")
POLITE_ZH = ("请问，", "题目：", "问题：", "你好，", "请帮我解答：", "麻烦你，", "数学题：", "请回答：", "练习：", "1. ", "帮帮我，")
TO_HALF = str.maketrans("，。？：；（）！、", ",.?:;()!,")
TO_FULL = str.maketrans("0123456789+-=", "０１２３４５６７８９＋－＝")
ZH_GAP = re.compile(r"(?<=[\u4e00-\u9fff])(?=[0-9])|(?<=[0-9])(?=[\u4e00-\u9fff])")
ARITHMETIC = {"add", "sub", "mul", "div", "lin1", "chickens"}


def dress(r, q, zh, kind):
    """The same question as different people would type it."""
    if r.random() < 0.4:
        return q
    plain = kind in ("json", "who", "beyond")
    if zh:
        if r.random() < 0.15:
            q = q.translate(TO_HALF)
        if r.random() < 0.1 and kind not in ("json", "letters"):
            q = ZH_GAP.sub(" ", q)
        if kind in ARITHMETIC and r.random() < 0.04 and "$" not in q and "\\" not in q:
            q = q.translate(TO_FULL)
    elif r.random() < 0.12 and kind not in ("json", "units") and "\\" not in q:
        q = q.lower()
    if not zh and kind not in ("json", "letters", "units") and r.random() < 0.03:  # a slip of the finger
        at = ri(r, 0, len(q) - 2)
        if q[at].isalpha() and q[at + 1].isalpha() and "\\" not in q and "$" not in q:
            q = q[:at] + q[at + 1] + q[at] + q[at + 2:] if r.random() < 0.5 else q[:at] + q[at + 1:]
    if r.random() < 0.18 and q[-1] in ".?。？!！" and not q.endswith("..."):
        q = q[:-1]
    if r.random() < 0.12:
        polite = pick(r, POLITE_ZH if zh else POLITE_EN)
        if polite == "Please " and (not q[0].isalpha() or kind == "who"):
            polite = ""
        q = polite + q
    if r.random() < (0.03 if plain else 0.2):
        ask = pick(r, ASK_ZH if zh else ASK_EN)
        gap = "" if zh else " "
        u = r.random()
        q = ask + gap + q if u < 0.15 else ask + "\n" + q if u < 0.3 else q + "\n" + ask if u < 0.6 else q + gap + ask
    if r.random() < 0.03:
        q = q + pick(r, ("\n", " ", "\n\n"))
    return q


def draw(r, kind, zh, split="train", unseen=False):
    """One problem: (question, think, final, answer, key). Training never uses test problems nor unseen wordings."""
    fn = KINDS[kind][0]
    want_test = split == "test"
    while True:
        key, sub, slots, think, final, answer = fn(r, zh)
        if kind == "who":
            q = expand(r, pick(r, choices(kind, sub, zh, unseen)))
            key = q if unseen else ""
            return dress(r, q, zh, kind), think, final, answer, key
        if kind == "beyond":
            q = key = beyond_question(r, zh, unseen)
            if not want_test:
                q = vary(r, q.replace("{", "").replace("}", ""), zh)
        if is_test(kind, key) != want_test:
            continue
        if kind != "beyond":
            if kind in STORIES and sub in ("two", "div") and r.random() < 0.3 and "-" not in answer:
                sub = "story"
            pool = choices(kind, sub, zh, unseen)
            if not want_test:
                pool = pool + list(practice(kind, sub, zh))
            if not pool:
                continue
            t = expand(r, pick(r, pool))
            if not want_test:
                t = vary(r, t, zh)
            if "{nm" in t or "{th}" in t:
                thing = pick(r, ITEMS_ZH if zh else ITEMS_EN)
                names = NAMES_ZH if zh else NAMES_EN
                slots = dict(slots, nm=pick(r, names), nm2=pick(r, names))
                if "{th}" in t:
                    slots.update(th=thing[0] if zh else thing[1] if r.random() < 0.6 else pick(r, WORDS) + "s", m=thing[1])
            q = t.format(**slots)
        if not want_test:
            q = around(r, q, zh)
        return dress(r, q, zh, kind), think, final, answer, key


def kind_table(weights=None):
    """(kind, zh) pairs and their cumulative probabilities."""
    pairs, cumulative, total = [], [], 0.0
    for kind, (_, w, _) in KINDS.items():
        for zh in (False, True):
            total += w if weights is None else weights[len(pairs)]
            pairs.append((kind, zh))
            cumulative.append(total)
    return pairs, [c / total for c in cumulative]


SYSTEM = ("You are a helpful assistant.", "You are a helpful math assistant.", "Answer briefly.", "你是一个有用的助手。", "Be kind.",
          "Please reason step by step, and put your final answer within \\boxed{}.")


def conversation(r, kind, zh, pairs, cumulative, draw_kind):
    """Pieces of a training text: (text or control-token name, in loss?). Mostly one turn, sometimes two."""
    out = [("bos", 0)]
    if r.random() < 0.03:
        out.append((pick(r, SYSTEM), 0))
    if r.random() < 0.05:  # an earlier turn about something else, its thinking dropped
        k0, z0 = draw_kind(r, pairs, cumulative)
        q0, _, final0, _, _ = draw(r, k0, z0)
        out += [("user", 0), (q0, 0), ("assistant", 0), (("\n\n" if r.random() < 0.5 else "") + final0, 0), ("eos", 0)]
    q, think, final, _, _ = draw(r, kind, zh)
    out += [("user", 0), (q, 0), ("assistant", 0), ("think", 0)]
    if r.random() < 0.015:  # thinking switched off by the caller: the work moves into the answer
        out += [("\n\n", 0), ("/think", 0), ("\n\n", 0)]
        out.append((final if KINDS[kind][2] != "boxed" else think + "\n\n" + final, 1))
    else:
        out += [("\n", 0), (think + "\n", 1), ("/think", 1), ("\n\n" + final, 1)]
    out.append(("eos", 1))
    return out


CONTROL = {"bos": "<｜begin▁of▁sentence｜>", "eos": "<｜end▁of▁sentence｜>", "user": "<｜User｜>", "assistant": "<｜Assistant｜>",
           "think": "<think>", "/think": "</think>"}


def draw_kind(r, pairs, cumulative):
    u = r.random()
    lo, hi = 0, len(cumulative) - 1
    while lo < hi:
        mid = (lo + hi) // 2
        if cumulative[mid] > u:
            hi = mid
        else:
            lo = mid + 1
    return pairs[lo]


def sample(r, pairs, cumulative):
    kind, zh = draw_kind(r, pairs, cumulative)
    return conversation(r, kind, zh, pairs, cumulative, draw_kind)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    r = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    table = kind_table()
    for _ in range(n):
        print("".join(CONTROL.get(p, p) for p, _ in sample(r, *table)))
        print("-" * 60)


if __name__ == "__main__":
    main()
