"""Where BERT's reference, whose tables are those of Unicode 8, differs from today's categories.

    python tools/golden/unicode_tables.py

Prints the ranges of src/space/unicode.c: code points that are marks, punctuation or control
characters now and are not to the reference, and those that are to the reference alone. A range is
stretched over code points that are neither. Written with Python 3.11 (Unicode 14) and tokenizers
0.23.3; the last control range was stretched to U+1343F, the end of its block.
"""

import unicodedata

from tokenizers import normalizers, pre_tokenizers

POINTS = [point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]


def normalizer(**flags):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **flags})


def category(point):
    return unicodedata.category(chr(point))


def show(name, reference, today):
    ranges = []
    for point in sorted(today - reference):
        if ranges and not any(x in reference for x in range(ranges[-1][1], point + 1)):
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    print(name, ", ".join(f"{{0x{a:X}, 0x{b:X}}}" for a, b in ranges))
    print("    reference alone:", [hex(point) for point in sorted(reference - today)])


def main():
    strip, clean = normalizer(strip_accents=True), normalizer(clean_text=True)
    bert = pre_tokenizers.BertPreTokenizer()
    show(
        "mark",
        {point for point in POINTS if strip.normalize_str(chr(point)) == ""},
        {point for point in POINTS if category(point) == "Mn"},
    )
    show(
        "punctuation",
        {p for p in POINTS if len(bert.pre_tokenize_str("a" + chr(p) + "b")) == 3},
        {p for p in POINTS if category(p)[0] == "P" or 33 <= p < 127 and not chr(p).isalnum()},
    )
    show(
        "control",
        {p for p in POINTS if clean.normalize_str("a" + chr(p) + "b") == "ab"} - {0xFFFD},
        {p for p in POINTS if category(p) in ("Cc", "Cf", "Co") and p not in (9, 10, 13)},
    )


if __name__ == "__main__":
    main()
