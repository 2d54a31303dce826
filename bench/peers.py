#!/usr/bin/env python3
"""One peer's way to do one job, timed: bench.py runs this under each Python it is given.

    peers.py --list                               JSON: {peer: version} of what can be imported
    peers.py PEER JOB TABLE.npy THREADS K         JSON: {"seconds": S}

PEER is numpy, torch, sklearn, faiss or gensim, with a suffix where there are two ways (see JOBS). The
work alone is timed, in memory: reading the table and importing the package are not, normalising is.
What is written here is what a user of the package would write; "triangle" is the same with a loop
over the upper triangle of blocks, half the arithmetic, which few write.
"""
import importlib
import json
import os
import sys
import time

BLOCK = 1024
BINS = 2000
PACKAGES = {"numpy": "numpy", "torch": "torch", "sklearn": "sklearn", "faiss": "faiss",
            "gensim": "gensim"}


def unit(x):
    import numpy
    return x / numpy.linalg.norm(x, axis=1, keepdims=True)


# ---- distribution: a histogram of 2,000 bins and four moments -------------------------------------


def numpy_distribution(x, threads, k, triangle=False):
    import numpy
    u = unit(x)
    counts, sums = numpy.zeros(BINS, numpy.int64), numpy.zeros(4)
    for start in range(0, len(u), BLOCK):
        c = u[start:start + BLOCK] @ u[start if triangle else 0:].T
        counts += numpy.histogram(c, BINS, (-1, 1))[0]
        square = c * c
        sums += [c.sum(dtype=float), square.sum(dtype=float), (square * c).sum(dtype=float),
                 (square * square).sum(dtype=float)]


def numpy_distribution_triangle(x, threads, k):
    numpy_distribution(x, threads, k, triangle=True)


def torch_distribution(x, threads, k, triangle=False):
    import torch
    u = torch.nn.functional.normalize(torch.from_numpy(x))
    counts, sums = torch.zeros(BINS), torch.zeros(4, dtype=torch.float64)
    for start in range(0, len(u), BLOCK):
        c = u[start:start + BLOCK] @ u[start if triangle else 0:].T
        counts += torch.histc(c, BINS, -1, 1)
        square = c * c
        sums += torch.stack([part.sum(dtype=torch.float64)
                             for part in (c, square, square * c, square * square)])


def torch_distribution_triangle(x, threads, k):
    torch_distribution(x, threads, k, triangle=True)


# ---- knn: the k nearest of every row --------------------------------------------------------------


def numpy_knn(x, threads, k):
    import numpy
    u = unit(x)
    for start in range(0, len(u), BLOCK):
        c = u[start:start + BLOCK] @ u.T
        c[numpy.arange(len(c)), numpy.arange(start, start + len(c))] = -2
        near = numpy.argpartition(c, -k, axis=1)[:, -k:]
        order = numpy.argsort(-numpy.take_along_axis(c, near, 1), axis=1)
        numpy.take_along_axis(near, order, 1)


def torch_knn(x, threads, k):
    import torch
    u = torch.nn.functional.normalize(torch.from_numpy(x))
    for start in range(0, len(u), BLOCK):
        (u[start:start + BLOCK] @ u.T).topk(k + 1, dim=1)


def sklearn_knn(x, threads, k):
    from sklearn.neighbors import NearestNeighbors
    u = unit(x)
    NearestNeighbors(n_neighbors=k + 1, algorithm="brute", n_jobs=threads).fit(u).kneighbors(u)


def faiss_knn(x, threads, k):
    import faiss
    u = unit(x)
    index = faiss.IndexFlatIP(u.shape[1])
    index.add(u)
    index.search(u, k + 1)


def faiss_hnsw(x, threads, k):
    """Building alone; asking it takes longer, and its answer is not exact."""
    import faiss
    u = unit(x)
    faiss.IndexHNSWFlat(u.shape[1], 16, faiss.METRIC_INNER_PRODUCT).add(u)


# ---- k-means: k clusters of unit rows, 25 iterations ----------------------------------------------

STEPS = 25


def sklearn_kmeans(x, threads, k, init="k-means++"):
    from sklearn.cluster import KMeans
    KMeans(k, init=init, n_init=1, max_iter=STEPS, tol=0, random_state=0).fit(unit(x))


def sklearn_kmeans_random(x, threads, k):
    """First centres by lot instead of k-means++."""
    sklearn_kmeans(x, threads, k, init="random")


def faiss_kmeans(x, threads, k):
    """On all rows: by default it would take 256 rows a cluster. First centres by lot."""
    import faiss
    faiss.Kmeans(x.shape[1], k, niter=STEPS, spherical=True,
                 max_points_per_centroid=len(x)).train(unit(x))


# ---- spectrum: eigenvalues of S and of the covariance, and of the table with shuffled columns -----


def numpy_spectrum(x, threads, k):
    import numpy
    u = unit(x).astype(numpy.float64)
    n, mean = len(u), u.mean(0)
    numpy.linalg.eigh(u.T @ u)
    numpy.linalg.eigh((u - mean).T @ (u - mean) / n)
    shuffled = numpy.random.default_rng(0).permuted(u, axis=0)
    numpy.linalg.eigvalsh(shuffled.T @ shuffled / n)


def sklearn_spectrum(x, threads, k):
    """The covariance's alone, in float32."""
    from sklearn.decomposition import PCA
    PCA(svd_solver="covariance_eigh").fit(unit(x))


# ---- one question in memory -----------------------------------------------------------------------


def gensim_neighbors(x, threads, k):
    from gensim.models import KeyedVectors
    vectors = KeyedVectors(x.shape[1])
    vectors.add_vectors([str(i) for i in range(len(x))], x)
    vectors.most_similar("100", topn=k)


def numpy_neighbors(x, threads, k):
    import numpy
    u = unit(x)
    c = u @ u[100]
    near = numpy.argpartition(c, -k - 1)[-k - 1:]
    near[numpy.argsort(-c[near])]


JOBS = {
    "distribution": {"numpy": numpy_distribution, "numpy-triangle": numpy_distribution_triangle,
                     "torch": torch_distribution, "torch-triangle": torch_distribution_triangle},
    "knn": {"numpy": numpy_knn, "torch": torch_knn, "sklearn": sklearn_knn, "faiss": faiss_knn},
    "hnsw": {"faiss-hnsw": faiss_hnsw},
    "kmeans": {"sklearn": sklearn_kmeans, "sklearn-random": sklearn_kmeans_random,
               "faiss": faiss_kmeans},
    "spectrum": {"numpy": numpy_spectrum, "sklearn": sklearn_spectrum},
    "neighbors": {"numpy": numpy_neighbors, "gensim": gensim_neighbors},
}


def versions():
    found = {}
    for peer, package in PACKAGES.items():
        try:
            found[peer] = importlib.import_module(package).__version__
        except Exception:  # absent, or broken in one of many ways
            continue
    return found


def use_threads(peer, threads):
    """What the environment variables that bench.py sets do not reach."""
    if peer.startswith("torch"):
        import torch
        torch.set_num_threads(threads)
    if peer.startswith("faiss"):
        import faiss
        faiss.omp_set_num_threads(threads)


def main():
    if sys.argv[1] == "--list":
        print(json.dumps(versions()))
        return
    peer, job, path, threads, k = sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:])
    import numpy
    x = numpy.load(path)
    importlib.import_module(PACKAGES[peer.split("-")[0]])
    use_threads(peer, threads)
    work = JOBS[job][peer]
    begin = time.perf_counter()
    work(x, threads, k)
    print(json.dumps({"seconds": time.perf_counter() - begin}))
    sys.stdout.flush()
    os._exit(0)  # some packages take seconds to leave


if __name__ == "__main__":
    main()
