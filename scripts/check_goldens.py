#!/usr/bin/env python3
"""usage: check_goldens.py [--distill ./distill] [--goldens DIR] [--kernels NAME] [-t THREADS] [--bits] [NAME...]

Runs `distill logits` on the golden models and compares the last row with the exact logits recorded beside them: the
Kullback-Leibler divergence KL(exact || ours), against llama.cpp's own (peer_kl). Prints a table; exit status 1 when a
bound fails: on average over the quantised files at most llama.cpp's, no quantised file above three times its own,
F32/F16/BF16 below 1e-4. --bits also asks for the same bytes from 1, 2 and 5 threads. NAME: only these files.
DIR: ../shared/goldens, or else tests/golden/data. Standard library only.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from array import array

FLOAT_BOUND = 1e-4
WORST_RATIO = 3.0


def default_folder():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    shared = os.environ.get("DISTILL_SHARED", os.path.join(root, "..", "shared"))
    folder = os.path.join(shared, "goldens")
    return folder if os.path.isdir(folder) else os.path.join(root, "tests", "golden", "data")


def is_supported(name):
    """What runs today: the two architectures without stretched RoPE."""
    if "-yarn" in name or "-linear" in name:
        return False
    return name.startswith("small-qwen2-") or name.startswith("small-llama-")


def is_float(name):
    return name.endswith(("-F32", "-F16", "-BF16"))


def read_floats(path):
    values = array("f")
    with open(path, "rb") as f:
        values.frombytes(f.read())
    if sys.byteorder == "big":
        values.byteswap()
    return values


def log_sum_exp(xs):
    top = max(xs)
    return top + math.log(math.fsum(math.exp(x - top) for x in xs))


def divergence(exact, ours):
    """KL(exact || ours) in nats."""
    p, q = log_sum_exp(exact), log_sum_exp(ours)
    return math.fsum(math.exp(a - p) * ((a - p) - (b - q)) for a, b in zip(exact, ours))


def run_logits(distill, model, ids, kernels, threads, out):
    command = [distill, "logits", "-m", model, "--ids", ",".join(map(str, ids)), "-o", out, "-t", str(threads)]
    if kernels:
        command += ["--kernels", kernels]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"check_goldens: error: status {done.returncode} from {' '.join(command)}: "
                 + done.stderr.decode(errors="replace").strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--distill", default="./distill")
    parser.add_argument("--goldens", default=default_folder(), metavar="DIR")
    parser.add_argument("--kernels", default="")
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--bits", action="store_true")
    args = parser.parse_args()

    found = sorted(f[: -len(".ids.json")] for f in os.listdir(args.goldens) if f.endswith(".ids.json"))
    names = [n for n in found if (n in args.names if args.names else is_supported(n))]
    if not names:
        sys.exit(f"check_goldens: error: no golden files in {args.goldens}")

    failures, ours_all, peers_all = [], [], []
    print(f"{'file':28} {'KL':>10} {'peer_kl':>10} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "logits.f32")
        for name in names:
            base = os.path.join(args.goldens, name)
            with open(base + ".ids.json", encoding="utf-8") as f:
                golden = json.load(f)
            ids, n_vocab, peer = golden["ids"], golden["n_vocab"], golden["peer_kl"]
            whole = base + ".logits.f32"  # all rows; files in the tree keep the last one
            exact = read_floats(whole if os.path.exists(whole) else base + ".last_row.f32")[-n_vocab:]

            run_logits(args.distill, base + ".gguf", ids, args.kernels, args.threads, out)
            logits = read_floats(out)
            if len(logits) != len(ids) * n_vocab:
                failures.append(f"{name}: {len(logits)} logits, expected {len(ids)} rows of {n_vocab}")
                continue
            kl = divergence(exact, logits[-n_vocab:])
            good = kl < FLOAT_BOUND if is_float(name) else kl <= WORST_RATIO * peer
            if not good:  # NaN lands here too
                bound = FLOAT_BOUND if is_float(name) else WORST_RATIO * peer
                failures.append(f"{name}: KL {kl:.3g}, the bound is {bound:.3g}")
            if not is_float(name):
                ours_all.append(kl)
                peers_all.append(peer)
            if args.bits:
                with open(out, "rb") as f:
                    expected = f.read()
                for threads in (1, 2, 5):
                    run_logits(args.distill, base + ".gguf", ids, args.kernels, threads, out)
                    with open(out, "rb") as f:
                        if f.read() != expected:
                            failures.append(f"{name}: other bytes with {threads} threads than with {args.threads}")
            print(f"{name:28} {kl:10.3g} {peer:10.3g} {kl / peer:6.2f}{'' if good else '  FAIL'}")

    if ours_all:
        ours, peer = sum(ours_all) / len(ours_all), sum(peers_all) / len(peers_all)
        good = ours <= peer
        print(f"{'average, quantised':28} {ours:10.3g} {peer:10.3g} {ours / peer:6.2f}{'' if good else '  FAIL'}")
        if not good:
            failures.append(f"average KL {ours:.3g} is above llama.cpp's {peer:.3g}")
    for failure in failures:
        print(f"check_goldens: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
