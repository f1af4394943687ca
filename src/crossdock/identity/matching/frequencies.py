"""How often values occur: two people called Szymborska are more alike than two called Smith."""

import numpy as np

from crossdock.identity.matching.columns import Columns
from crossdock.identity.matching.comparisons import Comparison
from crossdock.identity.matching.model import TermTable
from crossdock.identity.matching.spelling import chosen
from crossdock.identity.matching.weighing import is_text

LISTED_MAX = 20_000
SHARED_BY_MIN = 5
"""A value that fewer records have is not listed: it might name somebody."""


def tables_of(columns: Columns, comparison: Comparison) -> tuple[TermTable, ...]:
    """A table for each of the comparison's term columns."""
    return tuple(_table(columns, column) for column in comparison.terms)


def _table(columns: Columns, column: str) -> TermTable:
    texts = columns.text(column) if is_text(column) else columns.values(column)
    counts = np.bincount(texts.places, minlength=len(texts.words))
    counts[0] = 0
    total = int(counts.sum()) or 1
    frequent = np.argsort(-counts, kind="stable")[:LISTED_MAX]
    frequent = frequent[counts[frequent] >= SHARED_BY_MIN]
    shares = (counts[frequent] / total).tolist()
    listed = dict(zip(chosen(texts.words, frequent), shares, strict=True))
    squares = float((counts.astype(np.float64) ** 2).sum())
    counts[frequent] = 0
    others = float((counts.astype(np.float64) ** 2).sum())
    rare = others / max(1, int(counts.sum())) / total
    return TermTable(column=column, shares=listed, rare=rare or 1 / total, mean=squares / total / total or 1.0)
