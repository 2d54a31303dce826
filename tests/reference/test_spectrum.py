#!/usr/bin/env python3
"""The spectrum against plain NumPy: definitions written out from the papers, on tables of every shape.

    test_spectrum.py build/embscope

The null is held to what it must do (keep every column's values, know nothing of pairs of columns) and
to the law of independent columns; its shuffles are the program's own.
"""
import sys

import numpy as np

from reference import Tap, norms, safetensors, unit


# ---- definitions ----------------------------------------------------------------------------------


def isoscore(points):
    """Rudman et al. 2022, step by step: onto principal axes, the diagonal of the covariance, its length
    sqrt(d), the isotropy defect, and the two maps to [0, 1]."""
    points = np.asarray(points, float)
    d = points.shape[1]
    centered = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=True)
    diagonal = (centered @ axes.T).var(axis=0, ddof=1)
    normalised = np.sqrt(d) * diagonal / np.linalg.norm(diagonal)
    defect = np.linalg.norm(normalised - 1) / np.sqrt(2 * (d - np.sqrt(d)))
    phi = (d - defect ** 2 * (d - np.sqrt(d))) ** 2 / d ** 2
    return (d * phi - 1) / (d - 1)


def log_partition(points, direction):
    """log sum exp(c . v), all at once."""
    products = points @ direction
    return products.max() + np.log(np.exp(products - products.max()).sum())


def partitions(points):
    """min / max of Z over the eigenvectors of V'V: COLUMNS of what eigh returns. (positive, negative,
    both signs), positive being along the mean row."""
    vectors = np.linalg.eigh(points.T @ points)[1]
    mean = points.mean(axis=0)
    logs = []
    for vector in vectors.T:
        along = vector if vector @ mean >= 0 else -vector
        logs.append((log_partition(points, along), log_partition(points, -along)))
    logs = np.array(logs)
    ratio = lambda of: np.exp(of.min() - of.max())
    return ratio(logs[:, 0]), ratio(logs[:, 1]), ratio(logs), logs.min(), logs.max()


def ranks(values):
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def spearman(a, b):
    return np.corrcoef(ranks(a), ranks(b))[0, 1]


def summary(values):
    p = values / values.sum()
    p = p[p > 1e-300]
    return (np.exp(-(p * np.log(p)).sum()), values.sum() ** 2 / (values ** 2).sum(),
            values.sum() / values.max(), int((np.cumsum(values) < 0.9 * values.sum() * (1 - 1e-13)).sum()) + 1)


# ---- tables ---------------------------------------------------------------------------------------


def tables():
    random = np.random.RandomState(7)
    normal = random.standard_normal
    yield "Gaussian", normal((1501, 40))
    yield "a cone", normal((1203, 65)) + 2 * normal(65)
    scales = 1.0 / np.sqrt(np.arange(1, 34))
    yield "decaying scales", normal((2001, 33)) * scales + 0.3
    yield "a rogue dimension", np.hstack([normal((700, 50)), 9 + normal((700, 1))])
    yield "fewer rows than columns", normal((31, 90)) + 0.5
    yield "heavy tails", random.standard_t(3, (903, 24))
    yield "two rows", normal((2, 5))
    x = normal((400, 16))
    x[:, 5] = 3
    x[17], x[18, 3] = 0, np.nan
    yield "a constant column, undefined rows", x
    yield "norms of 1e-30 and 1e30", normal((300, 12)) * np.where(random.rand(300, 1) < 0.5, 1e-30, 1e30)
    yield "far from the origin", 1e5 + normal((600, 20))


# ---- tests ----------------------------------------------------------------------------------------


def defined(rows):
    rows = np.asarray(rows, np.float64)
    return np.flatnonzero(np.isfinite(rows).all(axis=1) & (rows != 0).any(axis=1))


def check_eigenvalues(tap, name, found, rows):
    ids = defined(rows)
    units = unit(rows[ids])
    n, d = units.shape
    count = min(n, d)
    raw = np.linalg.svd(units, compute_uv=False)[:count] ** 2
    centered = np.linalg.svd(units - units.mean(axis=0), compute_uv=False)[:count] ** 2 / n
    tap.near(np.array(found["eigenvalues"]) / n, raw / n, 1e-13, f"{name}: eigenvalues of S")
    tap.near(found["centered"]["eigenvalues"], centered, 1e-13, f"{name}: of the covariance")
    scale = centered[0]
    tap.near(np.array(found["centered"]["eigenvalues"]) / scale, centered / scale, 1e-9,
             f"{name}: of the covariance, on its own scale")
    for part, values, variance in ((found, raw, n / d), (found["centered"], centered, centered.sum() / d)):
        expected = summary(values)
        tap.near([part[key] for key in ("effective_rank", "participation_ratio", "stable_rank")],
                 expected[:3], 1e-8, f"{name}: ranks")
        tap.check(part["directions_90"] == expected[3], f"{name}: directions for 90 %",
                  f"{part['directions_90']} {expected[3]}")
        edges = variance * np.array([(1 - np.sqrt(d / n)) ** 2, (1 + np.sqrt(d / n)) ** 2])
        tap.near(part["random_edges"], edges, 1e-12, f"{name}: Marchenko-Pastur edges")
        tap.check(part["above_random"] == (values > edges[1]).sum(), f"{name}: above the edge")


def check_isotropy(tap, name, found, rows):
    ids = defined(rows)
    stored, units = np.asarray(rows, np.float64)[ids], unit(rows[ids])
    n, d = units.shape
    gram = units @ units.T
    pairs = gram[np.triu_indices(n, 1)]
    tap.near(found["isotropy"]["mean_cosine"], pairs.mean(), 1e-12, f"{name}: mean cosine")
    scaled = stored / norms(stored).max()
    tap.near(found["isotropy"]["isoscore"], isoscore(scaled), 1e-8, f"{name}: IsoScore")
    tap.near(found["isotropy"]["isoscore_unit"], isoscore(units), 1e-8, f"{name}: IsoScore, unit rows")
    if norms(stored).max() < 1e20:
        part = found["isotropy"]["partition"]
        expected = partitions(stored)
        tolerance = 1e-9 * max(1, norms(stored).max())  # an exponent's rounding
        tap.near([part["log_minimum"], part["log_maximum"]], expected[3:], tolerance, f"{name}: log Z")
        tap.near([part["positive"], part["negative"], part["both"]], expected[:3], tolerance,
                 f"{name}: partition function")
    uniformity = found["isotropy"]["uniformity"]
    i, j = np.triu_indices(n, 1)
    near = np.expm1(np.concatenate([-2 * ((units[a] - units[b]) ** 2).sum(axis=1) for a, b in
                                    zip(np.array_split(i, 50), np.array_split(j, 50))]))
    exact = np.log1p(near.mean())
    if uniformity["pairs"] == len(pairs):
        tap.near(uniformity["value"], exact, 1e-12, f"{name}: uniformity of all pairs")
        tap.check(uniformity["standard_error"] == 0, f"{name}: and no error")
    else:
        error = near.std() / (1 + near.mean()) / np.sqrt(uniformity["pairs"])
        tap.near(uniformity["standard_error"] / error, 1, 0.03, f"{name}: standard error of uniformity")
        tap.near((uniformity["value"] - exact) / error, 0, 5, f"{name}: uniformity")


def check_dimensions(tap, name, found, rows):
    units = unit(rows[defined(rows)])
    n = len(units)
    part = (units.sum(axis=0) ** 2 - (units ** 2).sum(axis=0)) / (n * (n - 1.0))
    dimensions = found["dimensions"]
    tap.near(dimensions["contributions"], part, 1e-13, f"{name}: parts of the mean cosine")
    outliers = (part > part.mean() + 3 * part.std()).sum()
    tap.check(dimensions["outliers"] == outliers, f"{name}: outlier dimensions")
    top = dimensions["top"]
    order = np.argsort(-part, kind="stable")[:len(top)]
    tap.near([t["contribution"] for t in top], part[order], 1e-13, f"{name}: the largest parts")
    tap.near([t["mean_cosine_without"] for t in top], part.sum() - np.cumsum(part[order]), 1e-12,
             f"{name}: the mean cosine without them")
    tap.near([t["share"] for t in top], part[order] / part.sum(), 1e-9, f"{name}: their shares")


def check_directions(tap, name, found, rows):
    ids = defined(rows)
    units = unit(rows[ids])
    centered = units - units.mean(axis=0)
    _, singular, vectors = np.linalg.svd(centered, full_matrices=False)
    for k, direction in enumerate(found["directions"]):
        gap = min([abs(singular[k] - singular[j]) for j in (k - 1, k + 1) if 0 <= j < len(singular)] or [1])
        if gap < 1e-3 * singular[0] or singular[k] < 1e-6 * singular[0]:
            continue  # a vector that rounding may turn
        vector = vectors[k] * np.sign(vectors[k][np.argmax(np.abs(vectors[k]))])
        tap.near(direction["vector"], vector, 1e-9, f"{name}: direction {k}")
        projection = centered @ vector
        for end, sign in (("high", -1), ("low", 1)):
            order = np.argsort(sign * projection, kind="stable")[:10]
            tap.check([e["id"] for e in direction[end]] == list(ids[order]), f"{name}: {end} tokens of {k}")
            tap.near([e["projection"] for e in direction[end]], projection[order], 1e-9,
                     f"{name}: {end} projections of {k}")
        tap.near(direction["share"], singular[k] ** 2 / (singular ** 2).sum(), 1e-9, f"{name}: share of {k}")
        if len(ids) > 2:
            tap.near([direction["spearman_id"], direction["spearman_norm"]],
                     [spearman(projection, ids), spearman(projection, norms(rows)[ids])], 1e-9,
                     f"{name}: Spearman of {k}")


def numbers(tap, program, folder):
    for name, rows in tables():
        rows = np.asarray(rows, np.float64)
        path = f"{folder}/rows.safetensors"
        safetensors(path, {"rows": rows})
        found = program.json("spectrum", path)
        ids = defined(rows)
        tap.check((found["rows"], found["left_out"]) == (len(ids), len(rows) - len(ids)), f"{name}: rows")
        check_eigenvalues(tap, name, found, rows)
        check_isotropy(tap, name, found, rows)
        check_dimensions(tap, name, found, rows)
        check_directions(tap, name, found, rows)


def null(tap, program, folder):
    random = np.random.RandomState(3)
    rows = random.standard_normal((3000, 2)) @ random.standard_normal((2, 60)) + random.standard_t(3, (3000, 60))
    path = f"{folder}/rows.safetensors"
    safetensors(path, {"rows": rows})
    units = unit(rows)
    found = program.json("spectrum", "--null", 12, path)
    values = np.array(found["null"]["eigenvalues"])
    # Shuffling keeps each column's variance: the sum of the eigenvalues is the trace, but for float32.
    tap.near(values.sum(), units.var(axis=0).sum(), 1e-6, "null: the variances stay")
    mine = np.zeros(60)
    for _ in range(12):
        shuffled = np.column_stack([random.permutation(column) for column in units.T])
        mine += np.linalg.eigvalsh(np.cov(shuffled.T, bias=True))[::-1] / 12
    # A mean of 12: each eigenvalue spreads by some 2 % of itself between tables.
    tap.near(values / mine, np.ones(60), 0.03, "null: as NumPy's shuffles")
    above = np.array(found["centered"]["eigenvalues"]) > values
    tap.check(found["null"]["above"] == np.argmin(above) and found["null"]["above"] >= 2, "null: leading ones above")
    again = program.json("spectrum", "--null", 12, "--seed", 5, path)["null"]["eigenvalues"]
    tap.check(not np.array_equal(values, again), "null: another seed, another shuffle")
    tap.near(np.array(again) / values, np.ones(60), 0.03, "null: and nearly the same")
    plain = random.standard_normal((4000, 50))
    safetensors(path, {"rows": plain})
    found = program.json("spectrum", path)
    tap.check(found["null"]["above"] <= 6 and found["centered"]["above_random"] <= 1,
              "Gaussian rows have no spikes", f"{found['null']['above']} {found['centered']['above_random']}")


def everywhere(tap, program, folder):
    random = np.random.RandomState(4)
    path = f"{folder}/rows.safetensors"
    for dtype, d in (("float32", 100), ("float16", 33)):
        safetensors(path, {"rows": (random.standard_normal((1700, d)) + 0.3).astype(dtype)})
        program.same_everywhere(tap, f"{dtype}, {d} columns", "spectrum", path)
    program.same_everywhere(tap, "transformed", "spectrum", "--transform", "abtt:2", "--transform", "raw", path)


def transforms(tap, program, folder):
    random = np.random.RandomState(5)
    rows = random.standard_normal((900, 20)) * np.arange(1, 21) + 3
    path = f"{folder}/rows.safetensors"
    safetensors(path, {"rows": rows})
    chains = ("raw", "center", "whiten", "center,abtt:3")
    found = program.json("spectrum", *[w for c in chains for w in ("--transform", c)], path)["transforms"]
    tap.check([f["chain"] for f in found] == list(chains), "one answer a chain, in order")
    for chain, answer in zip(chains, found):
        alone = program.json("spectrum", "--transform", chain, path)
        differing = [key for key in answer if key != "chain" and answer[key] != alone[key]]
        tap.check(not differing, f"{chain}: as if it stood alone", differing)
    tap.near(found[2]["isotropy"]["isoscore"], 1, 1e-9, "whitened rows have IsoScore 1")
    tap.near(found[1]["isotropy"]["isoscore"], found[0]["isotropy"]["isoscore"], 1e-9,
             "IsoScore does not see the mean")


def edges(tap, program, folder):
    path = f"{folder}/rows.safetensors"
    for name, rows in (("all rows equal", np.ones((50, 7))), ("one direction", np.outer(np.arange(1., 40), np.ones(6)))):
        safetensors(path, {"rows": rows})
        found = program.json("spectrum", path)
        centered = found["centered"]
        tap.check(centered["eigenvalues"] == [0] * rows.shape[1] and centered["effective_rank"] is None
                  and centered["participation_ratio"] is None and found["isotropy"]["isoscore_unit"] is None
                  and centered["directions_90"] == 0 and found["null"]["above"] == 0, f"{name}: no variance", centered)
        tap.near(found["eigenvalues"][0], len(rows), 1e-12, f"{name}: one eigenvalue")
        tap.near(found["isotropy"]["mean_cosine"], 1, 1e-12, f"{name}: every cosine is 1")
    safetensors(path, {"rows": np.array([[1.], [2.], [-3.]])})
    found = program.json("spectrum", path)
    tap.check(found["isotropy"]["isoscore"] is None and len(found["eigenvalues"]) == 1, "one column")


if __name__ == "__main__":
    sys.exit(Tap().run(numbers, null, everywhere, transforms, edges))
