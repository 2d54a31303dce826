"""The seeds of the fuzz targets: small files of every format, good and broken.

    python3 tools/golden/fuzz_corpus.py

writes tests/fuzz/corpus/. Made with NumPy 2.4.6 and safetensors 0.8.0 under Python 3.11. Inputs that a
fuzzer found are added by hand, under the names it gave them.
"""

import gzip
import io
import json
import os
import struct
import zipfile
import zlib

import numpy
from safetensors.numpy import save

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "..", "..", "tests", "fuzz", "corpus")
RANDOM = numpy.random.default_rng(1)
MATRIX = RANDOM.standard_normal((3, 4))
SINGLE = MATRIX.astype("<f4")


def put(target, name, data):
    os.makedirs(os.path.join(CORPUS, target), exist_ok=True)
    with open(os.path.join(CORPUS, target, name), "wb") as file:
        file.write(data)


def npy(array):
    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


def npy_header(header, data=b""):
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + data


def write_npy():
    cube = numpy.asfortranarray(RANDOM.standard_normal((2, 3, 2)).astype(">f8"))
    arrays = {
        "f4": SINGLE, "f8": MATRIX, "f2": MATRIX.astype("f2"), "f4_big": MATRIX.astype(">f4"),
        "f4_fortran": numpy.asfortranarray(SINGLE), "cube_fortran": cube, "vector": MATRIX[0],
        "scalar": numpy.float32(3), "empty": numpy.zeros((0, 4), "f4"), "i8": numpy.arange(4),
        "object": numpy.array([None, 1], object), "struct": numpy.zeros(2, [("a", "f4")]),
        "text": numpy.array(["ab", "c"])}
    for name, array in arrays.items():
        put("npy", name, npy(array))
    for major in 2, 3:
        file = io.BytesIO()
        numpy.lib.format.write_array(file, SINGLE, version=(major, 0))
        put("npy", "version%d" % major, file.getvalue())
    put("npy", "python2", npy_header(
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 2L), }\n", bytes(16)))
    put("npy", "huge_shape", npy_header(
        b"{'descr': '<f4', 'fortran_order': True, 'shape': (9223372036854775807,)}"))
    put("npy", "longer", npy(MATRIX) + b"more")
    put("npy", "shorter", npy(MATRIX)[:-5])


def tensors(header, data=b""):
    if not isinstance(header, bytes):
        header = json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def write_safetensors():
    def add(name, *arguments):
        put("safetensors", name, tensors(*arguments))
    three = {"a": SINGLE, "b": MATRIX.astype("f2"), "c": MATRIX}
    put("safetensors", "three", save(three))
    put("safetensors", "metadata", save({"wte": SINGLE}, metadata={"format": "pt"}))
    add("empty", {})
    add("bf16", {"x": tensor("BF16", [2, 2], 0, 8)}, bytes(range(8)))
    add("escapes", b'{"\\u00e9\\n\\ud83d\\ude00":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  ',
        bytes(4))
    add("zero", {"x": tensor("F32", [0, 9], 0, 0), "y": tensor("I64", [1], 0, 8)}, bytes(8))
    add("f4", {"x": tensor("F4", [4], 0, 2)}, bytes(2))
    add("overlap", {"x": tensor("U8", [4], 0, 4), "y": tensor("U8", [4], 2, 6)}, bytes(6))
    add("hole", {"x": tensor("U8", [4], 4, 8)}, bytes(8))
    add("overflow", {"x": tensor("F64", [1 << 32, 1 << 32], 0, 8)}, bytes(8))
    add("deep", b'{"x":{"y":' + b"[" * 200)
    put("safetensors", "too_large", struct.pack("<Q", 100000001) + b"{}")
    put("safetensors", "seven", b"1234567")


def saved(function, **arrays):
    file = io.BytesIO()
    function(file, **arrays)
    return file.getvalue()


def zipped(members, compression=zipfile.ZIP_STORED, comment=b"", zip64=False, file=None):
    file = file or io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.comment = comment
        for name, data in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = compression
            with archive.open(entry, "w", force_zip64=zip64) as member:
                member.write(data)
    return file.getvalue()


class Pipe(io.RawIOBase):
    """Cannot seek, so that zipfile writes data descriptors."""

    def __init__(self):
        super().__init__()
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)

    def getvalue(self):
        return bytes(self.data)


def zip64():
    """An archive with ZIP64 end records, which zipfile writes only when it must."""
    data, name, full = npy(SINGLE), b"a.npy", 0xFFFFFFFF
    crc = zlib.crc32(data)
    local = b"PK\3\4" + struct.pack("<5H3L2H", 45, 0, 0, 0, 0, crc, full, full, len(name), 20)
    local += name + struct.pack("<2H2Q", 1, 16, len(data), len(data)) + data
    entry = b"PK\1\2" + struct.pack("<6H3L5H2L", 45, 45, 0, 0, 0, 0, crc, full, full, len(name), 28,
                                    0, 0, 0, 0, full)
    entry += name + struct.pack("<2H3Q", 1, 24, len(data), len(data), 0)
    end = b"PK\6\6" + struct.pack("<Q2H2L4Q", 44, 45, 45, 0, 0, 1, 1, len(entry), len(local))
    end += b"PK\6\7" + struct.pack("<LQL", 0, len(local) + len(entry), 1)
    end += b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, full, full, 0)
    return local + entry + end


def write_npz():
    put("npz", "stored", saved(numpy.savez, a=SINGLE, b=MATRIX))
    put("npz", "deflated", saved(numpy.savez_compressed, a=SINGLE, b=numpy.asfortranarray(MATRIX)))
    put("npz", "object", saved(numpy.savez, a=MATRIX, o=numpy.array([None], object)))
    put("npz", "zeros", saved(numpy.savez_compressed, z=numpy.zeros((100, 100), "f4")))
    put("npz", "descriptor", zipped({"a.npy": npy(MATRIX)}, zipfile.ZIP_DEFLATED, file=Pipe()))
    put("npz", "zip64_extra", zipped({"a.npy": npy(MATRIX)}, zip64=True))
    put("npz", "zip64", zip64())
    put("npz", "empty", zipped({}))
    put("npz", "pytorch", zipped({"x/data.pkl": b".."}, comment=b"hello"))
    put("npz", "cut", saved(numpy.savez, a=MATRIX)[:-30])


def write_word_vectors():
    def add(name, data):
        put("word_vectors", name, data)
    rows = RANDOM.standard_normal((6, 4))
    text = b"".join(b"w%d " % i + b" ".join(b"%.5g" % x for x in row) + b"\n"
                    for i, row in enumerate(rows))
    add("glove", text)
    add("word2vec_text", b"6 4\n" + text)
    add("fasttext", b"6 4\n" + text.replace(b"\n", b" \n"))
    add("gzip", gzip.compress(b"6 4\n" + text, mtime=0))
    add("two_members", gzip.compress(text[:60], mtime=0) + gzip.compress(text[60:], mtime=0) + bytes(8))
    numbers = [row.astype("<f4").tobytes() for row in RANDOM.standard_normal((5, 3))]
    for name, end in ("binary", b""), ("binary_lines", b"\n"):
        binary = b"5 3\n" + b"".join(b"k%d " % i + row + end for i, row in enumerate(numbers))
        add(name, binary)
    add("binary_gzip", gzip.compress(binary, mtime=0))
    add("binary_cut", binary[:-9])
    add("spaces", b"the 0.1 0.2\n. . . 1 2\nat name@x.com 3 4\n 5 6\n\xc3( 7 8\nnan nan inf\n")
    add("ragged", b"a 1 2 3\nb 1 2\n")
    add("comma", b"a 1 2\nb 1,5 2\n")
    add("hex", b"a 1 2\nb 0x1p3 2\n")
    add("huge", b"99999999999999999999 300\na 1\n")
    add("negative", b"3 -3\n")
    add("zero", b"0 0\n")
    add("digits", b"a 0.1000000000000000055511151231257827 1e-400 -1e400\n"
                  b"b 123456789012345678901234567890 8.269973595356034e-05 .5\n")
    add("blank", b"\n \n\t\r\n")
    add("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")
    add("html", b"<!DOCTYPE html>")


def write_dataset():
    """The first byte is the kind asked for, and five times the column."""
    seeds = {
        "pairs": b"\0cat\tdog\t7.5\nking\tqueen\t8\n",
        "semicolons": b"\0cat;dog;7.5;x\n\"a \"\"b\"\"\";c;1\n",
        "commas": b"\0word1,word2,score\r\ncat,dog,7.5\r\n",
        "spaces": b"\0 cat  dog 1e2 \n",
        "comment_header": b"\0\xef\xbb\xbf# Word 1\tWord 2\tHuman (mean)\na\tb\t1\n",
        "counted": b"\0n,a,b,sd,mean\n1,cat,dog,3,7.5\n",
        "column": b"\na b 1 2\n",
        "named": b"\x0fa,b,x,score\nc,d,1,2\n",
        "analogies": b"\0: one\na b c d\n: two\n: three\na c b d\n",
        "analogies_asked": b"\x02a b c d\n",
        "odd": b"\0cat dog banana\n*car cat dog\n",
        "categories": b"\0cat\tanimal\ndog\tanimal\ncar\tthing\nbus\tthing\n",
        "nul": b"\0a b 1\nc\0d 1\n",
        "latin1": b"\0caf\xe9 b 1\n",
        "nan": b"\0a\tb\tnan\nc\td\t1\n",
        "decimal_comma": b"\0a\tb\t3,5\n",
        "empty": b"\0",
        "one_column": b"\0cat\ndog\n",
        "open_quote": b"\0a,b,1\n\"c,d,1\n",
        "wide": b"\0" + b"a " * 300,
        "long": b"\0" + b"a" * 70000,
        "stars": b"\x03* ** *a\n",
        "colon": b"\0:\n: \na b c d\n",
        "hash": b"\0#\n##\n#a b c\nx y 1\n",
    }
    for name, data in seeds.items():
        put("dataset", name, data)


write_dataset()
def write_gpt2_config():
    good = {"model_type": "gpt2", "n_layer": 2, "n_head": 4, "n_embd": 32, "n_inner": None,
            "n_positions": 128, "vocab_size": 211, "activation_function": "gelu_new",
            "layer_norm_epsilon": 1e-5, "scale_attn_weights": True, "tie_word_embeddings": True}
    put("gpt2_config", "good", json.dumps(good).encode())
    for name, changes in (
            ("common", {"num_hidden_layers": 3, "hidden_size": 8, "max_position_embeddings": 9}),
            ("no_heads", {"n_head": 0}), ("odd_heads", {"n_head": 5}), ("deep", {"n_layer": 1 << 31}),
            ("negative", {"n_inner": -4}), ("text", {"n_embd": "32"}), ("half", {"n_layer": 1.5}),
            ("swish", {"activation_function": "swish"}), ("list", {"n_head": [4]}),
            ("epsilon", {"layer_norm_epsilon": -1}), ("flag", {"scale_attn_weights": 1}),
            ("wide", {"n_embd": 1 << 30, "n_head": 1})):
        put("gpt2_config", name, json.dumps({**good, **changes}).encode())
    put("gpt2_config", "none", b"{}")
    put("gpt2_config", "cut", json.dumps(good).encode()[:60])
    put("gpt2_config", "nested", b'{"n_layer": 1, "task": ' + b"[" * 300)


write_gpt2_config()
write_npy()
write_safetensors()
write_npz()
write_word_vectors()
