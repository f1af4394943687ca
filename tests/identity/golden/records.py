"""Short words for records and what they say."""

from collections.abc import Mapping
from typing import Any

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.contributions import Held, HeldRecord, RecordState, Statement
from crossdock.identity.golden.fields import Domain, FieldValue
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.kit.clock import MICROSECONDS

NOW = 1_767_225_600 * MICROSECONDS
SECOND = MICROSECONDS
DAY = 86_400 * MICROSECONDS


def a_record(
    system: str,
    said: Mapping[str, FieldValue],
    *,
    at: int = NOW,
    sequence: int = 1,
    saw: int = 0,
    number: str = "1",
    state: RecordState = "live",
) -> HeldRecord:
    """A record that has said so."""
    fields = {
        name: Held(
            field=name,
            said=value,
            said_at=at,
            counted_at=at,
            arrived_at=at,
            sequence=sequence,
            saw=saw,
            shown=value,
        )
        for name, value in said.items()
    }
    return HeldRecord(reference=ExternalReference(system, "Customer", number), fields=fields, state=state)


def a_statement(fields: Mapping[str, FieldValue], *, at: int = NOW, **facts: Any) -> Statement:
    """A statement of that time."""
    return Statement(fields=fields, **({"said_at": at, "counted_at": at, "arrived_at": at} | facts))


def an_ownership(rule: Rule | None = None, /, **facts: Any) -> Ownership:
    """Every domain by one rule: what `erp` says holds, and `shop` is told."""
    rule = rule or Rule(rule="owner", owner="erp", readers=("shop",))
    return Ownership(domains=dict.fromkeys(Domain, rule), **facts)
