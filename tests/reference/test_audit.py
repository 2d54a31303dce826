#!/usr/bin/env python3
"""The audit against plain NumPy: the growth of the untouched rows as docs/mathematics.md has it, the
indicators by a whole singular value decomposition, norms, equal rows, and which tokens are text.

    test_audit.py build/embscope

Debian's NumPy alone.
"""
import collections
import json
import math
import os
import sys

import numpy as np

from reference import Tap, norms, safetensors

IMPOSSIBLE = [0xC0, 0xC1, *range(0xF5, 0x100)]  # ids of a vocabulary whose first tokens are bytes


# ---- the growth -----------------------------------------------------------------------------------


def depth(p):
    """z with P(normal < -z) = p, by bisection."""
    low, high = 0.0, 40.0
    for _ in range(200):
        middle = (low + high) / 2
        if math.erfc(middle / math.sqrt(2)) / 2 > p:
            low = middle
        else:
            high = middle
    return low


def log_distances(x, inside):
    m, u = inside.sum(), x[inside].mean(axis=0)
    factor = np.where(inside, m / (m - 1), m / (m + 1))
    floor = 2.0**-24 * np.linalg.norm(u)
    return np.log(np.maximum(np.linalg.norm(x - u, axis=1) * np.sqrt(factor), floor))


def grow(x, seed):
    """(inside, log distances, inner, outer, radius, typical) or None."""
    seed = np.asarray(seed)
    if len(seed) > 512:
        seed = seed[np.arange(512) * len(seed) // 512]
    between = np.linalg.norm(x[seed][:, None] - x[seed][None], axis=2)
    h = len(seed) // 2 + 1
    best = np.argmin(np.sort(between, axis=1)[:, h - 1])
    core = seed[np.argsort(between[best], kind="stable")[:h]]
    inside = np.zeros(len(x), bool)
    inside[core] = True
    for step in range(50):
        logs = log_distances(x, inside)
        radius = np.median(logs[inside])
        sigma = max(1.4826022185056018 * np.median(np.abs(logs[inside] - radius)),
                    1 / math.sqrt(2 * x.shape[1]))
        inner = radius + 4 * sigma
        others = logs[~inside & ((logs > inner) | (step > 0))]
        if len(others) < 3:
            return None
        typical = np.median(others)
        outer = typical - (typical - np.percentile(others, 15.865525393145707)) * depth(0.05 / len(others))
        grown = logs <= min(inner, outer)
        if 2 * grown[core].sum() <= h:
            return None
        if (grown == inside).all():
            return inside, logs, inner, outer, radius, typical
        inside = grown
    return None


def cosine_distance(rows, vector):
    return 1 - rows @ vector / (np.linalg.norm(rows, axis=1) * np.linalg.norm(vector))


def indicators(x, inside):
    u, mean = x[inside].mean(axis=0), x.mean(axis=0)
    first = np.linalg.svd(x - mean, full_matrices=False)[2][0]
    return (cosine_distance(x, u), cosine_distance(x - np.outer(x @ first, first), u - (u @ first) * first),
            cosine_distance(x - mean, u - mean))


# ---- models ---------------------------------------------------------------------------------------


def byte_letters():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    extra = iter(range(256, 512))
    return [chr(b) if b in printable else chr(next(extra)) for b in range(256)]


def write_model(folder, x, merges=()):
    letters = byte_letters()
    tokens = letters + ["".join(pair) for pair in merges]
    os.makedirs(folder, exist_ok=True)
    for name, text in (("config.json", json.dumps({"model_type": "gpt2"})),
                       ("vocab.json", json.dumps({t: i for i, t in enumerate(tokens)})),
                       ("merges.txt", "".join(f"{a} {b}\n" for a, b in merges))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    safetensors(os.path.join(folder, "model.safetensors"), {"wte.weight": x})
    return folder


def tables():
    """(name, rows): the bytes of IMPOSSIBLE untouched, and 60 in all but where said."""
    random = np.random.RandomState(6)
    normal = random.standard_normal

    def table(n, d, size, drift, noise, planted=60, dtype=np.float32):
        x = normal(d) * size * 0.5 + size * np.exp(0.2 * normal((n, 1))) * normal((n, d))
        more = 256 + random.permutation(n - 256)[:planted - len(IMPOSSIBLE)]
        ids = np.r_[IMPOSSIBLE, more].astype(int)
        x[ids] = drift * normal(d) + noise * normal((len(ids), d))
        return x.astype(dtype)

    yield "drift in common", table(1203, 96, 0.13, 0.12, 0.02)
    yield "as initialised", table(1203, 96, 0.13, 0, 0.02)
    yield "float16", table(801, 64, 0.13, 0.12, 0.004, dtype=np.float16)
    yield "float64, tiny", table(801, 64, 0.13, 0.12, 0.02, dtype=np.float64) * 1e-200
    yield "float64, huge", table(801, 64, 0.13, 0.12, 0.02, dtype=np.float64) * 1e200
    yield "more columns than rows", table(300, 700, 0.13, 0.12, 0.02, planted=30)
    yield "two columns", table(900, 2, 3, 0.01, 0.001)
    x = table(1203, 96, 0.13, 0.12, 0.02)
    x[300:500] = x[0xC0] + (0.03 + 0.001 * np.arange(200))[:, None] * normal((200, 96))
    yield "rows trained little", x
    x = table(1203, 96, 0.13, 0.12, 0.02)
    x[IMPOSSIBLE[:5]] = x[600:605]
    yield "five of the seed trained", x
    x = (0.1 * normal((900, 48))).astype(np.float32)
    yield "nothing stands apart", x


# ---- tests ----------------------------------------------------------------------------------------


def by_category(answer):
    found = collections.defaultdict(dict)
    for finding in answer["findings"]:
        found[finding["category"]][finding["id"]] = finding
    return found


def growth(tap, program, folder):
    for name, rows in tables():
        path = write_model(os.path.join(folder, name.replace(" ", "-")), rows)
        answer = program.same_everywhere(tap, name, "audit", path)
        x = rows.astype(float)
        size = np.abs(x).max()  # so that squares stay in float64
        expected = grow(x / size, IMPOSSIBLE)
        untouched, found = answer["untouched"], by_category(answer)["untouched"]
        tap.check(untouched["found"] == (expected is not None), f"{name}: found or not", untouched)
        if expected is None or not untouched["found"]:
            tap.check(not found, f"{name}: nothing is claimed")
            continue
        inside, logs, inner, outer, radius, typical = expected
        ids = np.flatnonzero(inside)
        tap.check(sorted(found) == ids.tolist(), f"{name}: the untouched rows",
                  f"{sorted(found)}\n{ids.tolist()}")
        tap.near([untouched[key] / size for key in ("inner", "outer", "radius", "typical")],
                 np.exp([inner, outer, radius, typical]), 1e-9, f"{name}: limits")
        tap.check(untouched["between"] == (~inside & (logs <= outer)).sum(), f"{name}: between")
        tap.near([found[i]["indicator"] / size for i in ids], np.exp(logs[ids]), 1e-9,
                 f"{name}: distances")
        keys = ("cosine_distance", "cosine_distance_without_first", "cosine_distance_centered")
        for key, values in zip(keys, indicators(x / size, inside)):
            if rows.shape[1] > 2 or key != keys[1]:
                tap.near([found[i][key] for i in ids], values[ids], 1e-8, f"{name}: {key}")
        order = [f["indicator"] for f in answer["findings"]
                 if f["category"] == "untouched" and not f["encodable"]]
        tap.check(order == sorted(order), f"{name}: the nearest first")


def odd_rows(tap, program, folder):
    random = np.random.RandomState(7)
    x = (random.standard_normal((500, 40)) * np.exp(0.1 * random.standard_normal((500, 1))))
    x[3], x[4, 2], x[9] = 0, np.nan, 50 * x[9]
    x[20:24] = x[19]
    x[77] = x[5]
    x[80] *= 1e-3
    x = x.astype(np.float32)
    path = os.path.join(folder, "x.npy")
    np.save(path, x)
    answer = program.same_everywhere(tap, "odd rows", "audit", path, "--near", "0.5")
    found = by_category(answer)
    defined = np.setdiff1d(np.arange(500), [3, 4])
    logs = np.log(norms(x[defined]))
    median = np.median(logs)
    scale = 1.4826022185056018 * np.median(np.abs(logs - median))
    scores = (logs - median) / scale
    odd = defined[np.abs(scores) >= 6]
    tap.check(sorted(found["norm"]) == odd.tolist() == [9, 80], "odd norms", sorted(found["norm"]))
    tap.near([found["norm"][i]["indicator"] for i in odd],
             [scores[defined == i][0] for i in odd], 1e-11, "z-scores")
    tap.near([answer["norms"]["median"], answer["norms"]["scale"]], [np.exp(median), scale], 1e-12,
             "median and scale")
    tap.check(sorted(found["zero"]) == [3] and sorted(found["non_finite"]) == [4], "undefined rows")
    equal = {i: f["other"] for i, f in found["duplicate"].items()}
    tap.check(equal == {20: 19, 21: 19, 22: 19, 23: 19, 77: 5}, "equal rows", equal)
    tap.check(answer["duplicate_groups"] == 2, "groups of equal rows")
    units = x[defined] / norms(x[defined])[:, None]
    a, b = np.triu_indices(len(defined), 1)
    near = {(defined[i], defined[j]) for i, j in zip(a, b) if units[i] @ units[j] >= 0.5}
    pairs = {(f["id"], f["other"]) for f in answer["findings"] if f["category"] == "near"}
    tap.check(pairs == near, "near pairs", pairs ^ near)
    counts = collections.Counter(f["category"] for f in answer["findings"])
    tap.check({k: v for k, v in answer["counts"].items() if v} == dict(counts), "counts", counts)
    tap.check(not answer["round_trip"] and answer["untouched"]["seed"] == "none", "no tokenizer")


def untied(tap, program, folder):
    """The norms of the other table."""
    random = np.random.RandomState(9)
    tables = {name: random.standard_normal((40, 6)).astype(np.float32)
              for name in ("transformer.wte.weight", "lm_head.weight")}
    for table in tables.values():
        table[9] = table[4]
    safetensors(os.path.join(folder, "model.safetensors"), tables)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump({"model_type": "gpt2", "tie_word_embeddings": False}, file)
    for space, other in (("input", "lm_head.weight"), ("output", "transformer.wte.weight")):
        finding = program.json("audit", folder, "--space", space)["findings"][0]
        tap.check(finding["id"] == 9, f"{space}: the equal row")
        tap.near(finding["other_norm"], norms(tables[other])[9], 1e-12, f"{space}: the other norm")


def merged(word, merges):
    """The tokens of a word by the merges, lowest rank first, leftmost first."""
    ranks = {pair: i for i, pair in enumerate(merges)}
    parts = list(word)
    while True:
        ranked = [(ranks[pair], i) for i, pair in enumerate(zip(parts, parts[1:])) if pair in ranks]
        if not ranked:
            return parts
        i = min(ranked)[1]
        parts[i:i + 2] = [parts[i] + parts[i + 1]]


def tokens(tap, program, folder):
    """Random merges over lower-case letters and two bytes of one character."""
    random = np.random.RandomState(8)
    letters, merges, known = byte_letters(), [], set()
    parts = [letters[b] for b in b"abcd"] + [letters[0xC3], letters[0xA9]]
    while len(merges) < 150:
        pair = tuple(parts[i] for i in random.randint(0, len(parts), 2))
        if "".join(pair) in known or len("".join(pair)) > 9:
            continue
        known.add("".join(pair))
        merges.append(pair)
        parts.append("".join(pair))
    x = random.standard_normal((256 + len(merges) + 4, 12)).astype(np.float32)
    answer = program.json("audit", write_model(os.path.join(folder, "bpe"), x, merges))
    found = by_category(answer)
    unreachable, undecodable = {}, set(range(128, 256))
    ids = {token: i for i, token in enumerate(letters + ["".join(pair) for pair in merges])}
    for token, i in ids.items():
        raw = bytes(letters.index(c) for c in token)
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            undecodable.add(i)
            continue
        if i < 256 or not text.isalpha():
            continue
        encoded = [ids[part] for part in merged(token, merges)]
        if encoded != [i]:
            unreachable[i] = encoded[:8]
    tap.check({i: f["encodes_to"] for i, f in found["unreachable"].items()} == unreachable,
              f"{len(unreachable)} unreachable tokens", found["unreachable"])
    tap.check(bool(unreachable), "there are some")
    tap.check(set(found["undecodable"]) == undecodable, "undecodable tokens")
    tap.check(sorted(found["no_token"]) == list(range(256 + len(merges), len(x))), "rows beyond")


if __name__ == "__main__":
    sys.exit(Tap().run(growth, odd_rows, untied, tokens))
