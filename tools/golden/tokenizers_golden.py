"""Golden answers of the tokenizers: the reference encodes 20,000 random strings.

    python tools/golden/tokenizers_golden.py DATA

DATA holds gpt2/vocab.json, gpt2/merges.txt and bert/ggml-vocab-bert-bge.gguf. Written with Python
3.11, tokenizers 0.23.3 and perl 5.36 (Unicode 13's code points). Files in tests/golden:

unicode13.txt            the code points assigned in Unicode 13, planes 15 and 16 left out
tiny/vocab.json ...      two vocabularies trained here, on the project's own text
tokens/NAME.u16          a 16-bit hash of the ids per string, little-endian
tokens/characters.u16    a hash per 256 code points of what the reference makes of each of them
variants.txt             "NAME JSON" a line: tokenizer.json files without their model, which is in
                         tiny/; their answers are in tokens/variants.u16, line after line, 2,000
                         with special tokens, then 1,000 without
"""

import json
import pathlib
import struct
import subprocess
import sys

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from random_text import Text

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
RANGES = GOLDEN / "unicode13.txt"
LLAMA = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEXT = """Der Fluß fließt über die Straße; l'été est passé, où êtes-vous? El niño mañana señaló.
Ο λόγος και ο κόσμος. Слово и мир, дом и вода. 世界和平 日本語の文章 한국어 문장 नमस्ते दुनिया
The geometry of a vocabulary: every token is a vector, every pair has an angle, most of them small.
"""


def write_ranges():
    script = (
        r"for $c (0..0xeffff) { next if $c >= 0xd800 && $c <= 0xdfff;"
        r' print "$c\n" if chr($c) =~ /\p{Present_In: 13.0}/ }'
    )
    out = subprocess.run(["perl", "-e", script], capture_output=True, text=True, check=True).stdout
    ranges = []
    for point in map(int, out.split()):
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    lines = ["# Code points assigned in Unicode 13, planes 0 to 14: first last"]
    RANGES.write_text("\n".join(lines + [f"{a:X} {b:X}" for a, b in ranges]) + "\n")


def corpus():
    for pattern in ("include/embscope/*.h", "src/**/*.h", "src/**/*.c"):
        for path in sorted(ROOT.glob(pattern)):
            yield path.read_text()
    yield from [TEXT] * 20


def hash16(ids):
    return hash_bytes(struct.pack(f"<{len(ids)}I", *ids))


def hash_bytes(data):
    value = 2166136261
    for byte in data:
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return (value >> 16) ^ (value & 0xFFFF)


def hashes(tokenizer, special=False, count=20000):
    tokenizer.encode_special_tokens = not special
    text = Text(1, RANGES)
    return [
        hash16(tokenizer.encode(text.string(), add_special_tokens=False).ids) for _ in range(count)
    ]


def write_tokens(name, values):
    (GOLDEN / "tokens").mkdir(exist_ok=True)
    (GOLDEN / "tokens" / f"{name}.u16").write_bytes(struct.pack(f"<{len(values)}H", *values))


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def train_bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.save("/tmp/tiny-bpe.json")
    with open("/tmp/tiny-bpe.json") as file:
        model = json.load(file)["model"]
    (GOLDEN / "tiny").mkdir(exist_ok=True)
    tokenizer.model.save(str(GOLDEN / "tiny"))
    # Merges of one kind in one file, of the other in the other.
    (GOLDEN / "tiny" / "bpe.model.json").write_text(compact(model) + "\n")


def train_wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=1000,
        limit_alphabet=300,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.save("/tmp/tiny-wordpiece.json")
    with open("/tmp/tiny-wordpiece.json") as file:
        model = json.load(file)["model"]
    keys = sorted(model["vocab"], key=model["vocab"].get)
    (GOLDEN / "tiny" / "vocab.txt").write_text("\n".join(keys) + "\n")
    (GOLDEN / "tiny" / "wordpiece.model.json").write_text(compact(model) + "\n")


def added(identifier, content, **flags):
    token = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    return {"id": identifier, "content": content, **token, **flags}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def byte_level(prefix=False, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": [*steps, byte_level(regex=False)]}


def variants():
    end = added(0, "<|endoftext|>", special=True)
    several = [
        end,
        added(1000, "<both>", lstrip=True, rstrip=True, special=True),
        added(1001, "<left>", lstrip=True),
        added(1002, "<right>", rstrip=True, normalized=True),
        added(1003, "sub", single_word=True, normalized=True),
        added(1004, "  ", normalized=True),
        added(1005, "naïve ж", normalized=True),
        added(7, "'", special=True, single_word=True),
    ]
    bpe = lambda **parts: {"added_tokens": [end], "normalizer": None, **parts}
    yield "bpe-gpt2", bpe(pre_tokenizer=byte_level())
    yield "bpe-prefix", bpe(pre_tokenizer=byte_level(prefix=True))
    yield "bpe-split", bpe(pre_tokenizer=sequence(split(LLAMA)))
    yield "bpe-ignore-merges", bpe(pre_tokenizer=sequence(split(LLAMA)))
    yield "bpe-removed", bpe(pre_tokenizer=sequence(split(LLAMA, "Removed", True)))
    yield "bpe-holes", bpe(pre_tokenizer=sequence(split(r"\s+|\w\d*", "Removed")))
    yield "bpe-classes", bpe(pre_tokenizer=sequence(split(r"[\w\s]+|[^\S\n]|\W"), split("x*")))
    yield "bpe-digits", bpe(
        pre_tokenizer={
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level()],
        }
    )
    yield "bpe-nfc", bpe(normalizer={"type": "NFC"}, pre_tokenizer=byte_level())
    yield "bpe-nfkc", bpe(normalizer={"type": "NFKC"}, pre_tokenizer=byte_level())
    yield "bpe-added", bpe(pre_tokenizer=byte_level(), added_tokens=several)
    yield "bpe-added-prefix", bpe(pre_tokenizer=byte_level(prefix=True), added_tokens=several)
    special = [added(i, c, special=True) for i, c in enumerate("[PAD] [UNK] [CLS] [SEP] [MASK]".split())]
    special[4]["lstrip"] = True
    several = special + [
        added(1000, "Éclair", normalized=True),
        added(1001, "<Both>"),
        added(1002, "WORD", normalized=True, single_word=True),
    ]

    def bert(tokens=special, **flags):
        normal = dict(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
        return {
            "added_tokens": tokens,
            "normalizer": {"type": "BertNormalizer", **normal, **flags},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
        }

    yield "wordpiece-bert", bert()
    yield "wordpiece-cased", bert(lowercase=False)
    yield "wordpiece-accents", bert(strip_accents=False)
    yield "wordpiece-cased-stripped", bert(lowercase=False, strip_accents=True)
    yield "wordpiece-unclean", bert(clean_text=False, handle_chinese_chars=False)
    yield "wordpiece-plain", {**bert(), "normalizer": None}
    yield "wordpiece-added", bert(several)


def write_variants():
    lines, values = [], []
    for name, parts in variants():
        lines.append(f"{name} {compact(parts)}\n")
        model = json.loads((GOLDEN / "tiny" / f"{name.split('-')[0]}.model.json").read_text())
        if name == "bpe-ignore-merges":
            model["ignore_merges"] = True
        rest = dict(version="1.0", truncation=None, padding=None, post_processor=None, decoder=None)
        tokenizer = Tokenizer.from_str(json.dumps({**rest, **parts, "model": model}))
        values += hashes(tokenizer, special=True, count=2000) + hashes(tokenizer, count=1000)
    (GOLDEN / "variants.txt").write_text("".join(lines))
    write_tokens("variants", values)


def write_characters():
    """Two of BERT's normalisations, and the classes of GPT-2's pattern and of BERT's."""
    bert = normalizers.BertNormalizer()
    lower = normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=True
    )
    classes = [pre_tokenizers.Split(Regex(p), "isolated") for p in (r"\p{L}", r"\p{N}", r"\s")]
    classes.append(pre_tokenizers.BertPreTokenizer())
    blocks = [b""] * (0xF0000 >> 8)
    for point in Text(1, RANGES).points:
        text = "\x01" + chr(point) + "\x01"
        flags = sum((len(c.pre_tokenize_str(text)) == 3) << i for i, c in enumerate(classes))
        normal = bert.normalize_str("a" + chr(point) + "b") + "|" + lower.normalize_str(chr(point))
        blocks[point >> 8] += normal.encode() + bytes([flags])
    write_tokens("characters", [hash_bytes(block) for block in blocks])


def read_bert_vocabulary(path):
    """The string array tokenizer.ggml.tokens of a GGUF file, with "##" back in front."""
    data = path.read_bytes()
    at = data.index(b"tokenizer.ggml.tokens") + len("tokenizer.ggml.tokens") + 8
    (count,) = struct.unpack_from("<Q", data, at)
    at += 8
    keys = []
    for _ in range(count):
        (size,) = struct.unpack_from("<Q", data, at)
        key = data[at + 8 : at + 8 + size].decode()
        at += 8 + size
        if key.startswith("\u2581"):
            key = key[1:]
        elif not (key.startswith("[") and key.endswith("]")):
            key = "##" + key
        keys.append(key)
    return keys


def main():
    data = pathlib.Path(sys.argv[1])
    if not RANGES.exists():
        write_ranges()
    if not (GOLDEN / "tiny" / "vocab.txt").exists():  # the text they are trained on changes
        train_bpe()
        train_wordpiece()
    write_variants()
    write_characters()
    tiny = GOLDEN / "tiny"
    bpe = Tokenizer(models.BPE.from_file(str(tiny / "vocab.json"), str(tiny / "merges.txt")))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    write_tokens("tiny-bpe", hashes(bpe))
    gpt2 = data / "gpt2"
    bpe = Tokenizer(models.BPE.from_file(str(gpt2 / "vocab.json"), str(gpt2 / "merges.txt")))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    write_tokens("gpt2", hashes(bpe))
    for name, keys in (
        ("tiny-wordpiece", (tiny / "vocab.txt").read_text().split("\n")[:-1]),
        ("bert", read_bert_vocabulary(data / "bert" / "ggml-vocab-bert-bge.gguf")),
    ):
        vocab = {key: i for i, key in enumerate(keys)}
        bert = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
        bert.normalizer = normalizers.BertNormalizer()
        bert.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        write_tokens(name, hashes(bert))


if __name__ == "__main__":
    main()
