"""Just enough English grammar to put WordNet's words into sentences."""
import re

VOWEL_SOUND = re.compile(
    r"(?!uni|use|usu|eu|one|ur[aeiou]|ut[aeiou]|ub[aeiou])[aeiou]|hour|heir|honest|honor", re.I
)


def article(term):
    """`a` or `an`, by spelling: right for all but a few words."""
    return "an" if VOWEL_SOUND.match(term) else "a"


def with_article(term, countable=True):
    """`a cat`, `an apple`, but `bread`."""
    return f"{article(term)} {term}" if countable else term


def plural(term, irregular):
    """The plural of a noun phrase: its last word changes, or its first before `of`."""
    head, of, rest = term.partition(" of ")
    if of:
        return f"{plural(head, irregular)} of {rest}"
    start, space, word = term.rpartition(" ")
    return start + space + plural_word(word, irregular)


def plural_word(word, irregular):
    """noun.exc first, then the rules of spelling."""
    if word in irregular:
        return irregular[word]
    if re.search(r"(?<!hu)(?<!ger)(?<!ro)man$", word):
        return word[:-2] + "en"
    if re.search(r"(s|x|z|ch|sh)$", word):
        return word + "es"
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + "s"


def listed(words):
    """`cats, dogs and lions`."""
    return ", ".join(words[:-1]) + " and " + words[-1]


def sentence(text):
    """A capital at the start and a full stop at the end."""
    end = "" if text.endswith((".", "!", "?")) else "."
    return text[0].upper() + text[1:] + end
