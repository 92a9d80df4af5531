"""Shows that no test problem is trained on: draws training problems as the workers do, and intersects them with the shipped
held-out set, by canonical problem (kind and parameters) and by question text; no unseen wording may have been used either.

Usage: python3 check_split.py HELDOUT.jsonl [TRAINING_PROBLEMS] [SEED]    the set must be the one of `evaluate.py heldout`
"""
import json
import random
import sys

import evaluate
import problems

SET_SEED = 2026  # of the shipped set, 40 problems a kind and language


def main():
    shipped = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 200000
    r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 5)
    again = evaluate.held_out(40, SET_SEED, with_keys=True)
    if [x["question"] for x in again] != [x["question"] for x in shipped]:
        print("the set is not what the generator makes with its seed")
        return 1
    keys = {(x["kind"], x["key"]) for x in again if x["kind"] != "who"}
    questions = {x["question"].strip() for x in again}
    table = problems.kind_table()
    same_key = same_question = 0
    for _ in range(n):
        kind, zh = problems.draw_kind(r, *table)
        q, _, _, _, key = problems.draw(r, kind, zh)
        same_key += (kind, key) in keys
        same_question += q.strip() in questions
    print(f"{n} training problems against {len(shipped)} held-out ones: {same_key} same problems, {same_question} same questions")
    return 1 if same_key or same_question else 0


if __name__ == "__main__":
    sys.exit(main())
