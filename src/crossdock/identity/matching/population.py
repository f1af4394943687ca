"""Many records made ready to be compared: by kind, as columns, with the pairs that keys bring together."""

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np

from crossdock.identity.matching.columns import Columns, Index, columns_of
from crossdock.identity.matching.keys import usual_cap
from crossdock.identity.matching.normalise.columns import columns_of_table, organisations_in
from crossdock.identity.matching.pairs import Brought, Pairs, brought, unpacked
from crossdock.identity.matching.record import Features, Kind
from crossdock.identity.matching.table import Table

KINDS: tuple[Kind, Kind] = ("person", "organisation")
THREADS = 2


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

    def __len__(self) -> int:
        return len(self.rows)

    def candidates(self, per_key_max: int | None, workers: Executor) -> Pairs:
        """The pairs worth comparing, by places in the group; looked for once."""
        cap = per_key_max or usual_cap(len(self))
        if cap not in self._pairs:
            self.brought = brought(self.columns, self.kind, cap, self.origin, workers)
            self._pairs[cap] = unpacked(self.brought.values(), len(self))
        return self._pairs[cap]


class Population:
    """Persons and organisations of one file, or of one index."""

    def __init__(self, size: int, groups: Sequence[Group], *, linked: bool) -> None:
        self.size = size
        self.groups = tuple(groups)
        self.linked = linked
        self.workers = ThreadPoolExecutor(THREADS)


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
