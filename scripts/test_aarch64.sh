#!/bin/sh
# usage: scripts/test_aarch64.sh CPU...      runs the tests of build/aarch64 on each processor, under qemu unless this is one
#
# The first CPU runs kernels, engine and golden logits, the others the kernels; ARGS picks other tests of those folders
# for all (ARGS="[quant],[engine],[golden]" runs everything everywhere). The command line is left to `make test` on a
# machine of its own: under emulation its runs outlast their time limits. The last line sums up as the test program's
# own does.
set -u
cd "$(dirname "$0")/.." || exit 1
log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log".status' EXIT
qemu=qemu-aarch64-static
case $(uname -m) in aarch64 | arm64) qemu="" && set -- native ;; esac
passed=0 failed=0 skipped=0
tests=${ARGS:-[quant],[engine],[golden],[threads]}
for cpu in "$@"; do
    echo "== $cpu"
    {
        QEMU_CPU=$cpu DISTILL_BIN=scripts/qemu_distill.sh $qemu build/aarch64/tests/some "$tests" 2>&1
        echo $? > "$log".status
    } | tee "$log"
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
    [ -n "$counts" ] || counts="0 passed, 0 failed"
    new_failed=$(echo "$counts" | sed -E 's/.* ([0-9]+) failed.*/\1/')
    # A run that ends badly without a failed case is a failure too.
    [ "$(cat "$log".status)" != 0 ] && [ "$new_failed" = 0 ] && new_failed=1
    passed=$((passed + $(echo "$counts" | sed -E 's/^([0-9]+) passed.*/\1/')))
    failed=$((failed + new_failed))
    tests=${ARGS:-[quant],[threads]}
    skipped=$((skipped + $(echo "$counts, 0 skipped" | sed -E 's/^[^,]*, [^,]*, ([0-9]+) skipped.*/\1/')))
done
summary="$passed passed, $failed failed"
[ "$skipped" = 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
