#!/bin/sh
# usage: scripts/check_isa_leaks.sh [BUILD]      BUILD: a folder of objects, build/release if not given
#
# Fails when an ISA object (quant/kernels/avx*.o and amx.o; of ARM's those that need more than ARMv8.0) defines a weak symbol that
# another object defines as well: the linker keeps one copy of it for all, perhaps the one with instructions that this
# CPU does not have.
set -u
build=${1:-build/release}
isa_objects=$(find "$build/quant/kernels" -name 'avx*.o' -o -name 'amx.o' -o -name 'neon_dotprod.o' -o -name 'neon_i8mm.o' 2>/dev/null | sort)
[ -n "$isa_objects" ] || { echo "check_isa_leaks: no ISA object under $build/quant/kernels" >&2; exit 1; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# DW.ref.* are data, the same in every object.
weak() { nm --defined-only "$1" | awk '$2 ~ /^[WwVvu]$/ && $3 !~ /^DW\.ref\./ { print $3 }' | sort -u; }

leaks=0
for isa in $isa_objects; do
    weak "$isa" > "$work/isa"
    [ -s "$work/isa" ] || continue
    for other in $(find "$build" -name '*.o' ! -path "$isa"); do
        nm --defined-only "$other" | awk 'NF == 3 { print $3 }' | sort -u > "$work/other"
        comm -12 "$work/isa" "$work/other" > "$work/both"
        if [ -s "$work/both" ]; then
            leaks=$((leaks + 1))
            echo "leak: $isa and $other both define:"
            head -n 5 "$work/both" | c++filt | sed 's/^/    /'
        fi
    done
done
if [ "$leaks" -gt 0 ]; then
    echo "check_isa_leaks: $leaks pairs of objects share a weak symbol with an ISA file"
    exit 1
fi
echo "check_isa_leaks: $(echo "$isa_objects" | wc -l) ISA objects share no weak symbol with another object"
