#!/bin/sh
# usage: scripts/run_demo.sh [MODEL.gguf [PROMPT]]
#
# What `make run` shows: one answer by ./distill. Without a model the built-in one answers, greedily and with its thinking
# shown.
set -eu
cd "$(dirname "$0")/.."
model=${1:-}
prompt=${2:-A cage holds chickens and rabbits: 35 heads and 94 feet. How many of each?}
if [ -z "$model" ]; then
    echo "\$ ./distill --temp 0 --think-show full -p \"$prompt\""
    exec ./distill --temp 0 --think-show full -p "$prompt" </dev/null
fi
echo "\$ ./distill -m $model -p \"$prompt\""
exec ./distill -m "$model" -p "$prompt" </dev/null
