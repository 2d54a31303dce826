#!/usr/bin/env python3
"""predict against a GPT-2 in plain NumPy, float64.

    test_predict.py build/embscope

The reference reads demo's safetensors itself and runs the model in float64: residual streams and
logits must agree to 2e-4 of their spread (the program runs the model in float32). What the program
then says of a state is held against NumPy on the residual streams that it wrote (--hidden): there
both are float64, and agree to rounding. Debian's NumPy alone.
"""
import json
import math
import os
import shutil
import struct
import subprocess
import sys

import numpy as np

from reference import Tap, safetensors

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "demo")
PROMPTS = ["A cat is a kind of", "The opposite of hot is", "A car has a wheel. It is a kind of",
           "z", "Der Hund schläft; l'été dernier", "Кошка это", "猫は動物です", "قط", "🙂 !! 123",
           "one\n\ntwo\tthree ", "con mèo là một loài"]
FORWARD = 2e-4  # of the spread: the model runs in float32
EXACT = 1e-9    # both are float64: about d 2^-53 of ||v|| ||h||, some 1e-13, and sums of 14,336


# ---- the reference --------------------------------------------------------------------------------


def read_safetensors(path):
    types = {"F16": np.float16, "F32": np.float32, "F64": np.float64}
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, at in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = at["data_offsets"]
        values = np.frombuffer(data[8 + size + begin:8 + size + end], types[at["dtype"]])
        name = name[len("transformer."):] if name.startswith("transformer.") else name
        tensors[name] = values.reshape(at["shape"]).astype(np.float64)
    return tensors


class Gpt2:
    def __init__(self, folder):
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        self.w = read_safetensors(os.path.join(folder, "model.safetensors"))
        self.layers = self.config["n_layer"]
        self.heads = self.config["n_head"]
        self.epsilon = self.config.get("layer_norm_epsilon", 1e-5)
        self.unembedding = self.w.get("lm_head.weight", self.w["wte.weight"])

    def norm(self, x, name):
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.epsilon)
        return x * self.w[name + ".weight"] + self.w[name + ".bias"]

    def linear(self, x, name):
        return x @ self.w[name + ".weight"] + self.w[name + ".bias"]

    def attend(self, x, name):
        t, d = x.shape
        q, k, v = np.split(self.linear(x, name + ".c_attn"), 3, axis=1)
        q, k, v = (a.reshape(t, self.heads, -1).transpose(1, 0, 2) for a in (q, k, v))
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(d // self.heads)
        scores = np.where(np.tril(np.ones((t, t), bool)), scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return self.linear((weights @ v).transpose(1, 0, 2).reshape(t, d), name + ".c_proj")

    def mlp(self, x, name):
        x = self.linear(x, name + ".c_fc")
        x = x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
        return self.linear(x, name + ".c_proj")

    def residuals(self, ids):
        """(layers + 1, tokens, d)"""
        x = self.w["wte.weight"][ids] + self.w["wpe.weight"][:len(ids)]
        streams = [x]
        for i in range(self.layers):
            x = x + self.attend(self.norm(x, f"h.{i}.ln_1"), f"h.{i}.attn")
            x = x + self.mlp(self.norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp")
            streams.append(x)
        return np.stack(streams)

    def hidden(self, residual):
        return self.norm(residual.astype(np.float64), "ln_f")


def ranks_of(values):
    """Each id's place by descending value, ties by id, from 1; 0 for NaN."""
    order = np.lexsort((np.arange(len(values)), -values))
    ranks = np.empty(len(values), int)
    ranks[order] = np.arange(1, len(values) + 1)
    return np.where(np.isnan(values), 0, ranks)


def spearman(a, b):
    def mean_ranks(x):
        _, where, counts = np.unique(x, return_inverse=True, return_counts=True)
        ends = np.cumsum(counts)
        return ((2 * ends - counts + 1) / 2)[where]
    return np.corrcoef(mean_ranks(a), mean_ranks(b))[0, 1]


def gap(h, norms, cosines, i, j):
    return {"angle": h * (norms[i] + norms[j]) / 2 * (cosines[i] - cosines[j]),
            "norm": h * (cosines[i] + cosines[j]) / 2 * (norms[i] - norms[j])}


class State:
    """All that the program says of one h."""

    def __init__(self, rows, norms, h):
        self.h, self.norms, self.size = h, norms, np.linalg.norm(h)
        self.z = rows @ h
        self.defined = norms > 0
        self.cosines = np.where(self.defined, self.z / np.where(self.defined, norms, 1), np.nan)
        self.cosines /= self.size
        self.log_p = self.z - self.z.max()
        self.log_p -= math.log(np.exp(self.log_p).sum())
        self.p = np.exp(self.log_p)
        self.entropy = -(self.p * self.log_p).sum()
        self.by_logit, self.by_cosine, self.by_norm = map(
            ranks_of, (self.z, self.cosines, np.where(self.defined, norms, np.nan)))
        self.first = np.argsort(self.by_logit)

    def candidate(self, i):
        ahead = {}
        if self.by_logit[i] < len(self.z):
            j = self.first[self.by_logit[i]]
            ahead = {"logit": self.z[i] - self.z[j], **gap(self.size, self.norms, self.cosines, i, j)}
        top = self.first[0]
        defined = self.defined[i]
        return {"rank": self.by_logit[i], "id": i, "logit": self.z[i], "probability": self.p[i],
                "cosine": self.cosines[i], "norm": self.norms[i],
                "rank_by_cosine": self.by_cosine[i] if defined else None,
                "rank_by_norm": self.by_norm[i] if defined else None,
                "behind_first": {"logit": self.z[top] - self.z[i],
                                 **gap(self.size, self.norms, self.cosines, top, i)},
                "ahead_of_next": ahead}

    def moved(self, ranks, others):
        """Of the first 100 by `ranks`, the five that stand worst by the others, from twice on."""
        ratio = np.where(self.defined, others / np.maximum(ranks, 1), 0)
        first = np.argsort(np.where(ranks > 0, ranks, len(ranks) + 1))[:100]
        places = [i for i in first if ratio[i] >= 2]
        return sorted(places, key=lambda i: (-ratio[i], ranks[i]))[:5]

    def order(self):
        z, cosines, norms = (x[self.defined] for x in (self.z, self.cosines, self.norms))
        c, n = cosines.mean(), norms.mean()
        angle = self.size * (norms + n) / 2 * (cosines - c)
        norm = self.size * (cosines + c) / 2 * (norms - n)
        parts = np.cov(angle, norm, bias=True)
        return {"spearman_cosine": spearman(z, cosines), "spearman_norm": spearman(z, norms),
                "mean_cosine": c, "mean_norm": n,
                "variance": {"logit": z.var(), "angle_share": parts[0, 0] / z.var(),
                             "norm_share": parts[1, 1] / z.var(),
                             "covariance_share": 2 * parts[0, 1] / z.var()}}


# ---- comparing ------------------------------------------------------------------------------------


def differences(found, expected, path=""):
    """Where two trees of numbers part; found may have more members, as `text`."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            yield from differences(found[key], value, f"{path}.{key}")
    elif isinstance(expected, (list, tuple)):
        if len(found) != len(expected):
            yield f"{path}: {len(found)} items, expected {len(expected)}"
            return
        for i, value in enumerate(expected):
            yield from differences(found[i], value, f"{path}[{i}]")
    elif expected is None or (isinstance(expected, float) and math.isnan(expected)):
        if found is not None:
            yield f"{path}: {found}, expected null"
    elif found is None:
        yield f"{path}: null, expected {expected}"
    elif isinstance(expected, (int, np.integer)):
        if found != expected:
            yield f"{path}: {found}, expected {expected}"
    elif abs(found - expected) > EXACT * max(1, abs(expected)):
        yield f"{path}: {found!r}, expected {expected!r}"


def describe(state, k, actual):
    tree = {"hidden_norm": state.size, "entropy": state.entropy,
            "next": [state.candidate(i) for i in state.first[:k]], "order": state.order(),
            "promoted": [state.candidate(i) for i in state.moved(state.by_logit, state.by_cosine)],
            "held_back": [state.candidate(i) for i in state.moved(state.by_cosine, state.by_logit)]}
    if actual is not None:
        tree["actual"] = {"id": actual, "rank": state.by_logit[actual],
                          "probability": state.p[actual], "surprisal": -state.log_p[actual]}
    return tree


def describe_layers(states, k, actual):
    last, layers = states[-1], []
    top = last.first[0]
    for layer, state in enumerate(states):
        tree = describe(state, k, actual)
        tree["layer"] = layer
        tree["answer"] = {"id": top, "rank": state.by_logit[top], "logit": state.z[top],
                          "probability": state.p[top]}
        tree["divergence"] = (last.p * (last.log_p - state.log_p)).sum()
        tree["cosine_to_final"] = state.h @ last.h / state.size / last.size
        layers.append(tree)
    return layers


def near_spread(found, expected):
    spread = expected.std(axis=-1, keepdims=True)
    return found.shape == expected.shape and bool((abs(found - expected) <= FORWARD * spread).all())


def check_model(tap, program, folder, at, prompts):
    """Each prompt: all positions, all layers, against NumPy on the streams that were written."""
    model = Gpt2(at)
    rows = model.unembedding
    norms = np.linalg.norm(rows, axis=1)
    k = 4
    for prompt in prompts:
        hidden, logits = (os.path.join(folder, name) for name in ("hidden.npy", "logits.npy"))
        answer = program.json("predict", at, "-k", k, "--lens", "--position", "all", "--hidden",
                              hidden, "--logits", logits, "--", prompt)
        ids = [token["id"] for token in answer["tokens"]]
        name = repr(prompt)
        streams, written = np.load(hidden), np.load(logits)
        exact = model.residuals(ids)
        tap.check(streams.dtype == np.float32 and near_spread(streams, exact),
                  f"{name}: residual streams of {len(ids)} tokens")
        tap.check(written.dtype == np.float64 and near_spread(written, model.hidden(exact[-1]) @ rows.T),
                  f"{name}: logits")
        h = model.hidden(streams)
        tap.near(written, h[-1] @ rows.T, EXACT, f"{name}: logits of those streams")
        wrong, total = [], 0
        for t in range(len(ids)):
            states = [State(rows, norms, h[layer, t]) for layer in range(model.layers + 1)]
            actual = ids[t + 1] if t + 1 < len(ids) else None
            tree = describe(states[-1], k, actual)
            tree["layers"] = describe_layers(states, k, actual)
            tree["position"] = t
            wrong += differences(answer["positions"][t], tree, f"positions[{t}]")
            total += -states[-1].log_p[actual] if actual is not None else 0
        wrong += differences(answer, tree)
        if len(ids) > 1:
            mean = total / (len(ids) - 1)
            wrong += differences(answer["surprisal"], {"tokens": len(ids) - 1, "total": total,
                                                       "mean": mean, "perplexity": math.exp(mean)})
        tap.check(not wrong, f"{name}: every number", "\n".join(wrong))


def every_number(tap, program, folder):
    check_model(tap, program, folder, DEMO, PROMPTS)


def untied(tap, program, folder):
    """An unembedding of its own, with zero rows, equal rows, long and short ones."""
    at = os.path.join(folder, "untied")
    shutil.copytree(DEMO, at, ignore=shutil.ignore_patterns("checkpoints*", "*.npz"))
    with open(os.path.join(at, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    config["tie_word_embeddings"] = False
    with open(os.path.join(at, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    path = os.path.join(at, "model.safetensors")
    tensors = {name: array.astype(np.float32) for name, array in read_safetensors(path).items()}
    random = np.random.default_rng(5)
    rows = (tensors["wte.weight"] * random.lognormal(0, 0.7, (len(tensors["wte.weight"]), 1)))
    rows = rows.astype(np.float32)
    rows[[3, 700, len(rows) - 1]] = 0
    rows[random.permutation(len(rows))[:40]] *= 1e-6
    tensors["lm_head.weight"] = rows
    safetensors(path, tensors)
    check_model(tap, program, folder, at, PROMPTS[:2])
    answer = program.json("predict", at, "-k", len(rows), PROMPTS[0])
    tap.check(answer["tied"] is False and answer["left_out"] == 3 and
              answer["untied_rows"] == int((rows != tensors["wte.weight"]).any(axis=1).sum()),
              "untied, and by how many rows")
    zero = [c for c in answer["next"] if c["id"] in (3, 700, len(rows) - 1)]
    tap.check(len(zero) == 3 and all(c["cosine"] is None and c["logit"] == 0 and
                                     c["rank_by_cosine"] is None for c in zero) and
              [c["id"] for c in zero] == sorted(c["id"] for c in zero), "zero rows", zero)
    tap.near(sum(c["probability"] for c in answer["next"]), 1, 1e-12, "probabilities sum to 1")


def same_answers(tap, program, folder):
    """One position, a list of prompts and standard input say what all positions say."""
    prompt = PROMPTS[2]
    every = program.json("predict", DEMO, "--position", "all", prompt)
    for position in (0, 3, -2, -1):
        one = program.json("predict", DEMO, "--position", position, prompt)
        wrong = [key for key, value in every["positions"][position].items() if one[key] != value]
        tap.check(not wrong, f"position {position} of all", wrong)
    prefix = "".join(token["text"] for token in every["tokens"][:4])
    cut = program.json("predict", DEMO, prefix)
    tap.check(cut["tokens"] == every["tokens"][:4] and
              cut["next"] == every["positions"][3]["next"], "a prompt that ends there")
    path = os.path.join(folder, "prompts")
    lines = [p for p in PROMPTS if "\n" not in p]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    listed = program.json("predict", DEMO, "--prompts", path)["prompts"]
    alone = [program.json("predict", DEMO, "--", line) for line in lines]
    tap.check(all(a[key] == b[key] for a, b in zip(listed, alone) for key in a) and
              len(listed) == len(lines), "--prompts says what each prompt alone says")
    done = subprocess.run([program.path, "predict", DEMO, "-", "--json"], input=prompt.encode() + b"\n",
                          stdout=subprocess.PIPE, check=True)
    tap.check(json.loads(done.stdout)["next"] == program.json("predict", DEMO, prompt)["next"],
              "standard input")


def everywhere(tap, program, _):
    program.same_everywhere(tap, "predict", "predict", DEMO, "--lens", "--position", "all",
                            PROMPTS[0])


if __name__ == "__main__":
    sys.exit(Tap().run(every_number, untied, same_answers, everywhere))
