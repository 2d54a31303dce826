#!/usr/bin/env python3
"""predict --attribute and generate against a GPT-2 in plain NumPy, float64.

    test_attribution.py build/embscope

The reference runs the model, keeps what every head, bias and MLP adds to the residual stream, and
sends each of them alone through the linear part of ln_f: less its mean, over the scale of the whole,
times the gain, times the token's row. The program's states are float32: parts agree to 2e-5 of the
largest part (24 bits, some dozens of sums). Debian's NumPy alone.
"""
import os
import sys

import numpy as np

from reference import Tap, safetensors
from test_predict import DEMO, PROMPTS, Gpt2

STATES = 2e-5


class TakenApart(Gpt2):
    """Gpt2 that keeps what each part adds at the last token."""

    def attend(self, x, name):
        t, d = x.shape
        size = d // self.heads
        q, k, v = np.split(self.linear(x, name + ".c_attn"), 3, axis=1)
        output = self.w[name + ".c_proj.weight"]
        sum_of_heads = np.zeros((t, d))
        layer = int(name.split(".")[1])
        for h in range(self.heads):
            own = slice(h * size, (h + 1) * size)
            scores = np.einsum("id,jd->ij", q[:, own], k[:, own]) / np.sqrt(size)
            scores[np.triu_indices(t, 1)] = -np.inf
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            weights /= weights.sum(axis=1, keepdims=True)
            added = weights @ v[:, own] @ output[own]
            self.parts["head", layer + 1, h + 1] = added[-1]
            sum_of_heads += added
        self.parts["attention_bias", layer + 1, None] = self.w[name + ".c_proj.bias"]
        return sum_of_heads + self.w[name + ".c_proj.bias"]

    def mlp(self, x, name):
        added = super().mlp(x, name)
        self.parts["mlp", int(name.split(".")[1]) + 1, None] = added[-1]
        return added

    def attribute(self, ids, token, against=None):
        """{(part, layer, head): contribution}, the logit, and the scale."""
        self.parts = {("token_embedding", None, None): self.w["wte.weight"][ids[-1]],
                      ("position_embedding", None, None): self.w["wpe.weight"][len(ids) - 1]}
        x = self.residuals(ids)[-1, -1]
        scale = np.sqrt(x.var() + self.epsilon)
        v = self.unembedding[token] - (0 if against is None else self.unembedding[against])
        gain = self.w["ln_f.weight"]
        sums = {key: float(((part - part.mean()) / scale * gain) @ v)
                for key, part in self.parts.items()}
        sums["final_bias", None, None] = float(self.w["ln_f.bias"] @ v)
        return sums, float(self.hidden(x) @ v), float(scale)


def check(tap, model, answer, name, against=None):
    found = answer["attribution"]
    ids = [token["id"] for token in answer["tokens"]][:found["position"] + 1]
    other = found["against"]["id"] if found["against"] else None
    tap.check((other is None) == (against is None), f"{name}: against")
    expected, logit, scale = model.attribute(ids, found["token"]["id"], other)
    parts = {(p["part"], p["layer"], p["head"]): p["contribution"] for p in found["parts"]}
    tap.check(set(parts) == set(expected) and len(found["parts"]) == len(expected),
              f"{name}: every part once", set(parts) ^ set(expected))
    largest = max(map(abs, expected.values()))
    keys = sorted(expected, key=str)
    off = max(abs(parts[key] - expected[key]) for key in keys)
    tap.check(off < STATES * largest, f"{name}: every part", f"{off} of {largest}")
    tap.check(abs(found["logit"] - logit) < STATES * largest, f"{name}: the logit",
              f"found {found['logit']}, expected {logit}")
    tap.near(found["scale"], scale, STATES, f"{name}: the scale")
    tap.check(abs(sum(parts.values()) + found["remainder"] - found["logit"]) < 1e-12 * largest * 99
              and abs(found["remainder"]) < STATES * largest, f"{name}: the parts add up",
              found["remainder"])
    path = [parts["final_bias", None, None] + parts["token_embedding", None, None]
            + parts["position_embedding", None, None]]
    for layer in range(1, model.layers + 1):
        path.append(path[-1] + sum(value for key, value in parts.items() if key[1] == layer))
    tap.near(found["path"], path, 1e-12, f"{name}: the path")


def demo(tap, program, _):
    model = TakenApart(DEMO)
    for prompt in PROMPTS:
        answer = program.json("predict", DEMO, prompt, "--attribute", "@top")
        tap.check(answer["attribution"]["token"]["id"] == answer["next"][0]["id"],
                  f"{prompt!r}: the top token")
        check(tap, model, answer, repr(prompt))
        answer = program.json("predict", DEMO, prompt, "--attribute", "@300", "--against", "@second",
                              "--position", "0")
        tap.check(answer["attribution"]["against"]["id"] == answer["next"][1]["id"]
                  and answer["attribution"]["position"] == 0, f"{prompt!r}: the second token")
        check(tap, model, answer, f"{prompt!r}, position 0", "second")


def everywhere(tap, program, _):
    program.same_everywhere(tap, "attribution", "predict", DEMO, PROMPTS[0], "--attribute",
                            " feline- cat")
    program.same_everywhere(tap, "generate", "generate", DEMO, PROMPTS[1], "--past-end", "-n", 30)
    program.same_everywhere(tap, "generate by lot", "generate", DEMO, PROMPTS[2], "--temperature",
                            1.3, "--top-k", 50, "--top-p", 0.95, "--seed", 5)


def made_up(tap, program, folder):
    """Other sizes; untied; scores that each layer scales by its number."""
    random = np.random.RandomState(3)
    for name, d, heads, layers, tied in (("wide", 40, 5, 1, True), ("deep", 18, 3, 6, False)):
        path = os.path.join(folder, name)
        os.mkdir(path)
        shapes = {"wte.weight": (14336, d), "wpe.weight": (20, d), "ln_f.weight": (d,),
                  "ln_f.bias": (d,)}
        for i in range(layers):
            for part, shape in (("ln_1.weight", (d,)), ("ln_1.bias", (d,)),
                                ("attn.c_attn.weight", (d, 3 * d)), ("attn.c_attn.bias", (3 * d,)),
                                ("attn.c_proj.weight", (d, d)), ("attn.c_proj.bias", (d,)),
                                ("ln_2.weight", (d,)), ("ln_2.bias", (d,)),
                                ("mlp.c_fc.weight", (d, 4 * d)), ("mlp.c_fc.bias", (4 * d,)),
                                ("mlp.c_proj.weight", (4 * d, d)), ("mlp.c_proj.bias", (d,))):
                shapes[f"h.{i}.{part}"] = shape
        if not tied:
            shapes["lm_head.weight"] = (14336, d)
        tensors = {key: (random.standard_normal(shape) * (0.3 if len(shape) > 1 else 0.2)
                         + (key.endswith("weight") and len(shape) == 1)).astype(np.float32)
                   for key, shape in shapes.items()}
        safetensors(os.path.join(path, "model.safetensors"), tensors)
        with open(os.path.join(path, "config.json"), "w", encoding="ascii") as file:
            file.write('{"model_type": "gpt2", "n_layer": %d, "n_head": %d, "n_embd": %d, '
                       '"tie_word_embeddings": %s}' % (layers, heads, d, str(tied).lower()))
        for file in ("vocab.json", "merges.txt", "tokenizer.json"):
            if os.path.exists(os.path.join(DEMO, file)):
                os.symlink(os.path.join(DEMO, file), os.path.join(path, file))
        model = TakenApart(path)
        for prompt in PROMPTS[:3]:
            answer = program.json("predict", path, prompt, "--attribute", "@top")
            check(tap, model, answer, f"{name}, {prompt!r}")


def generated(tap, program, _):
    """The whole model anew for each token."""
    model = Gpt2(DEMO)
    for prompt in PROMPTS[:6]:
        answer = program.json("generate", DEMO, prompt, "-n", 8, "--past-end")
        ids = [token["id"] for token in answer["prompt"]]
        expected, probabilities = [], []
        for _ in range(8):
            logits = model.unembedding @ model.hidden(model.residuals(ids)[-1, -1])
            shares = np.exp(logits - logits.max())
            expected.append(int(logits.argmax()))
            probabilities.append(shares[expected[-1]] / shares.sum())
            ids.append(expected[-1])
        found = answer["generated"]
        tap.check([token["id"] for token in found] == expected
                  and all(token["rank"] == 1 for token in found), f"{prompt!r}: greedy", found)
        tap.near([token["probability"] for token in found], probabilities, 1e-4,
                 f"{prompt!r}: probabilities")
        drawn = program.json("generate", DEMO, prompt, "-n", 1, "--seed", 9, "--temperature", 3)
        ids = [token["id"] for token in drawn["prompt"]]
        logits = model.unembedding @ model.hidden(model.residuals(ids)[-1, -1])
        token = drawn["generated"][0]
        rank = int((logits > logits[token["id"]]).sum()) + 1
        tap.check(abs(rank - token["rank"]) <= 1, f"{prompt!r}: rank of a token drawn",
                  f"found {token['rank']}, expected {rank}")


if __name__ == "__main__":
    sys.exit(Tap().run(demo, everywhere, made_up, generated))
