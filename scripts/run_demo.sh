#!/bin/sh
# usage: scripts/run_demo.sh [MODEL.gguf [PROMPT]]
#
# What `make run` shows: one answer by ./distill. Without a model it takes the small trained model of the development
# data if that lies beside the tree, else a tiny one with random weights, made on the spot, whose text is noise.
set -eu
cd "$(dirname "$0")/.."
model=${1:-}
prompt=${2:-}
trained=${DISTILL_SHARED:-../shared}/models/trial-Q4_K_M.gguf

if [ -n "$model" ]; then
    prompt=${prompt:-What is 17 times 23?}
elif [ -f "$trained" ]; then
    model=$trained
    prompt=${prompt:-Solve 15x-24=-39.}
else
    model=build/tiny.gguf
    [ -f "$model" ] || build/release/make_tiny_model "$model"
    echo "No model was given (make run MODEL=file.gguf), so this one is tiny and its weights are random: the text is noise."
    prompt=${prompt:-Hello}
    echo "\$ ./distill -m $model --raw -n 48 -p \"$prompt\""
    exec ./distill -m "$model" --raw -n 48 -p "$prompt" </dev/null
fi
echo "\$ ./distill -m $model -p \"$prompt\""
exec ./distill -m "$model" -p "$prompt" </dev/null
