"""Golden numbers for the readers of src/format: what NumPy, safetensors and gensim read.

    python3 tools/golden/formats.py DATA > tests/golden/formats.txt

DATA is the folder of real files that tests find under EMBSCOPE_TEST_DATA. One line a tensor, fields
by tabs: root (data or source), path, tensor, shape, sum of all components added one by one in
float64, first and last component (hexadecimal floats), and for word vectors the first and last key
and the bytes of all keys (hexadecimal).
"""

import os
import platform
import sys

import gensim
import numpy
import safetensors
from gensim.models import KeyedVectors

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def line(root, path, name, array, keys=None):
    flat = numpy.ascontiguousarray(array).reshape(-1).astype(numpy.float64)
    fields = [root, path, name, "x".join(map(str, array.shape)) or "-"]
    fields.append(float(numpy.add.accumulate(flat)[-1]).hex())
    fields += [float(flat[0]).hex(), float(flat[-1]).hex()]
    if keys:
        raw = [key.encode("utf-8", "surrogateescape") for key in keys]
        fields += [raw[0].hex(), raw[-1].hex(), str(sum(map(len, raw)))]
    print("\t".join(fields))


def arrays(root, folder, path):
    loaded = numpy.load(os.path.join(folder, path))
    if isinstance(loaded, numpy.ndarray):
        line(root, path, "", loaded)
        return
    for name in loaded.files:
        line(root, path, name, loaded[name])


def tensors(root, folder, path):
    with safetensors.safe_open(os.path.join(folder, path), "numpy") as opened:
        for name in opened.keys():
            line(root, path, name, opened.get_tensor(name))


def words(root, folder, path, binary=False, header=True):
    loaded = KeyedVectors.load_word2vec_format(
        os.path.join(folder, path), binary=binary, no_header=not header,
        unicode_errors="surrogateescape")
    line(root, path, "", loaded.vectors, loaded.index_to_key)


def main(data):
    print("# numpy %s, safetensors %s, gensim %s, Python %s" % (
        numpy.__version__, safetensors.__version__, gensim.__version__,
        platform.python_version()))
    arrays("data", data, "gpt2/wpe.npy")
    arrays("data", data, "gpt2/wte_rows.npy")
    for name in "word-vectors/euclidean_vectors.bin", "word-vectors/googlenews-8000x300.bin", \
            "word-vectors/high_precision.kv.bin":
        words("data", data, name, binary=True)
    for name in "word-vectors/crime-and-punishment.vec", "word-vectors/high_precision.kv.txt", \
            "word-vectors/lee_fasttext.vec":
        words("data", data, name)
    words("data", data, "word-vectors/test_glove.txt", header=False)
    corpus = "tests/fuzz/corpus/"
    for name in "f2 f4 f8 f4_big f4_fortran cube_fortran vector scalar version2 version3".split():
        arrays("source", SOURCE, corpus + "npy/" + name)
    for name in "stored deflated zeros descriptor zip64_extra zip64".split():
        arrays("source", SOURCE, corpus + "npz/" + name)
    for name in "three metadata".split():
        tensors("source", SOURCE, corpus + "safetensors/" + name)
    for name in "word2vec_text", "fasttext":
        words("source", SOURCE, corpus + "word_vectors/" + name)
    words("source", SOURCE, corpus + "word_vectors/glove", header=False)
    for name in "binary", "binary_lines":
        words("source", SOURCE, corpus + "word_vectors/" + name, binary=True)


main(sys.argv[1])
