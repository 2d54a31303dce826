#!/usr/bin/env python3
"""Time an es_index beside NumPy and, where it can be imported, faiss, in one process.

    query_speed.py [--rows 50257] [--columns 768] [--queries 1000] [-k 10] [--runs 15] [--threads N]
                   [--library build/src/libembscope.so] [--kind embedding|outliers] [--table FILE.npy]
                   [--ask rows|random] [--cold]

One query, then many at once, on a table in memory; runs of all programs are interleaved, medians of wall-clock
and of processor time are printed, and the answers compared. Single queries come in bursts of 20, so that a program
may keep in the processor's cache what fits there; with --cold they take turns. Processor time with several threads
counts waiting in a loop, which OpenMP does: compare it with --threads 1. NumPy computes u @ q and argpartition on
unit rows, faiss an IndexFlatIP of them. The table is one of tables.py.
"""
import argparse
import ctypes
import os
import statistics
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50257)
    parser.add_argument("--columns", type=int, default=768)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--library", default=str(ROOT / "build" / "src" / "libembscope.so"))
    parser.add_argument("--table")
    parser.add_argument("--kind", choices=("embedding", "outliers"), default="embedding")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--ask", choices=("rows", "random"), default="rows")
    return parser.parse_args()


options = arguments()
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # peers are to be what they are
    os.environ.pop(name, None)
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(options.threads)

import numpy  # noqa: E402  (reads the number of threads when it is loaded)

from tables import TABLES  # noqa: E402

try:
    import faiss
except ImportError:
    faiss = None


class Progress(ctypes.Structure):
    _fields_ = [("report", ctypes.c_void_p), ("context", ctypes.c_void_p)]


class Options(ctypes.Structure):
    _fields_ = [("threads", ctypes.c_int), ("progress", Progress)]


class Index:
    """The library's functions, one to one."""

    def __init__(self, path, threads):
        self.library = ctypes.CDLL(options.library)
        self.error = ctypes.create_string_buffer(1 << 16)
        self.space, self.index = ctypes.c_void_p(), ctypes.c_void_p()
        self.options = Options(threads)
        self.check(self.library.es_space_open(str(path).encode(), None, ctypes.byref(self.space), self.error))
        self.check(self.library.es_index_create(self.space, ctypes.byref(self.options),
                                                ctypes.byref(self.index), self.error))

    def check(self, status):
        if status:
            raise RuntimeError(self.error.raw[:200])

    def prepare(self, queries, k):
        self.queries = numpy.ascontiguousarray(queries, dtype=numpy.float64)
        self.ids = numpy.empty((len(queries), k), numpy.int64)
        self.cosines = numpy.empty((len(queries), k))
        self.k = k

    def query(self, i):
        count = ctypes.c_int64()
        self.check(self.library.es_index_query(
            self.index, ctypes.c_void_p(self.queries[i].ctypes.data), ctypes.c_int64(self.k), None,
            ctypes.c_int64(0), ctypes.c_void_p(self.ids[i].ctypes.data),
            ctypes.c_void_p(self.cosines[i].ctypes.data), ctypes.byref(count), self.error))
        return self.ids[i]

    def query_many(self):
        self.check(self.library.es_index_query_many(
            self.index, ctypes.c_void_p(self.queries.ctypes.data), ctypes.c_int64(len(self.queries)),
            ctypes.c_int64(self.k), None, ctypes.byref(self.options), ctypes.c_void_p(self.ids.ctypes.data),
            ctypes.c_void_p(self.cosines.ctypes.data), self.error))
        return self.ids


def best(scores, k):
    chosen = numpy.argpartition(-scores, k)[:k]
    return chosen[numpy.argsort(-scores[chosen])]


PAUSE = 0.05  # seconds, in which other programs' threads stop waiting in a loop


def measure(programs, runs, burst=1):
    """Medians of wall-clock and processor time of a call, runs of all programs in turn."""
    times = {name: [] for name in programs}
    for run in range(runs + 1):
        for name, call in programs.items():
            time.sleep(PAUSE)
            wall, processor = time.perf_counter(), time.process_time()
            for i in range(burst):
                call(run * burst + i)
            if run:
                times[name].append(((time.perf_counter() - wall) / burst,
                                    (time.process_time() - processor) / burst))
    return {name: [statistics.median(column) for column in zip(*values)] for name, values in times.items()}


def show(title, measured):
    base = measured["embscope"]
    print(title)
    for name, (wall, processor) in measured.items():
        print(f"  {name:18}{1e3 * wall:10.3f} ms wall{1e3 * processor:10.3f} ms processor"
              f"{wall / base[0]:8.1f}x{processor / base[1]:8.1f}x")


def main():
    path = Path(options.table) if options.table else \
        ROOT / "build" / "bench" / f"{options.kind}-{options.rows}x{options.columns}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        numpy.save(path, TABLES[options.kind](options.rows, options.columns))
    table = numpy.load(path)
    unit = table / numpy.linalg.norm(table, axis=1, keepdims=True)
    random = numpy.random.default_rng(5)
    if options.ask == "rows":
        queries = unit[random.choice(len(unit), options.queries, replace=False)]
        queries = queries + 0.3 * random.standard_normal(queries.shape) / queries.shape[1] ** 0.5
    else:
        queries = random.standard_normal((options.queries, unit.shape[1]))
    queries = (queries / numpy.linalg.norm(queries, axis=1, keepdims=True)).astype(numpy.float32)
    begin = time.perf_counter()
    index = Index(path, options.threads)
    print(f"{path.name}, k = {options.k}, {options.threads} threads; packed in {time.perf_counter() - begin:.2f} s;"
          f" NumPy {numpy.__version__}" + (f", faiss {faiss.__version__}" if faiss else ""))
    index.prepare(queries, options.k)
    one = {"embscope": lambda run: index.query(run % len(queries)),
           "NumPy": lambda run: best(unit @ queries[run % len(queries)], options.k)}
    many = {"embscope": lambda run: index.query_many(),
            "NumPy": lambda run: [best(row, options.k) for start in range(0, len(queries), 250)
                                  for row in queries[start:start + 250] @ unit.T]}
    if faiss:
        faiss.omp_set_num_threads(options.threads)
        flat = faiss.IndexFlatIP(unit.shape[1])
        flat.add(unit)
        one["faiss"] = lambda run: flat.search(queries[run % len(queries)][None], options.k)
        many["faiss"] = lambda run: flat.search(queries, options.k)
    show("one query", measure(one, options.runs, 1 if options.cold else 20))
    show(f"{len(queries)} queries at once", measure(many, max(3, options.runs // 5)))
    exact = [best(unit.astype(float) @ q, options.k) for q in index.queries[:20]]
    differ = int((index.query_many()[:20] != exact).any(axis=1).sum())
    print(f"queries answered otherwise than in float64, of {len(exact)}: {differ}")


if __name__ == "__main__":
    main()
