#!/bin/sh
# usage: scripts/test_counts.sh LOG STATUS      what a test run's last line of counts says: "PASSED FAILED SKIPPED"
#   LOG     what it printed; STATUS  how it ended
#
# A run that ends badly without a failed case (a crash, a leak found at exit) is a failure too, and so is one without a
# line of counts.
set -u
[ $# = 2 ] || { sed -n 2p "$0" | cut -c3- >&2; exit 2; }
counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$1" | tail -n 1)
[ -n "$counts" ] || counts="0 passed, 1 failed"
passed=$(echo "$counts" | sed -E 's/^([0-9]+) passed.*/\1/')
failed=$(echo "$counts" | sed -E 's/.* ([0-9]+) failed.*/\1/')
skipped=$(echo "$counts, 0 skipped" | sed -E 's/^[^,]*, [^,]*, ([0-9]+) skipped.*/\1/')
[ "$2" != 0 ] && [ "$failed" = 0 ] && failed=1
echo "$passed $failed $skipped"
