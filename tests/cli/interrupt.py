#!/usr/bin/env python3
"""Interrupt a long computation once and twice, and look at what is left."""
import os
import signal
import struct
import subprocess
import sys
import time

ROWS, COLUMNS = 40000, 512
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import models  # noqa: E402


def make_matrix(path):
    block = struct.pack("<4096f", *models.pseudo_random(4096))
    header = models.npy([], (ROWS, COLUMNS), "<f4")
    with open(path, "wb") as file:
        file.write(header)
        for place in range(ROWS * COLUMNS // 4096):
            file.write(block[place % 4096:] + block[:place % 4096])


def interrupt(times):
    """Seconds from the first signal to the end, and the exit code."""
    # one thread, no time to finish: the whole job is some 400 GFLOP
    child = subprocess.Popen(["embscope", "distribution", "big.npy", "--threads", "1", "-o", "out.json",
                              "--json"], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    time.sleep(0.7)
    begin = time.monotonic()
    for _ in range(times):
        child.send_signal(signal.SIGINT)
        time.sleep(0.02)
    out, err = child.communicate(timeout=60)
    return time.monotonic() - begin, child.returncode, out, err


make_matrix("big.npy")
limit = 20 if os.environ.get("EMBSCOPE_SANITIZED") else 2
for times in (1, 2):
    seconds, code, out, err = interrupt(times)
    print(f"{times}: exit {code}, {'soon' if seconds < limit else f'after {seconds:.1f} s'}, "
          f"{len(out)} bytes, {sorted(os.listdir('.'))}")
    print(err.decode().strip() if times == 1 else "")
