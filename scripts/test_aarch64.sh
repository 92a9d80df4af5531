#!/bin/sh
# usage: scripts/test_aarch64.sh CPU...      runs build/aarch64/tests/all as each processor, side by side, under qemu unless this is one
#
# ARGS="[quant]" picks some of the tests, ARGS="[slow]~[.]" the slow ones without a hidden one that takes an hour.
# DISTILL_PATIENCE: limits of time are this many times as long, 5 under emulation. The last line sums up as the test
# program's own does.
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
    counts=$(scripts/test_counts.sh "$logs/$cpu" "$(cat "$logs/$cpu.status")")
    passed=$((passed + ${counts%% *})) skipped=$((skipped + ${counts##* }))
    counts=${counts#* } failed=$((failed + ${counts%% *}))
done
summary="$passed passed, $failed failed"
[ "$skipped" = 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
