"""WordNet's database files as plain Python objects.

The format is WordNet's own, described in the manual pages wndb(5WN) and
senseidx(5WN): one synset a line in data.*, one lemma a line in index.*, one
irregular form a line in *.exc. Only what corpus.py needs is kept.
"""
import re
from collections import defaultdict
from pathlib import Path

FILES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
SENSE_KEY_POS = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}


class Synset:
    """One line of a data file: the words that share a meaning, and its links."""

    def __init__(self, line):
        head, _, gloss = line.partition("|")
        fields = head.split()
        self.pos = "a" if fields[2] == "s" else fields[2]
        self.key = (self.pos, int(fields[0]))
        self.topic = int(fields[1])  # lexicographer file: 5 animal, 13 food, ...
        n_words = int(fields[3], 16)
        pairs = fields[4 : 4 + 2 * n_words]
        self.lemmas = [clean_lemma(word) for word in pairs[::2]]
        self.lex_ids = [int(number, 16) for number in pairs[1::2]]
        self.links = parse_links(fields[4 + 2 * n_words :])
        self.definition, self.examples = split_gloss(gloss.strip())


def clean_lemma(word):
    """`big_cat(a)` -> `big cat`: underscores are spaces, the marker is syntax."""
    return re.sub(r"\((?:a|p|ip)\)$", "", word).replace("_", " ")


def parse_links(fields):
    """[(symbol, target synset, source word, target word)]; word 0 is the synset."""
    links = []
    for i in range(int(fields[0])):
        symbol, offset, pos, words = fields[1 + 4 * i : 5 + 4 * i]
        pos = "a" if pos == "s" else pos
        links.append((symbol, (pos, int(offset)), int(words[:2], 16), int(words[2:], 16)))
    return links


def split_gloss(gloss):
    """A gloss is definitions, then quoted examples, separated by semicolons."""
    examples = [text.strip(" ;,.") for text in re.findall(r'"([^"]+)"', gloss)]
    definition = gloss.split('"')[0].strip(" ;:,-")
    return definition, [text for text in examples if " " in text]


class WordNet:
    """All synsets, with how often each sense was tagged and how senses rank."""

    def __init__(self, folder):
        folder = Path(folder)
        self.synsets = {}
        self.rank = {}
        for name in FILES.values():
            self._read_data(folder / f"data.{name}")
            self._read_index(folder / f"index.{name}")
        self.tags = read_tag_counts(folder / "cntlist.rev")
        self.irregular_plurals = read_plurals(folder / "noun.exc")
        self.hyponyms = self._invert_hypernyms()

    def _read_data(self, path):
        for line in database_lines(path):
            synset = Synset(line)
            self.synsets[synset.key] = synset

    def _read_index(self, path):
        """The order of offsets on an index line is the order of the senses."""
        for line in database_lines(path):
            fields = line.split()
            lemma, pos, n_synsets = fields[0].replace("_", " "), fields[1], int(fields[2])
            for rank, offset in enumerate(fields[-n_synsets:]):
                self.rank[lemma, (pos, int(offset))] = rank

    def _invert_hypernyms(self):
        hyponyms = defaultdict(list)
        for synset in self.synsets.values():
            for target in self.linked(synset, "@", "@i"):
                hyponyms[target.key].append(synset)
        return hyponyms

    def linked(self, synset, *symbols):
        """Synsets that a synset points to by one of these symbols, in file order."""
        return [self.synsets[key] for symbol, key, _, _ in synset.links if symbol in symbols]

    def tag_count(self, synset, index):
        """How often the sense of a synset's word was met in the tagged corpora."""
        lemma = synset.lemmas[index].lower()
        return self.tags.get((lemma, synset.pos, synset.topic, synset.lex_ids[index]), 0)


def database_lines(path):
    """Lines that start with two spaces are the licence."""
    with open(path, encoding="latin-1") as file:
        return [line.rstrip("\n") for line in file if not line.startswith("  ")]


def read_tag_counts(path):
    """cntlist.rev: `cat%1:05:00:: 1 18` is sense, sense number, tag count."""
    tags = {}
    for line in database_lines(path):
        key, _, count = line.split()
        lemma, _, rest = key.partition("%")
        kind, topic, lex_id = rest.split(":")[:3]
        tags[lemma.replace("_", " "), SENSE_KEY_POS[kind], int(topic), int(lex_id)] = int(count)
    return tags


def read_plurals(path):
    """noun.exc maps a plural to its singular; a speaker needs the other way."""
    plurals = {}
    for line in database_lines(path):
        plural, singular = line.split()[:2]
        plurals.setdefault(singular.replace("_", " "), plural.replace("_", " "))
    return plurals
