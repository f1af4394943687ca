"""How often values occur: two people called Szymborska are more alike than two called Smith."""

from collections import Counter

from crossdock.identity.matching.columns import Columns
from crossdock.identity.matching.comparisons import Comparison
from crossdock.identity.matching.model import TermTable
from crossdock.identity.matching.weighing import is_text

LISTED_MAX = 20_000
SHARED_BY_MIN = 5
"""A value that fewer records have is not listed: it might name somebody."""


def tables_of(columns: Columns, comparison: Comparison) -> tuple[TermTable, ...]:
    """A table for each of the comparison's term columns."""
    return tuple(_table(columns, column) for column in comparison.terms)


def _table(columns: Columns, column: str) -> TermTable:
    texts = columns.text(column) if is_text(column) else columns.values(column)
    counted = Counter(value for value in texts.values.tolist() if value)
    total = sum(counted.values()) or 1
    frequent = dict(counted.most_common(LISTED_MAX))
    listed = {value: count / total for value, count in frequent.items() if count >= SHARED_BY_MIN}
    others = [count for value, count in counted.items() if value not in listed]
    squares = sum(count * count for count in counted.values())
    rare = sum(count * count for count in others) / max(1, sum(others)) / total
    return TermTable(column=column, shares=listed, rare=rare or 1 / total, mean=squares / total / total or 1.0)
