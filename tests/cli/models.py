#!/usr/bin/env python3
"""Make tiny models, with the standard library alone.

    models.py words FILE       word2vec text: eight words, four dimensions
    models.py binary FILE      the same as word2vec binary
    models.py npy FILE         the same rows as a NumPy matrix, without names
    models.py vector FILE X... one vector as .npy
    models.py many FILE N D    N words "w0" ... in D dimensions, word2vec text
    models.py big FILE         40,000 rows of 512 as .npy, seconds of work for all pairs
    models.py cube FILE A B C  vectors 0, 1, 2 ... as .npy of three axes
    models.py two FOLDER HOW   a GPT-2-shaped folder with an unembedding of its own; HOW: equal, wide
                               (equal values as F64), three (rows differ), other (all do)
    models.py gpt2 FOLDER      a GPT-2-shaped folder: byte-level BPE of 256 bytes and a few words
"""
import json
import os
import struct
import sys

# Rows chosen so that answers can be checked by eye: cat and dog near, banana across, one row zero.
WORDS = {
    "cat": (3.0, 4.0, 0.0, 0.0),
    "dog": (4.0, 3.0, 0.0, 0.0),
    "banana": (0.0, 0.0, 2.0, 0.0),
    "apple": (0.0, 0.0, 1.0, 1.0),
    "-foo": (1.0, 1.0, 1.0, 1.0),
    "king": (1.0, 0.0, 0.0, 2.0),
    "zero": (0.0, 0.0, 0.0, 0.0),
    "copy": (3.0, 4.0, 0.0, 0.0),
}

# "cat" and "dog" are tokens with and without their space ("\u0120"); "banana", as in GPT-2, is "ban" +
# "ana", and only " banana" is one token.
MERGES = [tuple(line.split()) for line in (
    "a t", "c at", "\u0120 cat", "o g", "d og", "\u0120 dog", "a n", "an a", "b an", "\u0120 ban",
    "\u0120ban ana")]


def safetensors(tensors):
    """{name: (dtype, shape, bytes)} as a file's bytes."""
    header, offset = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape),
                        "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values())


def npy(values, shape, descr="<f8"):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape!r}, }}".encode()
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    code = {"<f8": "d", "<f4": "f"}[descr]
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
            + struct.pack(f"<{len(values)}{code}", *values))


def word2vec_text(words):
    lines = [f"{len(words)} {len(next(iter(words.values())))}"]
    lines += [" ".join([key, *(f"{value:g}" for value in row)]) for key, row in words.items()]
    return ("\n".join(lines) + "\n").encode()


def word2vec_binary(words):
    columns = len(next(iter(words.values())))
    return f"{len(words)} {columns}\n".encode() + b"".join(
        key.encode() + b" " + struct.pack(f"<{columns}f", *row) + b"\n"
        for key, row in words.items())


def pseudo_random(count, state=12345):
    """Numbers in [-1, 1) that are the same everywhere."""
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 40) / 2**23 - 1


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes, in the order of their ids."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain}
    letters.update({byte: chr(256 + place) for place, byte in enumerate(rest)})
    return letters, plain + rest


def gpt2_parts(columns=8):
    """vocab.json's object, merges.txt's lines and the embedding's values."""
    letters, order = byte_alphabet()
    vocabulary = {letters[byte]: place for place, byte in enumerate(order)}
    for left, right in MERGES:
        vocabulary[left + right] = len(vocabulary)
    values = list(pseudo_random(len(vocabulary) * columns))
    return vocabulary, MERGES, values


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def write_gpt2(folder, columns=8):
    vocabulary, merges, values = gpt2_parts(columns)
    os.makedirs(folder, exist_ok=True)
    data = struct.pack(f"<{len(values)}f", *values)
    write(os.path.join(folder, "model.safetensors"),
          safetensors({"wte.weight": ("F32", (len(vocabulary), columns), data)}))
    write(os.path.join(folder, "config.json"),
          json.dumps({"model_type": "gpt2", "n_embd": columns, "vocab_size": len(vocabulary)})
          .encode())
    write(os.path.join(folder, "vocab.json"), json.dumps(vocabulary).encode())
    write(os.path.join(folder, "merges.txt"),
          ("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges)).encode())


def write_two(folder, how, columns=8):
    """The folder of write_gpt2, and lm_head.weight beside its table."""
    write_gpt2(folder, columns)
    values = [struct.unpack("<f", struct.pack("<f", x))[0] for x in gpt2_parts(columns)[2]]
    rows, code, other = len(values) // columns, "f", list(values)
    if how == "three":
        for row in (0, 100, rows - 1):
            other[row * columns] += 1
    elif how == "other":
        noise = pseudo_random(len(values), 99)
        other = [0.5 * x + y for x, y in zip(values, noise)]
    elif how == "wide":
        code = "d"
    shape, first = (rows, columns), struct.pack(f"<{len(values)}f", *values)
    second = struct.pack(f"<{len(values)}{code}", *other)
    write(os.path.join(folder, "model.safetensors"),
          safetensors({"wte.weight": ("F32", shape, first),
                       "lm_head.weight": ("F64" if code == "d" else "F32", shape, second)}))


def write_big(path, rows=40000, columns=512):
    block = struct.pack("<4096f", *pseudo_random(4096))
    with open(path, "wb") as file:
        file.write(npy([], (rows, columns), "<f4"))
        for place in range(rows * columns // 4096):
            start = 4 * (place % 4096)
            file.write(block[start:] + block[:start])


def main():
    what, path, *rest = sys.argv[1:]
    if what == "words":
        write(path, word2vec_text(WORDS))
    elif what == "binary":
        write(path, word2vec_binary(WORDS))
    elif what == "npy":
        values = [value for row in WORDS.values() for value in row]
        write(path, npy(values, (len(WORDS), 4)))
    elif what == "vector":
        write(path, npy([float(value) for value in rest], (len(rest),)))
    elif what == "cube":
        shape = tuple(map(int, rest))
        count = shape[0] * shape[1] * shape[2]
        write(path, npy([float(i) for i in range(count)], shape))
    elif what == "two":
        write_two(path, rest[0])
    elif what == "many":
        rows, columns = int(rest[0]), int(rest[1])
        values = pseudo_random(rows * columns)
        write(path, word2vec_text({f"w{i}": [round(next(values), 4) for _ in range(columns)]
                                   for i in range(rows)}))
    elif what == "big":
        write_big(path)
    elif what == "gpt2":
        write_gpt2(path)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
