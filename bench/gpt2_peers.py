#!/usr/bin/env python3
"""GPT-2 by others: the job of gpt2_speed.c, timed. gpt2_bench.py runs this under each Python it is
given.

    gpt2_peers.py transformers FOLDER PROMPT NEW THREADS [RUNS]
    gpt2_peers.py llama FILE.gguf PROMPT NEW THREADS [RUNS]
    gpt2_peers.py gguf FOLDER FILE.gguf             write the weights for llama.cpp, in float32

Prints one JSON line a run, {"load": S, "prompt": S, "generate": S, "prompt_cpu": S, "generate_cpu":
S, "ids": [...]}, after one run that is not told.
"""
import json
import os
import sys
import time


def clock():
    return time.perf_counter(), time.process_time()


def formula(count, rows):
    return [(7919 * i + 11) % rows for i in range(count)]


class Transformers:
    def __init__(self, folder, threads):
        import torch
        from transformers import GPT2LMHeadModel
        torch.set_num_threads(threads)
        self.torch = torch
        self.model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.rows = self.model.config.vocab_size
        self.past = None

    def feed(self, ids):
        """The next id, of the largest logit."""
        with self.torch.inference_mode():
            out = self.model(self.torch.tensor([ids]), past_key_values=self.past, use_cache=True,
                             logits_to_keep=1)
        self.past = out.past_key_values
        return int(out.logits[0, -1].argmax())

    def reset(self):
        self.past = None


class Llama:
    def __init__(self, file, threads, tokens):
        from llama_cpp import Llama as Model
        self.model = Model(file, n_ctx=tokens, n_batch=512, n_ubatch=512, n_threads=threads,
                           n_threads_batch=threads, verbose=False)
        self.rows = self.model.n_vocab()

    def feed(self, ids):
        import numpy
        self.model.eval(ids)
        logits = self.model._ctx.get_logits_ith(-1)
        return int(numpy.argmax(numpy.ctypeslib.as_array(logits, (self.rows,))))

    def reset(self):
        self.model.reset()


def run(peer, prompt, new):
    peer.reset()
    begin = clock()
    ids = [peer.feed(formula(prompt, peer.rows))]
    middle = clock()
    for _ in range(new):
        ids.append(peer.feed(ids[-1:]))
    end = clock()
    return {"prompt": middle[0] - begin[0], "generate": end[0] - middle[0],
            "prompt_cpu": middle[1] - begin[1], "generate_cpu": end[1] - middle[1],
            "ids": ids[:new]}


NAMES = {"ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
         "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
         "wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}


def gguf_name(name):
    base, end = name.rsplit(".", 1)
    if base in NAMES:
        return f"{NAMES[base]}.{end}"
    _, layer, rest = base.split(".", 2)
    return f"blk.{layer}.{NAMES[rest]}.{end}"


def write_gguf(folder, path):
    import gguf
    import numpy
    from safetensors.numpy import load_file
    with open(f"{folder}/config.json", encoding="utf-8") as file:
        config = json.load(file)
    with open(f"{folder}/vocab.json", encoding="utf-8") as file:
        tokens = sorted((id, key) for key, id in json.load(file).items())
    with open(f"{folder}/merges.txt", encoding="utf-8") as file:
        merges = [line for line in file.read().split("\n")[1:] if line]
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_block_count(config["n_layer"])
    writer.add_context_length(config["n_positions"])
    writer.add_embedding_length(config["n_embd"])
    writer.add_feed_forward_length(4 * config["n_embd"])
    writer.add_head_count(config["n_head"])
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    writer.add_file_type(0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([key for _, key in tokens])
    writer.add_token_types([1] * (len(tokens) - 1) + [3])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(len(tokens) - 1)
    writer.add_eos_token_id(len(tokens) - 1)
    for name, values in load_file(f"{folder}/model.safetensors").items():
        if values.ndim == 2 and name.startswith("h."):
            values = numpy.ascontiguousarray(values.T)
        writer.add_tensor(gguf_name(name), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    kind, model = sys.argv[1:3]
    if kind == "gguf":
        write_gguf(model, sys.argv[3])
        return
    prompt, new, threads = map(int, sys.argv[3:6])
    begin = time.perf_counter()
    peer = Transformers(model, threads) if kind == "transformers" else Llama(model, threads,
                                                                             prompt + new)
    load = time.perf_counter() - begin
    run(peer, prompt, new)
    for _ in range(int(sys.argv[6]) if len(sys.argv) > 6 else 1):
        print(json.dumps({"load": load, **run(peer, prompt, new)}), flush=True)
    os._exit(0)  # some packages take seconds to leave


if __name__ == "__main__":
    main()
