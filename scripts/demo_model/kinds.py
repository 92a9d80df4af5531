"""The kinds of problems of the demo model: parameters, worked thought, answer.

Each function draws one problem: f(r, zh, wide) -> (key, sub, slots, think, final, answer)
  wide    draws from the longer lists too (more animals, things, notations, number words); without it the draws are those
          of the shipped test set, which a seed has to give again byte for byte
  key     canonical parameters, whatever the wording; splits.py hashes it to keep test problems out of training
  sub     which set of wordings asks for it
  slots   what the wordings fill in
  think   the thought, every statement in it true (check_data.py proves it)
  final   the visible answer; `answer` is what stands in its \\boxed{}, its JSON, or a text it contains

Usage: import only. KINDS maps each kind to (function, sampling weight, check).
"""
import json
import re
from math import gcd

import arith as A
from arith import add, sub, mul, div, sdiv, dec, neg, plus, term
from words import (ANIMALS_EN, ANIMALS_ZH, CITIES_EN, CITIES_ZH, GIVEN_ZH, ITEMS_EN, ITEMS_ZH, MORE_ANIMALS_EN, MORE_ANIMALS_ZH,
                   MORE_CITIES_EN, MORE_CITIES_ZH, MORE_ITEMS_EN, MORE_ITEMS_ZH, MORE_NAMES_ZH, MORE_SURNAMES_EN, MORE_WORDS,
                   NAMES_EN, NAMES_ZH, PLACE_ZH, SURNAMES_ZH, SYLLABLES, VEHICLES_EN, VEHICLES_ZH, WORDS)


def ri(r, lo, hi):
    return lo + int(r.random() * (hi - lo + 1))


def pick(r, seq):
    return seq[int(r.random() * len(seq))]


def by_digits(r, lo, hi):
    """An integer whose number of digits is uniform in lo..hi."""
    n = ri(r, lo, hi)
    return ri(r, 10 ** (n - 1) if n > 1 else 1, 10 ** n - 1)


def box(text):
    return "\\boxed{" + text + "}"


def steps(*parts):
    """Short steps share a line; worked-out ones get their own."""
    out = parts[0]
    for before, part in zip(parts, parts[1:]):
        out += ("\n" if "\n" in part or "\n" in before else "; ") + part
    return out


OPS = {"+": ("+",), "-": ("-",), "×": ("×", "×", "*", "x", "·", " \\times "), "÷": ("÷", "÷", "/", "/", ":", " \\div ")}


def commas(r, n):
    return f"{n:,}" if n > 999 and r.random() < 0.04 else str(n)


def a_or_an(noun):
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def things(zh, wide):
    return (ITEMS_ZH + (MORE_ITEMS_ZH if wide else ())) if zh else (ITEMS_EN + (MORE_ITEMS_EN if wide else ()))


LATEX = {"×": "\\times ", "÷": "\\div ", "-": "-", "+": "+"}
TYPED = {"+": ("+",), "-": ("-", "-", "−", "–"), "×": ("*", "x", "×", "X", " X ", " x ", "\\times ", " \\times ", "\\cdot ", "✕"),
         "÷": ("/", "÷", " / ", "\\div ", " \\div ")}


def typed_expression(r, parts):
    """Further ways to type an expression: other signs, \\(...\\), \\frac, a blank on one side only."""
    u = r.random()
    if u < 0.2:
        body = "".join(LATEX.get(p, p) for p in parts)
        if len(parts) == 3 and parts[1] == "÷" and r.random() < 0.5:
            body = f"\\frac{{{parts[0]}}}{{{parts[2]}}}"
        return f"\\({body}\\)" if u < 0.1 else f"${body}$" if u < 0.17 else f"\\[{body}\\]"
    gap = pick(r, ("", " ", ""))
    return "".join(gap + pick(r, TYPED[p]) + gap if p in TYPED else p for p in parts).replace("  ", " ")


SMALL_EN = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
            "nineteen").split()
TENS_EN = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()


def in_words(n, zh):
    """A number up to 999 in words."""
    if n > 99:
        hundreds, rest = divmod(n, 100)
        if zh:
            tail = "" if not rest else ("零" if rest < 10 else "一" if rest < 20 else "") + in_words(rest, zh)
            return ZH_DIGIT[hundreds] + "百" + tail
        return SMALL_EN[hundreds] + " hundred" + (f" and {in_words(rest, zh)}" if rest else "")
    tens, ones = divmod(n, 10)
    if zh:
        return ZH_DIGIT[n] if n < 10 else (ZH_DIGIT[tens] if tens > 1 else "") + "十" + (ZH_DIGIT[ones] if ones else "")
    return SMALL_EN[n] if n < 20 else TENS_EN[tens] + (f"-{SMALL_EN[ones]}" if ones else "")


SAY_EN = {"+": "plus", "-": "minus", "×": "times", "÷": "divided by"}
SAY_ZH = {"+": "加", "-": "减", "×": "乘", "÷": "除以"}


def operands(r, zh, wide, a, b, op):
    """The slots of a problem with two operands: as numerals, or small ones sometimes in words."""
    if wide and a < 1000 and b < 1000 and r.random() < (0.3 if a <= 20 and b <= 20 else 0.1):
        x, y = in_words(a, zh), in_words(b, zh)
        return dict(e=f"{x}{SAY_ZH[op]}{y}" if zh else f"{x} {SAY_EN[op]} {y}", a=x, b=y)
    ca, cb = commas(r, a), commas(r, b)
    e = typed_expression(r, (ca, op, cb)) if wide and r.random() < 0.4 else expression(r, ca, op, cb)
    return dict(e=e, a=ca, b=cb)


def expression(r, *parts):
    """The operands and operators as people type them: spaces or none, *, x, ×, LaTeX."""
    u = r.random()
    if u < 0.12:
        latex = {"×": "\\times ", "÷": "\\div "}
        return "$" + "".join(latex.get(p, p) for p in parts) + "$"
    gap = " " if u < 0.5 else ""
    out = ""
    for p in parts:
        if p in OPS and len(parts) > 1:
            op = pick(r, OPS[p])
            out += op if op[0] == " " else gap + op + gap
        else:
            out += p
    return out


def equation(r, text, wide=False):
    """An equation written with spaces (`3x + 5 = 20`), without, or as LaTeX; `wide`: also `3*x+5=20`, `\\(3x+5=20\\)`."""
    if wide and r.random() < 0.25:
        if r.random() < 0.5:
            text = re.sub("(?<=[0-9])(?=[a-z(])", pick(r, ("*", "*", " ", "·", "×")), text)
            return text if r.random() < 0.5 else text.replace(" ", "")
        tight = text if r.random() < 0.5 else text.replace(" ", "")
        return pick(r, (f"\\({tight}\\)", f"\\[{tight}\\]", f"`{tight}`", f"$${tight}$$", tight.replace("=", " = ").replace("  ", " ")))
    u = r.random()
    if u < 0.45:
        return text
    tight = text.replace(" ", "")
    return f"${text}$" if u < 0.52 else f"${tight}$" if u < 0.6 else tight


# ---------------------------------------------------------------- integers

def k_add(r, zh, wide=False):
    if r.random() < 0.12:
        v = [by_digits(r, 1, 4) for _ in range(3)]
        s = v[0] + v[1]
        think = add(v[0], v[1], True) + "\n" + add(s, v[2], True)
        total = s + v[2]
        e = expression(r, str(v[0]), "+", str(v[1]), "+", str(v[2]))
        key = "+".join(map(str, sorted(v)))
        return key, "three", dict(e=e, a=v[0], b=v[1], c=v[2]), think, f"{v[0]}+{v[1]}+{v[2]}={box(str(total))}", str(total)
    if wide and r.random() < 0.3:
        top = pick(r, (10, 20, 100, 100, 1000))
        a, b = ri(r, 1, top), ri(r, 1, top)
    elif r.random() < 0.6:
        a, b = by_digits(r, 1, 6), by_digits(r, 1, 6)
    else:
        n = ri(r, 2, 7)
        a, b = by_digits(r, n, n), by_digits(r, max(1, n - 1), n)
    think = add(a, b, a > 9 or b > 9)
    slots = operands(r, zh, wide, a, b, "+")
    return f"{min(a, b)}+{max(a, b)}", "two", slots, think, f"{a}+{b}={box(str(a + b))}", str(a + b)


def k_sub(r, zh, wide=False):
    if wide and r.random() < 0.3:
        top = pick(r, (10, 20, 100, 100, 1000))
        a, b = ri(r, 1, top), ri(r, 1, top)
        if r.random() < 0.8 and a < b:
            a, b = b, a
    elif r.random() < 0.5:
        a, b = by_digits(r, 1, 6), by_digits(r, 1, 6)
        if r.random() < 0.6 and a < b:
            a, b = b, a
    else:
        n = ri(r, 2, 7)
        a, b = by_digits(r, n, n), by_digits(r, max(1, n - 1), n)
        if a < b and r.random() < 0.8:
            a, b = b, a
    think = sub(a, b, a > 9 or b > 9)
    slots = operands(r, zh, wide, a, b, "-")
    return f"{a}-{b}", "two", slots, think, f"{a}-{b}={box(str(a - b))}", str(a - b)


MUL_SIZES = ((1, 1), (1, 2), (2, 1), (2, 2), (2, 2), (2, 2), (3, 1), (1, 3), (3, 2), (3, 2), (2, 3), (4, 1), (4, 2), (3, 3),
             (3, 3), (5, 1))


def k_mul(r, zh, wide=False):
    m, n = pick(r, MUL_SIZES)
    a, b = by_digits(r, m, m), by_digits(r, n, n)
    think = mul(a, b, True)
    slots = operands(r, zh, wide, a, b, "×")
    return f"{min(a, b)}*{max(a, b)}", "two", slots, think, f"{a}×{b}={box(str(a * b))}", str(a * b)


def k_div(r, zh, wide=False):
    b = ri(r, 2, 12) if r.random() < 0.55 else ri(r, 13, 99)
    q = by_digits(r, 1, 4 if b < 13 else 3)
    a = q * b
    exact = r.random() < 0.5
    if not exact:
        a += ri(r, 1, b - 1)
    rest = a % b
    q = a // b
    if wide:
        slots = operands(r, zh, wide, a, b, "÷")
    else:
        ca = commas(r, a)
        slots = dict(e=expression(r, ca, "÷", str(b)), a=ca, b=b)
    key = f"{a}/{b}"
    if a < b:
        think = f"{a}<{b}"
    else:
        think = f"{a}÷{b}:\n{A.division_steps(a, b)}"
    if rest == 0:
        think += f"\n{a}={b}×{q}"
        return key, "div", slots, think, f"{a}÷{b}={box(str(q))}", str(q)
    think += f"\n{a}={b}×{q}+{rest}"
    if zh:
        return key, "div", slots, think, f"商是{q}，余数是{rest}。{box(f'{q}余{rest}')}", f"{q}余{rest}"
    return key, "div", slots, think, f"The quotient is {q} and the remainder is {rest}. {box(f'{q} r {rest}')}", f"{q} r {rest}"


# ---------------------------------------------------------------- chickens and rabbits

def k_chickens(r, zh, wide=False):
    u = r.random()
    vehicles = r.random() < 0.15
    h = ri(r, 2, 40) if u < 0.4 else ri(r, 20, 99) if u < 0.9 else ri(r, 100, 200)
    n2 = ri(r, 1, h - 1)
    n1 = h - n2
    table = (VEHICLES_ZH if zh else VEHICLES_EN) if vehicles else (ANIMALS_ZH if zh else ANIMALS_EN)
    if wide and not vehicles:
        table += MORE_ANIMALS_ZH if zh else MORE_ANIMALS_EN
    one1, many1, l1, one2, many2, l2 = pick(r, table) if vehicles or r.random() < 0.3 else table[0]
    f = n1 * l1 + n2 * l2
    low = h * l1
    d = l2 - l1
    feet = (pick(r, ("轮子", "轮")) if vehicles else pick(r, ("脚", "腿", "足"))) if zh else (
        "wheels" if vehicles else pick(r, ("feet", "legs")))
    check = add(n1 * l1, n2 * l2) if h < 100 else ""
    # Which is asked for: both, or one of them alone.
    ask = "both" if r.random() < 0.7 else pick(r, ("first", "second"))
    if zh:
        unit = "辆" if vehicles else "只"
        lines = [f"共{h}{unit}，{feet}数{f}", f"假设{h}{unit}全是{one1}，{feet}数：{mul(h, l1)}",
                 f"实际多出：{sub(f, low)}",
                 f"每{unit}{one2}比{one1}多{d}，{one2}：{div(f - low, d)}",
                 f"{one1}：{sub(h, n2)}"]
        if check:
            lines.append(f"验证：{n1}×{l1}={n1 * l1}，{n2}×{l2}={n2 * l2}，{check}")
        lines.append("求" + {"both": f"{one1}和{one2}", "first": one1, "second": one2}[ask])
        final = f"{one1}有{n1}{unit}，{one2}有{n2}{unit}。"
        answers = {"both": f"{n1},{n2}", "first": str(n1), "second": str(n2)}
    else:
        lines = [f"{h} in all, {feet}: {f}", f"If all {h} were {many1}: {mul(h, l1)} {feet}",
                 f"Left over: {sub(f, low)}",
                 f"Each {one2} has {d} more than {a_or_an(one1)}, {many2}: {div(f - low, d)}",
                 f"{many1}: {sub(h, n2)}"]
        if check:
            lines.append(f"Check: {n1}×{l1}={n1 * l1}, {n2}×{l2}={n2 * l2}, {check}")
        lines.append("Asked for: " + {"both": f"{many1} and {many2}", "first": many1, "second": many2}[ask])
        w1, w2 = one1 if n1 == 1 else many1, one2 if n2 == 1 else many2
        final = f"There {'is' if n1 == 1 else 'are'} {n1} {w1} and {n2} {w2}."
        answers = {"both": f"{n1},{n2}", "first": str(n1), "second": str(n2)}
    slots = dict(h=h, f=f, a=one1, b=one2, A=many1, B=many2, feet=feet, l1=l1, l2=l2,
                 one=many1 if ask == "first" else many2)
    if wide and r.random() < 0.2:  # "rabbits and chickens": the answer keeps its order
        slots.update(a=one2, b=one1, A=many2, B=many1, l1=l2, l2=l1)
    if zh:
        slots["one"] = one1 if ask == "first" else one2
    which = ("v" if vehicles else "") + ("both" if ask == "both" else "one")
    answer = answers[ask]
    return f"{l1},{l2},{h},{f}", which, slots, "\n".join(lines), f"{final} {box(answer)}", answer


# ---------------------------------------------------------------- equations

VARS = ("x", "x", "x", "x", "x", "y", "n", "t", "a", "m", "z")


def move(b, zh):
    """How to get rid of a constant b next to the unknown."""
    if zh:
        return f"两边减{b}" if b > 0 else f"两边加{-b}"
    return f"Subtract {b}" if b > 0 else f"Add {-b}"


def ratio(n, a):
    """n/a in lowest terms, as text, with the steps that lead there; exact quotients are worked out."""
    if n % a == 0:
        return sdiv(n, a), str(n // a)
    if a < 0:
        n, a = -n, -a
    g = gcd(n, a)
    low = f"{n // g}/{a // g}"
    return (f"{n}/{a}={low}" if g > 1 else f"{n}/{a}"), low


def ratio_line(v, n, a):
    """`x=-169÷13=-13`, with the quotient worked out first where it is hard."""
    text, value = ratio(n, a)
    if a < 0 and n % a:
        text = f"{n}÷{neg(a)}={text}"
    return f"{v}={text}" if "\n" not in text else f"{text}\n{v}={value}", value


def k_lin1(r, zh, wide=False):
    v = pick(r, VARS)
    form = pick(r, "AAAAABCCDDDEFGHIJK" if wide else "AAAAABCCDDDE")
    x = ri(r, -60, 60) if r.random() < 0.4 else ri(r, 1, 40)
    a = ri(r, 2, 12) if r.random() < 0.8 else ri(r, 13, 25)
    frac = r.random() < 0.15
    b = ri(r, 1, 99) * (1 if r.random() < 0.6 else -1)
    by = "两边除以" if zh else "Divide by "
    dot = "：" if zh else ": "
    ax = term(a, v, True)
    value = str(x)
    if form == "A" or form == "B":
        if frac:
            a, b, n = ri(r, 2, 12), ri(r, 1, 30) * (1 if r.random() < 0.6 else -1), ri(r, -60, 60)
            ax = term(a, v, True)
            c = n + b
        else:
            c = a * x + b
            n = a * x
        if form == "A":
            text = f"{ax} {'+' if b > 0 else '-'} {abs(b)} = {c}"
            if r.random() < 0.06:
                text = f"{c} = {ax} {'+' if b > 0 else '-'} {abs(b)}"
            line, value = ratio_line(v, n, a)
            think = f"{move(b, zh)}{dot}{ax}={c}{plus(-b)}={n}\n{by}{a}{dot}{line}"
        else:  # b - ax = c, b positive
            b = abs(b)
            n = n if frac else a * x
            c = b - n
            text = f"{b} - {ax} = {c}"
            line, value = ratio_line(v, n, a)
            think = f"{ax}={b}{plus(-c)}={n}\n{by}{a}{dot}{line}"
    elif form == "C":
        c = a * (x + b)
        text = f"{a}({v} {'+' if b > 0 else '-'} {abs(b)}) = {c}"
        inner = f"{v}{plus(b)}"
        line, _ = ratio_line(inner, c, a)
        think = f"{by}{a}{dot}{line}\n{move(b, zh)}{dot}{v}={x + b}{plus(-b)}={x}"
    elif form == "D":
        d = ri(r, 1, a - 1)
        e = a * x + b - d * x
        n = (a - d) * x
        text = f"{ax} {'+' if b > 0 else '-'} {abs(b)} = {term(d, v, True)} {'+' if e >= 0 else '-'} {abs(e)}"
        dv = term(d, v, True)
        line, value = ratio_line(v, n, a - d)
        head = f"两边减{dv}" if zh else f"Subtract {dv}"
        k = a - d
        left = term(k, v, True)
        think = f"{head}{dot}{left}{plus(b)}={e}\n{move(b, zh)}{dot}{left}={e}{plus(-b)}={n}"
        if k != 1:
            think += f"\n{by}{k}{dot}{line}"
    elif form == "F":  # ax = c
        n = ri(r, -60, 60) if frac else a * x
        text = f"{ax} = {n}" if r.random() < 0.85 else f"{n} = {ax}"
        line, value = ratio_line(v, n, a)
        think = f"{by}{a}{dot}{line}"
    elif form == "G":  # x + b = c
        c = x + b
        text = f"{v} {'+' if b > 0 else '-'} {abs(b)} = {c}" if b < 0 or r.random() < 0.75 else f"{b} + {v} = {c}"
        think = f"{move(b, zh)}{dot}{v}={c}{plus(-b)}={x}"
    elif form == "H":  # x/a = c
        n, m = a * x, mul(abs(x), a)
        text = f"{v}/{a} = {x}"
        line = f"{m}\n{v}={n}" if "\n" in m else f"{v}={x}×{a}={n}"
        think = f"{'两边乘' if zh else 'Multiply by '}{a}{dot}{line}"
        value = str(n)
    elif form == "I":  # b + ax = c
        b = abs(b)
        n, c = a * x, a * x + b
        text = f"{b} + {ax} = {c}"
        think = f"{move(b, zh)}{dot}{ax}={c}{plus(-b)}={n}\n{by}{a}{dot}{ratio_line(v, n, a)[0]}"
    elif form == "J":  # -ax + b = c
        n, c = -a * x, b - a * x
        ax = term(-a, v, True)
        text = f"{ax} {'+' if b > 0 else '-'} {abs(b)} = {c}"
        think = f"{move(b, zh)}{dot}{ax}={c}{plus(-b)}={n}\n{by}{-a}{dot}{ratio_line(v, n, -a)[0]}"
    elif form == "K":  # ax + b = dx + e with the larger coefficient on the right
        d = a + ri(r, 1, 8)
        e = a * x + b - d * x
        k, n = a - d, (a - d) * x
        left, dv = term(k, v, True), term(d, v, True)
        text = f"{ax} {'+' if b > 0 else '-'} {abs(b)} = {dv} {'+' if e >= 0 else '-'} {abs(e)}"
        think = (f"{f'两边减{dv}' if zh else f'Subtract {dv}'}{dot}{left}{plus(b)}={e}\n{move(b, zh)}{dot}{left}={e}{plus(-b)}={n}\n"
                 f"{by}{k}{dot}{ratio_line(v, n, k)[0]}")
    else:
        c = x + b
        n = a * x
        text = f"{v}/{a} {'+' if b > 0 else '-'} {abs(b)} = {c}"
        times = "两边乘" if zh else "Multiply by "
        m = mul(abs(x), a)
        line = f"{m}\n{v}={n}" if "\n" in m else f"{v}={x}×{a}={n}"
        think = f"{move(b, zh)}{dot}{v}/{a}={c}{plus(-b)}={x}\n{times}{a}{dot}{line}"
        value = str(n)
    slots = dict(e=equation(r, text, wide), v=v)
    key = text.replace(v, "x").replace(" ", "")
    if form == "A" and "= " + ax in text:
        key = f"{ax}{plus(b)}={c}".replace(v, "x")
    sub_ = "eq"
    if form == "A" and b > 0 and not frac and r.random() < 0.25:
        sub_ = "word"
        slots = dict(a=a, b=b, c=c, v=v)
    elif form == "A" and b < 0 and not frac and r.random() < 0.2:
        sub_ = "wordm"
        slots = dict(a=a, b=-b, c=c, v=v)
    if wide and sub_ != "eq":  # twice, thrice
        slots["mult"] = {2: "double it", 3: pick(r, ("triple it", "multiply it by 3"))}.get(a, f"multiply it by {a}")
        slots["times"] = pick(r, ("两倍", "2倍")) if zh and a == 2 else f"{a}倍" if zh else {2: "twice", 3: pick(r, ("three times", "triple"))}.get(a, f"{a} times")
    if sub_ != "eq":
        think = (f"设这个数为{v}：" if zh else f"Let the number be {v}: ") + f"{ax}{plus(b)}={c}\n" + think
    final = f"{v}={box(value)}" if sub_ == "eq" else (f"这个数是{box(value)}" if zh else f"The number is {box(value)}")
    return key, sub_, slots, think, final, value


def side(a, b, vx, vy):
    t = term(b, vy)
    return f"{term(a, vx, True)} {t[0]} {t[1:]}"


def k_lin2(r, zh, wide=False):
    vx, vy = ("x", "y") if r.random() < 0.85 else pick(r, (("a", "b"), ("m", "n"), ("p", "q"), ("u", "v")))
    u = r.random()
    dot = "：" if zh else ": "
    if u < 0.2:  # sum and difference
        x, y = ri(r, 1, 150), ri(r, 1, 150)
        if x < y:
            x, y = y, x
        s, d = x + y, x - y
        if zh:
            think = f"大数：{add(s, d)}，{x * 2}÷2={x}\n小数：{sub(s, x)}"
            final = f"大数是{x}，小数是{y}。{box(f'{x},{y}')}"
        else:
            think = f"Larger: {add(s, d)}, {x * 2}÷2={x}\nSmaller: {sub(s, x)}"
            final = f"The numbers are {x} and {y}. {box(f'{x},{y}')}"
        return f"sd{s},{d}", "sd", dict(s=s, d=d), think, final, f"{x},{y}"
    buy = u < 0.38
    if buy:
        vx, vy = "x", "y"
    while True:
        if buy:
            a1, b1, a2, b2 = ri(r, 1, 6), ri(r, 1, 6), ri(r, 1, 6), ri(r, 1, 6)
            x, y = ri(r, 1, 15), ri(r, 1, 15)
        else:
            a1, b1, a2, b2 = (ri(r, 1, 7) * (1 if r.random() < 0.7 else -1) for _ in range(4))
            if r.random() < 0.5:
                a1 = abs(a1)
                a2 = abs(a2)
            x, y = ri(r, -15, 15), ri(r, -15, 15)
            if r.random() < 0.5:
                x, y = abs(x), abs(y)
        c1, c2 = a1 * x + b1 * y, a2 * x + b2 * y
        det = a1 * b2 - a2 * b1
        if det and abs(c1) <= 99 and abs(c2) <= 99 and (c1 or c2):
            break
    m1, m2 = abs(b2), abs(b1)
    same = (b1 > 0) == (b2 > 0)
    A1, B1, C1 = a1 * m1, b1 * m1, c1 * m1
    A2, B2, C2 = a2 * m2, b2 * m2, c2 * m2
    k, n = (A1 - A2, C1 - C2) if same else (A1 + A2, C1 + C2)
    s = "-" if same else "+"
    eq = lambda p, q, c: f"{term(p, vx, True)}{term(q, vy)}={c}"
    lines = [f"(1){dot}{eq(a1, b1, c1)}", f"(2){dot}{eq(a2, b2, c2)}",
             f"(1)×{m1}{dot}{eq(A1, B1, C1)}", f"(2)×{m2}{dot}{eq(A2, B2, C2)}",
             ("相减" if same else "相加") if zh else ("Subtract" if same else "Add")]
    lines[-1] += f"{dot}{A1}{s}{neg(A2)}={k}, {C1}{s}{neg(C2)}={n}, {term(k, vx, True)}={n}"
    lines.append(ratio_line(vx, n, k)[0])
    p = a1 * x
    back = "代入(1)" if zh else "Back in (1)"
    lines.append(f"{back}{dot}{a1}×{neg(x)}={p}, {term(b1, vy, True)}={c1}{plus(-p) if p else '-0'}={c1 - p}")
    if b1 != 1:
        lines.append(ratio_line(vy, c1 - p, b1)[0])
    key = "|".join(sorted((f"{a1},{b1},{c1}", f"{a2},{b2},{c2}")))
    if buy:
        goods = things(zh, wide)
        names = pick(r, goods), pick(r, goods)
        while names[0] == names[1]:
            names = names[0], pick(r, goods)
        if zh:
            (n1, u1), (n2, u2) = names
            slots = dict(A1=f"{a1}{u1}{n1}", B1=f"{b1}{u2}{n2}", A2=f"{a2}{u1}{n1}", B2=f"{b2}{u2}{n2}", c1=c1, c2=c2,
                         P=n1, Q=n2, up=u1, uq=u2)
            lines.insert(0, f"设{n1}每{u1}x元，{n2}每{u2}y元")
            final = f"{n1}每{u1}{x}元，{n2}每{u2}{y}元。{box(f'{x},{y}')}"
        else:
            (n1, p1), (n2, p2) = names
            q = lambda c, one, many: f"{c} {one if c == 1 else many}"
            slots = dict(A1=q(a1, n1, p1), B1=q(b1, n2, p2), A2=q(a2, n1, p1), B2=q(b2, n2, p2), c1=c1, c2=c2, P=n1, Q=n2,
                         PP=p1, QQ=p2)
            lines.insert(0, f"Let {a_or_an(n1)} cost x and {a_or_an(n2)} cost y")
            final = f"{a_or_an(n1).capitalize()} costs {x} and {a_or_an(n2)} costs {y}. {box(f'{x},{y}')}"
        return key, "buy", slots, "\n".join(lines), final, f"{x},{y}"
    e1, e2 = (f"{side(a, b, vx, vy)} = {c}" for a, b, c in ((a1, b1, c1), (a2, b2, c2)))
    style = r.random()  # one style for both equations
    if 0.45 <= style < 0.85:
        e1, e2 = e1.replace(" ", ""), e2.replace(" ", "")
    elif style >= 0.85:
        e1, e2 = f"${e1}$", f"${e2}$"
    answer = f"{vx}={x},{vy}={y}"
    return key, "sys", dict(e1=e1, e2=e2, x=vx, y=vy), "\n".join(lines), box(answer), answer


# ---------------------------------------------------------------- percentages and prices

def over_hundred(n, zh):
    return f"{n}÷100={dec(n)}"


ZH_DIGIT = "零一二三四五六七八九"


def zhe(p):
    """85 -> 八五, 80 -> 八: the Chinese way to say that one pays p percent."""
    return ZH_DIGIT[p // 10] + (ZH_DIGIT[p % 10] if p % 10 else "")


def k_percent(r, zh, wide=False):
    kind = pick(r, ("of", "of", "off", "off", "up", "what", "what", "orig", "buy", "change"))
    item = pick(r, things(zh, wide))
    name, unit = item if zh else (item[0], item[1])
    slots = dict(i=name, I=unit, u=unit)
    money = (lambda s: f"{s}元") if zh else (lambda s: f"${s}")
    u = r.random()
    n = ri(r, 1, 99) * 10 if u < 0.4 else ri(r, 10, 999) if u < 0.8 else ri(r, 1, 99) * 100
    p = ri(r, 1, 19) * 5 if r.random() < 0.5 else ri(r, 1, 99)
    if kind == "of":
        think = f"{n}×{p}%={n}×{p}÷100\n{mul(n, p)}\n{over_hundred(n * p, zh)}"
        answer = dec(n * p)
        final = f"{n}{'的' if zh else ' × '}{p}%{'是' if zh else ' = '}{box(answer)}"
        return f"of{p},{n}", "of", dict(slots, p=p, n=n), think, final, answer
    if kind == "off":
        if r.random() < 0.5:
            p = ri(r, 1, 18) * 5
        q = 100 - p
        rest = f"100-{p}={q}"
        head = f"现价是原价的{q}%" if zh else f"The new price is {rest} percent of the old one"
        think = (f"{rest}，" if zh else "") + f"{head}\n{mul(n, q)}\n{over_hundred(n * q, zh)}"
        answer = dec(n * q)
        final = (f"现价是{answer}元。" if zh else f"The new price is ${answer}. ") + box(answer)
        sub_ = "off"
        slots.update(p=p, n=n)
        if zh and r.random() < 0.5:
            sub_ = "zhe"
            slots["z"] = zhe(q)
            think = f"打{zhe(q)}折，就是原价的{q}%\n{mul(n, q)}\n{over_hundred(n * q, zh)}"
        return f"off{p},{n}", sub_, slots, think, final, answer
    if kind == "up":
        q = 100 + p
        head = f"100+{p}={q}，现在是原来的{q}%" if zh else f"The new value is 100+{p}={q} percent of the old one"
        think = f"{head}\n{mul(n, q)}\n{over_hundred(n * q, zh)}"
        answer = dec(n * q)
        final = (f"现在是{answer}。" if zh else f"The new value is {answer}. ") + box(answer)
        return f"up{p},{n}", "up", dict(slots, p=p, n=n), think, final, answer
    if kind == "what":
        while True:
            b = ri(r, 2, 99) if r.random() < 0.5 else ri(r, 1, 60) * 10
            p = ri(r, 1, 99) if r.random() < 0.8 else ri(r, 100, 200)
            if b * p % 100 == 0:
                break
        a = b * p // 100
        think = f"{a}×100÷{b}\n{a}×100={a * 100}\n{div(a * 100, b)}"
        final = (f"{a}是{b}的{p}%。" if zh else f"{a} is {p}% of {b}. ") + box(f"{p}\\%")
        return f"what{a},{b}", "what", dict(slots, a=a, b=b), think, final, f"{p}\\%"
    if kind == "orig":
        while True:
            p = ri(r, 1, 18) * 5
            n = ri(r, 1, 99) * 10 if r.random() < 0.6 else ri(r, 10, 500)
            if n * (100 - p) % 100 == 0:
                break
        q = 100 - p
        m = n * q // 100
        head = f"100-{p}={q}，现价是原价的{q}%" if zh else f"The price paid is 100-{p}={q} percent of the original"
        think = f"{head}\n{m}×100={m * 100}\n{div(m * 100, q)}"
        final = (f"原价是{n}元。" if zh else f"The original price was ${n}. ") + box(str(n))
        return f"orig{p},{m}", "orig", dict(slots, p=p, m=m), think, final, str(n)
    k = ri(r, 2, 12)
    if kind == "buy":
        if r.random() < 0.5:
            c = ri(r, 1, 50) * 100
        else:
            c = ri(r, 11, 999) if r.random() < 0.5 else ri(r, 2, 199) * 5
        price = dec(c)
        if c % 100 == 0:
            think = mul(c // 100, k)
        else:
            think = f"{price}×100={c}\n{mul(c, k)}\n{over_hundred(c * k, zh)}"
        answer = dec(c * k)
        final = (f"一共{answer}元。" if zh else f"The total is ${answer}. ") + box(answer)
        return f"buy{c},{k}", "buy", dict(slots, k=k, c=price), think, final, answer
    c = ri(r, 1, 40)
    total = c * k
    paid = next((m for m in (10, 20, 50, 100, 200, 500) if m >= total + 1), 1000)
    if r.random() < 0.3:
        paid = paid * 2
    think = steps(mul(c, k), sub(paid, total))
    final = (f"找回{paid - total}元。" if zh else f"The change is ${paid - total}. ") + box(str(paid - total))
    return f"change{c},{k},{paid}", "change", dict(slots, k=k, c=c, m=paid), think, final, str(paid - total)


# ---------------------------------------------------------------- speed, time, distance

def k_speed(r, zh, wide=False):
    kind = pick(r, ("dist", "dist", "time", "spd", "meet", "chase"))
    small = r.random() < 0.3
    v = ri(r, 3, 25) if small else ri(r, 26, 130)
    t = ri(r, 2, 12) if r.random() < 0.85 else ri(r, 13, 40)
    km, hr = ("千米", "小时") if zh else ("km", "hours")
    L = lambda c, e: c if zh else e
    slots = {}
    if zh and r.random() < 0.5:
        km = "公里"
    metres = r.random() < 0.15 and v < 26
    if metres:
        km, hr = ("米", "秒") if zh else ("m", "seconds")
    minutes = wide and not metres and r.random() < 0.15
    if minutes:
        km, hr = ("米", "分钟") if zh else ("m", "minutes")
    elif wide and not zh and not metres and r.random() < 0.2:
        km = pick(r, ("miles", "kilometers"))
    per = L(f"{km}每{hr}", f"{km}/{'s' if metres else 'min' if minutes else 'h'}")
    spd = lambda x: (f"每{hr}{x}{km}" if r.random() < 0.7 else f"{x}{per}") if zh else (
        f"{x} {per}" if r.random() < 0.6 else f"{x} {'metres per second' if metres else pick(r, ('kilometres per hour', 'km per hour', 'kilometers per hour'))}")

    def wide_spd(x):
        if zh:
            unit = "分" if minutes else hr
            return pick(r, (f"每{hr}走{x}{km}", f"每{hr}行{x}{km}", f"每{unit}{x}{km}", f"{x}{km}/{hr}", f"{x}{km}/{unit}", f"{x}{km}每{hr}", f"每{hr}行驶{x}{km}",
                            f"{x} {km}/{hr}") + (() if minutes or metres else (f"时速{x}{km}", f"{x}km/h", f"{x} km/h")))
        if km == "miles":
            return f"{x} {pick(r, ('mph', 'mph', 'miles per hour', 'miles/h', 'miles an hour'))}"
        if km == "kilometers":
            return f"{x} {pick(r, ('kilometers per hour', 'kilometers an hour', 'kilometers/h'))}"
        if minutes:
            return f"{x} {pick(r, ('m/min', 'meters per minute', 'm per minute'))}"
        return f"{x} {pick(r, ('m/s', 'meters per second'))}" if metres else f"{x}{pick(r, (' km/h', 'km/h', ' kmh', ' kph', ' km an hour', ' kilometers per hour'))}"

    if wide and (km in ("miles", "kilometers") or minutes or r.random() < 0.6):
        spd = wide_spd
    dist = lambda x: f"{x}{km}" if zh else f"{x} {km}"
    time = lambda x: f"{x}{hr}" if zh else (f"{x} {hr}" if x != 1 else f"1 {hr[:-1]}")
    if kind == "dist":
        if r.random() < 0.2:
            v += 0 if wide else v % 2
            last = add(v * t, v // 2) if v % 2 == 0 else f"{v * t}+{half(v)}={half(2 * v * t + v)}"
            think = f"{L('速度', 'speed')}={v}, {L('时间', 'time')}={t}.5\n{L('路程=速度×时间', 'distance = speed × time')}\n{steps(mul(v, t), f'{v}÷2={half(v)}', last)}"
            d = half(2 * v * t + v)
            tt = f"{t}.5"
            key = f"d{v},{t}.5"
        else:
            d, tt = v * t, t
            think = f"{L('速度', 'speed')}={v}, {L('时间', 'time')}={t}\n{L('路程=速度×时间', 'distance = speed × time')}\n{mul(v, t)}"
            key = f"d{v},{t}"
        slots = dict(v=spd(v), t=f"{tt}{hr}" if zh else f"{tt} {hr}", km=km, hr=hr)
        final = L(f"路程是{d}{km}。", f"The distance is {d} {km}. ") + box(str(d))
        return key, "dist", slots, think, final, str(d)
    if kind == "time":
        d = v * t
        think = f"{L('路程', 'distance')}={d}, {L('速度', 'speed')}={v}\n{L('时间=路程÷速度', 'time = distance ÷ speed')}\n{div(d, v)}"
        slots = dict(v=spd(v), d=dist(d), km=km, hr=hr)
        final = L(f"需要{t}{hr}。", f"It takes {t} {hr}. ") + box(str(t))
        return f"t{v},{d}", "time", slots, think, final, str(t)
    if kind == "spd":
        d = v * t
        think = f"{L('路程', 'distance')}={d}, {L('时间', 'time')}={t}\n{L('速度=路程÷时间', 'speed = distance ÷ time')}\n{div(d, t)}"
        slots = dict(t=time(t), d=dist(d), km=km, hr=hr)
        final = L(f"速度是{v}{per}。", f"The speed is {v} {per}. ") + box(str(v))
        return f"v{d},{t}", "spd", slots, think, final, str(v)
    w = ri(r, 3, 25) if small else ri(r, 26, 130)
    t = ri(r, 2, 12)
    if kind == "meet":
        d = (v + w) * t
        think = f"{L('路程', 'distance')}={d}, {L('速度', 'speeds')} {v}, {w}\n{L('速度和', 'Together')}{L('：', ': ')}{add(v, w)}\n{L('时间', 'Time')}{L('：', ': ')}{div(d, v + w)}"
        slots = dict(v=spd(v), w=spd(w), d=dist(d), km=km, hr=hr)
        final = L(f"{t}{hr}后相遇。", f"They meet after {t} {hr}. ") + box(str(t))
        return f"m{min(v, w)},{max(v, w)},{d}", "meet", slots, think, final, str(t)
    if v == w:
        w += 1
    if v < w:
        v, w = w, v
    gap = (v - w) * t
    think = f"{L('相距', 'gap')}={gap}, {L('快', 'faster')} {v}, {L('慢', 'slower')} {w}\n{L('速度差', 'Difference of speeds')}{L('：', ': ')}{sub(v, w)}\n{L('时间', 'Time')}{L('：', ': ')}{div(gap, v - w)}"
    slots = dict(v=spd(v), w=spd(w), g=dist(gap), km=km, hr=hr)
    final = L(f"{t}{hr}后追上。", f"It takes {t} {hr}. ") + box(str(t))
    return f"c{v},{w},{gap}", "chase", slots, think, final, str(t)


# ---------------------------------------------------------------- sequences

LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def indexed(style, i):
    return (f"a{i}", f"a_{i}", f"a_{{{i}}}" if len(str(i)) > 1 else f"a_{i}", f"a{str(i).translate(LOW)}", f"a({i})")[style]


def ordinal(n):
    suffix = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def k_seq(r, zh, wide=False):
    kind = pick(r, ("an", "an", "list", "list", "asum", "asum", "onetn", "gn", "gn", "glist", "gsum"))
    st = ri(r, 0, 4)
    tex = "$" if st == 2 and r.random() < 0.7 else ""
    L = lambda c, e: c if zh else e
    nth = lambda n: dict(n=n, nth=ordinal(n), an=f"{tex}{indexed(st, n)}{tex}", sn=(f"S_{n}", f"S{n}")[st == 0])
    if kind in ("an", "list", "asum"):
        a = ri(r, -20, 50) if r.random() < 0.7 else ri(r, 1, 9)
        d = ri(r, 1, 15) if r.random() < 0.8 else -ri(r, 1, 9)
        n = ri(r, 5, 60) if kind != "asum" else ri(r, 4, 40)
        slots = dict(nth(n), a=a, d=d, a1=f"{tex}{indexed(st, 1)} = {a}{tex}", dd=f"{tex}d = {d}{tex}")
        last = a + (n - 1) * d
        m = mul(n - 1, abs(d))
        if d < 0:
            m = f"{n - 1}×({d})={(n - 1) * d}" if "\n" not in m else f"{m}\n{n - 1}×({d})={(n - 1) * d}"
        nth_lines = f"a1={a}, d={d}, n={n}\na{n}=a1+{n - 1}d\n{m}\na{n}={a}{plus((n - 1) * d)}={last}"
        if kind == "list":
            shown = 4 if r.random() < 0.5 else ri(r, 3, 5)
            terms = [a + i * d for i in range(shown)]
            sep = pick(r, (", ", ", ", ",")) if not zh else pick(r, ("，", ", ", "、", ","))
            slots["list"] = sep.join(map(str, terms))
            think = f"d={terms[1]}-{neg(a)}={d}\n{nth_lines}"
            return f"a{a},{d},{n}", "list", slots, think, f"a{n}={box(str(last))}", str(last)
        if kind == "an":
            return f"a{a},{d},{n}", "an", slots, nth_lines, f"a{n}={box(str(last))}", str(last)
        if d < 0:
            return k_seq(r, zh, wide)
        a = abs(a) + 1
        last = a + (n - 1) * d
        slots.update(a=a, a1=f"{tex}{indexed(st, 1)} = {a}{tex}")
        total = n * (a + last) // 2
        think = (f"a1={a}, d={d}, n={n}\na{n}=a1+{n - 1}d\n{mul(n - 1, d)}\na{n}={add(a, last - a)}\nS{n}=(a1+a{n})×{n}÷2\n"
                 f"{add(a, last)}\n{mul(a + last, n)}\n{div((a + last) * n, 2)}")
        return f"s{a},{d},{n}", "asum", slots, think, L(f"前{n}项的和是", f"The sum is ") + box(str(total)), str(total)
    if kind == "onetn":
        n = ri(r, 5, 100) if r.random() < 0.8 else ri(r, 10, 40) * 10
        total = n * (n + 1) // 2
        think = f"1+2+...+{n}={n}×{n + 1}÷2\n{mul(n, n + 1)}\n{div(n * (n + 1), 2)}"
        return f"o{n}", "onetn", dict(n=n), think, L("和是", "The sum is ") + box(str(total)), str(total)
    q = pick(r, (2, 2, 2, 3, 3, 4, 5, 10, -2, -3))
    a = ri(r, 1, 12)
    limit = 20000
    n = 3
    while abs(a * q ** n) <= limit and n < 11 and r.random() < 0.8:
        n += 1
    if kind == "gsum":
        q = abs(q)
        n = min(n, 7)
    vals = [a * q ** i for i in range(n)]
    rows = []
    for i in range(1, n):
        m = mul(abs(vals[i - 1]), abs(q))
        if q < 0 or vals[i - 1] < 0:
            flat = f"{vals[i - 1]}×{neg(q)}={vals[i]}"
            m = flat if "\n" not in m else f"{m}\n{flat}"
        rows.append(f"a{i + 1}: {m}" if "\n" not in m else f"a{i + 1}:\n{m}")
    slots = dict(nth(n), a=a, q=q, a1=f"{tex}{indexed(st, 1)} = {a}{tex}", qq=f"{tex}q = {q}{tex}")
    if kind == "glist":
        if n < 5:
            n, vals = 5, [a * q ** i for i in range(5)]
            return k_seq(r, zh, wide)
        sep = pick(r, (", ", ", ", ",")) if not zh else pick(r, ("，", ", ", "、", ","))
        slots["list"] = sep.join(map(str, vals[:3 if r.random() < 0.5 else 4]))
        head = f"q={vals[1]}÷{neg(a)}={q}\na1={a}, q={q}, n={n}\n"
        return f"g{a},{q},{n}", "glist", slots, head + "\n".join(rows), f"a{n}={box(str(vals[-1]))}", str(vals[-1])
    if kind == "gn":
        return f"g{a},{q},{n}", "gn", slots, f"a1={a}, q={q}, n={n}\n" + "\n".join(rows), f"a{n}={box(str(vals[-1]))}", str(vals[-1])
    total, sums = vals[0], []
    for v in vals[1:]:
        sums.append(add(total, v))
        total += v
    think = f"a1={a}, q={q}, n={n}\n" + "\n".join(rows) + "\n" + steps(*sums)
    return f"h{a},{q},{n}", "gsum", slots, think, L(f"前{n}项的和是", "The sum is ") + box(str(total)), str(total)


def k_recur(r, zh, wide=False):
    st = ri(r, 0, 4)
    L = lambda c, e: c if zh else e
    p = pick(r, (1, 2, 2, 2, 3, 3, 4, 5))
    a1 = ri(r, 1, 9)
    form = pick(r, ("c", "c", "q", "q", "n"))
    general = r.random() < 0.35
    lhs = ("a(n+1)", "a_(n+1)", "a_{n+1}", "aₙ₊₁", "a(n+1)")[st]
    an = ("a(n)", "a_n", "a_n", "aₙ", "a(n)")[st]
    if st == 0 and r.random() < 0.5:
        an = "an"
    coef = "" if p == 1 else str(p)
    qn = lambda q: f"{q}ⁿ" if st == 3 else f"{q}^n"
    if form == "c":
        c = ri(r, 1, 12) * (1 if r.random() < 0.7 else -1)
        tail = f" {'+' if c > 0 else '-'} {abs(c)}"
        mode = f"c{c}"
    elif form == "q":
        q = p + 1 if general else pick(r, (2, 3, 3, 4, 5))
        tail = f" + {qn(q)}"
        mode = f"q{q}"
    else:
        general = False
        k = ri(r, 1, 5)
        tail = f" + {'' if k == 1 else k}n"
        mode = f"n{k}"
    rule, init = f"{lhs} = {coef}{an}{tail}", f"{indexed(st, 1)} = {a1}"
    if r.random() < 0.3:
        rule, init = rule.replace(" ", ""), init.replace(" ", "")
    if st == 2 and r.random() < 0.7:
        rule, init = f"${rule}$", f"${init}$"
    slots = dict(rule=rule, init=init, an=f"$a_n$" if rule[0] == "$" else an)
    if general and form == "c" and p == 1:
        general = False
    if general:
        if form == "c":
            if c % (p - 1):
                c = (p - 1) * ri(r, 1, 5) * (1 if c > 0 else -1)
                tail = f" {'+' if c > 0 else '-'} {abs(c)}"
                rule = f"{lhs} = {coef}{an}{tail}"
                if st == 2 and init[0] == "$":
                    rule = f"${rule}$"
                slots["rule"] = rule
                mode = f"c{c}"
            t = -c // (p - 1)
            k = a1 - t
            think = (f"a1={a1}, a(n+1)={p}an{plus(c)}\nt={p}t{plus(c)}, t={neg(-c)}÷{p - 1}={t}\n"
                     + L(f"an-{neg(t)}是公比为{p}的等比数列", f"an-{neg(t)} is geometric with ratio {p}")
                     + f"\na1-{neg(t)}={a1}{plus(-t) if t else '-0'}={k}\n")
            base = t
            lead = ""
        else:
            q = p + 1
            k = a1 - q
            think = (f"a1={a1}, a(n+1)={p}an+{q}^n\nc×{q}^(n+1)={p}c×{q}^n+{q}^n, {q}c={p}c+1, c=1\n"
                     + L(f"an-{q}^n是公比为{p}的等比数列", f"an-{q}^n is geometric with ratio {p}")
                     + f"\na1-{q}={a1}-{q}={k}\n")
            base = None
            lead = f"{q}^n"
        if k == 0:
            return k_recur(r, zh, wide)
        mag = abs(k)
        if p == 1:
            body = str(mag)
        elif mag == 1:
            body = f"{p}^{{n-1}}"
        elif mag == p:
            body = f"{p}^n"
        else:
            body = f"{mag}\\cdot {p}^{{n-1}}"
        if lead:
            out = lead + ("+" if k > 0 else "-") + body
        else:
            out = ("-" if k < 0 else "") + body + (plus(base) if base else "")
        plain = out.replace("\\cdot ", "×").replace("{", "(").replace("}", ")")
        think += f"an={plain}"
        return f"G{p},{a1},{mode}", "gen", slots, think, f"$a_n={out}$ {box(out)}", out
    vals = [a1]
    rows = []
    last = ri(r, 3, 7)
    for i in range(1, last):
        prod = vals[-1] * p
        inc = c if form == "c" else q ** i if form == "q" else k * i
        nxt = prod + inc
        if abs(nxt) > 9999 and i > 2:
            break
        parts = []
        if p != 1:
            m = mul(abs(vals[-1]), p)
            if vals[-1] < 0:
                flat = f"{vals[-1]}×{p}={prod}"
                m = flat if "\n" not in m else f"{m}\n{flat}"
            parts.append(m)
        if form == "q":
            parts.append(f"{q}^{i}={inc}")
        elif form == "n" and k != 1:
            parts.append(f"{k}×{i}={inc}")
        if prod >= 0 and inc >= 0:
            parts.append(add(prod, inc))
        else:
            parts.append(f"{prod}{plus(inc)}={nxt}")
        body = steps(*parts)
        rows.append(f"a{i + 1}: {body}" if "\n" not in body else f"a{i + 1}:\n{body}")
        vals.append(nxt)
    n = len(vals)
    slots.update(n=n, nth=ordinal(n), ak=f"$a_{n}$" if rule[0] == "$" else indexed(st, n))
    plain = plus(c) if form == "c" else f"+{q}^n" if form == "q" else f"+{k}n"
    return f"N{p},{a1},{mode},{n}", "num", slots, f"a1={a1}, a(n+1)={p}an{plain}, n={n}\n" + "\n".join(rows), f"a{n}={box(str(vals[-1]))}", str(vals[-1])


# ---------------------------------------------------------------- gcd and lcm

def euclid(a, b):
    """Euclid with each remainder found by subtraction; the larger number first."""
    if a < b:
        a, b = b, a
    rows = []
    while b:
        out, rest = A.mod_steps(a, b)
        rows.append(f"{a} mod {b}: {', '.join(out)}")
        a, b = b, rest
    return "\n".join(rows), a


def k_gcdlcm(r, zh, wide=False):
    kind = "gcd" if r.random() < 0.5 else "lcm"
    u = r.random()
    top = 40 if u < 0.25 else 120 if u < 0.7 else 400
    if kind == "lcm":
        top = 30 if u < 0.5 else 99
    g = ri(r, 1, 25) if r.random() < 0.8 else 1
    a, b = g * ri(r, 1, max(2, top // g)), g * ri(r, 1, max(2, top // g))
    if a == b:
        b += g
    rows, g = euclid(a, b)
    word = ("最大公约数" if r.random() < 0.5 else "最大公因数") if zh else pick(
        r, ("greatest common divisor", "greatest common divisor", "greatest common factor", "GCD", "gcd", "highest common factor"))
    lword = "最小公倍数" if zh else pick(r, ("least common multiple", "least common multiple", "LCM", "lcm", "lowest common multiple"))
    slots = dict(a=a, b=b, w=word if kind == "gcd" else lword)
    key = f"{kind}{min(a, b)},{max(a, b)}"
    rows = (f"{a}和{b}，求{'最大公约数' if kind == 'gcd' else '最小公倍数'}" if zh else f"{kind} of {a} and {b}") + f"\n{rows}\ngcd={g}"
    if kind == "gcd":
        final = f"{a}和{b}的最大公约数是{box(str(g))}" if zh else f"gcd({a}, {b})={box(str(g))}"
        return key, "gcd", slots, rows, final, str(g)
    value = a * b // g
    rows += f"\nlcm={a}÷{g}×{b}\n{div(a, g)}\n{mul(a // g, b)}"
    final = f"{a}和{b}的最小公倍数是{box(str(value))}" if zh else f"lcm({a}, {b})={box(str(value))}"
    return key, "lcm", slots, rows, final, str(value)


# ---------------------------------------------------------------- units

# big unit, small unit, how many small ones a big one holds
UNITS = (
    (("kilometers", "km", "kilometres"), ("meters", "m", "metres"), ("千米", "公里", "km"), ("米", "m"), 1000),
    (("meters", "m", "metres"), ("centimeters", "cm", "centimetres"), ("米", "m"), ("厘米", "cm"), 100),
    (("centimeters", "cm"), ("millimeters", "mm"), ("厘米", "cm"), ("毫米", "mm"), 10),
    (("meters", "m"), ("millimeters", "mm"), ("米", "m"), ("毫米", "mm"), 1000),
    (("kilograms", "kg"), ("grams", "g"), ("千克", "公斤", "kg"), ("克", "g"), 1000),
    (("tons", "t", "tonnes"), ("kilograms", "kg"), ("吨", "t"), ("千克", "公斤", "kg"), 1000),
    (("liters", "L", "litres"), ("milliliters", "mL", "ml"), ("升", "L"), ("毫升", "mL"), 1000),
    (("square meters", "m²"), ("square decimeters", "dm²"), ("平方米", "m²"), ("平方分米", "dm²"), 100),
    (("square meters", "m²"), ("square centimeters", "cm²"), ("平方米", "m²"), ("平方厘米", "cm²"), 10000),
    (("hours", "h"), ("minutes", "min"), ("小时", "h"), ("分钟", "min"), 60),
    (("minutes", "min"), ("seconds", "s"), ("分钟", "min"), ("秒", "s"), 60),
    (("days",), ("hours", "h"), ("天",), ("小时", "h"), 24),
    (("weeks",), ("days",), ("周", "星期"), ("天",), 7),
    (("feet", "ft"), ("inches", "in"), ("英尺",), ("英寸",), 12),
    (("yards", "yd"), ("feet", "ft"), ("码",), ("英尺",), 3),
    (("years",), ("months",), ("年",), ("个月",), 12),
    (("dozen",), ("pieces",), ("打",), ("个",), 12),
    (("dollars",), ("cents",), ("元",), ("分",), 100),
    (("hectares", "ha"), ("square meters", "m²"), ("公顷",), ("平方米", "m²"), 10000),
)
MORE_UNITS = (
    (("hours", "h"), ("seconds", "s"), ("小时", "h"), ("秒", "s"), 3600),
    (("days",), ("minutes", "min"), ("天",), ("分钟", "min"), 1440),
    (("years",), ("days",), ("年",), ("天",), 365),
    (("meters", "m"), ("decimeters", "dm"), ("米", "m"), ("分米", "dm"), 10),
    (("decimeters", "dm"), ("centimeters", "cm"), ("分米", "dm"), ("厘米", "cm"), 10),
    (("grams", "g"), ("milligrams", "mg"), ("克", "g"), ("毫克", "mg"), 1000),
    (("pounds", "lb"), ("ounces", "oz"), ("磅",), ("盎司",), 16),
    (("centuries",), ("years",), ("世纪",), ("年",), 100),
    (("square kilometers", "km²"), ("hectares", "ha"), ("平方千米", "km²"), ("公顷",), 100),
    (("cubic meters", "m³"), ("liters", "L"), ("立方米", "m³"), ("升", "L"), 1000),
    (("kilobytes", "KB"), ("bytes", "B"), ("千字节", "KB"), ("字节", "B"), 1024),
)
ZH_UNITS = (("公斤", "斤", 2), ("斤", "两", 10), ("公里", "里", 2), ("米", "尺", 3), ("元", "角", 10), ("公顷", "亩", 15))


def singular(unit):
    """`1 meter`, not `1 meters`; abbreviations stay."""
    irregular = {"feet": "foot", "inches": "inch", "centuries": "century"}
    return irregular.get(unit, unit[:-1] if len(unit) > 2 and unit.endswith("s") else unit)


def k_units(r, zh, wide=False):
    u = r.random()
    L = lambda c, e: c if zh else e
    if u < 0.12:  # km/h and m/s
        k = ri(r, 1, 40)
        kmh, ms = 18 * k, 5 * k
        a, b = L(("千米/小时", "米/秒"), ("km/h", "m/s"))
        if r.random() < 0.5:
            think = f"1 m/s=3.6 km/h, {L('除以18乘5', 'divide by 18, times 5')}\n{steps(div(kmh, 18), mul(k, 5))}"
            return f"kmh{kmh}", "conv", dict(v=kmh, f=a, t=b), think, f"{box(str(ms))} {b}", str(ms)
        think = f"1 m/s=3.6 km/h, {L('除以5乘18', 'divide by 5, times 18')}\n{steps(div(ms, 5), mul(k, 18))}"
        return f"ms{ms}", "conv", dict(v=ms, f=b, t=a), think, f"{box(str(kmh))} {a}", str(kmh)
    if u < 0.24:  # hours and minutes
        h, m = ri(r, 1, 12), ri(r, 1, 59)
        big, small = L(("小时", "分钟"), ("hours", "minutes"))
        if r.random() < 0.35:
            big, small = L(("分钟", "秒"), ("minutes", "seconds"))
        total = h * 60 + m
        if r.random() < 0.55:
            think = steps(mul(h, 60), add(h * 60, m))
            one = L(big, big[:-1] if h == 1 else big)
            return (f"hm{h},{m},{small[:1]}", "hm", dict(h=h, m=m, f=one, t=small, s=L(small, small[:-1] if m == 1 else small)), think,
                    f"{box(str(total))} {small}", str(total))
        think = f"{total}={h}×60+{m}"
        lines = [f"60×{h}={60 * h}", f"{total}-{60 * h}={m}"]
        answer = L(f"{h}{big}{m}{small}", f"{h} {big} {m} {small}")
        return f"tm{total},{small[:1]}", "tm", dict(n=total, f=small, t=big, s=small), "; ".join(lines) + "\n" + think, box(answer), answer
    if zh and u < 0.36:
        a, b, k = pick(r, ZH_UNITS)
        A_, B_ = (a,), (b,)
    else:
        row = pick(r, MORE_UNITS if wide and r.random() < 0.25 else UNITS)
        A_, B_ = (row[2], row[3]) if zh else (row[0], row[1])
        k = row[4]
    short = r.random() < 0.4
    a = A_[0] if not short else pick(r, A_)
    b = B_[0] if not short else pick(r, B_)
    ten = k in (10, 100, 1000, 10000)
    if r.random() < 0.5:  # down: big to small
        if ten and r.random() < 0.5:
            places = ri(r, 1, 2 if k > 10 else 1)
            n = ri(r, 1, 99 * 10 ** (places - 1))
            v = dec(n, places)
            out = str(n * k // 10 ** places) if n * k % 10 ** places == 0 else dec(n * k, places)
            think = f"1 {singular(a)}={k} {b}\n{v}×{k}={out}"
        elif wide and k in (12, 24, 60) and r.random() < 0.25:  # two and a half hours
            n = ri(r, 1, 20)
            v, out = f"{n}.5", str(n * k + k // 2)
            think = f"1 {singular(a)}={k} {b}\n{steps(mul(n, k), f'{k}÷2={k // 2}', add(n * k, k // 2))}\n{v}×{k}={out}"
        else:
            n = by_digits(r, 1, 2) if not ten else by_digits(r, 1, 3)
            v, out = str(n), str(n * k)
            think = f"1 {singular(a)}={k} {b}\n{mul(n, k)}"
        key = f"{A_[0]}>{B_[0]}:{v}"
        shown = v
        if v == "1" and not zh:
            a = singular(a)
            if wide and len(a) > 2 and r.random() < 0.6:
                shown = pick(r, ("an" if a[0] in "aiou" or a == "hour" else "a", "one"))
        return key, "conv", dict(v=shown, f=a, t=b), think, L(f"{v}{a}={box(out)}{b}", f"{v} {a} = {box(out)} {b}"), out
    if ten:
        n = by_digits(r, 1, 4) if r.random() < 0.5 else by_digits(r, 1, 3) * k
        places = len(str(k)) - 1
        out = dec(n, places)
        think = f"{k} {b}=1 {singular(a)}\n{n}÷{k}={out}"
    else:
        q = by_digits(r, 1, 2)
        n, out = q * k, str(q)
        think = f"{k} {b}=1 {singular(a)}\n{div(n, k)}"
    key = f"{A_[0]}<{B_[0]}:{n}"
    return key, "conv", dict(v=n, f=b, t=a), think, L(f"{n}{b}={box(out)}{a}", f"{n} {b} = {box(out)} {a}"), out


# ---------------------------------------------------------------- areas, surfaces, volumes

def half(n):
    """n/2 as text, with .5 where n is odd."""
    return str(n // 2) if n % 2 == 0 else f"{n // 2}.5"


def halve(n):
    """The step n÷2, even or odd."""
    return div(n, 2) if n % 2 == 0 else (f"{n}÷2={half(n)}" if n < 1000 else f"{n}÷2:\n{A.division_steps(n, 2)}\n{n}÷2={half(n)}")


def pi(n):
    return "\\pi" if n == 1 else f"{n}\\pi"


SHAPES = ("recta", "recta", "rectp", "rectp", "sqa", "sqp", "tri", "tri", "para", "trap", "circa", "circa", "circc", "boxv", "boxs",
          "cubev", "cubes", "cylv", "cyls", "prisms", "prisms", "prisms", "prismv")


def k_area(r, zh, wide=False):
    kind = pick(r, SHAPES)
    L = lambda c, e: c if zh else e
    u = r.random()
    unit = L(pick(r, ("厘米", "厘米", "米", "")), pick(r, ("cm", "cm", "m", "meters", "inches", "")))
    sp = "" if zh or not unit else " "
    q = lambda n: f"{n}{sp}{unit}"
    big = u > 0.8
    x, y = (ri(r, 2, 20), ri(r, 2, 20)) if u < 0.5 else (ri(r, 2, 99), ri(r, 2, 99))
    n3 = ri(r, 2, 12)
    if kind == "recta":
        v = str(x * y)
        return f"ra{min(x, y)},{max(x, y)}", kind, dict(a=q(x), b=q(y)), f"{L('面积=长×宽', 'area = length × width')}\n{mul(x, y)}", L("面积是", "The area is ") + box(v), v
    if kind == "rectp":
        v = str(2 * (x + y))
        return (f"rp{min(x, y)},{max(x, y)}", kind, dict(a=q(x), b=q(y)),
                f"{L('周长=(长+宽)×2', 'perimeter = (length + width) × 2')}\n{steps(add(x, y), mul(x + y, 2))}", L("周长是", "The perimeter is ") + box(v), v)
    if kind == "sqa":
        v = str(x * x)
        return f"sa{x}", kind, dict(a=q(x)), f"{L('面积=边长×边长', 'area = side × side')}\n{mul(x, x)}", L("面积是", "The area is ") + box(v), v
    if kind == "sqp":
        v = str(x * 4)
        return f"sp{x}", kind, dict(a=q(x)), f"{L('周长=边长×4', 'perimeter = side × 4')}\n{mul(x, 4)}", L("周长是", "The perimeter is ") + box(v), v
    if kind == "tri":
        v = half(x * y)
        return (f"tr{min(x, y)},{max(x, y)}", kind, dict(a=q(x), b=q(y)),
                f"{L('面积=底×高÷2', 'area = base × height ÷ 2')}\n{steps(mul(x, y), halve(x * y))}", L("面积是", "The area is ") + box(v), v)
    if kind == "para":
        v = str(x * y)
        return f"pa{min(x, y)},{max(x, y)}", kind, dict(a=q(x), b=q(y)), f"{L('面积=底×高', 'area = base × height')}\n{mul(x, y)}", L("面积是", "The area is ") + box(v), v
    if kind == "trap":
        h = ri(r, 2, 20)
        v = half((x + y) * h)
        return (f"tz{min(x, y)},{max(x, y)},{h}", kind, dict(a=q(x), b=q(y), h=q(h)),
                f"{L('面积=(上底+下底)×高÷2', 'area = (a + b) × height ÷ 2')}\n{steps(add(x, y), mul(x + y, h), halve((x + y) * h))}",
                L("面积是", "The area is ") + box(v), v)
    if kind == "circa":
        x = ri(r, 1, 30)
        if r.random() < 0.25:
            v = pi(x * x)
            return (f"ca{x}", "circad", dict(a=q(2 * x)), f"{L('半径', 'radius')}: {2 * x}÷2={x}\n{L('面积', 'area')}=πr²\n{mul(x, x)}", L("面积是", "The area is ") + box(v), v)
        v = pi(x * x)
        return f"ca{x}", kind, dict(a=q(x)), f"{L('面积', 'area')}=πr²\n{mul(x, x)}", L("面积是", "The area is ") + box(v), v
    if kind == "circc":
        x = ri(r, 1, 60)
        v = pi(2 * x)
        return f"cc{x}", kind, dict(a=q(x)), f"{L('周长', 'circumference')}=2πr\n{mul(x, 2)}", L("周长是", "The circumference is ") + box(v), v
    x, y = (ri(r, 2, 12), ri(r, 2, 12)) if u < 0.6 else (ri(r, 2, 30), ri(r, 2, 30))
    z = n3 if u < 0.8 else ri(r, 2, 20)
    if kind == "boxv":
        v = str(x * y * z)
        return ("bv" + ",".join(map(str, sorted((x, y, z)))), kind, dict(a=q(x), b=q(y), c=q(z)),
                f"{L('体积=长×宽×高', 'volume = length × width × height')}\n{steps(mul(x, y), mul(x * y, z))}", L("体积是", "The volume is ") + box(v), v)
    if kind == "boxs":
        s = x * y + x * z + y * z
        v = str(2 * s)
        return ("bs" + ",".join(map(str, sorted((x, y, z)))), kind, dict(a=q(x), b=q(y), c=q(z)),
                f"{L('表面积', 'surface')}=2(ab+ac+bc)\n{steps(mul(x, y), mul(x, z), mul(y, z), add(x * y, x * z), add(x * y + x * z, y * z), mul(s, 2))}",
                L("表面积是", "The surface area is ") + box(v), v)
    if kind == "cubev":
        x = ri(r, 2, 30)
        v = str(x ** 3)
        return f"cv{x}", kind, dict(a=q(x)), f"{L('体积', 'volume')}=a³\n{steps(mul(x, x), mul(x * x, x))}", L("体积是", "The volume is ") + box(v), v
    if kind == "cubes":
        x = ri(r, 2, 60)
        v = str(6 * x * x)
        return f"cs{x}", kind, dict(a=q(x)), f"{L('表面积', 'surface')}=6a²\n{steps(mul(x, x), mul(x * x, 6))}", L("表面积是", "The surface area is ") + box(v), v
    if kind == "cylv":
        x, h = ri(r, 1, 12), ri(r, 1, 20)
        v = pi(x * x * h)
        return (f"yv{x},{h}", kind, dict(a=q(x), h=q(h)), f"{L('体积', 'volume')}=πr²h\n{steps(mul(x, x), mul(x * x, h))}", L("体积是", "The volume is ") + box(v), v)
    if kind == "cyls":
        x, h = ri(r, 1, 12), ri(r, 1, 20)
        v = pi(2 * x * (x + h))
        return (f"ys{x},{h}", kind, dict(a=q(x), h=q(h)),
                f"{L('表面积', 'surface')}=2πr(r+h)\n{steps(add(x, h), mul(2 * x, x + h))}", L("表面积是", "The surface area is ") + box(v), v)
    x, h = ri(r, 1, 20), ri(r, 1, 20)
    if kind == "prismv":
        v = half(x * x * h)
        return (f"pv{x},{h}", kind, dict(a=q(x), h=q(h)),
                f"{L('底面积=直角边×直角边÷2，体积=底面积×高', 'volume = leg × leg × height ÷ 2')}\n{steps(mul(x, x), mul(x * x, h), halve(x * x * h))}",
                L("体积是", "The volume is ") + box(v), v)
    root = x * h
    whole = x * x + 2 * x * h
    v = f"{whole}+{'' if root == 1 else root}\\sqrt{{2}}"
    think = (L(f"斜边={x}√2\n两个底面：", f"hypotenuse = {x}√2\nTwo bases: ") + mul(x, x)
             + L("\n两个直角边侧面：", "\nTwo faces on the legs: ") + steps(mul(2 * x, h))
             + L("\n斜边侧面：", "\nFace on the hypotenuse: ") + mul(x, h) + f", {root}√2\n" + add(x * x, 2 * x * h))
    return f"ps{x},{h}", kind, dict(a=q(x), h=q(h)), think, L("表面积是", "The surface area is ") + box(v), v


# ---------------------------------------------------------------- comparing, sorting, letters

def k_compare(r, zh, wide=False):
    while True:
        whole = ri(r, 0, 99) if r.random() < 0.5 else ri(r, 0, 12)
        other = whole if r.random() < 0.8 else ri(r, 0, 99)
        p1, p2 = ri(r, 0 if r.random() < 0.1 else 1, 4), ri(r, 0 if r.random() < 0.1 else 1, 3)
        f1 = "".join(str(ri(r, 0, 9)) for _ in range(p1))
        f2 = "".join(str(ri(r, 0, 9)) for _ in range(p2))
        if f1 and f2 and r.random() < 0.3:
            f2 = f1[:ri(r, 1, len(f1))] + f2
            f2 = f2[:4]
        if f1[-1:] == "0" or f2[-1:] == "0":
            continue
        a, b = str(whole) + ("." + f1 if f1 else ""), str(other) + ("." + f2 if f2 else "")
        if r.random() < 0.5:
            a, b, f1, f2, whole, other = b, a, f2, f1, other, whole
        if a != b:
            break
    out = []
    sign = "=" if whole == other else "<" if whole < other else ">"
    out.append(f"{whole}{sign}{other}")
    i = 0
    while sign == "=":
        d1 = f1[i] if i < len(f1) else "0"
        d2 = f2[i] if i < len(f2) else "0"
        sign = "=" if d1 == d2 else "<" if d1 < d2 else ">"
        out.append(f"{d1}{sign}{d2}")
        i += 1
    ask = "big" if r.random() < 0.65 else "small"
    win = (a if sign == ">" else b) if ask == "big" else (a if sign == "<" else b)
    think = ("逐位比较：" if zh else "Digit by digit: ") + "; ".join(out) + f"\n{a}{sign}{b}"
    word = ("更大" if ask == "big" else "更小") if zh else ("larger" if ask == "big" else "smaller")
    final = f"{a}{sign}{b}，{word}的是{box(win)}" if zh else f"{a}{sign}{b}, the {word} one is {box(win)}"
    lo, hi = sorted((a, b))
    return f"{lo},{hi}", ask, dict(a=a, b=b), think, final, win


def k_sort(r, zh, wide=False):
    n = ri(r, 3, 5) if r.random() < 0.6 else ri(r, 6, 7)
    u = r.random()
    lo, hi = (0, 20) if u < 0.25 else (1, 99) if u < 0.6 else (1, 999) if u < 0.8 else (-30, 30)
    v = [ri(r, lo, hi) for _ in range(n)]
    down = r.random() < 0.35
    done, rows = [], []
    for x in v:
        i = 0
        while i < len(done) and (done[i] >= x if down else done[i] <= x):
            i += 1
        done.insert(i, x)
        rows.append(f"{x} → " + ", ".join(map(str, done)))
    sep = pick(r, (", ", ", ", ",", " ")) if not zh else pick(r, ("，", ", ", "、", ",", " "))
    text = sep.join(map(str, v))
    if r.random() < 0.1 and sep != " ":
        text = f"[{text}]"
    answer = ", ".join(map(str, done))
    way = ("从大到小" if down else "从小到大") if zh else ("Largest first" if down else "Smallest first")
    think = way + ("，逐个插入：" if zh else ", insert one by one:") + "\n" + "\n".join(rows)
    return ("d" if down else "a") + ",".join(map(str, v)), "desc" if down else "asc", dict(list=text), think, box(answer), answer


def k_letters(r, zh, wide=False):
    u = r.random()
    if u < 0.6:
        word = pick(r, WORDS + MORE_WORDS if wide else WORDS)
    elif u < 0.85:
        word = "".join(pick(r, SYLLABLES) for _ in range(ri(r, 2, 5)))
    else:
        word = "".join(chr(97 + ri(r, 0, 25)) for _ in range(ri(r, 3, 10)))
    shown = word if r.random() < (0.7 if wide else 0.85) else word.capitalize() if r.random() < 0.6 else word.upper()
    word = word.lower()
    if r.random() < 0.15:
        think = f"{word}:\n" + " ".join(f"{c}({i + 1})" for i, c in enumerate(word))
        n = str(len(word))
        final = f"“{word}”共有{n}个字母。{box(n)}" if zh else f'There are {n} letters in "{word}". {box(n)}'
        return f"len:{word}", "len", dict(w=shown), think, final, n
    letter = pick(r, word) if r.random() < 0.9 else chr(97 + ri(r, 0, 25))
    if r.random() < 0.4:  # prefer letters that occur more than once
        many = [c for c in word if word.count(c) > 1]
        letter = pick(r, many) if many else letter
    count, out = 0, []
    for c in word:
        if c == letter:
            count += 1
            out.append(f"{c}({count})")
        else:
            out.append(c)
    big = r.random() < 0.1
    n = str(count)
    think = f"{letter} in {word}:\n" + " ".join(out) if not zh else f"{word}里的{letter}：\n" + " ".join(out)
    final = f"“{word}”里有{n}个{letter}。{box(n)}" if zh else f'The letter {letter} appears {n} {"time" if count == 1 else "times"} in "{word}". {box(n)}'
    return f"{letter}:{word}", "cnt", dict(w=shown, c=letter.upper() if big else letter), think, final, n


# ---------------------------------------------------------------- JSON, who, beyond

def invented(r, lo, hi):
    """A made-up capitalised word."""
    return "".join(pick(r, SYLLABLES) for _ in range(ri(r, lo, hi))).capitalize()


def any_name(r, zh, wide):
    if wide and r.random() < 0.2:
        return pick(r, MORE_NAMES_ZH) if zh else f"{pick(r, NAMES_EN)} {pick(r, MORE_SURNAMES_EN) if r.random() < 0.5 else invented(r, 2, 3)}"
    if r.random() < (0.4 if wide else 0.6):
        return pick(r, NAMES_ZH if zh else NAMES_EN)
    if zh:
        return pick(r, SURNAMES_ZH) + "".join(pick(r, GIVEN_ZH) for _ in range(ri(r, 1, 2)))
    return invented(r, 2, 3)


def any_city(r, zh, wide):
    if wide and r.random() < 0.2:
        return pick(r, MORE_CITIES_ZH if zh else MORE_CITIES_EN)
    if r.random() < (0.4 if wide else 0.6):
        return pick(r, CITIES_ZH if zh else CITIES_EN)
    return "".join(pick(r, PLACE_ZH) for _ in range(2)) if zh else invented(r, 2, 3)


def k_json(r, zh, wide=False):
    kind = pick(r, ("person", "person", "product", "calc"))
    quote = r.random() < 0.4
    bare = wide and r.random() < 0.2  # no keys are named: all of them, in their usual order, in the question's language
    def keys_text(keys):
        k = [f'"{x}"' for x in keys] if quote else list(keys)
        if zh:
            return pick(r, ("、", "，", "和")).join(k) if len(k) == 2 else pick(r, ("、", "，")).join(k)
        if len(k) == 1:
            return k[0]
        return ", ".join(k) if r.random() < 0.4 else ", ".join(k[:-1]) + " and " + k[-1]
    native = zh and (bare or r.random() < 0.4)
    if kind == "person":
        name, city, age = any_name(r, zh, wide), any_city(r, zh, wide), ri(r, 3, 90)
        fields = [("姓名", name), ("年龄", age), ("城市", city)] if native else [("name", name), ("age", age), ("city", city)]
        slots = dict(name=name, age=age, city=city)
        key = f"p{name},{age},{city}"
    elif kind == "product":
        item = pick(r, things(zh, wide))[0]
        if wide and r.random() < 0.3:  # a thing never heard of: it has to be copied
            item = "".join(pick(r, GIVEN_ZH + PLACE_ZH) for _ in range(ri(r, 1, 3))) if zh else invented(r, 2, 3).lower()
        price, n = ri(r, 1, 300), ri(r, 2, 60)
        fields = [("商品", item), ("价格", price), ("数量", n)] if native else [("item", item), ("price", price), ("quantity", n)]
        slots = dict(item=item, price=price, n=n)
        key = f"i{item},{price},{n}"
    else:
        op = pick(r, "+-×")
        a, b = (ri(r, 2, 99), ri(r, 2, 9)) if op == "×" else (ri(r, 1, 500), ri(r, 1, 499))
        if op == "-" and a < b:
            a, b = b, a
        think = {"+": add, "-": sub, "×": mul}[op](a, b)
        value = {"+": a + b, "-": a - b, "×": a * b}[op]
        k = ("答案" if zh else "answer") if bare else pick(r, ("答案", "结果", "answer", "result")) if native else pick(r, ("answer", "result", "value", "sum" if op == "+" else "x"))
        text = json.dumps({k: value}, ensure_ascii=False)
        slots = dict(e=typed_expression(r, (str(a), op, str(b))) if wide and r.random() < 0.4 else expression(r, str(a), op, str(b)),
                     keys=keys_text([k]))
        return f"c{a}{op}{b}", "calc_bare" if bare else "calc", slots, think, text, text
    if bare:
        kind += "_bare"
    else:
        if r.random() < 0.4:
            drop = ri(r, 0, 2)
            fields = [f for i, f in enumerate(fields) if i != drop]
        if r.random() < 0.2:
            fields = fields[::-1]
    slots["keys"] = keys_text([f[0] for f in fields])
    text = json.dumps(dict(fields), ensure_ascii=False)
    think = "; ".join(f"{k}: {v}" for k, v in fields)
    return key, kind, slots, think, text, text


WHO_EN = ("I am distill's built-in demo model: small, trained from scratch for a few kinds of problems, such as arithmetic, "
          "equations, chickens and rabbits, percentages, sequences, areas and unit conversion.")
WHO_ZH = "我是distill内置的演示模型：很小，从零开始训练，只会做几类题目，例如四则运算、方程、鸡兔同笼、百分数、数列、面积和单位换算。"
NO_EN = "This is beyond me: I am distill's small demo model and only know a few kinds of math problems. Load a larger model with -m for this."
NO_ZH = "这个问题超出了我的能力：我是distill的小型演示模型，只会做几类数学题。请用-m加载更大的模型。"


def k_who(r, zh, wide=False):
    think = "用户在问我是谁、会做什么。" if zh else "The user asks who I am or what I can do."
    return "", "who", {}, think, WHO_ZH if zh else WHO_EN, "distill"


def k_beyond(r, zh, wide=False):
    think = "这不是我会做的那几类题目。" if zh else "This is not one of the kinds of problems that I know."
    return "", "beyond", {}, think, NO_ZH if zh else NO_EN, "超出" if zh else "beyond me"


KINDS = {  # kind: (function, weight in training, how an answer is checked)
    "chickens": (k_chickens, 1.0, "boxed"), "add": (k_add, 1.0, "boxed"), "sub": (k_sub, 1.0, "boxed"),
    "mul": (k_mul, 1.5, "boxed"), "div": (k_div, 1.2, "boxed"), "lin1": (k_lin1, 1.3, "boxed"),
    "lin2": (k_lin2, 1.5, "boxed"), "percent": (k_percent, 1.5, "boxed"), "speed": (k_speed, 1.2, "boxed"),
    "seq": (k_seq, 1.4, "boxed"), "recur": (k_recur, 1.2, "boxed"), "gcdlcm": (k_gcdlcm, 1.2, "boxed"),
    "units": (k_units, 1.2, "boxed"), "area": (k_area, 1.5, "boxed"), "compare": (k_compare, 0.8, "boxed"),
    "sort": (k_sort, 0.9, "boxed"), "letters": (k_letters, 1.0, "boxed"), "json": (k_json, 0.9, "json"),
    "who": (k_who, 0.35, "contains"), "beyond": (k_beyond, 0.9, "contains"),
}
