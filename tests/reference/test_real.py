#!/usr/bin/env python3
"""Real models: figures that others published, and float64 NumPy on the same files.

    test_real.py build/embscope

The files lie in the folder EMBSCOPE_TEST_DATA; EMBSCOPE_TEST_MINILM names the folder of
all-MiniLM-L6-v2. What is absent is skipped, and said.
"""
import json
import os
import struct
import sys

import numpy as np

from reference import Tap, norms, safetensors, unit

DATA = os.environ.get("EMBSCOPE_TEST_DATA")
MINILM = os.environ.get("EMBSCOPE_TEST_MINILM")
PAIR = 1e-12


def data(tap, test, *names):
    """Paths of real files, or None where they are absent (said)."""
    if not DATA:
        tap.skip(test, "EMBSCOPE_TEST_DATA names no folder")
        return None
    paths = [os.path.join(DATA, name) for name in names]
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        tap.skip(test, f"{missing[0]} is absent")
        return None
    return paths


def positions(tap, program, folder):
    """GPT-2's position table: figures published for it, and every pair against NumPy."""
    paths = data(tap, "GPT-2's positions", "gpt2/wpe.npy")
    if not paths:
        return
    answer = program.same_everywhere(tap, "GPT-2's positions", "distribution", paths[0],
                                     threads=(2,))
    tap.near(answer["mean"], 0.0304911784, 5e-11, "positions: mean")
    tap.near(answer["standard_deviation"], 0.5178843491, 5e-11, "positions: standard deviation")
    for which, pair, cosine in (("minimum", (387, 712), -0.8661746638),
                                ("maximum", (101, 102), 0.9992286602)):
        found = answer[which]
        tap.check((found["a"], found["b"]) == pair, f"positions: pair of the {which}", found)
        tap.near(found["cosine"], cosine, 5e-11, f"positions: {which}")
    u = unit(np.load(paths[0]))
    cosines = (u @ u.T)[np.triu_indices(len(u), 1)]
    tap.near([answer["mean"], answer["variance"]], [cosines.mean(), cosines.var()], PAIR,
             "positions: mean and variance as NumPy's")
    pair = program.json("similarity", paths[0], "@0", "@1")["pairs"][0]
    tap.near(pair["cosine"], 0.5242376469, 5e-11, "positions: cos(0, 1)")


def gpt2_folder(folder, vocabulary, merges, rows, ids):
    """GPT-2's tokenizer over a small table: real rows at their ids, pseudo-random ones elsewhere."""
    random = np.random.RandomState(12)
    table = random.standard_normal((50257, rows.shape[1])).astype(np.float32)
    table[ids] = rows
    safetensors(os.path.join(folder, "model.safetensors"), {"wte.weight": table})
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump({"model_type": "gpt2", "vocab_size": 50257, "n_embd": rows.shape[1]}, file)
    os.symlink(vocabulary, os.path.join(folder, "vocab.json"))
    os.symlink(merges, os.path.join(folder, "merges.txt"))


def gpt2_tokens(tap, program, folder):
    """GPT-2's tokenizer and five real rows of its embedding: published cosines and norms."""
    paths = data(tap, "GPT-2's tokens", "gpt2/vocab.json", "gpt2/merges.txt", "gpt2/wte_rows.npy",
                 "gpt2/wte_rows.ids.txt")
    if not paths:
        return
    rows = np.load(paths[2])
    with open(paths[3], encoding="utf-8") as file:
        ids = [int(word) for word in file.read().replace(",", " ").split() if word.isdigit()]
    tap.check(len(ids) == len(rows) and 3820 in ids, "GPT-2: the rows' ids", ids)
    gpt2_folder(folder, paths[0], paths[1], rows, ids)

    def pieces(text):
        return [token["text"] for token in program.json("tokenize", folder, text)["tokens"]]

    tap.check(pieces("banana") == ["ban", "ana"], "GPT-2: banana is two tokens", pieces("banana"))
    tap.check(pieces(" banana") == [" banana"], "GPT-2: ' banana' is one", pieces(" banana"))
    tap.check(pieces("cosmic") == ["cos", "mic"], "GPT-2: cosmic is two tokens", pieces("cosmic"))
    words = ["ban", "ana", "apple", "cos", "mic"]
    answer = program.json("similarity", folder, "--prefix", "none", *words)
    tap.check([token["id"] for token in answer["tokens"]] == [3820, 2271, 18040, 6966, 9383],
              "GPT-2: ids of the words", answer["tokens"])
    tap.near([token["norm"] for token in answer["tokens"][:3]], [4.159251, 3.829631, 4.524674],
             5e-7, "GPT-2: norms")
    cosine = {(words[p["a"]], words[p["b"]]): p["cosine"] for p in answer["pairs"]}
    tap.near(cosine["ban", "ana"], 0.28329955, 5e-9, "GPT-2: cos(ban, ana)")
    tap.near(cosine["cos", "mic"], 0.2442, 5e-5, "GPT-2: cos(cos, mic)")
    order = [ids.index(token["id"]) for token in answer["tokens"]]
    u = unit(rows[order])
    tap.near(answer["cosine"], u @ u.T, PAIR, "GPT-2: every pair as NumPy's")


def read_word2vec(path):
    """Keys and rows of a word2vec binary file."""
    with open(path, "rb") as file:
        count, columns = map(int, file.readline().split())
        content = file.read()
    keys, rows, at = [], np.empty((count, columns)), 0
    for i in range(count):
        end = content.index(b" ", at)
        keys.append(content[at:end].lstrip(b"\n"))
        rows[i] = struct.unpack_from(f"<{columns}f", content, end + 1)
        at = end + 1 + 4 * columns
    return keys, rows


def google_news(tap, program, folder):
    """8,000 Google News vectors: neighbours and the analogy as brute force has them."""
    paths = data(tap, "Google News", "word-vectors/googlenews-8000x300.bin")
    if not paths:
        return
    keys, rows = read_word2vec(paths[0])
    u = unit(rows)
    place = {key.decode("utf-8", "replace"): i for i, key in reversed(list(enumerate(keys)))}
    pair = program.json("similarity", paths[0], "king", "queen")["pairs"][0]
    # published at full precision; the file holds six decimals: |v| is about 2.9 (king) and 3.0,
    # so each of 300 components is off by 5e-7 / 2.9 at most
    tap.near(pair["cosine"], 0.65109568, 2e-6, "Google News: cos(king, queen)")
    tap.near(pair["cosine"], u[place["king"]] @ u[place["queen"]], PAIR,
             "Google News: cos(king, queen) as NumPy's")
    for words, signs, k in ((("king",), (1,), 100), (("king", "man", "woman"), (1, -1, 1), 1000)):
        arguments = [words[0]]
        for word, sign in zip(words[1:], signs[1:]):
            arguments += ["-" if sign < 0 else "+", word]
        own = [place[word] for word in words]
        query = unit(sum(sign * u[row] for row, sign in zip(own, signs)))
        scores = u @ query
        scores[own] = -9
        order = np.lexsort((np.arange(len(u)), -scores))[:k]
        for threads in (1, 2):
            answer = program.json("neighbors", paths[0], "-k", k, *arguments, threads=threads)
            found = [n["id"] for n in answer["neighbors"]]
            tap.check(found == order.tolist(), f"Google News: {' '.join(arguments)}, ids")
            tap.near([n["cosine"] for n in answer["neighbors"]], scores[order], PAIR,
                     f"Google News: {' '.join(arguments)}, cosines")


def read_safetensors(path, name):
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(size))[name]
        begin, end = entry["data_offsets"]
        file.seek(8 + size + begin)
        kind = {"F32": "<f4", "F16": "<f2", "F64": "<f8"}[entry["dtype"]]
        return np.frombuffer(file.read(end - begin), kind).reshape(entry["shape"])


def minilm(tap, program, folder):
    """all-MiniLM-L6-v2, a whole model as the Hub lays it out."""
    if not MINILM or not os.path.exists(os.path.join(MINILM, "model.safetensors")):
        tap.skip("MiniLM", "EMBSCOPE_TEST_MINILM names no folder with model.safetensors")
        return
    answer = program.json("info", MINILM)
    rows = read_safetensors(os.path.join(MINILM, "model.safetensors"), answer["source"]["tensor"])
    tap.check(rows.shape == (answer["source"]["rows"], answer["source"]["columns"]) == (30522, 384),
              "MiniLM: shape", answer["source"])
    size = norms(rows)
    found = [answer["norms"][key] for key in
             ("minimum", "quartile1", "median", "quartile3", "maximum", "mean")]
    tap.near(found, [*np.percentile(size, [0, 25, 50, 75, 100]), size.mean()], PAIR,
             "MiniLM: norms")
    words = ["cat", "dog", "banana"]
    answer = program.json("similarity", MINILM, *words)
    ids = [token["id"] for token in answer["tokens"]]
    with open(os.path.join(MINILM, "vocab.txt"), encoding="utf-8") as file:
        keys = file.read().split("\n")
    tap.check([keys[i] for i in ids] == words, "MiniLM: tokens", ids)
    u = unit(rows[ids])
    tap.near(answer["cosine"], u @ u.T, PAIR, "MiniLM: cosines")
    answer = program.json("distribution", MINILM)
    u = unit(rows)
    n, total, gram = len(u), u.sum(axis=0), u.T @ u
    mean = (total @ total - n) / (n * (n - 1))
    second = ((gram * gram).sum() - n) / (n * (n - 1))
    tap.near([answer["mean"], answer["variance"]], [mean, second - mean * mean], PAIR,
             "MiniLM: mean and variance of all pairs")


if __name__ == "__main__":
    sys.exit(Tap().run(positions, gpt2_tokens, google_news, minilm))
