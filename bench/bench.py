#!/usr/bin/env python3
"""Time embscope's commands on a table of GPT-2's shape, beside NumPy on the same file.

    bench.py [--rows 50257] [--columns 768] [--runs 3] [--threads N]

Whole processes, from the shell's point of view, page cache warm; runs of the two are interleaved, and the
medians are printed. The table is synthetic: a common direction, a few outlier dimensions, a spectrum that
falls off, as GPT-2's has.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy

ROOT = Path(__file__).resolve().parent.parent

LOAD = "import numpy; v = numpy.load({path!r}); "
UNIT = LOAD + "u = v / numpy.linalg.norm(v, axis=1, keepdims=True); "
# The usual way: blocks of rows against all later rows, a histogram of each block of products.
DISTRIBUTION = UNIT + """
counts = numpy.zeros(2000, int)
for start in range(0, len(u), 2048):
    s = u[start:start + 2048] @ u[start:].T
    row, column = numpy.triu_indices(len(s), 1, s.shape[1])
    counts += numpy.histogram(s[row, column], 2000, (-1, 1))[0]
print(counts.sum())
"""

JOBS = {
    "similarity": (["similarity", "{path}", "@100", "@200", "@300", "--json"],
                   LOAD + "u = v[[100, 200, 300]].astype(float); "
                   "u /= numpy.linalg.norm(u, axis=1, keepdims=True); print(u @ u.T)"),
    "neighbors": (["neighbors", "{path}", "@100", "-k", "10", "--json"],
                  UNIT + "c = u @ u[100]; print(numpy.argsort(-c)[1:11])"),
    "distribution": (["distribution", "{path}", "--json"], DISTRIBUTION),
}


def make_table(path, rows, columns):
    random = numpy.random.default_rng(1)
    scale = 1 / numpy.sqrt(1 + numpy.arange(columns) / 40)
    table = random.standard_normal((rows, columns)) * scale
    table[:, random.choice(columns, 5, replace=False)] *= 6
    table += 0.6 * numpy.linalg.norm(table, axis=1).mean() * random.standard_normal(columns) / columns**0.5
    path.parent.mkdir(parents=True, exist_ok=True)
    numpy.save(path, (0.14 * table).astype(numpy.float32))


def seconds(command, environment):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50257)
    parser.add_argument("--columns", type=int, default=768)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    path = ROOT / "build" / "bench" / f"table-{options.rows}x{options.columns}.npy"
    if not path.exists():
        make_table(path, options.rows, options.columns)
    environment = dict(os.environ, OPENBLAS_NUM_THREADS=str(options.threads))
    print(f"{options.rows} x {options.columns}, {options.threads} threads, medians of {options.runs}")
    print(f"{'command':14}{'embscope':>12}{'NumPy ' + numpy.__version__:>16}{'ratio':>8}")
    for name, (command, program) in JOBS.items():
        ours = [str(ROOT / "build" / "embscope"),
                *(word.format(path=path) for word in command), "--threads", str(options.threads)]
        theirs = [sys.executable, "-c", program.replace("{path!r}", repr(str(path)))]
        times = [(seconds(ours, environment), seconds(theirs, environment))
                 for _ in range(options.runs)]
        a, b = (statistics.median(column) for column in zip(*times))
        print(f"{name:14}{a:10.3f} s{b:14.3f} s{b / a:7.1f}x")


if __name__ == "__main__":
    main()
