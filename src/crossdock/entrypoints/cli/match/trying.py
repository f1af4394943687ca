"""Other rules tried on a hub's own past: words they would contradict, golden values, writes that would follow."""

from pathlib import Path
from typing import Any, NamedTuple

from msgspec import UNSET
from rich.text import Text

from crossdock.bootstrap.deployment import load_ownership, ownership_of
from crossdock.bootstrap.rehearsals import Progress, rehearse
from crossdock.entrypoints.cli.choosing import actor
from crossdock.entrypoints.cli.deployments import open_hub
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.match.bands import changed_bands
from crossdock.entrypoints.cli.match.changes import print_pairs, print_sources, print_verdict
from crossdock.entrypoints.cli.match.keeping import readable_model
from crossdock.entrypoints.cli.output import cell, note, out, plain, say, show
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.rehearsing import Consequences, Regrouped, SampleField
from crossdock.identity.matching.model import encoded
from crossdock.identity.recognition.work import RehearsalAsked, RehearsalTold
from crossdock.insight.pages import Bar, bars, environment

FIELDS_SHOWN = 20
SAMPLES_SHOWN = 8
QUESTIONS = {
    "cannot_know": "which of two words is newer",
    "merge": "merges in a system",
    "nothing_valid": "nothing valid was said",
    "proposed": "proposals to an owner",
    "refused": "words that are refused",
}


class OnTheHub(NamedTuple):
    """What is tried on a deployment's hub; thresholds are those for both kinds, from link and from review on."""

    deployment: Path | None
    ownership: Path | None
    model: Path | None
    thresholds: tuple[float | None, float | None]
    show_values: bool


async def try_on_hub(asked: OnTheHub, progress: Progress) -> RehearsalTold:
    """Try it on what the deployment's hub knows; nothing is written, but who saw values.

    Raises Misconfigured for a file that is faulty or a hub without ownership, Invalid for a model that is none,
    StoreUnavailable.
    """
    async with open_hub(asked.deployment) as hub:
        deployment = hub.deployment
        link, review = asked.thresholds
        ownership_of(deployment)
        moved = changed_bands(deployment.policies.matching, link, review)
        tried = RehearsalAsked(
            model=encoded(readable_model(asked.model)) if asked.model else b"",
            bands=None if link is None and review is None else moved,
            ownership=load_ownership(asked.ownership, deployment) if asked.ownership else None,
        )
        told = await rehearse(
            hub.store, deployment, tried, hub.clock.now(), progress, show_values=asked.show_values
        )
        if asked.show_values and hub.customers is not None:
            samples = [sample for each in told.consequences for sample in each.samples if sample.fields]
            seen = dict.fromkeys(sample.party_id for sample in samples)
            await hub.customers.stewards.note_look(actor(), *seen, reason="rehearsed")
        return told


def print_on_hub(found: RehearsalTold) -> None:
    """What people said first, then what would hold and be written."""
    if found.words is not None:
        words = found.words
        print_pairs(words.pairs)
        if words.moved > len(words.pairs):
            note(f"and {words.moved - len(words.pairs):,} more pairs that change their band")
        print_sources(found.sources)
        if words.gone:
            note(f"{words.gone:,} words are about records that are no more")
        if words.apart:
            note(
                f"{words.apart:,} pairs that are the same have no key in common: they would not be compared",
                "wait",
            )
        print_verdict(words.contradicted, words.contradicted_before, words.decided)
    if found.regrouped is not None:
        print_regrouped(found.regrouped)
        print_tried(found.regrouped.consequences)
    if found.ownership is not None:
        print_tried(found.ownership)


def regrouped_lines(found: Regrouped) -> list[str]:
    """Who would be together with others than now, in words."""
    lines = [
        f"{found.joined:,} customers would become part of another one",
        f"from {found.parted:,} customers records would leave, with which {found.begun:,} would begin",
        f"{found.held:,} more would wait for a steward, and {found.freed:,} who wait would not",
    ]
    if found.beyond:
        lines.append(f"{found.beyond:,} more would change, and were not followed: so much at once is a mistake")
    return lines


def print_regrouped(found: Regrouped) -> None:
    """Who would be together with others than now."""
    for line in regrouped_lines(found):
        say(line[0].upper() + line[1:])


def print_tried(found: Consequences) -> None:
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
        *("SYSTEM", "WRITES", "OF THEM NEW", "NO MORE", "OWED ANYWAY", "REPAIRS", "MOSTLY"),
        numbers=(1, 2, 3, 4, 5),
        words=(6,),
    )
    for one in found.systems:
        mostly = ", ".join(f"{name} {count:,}" for name, count in list(one.fields.items())[:3])
        numbers = (one.writes, one.creates, one.stops, one.owed, one.repairs)
        systems.add_row(
            cell(one.system, "name"), *(cell(f"{count:,}") for count in numbers), cell(mostly, "quiet")
        )
    show(systems, ("Nothing would be written to any system.",))
    for question in found.questions:
        words = QUESTIONS[question.kind]
        say(f"Questions, {words}: {question.opened:,} new, {question.closed:,} no more")
    _print_samples(found)
    _print_pins(found)


def _print_samples(found: Consequences) -> None:
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


def _print_pins(found: Consequences) -> None:
    pins = found.pins
    if not pins.decided:
        return
    style = "bad" if pins.newly else "good"
    line = f"{pins.newly} of {pins.decided} decisions on values agree with the rules now and would not any more"
    out().print(Text(f"{line}; they hold all the same.", style))
    for pin in pins.shown:
        out().print(Text(f"  AGAINST {plain(pin.party_id)}  {plain(pin.unit)}  decided by {plain(pin.by)}", "bad"))


class Followed(NamedTuple):
    """A part of the page: what was tried, what follows of it, and that as bars."""

    title: str
    lines: list[str]
    found: Consequences
    fields: list[Bar]
    written: dict[str, list[Bar]]


def _followed(title: str, lines: list[str], found: Consequences) -> Followed:
    fields = bars((f"{each.domain}: {each.field}", each.changed, "") for each in found.fields)
    written = {
        one.system: bars((name, count, "") for name, count in one.fields.items())
        for one in found.systems
        if one.fields
    }
    return Followed(title, lines, found, fields, written)


def page(tried: RehearsalTold, asked: OnTheHub, seconds: float) -> str:
    """The page."""
    files = [file.name for file in (asked.model, asked.ownership) if file is not None]
    link, review = asked.thresholds
    files += [f"link from {link:g} bits"] if link is not None else []
    files += [f"review from {review:g} bits"] if review is not None else []
    parts = []
    if tried.regrouped is not None:
        lines = regrouped_lines(tried.regrouped)
        parts.append(_followed("Were customers matched so", lines, tried.regrouped.consequences))
    if tried.ownership is not None:
        parts.append(_followed("Were fields owned so", [], tried.ownership))
    return (
        environment("crossdock.entrypoints.cli.match", {"said": said, "by": _by})
        .get_template("tried.html")
        .render(
            tried=", ".join(files) or "what holds now",
            seconds=seconds,
            against=tried.against,
            words=tried.words,
            sources=tried.sources,
            parts=parts,
            show_values=asked.show_values,
            questions=QUESTIONS,
        )
    )
