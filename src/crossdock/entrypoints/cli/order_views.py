"""How orders look in a terminal: the list with its counts, and what became of a hand-in."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.text import Text

from crossdock.canonical.status import OrderStatus
from crossdock.durable.store import Store
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import (
    STATUS_STYLES,
    ago,
    cell,
    note,
    out,
    say,
    shortened,
    show,
    status,
)
from crossdock.insight.order_board import NAME as BOARD
from crossdock.kit.clock import Instant
from crossdock.ports.order_board import BoardRow
from crossdock.processes.order_capture import Captured

REASON_CHARACTERS = 70


def print_list(
    rows: Sequence[BoardRow], counts: Mapping[OrderStatus, int], now: Instant, *, filtered: bool
) -> None:
    """Orders as a table under their counts by status."""
    if any(counts.values()):
        out().print(counts_line(counts))
    headings = ("ORDER", "STATUS", "ERP NUMBER", "CUSTOMER", "CHANNEL", "NET", "CAPTURED", "TO KNOW")
    listed = Listing(*headings, numbers=(5,), words=(7,), spare=(3, 4, 6))
    for row in rows:
        listed.add_row(
            cell(row.order_id, "name"),
            status(row.status.value),
            cell(row.erp_number or "—"),
            cell(row.customer or "—"),
            cell(row.channel),
            cell(f"{row.net} {row.currency}"),
            cell(ago(row.captured_at, now), "quiet"),
            cell(shortened(row.reason, REASON_CHARACTERS)),
        )
    nothing = (
        ("No order has this number or status.",)
        if filtered
        else ("No orders yet. Hand one in: crossdock orders submit FILE, or see crossdock demo",)
    )
    show(listed, nothing)


async def events_behind(store: Store) -> int:
    """How many events the board has not seen yet."""
    cursors = await store.read_cursors()
    return await store.last_sequence() - int(cursors.get(f"relay:{BOARD}") or 0)


def counts_line(counts: Mapping[OrderStatus, int]) -> Text:
    """How many orders stand in each status, those that stand in none left out."""
    line = Text()
    for known, count in counts.items():
        if count:
            line.append(f"{count} ", style="bold")
            line.append(known.value.replace("_", " "), style=STATUS_STYLES.get(known.value, ""))
            line.append("   ")
    return line


def print_taken(taken: Mapping[str, Captured]) -> None:
    """What became of orders that were handed in."""
    counts = Counter(taken.values())
    words = {
        Captured.TAKEN: ("taken: the hub is responsible for them now", "good"),
        Captured.KNOWN: ("known already: the same order, so nothing was doubled", "quiet"),
        Captured.CHANGED: ("known with other content: not taken", "bad"),
    }
    for outcome, (text, style) in words.items():
        if counts[outcome]:
            say(f"{counts[outcome]} {text}", style=style)
    for order_id, outcome in taken.items():
        if outcome is Captured.CHANGED:
            say(f"  {order_id}", style="bad")
    if len(taken) == 1:
        note(f"Its journey: crossdock orders show {next(iter(taken))}")
