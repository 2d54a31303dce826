#!/usr/bin/env python3
"""Position tables against plain NumPy: profile, Toeplitz share, spectrum, waves, norms.

    test_positions.py build/embscope

GPT-2's own table is read from the folder EMBSCOPE_TEST_DATA, where there is one. Debian's NumPy alone.
"""
import csv
import io
import os
import subprocess
import sys

import numpy as np

from reference import Tap, unit

DATA = os.environ.get("EMBSCOPE_TEST_DATA")


def tables():
    random = np.random.RandomState(7)
    i = np.arange(300)
    waves = np.stack([f(2 * np.pi * i / p) * s for f in (np.cos, np.sin)
                      for p, s in ((300, 3), (60, 1), (7.5, 0.3))], 1)
    x = waves @ random.standard_normal((6, 50)) + 0.1 * random.standard_normal((300, 50))
    yield "a helix in noise", x
    gaps = x.copy()
    gaps[::9], gaps[40, 3] = 0, np.nan
    yield "undefined positions", gaps
    yield "more columns than rows", random.standard_normal((90, 200)) + np.sin(np.arange(90) / 9)[:, None]
    yield "noise", random.standard_normal((257, 31))
    yield "three rows", random.standard_normal((3, 4))


def profile(rows, u, defined):
    """mean, standard deviation and pairs at each distance; the Toeplitz share."""
    s = u @ u.T
    n = len(rows)
    all_pairs, means, out = [], [], []
    for t in range(1, n):
        both = defined[:-t] & defined[t:]
        c = np.diagonal(s, t)[both]
        out.append((c.mean(), c.std(), len(c)) if len(c) else (np.nan, np.nan, 0))
        all_pairs.append(c)
        means.append(np.full(len(c), c.mean() if len(c) else 0))
    c, m = np.concatenate(all_pairs), np.concatenate(means)
    return np.array(out), c, 1 - ((c - m) ** 2).mean() / c.var()


def waves(x, defined, count):
    """Variance, period and share at the peak of the leading directions."""
    kept = x[defined] - x[defined].mean(axis=0)
    _, singular, vectors = np.linalg.svd(kept, full_matrices=False)
    values = singular**2 / len(kept)
    answer = []
    for k in range(count):
        line = np.zeros(len(x))
        line[defined] = kept @ vectors[k]
        power = np.abs(np.fft.rfft(line)) ** 2
        power[1:(len(x) + 1) // 2] *= 2
        power[0] = 0
        peak = power.argmax()
        answer.append((values[k], values[k] / values.sum(), len(x) / peak, power[peak] / power.sum()))
    return values, np.array(answer)


def number(values):
    return np.array([np.nan if v is None else v for v in values], float)


def compare(tap, name, x, answer):
    x = np.asarray(x, np.float64)
    defined = np.isfinite(x).all(axis=1) & (np.nan_to_num(x) != 0).any(axis=1)
    u = np.zeros_like(x)
    u[defined] = unit(x[defined])
    found, cosines, share = profile(x, u, defined)
    tap.check((answer["rows"], answer["left_out"], answer["pairs"])
              == (defined.sum(), (~defined).sum(), len(cosines)), f"{name}: counts")
    tap.near([answer["mean"], answer["standard_deviation"]], [cosines.mean(), cosines.std()], 1e-12,
             f"{name}: mean and standard deviation")
    told = answer["profile"]
    tap.check([at["distance"] for at in told] == list(range(1, len(x)))
              and [at["pairs"] for at in told] == found[:, 2].tolist(), f"{name}: distances")
    tap.near(number([at["mean"] for at in told]), found[:, 0], 1e-12, f"{name}: means")
    tap.near(number([at["standard_deviation"] for at in told]), found[:, 1], 1e-7,
             f"{name}: deviations")
    tap.near(answer["toeplitz"]["share"], share, 1e-10, f"{name}: Toeplitz share")
    norm = np.where(defined, np.linalg.norm(np.where(defined[:, None], x, 0), axis=1), np.nan)
    norms = answer["norms"]
    tap.near(number(norms["values"]), norm, 1e-12 * np.nanmax(norm), f"{name}: norms")
    tap.near(norms["quartiles"], np.percentile(norm[defined], [25, 50, 75]), 1e-12 * np.nanmax(norm),
             f"{name}: quartiles")
    tap.check(norms["minimum"]["position"] == np.nanargmin(norm)
              and norms["maximum"]["position"] == np.nanargmax(norm), f"{name}: extremes' places")
    spectrum = answer["spectrum"]
    values, lines = waves(x, defined, len(spectrum["components"]))
    tap.near(spectrum["eigenvalues"][:len(values)], values, 1e-10 * values[0], f"{name}: eigenvalues")
    told = np.array([[c["variance"], c["share"], c["period"], c["peak_share"]]
                     for c in spectrum["components"]])
    tap.near(told / lines, np.ones(lines.shape), 1e-6, f"{name}: leading directions")
    p = values[values > 0] / values.sum()
    tap.near(spectrum["effective_rank"], np.exp(-(p * np.log(p)).sum()), 1e-6,
             f"{name}: effective rank")
    tap.check(spectrum["components_90"] == (np.cumsum(p) < 0.9).sum() + 1, f"{name}: 90 %")


def null(tap, name, x, answer, orders):
    """Orders drawn here, not there: the same law, so means that agree within its spread."""
    x = np.asarray(x, np.float64)
    defined = np.isfinite(x).all(axis=1) & (np.nan_to_num(x) != 0).any(axis=1)
    u = np.zeros_like(x)
    random = np.random.RandomState(1)
    shares = []
    for _ in range(orders):
        u[defined] = unit(random.permutation(x[defined]))
        shares.append(profile(x, u, defined)[2])
    mean, spread = np.mean(shares), np.std(shares)
    shuffled = answer["toeplitz"]["shuffled"]
    tap.near(shuffled["mean"], mean, 6 * spread / np.sqrt(min(orders, shuffled["orders"])),
             f"{name}: mean of the orders drawn")
    tap.check(shuffled["mean"] <= shuffled["maximum"] <= mean + 10 * spread, f"{name}: their highest")


def made_tables(tap, program, folder):
    path = os.path.join(folder, "rows.npy")
    for name, x in tables():
        np.save(path, x)
        compare(tap, name, x, program.same_everywhere(tap, name, "positions", path,
                                                      threads=(1, 2, 7)))
        if len(x) > 50:
            null(tap, name, x, program.json("positions", path, "--shuffles", 99), 60)
    long = np.asarray(np.sin(np.arange(9001) / 40)[:, None] + np.random.RandomState(2).standard_normal(
        (9001, 8)), np.float32)
    np.save(path, long)
    answer = program.json("positions", path, "--shuffles", 1)
    s = unit(long)
    tap.near([at["mean"] for at in answer["profile"][::500]],
             [(s[:-t] * s[t:]).sum(axis=1).mean() for t in range(1, 9001, 500)], 1e-11,
             "9,001 positions: means")
    c = (s @ s.T)[np.triu_indices(9001, 1)]
    tap.near([answer["mean"], answer["standard_deviation"]], [c.mean(), c.std()], 1e-11,
             "9,001 positions: mean and standard deviation")


def the_list(tap, program, folder):
    path = os.path.join(folder, "rows.npy")
    np.save(path, next(tables())[1])
    answer = program.json("positions", path)
    done = subprocess.run([program.path, "positions", path, "--csv"], check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    lines = list(csv.reader(io.StringIO(done.stdout.decode())))
    tap.check(lines[0] == ["distance", "mean", "standard_deviation", "pairs"], "csv: names")
    told = [[str(at["distance"]), at["mean"], at["standard_deviation"], str(at["pairs"])]
            for at in answer["profile"]]
    tap.check([[a, float(b), float(c), d] for a, b, c, d in lines[1:]] == told, "csv: the profile")


def gpt2(tap, program, _):
    """The real table; figures published for it."""
    path = DATA and os.path.join(DATA, "gpt2/wpe.npy")
    if not path or not os.path.exists(path):
        tap.skip("GPT-2's positions", f"{path} is absent" if path else "EMBSCOPE_TEST_DATA names no folder")
        return
    x = np.load(path)
    answer = program.same_everywhere(tap, "GPT-2", "positions", path, threads=(1, 2))
    compare(tap, "GPT-2", x, answer)
    tap.near([answer["mean"], answer["standard_deviation"]], [0.030491178353020638, 0.5178843490574135],
             1e-12, "GPT-2: published mean and standard deviation")
    norms = answer["norms"]
    tap.check((norms["minimum"]["position"], norms["maximum"]["position"]) == (1023, 0),
              "GPT-2: the last position is the shortest, the first the longest", norms["minimum"])


if __name__ == "__main__":
    sys.exit(Tap().run(made_tables, the_list, gpt2))
