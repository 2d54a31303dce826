#!/usr/bin/env python3
"""compare against plain NumPy: the n x n matrices written out, ranked, permuted back.

    test_compare.py build/embscope

Debian's NumPy alone: Spearman, Kendall and rho_a from their definitions, the unbiased HSIC of Song
et al. from whole matrices, Procrustes from NumPy's singular values, neighbours by brute force.
"""
import json
import os
import struct
import sys

import numpy as np

from reference import Tap, safetensors, unit, word2vec

EXACT = 1e-11  # float64 sums of up to a million terms of size 1, in another order


# ---- the reference --------------------------------------------------------------------------------


def ranks(values):
    """From 1, the mean of equal ones."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    end = np.cumsum(count)
    return (end - (count - 1) / 2)[place]


def pearson(x, y):
    x, y = x - x.mean(), y - y.mean()
    return (x @ y) / np.sqrt((x @ x) * (y @ y))


def kendall(x, y):
    """tau_a: concordant less discordant over all pairs of entries."""
    total = sum((np.sign(x[i] - x[i + 1:]) * np.sign(y[i] - y[i + 1:])).sum()
                for i in range(len(x)))
    return total / (len(x) * (len(x) - 1) / 2)


def hsic(k, l):
    k, l, m = k.copy(), l.copy(), len(k)
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    one = np.ones(m)
    return ((k * l).sum() + (one @ k @ one) * (one @ l @ one) / ((m - 1) * (m - 2))
            - 2 * (one @ k @ l @ one) / (m - 2)) / (m * (m - 3))


def nearest(s, k):
    """By cosine, then by number, without the row itself."""
    found = []
    for i, row in enumerate(s):
        order = np.lexsort((np.arange(len(s)), -row))
        found.append([j for j in order if j != i][:k])
    return np.array(found)


def filled(x, width):
    return np.pad(x, ((0, 0), (0, width - x.shape[1])))


def expected(a, b, k):
    """All figures from the rows (n, d) of the shared tokens."""
    a, b, n = a.astype(float), b.astype(float), len(a)
    u, v = unit(a), unit(b)
    s, t = u @ u.T, v @ v.T
    upper = np.triu_indices(n, 1)
    x, y = s[upper], t[upper]
    rx, ry, pairs = ranks(x), ranks(y), len(x)
    xc, yc = a - a.mean(axis=0), b - b.mean(axis=0)
    kk, ll = xc @ xc.T, yc @ yc.T
    width = max(a.shape[1], b.shape[1])
    w, sigma, z = np.linalg.svd(filled(u, width).T @ filled(v, width))
    turned = (filled(u, width) @ (w @ z) * filled(v, width)).sum(axis=1)
    shape = np.linalg.svd(xc.T @ yc, compute_uv=False).sum() \
        / np.linalg.norm(xc) / np.linalg.norm(yc)
    near_a, near_b = nearest(s, k), nearest(t, k)
    common = np.array([len(set(p) & set(q)) for p, q in zip(near_a, near_b)])
    own = [m[np.arange(n)[:, None], near].mean(axis=1) for m, near in ((s, near_a), (t, near_b))]
    other = [m[np.arange(n)[:, None], near].mean(axis=1) for m, near in ((s, near_b), (t, near_a))]
    covariance = np.cov(u.T, bias=True)
    values = np.linalg.eigvalsh(covariance)[::-1]
    share = values[values > 1e-14 * values[0]] / values.sum()
    return {
        "pearson": pearson(x, y), "spearman": pearson(rx, ry),
        "rho_a": 12 * (rx @ ry) / (pairs**3 - pairs) - 3 * (pairs + 1) / (pairs - 1),
        "kendall": (x, y),
        "linear": (kk * ll).sum() / np.sqrt((kk * kk).sum() * (ll * ll).sum()),
        "debiased": hsic(kk, ll) / np.sqrt(hsic(kk, kk) * hsic(ll, ll)), "hsic": hsic(kk, ll),
        "mean_cosine": turned.mean(), "nuclear": sigma.sum() / n, "residual": 1 - shape**2,
        "mutual": common.mean() / k, "jaccard": (common / (2 * k - common)).mean(),
        "common": common, "drift": (own[0] - other[0] + own[1] - other[1]) / 2,
        "near": (near_a, near_b), "s": (x.mean(), x.std()),
        "effective_rank": np.exp(-(share * np.log(share)).sum()), "share": share}


def check(tap, name, answer, want, with_kendall=True):
    rsa, cka, procrustes = answer["rsa"], answer["cka"], answer["procrustes"]
    overlap = answer["neighbor_overlap"]
    tap.near(rsa["pearson"], want["pearson"], EXACT, f"{name}: Pearson")
    if rsa["rank_error"] is not None:
        tap.check(rsa["rank_error"] == 0, f"{name}: ranks are exact")
        tap.near(rsa["spearman"], want["spearman"], EXACT, f"{name}: Spearman")
        tap.near(rsa["rho_a"], want["rho_a"], EXACT, f"{name}: rho_a")
        if with_kendall:
            tap.near(rsa["kendall"], kendall(*want["kendall"]), EXACT, f"{name}: Kendall")
    tap.near(cka["linear"], want["linear"], EXACT, f"{name}: linear CKA")
    tap.near(cka["debiased"], want["debiased"], 1e-10, f"{name}: debiased CKA")
    tap.near(cka["hsic"] / want["hsic"], 1, 1e-9, f"{name}: HSIC")
    tap.near(want["nuclear"], want["mean_cosine"], EXACT, f"{name}: the reference agrees with itself")
    tap.near(procrustes["mean_cosine"], want["mean_cosine"], EXACT, f"{name}: Procrustes")
    tap.near(procrustes["residual"], want["residual"], EXACT, f"{name}: residual")
    tap.near(overlap["mutual"], want["mutual"], EXACT, f"{name}: mutual neighbours")
    tap.near(overlap["jaccard"], want["jaccard"], EXACT, f"{name}: Jaccard")
    tap.check(overlap["unchanged"] == (want["common"] == overlap["k"]).sum()
              and overlap["disjoint"] == (want["common"] == 0).sum(), f"{name}: lists the same, apart")
    model = answer["models"][0]
    tap.near([model["mean_cosine"], model["standard_deviation"]], want["s"], EXACT,
             f"{name}: mean and deviation")
    tap.near(model["effective_rank"], want["effective_rank"], 1e-9, f"{name}: effective rank")
    count = len(model["eigenvalue_shares"])
    share = np.pad(want["share"], (0, count))[:count]  # fewer where the rest is 0
    tap.near(model["eigenvalue_shares"], share, 1e-10, f"{name}: spectrum")


def check_moved(tap, name, answer, want, rows=None):
    """rows: of item i in either model, where they are not i itself."""
    order = np.lexsort((np.arange(len(want["common"])), -want["drift"], want["common"]))
    rows = rows or [(i, i) for i in range(len(order))]
    found = [[a for a, _ in rows].index(token["id_a"]) for token in answer["moved"]]
    tap.check(found == order[:len(found)].tolist(), f"{name}: tokens that moved", found)
    tap.near([t["drift"] for t in answer["moved"]], want["drift"][found], 1e-6, f"{name}: drift")
    lists = [[n["id"] for n in token["neighbors_" + side]] for side in "ab"
             for token in answer["moved"]]
    tap.check(lists == [[rows[j][m] for j in want["near"][m][i]] for m in range(2) for i in found],
              f"{name}: both lists")


def saved(folder, name, rows):
    path = os.path.join(folder, name)
    np.save(path, rows)
    return path


# ---- tests ----------------------------------------------------------------------------------------


def tables(tap, program, folder):
    random = np.random.RandomState(1)
    normal = random.standard_normal
    for name, n, da, db, mix in (("alike", 300, 20, 20, 1.0), ("of different width", 211, 9, 33, 0.5),
                                 ("fewer rows than columns", 40, 64, 50, 0.7),
                                 ("independent", 150, 12, 17, 0.0), ("seven tokens", 7, 3, 4, 1.0)):
        a = normal((n, da)).astype(np.float32) + np.float32(0.4)
        b = (normal((n, db)) + mix * a @ normal((da, db)) / 3).astype(np.float32)
        paths = saved(folder, "a.npy", a), saved(folder, "b.npy", b)
        k = min(10, n // 2) if n <= 20 else 10
        want = expected(a, b, k)
        answer = program.json("compare", *paths, "--rank", "--permutations", 50)
        check(tap, name, answer, want, n <= 150)
        check_moved(tap, name, answer, want)
        sample = answer["rsa"]["chance"]
        tap.near(sample["observed"], want["pearson"], EXACT, f"{name}: the sample is all of it")
        # The same permutations by products of the tables: no whole matrix of pairs.
        whole = program.json("compare", *paths, "--all-pairs", "--permutations", 50, "--sample", 10)
        whole = whole["rsa"]["chance"]
        tap.near([whole[key] for key in sample], list(sample.values()), EXACT,
                 f"{name}: permuted over all pairs")


def same_everywhere(tap, program, folder):
    random = np.random.RandomState(2)
    a = random.standard_normal((700, 24)).astype(np.float32)
    b = (a @ random.standard_normal((24, 30)) + random.standard_normal((700, 30))).astype(np.float32)
    paths = saved(folder, "a.npy", a), saved(folder, "b.npy", b)
    first = None
    for kernel in program.kernels():
        for threads in (1, 2, 7):
            answer = program.json("compare", *paths, "--rank", "--permutations", 60, kernel=kernel,
                                  threads=threads)
            whole = program.json("compare", *paths, "--all-pairs", "--permutations", 20,
                                 kernel=kernel, threads=threads)
            answer["whole"] = whole["rsa"]["chance"]
            # What LAPACK gives may differ between machines: not between kernels or threads.
            first = first or answer
            if answer != first:
                tap.check(False, f"{kernel}, {threads} threads: the same answer")
    tap.check(True, "the same answer from every kernel and number of threads")


def ties(tap, program, folder):
    """Cosines of +-1 and 0 alone: ranks and tau with ties."""
    random = np.random.RandomState(3)
    a = np.eye(6, dtype=np.float32)[random.randint(0, 6, 60)]
    b = np.eye(5, dtype=np.float32)[random.randint(0, 5, 60)] * np.float32(2)
    paths = saved(folder, "a.npy", a), saved(folder, "b.npy", b)
    want = expected(a, b, 10)
    rsa = program.json("compare", *paths, "--rank")["rsa"]
    tap.near(rsa["spearman"], want["spearman"], EXACT, "ties: Spearman")
    tap.near(rsa["rho_a"], want["rho_a"], EXACT, "ties: rho_a")
    tap.near(rsa["kendall"], kendall(*want["kendall"]), EXACT, "ties: Kendall")


def odd_rows(tap, program, folder):
    """Undefined rows stay out of every figure; scales of 1e-30 and 1e30 change nothing."""
    random = np.random.RandomState(4)
    a = random.standard_normal((120, 8))
    b = a @ random.standard_normal((8, 8)) + random.standard_normal((120, 8))
    keep = np.ones(120, bool)
    keep[[3, 50, 77]] = False
    want = expected(a[keep], b[keep], 10)
    a[3], a[50, 2], b[77] = 0, np.nan, np.inf
    path = [os.path.join(folder, name) for name in ("a.safetensors", "b.safetensors")]
    safetensors(path[0], {"t": a * 1e120})
    safetensors(path[1], {"t": b * 1e-130})
    answer = program.json("compare", *path)
    tap.check([answer["shared_tokens"]] + [m["undefined"] for m in answer["models"]] == [117, 2, 1],
              "undefined rows: counted")
    answer["cka"]["hsic"] = want["hsic"]  # out of proportion by 1e-20
    check(tap, "undefined rows, scales", answer, want)


def constant_rows(tap, program, folder):
    """Rows of one direction vary in nothing: null, not NaN."""
    a = np.ones((30, 4), np.float32)
    b = np.random.RandomState(5).standard_normal((30, 4)).astype(np.float32)
    answer = program.json("compare", saved(folder, "a.npy", a), saved(folder, "b.npy", b), "--rank")
    found = [answer["rsa"]["pearson"], answer["rsa"]["p_permutation"], answer["rsa"]["spearman"],
             answer["cka"]["linear"], answer["cka"]["debiased"], answer["procrustes"]["residual"]]
    tap.check(found == [None] * 6, "constant rows: undefined", found)


def transforms(tap, program, folder):
    random = np.random.RandomState(6)
    a = (random.standard_normal((200, 16)) + 3).astype(np.float32)
    path = saved(folder, "a.npy", a)
    answer = program.json("compare", path, path, "--transform", "raw", "--transform", "center")
    check(tap, "raw against centred", answer, expected(a, a.astype(float) - a.mean(axis=0, dtype=float), 10))
    tap.check([m["transforms"] for m in answer["models"]] == [[], ["center"]], "transforms are named")


def three_models(tap, program, folder):
    """Noise ceiling from the matrices themselves."""
    random = np.random.RandomState(7)
    base = random.standard_normal((90, 12))
    rows = [(base + 0.6 * random.standard_normal((90, 12))).astype(np.float32) for _ in range(3)]
    paths = [saved(folder, f"{m}.npy", r) for m, r in enumerate(rows)]
    answer = program.json("compare", *paths, "--permutations", 20)
    upper = np.triu_indices(90, 1)
    z = np.stack([(unit(r) @ unit(r).T)[upper] for r in rows])
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    high = [pearson(z[m], z.mean(axis=0)) for m in range(3)]
    low = [pearson(z[m], np.delete(z, m, axis=0).mean(axis=0)) for m in range(3)]
    tap.near([m["noise_ceiling"]["upper"] for m in answer["models"]], high, EXACT, "ceiling, upper")
    tap.near([m["noise_ceiling"]["lower"] for m in answer["models"]], low, EXACT, "ceiling, lower")
    tap.near([answer["noise_ceiling"]["lower"], answer["noise_ceiling"]["upper"]],
             [np.mean(low), np.mean(high)], EXACT, "ceiling, means")
    tap.near([p["rsa"]["pearson"] for p in answer["pairs"]],
             [pearson(z[a], z[b]) for a, b in ((0, 1), (0, 2), (1, 2))], EXACT, "every pair")
    two = program.json("compare", *paths[1:], "--permutations", 20)
    tap.check(two["rsa"] == answer["pairs"][2]["rsa"] and two["moved"] == answer["pairs"][2]["moved"],
              "a pair alone is the pair among three")


def names(tap, program, folder):
    """Shared words, in the first model's order; lower case takes the lowest id."""
    random = np.random.RandomState(8)
    keys = [["Cat", "cat", "dog", "Haus", "ÄPFEL", "x1", "x2", "x3"],
            ["x3", "x2", "x1", "äpfel", "CAT", "cat", "dog", "haus"]]
    rows = [random.standard_normal((8, 5)).astype(np.float32) for _ in range(2)]
    paths = [os.path.join(folder, name) for name in ("a.vec", "b.vec")]
    for path, key, row in zip(paths, keys, rows):
        word2vec(path, key, row, binary=False)
    answer = program.json("compare", *paths)
    pairs = [(keys[0].index(w), keys[1].index(w)) for w in keys[0] if w in keys[1]]
    check(tap, "shared words", answer, expected(*(r[list(i)] for r, i in zip(rows, zip(*pairs))),
                                                answer["neighbor_overlap"]["k"]))
    tap.check((answer["match"], answer["shared_tokens"]) == ("exact", 5), "exact: five words")
    answer = program.json("compare", *paths, "--match", "lower")
    low = [[w.lower() for w in k] for k in keys]
    pairs = [(low[0].index(w), low[1].index(w)) for w in dict.fromkeys(low[0]) if w in low[1]]
    check(tap, "lower case", answer, expected(*(r[list(i)] for r, i in zip(rows, zip(*pairs))),
                                              answer["neighbor_overlap"]["k"]))
    tap.check([m["collided"] for m in answer["models"]] == [1, 1], "lower case: one name taken each")


def scipy_says(tap, program, folder):
    """Golden answers of SciPy: tools/golden/compare.py."""
    path = os.path.join(os.path.dirname(__file__), "..", "golden", "compare.json")
    with open(path, encoding="utf-8") as file:
        golden = json.load(file)
    rows = [np.array(golden[m], np.float32) for m in "ab"]
    answer = program.json("compare", *(saved(folder, f"{i}.npy", r) for i, r in enumerate(rows)),
                          "--rank")
    for key in ("pearson", "spearman", "kendall"):
        tap.near(answer["rsa"][key], golden[key], EXACT, f"SciPy's {key}")
    tap.near(answer["procrustes"]["mean_cosine"], golden["mean_cosine"], EXACT,
             "SciPy's orthogonal Procrustes")
    tap.near(answer["procrustes"]["residual"], golden["disparity"], EXACT, "SciPy's disparity")


def decoded(token):
    """The bytes of a byte-level BPE token (GPT-2's alphabet)."""
    shown = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    hidden = [b for b in range(256) if b not in shown]
    byte_of = {chr(b): b for b in shown} | {chr(256 + i): b for i, b in enumerate(hidden)}
    return bytes(byte_of[c] for c in token)


def demo_words(folder):
    """{word: row} of the tokens that a space begins, and the token table."""
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(size))["wte.weight"]
        start, end = entry["data_offsets"]
        file.seek(8 + size + start)
        dtype = {"F16": "<f2", "F32": "<f4"}[entry["dtype"]]
        rows = np.frombuffer(file.read(end - start), dtype).reshape(entry["shape"])
    with open(os.path.join(folder, "vocab.json"), encoding="utf-8") as file:
        vocabulary = json.load(file)
    special = "<|endoftext|>"
    tokens = {decoded(t): i for t, i in vocabulary.items() if t != special}
    return {t[1:]: i for t, i in tokens.items() if t[:1] == b" " and t[1:2] not in (b" ", b"")}, rows


def binary_vectors(path):
    with open(path, "rb") as file:
        rows, columns = map(int, file.readline().split())
        data = file.read()
    words, out, at = {}, np.empty((rows, columns), np.float32), 0
    for i in range(rows):
        end = data.index(b" ", at)
        words.setdefault(data[at:end].strip(b"\n"), i)
        out[i] = np.frombuffer(data, "<f4", columns, end + 1)
        at = end + 1 + 4 * columns
    return words, out


def real_models(tap, program, folder):
    """The model that ships against Google News, on the words of both."""
    demo = os.path.join(os.path.dirname(__file__), "..", "..", "models", "demo")
    news = os.path.join(os.environ.get("EMBSCOPE_TEST_DATA", ""),
                        "word-vectors/googlenews-8000x300.bin")
    if not os.path.exists(news):
        tap.skip("demo against Google News", "EMBSCOPE_TEST_DATA names no folder with it")
        return
    (ours, a), (theirs, b) = demo_words(demo), binary_vectors(news)
    shared = sorted((i, theirs[word]) for word, i in ours.items() if word in theirs)
    answer = program.json("compare", demo, news, "--rank")
    tap.check((answer["match"], answer["shared_tokens"]) == ("word", len(shared)),
              "demo against Google News: shared words", (answer["shared_tokens"], len(shared)))
    want = expected(*(rows[list(i)] for rows, i in zip((a, b), zip(*shared))), 10)
    check(tap, "demo against Google News", answer, want, with_kendall=False)
    check_moved(tap, "demo against Google News", answer, want, shared)


if __name__ == "__main__":
    sys.exit(Tap().run(scipy_says, tables, same_everywhere, ties, odd_rows, constant_rows, transforms,
                       three_models, names, real_models))
