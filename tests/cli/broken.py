#!/usr/bin/env python3
"""Broken model files through the program: one error line each, exit 1, nothing printed, nothing written.

    broken.py --program build/embscope       prints TAP: a case per file

Each must be refused within 2 seconds and, but under a sanitizer, in 64 MiB plus twice the file.
"""
import argparse
import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import models

SANITIZED = bool(os.environ.get("EMBSCOPE_SANITIZED"))
SECONDS = 30 if SANITIZED else 2
CASES = []


def case(name, data, file="model.safetensors"):
    """A single file with these bytes."""
    CASES.append((name, {file: data}, file))


def folder_case(name, files):
    """A model's folder."""
    CASES.append((name, files, "."))


# --- safetensors ------------------------------------------------------------------------------

def with_header(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def one_tensor(dtype="F32", shape=(2, 2), offsets=(0, 16), data=bytes(range(16)), name="wte.weight"):
    return with_header({name: {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}},
                       data)


def safetensors_cases():
    case("empty file", b"")
    case("seven bytes", bytes(7))
    case("header longer than the limit", struct.pack("<Q", 100_000_001) + b"{}")
    case("header longer than the file", struct.pack("<Q", 5000) + b"{}")
    case("header length 2^63", struct.pack("<Q", 1 << 63) + b"{}")
    case("header is a list", with_header(b"[]"))
    case("header starts with a space", with_header(b" {}"))
    case("header is not UTF-8", with_header(b'{"a\xc3\x28":{}}'))
    case("header is cut", with_header(b'{"wte.weight":{"dtype":"F32"'))
    case("a million brackets", with_header(b"{\"a\":" + b"[" * 1_000_000))
    case("a tensor twice", with_header(
        b'{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},'
        b'"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}', bytes(4)))
    case("metadata value is a number", with_header(
        b'{"__metadata__":{"a":1},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}', bytes(4)))
    case("unknown dtype", one_tensor(dtype="F33"))
    case("integer matrix", one_tensor(dtype="I32"))
    case("negative dimension", one_tensor(shape=(-1, 2)))
    case("fractional dimension", one_tensor(shape=(1.5, 2)))
    case("dimension 1e400", with_header(
        b'{"a":{"dtype":"F32","shape":[1e400,2],"data_offsets":[0,16]}}', bytes(16)))
    case("dimension is text", one_tensor(shape=("2", 2)))
    case("shape overflows", one_tensor(shape=(1 << 32, 1 << 32)))
    case("shape and size disagree", one_tensor(shape=(3, 2)))
    case("tensor ends past the file", one_tensor(data=bytes(10)))
    case("bytes after the last tensor", one_tensor(data=bytes(17)))
    case("end before begin", one_tensor(offsets=(16, 0)))
    case("hole between tensors", with_header(
        {"a": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]},
         "b": {"dtype": "F32", "shape": [1, 1], "data_offsets": [8, 12]}}, bytes(12)))
    case("tensors overlap", with_header(
        {"a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
         "b": {"dtype": "F32", "shape": [2, 1], "data_offsets": [4, 12]}}, bytes(12)))
    case("no tensor at all", with_header(b"{}"))
    case("only a vector", one_tensor(shape=(4,)))
    case("no rows", one_tensor(shape=(0, 4), offsets=(0, 0), data=b""))


# --- NumPy --------------------------------------------------------------------------------------

def npy_with(header, data=b"", version=b"\x01\x00"):
    text = header.encode()
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(text))
    return b"\x93NUMPY" + version + length + text + data


def npy_cases():
    good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n"
    matrix = npy_with(good, bytes(16))

    def swap(old, new):
        return npy_with(good.replace(old, new), bytes(16))

    case("npy: cut in the header", matrix[:30], "x.npy")
    case("npy: header longer than the file", b"\x93NUMPY\x01\x00\xff\xff{", "x.npy")
    case("npy: version 9", npy_with(good, bytes(16), b"\x09\x00"), "x.npy")
    case("npy: objects", swap("<f4", "|O"), "x.npy")
    case("npy: three-byte floats", swap("<f4", "<f3"), "x.npy")
    case("npy: integers", swap("<f4", "<i4"), "x.npy")
    case("npy: a dimension of 2^63", swap("(2, 2)", f"({1 << 63}, 2)"), "x.npy")
    case("npy: product overflows", swap("(2, 2)", f"({1 << 40}, {1 << 40})"), "x.npy")
    case("npy: negative dimension", swap("(2, 2)", "(-2, 2)"), "x.npy")
    case("npy: no shape", npy_with("{'descr': '<f4', 'fortran_order': False}\n", bytes(16)), "x.npy")
    case("npy: a call in the header", swap("(2, 2)", "exit()"), "x.npy")
    case("npy: data too short", matrix[:-1], "x.npy")
    case("npy: three dimensions", swap("(2, 2)", "(1, 2, 2)"), "x.npy")


# --- zip ----------------------------------------------------------------------------------------

def zipped(members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def npz_cases():
    matrix = models.npy([1.0, 2.0, 3.0, 4.0], (2, 2))
    stored = zipped([("a.npy", matrix)], zipfile.ZIP_STORED)
    case("npz: cut", zipped([("a.npy", matrix)])[:-30], "x.npz")
    flipped = bytearray(stored)
    flipped[stored.index(b"NUMPY") + 130] ^= 1
    case("npz: wrong checksum", bytes(flipped), "x.npz")
    case("npz: name leads outside", zipped([("../a.npy", matrix)]), "x.npz")
    case("npz: no matrix", zipped([("a.txt", b"no")]), "x.npz")
    encrypted = bytearray(stored)
    encrypted[6] |= 1
    encrypted[stored.index(b"PK\x01\x02") + 8] |= 1
    case("npz: encrypted", bytes(encrypted), "x.npz")
    bomb = npy_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", bytes(1 << 24))
    lying = bytearray(zipped([("a.npy", bomb)]))
    place = lying.index(b"PK\x01\x02") + 24
    lying[place:place + 4] = struct.pack("<I", 100)
    lying[22:26] = struct.pack("<I", 100)
    case("npz: inflates past its size", bytes(lying), "x.npz")


# --- word vectors -------------------------------------------------------------------------------

def text_cases():
    case("vectors: a row is short", b"3 3\na 1 2 3\nb 1 2\nc 1 2 3\n", "x.vec")
    case("vectors: fewer rows than said", b"3 3\na 1 2 3\n", "x.vec")
    case("vectors: huge counts", b"3000000000000 300\na 1 2 3\n", "x.vec")
    case("vectors: overflowing counts", b"99999999999999999999 300\na 1 2 3\n", "x.vec")
    case("vectors: negative width", b"3 -3\na 1 2 3\n", "x.vec")
    case("vectors: zero of nothing", b"0 0\n", "x.vec")
    case("vectors: a decimal comma", b"1 3\na 1,5 2 3\n", "x.vec")
    case("vectors: a hexadecimal number", b"1 3\na 0x10 2 3\n", "x.vec")
    case("binary vectors: cut in a row", models.word2vec_binary(models.WORDS)[:-9], "x.bin")
    case("binary vectors: huge counts", b"4000000000 300\na " + bytes(40), "x.bin")
    case("gzip: cut", gzip.compress(models.word2vec_text(models.WORDS))[:-12], "x.vec.gz")
    case("no model: a web page", b"<!DOCTYPE html><html><body>Not found</body></html>\n", "x.bin")
    case("no model: a Git LFS pointer",
         b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n",
         "model.safetensors")
    case("no model: random bytes", bytes((i * 37 + i * i) % 256 for i in range(1000)), "x.bin")


# --- folders ------------------------------------------------------------------------------------

def folder_cases():
    vocabulary, merges, values = models.gpt2_parts()
    rows = len(vocabulary)
    weights = models.safetensors({"wte.weight": ("F32", (rows, 8), struct.pack(f"<{len(values)}f", *values))})
    good = {
        "config.json": b'{"model_type":"gpt2"}',
        "model.safetensors": weights,
        "vocab.json": json.dumps(vocabulary).encode(),
        "merges.txt": ("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges)).encode(),
    }

    def index(place):
        return json.dumps({"metadata": {}, "weight_map": {"wte.weight": place}}).encode()

    def sharded(place):
        files = {name: data for name, data in good.items() if name != "model.safetensors"}
        return files | {"model.safetensors.index.json": index(place), "part.safetensors": weights}

    folder_case("folder: nothing in it", {"README": b"no model"})
    folder_case("folder: config.json is cut", good | {"config.json": b'{"model_type":'})
    folder_case("folder: vocab.json is cut", good | {"vocab.json": good["vocab.json"][:-20]})
    folder_case("folder: an id of 2^40", good | {"vocab.json": b'{"a": 1099511627776}'})
    folder_case("folder: a negative id", good | {"vocab.json": b'{"a": -1}'})
    folder_case("folder: a fractional id", good | {"vocab.json": b'{"a": 1.5}'})
    folder_case("folder: a merge of three", good | {"merges.txt": b"#version: 0.2\na b c\n"})
    folder_case("shards: outside the folder", sharded("../../../../etc/passwd"))
    folder_case("shards: an absolute name", sharded("/etc/passwd"))
    folder_case("shards: a missing file", sharded("absent.safetensors"))
    folder_case("shards: the tensor is elsewhere", sharded("part.safetensors") | {
        "part.safetensors": one_tensor(name="other")})
    folder_case("tokenizer.json: an unknown model", {
        "model.safetensors": weights, "tokenizer.json": b'{"model":{"type":"Nonesuch","vocab":{}}}'})

    def tokenizer(*added, padding=0):
        return good | {"tokenizer.json": json.dumps({
            "normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "ByteLevel"},
            "added_tokens": added,
            "model": {"type": "BPE", "vocab": vocabulary, "merges": []}}).encode() + b" " * padding}

    folder_case("tokenizer.json: half a million marks on a letter",
                tokenizer({"id": rows, "content": "a" + "\u0316\u0301" * 250_000, "normalized": True},
                          {"content": "no id"}))
    folder_case("tokenizer.json: an id far beyond the names",
                tokenizer({"id": 5_000_000, "content": "a"}, padding=5_500_000))
    folder_case("vocab.txt: two million pieces for a small table", {
        "model.safetensors": weights, "vocab.txt": b"[UNK]\n" + b"a\n" * 2_000_000})


def run(program, folder, target):
    """Exit code, outputs, seconds and peak memory of `info` on a file."""
    begin = time.monotonic()
    child = subprocess.Popen([program, "info", target], cwd=folder, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watch = threading.Timer(10 * SECONDS, child.kill)
    watch.start()
    out, err = child.stdout.read(), child.stderr.read()
    watch.cancel()
    _, state, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(state)
    return child.returncode, out, err, time.monotonic() - begin, usage.ru_maxrss * 1024


def snapshot(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file()}


def faults_of(program, files, target):
    with tempfile.TemporaryDirectory(prefix="embscope-broken-") as name:
        folder = Path(name)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        before = snapshot(folder)
        code, out, err, seconds, memory = run(program, folder, target)
        after = snapshot(folder)
    faults = []
    if code != 1:
        faults.append(f"exit code {code}")
    if out:
        faults.append(f"{len(out)} bytes on standard output")
    lines = err.decode("utf-8", "backslashreplace").splitlines()
    if len(lines) != 1 or not lines[0].startswith("embscope: error: "):
        faults.append(f"standard error: {lines[:5]}")
    if before != after:
        faults.append(f"files changed: {sorted(after)}")
    if seconds > SECONDS:
        faults.append(f"{seconds:.1f} s")
    if not SANITIZED and memory > (64 << 20) + 2 * sum(map(len, files.values())):
        faults.append(f"{memory >> 20} MiB")
    return faults, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    program = str(Path(parser.parse_args().program).resolve())
    for make in (safetensors_cases, npy_cases, npz_cases, text_cases, folder_cases):
        make()
    print(f"1..{len(CASES)}")
    failed = 0
    for number, (name, files, target) in enumerate(CASES, 1):
        faults, lines = faults_of(program, files, target)
        failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {number} - {name.replace('#', '')}")
        for text in faults or lines:
            print(f"# {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
