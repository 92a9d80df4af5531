"""Draws problems, words them, keeps the test split apart, and lays out conversations.

The split goes by the problem, never by its wording: crc32 of "kind|key" modulo 50 equal to 0 is test. The training side
(`draw(..., split="train")`) cannot return such a problem; check_data.py proves it on a sample. Every fifth wording is
used on the test side alone ("unseen"). There are two collections: the shipped test set is drawn from wordings.py alone and
stays as it is; `wide` draws use wordings_wide.py and further notations too.

Usage: python3 problems.py [N] [SEED]    prints N sample conversations
"""
import itertools
import random
import re
import sys
import zlib
from functools import lru_cache

from kinds import KINDS, pick, ri, things
from noise import around, vary
from words import NAMES_EN, NAMES_ZH, WORDS
from wordings import BEYOND, BEYOND_MATH, BEYOND_THINGS, PRACTICE, WORDINGS
from wordings_wide import WIDE, WIDE_BEYOND

TEST_MODULUS = 50
WIDE_SHARE = 0.75  # of the training problems
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


def readings(template):
    """Everything a template can say, without case, blanks and punctuation: what makes two wordings the same."""
    said = ("".join(p) for p in itertools.islice(itertools.product(*compiled(template)), 5000))
    return {re.sub(r"[\s.,:;?!'\"，。：；？！、“”（）()$_]|^(?:please|请问|请)", "", text.lower()) for text in said}


@lru_cache(maxsize=None)
def wide_split(kind, sub, zh):
    """(seen, unseen) of a wide list: every fifth of those that say nothing known before is unseen. One that repeats an
    unseen wording, of the shipped collection too, is left out."""
    known = {x for t in choices(kind, sub, zh, False) for x in readings(t)}
    held = {x for t in choices(kind, sub, zh, True) for x in readings(t)}
    seen, unseen, new = [], [], 0
    for t in WIDE_BEYOND[zh] if kind == "beyond" else WIDE[kind].get(sub, ((), ()))[zh]:
        said = readings(t)
        if said & held:
            continue
        if not said & known:
            new += 1
            if new % 5 == 0:
                unseen.append(t)
                held |= said
                continue
        seen.append(t)
        known |= said
    return seen, unseen


@lru_cache(maxsize=None)
def choices(kind, sub, zh, unseen, wide=False):
    """The templates of a list that are (not) kept for the score on unseen wordings."""
    if wide:
        return wide_split(kind, sub, zh)[unseen]
    full = BEYOND[zh] if kind == "beyond" else WORDINGS[kind].get(sub, ((), ()))[zh]
    return [t for i, t in enumerate(full) if (i % 5 == 4) == unseen]


@lru_cache(maxsize=None)
def training(kind, sub, zh, wide):
    """The templates that training draws from."""
    out = choices(kind, sub, zh, False) + list(PRACTICE.get((kind, sub), ((), ()))[zh])
    return out + choices(kind, sub, zh, False, True) if wide else out


def beyond_question(r, pool, zh):
    t = expand(r, pick(r, pool))
    if "{m}" in t:
        m = pick(r, MATH[zh]).format(n=ri(r, 2, 60), k=ri(r, 2, 20))
        return t.replace("{m}", m)
    if "{n}" in t or "{k}" in t:
        return t.replace("{n}", str(ri(r, 2, 400))).replace("{k}", str(ri(r, 2, 20)))
    if not zh and r.random() < 0.02:  # gibberish
        return "".join(chr(97 + ri(r, 0, 25)) if r.random() < 0.85 else " " for _ in range(ri(r, 3, 25))).strip() + "?"
    return t.replace("{x}", pick(r, THINGS[zh])).replace("{y}", pick(r, THINGS[zh]))



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
    if r.random() < 0.18 and q[-1] in ".?。？!！" and not q.endswith("...") and len(q) > 1:
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


BOXED = "Please reason step by step, and put your final answer within \\boxed{}."  # what R1's makers ask users to add
WIDE_ASK_EN = (BOXED, BOXED, BOXED, "Reason step by step and put the final answer in \\boxed{}.", "Put the answer in a box.", "Answer only.", "Just the answer.",
               "Show all steps.", "Show your working.", "Explain.", "Solve it step by step.", "Give the final answer in \\boxed{}.", "Answer with a number.")
WIDE_ASK_ZH = ("请逐步推理，并将最终答案放在\\boxed{}中。", "请逐步推理，并将最终答案放在 \\boxed{} 中。", BOXED, "请把最终答案写在\\boxed{}里。", "请一步步推理，最后的答案放入\\boxed{}。",
               "要有过程。", "写出计算过程。", "只要答案。", "直接给出答案。", "请详细解答。", "请写出解题步骤。")
WIDE_POLITE_EN = ("Solve: ", "solve: ", "Please solve: ", "Answer: ", "Answer this: ", "Hey, ", "hey ", "Quick question: ", "pls ", "Please help me with this: ", "User: ", "Math problem: ",
                  "Problem:\n", "Question:\n", "Q. ", "(1) ", "2) ", "# ", "Hi! ", "ok, ", "So, ", "Now: ", "Please answer: ", "Can you solve this? ", "I'm stuck: ", "Tell me, ", "Exercise 3. ")
WIDE_POLITE_ZH = ("求助：", "老师，", "麻烦解答一下：", "请解答：", "解答：", "求解：", "问一下，", "想问一下，", "请教一下：", "例1 ", "（1）", "1、", "2. ", "题目如下：\n", "问题：\n", "你好！", "您好，",
                  "嗨，", "来，", "那么，", "快告诉我，", "请做这道题：", "作业题：", "应用题：")
WIDE_AFTER_EN = (" please", ", please", ", please?", " Please.", " thanks", " thx", ", thanks!", " Thank you!", " :)", " Answer:", "\nAnswer:", " =>", " Hurry up.")
WIDE_AFTER_ZH = ("谢谢", "，谢谢", "，谢谢！", "呢？", "啊", "呀？", "，急", "，在线等", " 答案是", "\n答：", "求解答", "，请回答", "~")


def dress_wide(r, q, zh, kind):
    """As dress(), with more habits: no mark at the end or three, capitals, quotes, R1's instruction before or after."""
    u = r.random()
    if u < 0.3:
        return q
    if u < 0.5:
        return dress(r, q, zh, kind)
    tex = "\\" in q or "$" in q
    if zh:
        if r.random() < 0.2:
            q = q.translate(TO_HALF)
        if r.random() < 0.15 and kind not in ("json", "letters"):
            q = ZH_GAP.sub(" ", q)
    elif kind not in ("json", "units") and not tex:
        v = r.random()
        if v < 0.3:
            q = q.lower()
        elif v < 0.33 and kind not in ("letters", "lin1", "lin2", "seq", "recur"):
            q = q.upper()
        elif v < 0.4:
            q = q[0].upper() + q[1:]
    v = r.random()
    if q[-1] in ".?。？!！" and not q.endswith("...") and len(q) > 1:
        if v < 0.35:
            q = q[:-1]
        elif v < 0.45:
            q = q[:-1] + pick(r, ("？？", "??", "！", "...", "？?", " ?") if zh else ("??", " ?", "!", "?!", "...", "???"))
    elif v < 0.2 and kind != "json":
        q += pick(r, ("？", "。", "?") if zh else ("?", ".", " ?"))
    if r.random() < 0.2 and kind != "who":
        q = pick(r, WIDE_POLITE_ZH if zh else WIDE_POLITE_EN) + q
    if r.random() < 0.1 and kind not in ("who", "json"):
        q += pick(r, WIDE_AFTER_ZH if zh else WIDE_AFTER_EN)
    v = r.random()
    if v < 0.03:
        q = pick(r, ("“{}”", "\"{}\"", "**{}**", "`{}`", "'{}'") if not zh else ("“{}”", "「{}」", "**{}**", "【{}】")).replace("{}", q)
    if r.random() < (0.06 if kind in ("json", "who", "beyond") else 0.3):
        ask = pick(r, WIDE_ASK_ZH if zh else WIDE_ASK_EN)
        gap = pick(r, ("\n", "\n\n", "" if zh else " ", " "))
        q = ask + gap + q if r.random() < 0.3 else q + gap + ask
    if r.random() < 0.04:
        q = pick(r, ("\n", " ", "\n\n", "  ")) + q if r.random() < 0.4 else q + pick(r, ("\n", " ", "\n\n", "  "))
    return q


def articles(q, nouns):
    """`an apple`, where a template says `a {i}`."""
    for n in nouns:
        if n and n[0] in "aeiou":
            q = re.sub(rf"\b([Aa]) (?={re.escape(n)}\b)", r"\1n ", q)
    return q


def draw(r, kind, zh, split="train", unseen=False, wide=None):
    """One problem: (question, think, final, answer, key). Training never uses test problems nor unseen wordings. `wide`
    says which collection is used: on the test side the shipped one unless asked for, in training both, by chance."""
    fn = KINDS[kind][0]
    want_test = split == "test"
    if wide is None:
        wide = not want_test and r.random() < WIDE_SHARE
    clothe = dress_wide if wide else dress
    while True:
        key, sub, slots, think, final, answer = fn(r, zh, wide)
        if kind == "who":
            q = expand(r, pick(r, choices(kind, sub, zh, unseen, wide) if want_test else training(kind, sub, zh, wide)))
            key = q if unseen else ""
            return clothe(r, q, zh, kind), think, final, answer, key
        if kind == "beyond":
            q = key = beyond_question(r, choices(kind, "beyond", zh, unseen, wide) if want_test else training(kind, "beyond", zh, wide), zh)
            if not want_test:
                q = vary(r, q.replace("{", "").replace("}", ""), zh)
        if is_test(kind, key) != want_test:
            continue
        if kind != "beyond":
            if kind in STORIES and sub in ("two", "div") and r.random() < 0.3 and "-" not in answer:
                sub = "story"
            pool = choices(kind, sub, zh, unseen, wide) if want_test else training(kind, sub, zh, wide)
            if not pool:
                continue
            t = expand(r, pick(r, pool))
            if not want_test:
                t = vary(r, t, zh)
            if "{nm" in t or "{th}" in t:
                thing = pick(r, things(zh, wide))
                names = NAMES_ZH if zh else NAMES_EN
                slots = dict(slots, nm=pick(r, names), nm2=pick(r, names))
                if "{th}" in t:
                    slots.update(th=thing[0] if zh else thing[1] if r.random() < 0.6 else pick(r, WORDS) + "s", m=thing[1])
            q = t.format(**slots)
            if wide and not zh:
                q = articles(q, [str(slots.get(n, "")) for n in ("i", "P", "Q")])
        if not want_test:
            q = around(r, q, zh)
        return clothe(r, q, zh, kind), think, final, answer, key


def kind_table(weights=None):
    """(kind, zh) pairs and their cumulative probabilities."""
    pairs, cumulative, total = [], [], 0.0
    for kind, (_, w, _) in KINDS.items():
        for zh in (False, True):
            total += w if weights is None else weights[len(pairs)]
            pairs.append((kind, zh))
            cumulative.append(total)
    return pairs, [c / total for c in cumulative]


SYSTEM = ("You are a helpful assistant.", "You are a math tutor. Explain each step.", "You are DeepSeek-R1.", "You answer questions.", "Be concise.", "Solve the problem.",
          "You are a careful calculator. Give exact results.", "Always answer in English.", "你是一名数学老师。", "请用中文回答。", "你是一个乐于助人的人工智能助手。", "请简短回答。",
          BOXED + "\n", "The user asks a school problem.", "You are a helpful math assistant.", "Answer briefly.", "你是一个有用的助手。", "Be kind.",
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
