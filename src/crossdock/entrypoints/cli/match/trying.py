"""Another ownership tried on a hub's own past: golden values that would be other, and who would be written to."""

from pathlib import Path
from typing import Any

from msgspec import UNSET
from rich.text import Text

from crossdock.bootstrap.deployment import load_ownership
from crossdock.bootstrap.rehearsals import Progress, rehearse_ownership, way_of_ownership
from crossdock.entrypoints.cli.deployments import open_hub
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import cell, note, out, plain, say, show
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.rehearsing import OwnershipRehearsed, SampleField
from crossdock.insight.pages import bars, environment
from crossdock.kit.errors import Misconfigured

FIELDS_SHOWN = 20
SAMPLES_SHOWN = 8
QUESTIONS = {
    "cannot_know": "which of two words is newer",
    "merge": "merges in a system",
    "nothing_valid": "nothing valid was said",
    "proposed": "proposals to an owner",
    "refused": "words that are refused",
}


async def try_ownership(
    deployment: Path | None, file: Path, progress: Progress, *, show_values: bool
) -> OwnershipRehearsed:
    """Read every party of the deployment's hub under its own ownership and that of the file; nothing is written.

    Raises Misconfigured for a file that is faulty or a hub without ownership, StoreUnavailable.
    """
    async with open_hub(deployment) as hub:
        known = hub.deployment.ownership
        if known is None:
            message = "this deployment has no ownership.yaml: it keeps no customers"
            raise Misconfigured(message, code="no-customers")
        other = load_ownership(file, hub.deployment)
        before, after = (way_of_ownership(hub.deployment, each) for each in (known, other))
        return await rehearse_ownership(
            hub.store, before, after, hub.clock.now(), progress, show_values=show_values
        )


def print_tried(found: OwnershipRehearsed) -> None:
    """The counts, and some parties by their ids."""
    say(f"{found.changed:,} of {found.parties:,} customers would hold something else", "name")
    if found.unreadable:
        note(f"{found.unreadable:,} customers have fields that this release does not know", "wait")
    fields = Listing("FIELD", "DOMAIN", "ANOTHER VALUE", "BEGINS", "ENDS", numbers=(2, 3, 4))
    for each in found.fields[:FIELDS_SHOWN]:
        counts = (each.other, each.begins, each.ends)
        fields.add_row(cell(each.field, "name"), cell(each.domain), *(cell(f"{count:,}") for count in counts))
    show(fields, ("No golden value would be other than it is.",))
    if len(found.fields) > FIELDS_SHOWN:
        note(f"and {len(found.fields) - FIELDS_SHOWN} more fields: see --json or --report")
    systems = Listing(
        "SYSTEM", "WRITES", "OF THEM NEW", "NO MORE", "OWED ANYWAY", "MOSTLY", numbers=(1, 2, 3, 4), words=(5,)
    )
    for one in found.systems:
        mostly = ", ".join(f"{name} {count:,}" for name, count in list(one.fields.items())[:3])
        numbers = (one.writes, one.creates, one.stops, one.owed)
        systems.add_row(
            cell(one.system, "name"), *(cell(f"{count:,}") for count in numbers), cell(mostly, "quiet")
        )
    show(systems, ("Nothing would be written to any system.",))
    for question in found.questions:
        words = QUESTIONS[question.kind]
        say(f"Questions, {words}: {question.opened:,} new, {question.closed:,} no more")
    _print_samples(found)
    _print_pins(found)


def _print_samples(found: OwnershipRehearsed) -> None:
    console = out()
    for sample in [each for each in found.samples if each.fields][:SAMPLES_SHOWN]:
        written = f", written to {', '.join(sample.systems)}" if sample.systems else ""
        console.print(Text.assemble((plain(sample.party_id), "name"), plain(written)))
        for field in sample.fields:
            console.print(Text.assemble("  ", (plain(field.field), "lane"), "  ", plain(_move(field))))


def _move(field: SampleField) -> str:
    words = f"{_by(field.rule_before, field.system_before)} > {_by(field.rule_after, field.system_after)}"
    if field.before is UNSET:
        return words
    return f"{words}: {said(field.before)} > {said(field.after)}"


def _by(rule: str, system: str) -> str:
    return f"{system or 'nobody'} by {rule or 'no rule'}"


def said(value: Any) -> str:
    """A value as people read it."""
    known: FieldValue = value
    if known is None:
        return "nothing"
    return ", ".join(known) if isinstance(known, tuple) else str(known)


def _print_pins(found: OwnershipRehearsed) -> None:
    pins = found.pins
    if not pins.decided:
        return
    style = "bad" if pins.newly else "good"
    line = f"{pins.newly} of {pins.decided} decisions on values agree with the rules now and would not any more"
    out().print(Text(f"{line}; they hold all the same.", style))
    for pin in pins.shown:
        out().print(Text(f"  AGAINST {plain(pin.party_id)}  {plain(pin.unit)}  decided by {plain(pin.by)}", "bad"))


def page(found: OwnershipRehearsed, file: str, seconds: float, *, show_values: bool) -> str:
    """The page."""
    return (
        environment("crossdock.entrypoints.cli.match", {"said": said, "by": _by})
        .get_template("ownership.html")
        .render(
            found=found,
            file=file,
            seconds=seconds,
            show_values=show_values,
            fields=bars((f"{each.domain}: {each.field}", each.changed, "") for each in found.fields),
            written={
                one.system: bars((name, count, "") for name, count in one.fields.items())
                for one in found.systems
                if one.fields
            },
            questions=QUESTIONS,
        )
    )
