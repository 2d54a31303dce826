#!/usr/bin/env python3
"""Holds what `embscope COMMAND --json` prints to docs/schema/COMMAND.json, and docs/json.md to the schemas.

    json_schema.py PROGRAM SOURCE_ROOT
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

program, root = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
failures = 0


def fail(message):
    global failures
    failures += 1
    print("not ok:", message)


def write_npy(path, rows):
    columns = len(rows[0])
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(rows)}, {columns}), }}"
    header += " " * (117 - len(header)) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        for row in rows:
            file.write(struct.pack(f"<{columns}f", *row))


def write_words(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{len(rows)} {len(rows[0][1])}\n")
        for word, row in rows:
            file.write(word + " " + " ".join(map(str, row)) + "\n")


def write_two(folder, embedding, unembedding):
    """A model with an embedding and an unembedding of float32."""
    os.mkdir(folder)
    header, data = {}, b""
    for name, rows in (("model.embed_tokens.weight", embedding), ("lm_head.weight", unembedding)):
        values = [value for row in rows for value in row]
        header[name] = {"dtype": "F32", "shape": [len(rows), len(rows[0])],
                        "data_offsets": [len(data), len(data) + 4 * len(values)]}
        data += struct.pack(f"<{len(values)}f", *values)
    text = json.dumps(header).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        file.write('{"model_type": "llama"}')


def no_constants(text):
    raise ValueError(f"{text} is no JSON")


def keys_of(schema):
    """Every key that a schema names, at any depth."""
    if isinstance(schema, dict):
        for key in schema.get("properties", {}):
            yield key
        for value in schema.values():
            yield from keys_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from keys_of(value)


schemas = {}
for name in sorted(os.listdir(os.path.join(root, "docs/schema"))):
    with open(os.path.join(root, "docs/schema", name), encoding="utf-8") as file:
        schemas[name[:-5]] = json.load(file)
with open(os.path.join(root, "docs/json.md"), encoding="utf-8") as file:
    documented = set(re.findall(r"`(?:\w+\[\])?\.?(\w+)`", file.read()))
for name, schema in schemas.items():
    jsonschema.Draft202012Validator.check_schema(schema)
    for key in sorted(set(keys_of(schema)) - documented):
        fail(f"docs/json.md does not speak of {name}'s key {key}")

seen = set()
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    write_words("words.vec", [("cat", [1, 2, 0.5]), ("dog", [1, 1.5, 0.25]), ("banana", [-1, 0.5, 2]),
                              ("zéro", [0, 0, 0]), ("\"quoted\"", [0.5, -1, 1]), ("car", [3, -2, 0.125])])
    with open("questions", "w", encoding="utf-8") as file:
        file.write("cat\ndog + car\n")
    with open("categories", "w", encoding="utf-8") as file:
        file.write("cat\tanimal\ndog\tanimal\ncar\tthing\n\nbanana,fruit\n")
    for name, text in (("pairs.csv", "a,b,score\ncat,dog,3\ncat,car,1\ndog,banana,2\ncat,no,1\nzéro,cat,0\n"),
                       ("odd.txt", "cat dog banana\ncat dog car\n"),
                       ("analogies.txt", ": one\ncat dog banana car\ncat dog no car\n"),
                       ("kinds.txt", "cat a\ndog a\ncar b\nbanana b\n")):
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
    write_npy("bare.npy", [[1, 0], [float("nan"), 1], [0, 0], [1, 1], [-1, 1e-30], [1, 0]])
    write_two("two", [[1, 0], [0, 1], [1, 1], [0, 0]], [[2, 0.5], [0, 1], [1, -1], [1, 1]])
    runs = [
        ["info", "words.vec"],
        ["info", "bare.npy"],
        ["tokenize", "words.vec", "dog"],
        ["tokenize", "words.vec", "--decode", "1", "2"],
        ["similarity", "words.vec", "cat", "dog", "zéro"],
        ["similarity", "bare.npy", "@0", "@1", "@3"],
        ["neighbors", "words.vec", "cat", "-k", "3"],
        ["neighbors", "words.vec", "cat", "+", "dog", "-", "car", "--metric", "euclidean"],
        ["neighbors", "bare.npy", "@0", "--farthest", "--all"],
        ["neighbors", "words.vec", "--tokens", "questions", "-k", "2", "--metric", "dot"],
        ["neighbors", "words.vec", "--all", "--min", "0.5"],
        ["neighbors", "bare.npy", "--all", "--min", "-1"],
        ["distribution", "words.vec"],
        ["distribution", "bare.npy", "--per-row"],
        ["spectrum", "words.vec"],
        ["spectrum", "bare.npy", "--no-null", "--directions", "1"],
        ["spectrum", "words.vec", "--transform", "raw", "--transform", "standardize"],
        ["knn", "words.vec", "-k", "2"],
        ["knn", "bare.npy", "-k", "1"],
        ["positions", "bare.npy"],
        ["positions", "bare.npy", "--shuffles", "2", "--components", "1"],
        ["audit", "words.vec", "--near", "0.5"],
        ["audit", "bare.npy"],
        ["audit", os.path.join(root, "models/demo")],
        ["evaluate", "words.vec", "pairs.csv", "odd.txt", "analogies.txt", "kinds.txt"],
        ["evaluate", "words.vec", "pairs.csv", "odd.txt", "analogies.txt", "kinds.txt", "--details"],
        ["evaluate", "words.vec", "pairs.csv", "analogies.txt", "--missing", "zero", "--case",
         "ignore", "--restrict", "2", "--no-interval"],
        ["drift", "words.vec", "words.vec", "words.vec", "--show", "2"],
        ["drift", "bare.npy", "bare.npy", "-k", "1"],
        ["cluster", "words.vec", "-k", "2"],
        ["cluster", "bare.npy", "-k", "1"],
        ["cluster", "bare.npy", "-k", "4", "--restarts", "2", "--show", "1"],
        ["generate", os.path.join(root, "models/demo"), "A cat is a kind of"],
        ["generate", os.path.join(root, "models/demo"), "A cat", "--top-k", "9", "-n", "3"],
        ["generate", os.path.join(root, "models/demo"), "A cat", "--seed", "1", "--past-end"],
        ["compare", "words.vec", "words.vec"],
        ["compare", "bare.npy", "bare.npy", "--rank", "--transform", "raw", "--transform", "center"],
        ["compare", "words.vec", "words.vec", "words.vec", "--categories", "categories"],
        ["matrix", "words.vec", "cat", "dog", "banana", "car"],
        ["matrix", "bare.npy", "@0", "@3"],
        ["matrix", "bare.npy", "@0", "@5", "@0"],
        ["matrix", "words.vec", "--categories", "categories", "--clusters", "2"],
        ["matrix", "words.vec", "cat", "dog", "car", "--clusters", "3", "--null-sets", "3"],
        ["predict", os.path.join(root, "models/demo"), "A cat is a kind of"],
        ["predict", os.path.join(root, "models/demo"), "A cat", "--lens", "--position", "all", "-k", "2"],
        ["predict", os.path.join(root, "models/demo"), "--prompts", "questions", "-k", "1"],
        ["export", "words.vec", "-o", "words.npz"],
        ["export", "words.vec", "-o", "points/", "--unit"],
        ["export", "bare.npy", "-o", "half.safetensors", "--dtype", "f16"],
        ["export", os.path.join(root, "models/demo"), "-o", "demo.bin", "--rows", "300"],
        ["info", "two", "--tying"],
        ["info", os.path.join(root, "models/demo"), "--tying"],
        ["unembed", "words.vec", "cat", "-", "zéro"],
        ["unembed", "bare.npy", "@0", "-k", "3"],
        ["unembed", "words.vec", "--tokens", "questions"],
        ["unembed", "two", "--vector", "bare.npy", "--at", "3"],
        ["unembed", os.path.join(root, "models/demo"), "@5", "--final-norm"],
        ["predict", os.path.join(root, "models/demo"), "A cat", "--attribute", "@top"],
        ["predict", os.path.join(root, "models/demo"), "A cat is", "--attribute", "cat-dog", "--position", "0"],
        ["report", "words.vec"],
        ["report", "bare.npy"],
        ["report", "two"],
        ["report", os.path.join(root, "models/demo")],
        ["report", "words.vec", "words.vec"],
        ["report", "bare.npy", "--with", "bare.npy"],
    ]
    for arguments in runs:
        line = " ".join(arguments)
        done = subprocess.run([program, *arguments, "--json"], capture_output=True, timeout=120)
        if done.returncode:
            fail(f"{line}: exit {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
            continue
        try:
            answer = json.loads(done.stdout.decode("utf-8"), parse_constant=no_constants)
            jsonschema.validate(answer, schemas[arguments[0]], cls=jsonschema.Draft202012Validator)
            seen.add(arguments[0])
        except (ValueError, jsonschema.ValidationError) as error:
            where = "/".join(map(str, getattr(error, "absolute_path", [])))
            fail(f"{line}: {where}: {getattr(error, 'message', error)}")
for name in sorted(set(schemas) - seen):
    fail(f"no run has answered to {name}.json")
print(f"{len(runs)} answers, {len(schemas)} schemas, {failures} failures")
sys.exit(failures != 0)
