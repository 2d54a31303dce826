"""Golden answers for cuts of a tree: SciPy's and scikit-learn's.

    python3 tools/golden/clusters.py tests/golden

writes clusters.txt. The distances are those of analysis.py, made by SplitMix64 here and in the test.
"""
import platform
import sys

import numpy
import scipy
import sklearn
from analysis import Random, distances
from scipy.cluster.hierarchy import cophenet, fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import silhouette_samples, silhouette_score


def by_first_item(labels):
    names = {}
    return numpy.array([names.setdefault(label, len(names)) for label in labels])


def main():
    with open(f"{sys.argv[1]}/clusters.txt", "w", encoding="ascii") as file:
        file.write(f"# Python {platform.python_version()}, NumPy {numpy.__version__}, SciPy "
                   f"{scipy.__version__}, scikit-learn {sklearn.__version__}\n")
        file.write("# matrix kind n seed; cophenetic correlation; cut K count labels (by first "
                   "item); mean silhouette; one silhouette each\n")
        for seed, n in enumerate((2, 3, 4, 5, 7, 10, 13, 20, 27, 35, 48, 60)):
            for kind in ("uniform", "points", "ties"):
                matrix = distances(n, kind, Random(seed + 1))
                condensed = squareform(matrix, checks=False)
                tree = linkage(condensed, "average")
                file.write(f"matrix {kind} {n} {seed + 1}\n")
                if n > 2 and condensed.std() > 0:
                    file.write(f"cophenetic {float(cophenet(tree, condensed)[0]).hex()}\n")
                # fcluster never tries the two finest cuts (it starts its search above the first
                # merge): they are left to the test
                for wanted in sorted({1, 2, 3, 4, 6, 9, n // 2}):
                    if wanted < 1 or wanted > n - 2:
                        continue
                    labels = by_first_item(fcluster(tree, wanted, "maxclust"))
                    count = labels.max() + 1
                    file.write(f"cut {wanted} {count} {' '.join(map(str, labels))}\n")
                    if not 2 <= count < n:
                        continue
                    score = float(silhouette_score(matrix, labels, metric="precomputed"))
                    each = silhouette_samples(matrix, labels, metric="precomputed")
                    file.write(f"mean {score.hex()}\n")
                    file.write(f"silhouettes {' '.join(float(x).hex() for x in each)}\n")


if __name__ == "__main__":
    main()
