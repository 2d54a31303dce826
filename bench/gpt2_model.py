#!/usr/bin/env python3
"""Write a GPT-2 of random weights, as large as the real one: something to time.

    gpt2_model.py FOLDER [--tokenizer FOLDER] [--layers 12] [--heads 12] [--width 768]

The sizes that are not given are those of GPT-2 124M: 50,257 rows, a context of 1,024, float32. With
--tokenizer, that folder's vocab.json and merges.txt are copied.
"""
import argparse
import json
import shutil
from pathlib import Path

import numpy

ROWS, CONTEXT = 50257, 1024


def tensors(layers, width):
    """(name, shape) in the order of the file."""
    yield "wte.weight", (ROWS, width)
    yield "wpe.weight", (CONTEXT, width)
    for i in range(layers):
        for name, shape in (
                ("ln_1.weight", (width,)), ("ln_1.bias", (width,)),
                ("attn.c_attn.weight", (width, 3 * width)), ("attn.c_attn.bias", (3 * width,)),
                ("attn.c_proj.weight", (width, width)), ("attn.c_proj.bias", (width,)),
                ("ln_2.weight", (width,)), ("ln_2.bias", (width,)),
                ("mlp.c_fc.weight", (width, 4 * width)), ("mlp.c_fc.bias", (4 * width,)),
                ("mlp.c_proj.weight", (4 * width, width)), ("mlp.c_proj.bias", (width,))):
            yield f"h.{i}.{name}", shape
    yield "ln_f.weight", (width,)
    yield "ln_f.bias", (width,)


def values(random, name, shape):
    """As GPT-2's weights start out: normal with deviation 0.02, LayerNorm's near 1."""
    drawn = random.standard_normal(shape, dtype=numpy.float32) * numpy.float32(0.02)
    return drawn + numpy.float32(1) if ".ln_" in f".{name}" and name.endswith("weight") else drawn


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": ROWS,
              "n_positions": CONTEXT, "n_embd": options.width, "n_layer": options.layers,
              "n_head": options.heads, "activation_function": "gelu_new",
              "layer_norm_epsilon": 1e-5, "bos_token_id": ROWS - 1, "eos_token_id": ROWS - 1}
    (options.folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in tensors(options.layers, options.width):
        begin, end = end, end + 4 * int(numpy.prod(shape))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    random = numpy.random.default_rng(1)
    with open(options.folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in tensors(options.layers, options.width):
            file.write(values(random, name, shape).tobytes())
    for name in ("vocab.json", "merges.txt") if options.tokenizer else ():
        shutil.copyfile(options.tokenizer / name, options.folder / name)


if __name__ == "__main__":
    main()
