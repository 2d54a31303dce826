#!/usr/bin/env python3
"""matrix --all against float64, on tables of every kind.

    test_full_matrix.py build/embscope

Debian's NumPy alone. The tolerance is the bound of docs/mathematics.md.
"""
import os
import subprocess
import sys

import numpy as np

from reference import THREADS, Tap, safetensors, unit


def tables():
    random = np.random.RandomState(1)
    normal = random.standard_normal
    yield "one row", normal((1, 3))
    yield "one dimension", normal((50, 1))
    yield "a panel and one", normal((49, 17))
    x = normal((1001, 40))
    x[5], x[6, 2], x[1000, 0] = 0, np.nan, np.inf
    x[100:200] *= 1e-30
    x[200:300] *= 1e30
    x[300:340] = x[7]
    yield "undefined rows, norms of every size", x
    yield "4,096 dimensions", normal((130, 4096))
    x = normal((401, 300)) + 3
    x[:, 5] += 100
    yield "a cone with an outlier dimension", x


def write(program, path, out, *more, kernel=None, threads=2):
    environment = {**os.environ, **({"EMBSCOPE_KERNEL": kernel} if kernel else {})}
    subprocess.run([program.path, "matrix", path, "--all", "-o", out, "-q", "--threads",
                    str(threads), *more], check=True, env=environment, stdin=subprocess.DEVNULL)
    with open(out, "rb") as file:
        return file.read()


def check(tap, program, folder, name, path, rows):
    out = os.path.join(folder, "S.npy")
    first = write(program, path, out, kernel="scalar", threads=1)
    found = np.load(out)
    n, d = rows.shape
    ids = np.flatnonzero(np.isfinite(rows).all(axis=1) & (rows != 0).any(axis=1))
    tap.check(found.dtype == np.float32 and found.shape == (n, n), f"{name}: type and shape")
    u = unit(rows[ids])
    inside = found[np.ix_(ids, ids)]
    bound = (260 + d / 256) * 2.0**-24
    off = np.abs(inside - u @ u.T)
    tap.check(bool((off <= bound).all()), f"{name}: within the bound", off.max())
    tap.check(bool((np.diag(inside) == 1).all()), f"{name}: the diagonal")
    bits = found.view(np.uint32)
    tap.check(np.array_equal(bits, bits.T), f"{name}: symmetric, bit for bit")
    outside = np.ones((n, n), bool)
    outside[np.ix_(ids, ids)] = False
    tap.check(bool(np.isnan(found[outside]).all()), f"{name}: NaN where undefined")
    differing = [f"{kernel}, {threads} threads" for kernel in program.kernels()
                 for threads in THREADS
                 if write(program, path, out, kernel=kernel, threads=threads) != first]
    tap.check(not differing, f"{name}: the same bytes everywhere", ", ".join(differing))
    write(program, path, out, "--dtype", "f16")
    half = np.load(out)
    tap.check(half.dtype == np.float16
              and np.array_equal(half, found.astype(np.float16), equal_nan=True),
              f"{name}: float16, rounded to nearest")


def all_tables(tap, program, folder):
    path = os.path.join(folder, "x.npy")
    for name, rows in tables():
        rows = rows.astype(np.float32)
        np.save(path, rows)
        check(tap, program, folder, name, path, rows.astype(float))
    x = np.random.RandomState(2).standard_normal((90, 33)).astype(np.float16)
    path = os.path.join(folder, "x.safetensors")
    safetensors(path, {"t": x})
    check(tap, program, folder, "float16 rows", path, x.astype(float))


if __name__ == "__main__":
    sys.exit(Tap().run(all_tables))
