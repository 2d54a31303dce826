"""Train the demo model: a small GPT-2, on the text of corpus.py, on two processor cores.

    python3 train.py corpus.txt models/demo work --steps 5800

`models/demo` already holds the tokenizer and receives the model; `work` receives the encoded
corpus, the checkpoint and the log. SIGTERM saves and stops; started again, the run goes on. The
learning rate rises, stays, and falls along half a cosine at the end: until the fall begins, the
number of steps may still be changed, as if the run had had the new number from the start.
"""
import argparse
import json
import math
import signal
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch.nn import functional as F

from export import write_model, write_safetensors
from gpt2 import GPT2, Config, TiedLoss

BATCH, LENGTH = 16, 128
PEAK_RATE, WARM_UP, FALL = 2e-3, 200, 0.25
WEIGHT_DECAY, BETAS, CLIP = 0.2, (0.9, 0.98), 1.0
HELD_OUT_BLOCKS = 400


def load_tokenizer(folder):
    files = str(folder / "vocab.json"), str(folder / "merges.txt")
    tokenizer = Tokenizer(models.BPE.from_file(*files))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def encode(corpus, tokenizer, cache):
    """The corpus as one stream of ids, each document after an <|endoftext|>."""
    if cache.exists():
        return np.load(cache)
    end_of_text = tokenizer.token_to_id("<|endoftext|>")
    documents = corpus.read_text(encoding="utf-8").splitlines()
    ids = []
    for start in range(0, len(documents), 10000):
        for encoding in tokenizer.encode_batch(documents[start : start + 10000]):
            ids.append(end_of_text)
            ids.extend(encoding.ids)
    stream = np.array(ids, dtype=np.uint16)
    np.save(cache, stream)
    return stream


class Batches:
    """Blocks of the stream in a new order each epoch, the same for the same seed."""

    def __init__(self, stream, seed):
        self.stream, self.seed = stream, seed
        self.n_batches = (len(stream) - LENGTH - 1) // (LENGTH * BATCH)

    def __getitem__(self, step):
        epoch, batch = divmod(step, self.n_batches)
        random = np.random.default_rng([self.seed, epoch])
        shift = random.integers(LENGTH)
        order = random.permutation(self.n_batches * BATCH)[batch * BATCH : (batch + 1) * BATCH]
        return to_blocks(self.stream, order * LENGTH + shift)


def to_blocks(stream, starts):
    """Inputs, and the same one token later."""
    blocks = np.stack([stream[i : i + LENGTH + 1] for i in starts]).astype(np.int64)
    blocks = torch.from_numpy(blocks)
    return blocks[:, :-1], blocks[:, 1:]


def learning_rate(step, steps):
    fall = int(steps * FALL)
    if step < WARM_UP:
        return PEAK_RATE * (step + 1) / WARM_UP
    if step < steps - fall:
        return PEAK_RATE
    return PEAK_RATE * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - steps + fall) / fall)))


def make_optimizer(model):
    """Weight decay on matrices alone. On the token table it keeps the rows of rare tokens
    from drifting off together, which would bring every cosine near 1."""
    decay = [p for p in model.parameters() if p.dim() > 1]
    other = [p for p in model.parameters() if p.dim() == 1]
    groups = [
        {"params": decay, "weight_decay": WEIGHT_DECAY},
        {"params": other, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=BETAS, eps=1e-8)


@torch.no_grad()
def held_out_loss(model, stream):
    """In float32, on the blocks that training never sees."""
    total = 0.0
    for start in range(0, HELD_OUT_BLOCKS, BATCH):
        inputs, targets = to_blocks(stream, np.arange(start, start + BATCH) * LENGTH)
        total += F.cross_entropy(model.logits(inputs).flatten(0, 1), targets.flatten()).item()
    return total / (HELD_OUT_BLOCKS // BATCH)


@torch.no_grad()
def mean_cosine(table):
    """Of all pairs of different rows: (|sum of unit rows|^2 - n) / (n^2 - n)."""
    unit, n = F.normalize(table.double(), dim=1), len(table)
    return ((unit.sum(0).square().sum() - n) / (n * n - n)).item()


def train_step(model, optimizer, rate, inputs, targets):
    for group in optimizer.param_groups:
        group["lr"] = rate
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model(inputs)
    loss = TiedLoss.apply(hidden.float().flatten(0, 1), model.wte.weight, targets.flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    return loss.item()


class Run:
    """A training run and its place on disk."""

    def __init__(self, arguments):
        self.folder, self.work, self.steps = arguments.folder, arguments.work, arguments.steps
        self.work.mkdir(parents=True, exist_ok=True)
        tokenizer = load_tokenizer(self.folder)
        stream = encode(arguments.corpus, tokenizer, self.work / "stream.npy")
        held_out = HELD_OUT_BLOCKS * LENGTH + 1
        self.held_out, self.batches = stream[:held_out], Batches(stream[held_out:], arguments.seed)
        torch.manual_seed(arguments.seed)
        self.config = Config(vocab_size=tokenizer.get_vocab_size(), n_positions=LENGTH)
        self.model = GPT2(self.config)
        self.optimizer = make_optimizer(self.model)
        self.step, self.seconds, self.recent, self.stopping = 0, 0.0, [], False
        print(f"{len(stream)} tokens, {self.batches.n_batches} steps an epoch", flush=True)

    def restore(self):
        path = self.work / "checkpoint.pt"
        if path.exists():
            state = torch.load(path)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = state["step"], state["seconds"]

    def save(self):
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        torch.save(state, self.work / "checkpoint.new")
        (self.work / "checkpoint.new").replace(self.work / "checkpoint.pt")
        write_model(self.folder, self.model, self.config)

    def keep_table(self):
        """The token table as it is now, for what changes in training."""
        path = self.work / f"step-{self.step:05d}.safetensors"
        write_safetensors(path, {"wte.weight": self.model.wte.weight.detach().numpy()})

    def report(self):
        """One JSON object a line in the log: what README.md's figures are taken from."""
        figures = {
            "step": self.step,
            "tokens": self.step * BATCH * LENGTH,
            "seconds": round(self.seconds),
            "rate": round(learning_rate(self.step, self.steps), 6),
            "training_loss": round(float(np.mean(self.recent[-500:] or [0])), 4),
            "held_out_loss": round(held_out_loss(self.model, self.held_out), 4),
            "mean_cosine": round(mean_cosine(self.model.wte.weight), 4),
        }
        line = json.dumps(figures)
        print(line, flush=True)
        with open(self.work / "log.jsonl", "a", encoding="utf-8") as log:
            log.write(line + "\n")

    def stop(self, signal_number, frame):
        """Let the step that is under way be the last."""
        self.stopping = True

    def train(self, save_every, kept_steps):
        signal.signal(signal.SIGTERM, self.stop)
        if self.step == 0 and 0 in kept_steps:
            self.keep_table()
        while self.step < self.steps and not self.stopping:
            began = time.monotonic()
            rate = learning_rate(self.step, self.steps)
            loss = train_step(self.model, self.optimizer, rate, *self.batches[self.step])
            self.recent.append(loss)
            self.step += 1
            self.seconds += time.monotonic() - began
            if self.step in kept_steps:
                self.keep_table()
            if self.step % save_every == 0 or self.step == self.steps:
                self.report()
                self.save()
        if self.stopping:
            self.save()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path, help="holds the tokenizer, receives the model")
    parser.add_argument("work", type=Path, help="encoded corpus, checkpoint, log")
    parser.add_argument("--steps", type=int, default=5800)
    parser.add_argument("--save-every", type=int, default=500, help="in steps")
    parser.add_argument(
        "--keep", type=int, nargs="*", default=[], metavar="STEP",
        help="steps whose token table is kept as WORK/step-NNNNN.safetensors",
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    run = Run(arguments)
    run.restore()
    run.train(arguments.save_every, set(arguments.keep))


if __name__ == "__main__":
    main()
