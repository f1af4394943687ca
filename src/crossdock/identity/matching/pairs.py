"""Pairs of rows that share a key, without those keys that too many share.

Most keys contain another one: who shares family name, given name and birth date shares family name and birth date
as well. So keys are taken from wide to narrow, and a narrow one looks only at the rows that no wider one has told
everything about: those under a wider key that too many share. No pair is lost by that.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching import kernels
from crossdock.identity.matching.columns import Columns, Index
from crossdock.identity.matching.key_columns import Atoms, entries_of, functions_of
from crossdock.identity.matching.keys import Key
from crossdock.identity.matching.quick_atoms import QuickAtoms
from crossdock.identity.matching.record import Kind

Pairs = tuple[Index, Index]
Packed = Index
"""Pairs as `smaller row * size + larger row`."""
Told = NDArray[np.bool_]
Brought = dict[str, Packed]
"""By key function the pairs that it brought (of those that wider ones left)."""
USUAL_MAX = 300_000
"""From so many records on a key function may bring only so many pairs a record: what many share tells nobody."""
PAIRS_PER_RECORD = 0.3
SAMPLED_EACH = 1_000
"""So many pairs one is looked at to find the middle of all."""
NOWHERE: Index = np.zeros(0, np.int64)

_FOLLOWS = {
    "given": ("initial", "given3", "given_sound"),
    "family": ("family3", "family_sound", "family_initial", "family_end"),
    "birth": ("birth_year", "birth_day", "birth_month", "birth_sorted"),
    "birth_month": ("birth_year",),
    "place.street": ("place.street4",),
    "place.postcode": ("place.area",),
    "email": ("email.local", "email.domain"),
}
"""Who agrees in the first agrees in the others, wherever those are known."""


class Step:
    """One key function, or several whose keys meet one another. `wider`: places of steps."""

    __slots__ = ("functions", "wider")

    def __init__(self, functions: Sequence[tuple[int, Key]], wider: Sequence[int]) -> None:
        self.functions = functions
        self.wider = wider


def steps_of(kind: Kind, *, aliases: bool = True) -> list[Step]:
    """The key functions of a kind, wide ones first; without `aliases` those that need no other name."""
    together: dict[int, list[tuple[int, Key]]] = {}
    for seed, key in functions_of(kind):
        if aliases or key.group != "alias":
            together.setdefault(seed, []).append((seed, key))
    alone = {seed: found[0][1] for seed, found in together.items() if len(found) == 1 and not found[0][1].label}
    wider = {
        seed: [other for other, key in alone.items() if seed in alone and _within(key, alone[seed])]
        for seed in together
    }
    order = sorted(together, key=lambda seed: len(wider[seed]))
    place = {seed: at for at, seed in enumerate(order)}
    return [Step(together[seed], [place[other] for other in wider[seed]]) for seed in order]


def _within(wide: Key, narrow: Key) -> bool:
    """Whether records that agree in all parts of `narrow` agree in those of `wide`, as far as it has any."""
    if wide is narrow or wide.group not in {"", narrow.group}:
        return False
    agreed = set(narrow.parts)
    while grown := {more for part in agreed for more in _FOLLOWS.get(part, ())} - agreed:
        agreed |= grown
    return agreed >= set(wide.parts) and set(narrow.parts) != set(wide.parts)


def candidates(
    columns: Columns, kind: Kind, per_key_max: int, sources: Index | None = None, workers: Executor | None = None
) -> Pairs:
    """Every pair of distinct rows that some key function brings together, once, sorted, smaller row first.

    With `sources`, only pairs whose rows come from different ones.
    """
    return unpacked(brought(columns, kind, per_key_max, sources, workers).values(), len(columns), workers)


def brought(
    columns: Columns, kind: Kind, per_key_max: int, sources: Index | None = None, workers: Executor | None = None
) -> Brought:
    """The same by key function, not yet put together."""
    atoms = QuickAtoms(columns)
    steps = steps_of(kind, aliases=columns.lists("aliases").rows.size > 0)
    for step in steps:
        for _, key in step.functions:
            for part in key.parts:
                atoms.of(part)
    told: dict[int, tuple[str, Told]] = {}
    found: Brought = {}
    for turn in _turns(steps):
        made = (workers.map if workers else map)(
            lambda at: _told_by(atoms, steps[at], told, per_key_max, sources), turn
        )
        for at, (group, flags, pairs) in zip(turn, made, strict=True):
            told[at] = group, flags
            found[_name(steps[at])] = pairs
    return found


def _name(step: Step) -> str:
    return " or ".join(" ".join(key.parts) for _, key in step.functions)


def _turns(steps: Sequence[Step]) -> Iterator[list[int]]:
    """Steps that wait for nothing but what former turns did."""
    depth: list[int] = []
    for step in steps:
        depth.append(1 + max((depth[other] for other in step.wider), default=-1))
    for turn in range(max(depth, default=-1) + 1):
        yield [at for at, own in enumerate(depth) if own == turn]


def _told_by(
    atoms: Atoms, step: Step, told: Mapping[int, tuple[str, Told]], per_key_max: int, sources: Index | None
) -> tuple[str, Told, Packed]:
    """The list that a step runs over, which of its entries told everything, and the pairs it brings together."""
    size, groups = len(atoms.columns), [key.group for _, key in step.functions]
    group = groups[0] if len(groups) == 1 else ""
    flags: Told = np.zeros(sum(atoms.rows(one).size if one else size for one in groups), bool)
    for other in step.wider:
        of, known = told[other]
        flags |= known[atoms.rows(group)] if group and not of else known
    only = np.flatnonzero(~flags) if len(groups) == 1 else None
    made = [entries_of(atoms, seed, key, only) for seed, key in step.functions]
    keys, rows = (np.concatenate(parts) for parts in ([one.keys for one in made], [one.rows for one in made]))
    # Who is alone with his key told everything about it.
    real = np.flatnonzero(keys)
    shared = real[kernels.perhaps_shared(keys[real])]
    now = keys != 0
    order = shared[np.argsort(keys[shared])]
    keys, rows = keys[order], rows[order]
    if size > USUAL_MAX:
        per_key_max = kernels.cap_within(keys, per_key_max, int(size * PAIRS_PER_RECORD))
    origin = NOWHERE if sources is None else sources
    pairs, now[order] = kernels.pairs_under(keys, rows, origin, size, per_key_max)
    if only is None:
        flags = now
    else:
        flags[only] = now
    return group, flags, pairs


def unpacked(found: Iterable[Packed], size: int, workers: Executor | None = None) -> Pairs:
    """The pairs, each once, sorted: the lower half of them beside the upper one."""
    packed = np.concatenate([NOWHERE, *found])
    middle = int(np.median(packed[::SAMPLED_EACH])) if packed.size else 0

    def half(*, upper: bool) -> Packed:
        part = packed[(packed >= middle) == upper]
        part.sort()
        once: Packed = part[np.flatnonzero(np.append(True, part[1:] != part[:-1]))] if part.size else part
        return once

    halves = list((workers.map if workers else map)(lambda upper: half(upper=upper), (False, True)))
    left, right = np.divmod(np.concatenate(halves), max(size, 1))
    return left, right
