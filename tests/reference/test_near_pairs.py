#!/usr/bin/env python3
"""All pairs at a threshold, and questions from a file, against float64.

    test_near_pairs.py build/embscope

Cosines are summed as the program sums them (reference.py: dots), so that a threshold that is one
pair's own cosine, to the last bit, must find that pair and not the next one. Debian's NumPy alone.
"""
import json
import os
import sys

import numpy as np

from reference import Tap, dots, unit_rows


def all_cosines(rows):
    """(a, b, cosine) of every pair a < b of defined rows."""
    ids, units = unit_rows(rows)
    a, b = np.triu_indices(len(ids), 1)
    cosines = np.concatenate([dots(units[i], units[i + 1:]) for i in range(len(ids) - 1)])
    return ids[a], ids[b], cosines


def tables():
    random = np.random.RandomState(1)
    normal = random.standard_normal
    yield "Gaussian", normal((501, 40))
    yield "one dimension", normal((60, 1))
    yield "4,096 dimensions", normal((150, 4096))
    x = normal((701, 64))
    x[300:330] = x[7]
    x[5], x[6, 2] = 0, np.nan
    x[400:450] *= 1e-30
    x[450:500] *= 1e30
    yield "duplicates, undefined rows, norms of 1e-30 and 1e30", x
    yield "near-ties", np.repeat(normal((20, 40)), 20, 0) + 1e-7 * normal((400, 40))
    yield "a narrow cone", 0.001 * normal((300, 90)) + normal(90)


def thresholds(cosines):
    """Pairs' own cosines, the numbers just above them, and the ends."""
    ordered = np.sort(cosines)[::-1]
    for place in (0, 1, 10, len(ordered) // 20):
        yield ordered[place]
        yield np.nextafter(ordered[place], 2)
    yield 1.0
    if len(cosines) < 5000:
        yield -1.0


def pairs(tap, program, folder):
    path = os.path.join(folder, "x.npy")
    for name, rows in tables():
        rows = rows.astype(np.float32)
        np.save(path, rows)
        a, b, cosines = all_cosines(rows)
        wrong = []
        for minimum in thresholds(cosines):
            if not -1 <= minimum <= 1:
                continue
            answer = program.json("neighbors", path, "--all", "--min", repr(float(minimum)))
            keep = np.flatnonzero(cosines >= minimum)
            keep = keep[np.lexsort((b[keep], a[keep], -cosines[keep]))]
            expected = [(int(a[i]), int(b[i]), float(cosines[i])) for i in keep]
            found = [(pair["a"], pair["b"], pair["cosine"]) for pair in answer["pairs"]]
            if found != expected or answer["count"] != len(expected):
                wrong.append(f"{minimum!r}: {len(found)} pairs, expected {len(expected)}: "
                             f"{found[:3]} {expected[:3]}")
        tap.check(not wrong, f"{name}: pairs of the brute force", "\n".join(wrong))
        minimum = repr(float(np.sort(cosines)[-20]))
        program.same_everywhere(tap, name, "neighbors", path, "--all", "--min", minimum)


def questions(tap, program, folder):
    """One answer for each line: what the line alone is answered with."""
    path, lines = os.path.join(folder, "w.txt"), os.path.join(folder, "lines")
    x = np.random.RandomState(2).standard_normal((90, 8))
    with open(path, "w", encoding="utf-8") as file:
        file.write("90 8\n" + "".join(f"w{i} {' '.join(map(repr, row.tolist()))}\n"
                                      for i, row in enumerate(x)))
    asked = ["w3", "w4 + w5 - w6", "@7", "w3", "text:w9"]
    with open(lines, "w", encoding="utf-8") as file:
        file.write("\n".join(asked) + "\n")
    for metric in ("cosine", "dot", "euclidean", "csls"):
        more = ("-k", "4", "--metric", metric)
        answers = program.same_everywhere(tap, f"questions by {metric}", "neighbors", path,
                                          "--tokens", lines, *more)["queries"]
        keys = ("query", "query_norm", "metric", "neighbors")
        alone = [{key: program.json("neighbors", path, line, *more)[key] for key in keys}
                 for line in asked]
        tap.check([{key: answer[key] for key in keys} for answer in answers] == alone,
                  f"questions by {metric}: each as if asked alone", json.dumps(answers)[:300])


if __name__ == "__main__":
    sys.exit(Tap().run(pairs, questions))
