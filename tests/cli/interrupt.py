#!/usr/bin/env python3
"""Interrupt a long computation on big.npy once and twice, and look at what is left."""
import os
import signal
import subprocess
import time


def interrupt(times):
    """Seconds from the first signal to the end, and the exit code."""
    # one thread has no time to finish: the whole job is 800 GFLOP
    child = subprocess.Popen(["embscope", "distribution", "big.npy", "--threads", "1", "-o", "out.json",
                              "--json"], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    time.sleep(0.7)
    begin = time.monotonic()
    for _ in range(times):
        child.send_signal(signal.SIGINT)
        time.sleep(0.02)
    out, err = child.communicate(timeout=60)
    return time.monotonic() - begin, child.returncode, out, err


limit = 20 if os.environ.get("EMBSCOPE_SANITIZED") else 2
for times in (1, 2):
    seconds, code, out, err = interrupt(times)
    print(f"{times}: exit {code}, {'soon' if seconds < limit else f'after {seconds:.1f} s'}, "
          f"{len(out)} bytes, {sorted(os.listdir('.'))}")
    print(err.decode().strip() if times == 1 else "")
