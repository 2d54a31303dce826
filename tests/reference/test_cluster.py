#!/usr/bin/env python3
"""Spherical k-means against Lloyd's iterations in plain NumPy, from the same first rows.

    test_cluster.py build/embscope

The reference starts from the rows that the program says it started from, gives every row the centre
with the largest float64 cosine, of equal ones the first, and takes mean directions, until nothing
moves. Partitions must be equal, objectives equal to rounding. It sums as the program says it sums
(16 lanes, folded in one order), so that ties at the last bit fall as they must. Debian's NumPy alone.
"""
import io
import json
import os
import subprocess
import sys

import numpy as np

from reference import THREADS, Tap, dots, safetensors, unit_rows


# ---- the reference --------------------------------------------------------------------------------


def flat(units, d):
    return units.reshape(len(units), -1)[:, :d]


def assign(units, centres):
    """The centre with the largest cosine, the first of equal ones: the sums of the program."""
    padded = np.pad(centres, ((0, 0), (0, -centres.shape[1] % 16))).reshape(len(centres), -1, 16)
    norms = np.sqrt([dots(c, c[None])[0] for c in padded])
    cosines = np.stack([dots(c, units) / norm for c, norm in zip(padded, norms)], axis=1)
    return cosines.argmax(axis=1)


def lloyd(rows, seeds, steps):
    """(ids, labels, objective after each step) from the rows `seeds`; None where one is empty."""
    ids, units = unit_rows(rows)
    u = flat(units, rows.shape[1])
    place = {row: p for p, row in enumerate(ids)}
    centres = u[[place[seed] for seed in seeds]]
    history = []
    for _ in range(steps + 1):
        labels = assign(units, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, labels, u)
        if len(np.unique(labels)) < len(seeds):
            return None
        history.append(np.linalg.norm(sums, axis=1).sum() / len(u))
        centres = sums
    return ids, labels, history


def silhouettes(u, labels, k):
    """Rousseeuw's, from all pairs."""
    distance = 1 - u @ u.T
    np.fill_diagonal(distance, 0)
    size = np.bincount(labels, minlength=k)
    sums = np.stack([distance[:, labels == c].sum(axis=1) for c in range(k)], axis=1)
    own = np.arange(len(u)), labels
    within = sums[own] / np.maximum(size[labels] - 1, 1)
    mean = sums / size
    mean[own] = np.inf
    between = mean.min(axis=1)
    larger = np.maximum(np.maximum(within, between), 1e-300)
    return np.where(size[labels] > 1, (between - within) / larger, 0)


def same_partition(a, b):
    """One to one, whatever the numbers."""
    pairs = set(zip(a.tolist(), b.tolist()))
    return len(pairs) == len(set(a.tolist())) == len(set(b.tolist()))


# ---- tables ---------------------------------------------------------------------------------------


def tables():
    """(name, rows, k). Sizes are no multiple of any block."""
    random = np.random.RandomState(1)
    normal = random.standard_normal
    yield "Gaussian", normal((1001, 64)), 10
    yield "k = 1", normal((501, 20)), 1
    yield "k = 2", normal((301, 7)), 2
    yield "k = 49", normal((2003, 24)), 49
    yield "k = 130", normal((1501, 33)) + 0.7, 130
    yield "4,096 dimensions", normal((211, 4096)), 5
    yield "every row a cluster", normal((97, 10)), 97
    yield "two columns", normal((1201, 2)), 12
    centres = normal((30, 64))
    yield "clusters", centres[random.randint(0, 30, 1500)] + 0.5 * normal((1500, 64)), 30
    yield "more clusters than asked", centres[random.randint(0, 30, 900)] \
        + 0.1 * normal((900, 64)), 4
    yield "a narrow cone", 0.05 * normal((901, 100)) + normal(100), 8
    x = normal((701, 96))
    x[:, [3, 50]] += 60
    yield "outlier dimensions", x, 9
    x = normal((601, 30))
    x[:100] *= 1e-30
    x[100:200] *= 1e30
    x[5], x[6, 2], x[250, 0] = 0, np.nan, np.inf
    yield "norms of 1e-30 and 1e30, undefined rows", x, 12
    x = normal((501, 33))
    x[100:250] = x[7]
    yield "duplicates", x, 20


def run(program, folder, path, k, *more, kernel=None, threads=None):
    """The arrays as bytes, and the summary."""
    out = os.path.join(folder, "clusters.npz")
    answer = program.bytes("cluster", path, "-k", k, "-o", out, *more, kernel=kernel,
                           threads=threads)
    with open(out, "rb") as file:
        return file.read(), answer


def load(data):
    with np.load(io.BytesIO(data)) as archive:
        return {name: archive[name] for name in archive.files}


# ---- tests ----------------------------------------------------------------------------------------


def check_answer(tap, name, rows, arrays, answer):
    ids, units = unit_rows(rows)
    u = flat(units, rows.shape[1])
    labels, count = arrays["labels"][ids], len(answer["clusters"])
    tap.check(np.array_equal(np.flatnonzero(arrays["labels"] >= 0), ids)
              and np.isnan(arrays["cosine"][arrays["labels"] < 0]).all(), f"{name}: left-out rows")
    tap.check([c["size"] for c in answer["clusters"]] == np.bincount(labels).tolist()
              == sorted(np.bincount(labels), reverse=True), f"{name}: sizes, largest first")
    sums = np.stack([u[labels == c].sum(axis=0) for c in range(count)])
    centres = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    cosine = (u * centres[labels]).sum(axis=1)
    tap.near(arrays["cosine"][ids], cosine, 1e-13, f"{name}: cosine to the centre")
    tap.near(arrays["centers"], centres, 2**-23, f"{name}: centres")
    tap.near(answer["objective"], cosine.mean(), 1e-13, f"{name}: objective")
    tap.near([c["cohesion"] for c in answer["clusters"]],
             [cosine[labels == c].mean() for c in range(count)], 1e-13, f"{name}: cohesion")
    tap.check(bool((np.diff(answer["history"]) >= -1e-14).all())
              and len(answer["history"]) == answer["iterations"] + 1,
              f"{name}: the objective never falls", answer["history"])
    nearest = []
    for c, cluster in enumerate(answer["clusters"]):
        found = [(t["id"], t["cosine"]) for t in cluster["tokens"]]
        members = arrays["cosine"].copy()
        members[arrays["labels"] != c] = -np.inf
        order = np.lexsort((np.arange(len(rows)), -members))[:min(8, cluster["size"])]
        nearest.append(found == [(i, members[i]) for i in order])
    tap.check(all(nearest), f"{name}: tokens nearest the centre")
    check_between(tap, name, u, labels, centres, answer)


def check_between(tap, name, u, labels, centres, answer):
    count = len(centres)
    if count < 2:
        tap.check(answer["silhouette"]["mean"] is None
                  and answer["clusters"][0]["separation"] is None, f"{name}: nothing between")
        return
    between = centres @ centres.T
    np.fill_diagonal(between, -2)
    found = [c["separation"] for c in answer["clusters"]]
    tap.near([s["cosine"] for s in found], between.max(axis=1), 1e-13, f"{name}: separation")
    tap.near([between[c, s["cluster"]] for c, s in enumerate(found)], between.max(axis=1), 1e-13,
             f"{name}: nearest centre")
    expected = silhouettes(u, labels, count)
    tap.near(answer["silhouette"]["mean"], expected.mean(), 1e-9, f"{name}: silhouette")
    tap.near([c["silhouette"] for c in answer["clusters"]],
             [expected[labels == c].mean() for c in range(count)], 1e-8,
             f"{name}: silhouette of each cluster")


def all_tables(tap, program, folder):
    kernels = program.kernels()
    for name, rows, k in tables():
        rows = rows.astype(np.float32)
        path = os.path.join(folder, "rows.npy")
        np.save(path, rows)
        first, summary = run(program, folder, path, k, kernel="scalar", threads=1)
        differing = []
        for kernel in kernels:
            for threads in THREADS if kernel in (kernels[0], kernels[-1]) else (2,):
                if (first, summary) != run(program, folder, path, k, kernel=kernel,
                                           threads=threads):
                    differing.append(f"{kernel}, {threads} threads")
        tap.check(not differing, f"{name}: the same bytes everywhere", ", ".join(differing))
        arrays, answer = load(first), json.loads(summary)
        tap.check(answer["converged"] and answer["moved"] == 0, f"{name}: converged")
        check_answer(tap, name, rows, arrays, answer)
        reference = lloyd(rows, answer["seeds"], answer["iterations"])
        if answer["reseeded"] or reference is None:
            tap.check(answer["reseeded"] > 0 and reference is None,
                      f"{name}: a cluster was empty in both")
            continue
        ids, labels, history = reference
        tap.check(same_partition(arrays["labels"][ids], labels), f"{name}: Lloyd's partition")
        tap.near(answer["history"], history, 1e-13, f"{name}: Lloyd's objectives")


def stopped_early(tap, program, folder):
    """After each number of steps the program is where the reference is."""
    x = np.random.RandomState(2).standard_normal((1503, 40)).astype(np.float32) + 0.5
    path = os.path.join(folder, "x.npy")
    np.save(path, x)
    for steps in (1, 2, 3, 5, 8):
        data, summary = run(program, folder, path, 60, "--iterations", steps, "--seed", 7)
        answer = json.loads(summary)
        ids, labels, history = lloyd(x, answer["seeds"], steps)
        before = lloyd(x, answer["seeds"], steps - 1)[1]
        tap.check(same_partition(load(data)["labels"][ids], labels), f"{steps} steps: partition")
        tap.near(answer["history"], history, 1e-13, f"{steps} steps: objectives")
        tap.check(answer["moved"] == (labels != before).sum() and not answer["converged"],
                  f"{steps} steps: rows that moved", answer["moved"])


def empty_clusters(tap, program, folder):
    """Rows of an equator of which every centre leaves some: an empty cluster begins anew."""
    random = np.random.RandomState(5)
    seen = 0
    for seed in range(40):
        x = random.standard_normal((60, 2)).astype(np.float32)
        path = os.path.join(folder, "x.npy")
        np.save(path, x)
        answer = program.json("cluster", path, "-k", 25, "--seed", seed)
        seen += answer["reseeded"] > 0
        if min(c["size"] for c in answer["clusters"]) < 1 or len(answer["clusters"]) != 25 \
                or (np.diff(answer["history"]) < -1e-14).any():
            tap.check(False, f"seed {seed}: 25 clusters, objective never falls", answer["history"])
    tap.check(True, f"no cluster stays empty ({seen} of 40 runs began one anew)")


def other_types(tap, program, folder):
    """Rows that are widened on the way, and transformed ones."""
    random = np.random.RandomState(3)
    x = random.standard_normal((803, 70)).astype(np.float16)
    path = os.path.join(folder, "f16.safetensors")
    safetensors(path, {"t": x})
    tables = [("float16", path, x, ())]
    y = random.standard_normal((411, 20)) * 10.0 ** random.randint(-100, 100, (411, 1))
    path = os.path.join(folder, "f64.safetensors")
    safetensors(path, {"t": y})
    tables.append(("float64", path, y / np.abs(y).max(axis=1, keepdims=True), ()))
    z = (random.standard_normal((650, 31)) + 2).astype(np.float32)
    path = os.path.join(folder, "z.npy")
    np.save(path, z)
    centred = z.astype(float) - z.astype(float).mean(axis=0)
    tables.append(("--transform center", path, centred, ("--transform", "center")))
    for name, path, rows, more in tables:
        data, summary = run(program, folder, path, 15, *more)
        answer = json.loads(summary)
        ids, labels, history = lloyd(rows, answer["seeds"], answer["iterations"])
        tap.check(same_partition(load(data)["labels"][ids], labels), f"{name}: partition")
        tap.near(answer["history"], history, 1e-12, f"{name}: objectives")


def restarts(tap, program, folder):
    """The best of the runs, the first of them the run without restarts."""
    x = np.random.RandomState(4).standard_normal((900, 20)).astype(np.float32)
    path = os.path.join(folder, "x.npy")
    np.save(path, x)
    gained = 0
    for seed in range(4):
        best = [program.json("cluster", path, "-k", 20, "--seed", seed, "--restarts", r)["objective"]
                for r in (1, 2, 4, 8)]
        tap.check(best == sorted(best), f"seed {seed}: more runs, no worse", best)
        gained += best[-1] > best[0]
    tap.check(gained > 0, "more runs, better")
    seeds = {tuple(program.json("cluster", path, "-k", 20, "--seed", s)["seeds"])
             for s in range(5)}
    tap.check(len(seeds) == 5, "other seeds, other first rows")


def fewer_directions(tap, program, folder):
    """k past the directions there are gives as many clusters as there are."""
    x = np.repeat(np.random.RandomState(6).standard_normal((7, 12)), 30, axis=0)
    x *= np.exp2(np.arange(210) % 5)[:, None]  # exact: the same directions
    path = os.path.join(folder, "x.npy")
    np.save(path, x.astype(np.float32))
    answer = program.json("cluster", path, "-k", 20)
    tap.check([c["size"] for c in answer["clusters"]] == [30] * 7 and answer["k"] == 20,
              "seven directions, seven clusters", answer["clusters"])
    tap.near(answer["objective"], 1, 1e-15, "seven directions: objective 1")


def lists(tap, program, folder):
    """--jsonl and --csv say what the archive says."""
    x = np.random.RandomState(7).standard_normal((60, 12)).astype(np.float32)
    x[9] = 0
    path = os.path.join(folder, "x.npy")
    np.save(path, x)
    arrays = load(run(program, folder, path, 4)[0])
    expected = [(i, None if i == 9 else int(arrays["labels"][i]),
                 None if i == 9 else float(arrays["cosine"][i])) for i in range(60)]
    out = os.path.join(folder, "lines")
    for how in ("--jsonl", "--csv"):
        subprocess.run([program.path, "cluster", path, "-k", "4", how, "-o", out], check=True,
                       stdin=subprocess.DEVNULL)
        with open(out, encoding="utf-8", newline="") as file:
            lines = file.read().splitlines()
        if how == "--jsonl":
            found = [(o["id"], o["cluster"], o["cosine"]) for o in map(json.loads, lines)]
        else:
            cells = [line.split(",") for line in lines[1:]]
            found = [(int(i), int(c) if c else None, float(v) if v else None)
                     for i, _, c, v in cells]
        tap.check(found == expected, f"{how[2:]}: labels and cosines of the archive")


if __name__ == "__main__":
    sys.exit(Tap().run(all_tables, stopped_early, empty_clusters, other_types, restarts,
                       fewer_directions, lists))
