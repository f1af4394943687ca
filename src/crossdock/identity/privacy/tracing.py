"""Orders of guests, who have no number: found by keyed hashes of e-mail and telephone (CUS-31)."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from crossdock.canonical.order import Order
from crossdock.durable.records import Effect
from crossdock.identity.golden.contributions import HeldRecord

PHONE_DIGITS_MIN, PHONE_DIGITS = 7, 9
"""So many of a number's last digits are compared: before them countries write it in several ways."""
_EMAILS, _PHONES = frozenset({"email"}), frozenset({"phone", "mobile"})
_NAMES = frozenset({"person.name.family", "organisation.name"})


class TraceOrder(Effect, frozen=True, kw_only=True):
    """Keep by what an order is found: the store keeps hashes of these only. Answered with None."""

    order_id: str
    traces: tuple[str, ...]


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """An order that bears such a trace, and the name it is under. `has_ended`: its work here has."""

    order_id: str
    name: str
    has_ended: bool


class OrderTraces(Protocol):
    """Finds orders by what they bear. Raises StoreUnavailable."""

    async def traced_orders(self, traces: Sequence[str]) -> Sequence[Traced]:
        """The orders that bear any of these and tell of somebody, by their numbers."""
        ...


def traces_of_order(order: Order) -> tuple[str, ...]:
    """By what an order without a customer's number is found; one with a number is found by that."""
    if order.customer.number:
        return ()
    places = [each for each in (order.billing_address, order.shipping_address) if each is not None]
    return _traces([order.customer.email], [place.phone for place in places])


def traces_of_party(records: Iterable[HeldRecord]) -> tuple[str, ...]:
    """Every e-mail and telephone that a party's records know, or knew."""
    records = list(records)
    return _traces(_values(records, _EMAILS), _values(records, _PHONES))


def is_named(name: str, records: Iterable[HeldRecord]) -> bool:
    """Whether an order under this name is the party's: a mailbox and a telephone may be a household's."""
    known = {
        str(value).casefold().strip()
        for record in records
        for field in _NAMES & record.fields.keys()
        for value in (record.fields[field].said, record.fields[field].shown)
        if value
    }
    return not known or not name or any(each in name.casefold() for each in known)


def _values(records: Sequence[HeldRecord], last: frozenset[str]) -> list[str]:
    return [
        str(value)
        for record in records
        for field, held in record.fields.items()
        if field.rpartition(".")[2] in last
        for value in (held.said, held.shown)
        if value
    ]


def _traces(emails: Iterable[str], phones: Iterable[str]) -> tuple[str, ...]:
    found = {f"email:{email.strip().casefold()}" for email in emails if "@" in email}
    for phone in phones:
        digits = "".join(sign for sign in phone if sign.isdecimal())
        if len(digits) >= PHONE_DIGITS_MIN:
            found.add(f"phone:{digits[-PHONE_DIGITS:]}")
    return tuple(sorted(found))
