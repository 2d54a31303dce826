#!/usr/bin/env python3
"""Weight tying, told by info, and the two tables side by side, against NumPy."""
import csv
import io
import json
import os
import subprocess
import sys

import numpy as np

from reference import Tap, norms, safetensors, to_bf16, unit
from test_unembed import spearman, write_model


def all_pairs(rows):
    """Cosines of the pairs i < j."""
    u = unit(rows)
    s = u @ u.T
    return s[np.triu_indices(len(s), 1)]


def write(folder, name, embedding, unembedding, **config):
    tensors = {"model.embed_tokens.weight": embedding}
    if unembedding is not None:
        tensors["lm_head.weight"] = unembedding
    return write_model(os.path.join(folder, name), tensors,
                       **{"model_type": "llama", "tie_word_embeddings": unembedding is None,
                          **config})


def told(tap, program, folder):
    """Every way in which the two tables can be one, or two."""
    random = np.random.RandomState(1)
    e = random.standard_normal((120, 16)).astype(np.float16).astype(np.float32)
    three = e.copy()
    three[[4, 50, 119], [0, 3, 15]] += 1
    bits, brain = to_bf16(e)
    wide = e.astype(np.float64)
    wide[7, 7] += 1e-12
    minus = e.copy()
    minus[9] = 0
    signed = -minus[9:10] * np.ones((1, 16), np.float32)
    zeros = np.concatenate([minus[:9], signed, minus[10:]])
    cases = {
        "one tensor": (e, None, True, "one tensor", 120, 0, []),
        "two tensors": (e, e, True, "equal bytes", 120, 0, []),
        "F32 and F16": (e, e.astype(np.float16), True, "equal values", 120, 0, []),
        "F32 and F64": (e, e.astype(np.float64), True, "equal values", 120, 0, []),
        "F32 and F64, one component": (e, wide, False, "rows differ", 119, 1, [7]),
        "BF16 and its values": (bits, brain, True, "equal values", 120, 0, []),
        "three rows": (e, three, False, "rows differ", 117, 3, [4, 50, 119]),
        "all rows": (e, e + 1, False, "rows differ", 0, 120, list(range(10))),
        "more rows": (e[:100], e, False, "rows differ", 100, 20, list(range(100, 110))),
        "fewer rows": (e, e[:119], False, "rows differ", 119, 1, [119]),
        "-0 by bytes": (minus, zeros, False, "rows differ", 119, 1, [9]),
        "-0 by value": (minus, zeros.astype(np.float64), True, "equal values", 120, 0, []),
        "other columns": (e, e[:, :8].copy(), False, "other columns", 0, 120, []),
    }
    for name, (a, b, tied, how, equal, differing, first) in cases.items():
        model = write(folder, name, a, b)
        for space in ("input", "output"):
            answer = program.json("info", model, "--space", space)
            found = answer["tying"]
            tap.check((answer["tied"], found["how"], found["equal_rows"], found["differing_rows"],
                       found["first"]) == (tied, how, equal, differing, first)
                      and answer["untied_rows"] == differing, f"{name}, {space}", found)
            tap.check(found["embedding"]["tensor"] == "model.embed_tokens.weight" and
                      found["unembedding"]["tensor"] ==
                      ("model.embed_tokens.weight" if b is None else "lm_head.weight"),
                      f"{name}, {space}: names", found)
    nan = e.copy()
    nan[3, 3] = np.nan
    answer = program.json("info", write(folder, "nan", nan, nan.astype(np.float64)))
    tap.check(answer["tied"] is True, "NaN is NaN by value")
    alone = program.json("info", write(folder, "alone", e, None, tie_word_embeddings=False))
    tap.check(alone["tied"] is None and alone["tying"]["how"] == "one table" and
              alone["tying"]["unembedding"] is None, "one table", alone["tying"])


def compare(tap, name, answer, e, w, keep, n):
    """Tolerances: cosines of d float64 terms, 1e-13; means of them no worse. The closed forms lose
    n / pairs of 1e-16 each: 1e-12. A correlation over all pairs divides by variances of 1/d: 1e-10."""
    found = answer["geometry"]
    e, w = np.asarray(e, float)[keep], np.asarray(w, float)[keep]
    cosines = (unit(e) * unit(w)).sum(axis=1)
    tap.check((found["rows"], found["left_out"]) == (len(keep), n - len(keep)), f"{name}: rows")
    spread = found["same_token_cosine"]
    figures = {"mean": cosines.mean(), "standard_deviation": cosines.std(),
               "minimum": cosines.min(), "maximum": cosines.max()}
    for key, q in (("quantile05", 5), ("quartile1", 25), ("median", 50), ("quartile3", 75),
                   ("quantile95", 95)):
        figures[key] = np.percentile(cosines, q)
    for key, value in figures.items():
        tap.near(spread[key], value, 1e-13, f"{name}: {key}")
    order = np.lexsort((keep, cosines))
    for key, wanted in (("lowest", order[:10]), ("highest", np.lexsort((keep, -cosines))[:10])):
        listed = spread[key]
        tap.check([t["id"] for t in listed] == [int(keep[i]) for i in wanted], f"{name}: {key}")
        tap.near([t["cosine"] for t in listed], cosines[wanted], 1e-13, f"{name}: {key}, cosines")
        tap.near([t["embedding_norm"] for t in listed], norms(e)[wanted], 1e-13,
                 f"{name}: {key}, norms in")
        tap.near([t["unembedding_norm"] for t in listed], norms(w)[wanted], 1e-13,
                 f"{name}: {key}, norms out")
    tap.near([found["norm"]["mean"][k] for k in ("embedding", "unembedding")],
             [norms(e).mean(), norms(w).mean()], 1e-13, f"{name}: mean norms")
    tap.near(found["norm"]["pearson"], np.corrcoef(norms(e), norms(w))[0, 1], 1e-11,
             f"{name}: norms, Pearson")
    tap.near(found["norm"]["spearman"], spearman(norms(e), norms(w)), 1e-12,
             f"{name}: norms, Spearman")
    s, t = all_pairs(e), all_pairs(w)
    tap.near([found["mean_cosine"][k] for k in ("embedding", "unembedding")],
             [s.mean(), t.mean()], 1e-12, f"{name}: mean cosines")
    tap.near(found["rsa"]["pearson"], np.corrcoef(s, t)[0, 1], 1e-10, f"{name}: all pairs")
    tap.check(found["rsa"]["pairs"] == len(s), f"{name}: how many pairs")


def own_nearest(queries, rows, own):
    """For how many queries no row is nearer than the own one."""
    s = unit(queries) @ unit(rows).T
    mine = s[np.arange(len(own)), own]
    return int((mine >= s.max(axis=1) - 1e-14).sum())


def geometry(tap, program, folder):
    random = np.random.RandomState(2)
    for n, d, share in ((700, 24, 0.6), (5003, 48, 0.35), (3, 5, 0.5), (60, 100, 0.9)):
        e = (random.standard_normal((n, d)) * (0.5 + random.rand(n, 1)) + 0.2).astype(np.float32)
        w = (share * e + random.standard_normal((n, d)) - 0.4).astype(np.float32)
        name = f"{n} x {d}"
        model = write(folder, name, e, w)
        answer = program.same_everywhere(tap, name, "info", model, "--tying")
        compare(tap, name, answer, e, w, np.arange(n), n)
        near = answer["geometry"]["own_nearest"]
        tap.check((near["of_embedding"], near["of_unembedding"]) ==
                  (own_nearest(e, w, np.arange(n)), own_nearest(w, e, np.arange(n))),
                  f"{name}: own row the nearest", near)
        tap.near(near["chance"], 1 / n, 1e-15, f"{name}: chance")
        other = program.json("info", model, "--tying", "--space", "output")
        tap.check(other["geometry"] == answer["geometry"], f"{name}: the same from the other end")


def odd_rows(tap, program, folder):
    """Rows that are zero, broken, doubled, or in one table alone."""
    random = np.random.RandomState(3)
    e = random.standard_normal((400, 20)).astype(np.float32)
    w = (e + 0.7 * random.standard_normal((400, 20))).astype(np.float32)
    w[30] = w[31] = e[30]  # equal rows: the one takes nothing from the other
    e[31] = e[30]
    e[5], w[6] = 0, 0
    w[7, 1], e[8, 0] = np.nan, np.inf
    model = write(folder, "odd", e, w[:390])
    answer = program.same_everywhere(tap, "odd rows", "info", model, "--tying")
    keep = np.array([i for i in range(390) if i not in (5, 6, 7, 8)])
    compare(tap, "odd rows", answer, e, w, keep, 400)
    # The nearest of all rows of the other table, not of the kept ones alone.
    good_w = np.array([i for i in range(390) if i not in (6, 7)])
    good_e = np.array([i for i in range(400) if i not in (5, 8)])
    near = answer["geometry"]["own_nearest"]
    tap.check(near["of_embedding"] ==
              own_nearest(e[keep], w[good_w], np.searchsorted(good_w, keep)) and
              near["of_unembedding"] ==
              own_nearest(w[keep], e[good_e], np.searchsorted(good_e, keep)),
              "odd rows: own row the nearest", near)
    out = subprocess.run([program.path, "info", model, "--tying", "--csv"], check=True,
                         stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout.decode()
    lines = list(csv.DictReader(io.StringIO(out, newline="")))
    tap.check(len(lines) == 400 and [int(l["id"]) for l in lines] == list(range(400)),
              "a line for each token")
    tap.check(all((l["cosine"] == "") == (int(l["id"]) not in set(keep.tolist())) for l in lines),
              "empty where left out")
    found = np.array([float(lines[i]["cosine"]) for i in keep])
    tap.near(found, (unit(e[keep]) * unit(w[keep])).sum(axis=1), 1e-13, "cosines in CSV")


def transformed(tap, program, folder):
    """A chain is fitted to each table alone."""
    random = np.random.RandomState(4)
    e = (random.standard_normal((300, 12)) + 1).astype(np.float32)
    w = (e * 0.5 - 2 + random.standard_normal((300, 12))).astype(np.float16)
    model = write(folder, "centred", e, w)
    answer = program.json("info", model, "--tying", "--transform", "center")
    a, b = e.astype(float), w.astype(float)
    compare(tap, "centred", answer, a - a.mean(axis=0), b - b.mean(axis=0), np.arange(300), 300)


def constant(tap, program, folder):
    """Where nothing varies there is no correlation."""
    e = np.ones((5, 4), np.float32)
    answer = program.json("info", write(folder, "constant", e, 2 * e), "--tying")["geometry"]
    tap.check(answer["norm"]["pearson"] is None and answer["norm"]["spearman"] is None and
              answer["rsa"]["pearson"] is None, "no correlation", answer)
    tap.near(answer["same_token_cosine"]["mean"], 1, 1e-15, "one direction")
    tap.check(answer["own_nearest"]["of_embedding"] == 5, "equal rows: none is nearer")
    two = program.json("info", write(folder, "two", np.eye(2, dtype=np.float32),
                                     np.ones((2, 2), np.float32)), "--tying")["geometry"]
    tap.check(two["rsa"]["pearson"] is None and two["rsa"]["pairs"] == 1, "one pair")
    tied = program.json("info", write(folder, "tied", e, None), "--tying")
    tap.check(tied["geometry"] is None and tied["tied"] is True, "one tensor: nothing to compare")


if __name__ == "__main__":
    sys.exit(Tap().run(told, geometry, odd_rows, transformed, constant))
