"""Write a model folder as the Hugging Face Hub lays it out, without the Hub's libraries."""
import json
import struct

import numpy as np


def write_safetensors(path, tensors):
    """{name: array} as float16. The header is padded so that the data is 8-byte aligned."""
    header, offset, parts = {"__metadata__": {"format": "pt"}}, 0, []
    for name, array in tensors.items():
        data = np.ascontiguousarray(array, dtype="<f2").tobytes()
        header[name] = {
            "dtype": "F16",
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        offset += len(data)
        parts.append(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_safetensors(path):
    """{name: float32 array} of a file that holds float16 alone."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        flat = np.frombuffer(data[first:last], dtype="<f2").astype(np.float32)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def write_model(folder, model, config):
    """config.json and model.safetensors; the tokenizer's files are there already."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(config.as_hugging_face(), indent=2)
    (folder / "config.json").write_text(text + "\n")
    tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    write_safetensors(folder / "model.safetensors", tensors)
