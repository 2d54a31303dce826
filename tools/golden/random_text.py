"""The random strings of the tokenizer tests; tests/unit/random_text.h makes the same ones."""

MASK = (1 << 64) - 1
WORDS = [
    "the", "The", "house", "HOUSES", " and", "embedding", "naïve", "Straße", "İstanbul", "don't",
    "<|endoftext|>", "[MASK]", "[CLS]", "[UNK]", "<both>", "<left>", "<right>", "word", "sub",
    "Éclair", "naïve ж", "ﬁne", "ｆｕｌｌ", "ΑΣ", "ꙮ", "👩‍👩‍👧", "🇪🇺", "각", "각", "é", "q̣̇",
]
SPACES = "\t\n\r\v\f\x85\xa0\u1680\u2003\u2028\u202f\u3000\u180e\u200b"
SHORT = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "’s", "''", "'", "_", "#"]


class Random:
    """SplitMix64, as src/base/random.h."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        return z ^ z >> 31

    def below(self, bound):
        limit = MASK - MASK % bound
        while True:
            drawn = self.next()
            if drawn < limit:
                return drawn % bound


class Text:
    def __init__(self, seed, ranges_path):
        self.random = Random(seed)
        self.points = []
        with open(ranges_path) as ranges:
            for line in ranges:
                if not line.startswith("#"):
                    first, last = (int(x, 16) for x in line.split())
                    self.points.extend(range(first, last + 1))
        self.assigned = set(self.points)

    def within(self, first, count):
        point = first + self.random.below(count)
        return chr(point) if point in self.assigned else "?"

    def piece(self):
        below = self.random.below
        kind = below(16)
        if kind < 4:
            return "etaoinshrdlucmfw"[below(16)]
        if kind == 4:
            return chr(0x20 + below(95))
        if kind < 7:
            return " "
        if kind == 7:
            return SPACES[below(len(SPACES))]
        if kind == 8:
            return SHORT[below(len(SHORT))]
        if kind < 11:
            return WORDS[below(len(WORDS))]
        if kind == 11:
            return chr(0x30 + below(10))
        if kind == 12:
            return self.within(0xC0, 0x500)
        if kind == 13:
            return self.within(0x300, 0x70)
        if kind == 14:
            return self.within(0x3040, 0xA000)
        return chr(self.points[below(len(self.points))])

    def string(self):
        return "".join(self.piece() for _ in range(self.random.below(32)))
