#!/usr/bin/env python3
"""Run command-line cases: a script each, and the bytes that it must print.

    run.py --program build/embscope cases/name.sh ...
    run.py --program build/embscope --update cases/name.sh ...    write what is printed as expected

A case NAME.sh runs under sh in an empty folder of its own, with the program first in PATH. Beside it lie
    NAME.sh.stdout.exact   expected bytes; absent: nothing may be printed
    NAME.sh.stderr.exact   the same for standard error
    NAME.sh.exit           the exit code; absent: 0
or, instead of .exact, a .glob, in which '*' stands for any text within a line and a line '...' for
any lines. Exit code 77 skips the case. `"elapsed_seconds": N` is compared as `"elapsed_seconds": X`,
the case's folder as `$TMP`, and the source tree as `$SOURCE`.

The script finds MODELS, a program that makes tiny models (models.py), CASES, this folder, and SOURCE,
the source tree, in its environment.
"""
import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = 77
TIME_LIMIT = 540


def environment(program, folder):
    """What a case sees: nothing of the user's own settings."""
    keep = ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "EMBSCOPE_TEST_DATA",
            "EMBSCOPE_SANITIZED", "LD_LIBRARY_PATH")
    result = {name: os.environ[name] for name in keep if name in os.environ}
    result.update({
        "PATH": f"{program.parent}:{result.get('PATH', '/usr/bin:/bin')}",
        "HOME": str(folder),
        "TERM": "xterm",
        "LC_ALL": "C",
        "EMBSCOPE_DATA": str(HERE.parent.parent),
        "MODELS": str(HERE / "models.py"),
        "CASES": str(HERE),
        "SOURCE": str(HERE.parent.parent),
    })
    return result


def normalise(data, folder):
    data = re.sub(rb'("elapsed_seconds": ?)[0-9.eE+-]+', rb"\1X", data)
    data = data.replace(os.fsencode(folder), b"$TMP")
    return data.replace(os.fsencode(HERE.parent.parent), b"$SOURCE")


def glob_pattern(data):
    """A .glob file as a regular expression over the whole output."""
    pattern = b""
    for line in data.splitlines(keepends=True):
        if line.rstrip(b"\n") == b"...":
            pattern += rb"(?:[^\n]*\n)*"
        else:
            pattern += b"[^\n]*".join(re.escape(part) for part in line.split(b"*"))
    return re.compile(pattern, re.DOTALL)


def compare(case, stream, found):
    """None where the output is as expected, else what differs."""
    exact, glob = (Path(f"{case}.{stream}.{kind}") for kind in ("exact", "glob"))
    if glob.exists():
        if glob_pattern(glob.read_bytes()).fullmatch(found):
            return None
        expected = glob.read_bytes()
    else:
        expected = exact.read_bytes() if exact.exists() else b""
        if expected == found:
            return None
    lines = [data.decode("utf-8", "backslashreplace").splitlines() for data in (expected, found)]
    return "\n".join(difflib.unified_diff(*lines, f"{stream} expected", f"{stream} found", lineterm=""))


def update(case, stream, found):
    exact = Path(f"{case}.{stream}.exact")
    if Path(f"{case}.{stream}.glob").exists():
        return
    if found:
        exact.write_bytes(found)
    elif exact.exists():
        exact.unlink()


def run_case(program, case, updating):
    """The case's exit status: 0, 1 or SKIPPED."""
    with tempfile.TemporaryDirectory(prefix="embscope-case-") as name:
        folder = Path(name).resolve()
        done = subprocess.run(["sh", str(case)], cwd=folder, env=environment(program, folder),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIME_LIMIT, check=False)
    if done.returncode == SKIPPED:
        print(f"skipped: {case.name}: {done.stdout.decode(errors='replace').strip()}")
        return SKIPPED
    streams = {"stdout": normalise(done.stdout, folder), "stderr": normalise(done.stderr, folder)}
    exit_file = Path(f"{case}.exit")
    if updating:
        for stream, found in streams.items():
            update(case, stream, found)
        if done.returncode:
            exit_file.write_text(f"{done.returncode}\n")
        elif exit_file.exists():
            exit_file.unlink()
        return 0
    faults = [fault for fault in (compare(case, *item) for item in streams.items()) if fault]
    expected = int(exit_file.read_text()) if exit_file.exists() else 0
    if done.returncode != expected:
        faults.append(f"exit code {done.returncode}, expected {expected}")
    print(f"{'FAILED' if faults else 'passed'}: {case.name}")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("case", nargs="+", type=Path)
    options = parser.parse_args()
    codes = [run_case(options.program.resolve(), case.resolve(), options.update)
             for case in options.case]
    if 1 in codes:
        return 1
    return SKIPPED if SKIPPED in codes else 0


if __name__ == "__main__":
    sys.exit(main())
