#!/usr/bin/env python3
"""Time embscope's commands, what other packages take for the same work, and what the machine can do.

    bench.py [--rows 50257] [--columns 768] [--runs 3] [--threads N] [--tables embedding,outliers]
             [--jobs ...] [--python PATH ...] [--build FOLDER]

Prints Markdown: for each job the median seconds of --runs runs, all programs in turn within a run,
as a multiple of the floor and of embscope's own time. The floor is the time that the multiply-adds
of all pairs would take at this machine's float32 peak, measured in the same runs (fma_floor).

embscope is timed as a whole process, page cache warm: start, reading, work, output. Peers are timed
without start and reading (peers.py), in their favour; but for `similarity` and `neighbors`,
where the process is what a user waits for. --python names further interpreters, with the packages
that they have. The tables are synthetic (tables.py).
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy

from tables import TABLES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# These two change what OpenBLAS does, for better or worse: peers are to be what they are.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "EMBSCOPE_KERNEL")
NAMES = {"numpy": "NumPy", "torch": "PyTorch", "sklearn": "scikit-learn", "faiss": "faiss",
         "gensim": "gensim"}

# job: (arguments of embscope, the peers' job, k, is it work on all pairs?)
JOBS = {
    "distribution": (["distribution", "{table}"], "distribution", 0, True),
    "distribution --certified": (["distribution", "{table}", "--certified"], "distribution", 0, True),
    "knn -k 10": (["knn", "{table}", "-k", "10", "-o", "{out}.npz"], "knn", 10, True),
    "knn -k 100": (["knn", "{table}", "-k", "100", "-o", "{out}.npz"], "knn", 100, True),
    "HNSW index": (None, "hnsw", 0, True),
    "cluster -k 100": (["cluster", "{table}", "-k", "100", "--iterations", "25"], "kmeans", 100,
                       False),
    "cluster -k 1000": (["cluster", "{table}", "-k", "1000", "--iterations", "25"], "kmeans", 1000,
                        False),
    "spectrum": (["spectrum", "{table}"], "spectrum", 0, False),
    "audit": (["audit", "{table}"], None, 0, False),
    "report": (["report", "{table}", "-o", "{out}.html"], None, 0, False),
    "similarity (process)": (["similarity", "{table}", "@100", "@200", "@300"], None, 0, False),
    "neighbors (process)": (["neighbors", "{table}", "@100", "-k", "10"], "neighbors", 10, False),
    "loading": (["info", "{table}"], None, 0, False),
}

# Whole processes of NumPy, where a process is what is compared.
PROCESSES = {
    "similarity (process)": "u = numpy.load({path!r}, mmap_mode='r')[[100, 200, 300]].astype(float); "
                           "u /= numpy.linalg.norm(u, axis=1, keepdims=True); print(u @ u.T)",
    "neighbors (process)": "v = numpy.load({path!r}); "
                          "u = v / numpy.linalg.norm(v, axis=1, keepdims=True); c = u @ u[100]; "
                          "print(numpy.argsort(-c)[1:11])",
    "loading": "v = numpy.load({path!r}); print(numpy.linalg.norm(v, axis=1).mean())",
}


class Program:
    """Something that is timed: name, and a function that runs it once and returns seconds."""

    def __init__(self, name, run):
        self.name, self.run, self.seconds = name, run, []

    def median(self):
        return statistics.median(self.seconds)


def environment(threads):
    result = {key: value for key, value in os.environ.items() if key not in UNSET}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        result[name] = str(threads)
    return result


def process_seconds(command, options):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   stdin=subprocess.DEVNULL, env=environment(options.threads))
    return time.perf_counter() - begin


def peer_seconds(python, arguments, options):
    done = subprocess.run([python, str(HERE / "peers.py"), *map(str, arguments)], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL, env=environment(options.threads))
    return json.loads(done.stdout)["seconds"]


def find_peers(options):
    """[(python, peer, version)], each package and version once."""
    found, seen = [], set()
    for python in options.python:
        done = subprocess.run([python, str(HERE / "peers.py"), "--list"], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=environment(options.threads))
        for peer, version in json.loads(done.stdout).items():
            if (peer, version) not in seen:
                seen.add((peer, version))
                found.append((python, peer, version))
    return found


def own_program(arguments, table, options):
    words = [word.format(table=table, out=table.with_suffix("")) for word in arguments]
    command = [str(options.build / "embscope"), *words, "--threads", str(options.threads)]
    return Program("embscope", lambda: process_seconds(command, options))


def programs_of(job, table, peers, options):
    arguments, peers_job, k, _ = JOBS[job]
    programs = [own_program(arguments, table, options)] if arguments else []
    if job in PROCESSES:
        for python, peer, version in peers:
            if peer == "numpy":
                text = "import numpy; " + PROCESSES[job].format(path=str(table))
                programs.append(Program(f"NumPy {version}, process", lambda python=python, text=text:
                                        process_seconds([python, "-c", text], options)))
    for python, peer, version in peers if peers_job else []:
        for way in ways_of(peers_job, peer):
            name = f"{NAMES[peer]} {version}" + way[len(peer):].replace("-", ", ")
            ask = (way, peers_job, table, options.threads, k)
            programs.append(Program(name, lambda python=python, ask=ask:
                                    peer_seconds(python, ask, options)))
    return programs


def ways_of(job, peer):
    import peers
    return [way for way in peers.JOBS[job] if way.split("-")[0] == peer]


def floor_peak(threads, options):
    done = subprocess.run([str(options.build / "bench" / "fma_floor"), str(threads)], check=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def measure(programs, options):
    """Every program once a run, in turn; the peak of the machine beside them."""
    peaks = []
    for run in range(options.runs):
        peaks.append(floor_peak(options.threads, options)["gflops"])
        for program in programs if run % 2 == 0 else programs[::-1]:
            program.seconds.append(program.run())
    return statistics.median(peaks)


def print_job(job, programs, peak, options):
    rows = options.rows
    # each pair i <= j once: d multiply-adds
    floor = rows * (rows + 1) / 2 * options.columns * 2 / (peak * 1e9) if JOBS[job][3] else None
    own = next((p.median() for p in programs if p.name == "embscope"), None)
    for program in sorted(programs, key=lambda p: (p.name != "embscope", p.median())):
        seconds = program.median()
        spread = (max(program.seconds) - min(program.seconds)) / seconds
        print(f"| {job} | {program.name} | {seconds:.3f} | {spread:.0%} | "
              f"{f'{seconds / floor:.2f}' if floor else ''} | "
              f"{f'{seconds / own:.2f}' if own else ''} |")
    if floor:
        print(f"| {job} | *float32 floor, {peak:.0f} GFLOP/s* | {floor:.3f} | | 1.00 | "
              f"{f'{floor / own:.2f}' if own else ''} |")
    sys.stdout.flush()


def processor():
    """(model, flags) as Linux tells them."""
    told = {}
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            told.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    return told.get("model name", platform.machine()), told.get("flags", "").split()


def print_machine(peers, options):
    model, flags = processor()
    sets = [name for name in ("avx2", "avx512f", "avx512_vnni") if name in flags]
    version = subprocess.run([str(options.build / "embscope"), "--version"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout.strip()
    peaks = {n: floor_peak(n, options) for n in sorted({1, options.threads})}
    print(f"- machine: {model}, {len(os.sched_getaffinity(0))} processors ({', '.join(sets)}); "
          f"load {os.getloadavg()[0]:.1f} at the start")
    print("- float32 peak: " + ", ".join(f"{peak['gflops']:.0f} GFLOP/s on {n} thread"
                                          f"{'s' if n > 1 else ''} ({peak['set']})"
                                          for n, peak in peaks.items()))
    print(f"- {version}; " + ", ".join(f"{NAMES[peer]} {number}" for _, peer, number in peers))
    print(f"- {options.rows} x {options.columns} float32, {options.threads} threads, medians of "
          f"{options.runs} interleaved runs; spread is (slowest - fastest) / median")
    sys.stdout.flush()


def known_jobs(options):
    """What this build of the program can do, and was asked for."""
    asked = [job.strip() for job in options.jobs.split(",")] if options.jobs else list(JOBS)
    text = subprocess.run([str(options.build / "embscope"), "help", "distribution"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return [job for job in asked if "--certified" not in job or "--certified" in text]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50257)
    parser.add_argument("--columns", type=int, default=768)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--tables", default="embedding,outliers")
    parser.add_argument("--jobs", help=", ".join(JOBS))
    parser.add_argument("--python", action="append", metavar="PATH",
                        help="an interpreter with packages to compare with (default: this one)")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    options = parser.parse_args()
    options.python = options.python or [sys.executable]
    options.build = options.build.resolve()
    return options


def main():
    options = parse()
    peers = find_peers(options)
    print_machine(peers, options)
    for name in options.tables.split(","):
        table = options.build / "bench" / f"{name}-{options.rows}x{options.columns}.npy"
        if not table.exists():
            table.parent.mkdir(parents=True, exist_ok=True)
            numpy.save(table, TABLES[name](options.rows, options.columns))
        print(f"\n{name}\n\n| job | program | seconds | spread | x floor | x embscope |"
              "\n|---|---|---|---|---|---|")
        for job in known_jobs(options):
            programs = programs_of(job, table, peers, options)
            if programs:
                print_job(job, programs, measure(programs, options), options)


if __name__ == "__main__":
    main()
