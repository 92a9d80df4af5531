#!/bin/sh
# usage: scripts/mca.sh [OBJECT [CPU...]]      static analysis of the NEON kernels' inner loops by llvm-mca
#   OBJECT  an object with kernels, build/aarch64/quant/kernels/neon_dotprod.o if not given
#   CPU     LLVM's names: neoverse-n1 (the server's Cortex-A76) and apple-m1 if none is given
#
# For each loop: cycles for one turn as LLVM's model of the processor has it, all data in the first-level cache, beside the
# bound of the multiply pipes (dot products, multiplications and multiply-adds at what the core can start in a cycle), the
# bound of the same pipes by all that has to pass them (unpacking weights and conversions as well), and multiply-adds per
# cycle. Loops for many tokens know formats by what they need to know: a sum for 32 columns or for 16, how many
# of them one integer holds, a minimum or none. A model of a processor, not a measurement: a bound to work towards.
set -u
cd "$(dirname "$0")/.." || exit 1
object=${1:-build/aarch64/quant/kernels/neon_dotprod.o}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- neoverse-n1 apple-m1
mca=""
# Older ones model neoverse-n1 as Cortex-A57.
for version in 21 20 19 18 17 16; do command -v llvm-mca-$version >/dev/null && mca=llvm-mca-$version && break; done
objdump=aarch64-linux-gnu-objdump
command -v $objdump >/dev/null || objdump=objdump
if [ -z "$mca" ] || ! command -v python3 >/dev/null; then
    echo "mca: needs llvm-mca of LLVM 16 or newer (Debian: llvm-19) and python3" >&2
    exit 1
fi
[ -f "$object" ] || { echo "mca: no $object; make aarch64 builds it" >&2; exit 1; }

$objdump -dC --no-show-raw-insn "$object" | python3 -c '
import re, subprocess, sys

mca, cpus = sys.argv[1], sys.argv[2:]
MULTIPLY = re.compile(r"^(sdot|usdot|udot|smmla|smull2?|smlal2?|mul|mla|sqrdmulh|fmul|fmla|fmls)$")
DOT = re.compile(r"^(sdot|usdot|udot|smmla|smull2?|smlal2?)$")
PER_DOT = {"sdot": 16, "usdot": 16, "smmla": 32, "smull": 8, "smull2": 8, "smlal": 8, "smlal2": 8}
PIPES = {"neoverse-n1": 2, "cortex-a76": 2, "apple-m1": 4, "neoverse-v1": 4, "neoverse-v2": 4, "neoverse-n2": 2}
functions, name = {}, None
for line in sys.stdin:
    if m := re.match(r"^[0-9a-f]+ <(.*)>:$", line):
        name = m.group(1)
        functions[name] = []
    elif (m := re.match(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$", line)) and name:
        functions[name].append((int(m.group(1), 16), m.group(2), m.group(3)))
print("%-48s %-12s %6s %6s %8s %8s %6s %8s %6s %8s" % ("loop", "cpu", "instr", "dots", "cycles", "bound", "ratio", "pipes", "ratio", "MAC/cyc"))
for name, code in functions.items():
    few = re.search(r"few_rows<[^,]*, [^,]*Kernel(\w+)<.*>, (\d+)ul>", name)
    many = re.search(r"tokens<[^,]*, [^,]*Loop<(\w+), (\d)ul, (\d+)ul, (-?\d), \w+>, (\d+)ul>", name)
    fractions = re.search(r"fractions<[^,]*, (\d+)ul>", name)
    if not few and not many and not fractions: continue
    if fractions: label = "Q4_0, two blocks, tokens: " + fractions.group(1)
    elif few: label = "%s, tokens: %s" % few.groups()
    else:
        whole, scales, at_once, minimum, tokens = many.groups()
        label = "%s of %d, %s at once%s, tokens: %s" % ("sums" if whole == "true" else "32-column sums", 32 // int(scales), at_once,
                                                   "" if minimum == "0" else ", minima", tokens)
    # Innermost loops with dot products: a branch back over code that holds no other such loop. A branch without a condition
    # counts where another one in that code goes to right behind it, which is how such a loop ends; what comes back from rare
    # code behind the function has none, as a rule.
    target_of = {at: int(m.group(1), 16) for at, op, args in code
                 if (op == "b" or op.startswith(("b.", "cb", "tb"))) and (m := re.match(r"(?:\w+, )?(?:#\d+, )?([0-9a-f]+) <", args))}
    loops = []
    for at, op, _ in code:
        first = target_of.get(at, at + 4)
        if not code[0][0] <= first <= at: continue
        body = [c for c in code if first <= c[0] <= at]
        if op == "b" and not any(target_of.get(c[0]) == at + 4 for c in body): continue
        if sum(bool(DOT.match(c[1])) for c in body) >= 16: loops.append((first, at, body))
    inner = [l for l in loops if not any(o is not l and l[0] <= o[0] and o[1] <= l[1] and o[1] - o[0] < l[1] - l[0] for o in loops)]
    for first, last, body in inner:
        text = []
        for _, op, args in body:
            if op.startswith(("b.", "cb", "tb")) or op in ("b", "bl", "adrp", "adr", "nop", "ret"): continue
            text.append(op + " " + re.sub(r"\s*//.*", "", args))
        dots = [c[1] for c in body if DOT.match(c[1])]
        if any(d.endswith(("dot", "mmla")) for d in dots): dots = [d for d in dots if d.endswith(("dot", "mmla"))]  # the others scale
        macs = sum(PER_DOT.get(d, 16) for d in dots)
        multiplies = sum(bool(MULTIPLY.match(c[1])) and c[2].startswith("v") for c in body)
        for cpu in cpus:
            run = subprocess.run([mca, "-mtriple=aarch64-linux-gnu", "-mcpu=" + cpu, "-mattr=+dotprod,+i8mm,+fullfp16",
                                  "-iterations=100", "-instruction-tables=false", "-"], input="\n".join(text) + "\n",
                                 capture_output=True, text=True)
            total = re.search(r"Total Cycles:\s+(\d+)", run.stdout)
            if not total:
                print("mca:", name[:80], cpu, run.stderr.strip()[:200], file=sys.stderr)
                sys.exit(1)
            cycles, bound = int(total.group(1)) / 100, multiplies / PIPES.get(cpu, 2)
            names = dict(re.findall(r"^(\[[\d.]+\])\s+- (\S+)$", run.stdout, re.M))
            table = re.search(r"Resource pressure per iteration:\n(.*)\n(.*)\n", run.stdout)
            passing = [float(v) if v != "-" else 0 for name, v in zip(table.group(1).split(), table.group(2).split())
                       if re.search(r"UnitV\d*$", names[name])]
            # Other models name their pipes otherwise.
            pipes = "%8.1f" % (sum(passing) / len(passing)) if passing else "-"
            full = "%6.2f" % (cycles * len(passing) / sum(passing)) if passing else "-"
            print("%-48s %-12s %6d %6d %8.1f %8.1f %6.2f %8s %6s %8.1f" % (label, cpu, len(body), len(dots), cycles, bound, cycles / bound,
                                                                  pipes, full, macs / cycles))
' "$mca" "$@"
