#!/usr/bin/env bash
# Everything from a clean checkout to the GGUF, on a machine with a GPU, PyTorch 2.10 or later and numpy.
# Usage: scripts/demo_model/train_all.sh [OUT_DIR] [SECONDS_OF_TRAINING] [further arguments of train.py]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-.demo}
seconds=${2:-520}
shift $(( $# > 2 ? 2 : $# ))
mkdir -p "$out"
workers=$(( $(nproc) > 2 ? $(nproc) - 2 : 1 ))
python3 "$here/check_data.py" 200
tokenizer=$here/tokenizer.json
[ -f "$tokenizer" ] || { tokenizer=$out/tokenizer.json; python3 "$here/tokenizer.py" "$tokenizer" 1536 60000 7; }
python3 "$here/check_tokenizer.py" "$tokenizer" 2000
python3 "$here/evaluate.py" heldout "$out/heldout.jsonl" 40 2026
python3 "$here/train.py" "$out" "$tokenizer" --steps 1000000 --seconds "$seconds" --workers "$workers" \
    --heldout "$out/heldout.jsonl" "$@"
python3 "$here/export_gguf.py" "$out" "$tokenizer" "$out/demo-f16.gguf" f16
