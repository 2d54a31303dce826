"""What the reference tests share: TAP lines, files of vectors, and the program under test."""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import traceback

import numpy as np

KERNELS = ("scalar", "avx2", "avx512", "avx512vnni", "neon", "neondot")
THREADS = (1, 2, 7)
ELAPSED = re.compile(rb'"elapsed_seconds": ?[0-9.eE+-]+')


class Tap:
    """A line for each check; exit code 1 where one failed."""

    def __init__(self):
        self.count = self.failed = 0

    def check(self, passed, name, detail=""):
        self.count += 1
        self.failed += not passed
        print(f"{'ok' if passed else 'not ok'} {self.count} - {name}")
        if not passed and detail != "":
            for line in str(detail).splitlines()[:20]:
                print(f"# {line}")
        sys.stdout.flush()

    def near(self, found, expected, tolerance, name):
        """Within `tolerance`, of the expected value's size where that is above 1."""
        found, expected = np.asarray(found, float), np.asarray(expected, float)
        if found.shape != expected.shape:
            self.check(False, name, f"shape {found.shape}, expected {expected.shape}")
            return
        off = np.abs(found - expected) / np.maximum(1, np.abs(expected))
        off = np.where(found == expected, 0, off)  # infinities
        off = np.where(np.isnan(found) & np.isnan(expected), 0, off)
        worst = np.argmax(np.where(np.isnan(off), np.inf, off)) if off.size else 0
        self.check(not off.size or bool((off <= tolerance).all()), name,
                   f"found {found.flat[worst]!r}, expected {expected.flat[worst]!r}"
                   if off.size else "")

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}")

    def run(self, *tests):
        """Each test is a function of (tap, program, folder); an exception fails it."""
        program = os.path.abspath(sys.argv[1])
        for test in tests:
            print(f"# {test.__name__}")
            with tempfile.TemporaryDirectory(prefix="embscope-reference-") as folder:
                try:
                    test(self, Program(program), folder)
                except Exception:  # the next test has its own chance
                    self.check(False, test.__name__, traceback.format_exc())
        print(f"1..{self.count}")
        return 1 if self.failed or not self.count else 0


class Program:
    """embscope, run with --json."""

    def __init__(self, path):
        self.path = path

    def bytes(self, *arguments, kernel=None, threads=None):
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("EMBSCOPE_KERNEL")}
        if kernel:
            environment["EMBSCOPE_KERNEL"] = kernel
        more = ["--threads", str(threads)] if threads else []
        command, *rest = map(str, arguments)
        done = subprocess.run([self.path, command, "--json", *more, *rest],
                              env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=600, check=False)
        if done.returncode:
            raise RuntimeError(f"{arguments}: exit {done.returncode}: {done.stderr.decode()}")
        return ELAPSED.sub(b'"elapsed_seconds": 0', done.stdout)

    def json(self, *arguments, **how):
        return json.loads(self.bytes(*arguments, **how))

    def kernels(self):
        """The instruction sets this machine can run, the scalar one first."""
        usable = []
        for kernel in KERNELS:
            done = subprocess.run([self.path, "info", os.devnull],
                                  env={**os.environ, "EMBSCOPE_KERNEL": kernel},
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            if b"EMBSCOPE_KERNEL" not in done.stderr:
                usable.append(kernel)
        return usable

    def same_everywhere(self, tap, name, *arguments, kernels=None, threads=THREADS):
        """The same bytes from every instruction set and every number of threads: that answer.

        Every set with two threads; every number of threads with the first set and the last one.
        """
        kernels = kernels or self.kernels()
        ways = [(kernel, threads[-2:][0]) for kernel in kernels]
        ways += [(kernel, count) for kernel in (kernels[0], kernels[-1]) for count in threads]
        first = None
        differing = []
        for kernel, count in dict.fromkeys(ways):
            answer = self.bytes(*arguments, kernel=kernel, threads=count)
            first = first or answer
            if answer != first:
                differing.append(f"{kernel}, {count} threads")
        tap.check(not differing, f"{name}: the same bytes everywhere", ", ".join(differing))
        return json.loads(first)


# ---- files ---------------------------------------------------------------------------------------


def safetensors(path, tensors):
    """{name: array}; an array of uint16 is BF16's bits."""
    names = {"float16": "F16", "float32": "F32", "float64": "F64", "uint16": "BF16"}
    header, offset, parts = {}, 0, []
    for name, array in tensors.items():
        data = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": names[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
        parts.append(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def to_bf16(array):
    """Bits of the nearest bfloat16 towards zero, and the values they stand for."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32) >> 16
    return bits.astype(np.uint16), (bits << 16).astype(np.uint32).view(np.float32)


def word2vec(path, keys, array, binary):
    array = np.asarray(array, np.float32)
    with open(path, "wb") as file:
        file.write(f"{len(keys)} {array.shape[1]}\n".encode())
        for key, row in zip(keys, array):
            if binary:
                file.write(key.encode() + b" " + row.tobytes() + b"\n")
            else:
                file.write(" ".join([key, *(repr(float(x)) for x in row)]).encode() + b"\n")


# ---- float64 reference -----------------------------------------------------------------------------


def norms(rows):
    """By the largest component, so that no square leaves float64."""
    rows = np.asarray(rows, float)
    with np.errstate(all="ignore"):
        largest = np.abs(rows).max(axis=1, keepdims=True)
        scaled = rows / np.where(largest > 0, largest, 1)
        return largest[:, 0] * np.sqrt((scaled * scaled).sum(axis=1))


def unit(rows):
    rows = np.asarray(rows, float)
    largest = np.abs(rows).max(axis=-1, keepdims=True)
    scaled = rows / largest
    return scaled / np.sqrt((scaled * scaled).sum(axis=-1, keepdims=True))


def random_tail(t, d):
    """P(cos >= t) of random directions: the share of sin^(d-2) on [0, acos t], by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(40)

    def integral(end):
        edges = np.linspace(0, end, 201)
        middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
        x = middle[:, None] + half[:, None] * nodes
        return float((np.sin(x) ** (d - 2) * weights * half[:, None]).sum())

    return integral(np.arccos(t)) / integral(np.pi)


# ---- the program's own order of sums ---------------------------------------------------------------

LANES = 16


def fold(lanes):
    eight = lanes[..., :8] + lanes[..., 8:]
    four = eight[..., :4] + eight[..., 4:]
    return (four[..., 0] + four[..., 2]) + (four[..., 1] + four[..., 3])


def padded(rows):
    short = -rows.shape[1] % LANES
    return np.pad(rows, ((0, 0), (0, short))).reshape(len(rows), -1, LANES)


def dots(row, rows):
    """row . each of rows as the program sums them, to the last bit: both padded(), products and
    sums rounded one by one in 16 lanes."""
    lanes = np.zeros((len(rows), LANES))
    for block in range(rows.shape[1]):
        lanes += row[block] * rows[:, block]
    return fold(lanes)


def unit_rows(rows):
    """(defined rows, their unit rows padded)."""
    rows = np.asarray(rows, float)
    ids = np.flatnonzero(np.isfinite(rows).all(axis=1) & (rows != 0).any(axis=1))
    blocks = padded(rows[ids])
    lanes = np.zeros((len(ids), LANES))
    for block in range(blocks.shape[1]):
        lanes += blocks[:, block] * blocks[:, block]
    return ids, blocks / np.sqrt(fold(lanes))[:, None, None]
