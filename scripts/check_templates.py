#!/usr/bin/env python3
"""Compares `distill template --jsonl` with Jinja2 in the environment of Hugging Face, row by row.

usage: check_templates.py DISTILL ROWS.jsonl      (needs python3-jinja2)

A row has "template" and what it is given: messages, tools, add_generation_prompt, bos_token, eos_token, extra. Same text,
or an error on both sides, is right. Integers beyond 64 bits, sets and complex numbers are errors only here.
"""
import datetime
import json
import os
import subprocess
import sys

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = 1767323045


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def strftime_now(form):
    return datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).replace(tzinfo=None).strftime(form)


def reference(env, row):
    given = {k: row[k] for k in ("bos_token", "eos_token") if k in row}
    given |= {"messages": row["messages"], "tools": row.get("tools"),
              "add_generation_prompt": row.get("add_generation_prompt", False)} | row.get("extra", {})
    try:
        return env.from_string(row["template"]).render(**given)
    except Exception as error:  # whatever Jinja2 or Python raises
        return error


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    env.filters["tojson"] = tojson
    env.globals |= {"raise_exception": raise_exception, "strftime_now": strftime_now}
    with open(sys.argv[2]) as file:
        lines = file.read().splitlines()
    answers = subprocess.run([sys.argv[1], "template", "--jsonl"], input="\n".join(lines), text=True, check=True,
                             stdout=subprocess.PIPE, env=os.environ | {"SOURCE_DATE_EPOCH": str(NOW)}).stdout.splitlines()
    wrong = 0
    for line, answer in zip(lines, map(json.loads, answers), strict=True):
        row = json.loads(line)
        want = reference(env, row)
        right = "error" in answer if isinstance(want, Exception) else answer.get("text") == want
        if not right:
            wrong += 1
            print(f"{row['template']!r}\n  want {want!r}\n  got  {answer}")
    print(f"{len(lines) - wrong} of {len(lines)} rows as Jinja2 has them")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
