#!/usr/bin/env python3
"""unembed against NumPy: logits, softmax, the two orders, for tokens, sums, files and residual streams."""
import json
import os
import struct
import sys

import numpy as np

from reference import Tap, norms, safetensors, to_bf16, unit, word2vec

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "demo")


def ranks(values):
    """From 1, the smallest first, equal ones sharing their mean rank."""
    values = np.asarray(values)
    order = np.argsort(values, kind="stable")
    result = np.empty(len(values))
    start = 0
    while start < len(values):
        end = start + 1
        while end < len(values) and values[order[end]] == values[order[start]]:
            end += 1
        result[order[start:end]] = (start + 1 + end) / 2
        start = end
    return result


def spearman(a, b):
    return np.corrcoef(ranks(a), ranks(b))[0, 1]


def expected(rows, h, k):
    """What unembed says of finite rows (n, d) and a vector: float64 throughout."""
    rows = np.asarray(rows, float)
    z = rows @ h
    length = norms(rows)
    some = length > 0
    cosine = np.full(len(rows), np.nan)
    cosine[some] = unit(rows[some]) @ unit(h[None])[0]
    p = np.exp(z - z.max())
    p /= p.sum()
    entropy = -(p[p > 0] * np.log(p[p > 0])).sum()
    by_logit = np.lexsort((np.arange(len(z)), -z))
    by_cosine = np.lexsort((np.arange(len(z)), -np.where(some, cosine, -np.inf)))[:some.sum()]
    return {"z": z, "p": p, "cosine": cosine, "norm": length, "entropy": entropy,
            "by_logit": by_logit, "by_cosine": by_cosine,
            "overlap": len(set(by_logit[:k]) & set(by_cosine[:k])),
            "rank_correlation": spearman(z[some], cosine[some])}


def compare(tap, name, answer, rows, h, k):
    """Tolerances: a dot product of d float64 terms is off by d 2^-53 |v||h| at most, in either order;
    d <= 800 here, so 2e-13 of |v||h|. Ranks are equal: rows are drawn, and none lie that near."""
    want = expected(rows, h, k)
    scale = want["norm"].max() * np.linalg.norm(h)
    tap.near(answer["vector"]["norm"], np.linalg.norm(h), 1e-13, f"{name}: norm of the vector")
    tap.near(answer["entropy"], want["entropy"], 1e-11, f"{name}: entropy")
    tap.near(answer["rank_correlation"], want["rank_correlation"], 1e-12, f"{name}: Spearman")
    tap.check(answer["overlap"] == want["overlap"], f"{name}: overlap", answer["overlap"])
    place = {}
    for key in ("by_logit", "by_cosine"):
        place[key] = {int(id): t + 1 for t, id in enumerate(want[key])}
    for key, other in (("by_logit", "by_cosine"), ("by_cosine", "by_logit")):
        found = answer[key]
        ids = [token["id"] for token in found]
        tap.check(ids == [int(i) for i in want[key][:k]], f"{name}: {key}", ids)
        tap.check([token["rank"] for token in found] == list(range(1, len(found) + 1)),
                  f"{name}: {key}, ranks")
        tap.check([token[f"rank_{other}"] for token in found] == [place[other].get(i) for i in ids],
                  f"{name}: {key}, ranks in the other order")
        tap.near([t["logit"] / scale for t in found], want["z"][ids] / scale, 2e-13,
                 f"{name}: {key}, logits")
        tap.near([t["probability"] for t in found], want["p"][ids], 1e-11,
                 f"{name}: {key}, probabilities")
        cosines = [np.nan if t["cosine"] is None else t["cosine"] for t in found]
        tap.near(cosines, want["cosine"][ids], 1e-13, f"{name}: {key}, cosines")
        tap.near([t["norm"] for t in found], want["norm"][ids], 1e-13, f"{name}: {key}, norms")


def tables(tap, program, folder):
    """Tokens by id and vectors of a file against tables of every type."""
    random = np.random.RandomState(1)
    base = random.standard_normal((1500, 64)) * (0.5 + random.rand(1500, 1)) + 0.3
    bits, brain = to_bf16(base)
    stored = {"F32": (base.astype(np.float32),) * 2, "F16": (base.astype(np.float16),) * 2,
              "F64": (base,) * 2, "BF16": (bits, brain)}
    h = random.standard_normal(64) * 3
    vector = os.path.join(folder, "h.npy")
    np.save(vector, h)
    for name, (data, values) in stored.items():
        path = os.path.join(folder, f"{name}.safetensors")
        safetensors(path, {"t": data})
        rows = np.asarray(values, float)
        answer = program.same_everywhere(tap, name, "unembed", path, "--vector", vector, "-k", 25)
        compare(tap, f"{name}, a vector", answer, rows, h, 25)
        tap.check(answer["tied"] is None and answer["terms_from"] is None, f"{name}: no unembedding")
        answer = program.json("unembed", path, "@7", "+", "@12", "-", "@900")
        compare(tap, f"{name}, a sum", answer, rows, rows[7] + rows[12] - rows[900], 10)
        tap.check(answer["query"] == '"#7" + "#12" - "#900"', f"{name}: how the sum reads")


def odd_rows(tap, program, folder):
    """Zero rows have logit 0 and no cosine; rows that are not finite are left out; equal rows by id."""
    random = np.random.RandomState(2)
    rows = random.standard_normal((300, 20)).astype(np.float32)
    rows[[5, 77]] = 0
    rows[100] = rows[101] = rows[3]
    broken = rows.copy()
    broken[250, 4], broken[299, 0] = np.nan, np.inf
    path = os.path.join(folder, "odd.safetensors")
    safetensors(path, {"t": broken})
    keep = np.delete(np.arange(300), [250, 299])
    h = rows[3].astype(float)
    answer = program.same_everywhere(tap, "odd rows", "unembed", path, "@3", "-k", 1000)
    tap.check((answer["rows"], answer["zero_rows"], answer["left_out"]) == (298, 2, 2), "counts")
    for key in ("by_logit", "by_cosine"):
        tap.check(all(t["id"] not in (250, 299) for t in answer[key]), f"{key}: none left out")
        for token in answer[key]:
            token["id"] = int(np.searchsorted(keep, token["id"]))
    compare(tap, "odd rows", answer, rows[keep], h, 1000)
    zero = [t for t in answer["by_logit"] if t["norm"] == 0]
    tap.check(len(zero) == 2 and all(t["logit"] == 0 and t["cosine"] is None and
                                     t["rank_by_cosine"] is None for t in zero), "zero rows")
    tap.check([t["id"] for t in answer["by_cosine"][:3]] == [3, 100, 101], "equal rows by id")
    constant = os.path.join(folder, "constant.safetensors")
    safetensors(constant, {"t": np.ones((9, 4), np.float32)})
    answer = program.json("unembed", constant, "@0")
    tap.check(answer["rank_correlation"] is None, "equal rows: no correlation")
    tap.near(answer["entropy"], np.log(9), 1e-14, "equal rows: the largest entropy")
    large = os.path.join(folder, "large.safetensors")
    rows = random.standard_normal((50, 8)) * 1e3
    safetensors(large, {"t": rows})
    answer = program.json("unembed", large, "@0")
    tap.near(sum(t["probability"] for t in answer["by_logit"]), 1, 1e-14, "logits of 1e7: softmax")
    compare(tap, "logits of 1e7", answer, rows, rows[0], 10)


def files(tap, program, folder):
    """One vector, several, layers by tokens; other shapes are told."""
    random = np.random.RandomState(3)
    rows = random.standard_normal((400, 24)).astype(np.float32)
    path = os.path.join(folder, "rows.npy")
    np.save(path, rows)
    hidden = random.standard_normal((5, 7, 24)).astype(np.float32)
    cube, many = os.path.join(folder, "cube.npy"), os.path.join(folder, "many.npy")
    np.save(cube, hidden)
    np.save(many, np.asfortranarray(hidden[2]))
    answer = program.json("unembed", path, "--vector", cube, "--at", "4,6")
    compare(tap, "--at 4,6", answer, rows, hidden[4, 6].astype(float), 10)
    tap.check(answer["query"] == f"{cube}[4,6]", "--at: its name", answer["query"])
    answer = program.same_everywhere(tap, "many", "unembed", path, "--vector", many, "-k", 6)
    tap.check(len(answer["queries"]) == 7, "seven vectors, seven answers")
    for i, one in enumerate(answer["queries"]):
        compare(tap, f"vector {i}", one, rows, hidden[2, i].astype(float), 6)
    answer = program.json("unembed", path, "--vector", many, "--at", "3")
    compare(tap, "--at 3", answer, rows, hidden[2, 3].astype(float), 10)
    for shape in ((24,), (1, 24), (24, 1)):
        one = os.path.join(folder, "one.npy")
        np.save(one, hidden[0, 0].reshape(shape))
        compare(tap, f"shape {shape}", program.json("unembed", path, "--vector", one), rows,
                hidden[0, 0].astype(float), 10)


def gpt2(random, n, d, layers=1, context=8):
    """A GPT-2 of random weights, every tensor of it."""
    def draw(*shape):
        return (random.standard_normal(shape) * 0.2).astype(np.float32)
    tensors = {"wte.weight": draw(n, d), "wpe.weight": draw(context, d),
               "ln_f.weight": 1 + draw(d), "ln_f.bias": draw(d)}
    for layer in range(layers):
        for name, shape in (("ln_1.weight", (d,)), ("ln_1.bias", (d,)),
                            ("attn.c_attn.weight", (d, 3 * d)), ("attn.c_attn.bias", (3 * d,)),
                            ("attn.c_proj.weight", (d, d)), ("attn.c_proj.bias", (d,)),
                            ("ln_2.weight", (d,)), ("ln_2.bias", (d,)),
                            ("mlp.c_fc.weight", (d, 4 * d)), ("mlp.c_fc.bias", (4 * d,)),
                            ("mlp.c_proj.weight", (4 * d, d)), ("mlp.c_proj.bias", (d,))):
            tensors[f"h.{layer}.{name}"] = draw(*shape)
    return tensors


def write_model(folder, tensors, **config):
    os.makedirs(folder, exist_ok=True)
    safetensors(os.path.join(folder, "model.safetensors"), tensors)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    return folder


def layer_norm(x, weight, bias, epsilon=1e-5):
    x = np.asarray(x, np.float32).astype(float)
    mean = x.mean()
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean() + epsilon) * weight.astype(float) + bias


def untied(tap, program, folder):
    """With two tables the rows are the unembedding's and the words the embedding's."""
    random = np.random.RandomState(4)
    tensors = gpt2(random, 211, 16)
    head = (random.standard_normal((211, 16)) * 0.7).astype(np.float32)
    tensors["lm_head.weight"] = head
    model = write_model(os.path.join(folder, "untied"), tensors, model_type="gpt2", n_embd=16,
                        n_layer=1, n_head=2, n_positions=8, vocab_size=211,
                        tie_word_embeddings=False)
    embedding = tensors["wte.weight"].astype(float)
    answer = program.same_everywhere(tap, "untied", "unembed", model, "@20")
    compare(tap, "untied", answer, head, embedding[20], 10)
    tap.check((answer["tied"], answer["source"]["tensor"], answer["terms_from"])
              == (False, "lm_head.weight", "wte.weight"), "untied: which table")
    answer = program.json("unembed", model, "@20", "--space", "output")
    compare(tap, "--space output", answer, head, head[20].astype(float), 10)
    tap.check(answer["terms_from"] is None, "--space output: words of that table")
    answer = program.json("unembed", model, "@20", "--space", "input")
    compare(tap, "--space input", answer, embedding, embedding[20], 10)
    answer = program.same_everywhere(tap, "--final-norm", "unembed", model, "@20", "--final-norm")
    h = layer_norm(embedding[20], tensors["ln_f.weight"], tensors["ln_f.bias"])
    compare(tap, "--final-norm", answer, head, h, 10)
    tap.check(answer["final_norm"] is True, "--final-norm: said")
    centred = head - head.astype(float).mean(axis=0)
    answer = program.json("unembed", model, "@20", "--transform", "center")
    compare(tap, "--transform center", answer, centred,
            embedding[20] - embedding.mean(axis=0), 10)


def demo(tap, program, folder):
    """The tied model that ships: a residual stream of random numbers."""
    with open(os.path.join(DEMO, "model.safetensors"), "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()

    def tensor(name):
        name = next(key for key in header if key.split("transformer.")[-1] == name)
        first, end = header[name]["data_offsets"]
        kind = {"F16": np.float16, "F32": np.float32}[header[name]["dtype"]]
        return np.frombuffer(data[first:end], kind).reshape(header[name]["shape"])
    rows = tensor("wte.weight")
    x = np.random.RandomState(5).standard_normal(rows.shape[1]).astype(np.float32) * 2
    path = os.path.join(folder, "x.npy")
    np.save(path, x)
    answer = program.same_everywhere(tap, "demo", "unembed", DEMO, "--vector", path, "--final-norm")
    h = layer_norm(x, tensor("ln_f.weight"), tensor("ln_f.bias"))
    compare(tap, "demo", answer, rows, h, 10)
    tap.check(answer["tied"] is True, "demo: tied")


def words(tap, program, folder):
    """Word vectors: a word of the vocabulary, and a pooled one is the mean of raw rows."""
    random = np.random.RandomState(6)
    rows = random.standard_normal((90, 12)).astype(np.float32)
    path = os.path.join(folder, "w.bin")
    word2vec(path, [f"w{i}" for i in range(90)], rows, True)
    answer = program.json("unembed", path, "w11", "-k", 5)
    compare(tap, "word vectors", answer, rows, rows[11].astype(float), 5)
    tap.check(answer["by_logit"][0]["text"].startswith("w"), "word vectors: texts")
    listed = os.path.join(folder, "list")
    with open(listed, "w", encoding="utf-8") as file:
        file.write("w1 - w2\nw3\n")
    answer = program.json("unembed", path, "--tokens", listed, "-k", 5)["queries"]
    compare(tap, "first line", answer[0], rows, rows[1].astype(float) - rows[2], 5)
    compare(tap, "second line", answer[1], rows, rows[3].astype(float), 5)


if __name__ == "__main__":
    sys.exit(Tap().run(tables, odd_rows, files, untied, demo, words))
