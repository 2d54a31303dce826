#!/usr/bin/env python3
"""What `export` writes, read by NumPy and by a few lines of Python that know each format.

    test_export.py build/embscope

Arrays must be equal to the bit, rounding that of NumPy (float64 to float16 and float32 to nearest,
ties to even), .npy files those of numpy.save to the byte. Debian's NumPy alone.
"""
import io
import json
import os
import struct
import sys

import numpy as np

from reference import THREADS, Tap, safetensors, to_bf16, unit, word2vec

NAMES = {"float16": "F16", "float32": "F32", "float64": "F64"}
OPTIONS = {"float16": "f16", "float32": "f32", "float64": "f64"}


# ---- readers --------------------------------------------------------------------------------------


def read_safetensors(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    entry = header["vectors"]
    start, end = entry["data_offsets"]
    assert size % 8 == 0 and (start, end) == (0, len(data)), header
    dtype = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}[entry["dtype"]]
    return np.frombuffer(data, dtype).reshape(entry["shape"]), header["__metadata__"]


def read_binary(path):
    with open(path, "rb") as file:
        rows, columns = map(int, file.readline().split())
        data = file.read()
    keys, out, at = [], np.empty((rows, columns), np.float32), 0
    for i in range(rows):
        end = data.index(b" ", at)
        keys.append(data[at:end].decode())
        out[i] = np.frombuffer(data, "<f4", columns, end + 1)
        at = end + 1 + 4 * columns
    assert at == len(data), "bytes are left"
    return keys, out


def read_text(path, header, dtype):
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")
    assert lines.pop() == "", "the last line has no end"
    counts = lines.pop(0).split(" ") if header else None
    fields = [line.split(" ") for line in lines]
    out = np.array([[dtype(x) for x in row[1:]] for row in fields], dtype)
    assert not header or counts == [str(len(fields)), str(out.shape[1])], counts
    return [row[0] for row in fields], out


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def exported(program, folder, ending, *arguments, **how):
    path = os.path.join(folder, "out" + ending)
    return path, program.json("export", *arguments, "-o", path, **how)


# ---- tables ---------------------------------------------------------------------------------------


def table(dtype):
    random = np.random.RandomState(3)
    rows = random.standard_normal((301, 17)) * np.exp2(random.randint(-30, 12, (301, 1)))
    rows[5] = 0
    rows[7, 2], rows[8, 3], rows[9, 4] = np.nan, np.inf, -np.inf
    rows[10, :4] = [0.0, -0.0, 5e-8, 65519]
    return rows.astype(dtype)


# ---- tests ----------------------------------------------------------------------------------------


def arrays(tap, program, folder):
    for dtype in NAMES:
        rows = table(dtype)
        path = os.path.join(folder, "table.safetensors")
        safetensors(path, {"x": rows})
        out, answer = exported(program, folder, ".npy", path)
        buffer = io.BytesIO()
        np.save(buffer, rows)
        with open(out, "rb") as file:
            tap.check(file.read() == buffer.getvalue(), f"{dtype}: .npy as numpy.save writes it")
        tap.check(answer["dtype"] == NAMES[dtype] and answer["zero_rows"] == int((rows == 0).all(axis=1).sum())
                  and answer["non_finite_rows"] == 3 and answer["bytes"] == os.path.getsize(out)
                  and answer["keys"] is None, f"{dtype}: the summary", answer)
        out, _ = exported(program, folder, ".npz", path)
        with np.load(out) as archive:
            tap.check(same(archive["vectors"], rows), f"{dtype}: .npz vectors")
            tap.check(archive["ids"].dtype == np.int64
                      and archive["ids"].tolist() == list(range(len(rows))), f"{dtype}: .npz ids")
            tap.check(archive["tokens"].tolist() == [f"#{i}" for i in range(len(rows))],
                      f"{dtype}: .npz tokens")
        out, _ = exported(program, folder, ".safetensors", path)
        found, metadata = read_safetensors(out)
        tap.check(same(found, rows) and metadata == {"tensor": "x", "transforms": "",
                                                     "unit": "false"}, f"{dtype}: safetensors")


def bfloat(tap, program, folder):
    bits, values = to_bf16(table("float32"))
    path = os.path.join(folder, "bf16.safetensors")
    safetensors(path, {"x": bits})
    out, answer = exported(program, folder, ".npy", path)
    tap.check(answer["dtype"] == "F32" and same(np.load(out), values), "BF16 as float32 in .npy")
    out, answer = exported(program, folder, ".safetensors", path)
    tap.check(answer["dtype"] == "BF16" and same(read_safetensors(out)[0], bits),
              "BF16 as stored in safetensors")


def rounding(tap, program, folder):
    for stored in NAMES:
        rows = table(stored)
        path = os.path.join(folder, "table.safetensors")
        safetensors(path, {"x": rows})
        for asked, option in OPTIONS.items():
            out, answer = exported(program, folder, ".npy", path, "--dtype", option)
            with np.errstate(all="ignore"):
                expected = rows.astype(asked)
            lost = int((np.isinf(expected) & np.isfinite(rows)).sum())
            found = np.load(out)
            tap.check(same(np.nan_to_num(found, nan=0.5), np.nan_to_num(expected, nan=0.5))
                      and np.array_equal(np.isnan(found), np.isnan(expected))
                      and answer["overflowed"] == lost, f"{stored} to {asked}", answer)
            for ending, header in ((".vec", True), (".glove", False)):
                arguments = [] if header else ["--format", "glove"]
                out, _ = exported(program, folder, ending, path, "--dtype", option, *arguments)
                _, found = read_text(out, header, np.float64 if asked == "float64" else np.float32)
                tap.check(np.array_equal(found.astype(asked), expected, equal_nan=True)
                          and np.array_equal(np.signbit(found[10]), np.signbit(expected[10])),
                          f"{stored} to {asked} as text{ending}")


def words(tap, program, folder):
    random = np.random.RandomState(4)
    keys = ["the", "naïve", "日本", "#3", "##ing", "a" * 300, "12", "-0.5"]
    rows = random.standard_normal((len(keys), 300)).astype(np.float32)
    path = os.path.join(folder, "words.bin.in")
    word2vec(path, keys, rows, True)
    for ending, read in ((".bin", read_binary), (".vec", lambda p: read_text(p, True, np.float32))):
        out, answer = exported(program, folder, ending, path)
        names, found = read(out)
        tap.check(names == keys and same(found, rows), f"words{ending}")
        tap.check(answer["keys"] == {"spelling": "plain", "respelled": 0, "renamed": 0},
                  f"words{ending}: keys as they are", answer["keys"])
    path = os.path.join(folder, "spaces.txt")
    with open(path, "w", encoding="utf-8") as file:
        for key in ("at a b", "at\u0120a\u0120b", ". . .", "x\tx", "x", "x"):
            file.write(f"{key} 0.5 1 2\n")
    out, answer = exported(program, folder, ".bin", path)
    names, _ = read_binary(out)
    tap.check(names == ["at\u0120a\u0120b", "at\u0120a\u0120b#1", ".\u0120.\u0120.", "x\u0109x", "x", "x#5"]
              and answer["keys"]["respelled"] == 5 and answer["keys"]["renamed"] == 2,
              "keys with white space and equal ones", (names, answer["keys"]))


def changed_rows(tap, program, folder):
    rows = np.random.RandomState(5).standard_normal((203, 12)) + 1
    path = os.path.join(folder, "rows.npy")
    np.save(path, rows)
    out, answer = exported(program, folder, ".npy", path, "--unit", "--dtype", "f64")
    tap.near(np.load(out), unit(rows), 1e-15, "unit rows")
    out, answer = exported(program, folder, ".npy", path, "--transform", "center")
    expected = (rows - rows.mean(axis=0)).astype(np.float32)
    tap.check(answer["dtype"] == "F32", "float32 after a transform")
    tap.near(np.load(out), expected, 2**-22, "centred rows")
    out, answer = exported(program, folder, ".npz", path, "--transform", "whiten", "--unit")
    with np.load(out) as archive:
        centred = rows - rows.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov(centred.T, bias=True))
        white = unit(centred @ vectors / np.sqrt(values))
        found = archive["vectors"].astype(float)
        tap.near(found @ found.T, white @ white.T, 1e-6, "whitened unit rows: their cosines")
    out, answer = exported(program, folder, ".npz", path, "--random", "50", "--seed", "3")
    with np.load(out) as archive:
        ids = archive["ids"]
        tap.check(len(set(ids.tolist())) == 50 and same(archive["vectors"], rows[ids]),
                  "rows drawn by lot")
    out, answer = exported(program, folder, ".npy", path, "--rows", "1000")
    tap.check(same(np.load(out), rows), "more rows asked than there are: all")


def the_projector(tap, program, folder):
    rows = table("float32")
    path = os.path.join(folder, "table.safetensors")
    safetensors(path, {"x": rows})
    out, answer = exported(program, folder, "points/", path)
    finite = np.flatnonzero(np.isfinite(rows).all(axis=1))
    found = np.loadtxt(os.path.join(out, "tensors.tsv"), dtype=np.float32, delimiter="\t")
    tap.check(same(found, rows[finite]) and answer["left_out"] == len(rows) - len(finite),
              "tensors.tsv: the finite rows", answer)
    with open(os.path.join(out, "metadata.tsv"), encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    tap.check(lines == [["id", "token"]] + [[str(i), f"#{i}"] for i in finite], "metadata.tsv")
    with open(os.path.join(out, "projector_config.json"), encoding="utf-8") as file:
        entry, = json.load(file)["embeddings"]
    tap.check(entry == {"tensorName": "x", "tensorShape": list(found.shape),
                        "tensorPath": "tensors.tsv", "metadataPath": "metadata.tsv"},
              "projector_config.json", entry)


def everywhere(tap, program, folder):
    path = os.path.join(folder, "large.npy")
    np.save(path, np.random.RandomState(6).standard_normal((9000, 257)).astype(np.float32))
    for ending in (".npy", ".npz", ".vec", ".bin", ".safetensors"):
        contents = set()
        for kernel in program.kernels():
            for threads in THREADS:
                out, _ = exported(program, folder, ending, path, "--unit", "--transform", "center",
                                  kernel=kernel, threads=threads)
                with open(out, "rb") as file:
                    contents.add(hash(file.read()))
            if ending == ".vec":
                break  # the numbers are those of .bin
        tap.check(len(contents) == 1, f"{ending}: the same bytes everywhere")


if __name__ == "__main__":
    sys.exit(Tap().run(arrays, bfloat, rounding, words, changed_rows, the_projector, everywhere))
