"""Golden answers for the random law, the linkage and the transforms: mpmath's, SciPy's, NumPy's.

    python3 tools/golden/analysis.py tests/golden

writes random_law.txt, linkage.txt and transform.txt. The numbers that go in are made by SplitMix64 here and in the
tests, so that only answers are stored.
"""
import platform
import sys

import mpmath
import numpy
import scipy
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform
from scipy.stats import beta

MASK = 2**64 - 1


class Random:
    """SplitMix64, as src/base/random.h."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        return z ^ z >> 31

    def uniform(self):
        return (self.next() >> 11) * 2.0**-53


def versions():
    return (f"# Python {platform.python_version()}, NumPy {numpy.__version__}, SciPy "
            f"{scipy.__version__}, mpmath {mpmath.__version__}\n")


# ---- random law ------------------------------------------------------------------------------------


def tail(t, d):
    """P(cos >= t) to 50 digits: half of the incomplete beta function of 1 - t^2."""
    t = mpmath.mpf(t)
    if t < 0:
        return 1 - tail(-t, d)
    a = mpmath.mpf(d - 1) / 2
    return mpmath.betainc(a, mpmath.mpf(1) / 2, 0, (1 - t) * (1 + t), regularized=True) / 2


def level(pairs, d):
    """t with P(cos >= t) = 1 / pairs."""
    low, high = mpmath.mpf(-1), mpmath.mpf(1)
    for _ in range(120):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle, d) * pairs > 1 else (low, middle)
    return high


def write_random_law(path):
    mpmath.mp.dps = 50
    with open(path, "w", encoding="ascii") as file:
        file.write(versions())
        file.write("# tail d t P(cos >= t); level d pairs t\n")
        for d in (2, 3, 4, 5, 10, 100, 300, 384, 768, 4096):
            ts = {0.0, 1e-9, 1e-3, 0.01, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999999, 1 - 2.0**-40,
                  -1e-3, -0.1, -0.5, -0.9, -1.0, 1.0}
            # tails down to 1e-280
            ts |= {float(level(mpmath.mpf(10) ** k, d)) for k in (1, 3, 6, 9, 30, 100, 200, 280)}
            for t in sorted(ts):
                exact = tail(t, d)
                value = float(exact)
                if value < 1e-290 and abs(t) != 1:
                    continue
                check = beta.sf((t + 1) / 2, (d - 1) / 2, (d - 1) / 2)
                # SciPy is given (t + 1) / 2, rounded: near t = 1 that costs digits
                doubt = 1e-7 + (4 * d * 2.0**-53 / (1 - abs(t)) if abs(t) < 1 else 0)
                assert abs(check - value) <= doubt * value, (d, t, check, value)
                file.write(f"tail {d} {t.hex()} {value.hex()}\n")
            for pairs in (1, 2, 3, 10, 499500, 1262857896, 10**15):
                file.write(f"level {d} {pairs} {float(level(pairs, d)).hex()}\n")


# ---- linkage ---------------------------------------------------------------------------------------


def distances(n, kind, random):
    """(n, n): uniform numbers; squared distances of points in four dimensions; few values, many ties."""
    matrix = numpy.zeros((n, n))
    points = [[random.uniform() for _ in range(4)] for _ in range(n)]
    for i in range(n):
        for j in range(i):
            if kind == "points":
                total = 0.0
                for x, y in zip(points[i], points[j]):
                    total += (x - y) * (x - y)
                value = total
            else:
                value = random.uniform()
                if kind == "ties":
                    value = float(int(4 * value) + 1)
            matrix[i, j] = matrix[j, i] = value
    return matrix


def best_order(matrix, tree):
    """The least sum of neighbouring distances over all drawings of the tree, and its order.

    By dynamic programming over (node, first leaf, last leaf), nothing pruned. SciPy's own
    optimal_leaf_ordering prunes, and is not optimal on 27 of 60 small random matrices: it only
    bounds this from above.
    """
    n = len(matrix)
    leaves = [[i] for i in range(n)]
    table = [{(i, i): (0.0, (i,))} for i in range(n)]
    for a, b, _, _ in tree:
        left, right = int(a), int(b)
        leaves.append(leaves[left] + leaves[right])
        found = {}
        for u in leaves[left]:
            ends = [(m, table[left][u, m]) for m in leaves[left] if (u, m) in table[left]]
            joined = {k: min((cost + matrix[m, k], order) for m, (cost, order) in ends)
                      for k in leaves[right]}
            for w in leaves[right]:
                cost, order = min((joined[k][0] + table[right][k, w][0],
                                   joined[k][1] + table[right][k, w][1])
                                  for k in leaves[right] if (k, w) in table[right])
                found[u, w], found[w, u] = (cost, order), (cost, order[::-1])
        table.append(found)
    return min(table[-1].values())


def write_linkage(path):
    with open(path, "w", encoding="ascii") as file:
        file.write(versions())
        file.write("# matrix kind n seed; merge a b height size; cost of the best order; order\n")
        for seed, n in enumerate((2, 3, 4, 5, 7, 10, 13, 20, 27, 35, 48, 60)):
            for kind in ("uniform", "points", "ties"):
                matrix = distances(n, kind, Random(seed + 1))
                condensed = squareform(matrix, checks=False)
                tree = linkage(condensed, "average")
                cost, order = best_order(matrix, tree)
                scipys = leaves_list(optimal_leaf_ordering(tree, condensed))
                assert cost <= matrix[scipys[:-1], scipys[1:]].sum() + 1e-9
                file.write(f"matrix {kind} {n} {seed + 1}\n")
                for a, b, height, size in tree:
                    file.write(f"merge {int(a)} {int(b)} {height.hex()} {int(size)}\n")
                file.write(f"cost {cost.hex()}\n")
                file.write(f"order {' '.join(map(str, order))}\n")


# ---- transforms ------------------------------------------------------------------------------------


def transform_table(kind):
    """(14, 5) uniform numbers around 0.3; then a column made constant or dependent."""
    random = Random(5)
    table = numpy.array([[random.uniform() - 0.2 for _ in range(5)] for _ in range(14)])
    if kind == "constant":
        table[:, 2] = 0.1
    if kind == "deficient":
        table[:, 4] = table[:, 0] + table[:, 1]
    return table


def apply(chain, rows):
    for step in chain.split(","):
        name, _, number = step.partition(":")
        rows = rows - rows.mean(axis=0)
        if name == "standardize":
            sigma = numpy.sqrt((rows**2).mean(axis=0))
            rows = numpy.where(sigma > 1e-14, rows / numpy.where(sigma > 0, sigma, 1), 0)
        if name in ("abtt", "whiten"):
            values, vectors = numpy.linalg.eigh(rows.T @ rows / len(rows))
            values, vectors = values[::-1], vectors[:, ::-1]
        if name == "abtt":
            top = vectors[:, :int(number or 1)]
            rows = rows - rows @ top @ top.T
        if name == "whiten":
            kept = values > 1e-12 * values[0]
            rows = rows @ vectors[:, kept] / numpy.sqrt(values[kept])
    return rows


def write_transform(path):
    with open(path, "w", encoding="ascii") as file:
        file.write(versions())
        file.write("# table kind chain; norm of each row; cosine of each pair i < j\n")
        for kind in ("plain", "constant", "deficient"):
            for chain in ("center", "abtt", "abtt:2", "standardize", "whiten", "center,center",
                          "center,standardize", "center,abtt:1,standardize", "standardize,whiten"):
                if kind == "constant" and chain.count("abtt:1"):
                    continue  # what is left of the column is rounding, scaled up
                rows = apply(chain, transform_table(kind))
                size = numpy.sqrt((rows**2).sum(axis=1))
                cosines = (rows @ rows.T) / numpy.outer(size, size)
                file.write(f"table {kind} {chain}\n")
                file.write(f"norms {' '.join(float(x).hex() for x in size)}\n")
                upper = cosines[numpy.triu_indices(len(rows), 1)]
                file.write(f"cosines {' '.join(float(x).hex() for x in upper)}\n")


def main():
    write_transform(f"{sys.argv[1]}/transform.txt")
    write_random_law(f"{sys.argv[1]}/random_law.txt")
    write_linkage(f"{sys.argv[1]}/linkage.txt")


if __name__ == "__main__":
    main()
