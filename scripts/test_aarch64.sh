#!/bin/sh
# usage: scripts/test_aarch64.sh CPU...      runs build/aarch64/tests/all as each processor, side by side, under qemu unless this is one
#
# ARGS="[quant]" picks some of the tests. DISTILL_PATIENCE: limits of time are this many times as long, 5 under
# emulation. The last line sums up as the test program's own does.
set -u
cd "$(dirname "$0")/.." || exit 1
logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
trap 'trap "" INT TERM; kill 0; exit 130' INT TERM
qemu=qemu-aarch64-static patience=5
case $(uname -m) in aarch64 | arm64) qemu="" patience=1 && set -- native ;; esac
export DISTILL_PATIENCE="${DISTILL_PATIENCE:-$patience}"
for cpu in "$@"; do
    {
        QEMU_CPU=$cpu DISTILL_BIN=scripts/qemu_distill.sh $qemu build/aarch64/tests/all ${ARGS:+"$ARGS"} 2>&1
        echo $? >"$logs/$cpu.status"
    } | tee "$logs/$cpu" | sed -u "s/^/$cpu: /" &
done
wait
passed=0 failed=0 skipped=0
for cpu in "$@"; do
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$logs/$cpu" | tail -n 1)
    [ -n "$counts" ] || counts="0 passed, 0 failed"
    new_failed=$(echo "$counts" | sed -E 's/.* ([0-9]+) failed.*/\1/')
    # A run that ends badly without a failed case is a failure too.
    [ "$(cat "$logs/$cpu.status")" != 0 ] && [ "$new_failed" = 0 ] && new_failed=1
    passed=$((passed + $(echo "$counts" | sed -E 's/^([0-9]+) passed.*/\1/')))
    failed=$((failed + new_failed))
    skipped=$((skipped + $(echo "$counts, 0 skipped" | sed -E 's/^[^,]*, [^,]*, ([0-9]+) skipped.*/\1/')))
done
summary="$passed passed, $failed failed"
[ "$skipped" = 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
