#!/usr/bin/env python3
"""What gensim says of word vectors: word similarity, analogies, odd one out.

    evaluate.py DATA > tests/golden/evaluate.txt

DATA is the folder of real data (EMBSCOPE_TEST_DATA): 8,000 Google News vectors and five data sets.
Only figures are written: of word similarity Spearman, Pearson, their p and the share of pairs left
out (%); of analogies right and asked questions, by section. "exact" is case_insensitive=False,
"ignore" is True; "zero" is dummy4unknown=True. restrict_vocab is gensim's 300,000, or the number
given. gensim's cosines are float32: Spearman agrees up to ties that rounding makes or breaks.
"""
import logging
import os
import sys

import gensim
import numpy
import scipy
from gensim.models import KeyedVectors

SETS = ("wordsim353.tsv", "simlex999.txt", "EN-MEN-TR-3k.txt", "EN-RG-65.txt")
ODD = ("breakfast lunch dinner season", "king queen husband car", "Japan China Germany music",
       "red blue green water", "Monday Tuesday Friday country", "two three four house",
       "run walk drive river", "he she they market")


def write_pairs(vectors, folder, name, case, missing, rows):
    try:
        pearson, spearman, left_out = vectors.evaluate_word_pairs(
            os.path.join(folder, name), restrict_vocab=rows, case_insensitive=case == "ignore",
            dummy4unknown=missing == "zero")
    except ValueError:  # no pair at all
        return
    figures = (*spearman, *pearson, left_out)
    print("pairs", name, case, missing, rows, *(repr(float(x)) for x in figures))


def main():
    logging.disable(logging.CRITICAL)
    data = sys.argv[1]
    vectors = KeyedVectors.load_word2vec_format(
        os.path.join(data, "word-vectors", "googlenews-8000x300.bin"), binary=True)
    print(f"# gensim {gensim.__version__}, NumPy {numpy.__version__}, SciPy {scipy.__version__}")
    folder = os.path.join(data, "evaluation")
    for name in SETS:
        for case in ("exact", "ignore"):
            for missing in ("skip", "zero"):
                for rows in (8000, 3000):
                    write_pairs(vectors, folder, name, case, missing, rows)
    for case in ("exact", "ignore"):
        for missing, rows in (("skip", 8000), ("zero", 8000), ("skip", 3000)):
            _, sections = vectors.evaluate_word_analogies(
                os.path.join(folder, "questions-words.txt"), restrict_vocab=rows,
                case_insensitive=case == "ignore", dummy4unknown=missing == "zero")
            for section in sections:
                right = len(section["correct"])
                print("analogies", section["section"].replace(" ", "_"), case, missing, rows,
                      right, right + len(section["incorrect"]))
    for words in ODD:
        print("odd", vectors.doesnt_match(words.split()), words)


main()
