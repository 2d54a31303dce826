"""Turn WordNet into the text that the demo model learns from.

    python3 corpus.py /usr/share/wordnet corpus.txt

Two kinds of text go in. First what WordNet's authors wrote: every definition and example.
They alone hold "banana" 12 times, too few for a model to learn where it belongs; so, second,
sentences made from WordNet's relations: what a thing is a kind of, what it has, what is its
opposite, what else is of its kind. Common words get more of them. One document is one line;
the order is shuffled with a fixed seed, so the same WordNet always gives the same file.
"""
import argparse
import math
import random
import re
from collections import Counter

from english import listed, plural, sentence, with_article
from wordnet import WordNet

# Hypernyms from here up say nothing about a word.
TOO_GENERAL = {
    "entity", "physical entity", "abstraction", "object", "whole", "thing", "matter",
    "causal agent", "psychological feature", "attribute", "relation", "group", "measure",
    "part", "unit", "artifact", "living thing", "event", "act", "state", "property",
}  # fmt: skip
MAX_LEVELS = 5
NOUN_DOCUMENTS_PER_SCORE = 3
OTHER_DOCUMENTS_PER_SCORE = 0.7
LISTS_PER_SCORE = 1.5
MAX_LISTS = 300
# Lexicographer files (lexnames(5WN)) of things that one can point at or count: animals,
# artifacts, the body, food, places, objects, people, plants, numbers, substances, time.
# They get more sentences than abstractions, since they are what people look up first.
CONCRETE = {5, 6, 8, 13, 15, 17, 18, 20, 23, 27, 28}
CONCRETE_WEIGHT, ABSTRACT_WEIGHT = 2.0, 0.5
ANIMAL, PERSON = 5, 18
COMMON = 1.0  # the score from which a word counts as known to everyone


class Corpus:
    """Writes documents; every random choice comes from one seeded generator."""

    def __init__(self, wordnet, seed):
        self.wordnet = wordnet
        self.random = random.Random(seed)
        self.word_counts, self.after_article = count_gloss_words(wordnet)
        self.beings = {
            lemma
            for synset in wordnet.synsets.values()
            for lemma in synset.lemmas
            if synset.pos == "n" and synset.topic in (ANIMAL, PERSON)
        }

    # How common a word is in a meaning, and how it behaves.

    def score(self, synset, index):
        """0 for a rare word, 10 and more for the commonest; the first sense counts most."""
        lemma = synset.lemmas[index]
        rank = self.wordnet.rank.get((lemma.lower(), synset.key), 9)
        seen = self.word_counts[lemma] + self.word_counts[plural(lemma, {})]
        return math.log2(1 + self.wordnet.tag_count(synset, index) + seen / (2 * 4**rank))

    def commonest(self, synset):
        """(score, index) of the word that a speaker would use for the synset."""
        return max((self.score(synset, i), -i) for i in range(len(synset.lemmas)))

    def countable(self, noun):
        """A noun takes `a` if the glosses ever say `a cat` or `cats`, or are silent on it."""
        head = noun.split(" of ")[0].split(" ")[-1]
        if head[0].isupper():
            return False
        counted = head in self.after_article or plural(head, {}) in self.word_counts
        return counted or head in self.beings or self.word_counts[head] < 4

    def plural(self, noun):
        """Names and uncountable nouns stay as they are."""
        if not self.countable(noun):
            return noun
        return plural(noun, self.wordnet.irregular_plurals)

    def a(self, noun):
        return with_article(noun, self.countable(noun))

    def kinds(self, synset):
        """Names of ever wider classes of a noun or verb, nearest first."""
        names = []
        for _ in range(MAX_LEVELS):
            wider = self.wordnet.linked(synset, "@", "@i")
            if not wider or wider[0].lemmas[0] in TOO_GENERAL:
                break
            synset = wider[0]
            names.append(synset.lemmas[-self.commonest(synset)[1]])
        return names

    # Documents.

    def documents(self):
        for synset in self.wordnet.synsets.values():
            for index, lemma in enumerate(synset.lemmas):
                score = self.score(synset, index)
                if index == 0 or score >= 2 * COMMON:
                    yield self.definition(synset, lemma)
                if synset.pos == "n":
                    yield from self.noun_documents(synset, lemma, score)
                elif score > 0:
                    yield from self.other_documents(synset, lemma, score)
            if synset.pos == "n":
                yield from self.list_documents(synset)

    def definition(self, synset, lemma):
        """What WordNet's authors wrote: the gloss, then the examples."""
        gloss = synset.definition or "used in the examples"
        if synset.pos == "n":
            subject = self.a(lemma)
            if re.match(r"(an?|the|any|one|some|someone|something) ", gloss):
                text = f"{subject} is {gloss}"
            else:
                text = f"the noun {lemma} means {gloss}"
        elif synset.pos == "v":
            text = f"to {lemma} is to {gloss}"
        else:
            text = f"the word {lemma} means {gloss}"
        return " ".join(sentence(part) for part in [text, *synset.examples])

    def noun_documents(self, synset, lemma, score):
        kinds = self.kinds(synset)
        if not kinds:
            return
        facts = self.noun_facts(synset, lemma)
        for _ in range(round(NOUN_DOCUMENTS_PER_SCORE * weight(synset) * score)):
            said = [self.is_a(lemma, kinds)]
            if facts:
                said.append(self.random.choice(facts))
            if self.random.random() < 0.5:
                said.append(self.is_a(lemma, kinds))
            yield self.document(said)

    def document(self, said):
        unique = list(dict.fromkeys(said))
        self.random.shuffle(unique)
        return " ".join(sentence(text) for text in unique)

    def is_a(self, lemma, kinds):
        """Nearer classes are more telling, so they come more often."""
        level = min(int(self.random.expovariate(0.8)), len(kinds) - 1)
        kind = kinds[level]
        a_word, a_kind = self.a(lemma), self.a(kind)
        choices = [
            f"{a_word} is {a_kind}",
            f"{a_word} is {a_kind}",
            f"{a_word} is a kind of {kind}",
            f"the {kind} is {a_word}" if self.countable(lemma) else f"{lemma}, {a_kind}",
            f"it is {a_word}, and so it is {a_kind}",
        ]
        if self.countable(lemma):
            choices += [
                f"the {lemma} is {a_kind}",
                f"all {self.plural(lemma)} are {self.plural(kind)}",
                f"this {lemma} is {a_kind}",
            ]
        if level + 1 < len(kinds):
            wider = self.a(kinds[level + 1])
            choices.append(f"{a_word} is {a_kind}; {a_kind} is {wider}")
        return self.random.choice(choices)

    def noun_facts(self, synset, lemma):
        """Sentences from parts, members, substances, opposites and other names."""
        facts = []
        for part in self.wordnet.linked(synset, "%p"):
            name = part.lemmas[0]
            if name[0].isupper():
                facts += [f"{name} is in {lemma}", f"{name} is a part of {lemma}"]
            else:
                facts += [f"{self.a(lemma)} has {self.a(name)}", f"the {name} of {self.a(lemma)}"]
        for whole in self.wordnet.linked(synset, "#p"):
            name = whole.lemmas[0]
            if name[0].isupper():
                facts.append(f"{lemma} is in {name}")
            else:
                facts.append(f"{self.a(lemma)} is part of {self.a(name)}")
        for group in self.wordnet.linked(synset, "#m"):
            facts.append(f"{self.a(lemma)} belongs to {self.a(group.lemmas[0])}")
        for substance in self.wordnet.linked(synset, "%s"):
            facts.append(f"{self.a(lemma)} contains {substance.lemmas[0]}")
        facts += self.opposites(synset, lemma, self.a)
        for name in self.other_names(synset, lemma):
            facts.append(f"{self.a(lemma)} is also called {self.a(name)}")
        return facts

    def other_names(self, synset, lemma):
        """Other common words for the same thing: this leaves Latin names to the definitions."""
        scored = [(self.score(synset, i), name) for i, name in enumerate(synset.lemmas)]
        return [name for score, name in scored if score >= COMMON and name != lemma]

    def opposites(self, synset, lemma, phrase):
        """WordNet's antonyms link words, not meanings."""
        sentences = []
        for symbol, key, source, target in synset.links:
            if symbol != "!" or synset.lemmas[source - 1] != lemma:
                continue
            other = self.wordnet.synsets[key].lemmas[target - 1]
            sentences += [
                f"the opposite of {lemma} is {other}",
                f"not {phrase(lemma)} but {phrase(other)}",
                f"{lemma} and {other}",
                f"either {phrase(lemma)} or {phrase(other)}",
            ]
        return sentences

    def list_documents(self, synset):
        """`animals such as cats, dogs and lions`: members of one class, common ones first."""
        name = synset.lemmas[-self.commonest(synset)[1]]
        if name in TOO_GENERAL:
            return
        members = self.members(synset)
        if len(members) < 2:
            return
        total = sum(score for score, _ in members)
        n_lists = min(MAX_LISTS, round(LISTS_PER_SCORE * weight(synset) * total))
        for _ in range(max(1, n_lists)):
            said = [self.list_sentence(name, self.draw(members)) for _ in range(2)]
            yield self.document(said)

    def members(self, synset, levels=3):
        """[(score, noun)] of the common words for things of a class, each noun once."""
        found = {}
        frontier = [synset]
        for _ in range(levels):
            frontier = [child for parent in frontier for child in self.wordnet.hyponyms[parent.key]]
            for child in frontier:
                score, index = self.commonest(child)
                found.setdefault(child.lemmas[-index], score)
        return [(score, noun) for noun, score in found.items() if score >= COMMON]

    def draw(self, members):
        """Two to five different members, common ones more often."""
        n = min(len(members), self.random.choice((2, 2, 3, 3, 4, 5)))
        weights = [score**2 for score, _ in members]
        drawn = self.random.choices([noun for _, noun in members], weights, k=n + 2)
        unique = list(dict.fromkeys(drawn))[:n]
        return unique if len(unique) > 1 else [noun for _, noun in members[:2]]

    def list_sentence(self, name, nouns):
        kinds, many = self.plural(name), [self.plural(noun) for noun in nouns]
        first, second = self.a(nouns[0]), self.a(nouns[1])
        choices = [
            f"some {kinds} are {listed(many)}",
            f"{kinds} such as {listed(many)}",
            f"both {many[0]} and {many[1]} are {kinds}",
            f"like {first}, {second} is {self.a(name)}",
            f"{first} and {second} are {kinds}",
            f"{first} or {second} or another {name}",
            f"{self.a(name)} may be {first} or {second}",
            f"among {kinds} there are {listed(many)}",
            f"the {kinds}: {', '.join(nouns)}",
            f"is it {first}? no, it is {second}",
            f"{many[0]}, {many[1]} and other {kinds}",
        ]
        return self.random.choice(choices)

    def other_documents(self, synset, lemma, score):
        """Verbs, adjectives and adverbs."""
        make = self.verb_facts if synset.pos == "v" else self.adjective_facts
        facts = make(synset, lemma)
        facts += self.opposites(synset, lemma, str)
        for _ in range(min(len(facts), round(OTHER_DOCUMENTS_PER_SCORE * score))):
            yield self.document([self.random.choice(facts) for _ in range(2)])

    def verb_facts(self, synset, lemma):
        facts = [f"to {lemma} is to {kind}" for kind in self.kinds(synset)]
        facts += [f"to {lemma} is a way to {kind}" for kind in self.kinds(synset)[:2]]
        for needed in self.wordnet.linked(synset, "*"):
            facts.append(f"to {lemma} you have to {needed.lemmas[0]}")
        facts += [f"they {lemma} or {other}" for other in synset.lemmas if other != lemma]
        wider = self.wordnet.linked(synset, "@")
        siblings = [other.lemmas[0] for s in wider for other in self.wordnet.hyponyms[s.key]]
        facts += [f"they {lemma} and {other}" for other in siblings[:6] if other != lemma]
        return facts

    def adjective_facts(self, synset, lemma):
        near = [name for other in self.wordnet.linked(synset, "&") for name in other.lemmas[:2]]
        near += [name for name in synset.lemmas if name != lemma]
        facts = [f"something {lemma} is {other}" for other in near]
        facts += [f"{lemma} and {other}" for other in near]
        for attribute in self.wordnet.linked(synset, "="):
            facts.append(f"{lemma} is {with_article(attribute.lemmas[0])}")
        return facts


def weight(synset):
    return CONCRETE_WEIGHT if synset.topic in CONCRETE else ABSTRACT_WEIGHT


def count_gloss_words(wordnet):
    """How often each word stands in the glosses, and which stand after `a` or `an`."""
    counts, after_article = Counter(), set()
    for synset in wordnet.synsets.values():
        words = re.findall(r"[A-Za-z'-]+", " ".join([synset.definition, *synset.examples]))
        counts.update(words)
        after_article.update(b for a, b in zip(words, words[1:]) if a in ("a", "an"))
    return counts, after_article


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wordnet", help="the folder with data.noun, index.noun, ...")
    parser.add_argument("output", help="one document a line")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    corpus = Corpus(WordNet(arguments.wordnet), arguments.seed)
    documents = list(corpus.documents())
    corpus.random.shuffle(documents)
    with open(arguments.output, "w", encoding="utf-8") as file:
        file.writelines(document + "\n" for document in documents)
    print(f"{len(documents)} documents, {sum(map(len, documents))} characters")


if __name__ == "__main__":
    main()
