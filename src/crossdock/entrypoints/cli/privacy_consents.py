"""How far consents have got: of one customer, or what is late of all."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from crossdock.entrypoints.cli.choosing import actor
from crossdock.entrypoints.cli.customer_views import in_words
from crossdock.entrypoints.cli.exits import NotFound
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import cell, err, note, say, show
from crossdock.entrypoints.entrance.consent_answers import (
    ConsentsTold,
    LateTold,
    PlaceTold,
    consent_told,
    late_told,
)
from crossdock.insight.wording import duration_in_words
from crossdock.kit.clock import seconds_to_us
from crossdock.kit.wording import counted

if TYPE_CHECKING:
    from crossdock.bootstrap.customers import CustomerProcesses

_STYLES = {"shows": "good", "owed": "bad", "held_back": "wait"}


class LateReport(msgspec.Struct, frozen=True, kw_only=True):
    """What of all customers is not propagated in time: how much, by system, and the first of it."""

    within_minutes: float
    customers: int
    late: int
    by_system: dict[str, int]
    first: tuple[LateTold, ...]


async def consents_of_one(customers: "CustomerProcesses", party_id: str) -> ConsentsTold:
    """The consents of a customer, or of whom a retired one went to; the look is kept in the audit.

    Raises NotFound (`party-unknown`).
    """
    present = await customers.stewards.present(party_id)
    found = await customers.consents.of(present.file.party_id) if present is not None else None
    if present is None or found is None:
        raise NotFound("the hub knows no such party", code="party-unknown")
    await customers.stewards.note_look(actor(), present.file.party_id)
    now = customers.consents.now()
    told = tuple(consent_told(each, now) for each in found)
    return ConsentsTold(customer_id=present.file.party_id, into=present.file.into, consents=told)


async def late_of_all(
    customers: "CustomerProcesses", within_minutes: float, *, first: int, quiet: bool
) -> LateReport:
    """Look at every customer, page by page; at most `first` of what is late is told one by one."""
    audit = customers.consents
    by_system: Counter[str] = Counter()
    rows: list[LateTold] = []
    looked_at = 0
    columns = (TextColumn("customers"), BarColumn(), TextColumn("{task.completed} looked at"))
    with Progress(*columns, console=err(), transient=True, disable=quiet) as progress:
        task = progress.add_task("customers", total=None)
        async for page in audit.late(seconds_to_us(within_minutes * 60)):
            looked_at += page.looked_at
            by_system.update(each.place.system for each in page.late)
            rows += [late_told(each, audit.now()) for each in page.late[: max(0, first - len(rows))]]
            progress.advance(task, page.looked_at)
    return LateReport(
        within_minutes=within_minutes,
        customers=looked_at,
        late=by_system.total(),
        by_system=dict(sorted(by_system.items())),
        first=tuple(rows),
    )


def print_consents(told: ConsentsTold) -> None:
    """Each consent with every place it has to reach."""
    say(told.customer_id, style="name")
    for consent in told.consents:
        by = f"{consent.pinned_by} decided" if consent.pinned_by else f"{consent.record}, {consent.said_at}"
        said = f"by {by}" if consent.pinned_by or consent.record else "nobody's word counts"
        asked = f" ({consent.review.replace('_', ' ')})" if consent.review else ""
        say(f"{consent.consent}: {in_words(consent.status)}, {said}{asked}")
        _print_places(consent.places)
    if not told.consents:
        note("No record says anything about consents.")


def print_late(report: LateReport) -> None:
    """What is late, and how much there is in all."""
    rows = Listing("customer", "consent", "holds", "record", "shows", "state", "for", numbers=(6,))
    for each in report.first:
        rows.add_row(
            cell(each.customer_id, "name"),
            cell(each.consent),
            cell(in_words(each.status)),
            cell(each.place.record),
            cell(in_words(each.place.status)),
            _state(each.place),
            _waiting(each.place),
        )
    late = ", ".join(f"{system} {count}" for system, count in report.by_system.items())
    show(
        rows,
        empty=(f"All consents of {counted(report.customers, 'customer')} are where they have to be, or on time.",),
    )
    if report.late:
        say(f"{report.late} late of {counted(report.customers, 'customer')}: {late}", style="bad")


def _print_places(places: Sequence[PlaceTold]) -> None:
    rows = Listing("system", "record", "shows", "state", "since", "for", numbers=(5,))
    for each in places:
        rows.add_row(
            cell(each.system),
            cell(each.record),
            cell(in_words(each.status)),
            _state(each),
            cell(each.since),
            _waiting(each),
        )
    show(rows, empty=("No system has to be told.",))


def _state(place: PlaceTold) -> Text:
    return cell(place.state.replace("_", " "), _STYLES.get(place.state, "quiet"))


def _waiting(place: PlaceTold) -> Text:
    return cell(duration_in_words(seconds_to_us(place.waiting_seconds)) if place.waiting_seconds else "")
