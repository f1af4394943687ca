"""What is told at the end: the day in figures, the promises, and what to look at next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from rich.table import Table
from rich.text import Text

from crossdock.canonical.status import OrderStatus
from crossdock.entrypoints.cli.demo.verdict import Evidence, Promise
from crossdock.entrypoints.cli.demo.watch import Watch, percentile
from crossdock.entrypoints.cli.output import cell, out, plain
from crossdock.insight.wording import duration_in_words
from crossdock.kit.clock import seconds_to_us
from crossdock.kit.wording import counted

PER = 1_000


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the day measured. Seconds are from capture to the ERP's word."""

    orders: int
    in_salesforce: int
    over_api: int
    sent_again: int
    turned_away: int
    ends: Mapping[str, int]
    waited_for_erp: int
    hub_starts: int
    answers_lost: int
    gaps_proved: int
    seconds: float
    accepted_per_second: float
    latency_p50_seconds: float
    latency_p95_seconds: float
    latency_p99_seconds: float
    salesforce_calls: int
    salesforce_calls_per_1000: float
    salesforce_events: int


def measure(
    evidence: Evidence,
    watch: Watch,
    *,
    seconds: float,
    sent_again: int,
    hub_starts: int,
    answers_lost: int,
    calls: Mapping[str, object],
) -> Figures:
    """Put the figures together; `calls` are the simulator's own counters."""
    doors = Counter(entry.door for entry in evidence.handed.values())
    took = watch.seconds_to_acceptance()
    span = watch.acceptance_span_seconds()
    asked = calls["rest"]
    delivered = calls["event_deliveries"]
    assert isinstance(asked, int)
    assert isinstance(delivered, int)
    return Figures(
        orders=len(evidence.handed),
        in_salesforce=doors["salesforce"],
        over_api=doors["api"],
        sent_again=sent_again,
        turned_away=len(evidence.turned_away),
        ends=dict(Counter(watch.end_of(order_id) or "open" for order_id in evidence.handed).most_common()),
        waited_for_erp=len(watch.waited),
        hub_starts=hub_starts,
        answers_lost=answers_lost,
        gaps_proved=sum(1 for gap in watch.gaps if gap.state == "closed"),
        seconds=round(seconds, 1),
        accepted_per_second=round(len(watch.accepted) / span, 2) if span else 0.0,
        latency_p50_seconds=round(percentile(took, 0.50), 3),
        latency_p95_seconds=round(percentile(took, 0.95), 3),
        latency_p99_seconds=round(percentile(took, 0.99), 3),
        salesforce_calls=asked,
        salesforce_calls_per_1000=round(asked * PER / max(1, doors["salesforce"]), 1),
        salesforce_events=delivered,
    )


def print_summary(figures: Figures, promises: Sequence[Promise], shows: str) -> None:
    """The tables; `shows` says what the systems can show of all this, and what not."""
    console = out()
    console.print()
    console.print(Text(f"A day of trade: {figures.orders} orders in {figures.seconds:.0f} s", style="bold"))
    console.print(_day(figures))
    console.print()
    console.print(_promised(promises))
    broken = [promise for promise in promises if not promise.held]
    for promise in broken:
        console.print(Text(f"\n{promise.name}", style="bad"))
        for line in promise.exceptions:
            console.print(Text(f"  {plain(line)}"))
    console.print()
    console.print(Text(shows, style="quiet"), soft_wrap=not console.is_terminal)
    console.print()
    if broken:
        console.print(Text(f"{counted(len(broken), 'promise')} broken.", style="bad"))
    else:
        console.print(Text("Every promise was kept.", style="good"))


def _day(figures: Figures) -> Table:
    rows = _facts()
    doors = f"{figures.in_salesforce} in Salesforce, {figures.over_api} over the API"
    extras = [f"{figures.sent_again} sent again" if figures.sent_again else ""]
    extras += [f"{figures.turned_away} turned away at the door" if figures.turned_away else ""]
    rows.add_row("handed in", cell(", ".join([doors, *filter(None, extras)])))
    accepted = OrderStatus.ACCEPTED.value
    partly = OrderStatus.PARTLY_ACCEPTED.value.replace("_", " ")
    rows.add_row("accepted", cell(figures.ends.get(accepted, 0), "good"))
    rows.add_row("partly accepted", cell(figures.ends.get(partly, 0), "good"))
    rows.add_row("refused", cell(_causes(figures.ends, "refused: ")))
    rows.add_row("parked", cell(_causes(figures.ends, "parked: ")))
    if open_ones := figures.ends.get("open", 0):
        rows.add_row("not ended", cell(open_ones, "bad"))
    rows.add_row("waited for the ERP", cell(f"{figures.waited_for_erp}, and went on by themselves"))
    failed = f"killed and started again {counted(figures.hub_starts - 1, 'time')}"
    failed += (
        f" · {counted(figures.answers_lost, 'answer')} lost · {counted(figures.gaps_proved, 'gap')} proved closed"
    )
    rows.add_row("the hub was", cell(failed))
    rows.add_row("ERP took", cell(f"{figures.accepted_per_second:.1f} orders a second, outages included"))
    rows.add_row("captured → accepted", cell(f"{_latencies(figures)}, the ERP's queue and outage included"))
    per = f"{figures.salesforce_calls} calls = {figures.salesforce_calls_per_1000:g} per 1,000 orders"
    rows.add_row(
        "Salesforce", cell(f"{per} at this pace, events read, status and customers written back included")
    )
    return rows


def _facts() -> Table:
    rows = Table.grid(padding=(0, 2))
    rows.add_column(justify="right", style="quiet", min_width=20)
    rows.add_column()
    return rows


def _latencies(figures: Figures) -> str:
    shares = {
        "p50": figures.latency_p50_seconds,
        "p95": figures.latency_p95_seconds,
        "p99": figures.latency_p99_seconds,
    }
    return " · ".join(f"{name} {duration_in_words(seconds_to_us(took))}" for name, took in shares.items())


def _causes(ends: Mapping[str, int], prefix: str) -> str:
    found = {end.removeprefix(prefix): count for end, count in ends.items() if end.startswith(prefix)}
    parts = ", ".join(f"{count} {cause}" for cause, count in found.items())
    return f"{sum(found.values())}: {parts}" if found else "0"


def _promised(promises: Sequence[Promise]) -> Table:
    rows = Table.grid(padding=(0, 2))
    rows.add_column(justify="right", min_width=1)
    rows.add_column(min_width=28)
    rows.add_column()
    for promise in promises:
        mark = cell("✓", "good") if promise.held else cell("✗", "bad")
        rows.add_row(mark, cell(promise.name, "bold"), cell(promise.figure))
    return rows


def print_race(figures: Figures, promises: Sequence[Promise]) -> None:
    """The stream against the fast ERP."""
    console = out()
    console.print()
    pace = figures.orders / figures.seconds if figures.seconds else 0.0
    headline = f"A stream: {figures.orders} orders in {figures.seconds:.1f} s, {pace:.0f} a second, all in one go"
    console.print(Text(headline, style="bold"))
    rows = _facts()
    rows.add_row("ERP took", cell(f"{figures.accepted_per_second:.0f} orders a second"))
    per = f"{figures.salesforce_calls} calls = {figures.salesforce_calls_per_1000:g} per 1,000 orders"
    rows.add_row("Salesforce", cell(f"{per}, events read and status written back included"))
    console.print(rows)
    console.print()
    console.print(_promised(promises))
    for promise in promises:
        for line in promise.exceptions:
            console.print(Text(f"  {promise.name}: {plain(line)}", style="bad"))


def print_what_next(address: str, folder: Path, example: str, review: int = 0) -> None:
    """Where to look, while everything is still up; `review` is a doubt that waits for whoever watches."""
    console = out()
    console.print()
    console.print(Text.assemble("Console  ", (address, "bold"), "   (Ctrl-C ends everything)"))
    if review:
        doubt = f"{address}/console/reviews/{review}"
        console.print(Text.assemble("Two customers or one? You decide: ", (doubt, "bold")))
    console.print("In another terminal:", style="quiet")
    lines = [f"export CROSSDOCK_DEPLOYMENT={folder}", f"crossdock orders show {example}"]
    lines += ["crossdock parked list --by-cause", "crossdock systems check"]
    lines += [f"crossdock customers reviews {review}", "crossdock customers questions"] if review else []
    for line in lines:
        console.print(f"  {line}")
