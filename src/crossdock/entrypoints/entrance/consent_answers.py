"""What is told of consents to people and programs: statuses, records and times, nothing else of a person."""

import msgspec

from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ledger import record_key
from crossdock.identity.golden.propagation import Consent, Place
from crossdock.kit.clock import MICROSECONDS, Instant, iso
from crossdock.processes.consent_audit import LateConsent


class PlaceTold(msgspec.Struct, frozen=True, kw_only=True):
    """How far a consent has got in one system, or one record of it.

    `state`: `shows`, `owed`, `held_back`, `no_record` or `nothing_holds`. `since` is when that began, `status`
    what is shown there, `fields` what is not as it should be, `waiting_seconds` for how long it is owed or held.
    """

    system: str
    record: str
    state: str
    status: FieldValue
    since: str
    fields: tuple[str, ...]
    waiting_seconds: float


class ConsentTold(msgspec.Struct, frozen=True, kw_only=True):
    """A consent: what holds, by which rule, by whose word and when; and every place that has to show it."""

    consent: str
    status: FieldValue
    rule: str
    record: str
    said_at: str
    known_since: str
    pinned_by: str
    review: str
    places: tuple[PlaceTold, ...]


class ConsentsTold(msgspec.Struct, frozen=True, kw_only=True):
    """Every consent of a customer; a retired one has none, but where it went."""

    customer_id: str
    into: str
    consents: tuple[ConsentTold, ...]


class LateTold(msgspec.Struct, frozen=True, kw_only=True):
    """A record that shows another consent than holds, for too long. `status` holds."""

    customer_id: str
    consent: str
    status: FieldValue
    place: PlaceTold


def consent_told(consent: Consent, now: Instant) -> ConsentTold:
    """A consent for others."""
    value = consent.value
    return ConsentTold(
        consent=consent.unit,
        status=consent.status,
        rule=value.rule,
        record=record_key(value.winner.record) if value.winner else "",
        said_at=iso(value.winner.counted_at) if value.winner else "",
        known_since=iso(consent.since) if consent.since else "",
        pinned_by=value.pin.by if value.pin else "",
        review=value.review,
        places=tuple(place_told(place, now) for place in consent.places),
    )


def place_told(place: Place, now: Instant) -> PlaceTold:
    """A place for others."""
    return PlaceTold(
        system=place.system,
        record=record_key(place.record) if place.record else "",
        state=place.state,
        status=place.status,
        since=iso(place.since) if place.since else "",
        fields=place.fields,
        waiting_seconds=place.waited_us(now) / MICROSECONDS,
    )


def late_told(late: LateConsent, now: Instant) -> LateTold:
    """What is late, for others."""
    return LateTold(
        customer_id=late.party_id,
        consent=late.unit,
        status=late.status,
        place=place_told(late.place, now),
    )
