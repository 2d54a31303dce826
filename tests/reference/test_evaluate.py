#!/usr/bin/env python3
"""Word similarity, analogies and odd ones out against plain NumPy, and against gensim's figures.

    test_evaluate.py build/embscope

On tables made here every answer is worked out by brute force in float64, the sums as the program
makes them, so that ties fall as they must. With EMBSCOPE_TEST_DATA the real vectors and data sets
must give what tests/golden/evaluate.txt says that gensim gives. Debian's NumPy alone.
"""
import json
import os
import sys

import numpy as np

from reference import Tap, dots, unit_rows, word2vec

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
METHODS = ("3cosadd", "3cosmul", "3cosadd_inputs", "3cosmul_inputs", "only_c")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


# ---- word similarity ------------------------------------------------------------------------------


def mean_ranks(values):
    values = np.asarray(values, float)
    below, equal = (values[:, None] > values).sum(axis=1), (values[:, None] == values).sum(axis=1)
    return below + (equal + 1) / 2


def correlation(x, y):
    x, y = np.asarray(x, float) - np.mean(x), np.asarray(y, float) - np.mean(y)
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


def student_p(r, n):
    """Two-sided, by quadrature of the density of r itself, (1 - r^2)^((n-4)/2)."""
    nodes, weights = np.polynomial.legendre.leggauss(60)

    def integral(end):  # of sin^(n-3) on [0, end]
        edges = np.linspace(0, end, 401)
        middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
        return float((np.sin(middle[:, None] + half[:, None] * nodes) ** (n - 3) * weights
                      * half[:, None]).sum())

    return 2 * integral(np.arccos(abs(r))) / integral(np.pi)


def word_similarity(tap, program, folder):
    random = np.random.RandomState(3)
    rows = random.standard_normal((120, 17))
    rows[7] = 0
    rows[11, 3] = np.nan
    rows[30] = rows[31]
    keys = [f"w{i}" for i in range(120)]
    path = os.path.join(folder, "vectors.txt")
    word2vec(path, keys, rows, binary=True)
    rows = rows.astype(np.float32).astype(float)
    _, units = unit_rows(np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, 0)[:, :])
    units = dict(zip([i for i in range(120) if i not in (7, 11)], units))
    pairs = random.randint(0, 130, (300, 2))
    scores = random.randint(0, 9, 300) / 2
    text = "".join(f"w{a}\tw{b}\t{s}\n" for (a, b), s in zip(pairs, scores))
    found = program.same_everywhere(tap, "pairs", "evaluate", path,
                                    write(os.path.join(folder, "pairs.tsv"), text), "--details")
    (answer,) = found["datasets"]
    keep = [i for i, (a, b) in enumerate(pairs) if a in units and b in units]
    cosines = [float(dots(units[pairs[i][0]], units[pairs[i][1]][None])[0]) for i in keep]
    single = answer["single"]
    tap.check(answer["questions"]["single"] == len(keep) == single["pairs"], "pairs found")
    tap.check([answer["details"][i]["cosine"] for i in keep] == cosines, "cosines, to the last bit")
    spearman = correlation(mean_ranks(scores[keep]), mean_ranks(cosines))
    # Sums of 300 products in float64.
    tap.near(single["spearman"], spearman, 1e-13, "Spearman with ties")
    tap.near(single["pearson"], correlation(scores[keep], cosines), 1e-13, "Pearson")
    tap.near(single["spearman_p"], student_p(spearman, len(keep)), 1e-9, "p of Spearman")
    missing = {f"w{i}" for i in set(pairs.ravel().tolist()) if i >= 120}
    undefined = {f"w{i}" for i in set(pairs.ravel().tolist()) if i in (7, 11)}
    tap.check(set(answer["missing_words"]) == missing, "missing words")
    tap.check(set(answer["undefined_words"]) == undefined, "words without a direction")
    zero = program.json("evaluate", path, os.path.join(folder, "pairs.tsv"), "--missing", "zero")
    filled = np.zeros(300)
    filled[keep] = cosines
    tap.near(zero["datasets"][0]["single"]["spearman"],
             correlation(mean_ranks(scores), mean_ranks(filled)), 1e-13, "missing words as cosine 0")
    low, high = single["interval"]
    # Fisher's z: a standard error of 1.06 / sqrt(n - 3) is within a third of the bootstrap's.
    width = 2 * 1.96 * 1.06 / np.sqrt(len(keep) - 3) * (1 - spearman ** 2)
    tap.check(low < spearman < high and 0.75 < (high - low) / width < 1.33, "interval's width",
              f"{low} {high} {width}")


# ---- analogies ------------------------------------------------------------------------------------


def best(values, allowed):
    values = np.where(allowed, values, -np.inf)
    return int(values.argmax()) if allowed.any() else -1


def solve(cosines, defined, a, b, c):
    """Row answers of the five methods; cosines[i] are of all rows to row i."""
    add = (cosines[b] - cosines[a]) + cosines[c]
    mul = (1 + cosines[b]) * (1 + cosines[c]) / 4 / ((1 + cosines[a]) / 2 + 0.001)
    out = defined.copy()
    out[[a, b, c]] = False
    return [best(add, out), best(mul, out), best(add, defined), best(mul, defined),
            best(cosines[c], out)]


def analogies(tap, program, folder):
    random = np.random.RandomState(5)
    for name, n, d, questions in (("few rows", 5, 3, 30), ("a slice and a half", 190, 12, 400),
                                  ("many slices", 9000, 6, 100), ("ties", 700, 2, 300),
                                  ("twins", 600, 33, 200), ("all rows alike", 300, 4, 40)):
        rows = random.standard_normal((n, d)).astype(np.float32)
        if name == "ties":
            rows = random.randint(-2, 3, (n, d)).astype(np.float32)
        if name == "twins":  # the same direction but for the last bit: its order is decided by sums
            rows[:300] = random.randint(-99, 100, (300, d))
            rows[300:] = rows[:300] * np.float32(3)
        if name == "all rows alike":
            rows[:] = rows[0]
        if n > 100:
            rows[[3, 57]] = 0
            rows[90, 0] = np.inf
        path = os.path.join(folder, "vectors.bin")
        word2vec(path, [f"w{i}" for i in range(n)], rows, binary=True)
        ids, units = unit_rows(np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, 0))
        defined = np.zeros(n, bool)
        defined[ids] = True
        whole = np.zeros((n, *units.shape[1:]))
        whole[ids] = units
        asked = random.choice(ids[:400], (questions, 4))
        text = "".join((f": part {i // 50}\n" if i % 50 == 0 else "")
                       + " ".join(f"w{w}" for w in q) + "\n" for i, q in enumerate(asked))
        write(os.path.join(folder, "questions.txt"), text)
        found = program.same_everywhere(tap, name, "evaluate", path,
                                        os.path.join(folder, "questions.txt"), "--details")
        (answer,) = found["datasets"]
        cosines = {w: dots(whole[w], whole) for w in set(asked[:, :3].ravel().tolist())}
        expected = [solve(cosines, defined, *q[:3]) for q in asked]
        told = [[-1 if q[m] is None else int(q[m][1:]) for m in METHODS] for q in answer["details"]]
        wrong = [(q, t, e) for q, t, e in zip(asked.tolist(), told, expected) if t != e]
        tap.check(not wrong, f"{name}: every answer of every method", wrong[:3])
        right = [sum(e[m] == q[3] for e, q in zip(expected, asked)) for m in range(5)]
        tap.check([answer[m]["correct"] for m in METHODS] == right, f"{name}: scores")
        tap.check(sum(s["3cosmul"]["correct"] for s in answer["sections"]) == right[1],
                  f"{name}: sections add up")


# ---- odd one out ----------------------------------------------------------------------------------


def odd_one_out(tap, program, folder):
    random = np.random.RandomState(8)
    rows = random.standard_normal((60, 9)).astype(np.float32)
    path = os.path.join(folder, "vectors.bin")
    word2vec(path, [f"w{i}" for i in range(60)], rows, binary=True)
    _, units = unit_rows(rows)
    units = units.reshape(60, -1)
    sets = [random.choice(60, random.randint(3, 9), replace=False) for _ in range(200)]
    odd = [random.randint(len(s)) for s in sets]
    text = "".join(" ".join(("*" if i == o else "") + f"w{w}" for i, w in enumerate(s)) + "\n"
                   for s, o in zip(sets, odd))
    found = program.same_everywhere(tap, "odd one out", "evaluate", path,
                                    write(os.path.join(folder, "odd.txt"), text), "--details",
                                    "--kind", "odd-one-out")
    (answer,) = found["datasets"]
    cosine = units @ units.T
    places, margins = [], []
    for words, o in zip(sets, odd):
        mean = (cosine[np.ix_(words, words)].sum(axis=1) - 1) / (len(words) - 1)
        places.append(int(mean.argmin()))
        margins.append(np.delete(mean, o).min() - mean[o])
    told = [d["answer"] for d in answer["details"]]
    tap.check(told == [f"w{s[p]}" for s, p in zip(sets, places)], "the least mean cosine")
    tap.near([d["margin"] for d in answer["details"]], margins, 1e-13, "margins")
    tap.check(answer["single"]["correct"] == sum(p == o for p, o in zip(places, odd)), "score")
    tap.near(answer["chance"], np.mean([1 / len(s) for s in sets]), 1e-15, "by lot")
    kinds = [random.randint(4) for _ in range(20)]
    text = "".join(f"w{i}\tk{k}\n" for i, k in enumerate(kinds))
    found = program.json("evaluate", path, write(os.path.join(folder, "kinds.tsv"), text))
    (answer,) = found["datasets"]
    right = asked = 0
    for kind in set(kinds):
        inside = [i for i, k in enumerate(kinds) if k == kind]
        for other in [i for i, k in enumerate(kinds) if k != kind and len(inside) > 1]:
            words = [*inside, other]
            right += int(cosine[np.ix_(words, words)].sum(axis=1).argmin()) == len(inside)
            asked += 1
    tap.check((answer["single"]["correct"], answer["single"]["questions"]) == (right, asked),
              "categories: each with each word outside")


# ---- gensim's figures -----------------------------------------------------------------------------


def golden():
    with open(os.path.join(SOURCE, "tests", "golden", "evaluate.txt"), encoding="utf-8") as file:
        return [line.split() for line in file if not line.startswith("#")]


def against_gensim(tap, program, _):
    data = os.environ.get("EMBSCOPE_TEST_DATA")
    if not data:
        tap.skip("gensim's figures on real vectors", "EMBSCOPE_TEST_DATA is not set")
        return
    vectors = os.path.join(data, "word-vectors", "googlenews-8000x300.bin")
    answers = {}

    def ask(name, case, missing, rows):
        key = name, case, missing, rows
        if key not in answers:
            found = program.json("evaluate", vectors, os.path.join(data, "evaluation", name),
                                 "--case", case, "--missing", missing, "--restrict", rows,
                                 "--no-interval")
            answers[key] = found["datasets"][0]
        return answers[key]

    for what, *line in golden():
        if what == "pairs":
            name, case, missing, rows = line[:4]
            spearman, spearman_p, pearson, pearson_p, left_out = map(float, line[4:])
            found = ask(name, case, missing, rows)
            label = " ".join(line[:4])
            # gensim's cosines are float32, off by 2e-7 at most: of the correlation of cosines with
            # a deviation of 0.1 that is 4e-6, and of ranks what neighbours that close can change.
            tap.near(found["single"]["pearson"], pearson, 4e-6, f"{label}: Pearson")
            tap.near(found["single"]["spearman"], spearman, 4e-6, f"{label}: Spearman")
            for key, p in (("spearman_p", spearman_p), ("pearson_p", pearson_p)):
                tap.near((found["single"][key] or np.nan) / p, np.nan if np.isnan(p) else 1, 1e-2,
                         f"{label}: {key}")
            tap.near(100 * (1 - found["coverage"]), left_out, 1e-9, f"{label}: coverage")
        elif what == "analogies":
            section, case, missing, rows, right, asked = line
            found = ask("questions-words.txt", case, missing, rows)
            if section == "Total_accuracy":
                score = found["3cosadd"]
            else:
                (score,) = [s["3cosadd"] for s in found["sections"] if s["name"] == section]
            tap.check((score["correct"], score["questions"]) == (int(right), int(asked)),
                      f"analogies {' '.join(line)}", json.dumps(score))


def odd_against_gensim(tap, program, folder):
    data = os.environ.get("EMBSCOPE_TEST_DATA")
    if not data:
        tap.skip("gensim's odd ones out", "EMBSCOPE_TEST_DATA is not set")
        return
    lines = [line for line in golden() if line[0] == "odd"]
    path = write(os.path.join(folder, "odd.txt"), "".join(" ".join(words) + "\n"
                                                          for _, _, *words in lines))
    found = program.json("evaluate", os.path.join(data, "word-vectors", "googlenews-8000x300.bin"),
                         path, "--kind", "odd-one-out", "--details")
    tap.check([d["answer"] for d in found["datasets"][0]["details"]] == [line[1] for line in lines],
              "odd ones out")


if __name__ == "__main__":
    sys.exit(Tap().run(word_similarity, analogies, odd_one_out, against_gensim, odd_against_gensim))
