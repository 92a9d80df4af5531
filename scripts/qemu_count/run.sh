#!/bin/sh
# usage: scripts/qemu_count/run.sh MODEL.gguf [CPU] [N_PROMPT]      instructions of a prompt and of four tokens, under qemu
#
# Ours always (build/aarch64, whose library objects are linked with ours.cpp); llama.cpp's as well where
# LLAMA_ARM64 names a folder with its arm64 libraries, installed OUTSIDE this repository:
#   npm install --ignore-scripts --force --no-save @node-llama-cpp/linux-arm64
#   LLAMA_ARM64=node_modules/@node-llama-cpp/linux-arm64/bins/linux-arm64
# CPU: qemu's name of the processor (cortex-a76). N_PROMPT: tokens of the prompt (64). One thread each. "mark 1" is the
# prompt, "mark 2" to "mark 5" one token of text each; "mark 0", loading, means nothing.
set -eu
[ $# -ge 1 ] || { sed -n 2p "$0" | cut -c3- >&2; exit 2; }
model=$1 cpu=${2:-cortex-a76} n_prompt=${3:-64}
here=$(dirname "$0") root=$(dirname "$0")/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
${CC:-cc} -O2 -Wall -Wextra -shared -fPIC "$here/plugin.c" -o "$work/count.so"
count="env QEMU_CPU=$cpu qemu-aarch64 -plugin $work/count.so -d plugin"

objects=$(find "$root/build/aarch64" -name '*.o' ! -path '*/tests/*' ! -name main.o)
aarch64-linux-gnu-g++ -std=c++20 -O1 -I"$root" "$here/ours.cpp" $objects -static -pthread -o "$work/ours" \
    -L"$root/build/deps-aarch64/usr/lib/aarch64-linux-gnu" -l:libutf8proc.a
echo "ours:"
$count "$work/ours" "$model" "${KERNELS:-}" "$n_prompt" 2>&1 | grep '^mark'

[ -n "${LLAMA_ARM64:-}" ] || exit 0
aarch64-linux-gnu-gcc -O1 -Wall "$here/peer.c" -o "$work/peer" -L"$LLAMA_ARM64" $(cd "$LLAMA_ARM64" && ls libllama.v*.so libggml.v*.so libggml-base.so | sed 's/^/-l:/') \
    -Wl,--allow-shlib-undefined
echo "llama.cpp:"
$count -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$LLAMA_ARM64" "$work/peer" "$model" "$LLAMA_ARM64" "$n_prompt" 2>&1 | grep '^mark'
