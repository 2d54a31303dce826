#!/usr/bin/env python3
"""Answers of SciPy for two small tables: tests/golden/compare.json.

    compare.py tests/golden/compare.json      (numpy, scipy)

RSA by scipy.stats over scipy.spatial.distance.pdist, Procrustes by scipy.linalg and scipy.spatial.
No two dissimilarities are equal: tau_b is tau_a.
"""
import json
import sys

import numpy as np
import scipy
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist
from scipy.stats import kendalltau, pearsonr, spearmanr

random = np.random.RandomState(20)
a = random.standard_normal((48, 5)).round(3).astype(np.float32)
b = (a @ random.standard_normal((5, 7)) / 2 + random.standard_normal((48, 7))).round(3).astype(np.float32)

x, y = a.astype(float), b.astype(float)
p, q = pdist(x, "cosine"), pdist(y, "cosine")
wide = np.pad(x / np.linalg.norm(x, axis=1, keepdims=True), ((0, 0), (0, 2)))
unit = y / np.linalg.norm(y, axis=1, keepdims=True)
rotation, _ = orthogonal_procrustes(wide, unit)
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump({
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
        "a": a.tolist(), "b": b.tolist(),
        "pearson": pearsonr(p, q)[0], "spearman": spearmanr(p, q)[0],
        "kendall": kendalltau(p, q)[0],
        "mean_cosine": float(((wide @ rotation) * unit).sum(axis=1).mean()),
        "disparity": procrustes(np.pad(x, ((0, 0), (0, 2))), y)[2],
    }, file)
    file.write("\n")
