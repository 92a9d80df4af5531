#!/usr/bin/env bash
# The whole training path in about a minute on a CPU, with a tiny model that learns nothing: data self-test, tokenizer,
# a few steps, scoring, export. Without PyTorch only the parts that need none run, and it says what it skipped.
# Usage: scripts/demo_model/smoke.sh [OUT_DIR]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$(mktemp -d)}
python=${PYTHON:-python3}
mkdir -p "$out"
"$python" "$here/check_data.py" 60
"$python" "$here/tokenizer.py" "$out/tokenizer.json" 700 3000 7
"$python" "$here/check_tokenizer.py" "$out/tokenizer.json" 300
"$python" "$here/evaluate.py" heldout "$out/heldout.jsonl" 2 2026
"$python" "$here/evaluate.py" heldout "$out/shipped.jsonl" 40 2026
cmp "$out/shipped.jsonl" "$here/../../tests/demo/heldout.jsonl"  # the shipped set is what the generator makes
if ! "$python" -c 'import numpy, torch' 2>/dev/null; then
    echo "skipped: training, scoring and export need PyTorch and numpy, which this Python does not have"
    exit 0
fi
"$python" "$here/train.py" "$out" "$out/tokenizer.json" --config smoke --steps 12 --rows 1 --workers 1 --dev-at 0.8 \
    --dev-per-kind 1 --max-new 24 --heldout "$out/heldout.jsonl"
"$python" "$here/export_gguf.py" "$out" "$out/tokenizer.json" "$out/smoke-f16.gguf" f16
echo "smoke run passed: $out"
