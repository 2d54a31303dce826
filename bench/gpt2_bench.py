#!/usr/bin/env python3
"""GPT-2's speed beside PyTorch + Transformers and llama.cpp: Markdown.

    gpt2_bench.py FOLDER [--threads 2] [--runs 5] [--prompt 512] [--new 64] [--build build]
                  [--transformers PYTHON] [--llama PYTHON --gguf FILE]

FOLDER is a GPT-2 (gpt2_model.py writes one of random weights). All programs take their turn in each
run; medians. The columns of processor time add up all threads: on a busy machine they tell more.
"""
import argparse
import json
import statistics
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLUMNS = ("load", "prompt", "generate", "prompt_cpu", "generate_cpu")


def ask(command):
    done = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--new", type=int, default=64)
    parser.add_argument("--build", type=Path, default=HERE.parent / "build")
    parser.add_argument("--transformers", metavar="PYTHON")
    parser.add_argument("--llama", metavar="PYTHON")
    parser.add_argument("--gguf", type=Path)
    options = parser.parse_args()
    job = [options.prompt, options.new, options.threads]
    peers = HERE / "gpt2_peers.py"
    programs = {"embscope": [options.build / "bench" / "gpt2_speed", options.folder, *job]}
    if options.transformers:
        programs["PyTorch + Transformers"] = [options.transformers, peers, "transformers",
                                              options.folder, *job]
    if options.llama:
        programs["llama.cpp"] = [options.llama, peers, "llama", options.gguf, *job]
    told = {name: [] for name in programs}
    for turn in range(options.runs):
        order = list(programs.items())
        for name, command in order if turn % 2 == 0 else order[::-1]:
            told[name].append(ask(command))
    same = {tuple(runs[0]["ids"]) for runs in told.values()}
    print(f"{options.prompt} tokens, then {options.new} new ones; {options.threads} threads, medians "
          f"of {options.runs}; all wrote {'the same ids' if len(same) == 1 else 'DIFFERENT ids'}\n")
    print("| program | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for name, runs in told.items():
        medians = (statistics.median(run[column] for run in runs) for column in COLUMNS)
        print(f"| {name} | " + " | ".join(f"{median:.3f}" for median in medians) + " |")


if __name__ == "__main__":
    main()
