"""An order's journey, drawn in the terminal: its moments, what became of each line, what it waits for now."""

from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.text import Text

from crossdock.entrypoints.cli.exits import NotFound
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import (
    SEVERITIES,
    cell,
    clock_time,
    note,
    out,
    plain,
    status,
)
from crossdock.insight.journey import Journey, ParkedWork, read_journey
from crossdock.insight.moments import Moment, Stretch, Tone, Track
from crossdock.insight.wording import duration_in_words, headline, quantity_in_words
from crossdock.kit.clock import MICROSECONDS, Instant
from crossdock.kit.errors import Conflict, Finding

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

CANDIDATES_MAX = 6
SHORT_US = 1_000
"""Below a millisecond a stretch of time says nothing."""

_TONES: dict[Tone, tuple[str, str]] = {
    "plain": ("●", "lane"),
    "good": ("✓", "good"),
    "warn": ("◐", "wait"),
    "bad": ("✗", "bad"),
    "wait": ("◌", "wait"),
}
_STRETCHES: dict[Stretch, tuple[str, str, str]] = {
    "work": ("│", "quiet", ""),
    "wait": ("┊", "wait", " waiting"),
    "stand": ("┊", "bad", " until somebody came"),
}
_TRACKS: dict[Track, str] = {"channel": "magenta", "hub": "lane", "erp": "blue", "person": "yellow"}


async def find_journey(hub: "Hub", number: str) -> Journey:
    """The journey of the order that has this number. Raises NotFound, or Conflict where several have it."""
    order_id = await _order_id(hub, number)
    sinks = {name: hub.deployment.title_of(name) for name in hub.deployment.routes.status_sinks}
    found = await read_journey(hub.store, order_id, hub.clock.now(), sinks=sinks)
    if found is None:
        raise NotFound(f"no order has the number {number}", code="order-unknown")
    return found


async def _order_id(hub: "Hub", number: str) -> str:
    rows = await hub.board.list_orders(search=number, limit=CANDIDATES_MAX)
    wanted = number.strip().casefold()
    exact = [row.order_id for row in rows if row.order_id.casefold() == wanted]
    if exact or len(rows) == 1:
        return exact[0] if exact else rows[0].order_id
    if rows:
        findings = [Finding("candidate", row.order_id, headline(row)) for row in rows]
        raise Conflict(f"several orders have {number}: say which", code="number-ambiguous", findings=findings)
    return number  # the board may be a moment behind; the events are not


def print_journey(journey: Journey, now: Instant) -> None:
    """Draw it."""
    console = out()
    row = journey.row
    console.print(Text.assemble((plain(journey.order_id), "name"), "   ", status(row.status.value)))
    console.print(Text(plain(headline(row))))
    console.print(_about(journey))
    console.print()
    width = max((len(plain(moment.system)) for moment in journey.moments), default=0)
    dated = bool(journey.moments) and journey.moments[-1].at - journey.moments[0].at > 86_400 * MICROSECONDS
    for index, moment in enumerate(journey.moments):
        if index:
            _print_stretch(moment, dated=dated)
        _print_moment(moment, width, dated=dated)
    if journey.present is not None:
        _print_present(journey, now)
    for work in journey.parked:
        _print_parked(work)
    if journey.lines:
        console.print()
        _print_lines(journey)
    _print_shown(journey)


def _about(journey: Journey) -> Text:
    row = journey.row
    facts = [row.channel, row.brand, row.region, f"customer {row.customer}" if row.customer else ""]
    facts += [f"{row.net} {row.currency}".strip(), f"record {row.record}" if row.record else ""]
    facts += [f"correlation {journey.correlation_id}" if journey.correlation_id != journey.order_id else ""]
    return Text(" · ".join(plain(fact) for fact in facts if fact), style="quiet")


def _time(at: Instant, *, dated: bool) -> str:
    milliseconds = at // 1_000 % 1_000
    text = clock_time(at)
    return f"{text}.{milliseconds:03d}" if dated else f"{text[-8:]}.{milliseconds:03d}"


def _print_moment(moment: Moment, width: int, *, dated: bool) -> None:
    mark, style = _TONES[moment.tone]
    line = Text.assemble(
        (f"  {_time(moment.at, dated=dated)}  ", "quiet"),
        (mark, style),
        " ",
        (f"{plain(moment.system):<{width}}  ", _TRACKS[moment.track]),
        (plain(moment.title), "bold" if moment.tone != "plain" else ""),
    )
    if moment.detail:
        line.append(f"  {plain(moment.detail)}", style="quiet" if moment.tone == "plain" else "")
    out().print(line, soft_wrap=not out().is_terminal)


def _print_stretch(moment: Moment, *, dated: bool) -> None:
    mark, style, words = _STRETCHES[moment.stretch]
    if moment.took_us < SHORT_US and moment.stretch == "work":
        return
    indent = " " * (len(_time(moment.at, dated=dated)) + 4)
    out().print(Text(f"{indent}{mark} {duration_in_words(moment.took_us)}{words}", style=style))


def _print_present(journey: Journey, now: Instant) -> None:
    present = journey.present
    assert present is not None
    line = Text.assemble("\n  now  ", status(present.state.value), f"  {plain(present.words)}")
    line.append(f", for {duration_in_words(now - present.since)}", style="quiet")
    if present.until is not None and present.until > now:
        line.append(f", goes on in {duration_in_words(present.until - now)}", style="quiet")
    out().print(line)


def _print_parked(work: ParkedWork) -> None:
    parking = work.parking
    urgency = SEVERITIES.get(parking.severity, str(parking.severity))
    body = Text(plain(parking.reason))
    for finding in parking.findings:
        body.append(f"\n{plain(finding.path)}  ", style="lane").append(plain(finding.message))
    stake = f" · {parking.at_risk} at stake" if parking.at_risk else ""
    body.append(f"\n\nwith {parking.owner} · {urgency}{stake}", style="quiet")
    body.append(f"\ncrossdock parked show {work.run_id.removeprefix('order_submission/')}", style="quiet")
    title = Text(f"parked: {parking.code}", style="bad")
    out().print()
    out().print(Panel(body, title=title, title_align="left", border_style="bad", expand=False))


def _print_lines(journey: Journey) -> None:
    headings = ("LINE", "PRODUCT", "ORDERED", "HELD", "ACCEPTED", "REFUSED", "OPEN", "NET", "WHY")
    listed = Listing(*headings, numbers=range(2, 8), words=(8,))
    for line in journey.lines:
        counters = line.counters
        figures = (counters.ordered, counters.held, counters.accepted, counters.refused, counters.open)
        ordered, *others = (quantity_in_words(micro) for micro in figures)
        held, accepted, refused, left = ("·" if text == "0" else text for text in others)
        listed.add_row(
            cell(line.line_id),
            cell(line.product or "—"),
            cell(f"{ordered} {line.unit}"),
            cell(held, "lane"),
            cell(accepted, "good"),
            cell(refused, "bad"),
            cell(left, "wait"),
            cell(line.net),
            cell(", ".join(line.reasons), "bad"),
        )
    out().print(listed)


def _print_shown(journey: Journey) -> None:
    if not journey.shown_in:
        return
    parts = [
        f"{title} {'shows it' if shown else 'will show it shortly'}" for title, shown in journey.shown_in.items()
    ]
    note("\n" + " · ".join(parts))
