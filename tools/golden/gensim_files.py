#!/usr/bin/env python3
"""Word vectors as gensim itself writes them: tests/golden/gensim.bin and gensim.vec.

    python3 tools/golden/gensim_files.py tests/golden
    python3 tools/golden/gensim_files.py --read PROGRAM MODEL

The first makes the two files (with gensim 4.4.0 and NumPy 2.4.6); test_export.c holds ours to them,
to the byte. No component is a whole number: gensim's text says 1.0 for it, ours 1.

The second exports MODEL in every format and reads what was written with gensim, safetensors and
NumPy: as many rows and the same keys and numbers from all, or it says what differs.
"""
import os
import subprocess
import sys
import tempfile

import gensim
import numpy
from gensim.models import KeyedVectors

KEYS = ["the", "\u0120cat", "na\u00efve", "\u65e5\u672c", "##ing", "-0.5", "12", "</s>", "a" * 40]


def make(folder):
    print(f"gensim {gensim.__version__}, NumPy {numpy.__version__}")
    random = numpy.random.RandomState(11)
    scale = numpy.exp2(random.randint(-20, 9, (len(KEYS), 7)))
    vectors = KeyedVectors(7)
    vectors.add_vectors(KEYS, (random.standard_normal(scale.shape) * scale).astype(numpy.float32))
    vectors.save_word2vec_format(os.path.join(folder, "gensim.bin"), binary=True)
    vectors.save_word2vec_format(os.path.join(folder, "gensim.vec"), binary=False)


def read(program, model):
    from safetensors.numpy import load_file
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in ("x.npy", "x.npz", "x.safetensors", "x.bin", "x.vec", "x.glove"):
            more = ["--format", "glove"] if name == "x.glove" else []
            subprocess.run([program, "export", model, "-o", name, "-q", "--dtype", "f32", *more],
                           check=True, stdout=subprocess.DEVNULL)
        rows = numpy.load("x.npy")
        archive = numpy.load("x.npz")
        keys = archive["tokens"].tolist()
        found = {"x.npz": (keys, archive["vectors"]),
                 "x.safetensors": (keys, load_file("x.safetensors")["vectors"])}
        for name, how in (("x.bin", {"binary": True}), ("x.vec", {}),
                          ("x.glove", {"no_header": True})):
            words = KeyedVectors.load_word2vec_format(name, **how)
            found[name] = words.index_to_key, words.vectors
        for name, (names, array) in found.items():
            equal = names == keys and numpy.array_equal(array, rows, equal_nan=True)
            print(f"{name}: {len(array)} rows, {'equal' if equal else 'DIFFERENT'}")


if __name__ == "__main__":
    if sys.argv[1] == "--read":
        read(os.path.abspath(sys.argv[2]),
             os.path.abspath(sys.argv[3]) if os.path.exists(sys.argv[3]) else sys.argv[3])
    else:
        make(sys.argv[1])
