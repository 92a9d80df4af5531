"""Worked arithmetic as text: the digit-by-digit routines that every kind of problem shares.

Each routine writes its work so that the next token is always an easy local step (one digit pair, one carry, one table
look-up). Whether a sum is written out or stated at once depends on its operands alone, so a model can learn the rule.
Notation: `4+5+1=10→90` is one column: digits and carry, their sum, and the result so far (it grows to the left).

Usage: import only; `python3 check_data.py` verifies every line these functions write.
"""


def add_columns(a, b):
    """Column addition of non-negative integers, lowest digit first."""
    x, y = str(a), str(b)
    n = max(len(x), len(y))
    x, y = x.zfill(n), y.zfill(n)
    carry, result, out = 0, "", []
    for i in range(n - 1, -1, -1):
        s = int(x[i]) + int(y[i]) + carry
        term = f"{x[i]}+{y[i]}" if i == n - 1 else f"{x[i]}+{y[i]}+{carry}"
        result = (str(s) if i == 0 else str(s % 10)) + result
        carry = s // 10
        out.append(f"{term}={s}→{result}")
    return "; ".join(out)


def sub_columns(a, b):
    """Column subtraction, a >= b >= 0; `-1` is the borrow from the column before, `+10` the borrow taken here."""
    x, y = str(a), str(b)
    y = y.zfill(len(x))
    borrow, result, out = 0, "", []
    for i in range(len(x) - 1, -1, -1):
        d = int(x[i]) - int(y[i]) - borrow
        term = f"{x[i]}-{y[i]}" + ("-1" if borrow else "")
        borrow = 1 if d < 0 else 0
        if borrow:
            d += 10
            term += "+10"
        result = str(d) + result
        out.append(f"{term}={d}→{result}")
    return "; ".join(out)


def mul_columns(a, digit):
    """Column product of an integer and one digit."""
    x = str(a)
    carry, result, out = 0, "", []
    for i in range(len(x) - 1, -1, -1):
        s = int(x[i]) * digit + carry
        term = f"{x[i]}×{digit}" if i == len(x) - 1 else f"{x[i]}×{digit}+{carry}"
        result = (str(s) if i == 0 else str(s % 10)) + result
        carry = s // 10
        out.append(f"{term}={s}→{result}")
    return "; ".join(out)


def _strip(n):
    """n without its trailing zeros, and their number."""
    zeros = 0
    while n and n % 10 == 0:
        n //= 10
        zeros += 1
    return n, zeros


def easy_add(a, b):
    return a < 1000 and b < 1000


def easy_mul(a, b):
    a, b = _strip(a)[0], _strip(b)[0]
    lo, hi = (a, b) if a < b else (b, a)
    return lo <= 1 or (lo <= 9 and hi <= 99) or hi <= 12


def easy_div(a, b):
    """Of exact quotients: a single digit, or a small divisor."""
    return b == 1 or a < b or (a < 1000 and (a // b <= 9 or b == 2 or (b <= 12 and a // b <= 99)))


def add(a, b, spell=False):
    """`a+b=r`, or the columns first when that is too much for one step (or `spell` asks for it)."""
    if easy_add(a, b) and not spell:
        return f"{a}+{b}={a + b}"
    return f"{a}+{b}: {add_columns(a, b)}\n{a}+{b}={a + b}"


def sub(a, b, spell=False):
    """a-b for non-negative a and b; a negative result is found by swapping."""
    if easy_add(a, b) and not spell:
        return f"{a}-{b}={a - b}"
    if a < b:
        return f"{a}-{b}: {a}<{b}\n{b}-{a}: {sub_columns(b, a)}\n{b}-{a}={b - a}\n{a}-{b}={a - b}"
    return f"{a}-{b}: {sub_columns(a, b)}\n{a}-{b}={a - b}"


def mul(a, b, spell=False):
    """Long multiplication: a column product for each non-zero digit of the shorter factor, then their running sum."""
    r = a * b
    if easy_mul(a, b) and not (spell and min(a, b) > 1 and max(a, b) > 9):
        return f"{a}×{b}={r}"
    x, m = (a, b) if len(str(_strip(b)[0])) <= len(str(_strip(a)[0])) else (b, a)
    lines, parts = [], []
    for place, d in enumerate(reversed(str(m))):
        if d == "0":
            continue
        part, shift = int(d) * 10 ** place, "0" * place
        if int(d) == 1 or (easy_mul(x, part) and not spell):
            lines.append(f"{x}×{part}={x * part}")
        else:
            tail = f"; {x * part}" if shift else ""
            lines.append(f"{x}×{part}: {mul_columns(x, int(d))}{tail}")
        parts.append(x * part)
    total = parts[0]
    for p in parts[1:]:
        if easy_add(total, p) and not spell:
            lines.append(f"{total}+{p}={total + p}")
        else:
            lines.append(f"{total}+{p}: {add_columns(total, p)}")
        total += p
    head = f"{a}×{b}:\n" if len(parts) > 1 else ""
    return head + "\n".join(lines) + f"\n{a}×{b}={r}"


def division_steps(a, b):
    """Long division. `36=7×5+1→125`: bring down to 36, 7 goes 5 times, 1 left, the quotient so far. For divisors above
    12 their multiples are listed first and a step is one look-up and one subtraction: `87-69=18→3`."""
    digits = str(a)
    head = ""
    if b > 12:
        head = " ".join([f"{b}×1={b}"] + [f"×{k}={b * k}" for k in range(2, 10)]) + "\n"
    out, quotient, cur, started = [], "", 0, False
    for d in digits:
        cur = cur * 10 + int(d)
        if not started and cur < b:
            continue
        started = True
        q, rest = divmod(cur, b)
        quotient += str(q)
        if b <= 12:
            out.append(f"{cur}={b}×{q}+{rest}→{quotient}")
        elif q == 0:
            out.append(f"{cur}<{b}→{quotient}")
        else:
            out.append(f"{cur}-{b * q}={rest}→{quotient}")
        cur = rest
    return head + "; ".join(out)


def div(a, b, spell=False):
    """Exact quotient a÷b. A common factor 10 is taken out first."""
    assert b > 0 and a % b == 0
    q = a // b
    if a % 10 == 0 and b % 10 == 0 and a and b > 10:
        return f"{a}÷{b}={a // 10}÷{b // 10}\n" + div(a // 10, b // 10, spell)
    if easy_div(a, b) and not (spell and a >= b and a > 9 and b > 1):
        return f"{a}÷{b}={q}"
    return f"{a}÷{b}:\n{division_steps(a, b)}\n{a}÷{b}={q}"


def mod_steps(a, b):
    """a mod b by subtraction of b (ten times b while that fits); the list of subtractions, and the remainder."""
    out = []
    while a >= b:
        s = b * 10 if a >= b * 10 else b
        out.append(f"{a}-{s}={a - s}")
        a -= s
    return out, a


def neg(n):
    """A number as it stands inside an expression: negatives in brackets."""
    return f"({n})" if n < 0 else str(n)


def plus(n):
    """A signed term that follows another: `+3`, `-3`."""
    return f"-{-n}" if n < 0 else f"+{n}"


def term(c, var, first=False):
    """`3x`, `-x`, `+2y`: a coefficient and its unknown inside a sum."""
    mag = "" if abs(c) == 1 else str(abs(c))
    sign = "-" if c < 0 else ("" if first else "+")
    return f"{sign}{mag}{var}"


def sdiv(a, b):
    """Exact quotient of an integer of any sign by a positive or negative one, as `a÷b=q`; hard ones are worked out."""
    q = a // b
    if b > 0 and a >= 0:
        return div(a, b)
    if easy_div(abs(a), abs(b)):
        return f"{a}÷{neg(b)}={q}"
    return f"{a}÷{neg(b)}\n{div(abs(a), abs(b))}\n{a}÷{neg(b)}={q}"


def dec(cents, places=2):
    """cents·10^-places as a decimal without superfluous zeros."""
    sign = "-" if cents < 0 else ""
    s = str(abs(cents)).zfill(places + 1)
    whole, frac = s[:-places], s[-places:].rstrip("0")
    return sign + (f"{whole}.{frac}" if frac else whole)
