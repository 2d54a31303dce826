#!/usr/bin/env python3
"""The program's JSON against float64 NumPy on tables made here.

    test_numpy.py build/embscope

Python's standard library and NumPy alone. Tolerances are derived: figures of a pair are float64 on
both sides and may differ by the order of sums, d * 2^-53 of terms of size 1; the histogram rests on
float32 products within 1e-6 of float64.
"""
import itertools
import os
import sys

import numpy as np

from reference import Tap, norms, random_tail, safetensors, to_bf16, unit, word2vec

PAIR = 1e-12      # figures of a pair
PRODUCT = 1e-6    # cosines of the pass over all pairs


def table(rows, columns, seed):
    """Gaussian rows around a common direction, as real embeddings lie."""
    random = np.random.RandomState(seed)
    scale = np.exp(0.3 * random.standard_normal((rows, 1)))
    return scale * (random.standard_normal((rows, columns)) + 0.4 * random.standard_normal(columns))


def make_tables(folder):
    """{name: (path, stored values in float64)}: a table of each kind of file."""
    made = {}

    def keep(name, path, values):
        made[name] = (os.path.join(folder, path), np.asarray(values, float))

    x = table(700, 64, 1).astype(np.float32)
    x[600] = x[5]            # a duplicate
    x[601] = 4 * x[5]        # the same direction
    x[10] = 0
    x[20, 3], x[30, 0] = np.nan, np.inf
    np.save(os.path.join(folder, "f4.npy"), x)
    keep("npy F4", "f4.npy", x)
    x = table(300, 33, 2).astype(np.float16)
    safetensors(os.path.join(folder, "f16.safetensors"), {"t": x})
    keep("safetensors F16", "f16.safetensors", x)
    bits, x = to_bf16(table(200, 300, 3))
    safetensors(os.path.join(folder, "bf16.safetensors"), {"t": bits})
    keep("safetensors BF16", "bf16.safetensors", x)
    x = table(257, 17, 4) * 10.0 ** np.random.RandomState(5).randint(-200, 200, (257, 1))
    safetensors(os.path.join(folder, "f64.safetensors"), {"t": x})
    keep("safetensors F64", "f64.safetensors", x)
    x = table(400, 50, 6).astype(np.float32)
    word2vec(os.path.join(folder, "w.bin"), [f"w{i}" for i in range(400)], x, True)
    keep("word2vec binary", "w.bin", x)
    x = table(90, 10, 7).astype(np.float32)
    word2vec(os.path.join(folder, "w.txt"), [f"w{i}" for i in range(90)], x, False)
    keep("word2vec text", "w.txt", x)
    x = table(150, 2, 8).astype(np.float32)
    np.save(os.path.join(folder, "flat.npy"), x)
    keep("two columns", "flat.npy", x)
    return made


def defined(values):
    return np.flatnonzero(np.isfinite(values).all(axis=1) & (values != 0).any(axis=1))


# ---- similarity ----------------------------------------------------------------------------------


def pair_figures(a, b):
    u, v, d = unit(a), unit(b), len(a)
    cosine = u @ v
    with np.errstate(all="ignore"):
        centered = [unit(x - x.mean()) for x in (u, v)]
        return {
            "cosine": cosine,
            "angle_degrees": np.degrees(2 * np.arctan2(np.linalg.norm(u - v),
                                                       np.linalg.norm(u + v))),
            "dot": a @ b,
            "euclidean": norms((a - b)[None])[0],
            "unit_euclidean": np.linalg.norm(u - v),
            "pearson": centered[0] @ centered[1],
            "z_random": cosine * np.sqrt(d),
        }


def pair_size(key, a, b):
    size_a, size_b = norms(a[None])[0], norms(b[None])[0]
    with np.errstate(over="ignore"):
        size = {"dot": size_a * size_b, "euclidean": size_a + size_b}.get(key, 1)
    return size if np.isfinite(size) and size > 0 else 1


def check_similarity(tap, program, name, path, values):
    ids = defined(values)[[0, 3, 7, 11, 40, 41, -1]]
    answer = program.same_everywhere(tap, f"similarity, {name}", "similarity", path,
                                     *(f"@{i}" for i in ids))
    tap.near([token["norm"] for token in answer["tokens"]], norms(values[ids]), PAIR,
             f"similarity, {name}: norms")
    rows = unit(values[ids])
    tap.near(answer["cosine"], rows @ rows.T, PAIR, f"similarity, {name}: matrix")
    figures = [pair_figures(values[ids[p["a"]]], values[ids[p["b"]]]) for p in answer["pairs"]]
    for key in figures[0]:
        # What may cancel or is not of size 1 is right to the size of its terms.
        size = np.array([pair_size(key, values[ids[p["a"]]], values[ids[p["b"]]])
                         for p in answer["pairs"]])
        found = np.array([p[key] for p in answer["pairs"]], float)  # null: past float64's range
        expected = np.array([f[key] for f in figures])
        expected[np.isinf(expected)] = np.nan
        tap.near(found / size, expected / size, PAIR, f"similarity, {name}: {key}")
    d = values.shape[1]
    found = np.array([p["p_random"] for p in answer["pairs"]])
    expected = np.array([random_tail(p["cosine"], d) for p in answer["pairs"]])
    tap.near(found / expected, np.ones(len(found)), 1e-9, f"similarity, {name}: p_random")
    everything = unit(values[defined(values)])
    cosines = (everything @ everything.T)[np.triu_indices(len(everything), 1)]
    off = [abs(p["percentile"] - 100 * np.mean(cosines < p["cosine"])) for p in answer["pairs"]]
    # the sample is all pairs; a float32 cosine beside the pair's own may fall to either side
    slack = [100 * np.mean(np.abs(cosines - p["cosine"]) < PRODUCT) for p in answer["pairs"]]
    tap.check(all(o <= s + 1e-9 for o, s in zip(off, slack)), f"similarity, {name}: percentile",
              f"{off} {slack}")


def similarity(tap, program, folder):
    for name, (path, values) in make_tables(folder).items():
        check_similarity(tap, program, name, path, values)


# ---- neighbors -----------------------------------------------------------------------------------


def scores_of(metric, values, ids, query, own):
    """(score, larger is nearer) of the rows `ids` to a query vector."""
    u = unit(values[ids])
    cosine = u @ unit(query)
    if metric == "dot":
        return values[ids] @ query, True
    if metric == "euclidean":
        return norms(values[ids] - query), False
    if metric == "csls":
        matrix = u @ u.T
        np.fill_diagonal(matrix, -2)
        nearest = np.sort(matrix, axis=1)[:, :-11:-1].mean(axis=1)
        own_mean = np.sort(cosine[~np.isin(ids, own)])[:-11:-1].mean()
        return 2 * cosine - own_mean - nearest, True
    return cosine, True


def same_ranking(answer, ids, scores, sign, key, tolerance):
    """None, or what is wrong with an answer: `sign` * score descending, then id."""
    found = [(n["id"], n[key]) for n in answer["neighbors"]]
    place = {row: k for k, row in enumerate(ids)}
    expected = np.sort(sign * scores)[::-1][:len(found)]
    for rank, (row, score) in enumerate(found):
        size = max(1.0, abs(score))
        if row not in place:
            return f"rank {rank + 1}: row {row} should not be there"
        if abs(score - scores[place[row]]) > tolerance * size:
            return f"rank {rank + 1}: score {score!r}, expected {scores[place[row]]!r}"
        if abs(sign * score - expected[rank]) > tolerance * size:
            return f"rank {rank + 1}: {score!r}, but {sign * expected[rank]!r} comes here"
        if rank and (-sign * found[rank - 1][1], found[rank - 1][0]) >= (-sign * score, row):
            return f"rank {rank + 1}: not after the one before it"
    if [n["rank"] for n in answer["neighbors"]] != list(range(1, len(found) + 1)):
        return "ranks do not count from 1"
    return None


def check_neighbors(tap, program, name, path, values, metric, extra):
    ids = defined(values)
    own = ids[[5]]
    key = "cosine" if metric == "cosine" else "score"
    answer = program.same_everywhere(tap, f"neighbors {metric} {' '.join(extra)}, {name}",
                                     "neighbors", path, f"@{own[0]}", "--metric", metric, *extra,
                                     threads=(1, 7))
    rest = ids if "--include-input" in extra else ids[~np.isin(ids, own)]
    scores, larger = scores_of(metric, values, ids, values[own[0]], own)
    scores = scores[np.isin(ids, rest)]
    sign = 1 if larger else -1
    kept = np.ones(len(rest), bool)
    if "--min" in extra:
        least = float(extra[extra.index("--min") + 1])
        kept = scores >= least if larger else scores <= least
    sign = -sign if "--farthest" in extra else sign
    wanted = len(rest) if "--all" in extra else int(extra[extra.index("-k") + 1])
    wrong = same_ranking(answer, rest[kept], scores[kept], sign, key, PAIR)
    if len(answer["neighbors"]) != min(wanted, kept.sum()):
        wrong = f"{len(answer['neighbors'])} neighbors, expected {min(wanted, kept.sum())}"
    if answer["left_out"] != len(values) - len(ids):
        wrong = f"{answer['left_out']} left out, expected {len(values) - len(ids)}"
    tap.check(wrong is None, f"neighbors {metric} {' '.join(extra)}, {name}", wrong)


def neighbors(tap, program, folder):
    tables = make_tables(folder)
    for name in ("npy F4", "safetensors F16", "word2vec binary", "two columns"):
        path, values = tables[name]
        for metric in ("cosine", "dot", "euclidean", "csls"):
            check_neighbors(tap, program, name, path, values, metric, ["-k", "30"])
        check_neighbors(tap, program, name, path, values, "cosine", ["-k", "30", "--farthest"])
    path, values = tables["npy F4"]
    for metric, least in (("cosine", "0.3"), ("dot", "20"), ("euclidean", "11"), ("csls", "-0.4")):
        check_neighbors(tap, program, "npy F4", path, values, metric, ["--all", "--min", least])
        check_neighbors(tap, program, "npy F4", path, values, metric,
                        ["-k", "9", "--min", least, "--farthest"])
    for metric in ("cosine", "csls"):
        check_neighbors(tap, program, "npy F4", path, values, metric,
                        ["-k", "9", "--include-input"])
    check_neighbors(tap, program, "npy F4", path, values, "cosine", ["-k", "5000"])
    check_neighbors(tap, program, "npy F4", path, values, "euclidean", ["--all", "--farthest"])
    path, values = tables["safetensors F64"]
    check_neighbors(tap, program, "safetensors F64", path, values, "cosine", ["-k", "50"])
    check_neighbors(tap, program, "safetensors F64", path, values, "csls", ["-k", "50"])


def sums(tap, program, folder):
    path, values = make_tables(folder)["word2vec binary"]
    for words, signs in ((("w1", "w2", "w3"), (1, -1, 1)), (("w7", "w8"), (1, 1))):
        parts = [part for word, sign in zip(words, signs) for part in ("+-"[sign < 0], word)][1:]
        own = np.array([int(word[1:]) for word in words])
        query = sum(sign * unit(values[row]) for row, sign in zip(own, signs))
        answer = program.json("neighbors", path, "-k", 25, *parts)
        rest = np.setdiff1d(np.arange(len(values)), own)
        wrong = same_ranking(answer, rest, unit(values[rest]) @ unit(query), 1, "cosine", PAIR)
        tap.check(wrong is None and len(answer["neighbors"]) == 25, f"sum {' '.join(parts)}",
                  wrong)
        tap.near(answer["query_norm"], np.linalg.norm(query), PAIR, f"its norm, {answer['query']}")
    vector = np.random.RandomState(9).standard_normal(values.shape[1])
    np.save(os.path.join(folder, "q.npy"), vector)
    answer = program.json("neighbors", path, "--vector", os.path.join(folder, "q.npy"), "-k", 25)
    wrong = same_ranking(answer, np.arange(len(values)), unit(values) @ unit(vector), 1, "cosine",
                         PAIR)
    tap.check(wrong is None, "a vector of one's own", wrong)


# ---- distribution --------------------------------------------------------------------------------


def check_histogram(tap, name, answer, cosines):
    edges = np.array(answer["histogram"]["edges"])
    counts = np.array(answer["histogram"]["counts"])
    tap.check(counts.sum() == len(cosines) == answer["pairs"], f"{name}: every pair counted once")
    bins = len(counts)
    tap.near(edges, np.linspace(-1, 1, bins + 1), 1e-15, f"{name}: edges")
    # Pairs below each edge, but for those so near to it that float32 may see them beyond.
    below = np.concatenate([[0], np.cumsum(counts)])[1:-1]
    ascending = np.sort(cosines)
    low = np.searchsorted(ascending, edges[1:-1] - PRODUCT)
    high = np.searchsorted(ascending, edges[1:-1] + PRODUCT)
    tap.check(bool(((low <= below) & (below <= high)).all()), f"{name}: histogram",
              f"{np.flatnonzero((low > below) | (below > high))}")
    # quantiles interpolate in these
    fine = 16000 if 16000 % bins == 0 else bins * (16384 // bins) if bins < 16384 else bins
    width = 2 / fine + PRODUCT
    wrong = []
    for quantile in answer["quantiles"]:
        place = quantile["probability"] * len(cosines)
        around = ascending[[max(int(np.floor(place)) - 1, 0),
                            min(int(np.ceil(place)), len(cosines) - 1)]]
        if not around[0] - width <= quantile["cosine"] <= around[1] + width:
            wrong.append((quantile, around))
    tap.check(not wrong, f"{name}: quantiles", wrong)
    return np.concatenate([[0], np.cumsum(counts)]) / len(cosines), edges


def check_distribution(tap, program, name, path, values, extra=()):
    name = f"distribution {' '.join(extra)}, {name}"
    answer = program.same_everywhere(tap, name, "distribution", path, "--per-row", *extra)
    ids, d = defined(values), values.shape[1]
    u = unit(values[ids])
    matrix = u @ u.T
    i, j = np.triu_indices(len(u), 1)
    cosines = matrix[i, j]
    mean, variance = cosines.mean(), cosines.var()
    away = cosines - mean
    tap.near([answer[key] for key in ("mean", "variance", "standard_deviation")],
             [mean, variance, np.sqrt(variance)], PAIR, f"{name}: mean and variance")
    tap.near([answer["skewness"], answer["excess_kurtosis"]],
             [(away ** 3).mean() / variance ** 1.5, (away ** 4).mean() / variance ** 2 - 3], 1e-5,
             f"{name}: skewness and kurtosis")
    tap.near(answer["equivalent_dimension"], 1 / (matrix ** 2).mean(), PAIR,
             f"{name}: equivalent dimension")
    for which, value in (("minimum", cosines.min()), ("maximum", cosines.max())):
        tap.near(answer[which]["cosine"], value, PAIR, f"{name}: {which}")
        best = np.flatnonzero(np.abs(cosines - value) <= 4e-16)
        pairs = [(ids[i[k]], ids[j[k]]) for k in best]
        tap.check((answer[which]["a"], answer[which]["b"]) in pairs, f"{name}: pair of the {which}",
                  f"{answer[which]}, expected {pairs}")
    cumulative, edges = check_histogram(tap, name, answer, cosines)
    law = np.array([1 - random_tail(e, d) for e in edges[::50]])
    tap.check(answer["ks_random"] >= np.abs(cumulative[::50] - law).max() - 1e-12,
              f"{name}: KS, from below")
    tap.near(answer["random"]["variance"], 1 / d, PAIR, f"{name}: variance of the law")
    level = answer["random"]["once_level"]
    tap.near(random_tail(level, d) * answer["pairs"], 1, 1e-9, f"{name}: the level passed once")
    slack = int((np.abs(cosines - level) < PRODUCT).sum())
    tap.check(abs(answer["above_chance"] - int((cosines >= level).sum())) <= slack,
              f"{name}: pairs above chance")
    means = np.full(len(values), np.nan)
    means[ids] = (matrix.sum(axis=1) - np.diag(matrix)) / (len(u) - 1)
    tap.near([np.nan if m is None else m for m in answer["row_means"]], means, PAIR,
             f"{name}: mean of each row")
    tap.check((answer["rows"], answer["left_out"]) == (len(ids), len(values) - len(ids)),
              f"{name}: rows left out")


def distribution(tap, program, folder):
    tables = make_tables(folder)
    for name, (path, values) in tables.items():
        check_distribution(tap, program, name, path, values)
    path, values = tables["safetensors F16"]
    for bins in ("1", "7", "100", "65536"):
        check_distribution(tap, program, "safetensors F16", path, values, ("--bins", bins))


def certified(tap, program, folder):
    """--certified: the counts of float64 cosines, pair for pair."""
    tables = make_tables(folder)
    for name in ("npy F4", "safetensors F16", "two columns", "word2vec text"):
        path, values = tables[name]
        answer = program.same_everywhere(tap, f"certified, {name}", "distribution", path,
                                         "--certified")
        u = unit(values[defined(values)])
        cosines = (u @ u.T)[np.triu_indices(len(u), 1)]
        edges = np.array(answer["histogram"]["edges"])
        # below each inner edge; float64's own order of sums moves a cosine by some 1e-16
        below = np.cumsum(answer["histogram"]["counts"])[:-1]
        ascending = np.sort(cosines)
        low = np.searchsorted(ascending, edges[1:-1] - 1e-15)
        high = np.searchsorted(ascending, edges[1:-1] + 1e-15)
        tap.check(bool(((low <= below) & (below <= high)).all()), f"certified, {name}: histogram",
                  np.flatnonzero((low > below) | (below > high)))
        tap.check(sum(answer["histogram"]["counts"]) == len(cosines),
                  f"certified, {name}: every pair counted once")


def many_rows(tap, program, folder):
    """20,000 rows: 199,990,000 pairs, in blocks."""
    n, d = 20000, 24
    values = table(n, d, 11).astype(np.float32)
    path = os.path.join(folder, "many.npy")
    np.save(path, values)
    kernels = [kernel for kernel in program.kernels() if kernel != "scalar"] or ["scalar"]
    answer = program.same_everywhere(tap, "distribution, 20,000 rows", "distribution", path,
                                     kernels=kernels, threads=(1, 2))
    u = unit(values)
    bins = len(answer["histogram"]["counts"])
    counts, beside = np.zeros(bins, np.int64), np.zeros(bins + 1, np.int64)
    total = square = 0.0
    extremes = [(2.0,), (-2.0,)]
    for first in range(0, n, 500):
        block = u[first:first + 500] @ u[first:].T
        upper = np.arange(block.shape[1])[None] > np.arange(len(block))[:, None]
        cosines = block[upper]
        total += cosines.sum()
        square += (cosines * cosines).sum()
        place = (cosines + 1) * (bins / 2)
        counts += np.bincount(np.clip(place.astype(np.int64), 0, bins - 1), minlength=bins)
        edge = np.rint(place)
        beside += np.bincount(edge[np.abs(place - edge) < PRODUCT * bins / 2].astype(np.int64),
                              minlength=bins + 1)
        extremes = [min(extremes[0], (cosines.min(),)), max(extremes[1], (cosines.max(),))]
    pairs = n * (n - 1) // 2
    tap.check(answer["pairs"] == pairs == sum(answer["histogram"]["counts"]), "20,000 rows: pairs")
    mean = total / pairs
    tap.near([answer["mean"], answer["variance"]], [mean, square / pairs - mean * mean], PAIR,
             "20,000 rows: mean and variance")
    tap.near([answer["minimum"]["cosine"], answer["maximum"]["cosine"]],
             [extremes[0][0], extremes[1][0]], PAIR, "20,000 rows: extremes")
    off = np.abs(np.array(answer["histogram"]["counts"]) - counts)
    tap.check(bool((off <= beside[:-1] + beside[1:]).all()), "20,000 rows: histogram",
              np.flatnonzero(off > beside[:-1] + beside[1:]))


# ---- matrix, info --------------------------------------------------------------------------------


def matrix(tap, program, folder):
    for name, (path, values) in make_tables(folder).items():
        ids = defined(values)[[1, 2, 3, 50, 51, 52, -3, -2, -1, 30, 31, 32]]
        answer = program.same_everywhere(tap, f"matrix, {name}", "matrix", path,
                                         *(f"@{i}" for i in ids))
        u = unit(values[ids])
        cosines = u @ u.T
        n, d = len(ids), values.shape[1]
        tap.near(answer["cosine"], cosines, PAIR, f"matrix, {name}: cosines")
        eigenvalues = np.array(answer["eigenvalues"])
        tap.near(eigenvalues, np.sort(np.linalg.eigvalsh(cosines))[::-1], PAIR,
                 f"matrix, {name}: eigenvalues")
        vectors = np.array(answer["eigenvectors"])
        tap.near(vectors @ cosines, eigenvalues[:, None] * vectors, PAIR,
                 f"matrix, {name}: S u = lambda u")
        tap.near(vectors @ vectors.T, np.eye(n), PAIR, f"matrix, {name}: orthonormal")
        largest = vectors[np.arange(n), np.abs(vectors).argmax(axis=1)]
        tap.check(bool((largest > 0).all()), f"matrix, {name}: sign of the vectors")
        tap.near(answer["random_edges"],
                 [(1 - np.sqrt(n / d)) ** 2, (1 + np.sqrt(n / d)) ** 2], PAIR,
                 f"matrix, {name}: edges")
        tap.check(sorted(answer["order"]) == list(range(n)), f"matrix, {name}: order")
        cluster_figures(tap, answer, cosines, f"matrix, {name}")
        scaling(tap, answer, cosines, f"matrix, {name}")


def plain_silhouettes(distance, labels):
    scores = []
    for i, own in enumerate(labels):
        mates = (labels == own) & (np.arange(len(labels)) != i)
        if not mates.any():
            scores.append(0)
            continue
        a = distance[i, mates].mean()
        b = min(distance[i, labels == other].mean() for other in set(labels) - {own})
        scores.append((b - a) / max(a, b))
    return np.array(scores)


def cut(linkage, n, count):
    """The clusters left when the last count - 1 merges are undone."""
    groups = {i: [i] for i in range(n)}
    for r, (a, b, _, _) in enumerate(linkage[:n - count]):
        groups[n + r] = groups.pop(a) + groups.pop(b)
    return {frozenset(group) for group in groups.values()}


def cluster_figures(tap, answer, cosines, name):
    n = len(cosines)
    distance = np.maximum(1 - cosines, 0)
    np.fill_diagonal(distance, 0)
    i, j = np.triu_indices(n, 1)
    heights = np.zeros((n, n))
    groups = {k: [k] for k in range(n)}
    for r, (a, b, height, _) in enumerate(answer["linkage"]):
        left, right = groups.pop(a), groups.pop(b)
        heights[np.ix_(left, right)] = heights[np.ix_(right, left)] = height
        groups[n + r] = left + right
    tap.near(answer["cophenetic"], np.corrcoef(distance[i, j], heights[i, j])[0, 1], PAIR,
             f"{name}: cophenetic")
    clusters = answer["clusters"]
    labels = np.array(clusters["labels"])
    found = {frozenset(np.flatnonzero(labels == c).tolist()) for c in range(clusters["count"])}
    tap.check(found == cut(answer["linkage"], n, clusters["count"]), f"{name}: cut")
    ordered = labels[answer["order"]]
    tap.check(bool((np.diff(ordered) >= 0).all()), f"{name}: labels by leaf order", ordered)
    each = plain_silhouettes(distance, labels)
    tap.near(answer["silhouette"]["tokens"], each, PAIR, f"{name}: silhouettes")
    tap.near(answer["silhouette"]["clusters"],
             [each[labels == c].mean() for c in range(clusters["count"])], PAIR,
             f"{name}: silhouettes of clusters")
    best = max(clusters["candidates"], key=lambda tried: tried["silhouette"] or -9)
    tap.check(clusters["asked"] or best["count"] == clusters["count"], f"{name}: the best number")
    tap.near(answer["silhouette"]["mean"], each.mean(), PAIR, f"{name}: mean silhouette")


def scaling(tap, answer, cosines, name):
    n = len(cosines)
    center = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(center @ cosines @ center)
    found = np.array(answer["mds"]["coordinates"])
    for axis in range(2):
        expected = np.sqrt(values[-1 - axis]) * vectors[:, -1 - axis]
        expected *= np.sign(expected[np.abs(expected).argmax()])
        tap.near(found[:, axis], expected, 1e-10, f"{name}: scaling, axis {axis + 1}")
    tap.near(answer["mds"]["variance_share"], values[:-3:-1] / values.sum(), PAIR,
             f"{name}: share of variance")


def categories(tap, program, folder):
    """Categories against plain means and against every labeling there is."""
    for name, (path, values) in make_tables(folder).items():
        ids = defined(values)[[1, 2, 3, 30, 31, 32, -3, -2]]
        labels = np.array([0, 1, 0, 2, 1, 0, 1, 2])
        listed = os.path.join(folder, "categories")
        with open(listed, "w", encoding="utf-8") as file:
            file.writelines(f"@{i}\tkind {label}\n" for i, label in zip(ids, labels))
        answer = program.same_everywhere(tap, f"categories, {name}", "matrix", path,
                                         "--categories", listed, "--permutations", "5000")
        found = answer["categories"]
        u = unit(values[ids])
        i, j = np.triu_indices(len(ids), 1)
        cosines = (u @ u.T)[i, j]

        def difference(labels):
            same = labels[i] == labels[j]
            return cosines[same].mean() - cosines[~same].mean()

        same = labels[i] == labels[j]
        within, between = cosines[same], cosines[~same]
        pooled = np.sqrt((within.var(ddof=1) * (len(within) - 1)
                          + between.var(ddof=1) * (len(between) - 1)) / (len(cosines) - 2))
        tap.near([found["within"], found["between"], found["difference"], found["cohens_d"]],
                 [within.mean(), between.mean(), difference(labels), difference(labels) / pooled],
                 PAIR, f"categories, {name}: contrast")
        ways = set(itertools.permutations(labels))
        reach = [difference(np.array(way)) >= difference(labels) - 1e-12 for way in ways]
        share = np.mean(reach)
        tap.check(found["labelings"] == len(ways) / 2, f"categories, {name}: labelings")
        slack = 4 * np.sqrt(max(share * (1 - share), 1e-4) / 5000) + 1 / 5001
        tap.check(abs(found["p"] - share) <= slack, f"categories, {name}: p",
                  f"{found['p']}, of all labelings {share}")


def random_sets(tap, program, folder):
    """Means of random sets against sets drawn here: within four standard errors."""
    rng = np.random.default_rng(5)
    for name, (path, values) in make_tables(folder).items():
        ids = defined(values)
        answer = program.json("matrix", path, *(f"@{i}" for i in ids[:9]), "--null-sets", "2000")
        drawn = [unit(values[rng.choice(ids, 9, replace=False)]) for _ in range(2000)]
        cosines = np.array([u @ u.T for u in drawn])
        expected = {"leading_eigenvalue": np.linalg.eigvalsh(cosines)[:, -1],
                    "mean_cosine": (cosines.sum(axis=(1, 2)) - 9) / 72}
        for key, figures in expected.items():
            found = answer["random_sets"][key]
            error = figures.std() * np.sqrt(2 / 2000)
            tap.check(abs(found["mean"] - figures.mean()) <= 4 * error + 1e-12,
                      f"random sets, {name}: {key}", f"{found['mean']}, here {figures.mean()}")
            share = (figures >= found["observed"]).mean()
            tap.check(abs(found["p"] - share) <= 4 * np.sqrt(0.5 / 2000) + 1e-3,
                      f"random sets, {name}: p of {key}", f"{found['p']}, here {share}")


def info(tap, program, folder):
    for name, (path, values) in make_tables(folder).items():
        answer = program.same_everywhere(tap, f"info, {name}", "info", path)
        ids = defined(values)
        found = [answer["norms"][key] for key in
                 ("minimum", "quartile1", "median", "quartile3", "maximum", "mean")]
        size = norms(values[ids])
        expected = [*np.percentile(size, [0, 25, 50, 75, 100]), size.mean()]
        tap.near(np.array(found) / expected, np.ones(6), PAIR, f"info, {name}: norms")
        zero = np.flatnonzero((values == 0).all(axis=1))
        broken = np.flatnonzero(~np.isfinite(values).all(axis=1))
        for key, rows in (("zero", zero), ("non_finite", broken)):
            tap.check(answer[key] == {"count": len(rows), "first": rows[:10].tolist()},
                      f"info, {name}: {key}", answer[key])
        seen, again = set(), []
        for row in ids:
            key = values[row].tobytes()
            again += [row] if key in seen else []
            seen.add(key)
        tap.check(answer["duplicates"] == {"count": len(again), "first": again[:10]},
                  f"info, {name}: duplicates", answer["duplicates"])


if __name__ == "__main__":
    sys.exit(Tap().run(similarity, neighbors, sums, distribution, certified, matrix, categories,
                       random_sets, info, many_rows))
