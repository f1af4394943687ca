"""How parked work looks: as a list, by cause, one in full, and before many are changed."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.text import Text

from crossdock.durable.desk import Desk, Preview
from crossdock.durable.store import AuditEntry, RunView, Store
from crossdock.entrypoints.cli.choosing import parked_like
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import (
    SEVERITIES,
    ago,
    cell,
    clock_time,
    err,
    note,
    out,
    plain,
    shortened,
    show,
)
from crossdock.kit.clock import Instant, iso
from crossdock.kit.wording import counted

PREVIEWED_MAX = 5
REASON_CHARACTERS = 90


class Cause(msgspec.Struct, kw_only=True):
    """How many are parked for one cause; `example` is one of them."""

    signature: str
    count: int
    category: str
    code: str
    system: str
    owner: str
    severity: int
    reason: str
    example: str


def as_plain(run: RunView) -> dict[str, Any]:
    """A run as JSON for scripts, its input left out: it may hold personal data."""
    parking = msgspec.to_builtins(run.parking) if run.parking else {}
    return {
        "run_id": run.run_id,
        "process": run.process,
        "subject": run.subject,
        "state": run.state.value,
        "correlation_id": run.correlation_id,
        "parked_at": iso(run.parked_at) if run.parked_at else None,
        **parking,
    }


async def causes(store: Store, signature: str) -> list[Cause]:
    """All parked work by cause, the most frequent first."""
    found: dict[str, Cause] = {}
    async for run in parked_like(store, signature):
        if run.parking is None:
            continue
        parking = run.parking
        cause = found.setdefault(
            parking.signature,
            Cause(
                signature=parking.signature,
                count=0,
                category=parking.category,
                code=parking.code,
                system=parking.system,
                owner=parking.owner,
                severity=parking.severity,
                reason=parking.reason,
                example=run.run_id,
            ),
        )
        cause.count += 1
        cause.severity = max(cause.severity, parking.severity)
    return sorted(found.values(), key=lambda cause: (-cause.count, cause.signature))


def print_causes(found: Sequence[Cause]) -> None:
    """The causes as a table."""
    headings = ("PARKED", "CAUSE", "NEXT", "OWNER", "SYSTEM", "FOR INSTANCE", "SIGNATURE")
    listed = Listing(*headings, numbers=(0,), words=(5,), spare=(2, 3, 4))
    for cause in found:
        listed.add_row(
            cell(cause.count, "name"),
            cell(cause.code, "bad"),
            cell(cause.category),
            cell(cause.owner),
            cell(cause.system or "—", "quiet"),
            cell(short_id(cause.example)),
            cell(cause.signature, "quiet"),
        )
    show(listed, NOTHING)
    if found:
        note("All of one cause at once: crossdock parked retry --all-like SIGNATURE")


NOTHING = ("Nothing is parked: every order is on its way or has ended.",)


def print_list(runs: Sequence[RunView], now: Instant) -> None:
    """Parked runs as a table."""
    headings = ("ORDER OR RUN", "PARKED", "URGENCY", "CAUSE", "WHY", "OWNER", "AT STAKE")
    listed = Listing(*headings, words=(4,), spare=(1, 2, 5, 6))
    for run in runs:
        parking = run.parking
        if parking is None:
            continue
        listed.add_row(
            cell(short_id(run.run_id), "name"),
            cell(ago(run.parked_at or run.updated_at, now), "quiet"),
            severity(parking.severity),
            cell(parking.code, "bad"),
            cell(shortened(parking.reason, REASON_CHARACTERS)),
            cell(parking.owner),
            cell(parking.at_risk or "—"),
        )
    show(listed, NOTHING)
    if listed.row_count:
        note("One in full: crossdock parked show ORDER · by cause: crossdock parked list --by-cause")


def severity(level: int) -> Text:
    """How urgent, in a word."""
    style = "bad" if level >= 3 else "wait" if level == 2 else "quiet"  # noqa: PLR2004 - the scale is 1 to 4
    return Text(SEVERITIES.get(level, str(level)), style=style)


def short_id(run_id: str) -> str:
    """Orders go by their own number; other runs by their full name."""
    return run_id.removeprefix("order_submission/")


def print_one(run: RunView, preview: Preview, audit: Sequence[AuditEntry]) -> None:
    """One parked run in full."""
    parking = run.parking
    assert parking is not None, "only parked runs are shown here"
    console = out()
    console.print(Text.assemble((short_id(run.run_id), "name"), "  ", ("parked", "bad"), f"  {parking.code}"))
    console.print(Text(parking.reason))
    console.print()
    facts = {
        "since": clock_time(run.parked_at or run.updated_at),
        "owner": parking.owner,
        "urgency": SEVERITIES.get(parking.severity, str(parking.severity)),
        "at stake": " ".join(filter(None, [parking.at_risk, f"({parking.domain})" if parking.domain else ""])),
        "next": parking.category,
        "stopped at": parking.step,
        "system": " ".join(filter(None, [parking.system, parking.vendor_code])),
        "correlation": run.correlation_id,
        "run": run.run_id,
        "signature": parking.signature,
    }
    _print_facts(facts)
    if parking.findings:
        console.print()
        findings = Listing("WHERE", "WHAT", "CODE", words=(1,))
        for finding in parking.findings:
            findings.add_row(cell(finding.path, "lane"), cell(finding.message), cell(finding.code, "quiet"))
        console.print(findings)
    console.print()
    _print_facts(
        {
            "stays done": ", ".join(preview.stays_done) or "nothing was done yet",
            "asked first": ", ".join(preview.asked_first) or "nothing is in doubt",
            "done again": preview.done_again or "from the beginning",
        }
    )
    if audit:
        console.print()
        entries = Listing("WHEN", "WHO", "DID", "WHY", words=(3,))
        for entry in audit:
            entries.add_row(
                cell(clock_time(entry.at), "quiet"), cell(entry.actor), cell(entry.verb), cell(entry.reason or "—")
            )
        console.print(entries)
    note("\nretry · repair · skip · compensate · assign: crossdock parked VERB --help")


def _print_facts(facts: Mapping[str, str]) -> None:
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        if value:
            out().print(Text.assemble((f"{name:>{width}}  ", "quiet"), plain(value)))


def print_input(run: RunView) -> None:
    """The input, as JSON where it is JSON, else as it came: ready to be edited and put in again."""
    try:
        text = json.dumps(msgspec.json.decode(run.input), indent=2, ensure_ascii=False)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = run.input.decode(errors="replace")
    sys.stdout.write(text + "\n")


async def print_preview(desk: Desk, verb: str, chosen: Sequence[RunView]) -> None:
    """What a verb will do to many: shown before anybody is asked."""
    where = "DONE AGAIN" if verb == "retry" else "STOPPED AT"
    listed = Listing("RUN", "CAUSE", "STAYS DONE", "ASKED FIRST", where, words=(2, 3, 4))
    for run in chosen[:PREVIEWED_MAX]:
        preview = await desk.preview(run.run_id)
        listed.add_row(
            cell(short_id(run.run_id), "name"),
            cell(run.parking.code if run.parking else ""),
            cell(", ".join(preview.stays_done) or "—"),
            cell(", ".join(preview.asked_first) or "—"),
            cell(preview.done_again or "from the beginning"),
        )
    err().print(f"{verb}: {counted(len(chosen), 'parked run')}", style="bold")
    err().print(listed)
    if len(chosen) > PREVIEWED_MAX:
        note(f"… and {len(chosen) - PREVIEWED_MAX} more")
