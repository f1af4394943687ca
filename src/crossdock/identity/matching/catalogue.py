"""Which comparisons apply to a kind of record, with the further attributes that its records have."""

from collections.abc import Iterable, Sequence

from crossdock.identity.matching.companies import COMPANY
from crossdock.identity.matching.comparisons import Comparison, text_comparison
from crossdock.identity.matching.contacts import ADDRESSES, EMAILS, IDS, MORE_OF_ADDRESS, PHONES
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


def extras_in(records: Sequence[Features]) -> tuple[str, ...]:
    """The names of the further attributes that some record has."""
    return tuple(sorted({name for record in records for name, _ in record.extra}))
