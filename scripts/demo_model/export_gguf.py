"""Writes the trained weights as a GGUF (F16 matrices, F32 vectors) with tokenizer and the chat template of the R1 distills.

Usage: python3 export_gguf.py WEIGHTS_DIR TOKENIZER.json OUT.gguf [f16|f32]
"""
import struct
import sys

import numpy as np

from tokenizer import BYTE, CONTROL, Tokenizer
from train import read_weights

CONTEXT = 2048
ALIGN = 32
U32, F32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9

TEMPLATE = (
    "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
    "{% set ns = namespace(system_prompt='') %}"
    "{% for message in messages %}{% if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{% endif %}{% endfor %}"
    "{{ bos_token }}{{ ns.system_prompt }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}{% endif %}"
    "{% if message['role'] == 'assistant' and message['content'] %}{% set content = message['content'] %}"
    "{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}"
    "{{ '<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '\\n</think>\\n\\n' }}{% endif %}{% endif %}")


def string(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def value(kind, v):
    if kind == STRING:
        return string(v)
    return struct.pack({U32: "<I", F32: "<f", BOOL: "<?"}[kind], v)


def strings(items):
    return struct.pack("<IQ", STRING, len(items)) + b"".join(map(string, items))


def main():
    folder, tokenizer_path, out = sys.argv[1:4]
    f16 = (sys.argv[4] if len(sys.argv) > 4 else "f16") == "f16"
    arrays = read_weights(folder)
    tokenizer = Tokenizer(tokenizer_path)
    n_layers = 1 + max(int(n.split(".")[1]) for n in arrays if n.startswith("blk."))
    d_model = arrays["token_embd.weight"].shape[1]
    head_dim = 64 if d_model > 64 else 32
    shown = lambda b: "".join(BYTE[x] for x in b)
    tokens = [t if isinstance(t, str) else shown(t) for t in tokenizer.tokens]
    # BOS and EOS are control tokens, the other markers user-defined ones, as in the R1 distills' files.
    types = [1] * 256 + [3, 3] + [4] * (len(CONTROL) - 2) + [1] * len(tokenizer.merges)

    meta = [
        ("general.architecture", STRING, "qwen2"), ("general.name", STRING, "distill demo"),
        ("general.description", STRING, "Small built-in demo model of distill, trained from scratch on generated math problems"),
        ("general.file_type", U32, 1 if f16 else 0), ("general.quantization_version", U32, 2),
        ("general.sampling.temp", F32, 0.0),  # sums have one right answer
        ("qwen2.context_length", U32, CONTEXT), ("qwen2.embedding_length", U32, d_model), ("qwen2.block_count", U32, n_layers),
        ("qwen2.feed_forward_length", U32, arrays["blk.0.ffn_up.weight"].shape[0]),
        ("qwen2.attention.head_count", U32, d_model // head_dim),
        ("qwen2.attention.head_count_kv", U32, arrays["blk.0.attn_k.weight"].shape[0] // head_dim),
        ("qwen2.rope.freq_base", F32, 10000.0), ("qwen2.attention.layer_norm_rms_epsilon", F32, 1e-6),
        ("tokenizer.ggml.model", STRING, "gpt2"), ("tokenizer.ggml.pre", STRING, "deepseek-r1-qwen"),
        ("tokenizer.ggml.tokens", ARRAY, strings(tokens)),
        ("tokenizer.ggml.token_type", ARRAY, struct.pack("<IQ", 5, len(types)) + struct.pack(f"<{len(types)}i", *types)),
        ("tokenizer.ggml.merges", ARRAY, strings([f"{shown(a)} {shown(b)}" for a, b in tokenizer.merges])),
        ("tokenizer.ggml.bos_token_id", U32, tokenizer.control["bos"]), ("tokenizer.ggml.eos_token_id", U32, tokenizer.control["eos"]),
        ("tokenizer.ggml.padding_token_id", U32, tokenizer.control["eos"]),
        ("tokenizer.ggml.add_bos_token", BOOL, True), ("tokenizer.ggml.add_eos_token", BOOL, False),
        ("tokenizer.chat_template", STRING, TEMPLATE),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(arrays), len(meta))
    for key, kind, v in meta:
        head += string(key) + struct.pack("<I", kind) + (v if kind == ARRAY else value(kind, v))
    data, offset = [], 0
    for name, w in arrays.items():
        half = f16 and w.ndim == 2
        raw = np.ascontiguousarray(w, dtype=np.float16 if half else np.float32).tobytes()
        shape = w.shape[::-1]  # GGUF: the contiguous dimension first
        head += string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape) + struct.pack("<IQ", 1 if half else 0, offset)
        pad = -len(raw) % ALIGN
        data.append(raw + b"\0" * pad)
        offset += len(raw) + pad
    with open(out, "wb") as f:
        f.write(head + b"\0" * (-len(head) % ALIGN) + b"".join(data))
    print(f"{out}: {len(arrays)} tensors, {sum(w.size for w in arrays.values())} weights, {len(head) + offset} bytes")


if __name__ == "__main__":
    main()
