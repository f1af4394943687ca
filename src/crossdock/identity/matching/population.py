"""Many records made ready to be compared: by kind, as columns, with the pairs that keys bring together."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from crossdock.identity.matching.columns import Columns, Index, columns_of
from crossdock.identity.matching.comparisons import Comparison
from crossdock.identity.matching.keys import usual_cap
from crossdock.identity.matching.normalise.columns import columns_of_table, organisations_in
from crossdock.identity.matching.pairs import Brought, Pairs, brought, unpacked
from crossdock.identity.matching.record import Features, Kind
from crossdock.identity.matching.table import Table
from crossdock.identity.matching.weighing import Found, compared

KINDS: tuple[Kind, Kind] = ("person", "organisation")
THREADS = 2
Result = TypeVar("Result")


class Seen:
    """What was found for some of a group's candidates: their places, sorted, and the comparisons' names."""

    __slots__ = ("comparisons", "found", "places")

    def __init__(self, comparisons: Sequence[str], places: Index, found: Found) -> None:
        self.comparisons = tuple(comparisons)
        self.places = places
        self.found = found


class Group:
    """The records of one kind: `rows` are their places in the population, `origin` their sources if any."""

    def __init__(self, kind: Kind, rows: Index, columns: Columns, origin: Index | None) -> None:
        self.kind = kind
        self.rows = rows
        self.columns = columns
        self.origin = origin
        self._pairs: dict[int, Pairs] = {}
        self.brought: Brought = {}
        """By key function the pairs it brought, packed; filled by `candidates`."""
        self._seen: dict[int, Seen] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def candidates(self, per_key_max: int | None, workers: Executor) -> Pairs:
        """The pairs worth comparing, by places in the group; looked for once."""
        cap = self._cap(per_key_max)
        if cap not in self._pairs:
            self.brought = brought(self.columns, self.kind, cap, self.origin, workers)
            self._pairs[cap] = unpacked(self.brought.values(), len(self), workers)
        return self._pairs[cap]

    def keep(self, per_key_max: int | None, seen: Seen) -> None:
        """Remember what was found for some of the candidates: who weighs them all need not look again."""
        self._seen[self._cap(per_key_max)] = seen

    def compared(self, comparisons: Sequence[Comparison], per_key_max: int | None, part: slice) -> Found:
        """What is found for a part of the candidates."""
        i, j = (rows[part] for rows in self._pairs[self._cap(per_key_max)])
        seen = self._seen.get(self._cap(per_key_max))
        if seen is None or seen.comparisons != tuple(comparison.name for comparison in comparisons):
            return compared(comparisons, self.columns, i, self.columns, j)
        first, end = np.searchsorted(seen.places, (part.start, part.start + i.size)).tolist()
        known = seen.places[first:end] - part.start
        if known.size == i.size:
            return seen.found.at(slice(first, end))
        rest = np.delete(np.arange(i.size), known)
        found = Found.room_for(i.size, len(comparisons))
        found.put(known, seen.found.at(slice(first, end)))
        found.put(rest, compared(comparisons, self.columns, i[rest], self.columns, j[rest]))
        return found

    def _cap(self, per_key_max: int | None) -> int:
        return per_key_max or usual_cap(len(self))


class Population:
    """Persons and organisations of one file, or of one index."""

    def __init__(self, size: int, groups: Sequence[Group], *, linked: bool) -> None:
        self.size = size
        self.groups = tuple(groups)
        self.linked = linked
        self.workers = ThreadPoolExecutor(THREADS)

    def by_kind(self, work: Callable[[Group], Result]) -> list[Result]:
        """What comes of each group, side by side: what one does not share out among the workers, another fills."""
        with ThreadPoolExecutor(len(self.groups)) as kinds:
            return list(kinds.map(work, self.groups))


def population_of(records: "Sequence[Features] | Population", sources: Sequence[int] | None = None) -> Population:
    """Records as a population. With `sources` (a number per record) only pairs of different ones count."""
    if isinstance(records, Population):
        return records
    groups = []
    for kind in KINDS:
        rows = np.array([row for row, record in enumerate(records) if record.kind == kind], np.int64)
        origin = None if sources is None else np.asarray(sources, np.int64)[rows]
        groups.append(Group(kind, rows, columns_of([records[row] for row in rows.tolist()]), origin))
    return Population(len(records), groups, linked=sources is not None)


def population_of_table(table: Table, sources: Index | None = None) -> Population:
    """The records of a table as a population, normalised column by column."""
    organisations = organisations_in(table)

    def group_of(kind: Kind) -> Group:
        rows = np.flatnonzero(organisations == (kind == "organisation"))
        origin = None if sources is None else sources[rows]
        return Group(kind, rows, columns_of_table(table, kind, rows), origin)

    with ThreadPoolExecutor(THREADS) as workers:
        groups = list(workers.map(group_of, KINDS))
    return Population(table.size, groups, linked=sources is not None)
