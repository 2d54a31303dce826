#!/usr/bin/env python3
"""The knn graph against a float64 brute force, on tables made to break a screen.

    test_knn.py build/embscope

The brute force sums as the program says it sums (16 lanes, folded in one order), so that ties at the
last bit fall as they must: ids and float32 cosines are compared for equality, not within a tolerance.
A plain float64 product checks the brute force itself. Debian's NumPy alone.
"""
import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np

from reference import THREADS, Tap, dots, safetensors, unit_rows


# ---- the brute force ------------------------------------------------------------------------------


def brute_force(rows, k):
    ids, units = unit_rows(rows)
    near, cosine = np.full((len(rows), k), -1, np.int32), np.full((len(rows), k), np.nan, np.float32)
    flat = units.reshape(len(ids), -1)
    worst = 0
    for place, row in enumerate(ids):
        cosines = dots(units[place], units)
        worst = max(worst, np.abs(cosines - flat @ flat[place]).max())
        cosines[place] = -np.inf
        order = np.lexsort((ids, -cosines))[:k]
        near[row], cosine[row] = ids[order], cosines[order].astype(np.float32)
    return near, cosine, worst


# ---- tables ---------------------------------------------------------------------------------------


def tables():
    """(name, rows, k). Sizes are no multiple of any block."""
    random = np.random.RandomState(1)
    normal = random.standard_normal
    yield "Gaussian", normal((1001, 64)), 10
    yield "one dimension", normal((101, 1)), 5
    yield "4,096 dimensions", normal((301, 4096)), 7
    yield "two rows", normal((2, 3)), 1
    yield "k is all others", normal((331, 20)), 330  # so long that sorted copies are searched
    yield "all rows equal", np.ones((777, 20)), 10
    yield "all directions equal", np.outer(1 + random.rand(333), normal(24)), 10
    yield "orthogonal rows", np.eye(130), 10
    x = normal((501, 33))
    x[100:150] = x[7]
    yield "more duplicates than k", x, 10
    x = normal((501, 33))
    x[3] *= 1e30
    yield "a huge row", x, 10
    x = normal((501, 80))
    x[:60] += 200 * (random.rand(60, 80) < 0.02)
    x[60, 5], x[61, 5], x[62, 6] = 1e4, 1e4, -1e4
    yield "outlier rows", x, 10
    x = normal((701, 96))
    x[:, [3, 50]] += 60
    yield "outlier dimensions", x, 10
    x = normal((701, 96))
    x[:, 3] = 1e6
    yield "one dimension is all", x, 10
    x = np.repeat(normal((20, 40)), 30, 0)
    yield "near-ties", x + 1e-7 * normal(x.shape), 10
    # Round one row: half of the cosines at the k-th place differ in float64's last digits alone.
    x = np.vstack([normal((1, 64)), np.tile(normal(64), (400, 1))])
    x[1:] += 1e-6 * np.eye(64)[random.randint(0, 64, 400)] * random.choice([-1, 1], (400, 1))
    yield "ties at the k-th place", x, 10
    x = normal((301, 30))
    x[:100] *= 1e-30
    x[100:200] *= 1e30
    x[5], x[6, 2], x[250, 0] = 0, np.nan, np.inf
    yield "norms of 1e-30 and 1e30, undefined rows", x, 10
    x = normal((251, 48))
    x[:120] *= 1e-9 * np.logspace(-2, 2, 120)[:, None]
    yield "norms around 1e-9", x, 10
    x = normal((203, 17)) * 1e-38
    x[::3] *= 1e-5
    yield "denormal components", x, 10
    x = 0.02 * normal((1501, 200)) + normal(200)
    yield "a narrow cone", x, 10
    yield "k = 100", normal((1201, 100)) + 0.5, 100
    centres = normal((30, 64))
    yield "clusters", centres[random.randint(0, 30, 1500)] + 0.05 * normal((1500, 64)), 10
    yield "signs", np.where(random.rand(600, 24) < 0.5, -1.0, 1.0), 20  # cosines of a few values


def graph(program, folder, path, k, *more, kernel=None, threads=None):
    """The bytes of the archive, and the summary."""
    out = os.path.join(folder, "graph.npz")
    answer = program.bytes("knn", path, "-k", k, "-o", out, *more, kernel=kernel, threads=threads)
    with open(out, "rb") as file:
        return file.read(), answer


# ---- what the graph says --------------------------------------------------------------------------


def check_summary(tap, name, rows, k, near, cosine, answer):
    defined = np.flatnonzero(near[:, 0] >= 0)
    lists = near[defined]
    tap.check((answer["k"], answer["rows"], answer["left_out"])
              == (k, len(defined), len(rows) - len(defined)), f"{name}: counts", answer)
    seen = np.bincount(lists.ravel(), minlength=len(rows))
    off = seen[defined] - k
    hubness = answer["hubness"]
    variance = (off * off).mean()
    skewness = (off**3).mean() / variance**1.5 if variance else np.nan
    tap.near(np.nan if hubness["skewness"] is None else hubness["skewness"], skewness, 1e-9,
             f"{name}: hubness")
    tap.near(hubness["antihub_share"], (seen[defined] == 0).mean(), 1e-15, f"{name}: antihubs")
    order = np.lexsort((defined, -seen[defined]))[:10]
    found = [(hub["id"], hub["occurrences"]) for hub in hubness["hubs"]]
    tap.check(found == [(defined[i], seen[defined[i]]) for i in order]
              and hubness["maximum_occurrence"] == seen.max(), f"{name}: hubs", found)
    has = np.zeros((len(rows), len(rows)), bool)
    has[np.repeat(defined, k), lists.ravel()] = True
    tap.near(answer["mutual"]["share"], (has & has.T).sum() / (len(defined) * k), 1e-15,
             f"{name}: mutual share")
    tap.near(answer["mutual"]["chance"], k / (len(defined) - 1), 1e-15, f"{name}: chance")
    stored = [rows[i].tobytes() for i in defined]
    tap.check(answer["duplicates"] == len(stored) - len(set(stored)), f"{name}: duplicates",
              answer["duplicates"])
    best = np.sort(cosine[defined].ravel())[::-1]
    first = answer["pairs"][0]
    tap.near(first["cosine"], best[0], 2**-23, f"{name}: most similar pair")
    tap.check(all(pair["a"] < pair["b"] for pair in answer["pairs"]), f"{name}: pairs a < b")
    check_twonn(tap, name, rows, k, near, answer["twonn"])


def check_twonn(tap, name, rows, k, near, found):
    """As the mathematics has it, from the same neighbours."""
    ids, units = unit_rows(rows)
    place = np.full(len(rows), -1)
    place[ids] = np.arange(len(ids))
    if k < 2 or len(ids) < 3:
        return
    flat = units.reshape(len(ids), -1)
    r1, r2 = (np.linalg.norm(flat - flat[place[near[ids, j]]], axis=1) for j in (0, 1))
    dropped = int((r1 == 0).sum())
    if r1.min() < 1e-7 and dropped == 0:
        return  # lengths that are rounding: no two orders of a sum agree about them
    tap.check(found["dropped"] == dropped, f"{name}: TwoNN leaves out", f"{found} {dropped}")
    if r1[r1 > 0].size and r1[r1 > 0].min() < 1e-7:
        return
    ratios = np.sort(np.maximum(r2[r1 > 0] / r1[r1 > 0], 1))
    used = int(0.9 * len(ratios))
    if used < 2:
        return
    x = np.log(ratios)[:used]
    y = -np.log1p(-np.arange(1, used + 1) / len(ratios))
    expected = (x * y).sum() / (x * x).sum() if (x > 0).any() else np.nan
    tap.near(np.nan if found["dimension"] is None else found["dimension"], expected, 1e-6,
             f"{name}: TwoNN")


# ---- tests ----------------------------------------------------------------------------------------


def all_tables(tap, program, folder):
    kernels = program.kernels()
    for name, rows, k in tables():
        rows = rows.astype(np.float32)
        path = os.path.join(folder, "rows.npy")
        np.save(path, rows)
        near, cosine, worst = brute_force(rows, k)
        tap.check(worst < 1e-13, f"{name}: the brute force is a product", worst)
        first, summary = graph(program, folder, path, k, kernel="scalar", threads=1)
        differing = []
        for kernel in kernels:
            for threads in THREADS if kernel in (kernels[0], kernels[-1]) else (2,):
                if (first, summary) != graph(program, folder, path, k, kernel=kernel,
                                             threads=threads):
                    differing.append(f"{kernel}, {threads} threads")
        tap.check(not differing, f"{name}: the same bytes everywhere", ", ".join(differing))
        with np.load(io.BytesIO(first)) as archive:
            ids, found = archive["ids"], archive["cosine"]
        tap.check(ids.dtype == np.int32 and found.dtype == np.float32
                  and ids.shape == found.shape == (len(rows), k), f"{name}: types and shapes")
        wrong = np.flatnonzero((ids != near).any(axis=1))
        tap.check(not len(wrong), f"{name}: ids of the brute force", f"{len(wrong)} rows: "
                  + "".join(f"\nrow {i}: {ids[i][:12]} {near[i][:12]}" for i in wrong[:3]))
        tap.check(np.array_equal(found, cosine, equal_nan=True), f"{name}: cosines, rounded once")
        check_summary(tap, name, rows, k, near, cosine, json.loads(summary))


def other_types(tap, program, folder):
    """Rows that are widened on the way, and transformed ones."""
    random = np.random.RandomState(2)
    x = random.standard_normal((403, 70)).astype(np.float16)
    path = os.path.join(folder, "f16.safetensors")
    safetensors(path, {"t": x})
    near, cosine, _ = brute_force(x, 10)
    with np.load(io.BytesIO(graph(program, folder, path, 10)[0])) as archive:
        tap.check(np.array_equal(archive["ids"], near)
                  and np.array_equal(archive["cosine"], cosine), "float16")
    x = random.standard_normal((211, 20)) * 10.0 ** random.randint(-150, 150, (211, 1))
    path = os.path.join(folder, "f64.safetensors")
    safetensors(path, {"t": x})
    scaled = x / np.abs(x).max(axis=1, keepdims=True)  # so that no square leaves float64
    near = brute_force(scaled, 10)[0]
    with np.load(io.BytesIO(graph(program, folder, path, 10)[0])) as archive:
        tap.check(np.array_equal(archive["ids"], near), "float64, norms of 1e-150 to 1e150")
    x = (random.standard_normal((350, 31)) + 2).astype(np.float32)
    path = os.path.join(folder, "x.npy")
    np.save(path, x)
    centered = x.astype(float) - x.astype(float).mean(axis=0)
    near = brute_force(centered, 8)[0]
    with np.load(io.BytesIO(graph(program, folder, path, 8, "--transform", "center")[0])) as archive:
        tap.check(np.array_equal(archive["ids"], near), "--transform center")


def prefix(tap, program, folder):
    """top-k is a prefix of top-(k + 1)."""
    x = np.random.RandomState(3).standard_normal((900, 40)).astype(np.float32)
    x[50:80] = x[3]
    path = os.path.join(folder, "x.npy")
    np.save(path, x)
    graphs = {}
    for k in (1, 2, 9, 10, 60):
        with np.load(io.BytesIO(graph(program, folder, path, k)[0])) as archive:
            graphs[k] = archive["ids"]
    for k, ids in graphs.items():
        tap.check(np.array_equal(ids, graphs[60][:, :k]), f"the {k} nearest begin the 60 nearest")


def lists(tap, program, folder):
    """--jsonl and --csv say what the archive says."""
    x = np.random.RandomState(4).standard_normal((60, 12)).astype(np.float32)
    x[9] = 0
    path = os.path.join(folder, "x.npy")
    np.save(path, x)
    archive = np.load(io.BytesIO(graph(program, folder, path, 4)[0]))
    ids, cosine = archive["ids"], archive["cosine"]
    out = os.path.join(folder, "lines")
    for how in ("--jsonl", "--csv"):
        subprocess.run([program.path, "knn", path, "-k", "4", how, "-o", out], check=True,
                       stdin=subprocess.DEVNULL)
        with open(out, encoding="utf-8", newline="") as file:
            lines = file.read().splitlines()
        if how == "--jsonl":
            rows = [json.loads(line) for line in lines]
            tap.check([row["id"] for row in rows] == list(range(60)), "jsonl: a line a row")
            found = {row["id"]: [(n["id"], np.float32(n["cosine"])) for n in row["neighbors"]]
                     for row in rows}
        else:
            found = {row: [] for row in range(60)}
            for line in lines[1:]:
                row, _, rank, near, _, value = line.split(",")
                found[int(row)].append((int(near), np.float32(value)))
                tap.count += 0 if int(rank) == len(found[int(row)]) else tap.check(False, "csv rank")
        expected = {row: [] if row == 9 else list(zip(ids[row].tolist(), cosine[row]))
                    for row in range(60)}
        tap.check(found == expected, f"{how[2:]}: ids and cosines of the archive")


def archive_is_plain(tap, program, folder):
    x = np.random.RandomState(5).standard_normal((40, 5)).astype(np.float32)
    path = os.path.join(folder, "x.npy")
    np.save(path, x)
    data, _ = graph(program, folder, path, 3)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        tap.check(archive.testzip() is None, "archive: CRCs")
        tap.check([m.filename for m in members] == ["ids.npy", "cosine.npy"], "archive: names")
        tap.check(all(m.compress_type == zipfile.ZIP_STORED for m in members), "archive: stored")
        tap.check(all(m.date_time == (1980, 1, 1, 0, 0, 0) for m in members), "archive: dates")


if __name__ == "__main__":
    sys.exit(Tap().run(all_tables, other_types, prefix, lists, archive_is_plain))
