"""Check the exported folder against the reference implementation and the training model.

    python3 verify.py models/demo work/checkpoint.pt

Needs PyTorch, `transformers` and `tokenizers`. It checks that transformers takes every tensor
by its name, that its logits in float32 agree with those of the checkpoint to what float16
weights allow, and that both tokenizer implementations agree and give every text back. Then it
prints some continuations.
"""
import argparse
import sys
from pathlib import Path

import torch
from transformers import GPT2LMHeadModel, GPT2Tokenizer

from gpt2 import GPT2, Config
from train import load_tokenizer

PROMPTS = [
    "A banana is",
    "The cat is a",
    "The opposite of hot is",
    "Animals such as",
    "Paris is in",
]
TEXTS = [
    "The cat sat on the mat; it's 1,234 years old, isn't it?",
    "  two spaces,\ttabs\nand\n\n new lines  ",
    "naïve café — 東京, Ω ≠ ω 🍌 don't we'll I'M",
    "x=[1,2];  /* code */",
]
# float16 keeps 11 bits; the logits of this model are sums of 128 products below 10 or so.
TOLERANCE = 0.05


def logits_difference(reference, checkpoint, ids):
    """Largest difference of logits between the exported file and the training model."""
    model = GPT2(Config(reference.config.vocab_size, reference.config.n_positions))
    model.load_state_dict(torch.load(checkpoint)["model"])
    with torch.no_grad():
        return (reference(ids).logits - model.logits(ids)).abs().max().item()


def check_tokenizers(folder, reference):
    ours = load_tokenizer(folder)
    for text in TEXTS:
        ids = ours.encode(text).ids
        assert ids == reference(text)["input_ids"], text
        assert ours.decode(ids) == text, text
    assert ours.token_to_id("<|endoftext|>") == len(reference) - 1 == reference.eos_token_id


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("checkpoint", type=Path)
    arguments = parser.parse_args()
    tokenizer = GPT2Tokenizer.from_pretrained(arguments.folder)
    check_tokenizers(arguments.folder, tokenizer)
    reference, loading = GPT2LMHeadModel.from_pretrained(
        arguments.folder, output_loading_info=True, torch_dtype=torch.float32
    )
    assert not loading["unexpected_keys"] and not loading["mismatched_keys"], loading
    assert set(loading["missing_keys"]) <= {"lm_head.weight"}, loading  # it is tied
    reference.eval()
    torch.manual_seed(0)
    ids = torch.randint(0, len(tokenizer), (4, reference.config.n_positions))
    difference = logits_difference(reference, arguments.checkpoint, ids)
    print(f"largest difference of logits: {difference:.5f} (allowed: {TOLERANCE})")
    for prompt in PROMPTS:
        ids = torch.tensor([[reference.config.eos_token_id, *tokenizer(prompt)["input_ids"]]])
        text = reference.generate(ids, max_new_tokens=16, do_sample=False, pad_token_id=ids[0, 0])
        print(tokenizer.decode(text[0, 1:]))
    sys.exit(difference > TOLERANCE)


if __name__ == "__main__":
    main()
