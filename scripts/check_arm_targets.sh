#!/bin/sh
# usage: scripts/check_arm_targets.sh [--quick] [FILE...]      the integer kernels of ARM, compiled for Apple's and Android's systems
#   FILE  of quant/kernels: neon.cpp, neon_dotprod.cpp, neon_i8mm.cpp; all three if none is given, about a minute each
#   --quick  object code in which nothing is inlined or optimised, a third of the time
#
# To object code by clang, freestanding and with neither a C library nor a C++ one to be found: what those files include is <stdint.h>,
# <stddef.h>, <arm_neon.h> (all the compiler's own) and our headers. Nothing is linked and nothing runs.
# Exit status 77: no clang that knows these targets.
set -u
cd "$(dirname "$0")/.." || exit 1
clang=""
for name in ${CLANG:-clang-21 clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 clang}; do
    command -v "$name" >/dev/null 2>&1 || continue
    echo 'int x;' | "$name" --target=arm64-apple-macos11 -x c -c -o /dev/null - 2>/dev/null && clang=$name && break
done
optimise="-O1"  # without it hundreds of inlined calls make functions that take many minutes
[ "${1:-}" = --quick ] && optimise="-O1 -Xclang -disable-llvm-passes" && shift
[ -n "$clang" ] || { echo "skipped: check_arm_targets needs a clang with ARM's targets (Debian: clang-19)"; exit 77; }
[ $# -gt 0 ] || set -- neon.cpp neon_dotprod.cpp neon_i8mm.cpp
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# compile FILE TARGET [FLAG]: one line of what came out, and a file $work/failed if it is not good.
compile() {
    log=$work/$1.$2.log
    object=$work/$1.$2.o
    if "$clang" --target="$2" -std=c++20 $optimise -ffreestanding -nostdinc++ -nostdlibinc -fno-exceptions -fno-rtti \
        -ffp-contract=off -fno-trapping-math -DNDEBUG -Wall -Wextra -Wconversion -Wsign-conversion -Werror -I. $3 \
        -H -c -o "$object" "quant/kernels/$1" 2>"$log"; then
        # Every header in use is ours or one of the compiler's own.
        foreign=$(sed -n 's/^\.\.* //p' "$log" | grep -v '^\./quant/' |
            grep -v '/lib/clang/[^/]*/include/\(stdint\|stddef\|__stddef_[a-z_]*\|arm_neon\|arm_bf16\|arm_vector_types\)\.h$' | sort -u)
        [ -z "$foreign" ] && echo "$2: $1, $(wc -c <"$object") bytes by $clang" && return
        echo "check_arm_targets: $1 includes for $2:" $foreign >&2
    else
        echo "check_arm_targets: $1 does not compile for $2:" >&2
        grep -v '^\.\.* ' "$log" | head -n 20 >&2
    fi
    : >"$work/failed"
}

for file in "$@"; do
    case $file in
        neon.cpp) isa="" ;;
        neon_dotprod.cpp) isa="-march=armv8.2-a+dotprod+fp16" ;;
        neon_i8mm.cpp) isa="-march=armv8.2-a+dotprod+i8mm+fp16" ;;
        *) echo "check_arm_targets: no flags known for $file" >&2; exit 2 ;;
    esac
    for target in arm64-apple-macos11 aarch64-linux-android21; do compile "$file" $target "$isa" & done
    wait
done
[ ! -e "$work/failed" ]
