"""Stable ids: a person keeps the id that most of their records had, whatever joins or leaves."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec


class Change(msgspec.Struct, frozen=True):
    """One line of history: `others` `joined` the `person`, were `split` off it, or it is `new`."""

    what: Literal["new", "joined", "split"]
    person: str
    others: tuple[str, ...] = ()


def stable_ids(
    clusters: Mapping[str, Sequence[str]], former: Mapping[str, str], mint: Callable[[], str]
) -> tuple[dict[str, str], tuple[Change, ...]]:
    """The person id of each record, and what changed.

    `clusters`: any name to the record ids in it. `former`: record id to the person id it had. `mint` makes a
    new id. Where
    records of one person are now in two clusters, the id stays with the larger part (then with the cluster
    named first); where two persons are now one, the id that more records had stays (then the smaller id).
    """
    claims: list[tuple[int, str, str]] = []
    for name, records in clusters.items():
        held = Counter(former[record] for record in records if record in former)
        claims += [(-count, person, name) for person, count in held.items()]
    chosen: dict[str, str] = {}
    taken: dict[str, str] = {}
    for _, person, name in sorted(claims):
        if name not in chosen and person not in taken:
            chosen[name], taken[person] = person, name
    changes: list[Change] = []
    ids: dict[str, str] = {}
    pieces: dict[str, list[str]] = defaultdict(list)
    for name, records in clusters.items():
        had = {former[record] for record in records if record in former}
        person = chosen.get(name) or mint()
        ids.update(dict.fromkeys(records, person))
        joined = tuple(sorted(other for other in had - {person} if other not in taken))
        if joined:
            changes.append(Change("joined", person, joined))
        if not had:
            changes.append(Change("new", person))
        for other in had - {person}:
            if other in taken:
                pieces[other].append(person)
    changes += [Change("split", person, tuple(others)) for person, others in sorted(pieces.items())]
    return ids, tuple(changes)
