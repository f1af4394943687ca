"""Salesforce's consent objects into what they say of a customer's consents, and back: pure functions.

A consent of the hub (`email-marketing`) is about one channel and one purpose. Several records may be about it: one
of the channel as a whole (ContactPointTypeConsent), one of each address (ContactPointConsent), and older ones.
Of the channel and of each address that one speaks which is in effect and was captured last; of these the most
reserved holds, so that who said no about one address is left alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET

from crossdock.adapters.salesforce.settings import Channel, ConsentKind, ConsentRecords
from crossdock.adapters.salesforce.wire import SYSTEM, Row
from crossdock.canonical.party import Consent
from crossdock.kit.errors import Finding, Invalid

TYPE_CONSENT: Final = "ContactPointTypeConsent"
POINT_CONSENT: Final = "ContactPointConsent"
INDIVIDUAL: Final = "Individual"
PURPOSE: Final = "DataUsePurpose"
POINTS: Final[Mapping[str, Channel]] = {
    "ContactPointEmail": "Email",
    "ContactPointPhone": "Phone",
    "ContactPointAddress": "MailingAddress",
}
"""The objects that say how somebody is reached, and the channel of each."""

SAID: Final = (
    *("Id", "Name", "DataUsePurposeId", "PrivacyConsentStatus", "EffectiveFrom", "EffectiveTo"),
    *("CaptureDate", "CaptureSource", "CaptureContactPointType", "LastModifiedDate"),
)
"""What both kinds of consent records have."""

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    INDIVIDUAL: ("LastName",),
    PURPOSE: ("Name",),
    TYPE_CONSENT: (*SAID, "PartyId", "ContactPointType"),
    POINT_CONSENT: (*SAID, "ContactPointId"),
    **dict.fromkeys(POINTS, ("ParentId",)),
}
"""The objects that consents are kept in, and the fields that the user must see."""

NOTHING: Final = Consent(status=None, captured_at=None, captured_from=None, starts_at=None, expires_at=None)
"""Nobody has said anything, or not any more."""

_STATUSES: Final[Mapping[str, Any]] = {
    "NotSeen": "not_seen",
    "Seen": "seen",
    "OptIn": "opt_in",
    "OptInPending": "seen",
    "OptOut": "opt_out",
    "OptOutPending": "opt_out",
}
"""Who has yet to confirm a yes has not said it; whose no has yet to be confirmed is left alone already."""

_WORDS: Final[Mapping[str, str]] = {
    "not_seen": "NotSeen",
    "seen": "Seen",
    "opt_in": "OptIn",
    "opt_out": "OptOut",
}
CLOCK_SLACK: Final = timedelta(seconds=3)
"""The org's time is known to a second or so: what begins now has begun, and what ends now has ended."""

_RESERVE: Final = ("opt_out", "not_seen", "seen", "opt_in")
_TEXT_MAX = 255


class ConsentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One record: `about` is the contact point, or the channel as a whole; of it `said` is what the hub hears."""

    sobject: str
    id: str
    about: str
    channel: str
    purpose: str
    said: Consent
    order: tuple[str, str, str]

    def is_in_effect(self, now: datetime) -> bool:
        """Whether it has begun, and has not ended."""
        starts, ends = self.said.starts_at, self.said.expires_at
        begun = not isinstance(starts, datetime) or starts <= now + CLOCK_SLACK
        return begun and not (isinstance(ends, datetime) and ends <= now)


class Plan(msgspec.Struct, frozen=True):
    """What to write for one consent: values of records that are there, by object and id, and of a new one."""

    updates: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    new: dict[str, Any] | None = None


def consent_row(row: Row, sobject: str, about: str, channel: str, stand_in: str) -> ConsentRow:
    """A record; where it was captured by `stand_in`, nobody has said when and where.

    Raises Invalid with the path of whatever makes no sense.
    """
    findings: list[Finding] = []
    status = _STATUSES.get(str(row.get("PrivacyConsentStatus")))
    if status is None:
        path = f"$.{sobject}.PrivacyConsentStatus"
        findings.append(Finding(code="wrong-type", path=path, message="a status that is not known"))
    moments: dict[str, datetime | None] = {}
    for field in ("CaptureDate", "EffectiveFrom", "EffectiveTo"):
        try:
            moments[field] = _moment(row.get(field))
        except ValueError:
            findings.append(Finding(code="wrong-type", path=f"$.{sobject}.{field}", message="no date and time"))
    if findings:
        raise Invalid("a consent cannot be read", code="vendor-payload", system=SYSTEM, findings=findings)
    source = str(row.get("CaptureSource") or "").strip()
    return ConsentRow(
        sobject=sobject,
        id=str(row["Id"]),
        about=about,
        channel=channel,
        purpose=str(row.get("DataUsePurposeId") or ""),
        said=Consent(
            status=status,
            captured_at=moments["CaptureDate"] if source != stand_in else None,
            captured_from=source if source not in {"", stand_in} else None,
            starts_at=moments["EffectiveFrom"],
            expires_at=moments["EffectiveTo"],
        ),
        order=(str(row.get("CaptureDate") or ""), str(row.get("LastModifiedDate") or ""), str(row["Id"])),
    )


def consents_said(
    rows: Iterable[ConsentRow], kinds: Mapping[str, ConsentKind], purposes: Mapping[str, str], now: datetime
) -> dict[str, Consent]:
    """What a customer's records say, for every consent that the hub keeps; `purposes` are names by id."""
    own = tuple(rows)
    told = {}
    for key, kind in kinds.items():
        standing = speaking(in_effect(own, kind, purposes, now))
        told[key] = min((row.said for row in standing), key=_reserve) if standing else NOTHING
    return told


def in_effect(
    rows: Iterable[ConsentRow], kind: ConsentKind, purposes: Mapping[str, str], now: datetime
) -> list[ConsentRow]:
    """The records about a consent that have begun and have not ended."""
    return [
        row
        for row in rows
        if row.channel == kind.channel
        and purposes.get(row.purpose, row.purpose) == kind.purpose
        and row.is_in_effect(now)
    ]


def speaking(rows: Iterable[ConsentRow]) -> list[ConsentRow]:
    """Of those in effect the ones that count: of the channel and of each address the one captured last."""
    latest: dict[str, ConsentRow] = {}
    for row in rows:
        if row.about not in latest or latest[row.about].order < row.order:
            latest[row.about] = row
    return list(latest.values())


def plan_of(
    told: Consent, rows: Sequence[ConsentRow], settings: ConsentRecords, kind: ConsentKind, now: datetime
) -> Plan:
    """What makes a customer's records (those in effect) say what is told; who says so already is left as it is.

    Emptied, a consent ends now, and with it the older ones that would speak in its place. A new record lacks whose
    it is and its purpose yet.
    """
    if told.status is None:
        ended = {"EffectiveTo": _written(now.replace(microsecond=0) - CLOCK_SLACK)}
        return Plan(updates=tuple((row.sobject, row.id, ended) for row in rows))
    standing = speaking(rows)
    if not standing:
        return Plan(new=_new(told, settings, kind, now)) if told.status is not UNSET else Plan()
    spokesman = min(standing, key=lambda row: _reserve(row.said))
    updates = []
    for row in standing:
        turned = told.status is not UNSET and row.said.status != told.status
        values = _turned(told, settings, now) if turned else {}
        if turned or row is spokesman:
            values |= _details(told, row.said)
        if values:
            updates.append((row.sobject, row.id, values))
    return Plan(updates=tuple(updates))


def _new(told: Consent, settings: ConsentRecords, kind: ConsentKind, now: datetime) -> dict[str, Any]:
    name = f"{kind.channel} {kind.purpose}".strip()[:_TEXT_MAX]
    about = {"Name": name, "ContactPointType": kind.channel}
    return {**about, **_turned(told, settings, now), **_details(told, NOTHING)}


def _turned(told: Consent, settings: ConsentRecords, now: datetime) -> dict[str, Any]:
    """Another status was captured anew: when and where, if that is not told, is now and by us."""
    return {
        "PrivacyConsentStatus": _WORDS[str(told.status)],
        "CaptureDate": _written(now),
        "CaptureSource": settings.captured_from,
        "CaptureContactPointType": settings.captured_by,
    }


def _details(told: Consent, present: Consent) -> dict[str, Any]:
    """When, where and for how long, as far as it is told and not there already; the first two are never empty."""
    values: dict[str, Any] = {}
    if isinstance(told.captured_at, datetime) and told.captured_at != present.captured_at:
        values["CaptureDate"] = _written(told.captured_at)
    if isinstance(told.captured_from, str) and told.captured_from != present.captured_from:
        values["CaptureSource"] = told.captured_from[:_TEXT_MAX]
    if told.starts_at is not UNSET and told.starts_at != present.starts_at:
        values["EffectiveFrom"] = _written(told.starts_at)
    if told.expires_at is not UNSET and told.expires_at != present.expires_at:
        values["EffectiveTo"] = _written(told.expires_at)
    return values


def _reserve(said: Consent) -> int:
    return _RESERVE.index(str(said.status))


def _written(moment: datetime | None) -> str | None:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1_000:03d}Z" if moment else None


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(str(value)).astimezone(UTC) if value not in {None, ""} else None
