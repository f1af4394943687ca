"""Which comparisons apply to a kind of record, with the further attributes that its records have."""

import math
from collections.abc import Iterable, Sequence

from crossdock.identity.matching.companies import COMPANY
from crossdock.identity.matching.comparisons import Comparison, text_comparison
from crossdock.identity.matching.contacts import ADDRESSES, EMAILS, IDS, MORE_OF_ADDRESS, PHONES
from crossdock.identity.matching.model import ComparisonModel, Model, decoded
from crossdock.identity.matching.people import NAMES
from crossdock.identity.matching.record import Features, Kind

EXTRA = "extra:"
_CONTACTS = (EMAILS, PHONES, ADDRESSES, MORE_OF_ADDRESS, *IDS)
_BY_KIND: dict[Kind, tuple[Comparison, ...]] = {
    "person": (*NAMES, *_CONTACTS),
    "organisation": (*COMPANY, *_CONTACTS),
}


def comparisons_of(kind: Kind, extras: Iterable[str] = ()) -> tuple[Comparison, ...]:
    """All comparisons of a kind; `extras` are names of further attributes."""
    return (*_BY_KIND[kind], *(text_comparison(f"{EXTRA}{name}") for name in sorted(extras)))


def readable_model(content: bytes) -> Model:
    """A model that speaks of the comparisons of this release, level by level. Raises ValueError for any other."""
    model = decoded(content)
    kinds: tuple[Kind, Kind] = ("person", "organisation")
    for kind in kinds:
        part = model.of(kind)
        known = {one.name: len(one.levels) for one in comparisons_of(kind, part.extras)}
        if part.kind != kind or [one.name for one in part.comparisons] != [*known]:
            raise ValueError(f"$.{kind}: it compares other things of a {kind} than this release")
        if faulty := [one.name for one in part.comparisons if not _is_whole(one, known[one.name])]:
            raise ValueError(f"$.{kind}: {faulty[0]} has other levels, or shares that are none")
    return model


def _is_whole(one: ComparisonModel, levels: int) -> bool:
    """What people decided may have moved a share of matches above one (`decided.py`), none of the others."""
    alike = one.alike or one.random
    classes = ((one.match, math.inf), (one.household, 1.0), (one.random, 1.0), (alike, 1.0))
    return all(len(shares) == levels and all(0 < share <= most for share in shares) for shares, most in classes)


def extras_in(records: Sequence[Features]) -> tuple[str, ...]:
    """The names of the further attributes that some record has."""
    return tuple(sorted({name for record in records for name, _ in record.extra}))
