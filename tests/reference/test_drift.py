#!/usr/bin/env python3
"""drift against plain NumPy, on the training steps of the demo model that ship with it.

    test_drift.py build/embscope

Every number of the answer: on a thousand tokens from the n x n matrices written out, the unbiased
HSIC of Song et al. among them; on the whole vocabulary from sums over blocks of rows. Neighbours are
those of a brute force whose cosines are summed as the program sums them, so that ties fall as they
must. Debian's NumPy alone.
"""
import json
import os
import struct
import sys

import numpy as np

from reference import Tap, dots, unit_rows

EXACT = 1e-11  # float64 sums of up to a million terms of size 1, in another order
DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models/demo")
STEPS = ("demo@100", "demo@500", "demo@2000", "demo@4000", "demo")


def table(name):
    """The token table of demo or demo@STEP, from its file."""
    _, _, step = name.partition("@")
    path = f"checkpoints/step-{int(step):05d}.safetensors" if step else "model.safetensors"
    with open(os.path.join(DEMO, path), "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    for key, entry in json.loads(data[8:8 + size]).items():
        if key.endswith("wte.weight"):
            first, end = (8 + size + offset for offset in entry["data_offsets"])
            return np.frombuffer(data[first:end], "<f2").reshape(entry["shape"]).astype(float)
    raise KeyError(path)


# ---- the reference --------------------------------------------------------------------------------


def nearest(rows, k):
    """(n, k) by cosine, then by id: candidates from float32 products, decided to the last bit."""
    _, blocks = unit_rows(rows)
    u = blocks.reshape(len(rows), -1).astype(np.float32)
    found = np.empty((len(rows), k), int)
    for first in range(0, len(rows), 1024):
        cosines = u[first:first + 1024] @ u.T
        cosines[np.arange(len(cosines)), first + np.arange(len(cosines))] = -2
        least = np.partition(cosines, -k, axis=1)[:, -k] - 1e-5
        for i, row in enumerate(cosines):
            near = np.flatnonzero(row >= least[i])
            exact = dots(blocks[first + i], blocks[near])
            found[first + i] = near[np.lexsort((near, -exact))[:k]]
    return found


def pearson(x, y):
    x, y = x - x.mean(), y - y.mean()
    return (x @ y) / np.sqrt((x @ x) * (y @ y))


def hsic(k, l):
    """Song et al. (2012), equation 5, for matrices with an empty diagonal."""
    m, one = len(k), np.ones(len(k))
    return ((k * l).sum() + (one @ k @ one) * (one @ l @ one) / ((m - 1) * (m - 2))
            - 2 * (one @ k @ l @ one) / (m - 2)) / (m * (m - 3))


def written_out(a, b, u, v):
    """RSA and CKA from all pairs, for a few tokens."""
    upper = np.triu_indices(len(u), 1)
    k, l = a @ a.T, b @ b.T  # the unbiased form does not ask for centring
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    centring = np.eye(len(a)) - 1 / len(a)
    kc, lc = centring @ (a @ a.T) @ centring, centring @ (b @ b.T) @ centring
    return {"rsa": pearson((u @ u.T)[upper], (v @ v.T)[upper]),
            "debiased": hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l)),
            "linear": (kc * lc).sum() / np.sqrt((kc * kc).sum() * (lc * lc).sum())}


def in_blocks(a, b, u, v):
    """The same by sums over blocks of rows, for many."""
    n = len(u)
    s = np.zeros(5)  # of x, y, x x, y y, x y over pairs i < j
    h = np.zeros(3)
    ones = [np.zeros(n), np.zeros(n)]
    for first in range(0, n, 512):
        here = slice(first, first + 512)
        x, y = u[here] @ u.T, v[here] @ v.T
        later = np.arange(n) > np.arange(n)[here, None]
        x, y = x[later], y[later]
        s += [x.sum(), y.sum(), x @ x, y @ y, x @ y]
        k, l = a[here] @ a.T, b[here] @ b.T
        own = np.arange(len(k)), first + np.arange(len(k))
        k[own] = l[own] = 0
        h += [(k * k).sum(), (l * l).sum(), (k * l).sum()]
        ones[0][here], ones[1][here] = k.sum(axis=1), l.sum(axis=1)
    x, y, xx, yy, xy = s / (n * (n - 1) / 2)

    def unbiased(trace, p, q):
        return trace + p.sum() * q.sum() / ((n - 1) * (n - 2)) - 2 * (p @ q) / (n - 2)

    ac, bc = a - a.mean(axis=0), b - b.mean(axis=0)
    return {"rsa": (xy - x * y) / np.sqrt((xx - x * x) * (yy - y * y)),
            "debiased": unbiased(h[2], *ones) / np.sqrt(unbiased(h[0], ones[0], ones[0])
                                                        * unbiased(h[1], ones[1], ones[1])),
            "linear": np.linalg.norm(ac.T @ bc)**2 / np.linalg.norm(ac.T @ ac)
            / np.linalg.norm(bc.T @ bc)}


def turned(a, b, u, v):
    w, _, z = np.linalg.svd(u.T @ v)
    ac, bc = a - a.mean(axis=0), b - b.mean(axis=0)
    shape = np.linalg.svd(ac.T @ bc, compute_uv=False).sum() / np.linalg.norm(ac) \
        / np.linalg.norm(bc)
    return {"mean_cosine": ((u @ (w @ z)) * v).sum(axis=1).mean(), "residual": 1 - shape**2}


def isotropy(rows, u):
    n, d = rows.shape
    covariance = np.cov(u.T, bias=True)
    values = np.linalg.eigvalsh(covariance)
    share = values / values.sum()
    stored = np.linalg.eigvalsh(np.cov(rows.T, bias=True))
    return {"mean_cosine": ((u.sum(axis=0)**2).sum() - n) / (n * (n - 1)),
            "effective_rank": np.exp(-(share * np.log(share)).sum()),
            "participation_ratio": values.sum()**2 / (values**2).sum(),
            "isoscore": (stored.sum()**2 / (stored**2).sum() - 1) / (d - 1)}


def common(p, q):
    return np.array([len(set(a) & set(b)) for a, b in zip(p.tolist(), q.tolist())])


def drifts(u, v, p, q):
    """How much nearer a token's own neighbours are than the other checkpoint's; mean of both."""
    def mean_to(w, near):
        return np.einsum("id,ikd->i", w, w[near]) / near.shape[1]

    lost = (mean_to(u, p) - mean_to(u, q) + mean_to(v, q) - mean_to(v, p)) / 2
    return np.where((np.sort(p) == np.sort(q)).all(axis=1), 0, np.maximum(lost, 0))


# ---- the answer -----------------------------------------------------------------------------------


def check_pair(tap, name, got, tables, units, lists, pair, k, of_pairs):
    i, j = pair
    u, v, a, b = units[i], units[j], tables[i], tables[j]
    both = common(lists[i], lists[j])
    want = of_pairs(a, b, u, v)
    tap.near(got["neighbor_overlap"]["mutual"], both.mean() / k, EXACT, f"{name}: overlap")
    tap.near(got["neighbor_overlap"]["jaccard"], (both / (2 * k - both)).mean(), EXACT,
             f"{name}: Jaccard")
    tap.near(got["neighbor_overlap"]["expected"], k / (len(u) - 1), 1e-15, f"{name}: by lot")
    tap.near(got["rsa"]["pearson"], want["rsa"], EXACT, f"{name}: RSA")
    tap.near([got["cka"][key] for key in ("debiased", "linear")],
             [want["debiased"], want["linear"]], 1e-10, f"{name}: CKA")
    want = turned(a, b, u, v)
    tap.near([got["procrustes"][key] for key in want], list(want.values()), EXACT,
             f"{name}: Procrustes")


def check_tokens(tap, answer, ids, units, lists, k):
    steps = range(len(lists) - 1)
    kept = np.stack([common(lists[s], lists[s + 1]) for s in steps], axis=1)
    way = np.stack([drifts(units[s], units[s + 1], lists[s], lists[s + 1]) for s in steps], axis=1)
    total, far = kept.sum(axis=1), way.sum(axis=1)
    number = np.arange(len(ids))
    orders = {"stable": np.lexsort((number, far, -total)),
              "unstable": np.lexsort((number, -far, total))}
    for key, order in orders.items():
        listed = answer[key]
        tap.check([t["id"] for t in listed] == ids[order[:len(listed)]].tolist(), f"{key}: which",
                  [t["id"] for t in listed])
        tap.check([t["common"] for t in listed] == kept[order[:len(listed)]].tolist(),
                  f"{key}: neighbours kept by each step")
        tap.near([t["stability"] for t in listed],
                 total[order[:len(listed)]] / (k * len(steps)), EXACT, f"{key}: stability")
        ends = common(lists[0], lists[-1])
        tap.check([t["common_ends"] for t in listed] == ends[order[:len(listed)]].tolist(),
                  f"{key}: first and last in common")
        most = [np.lexsort((-way[i], kept[i]))[0] + 1 for i in order[:len(listed)]]
        tap.check([t["moved_most"] for t in listed] == most, f"{key}: where it moved most", most)
        for end, name in ((0, "neighbors_first"), (-1, "neighbors_last")):
            near = lists[end][order[:len(listed)]]
            tap.check([[x["id"] for x in t[name]] for t in listed] == ids[near].tolist(),
                      f"{key}: {name}")
            u = units[end]
            tap.near([[x["cosine"] for x in t[name]] for t in listed],
                     np.einsum("id,ikd->ik", u[order[:len(listed)]], u[near]), 2**-23,
                     f"{key}: cosines of {name}")
    tap.near(answer["stability"]["mean"], total.mean() / (k * len(steps)), EXACT, "mean stability")
    tap.check(answer["stability"]["unchanged"] == (total == k * len(steps)).sum()
              and answer["stability"]["gone"] == (total == 0).sum(), "tokens that keep all, none")


def check(tap, answer, names, ids, k, of_pairs):
    tables = [table(name)[ids] for name in names]
    units = [rows / np.linalg.norm(rows, axis=1)[:, None] for rows in tables]
    lists = [nearest(rows, k) for rows in tables]
    last = len(names) - 1
    tap.check(answer["shared_tokens"] == len(ids) and answer["match"] == "exact"
              and answer["pairs"] == len(ids) * (len(ids) - 1) // 2, "shared tokens")
    done = {}
    for m, here in enumerate(answer["checkpoints"]):
        tap.check(here["model"] == names[m], f"{names[m]}: its name")
        want = isotropy(tables[m], units[m])
        tap.near([here["isotropy"][key] for key in want], list(want.values()), EXACT,
                 f"{names[m]}: isotropy")
        for key, other in (("first", 0), ("previous", m - 1), ("last", last)):
            got = here[key]
            if other < 0:
                tap.check(got is None, f"{names[m]}: nothing before")
                continue
            tap.check(got["checkpoint"] == other, f"{names[m]}, {key}: which")
            pair = min(m, other), max(m, other)
            same = {key: value for key, value in got.items() if key != "checkpoint"}
            if pair in done:
                tap.check(done[pair] == same, f"{names[m]}, {key}: as from the other side")
            elif m == other:
                flat = [x for group in same.values() for y, x in group.items()
                        if y not in ("k", "expected")]
                tap.check(flat == [1] * 6 + [0], f"{names[m]}, {key}: itself", flat)
            else:
                done[pair] = same
                check_pair(tap, f"{names[m]}, {key}", got, tables, units, lists, pair, k, of_pairs)
    check_tokens(tap, answer, np.asarray(ids), units, lists, k)


# ---- tests ----------------------------------------------------------------------------------------


def chosen_tokens(tap, program, folder):
    with open(os.path.join(DEMO, "vocab.json"), encoding="utf-8") as file:
        words = {key: row for key, row in json.load(file).items()
                 if key[0] == "Ġ" and key[1:].isascii() and key[1:].isalpha()}
    drawn = np.random.RandomState(1).permutation(sorted(words))[:1201]
    path = os.path.join(folder, "words")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f" {word[1:]}\n" for word in drawn)
    answer = program.same_everywhere(tap, "1,201 tokens", "drift", *STEPS, "--tokens", path, "-k",
                                     7, "--show", 40)
    tap.check(answer["asked"] == 1201 and answer["missing"] == 0, "the list is found")
    check(tap, answer, STEPS, np.array([words[word] for word in drawn]), 7, written_out)


def whole_vocabulary(tap, program, folder):
    names = STEPS[3:]
    answer = program.json("drift", *names)
    check(tap, answer, names, np.arange(14336), 10, in_blocks)


def two_checkpoints(tap, program, folder):
    whole = program.json("drift", *STEPS[1:4], "--show", 3)
    pair = program.json("drift", *STEPS[2:4], "--show", 3)
    tap.check(pair["checkpoints"][1]["previous"] == dict(whole["checkpoints"][2]["previous"],
                                                         checkpoint=0),
              "a step of two is that step of three")
    tap.check(pair["checkpoints"][0]["last"] == dict(whole["checkpoints"][1]["last"], checkpoint=1)
              == dict(pair["checkpoints"][1]["first"], checkpoint=1), "from either side")


if __name__ == "__main__":
    sys.exit(Tap().run(chosen_tokens, whole_vocabulary, two_checkpoints))
