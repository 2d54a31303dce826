"""Train the demo model's tokenizer: byte-level BPE, as GPT-2 does it.

    python3 tokenizer.py corpus.txt models/demo

Writes vocab.json and merges.txt. Ids 0 to 255 are the bytes in GPT-2's order, merges follow
in the order in which they were learnt, and <|endoftext|> has the last id.
"""
import argparse
import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

END_OF_TEXT = "<|endoftext|>"


def train(corpus, vocab_size):
    """[token] in id order and [(left, right)] in merge order, without the special token.

    ByteLevel's regular expression is GPT-2's; the trainer sorts the 256 byte symbols by
    code point, and that is GPT-2's order of bytes.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 1, initial_alphabet=alphabet, special_tokens=[], show_progress=False
    )
    tokenizer.train([str(corpus)], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
    return tokens, merges


def write(folder, tokens, merges):
    """The two files of a GPT-2 tokenizer, as the Hub lays them out."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: id for id, token in enumerate([*tokens, END_OF_TEXT])}
    text = json.dumps(vocabulary, ensure_ascii=False, separators=(",", ":"))
    (folder / "vocab.json").write_text(text, encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vocab-size", type=int, default=14336, help="with <|endoftext|>")
    arguments = parser.parse_args()
    tokens, merges = train(arguments.corpus, arguments.vocab_size)
    write(arguments.folder, tokens, merges)
    print(f"{len(tokens) + 1} tokens, {len(merges)} merges")


if __name__ == "__main__":
    main()
