#!/bin/sh
# usage: scripts/run_demo.sh [MODEL.gguf [PROMPT]]
#
# What `make run` shows: one answer by ./distill. Without a model it takes our own small one (models/, trained by
# scripts/demo_model), greedily and with its thinking shown.
set -eu
cd "$(dirname "$0")/.."
model=${1:-}
prompt=${2:-}
if [ -z "$model" ]; then
    model=models/demo-Q8_0.gguf
    prompt=${prompt:-A cage holds chickens and rabbits: 35 heads and 94 feet. How many of each?}
    echo "\$ ./distill -m $model --temp 0 --think-show full -p \"$prompt\""
    exec ./distill -m "$model" --temp 0 --think-show full -p "$prompt" </dev/null
fi
prompt=${prompt:-What is 17 times 23?}
echo "\$ ./distill -m $model -p \"$prompt\""
exec ./distill -m "$model" -p "$prompt" </dev/null
