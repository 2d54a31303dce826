"""Does the demo model put like beside like? Read the shipped files and count.

    python3 check.py models/demo
    python3 check.py models/demo --neighbors cat king banana
    python3 check.py models/demo --readme models/demo/README.md   # and write it there

triples.tsv holds words `a b c` where a speaker would say that a is nearer to b than to c. It
was written before training. A triple holds if the cosine of rows a and b of `wte.weight`
exceeds that of a and c. The table is Markdown; the exit status is 1 if fewer than 18 triples
hold. NumPy is all that is needed.
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np

from export import read_safetensors

NEEDED = 18
BEGIN, END = "<!-- check.py -->", "<!-- end of check.py -->"


class Space:
    """The token table as unit rows, and the words' ids."""

    def __init__(self, folder):
        table = read_safetensors(folder / "model.safetensors")["wte.weight"].astype(np.float64)
        self.ids = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        self.tokens = sorted(self.ids, key=self.ids.get)
        self.unit = table / np.linalg.norm(table, axis=1, keepdims=True)

    def row(self, word):
        """The word as it stands in a text: one token, a space before it."""
        return self.unit[self.ids["Ġ" + word]]

    def cosine(self, a, b):
        return float(self.row(a) @ self.row(b))

    def neighbors(self, word, k):
        """The k nearest other tokens, `Ġ` shown as the space it stands for."""
        cosines = self.unit @ self.row(word)
        order = np.argsort(-cosines, kind="stable")[1 : k + 1]
        return [(self.tokens[i].replace("Ġ", " "), float(cosines[i])) for i in order]


def mean_cosine(unit):
    """Of all pairs of different unit rows."""
    n, total = len(unit), unit.sum(axis=0)
    return float((total @ total - n) / (n * n - n))


def read_triples(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def triples_table(space, triples):
    """(Markdown lines, how many hold)."""
    lines = ["| a | b | c | cos(a, b) | cos(a, c) | holds |", "|---|---|---|---:|---:|---|"]
    n_holding = 0
    for a, b, c in triples:
        near, far = space.cosine(a, b), space.cosine(a, c)
        n_holding += near > far
        holds = "yes" if near > far else "no"
        lines.append(f"| {a} | {b} | {c} | {near:.3f} | {far:.3f} | {holds} |")
    return lines, n_holding


def report(space, triples, words, k):
    """(Markdown, how many triples hold)."""
    lines, n_holding = triples_table(space, triples)
    everyone = mean_cosine(space.unit)
    here = mean_cosine(np.stack([space.row(word) for word in sorted(set(sum(triples, [])))]))
    lines += ["", f"{n_holding} of {len(triples)} hold."]
    lines += [f"Mean cosine of all pairs of tokens: {everyone:.3f}; of these words: {here:.3f}."]
    for word in words:
        near = ", ".join(f"`{token}` {cosine:.3f}" for token, cosine in space.neighbors(word, k))
        lines += ["", f"Nearest to `` {word}``: {near}."]
    return "\n".join(lines), n_holding


def write_between_marks(path, text):
    """Replace what stands between the two comments in a README."""
    before, mark, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        sys.exit(f"{path}: no {BEGIN} ... {END}")
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--neighbors", nargs="+", default=[], metavar="WORD")
    parser.add_argument("-k", type=int, default=5)
    parser.add_argument("--readme", type=Path, help="write the report between its two marks")
    arguments = parser.parse_args()
    space, triples = Space(arguments.folder), read_triples(arguments.folder / "triples.tsv")
    text, n_holding = report(space, triples, arguments.neighbors, arguments.k)
    print(text)
    if arguments.readme:
        write_between_marks(arguments.readme, text)
    sys.exit(n_holding < NEEDED)


if __name__ == "__main__":
    main()
