"""Synthetic tables with the kind of geometry that language models' embeddings have."""
import numpy

SEED = 20200213


def embedding(rows, columns):
    """A common direction, a decaying spectrum, clusters of very different sizes, norms that vary, and
    near-duplicates, as rows that training hardly touched are. The mean cosine is about 0.27."""
    random = numpy.random.default_rng(SEED)
    normal = lambda *shape: random.standard_normal(shape, dtype=numpy.float32)
    directions = min(80, columns)
    spectrum = (1 + numpy.arange(directions, dtype=numpy.float32)) ** -0.6
    axes = numpy.linalg.qr(normal(columns, directions))[0].T
    table = 1.1 * (normal(rows, directions) * (spectrum / numpy.linalg.norm(spectrum))) @ axes
    centres = normal(max(rows // 30, 1), columns) / numpy.float32(columns**0.5)
    share = 1 / (3.0 + numpy.arange(len(centres)))
    member = random.choice(len(centres), rows, p=share / share.sum())
    table += centres[member] * random.uniform(0, 1.6, (rows, 1)).astype(numpy.float32)
    table += normal(rows, columns) * numpy.float32(1.2 / columns**0.5)
    common = normal(columns)
    table += common * numpy.float32(1.15 / numpy.linalg.norm(common))
    table *= random.lognormal(0.9, 0.15, (rows, 1)).astype(numpy.float32)
    twins = random.choice(rows, rows // 100, replace=False)
    table[twins[::2][:len(twins) // 2]] = table[twins[1::2]] + 0.02 * normal(len(twins) // 2, columns)
    return numpy.ascontiguousarray(table)


def outliers(rows, columns):
    """The same with a few dimensions and a few rows far out of all proportion."""
    random = numpy.random.default_rng(SEED + 1)
    table = embedding(rows, columns)
    size = table.std()
    for dimension in random.choice(columns, min(4, columns), replace=False):
        table[:, dimension] = size * (25 + 8 * random.standard_normal(rows, dtype=numpy.float32))
    far = random.choice(rows, max(rows // 1000, 1), replace=False)
    table[far, random.integers(0, columns, len(far))] += size * numpy.float32(3000)
    return table


TABLES = {"embedding": embedding, "outliers": outliers}
