"""Other rules tried on a hub's own past: words they would contradict, golden values, writes that would follow."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET
from rich.text import Text

from crossdock.bootstrap.deployment import load_ownership
from crossdock.bootstrap.rehearsals import Progress, rehearse_ownership, way_of_ownership
from crossdock.entrypoints.cli.deployments import open_hub
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.match.bands import changed_bands
from crossdock.entrypoints.cli.match.changes import SourceChange, print_pairs, print_sources, print_verdict
from crossdock.entrypoints.cli.match.keeping import readable_model
from crossdock.entrypoints.cli.match.learning import need_the_extra
from crossdock.entrypoints.cli.output import cell, note, out, plain, say, show
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.rehearsing import OwnershipRehearsed, SampleField
from crossdock.identity.matching.model import Model, decoded
from crossdock.identity.recognition.rehearsing import SaidRehearsed, Way, rehearse_words
from crossdock.identity.recognition.starting_model import starting_model
from crossdock.insight.pages import bars, environment
from crossdock.kit.errors import Misconfigured

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

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

    @property
    def weighs(self) -> bool:
        """Whether people's words about pairs are tried: where that is asked for, or nothing else is."""
        return self.ownership is None or self.model is not None or self.thresholds != (None, None)


class TriedOnHub(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `sources` are told where another model or other thresholds were tried."""

    words: SaidRehearsed | None = None
    sources: tuple[SourceChange, ...] = ()
    ownership: OwnershipRehearsed | None = None

    @property
    def against(self) -> bool:
        """Whether anything would be judged against somebody's word."""
        words, ownership = self.words, self.ownership
        return bool(words and words.contradicted) or bool(ownership and ownership.pins.newly)


async def try_on_hub(asked: OnTheHub, progress: Progress) -> TriedOnHub:
    """Try it on what the deployment's hub knows; nothing is written.

    Raises Misconfigured for a file that is faulty or a hub without ownership, Invalid for a model that is none,
    StoreUnavailable.
    """
    async with open_hub(asked.deployment) as hub:
        known = hub.deployment.ownership
        if known is None:
            raise Misconfigured("this hub keeps no customers: ownership.yaml is missing", code="no-customers")
        other = load_ownership(asked.ownership, hub.deployment) if asked.ownership else None
        words, sources = await _try_words(hub, asked, progress) if asked.weighs else (None, ())
        found = None
        if other is not None:
            before, after = (way_of_ownership(hub.deployment, each) for each in (known, other))
            now = hub.clock.now()
            found = await rehearse_ownership(
                hub.store, before, after, now, progress, show_values=asked.show_values
            )
        return TriedOnHub(words=words, sources=sources, ownership=found)


async def _try_words(
    hub: "Hub", asked: OnTheHub, progress: Progress
) -> tuple[SaidRehearsed, tuple[SourceChange, ...]]:
    """On what people said of pairs; and where anything is other than now, on all records, by system."""
    bands, kept = hub.deployment.policies.matching, await hub.store.read_model()
    new = readable_model(asked.model) if asked.model else None
    before = Way(decoded_here(kept) if kept else starting_model(), bands)
    after = Way(new or before.model, changed_bands(bands, *asked.thresholds))
    found = await rehearse_words(hub.store, before, after, progress)
    if (before.model.version, before.bands) == (after.model.version, after.bands):
        return found, ()
    need_the_extra()
    from crossdock.entrypoints.cli.match.gathering import gather_records  # noqa: PLC0415 - numba takes its time
    from crossdock.entrypoints.cli.match.rehearsing import by_source  # noqa: PLC0415 - the same
    from crossdock.identity.matching.population import population_of_table  # noqa: PLC0415 - the same

    crowd = await gather_records(hub, progress)
    sources = by_source(crowd, population_of_table(crowd.table), before, after, progress)
    return found, tuple(each for each in sources if each.records)


def decoded_here(content: bytes) -> Model:
    """The model that the hub weighs with. Raises Misconfigured (`model-unreadable`)."""
    try:
        return decoded(content)
    except ValueError as error:
        words = f"the hub's matching model cannot be read: {error}"
        raise Misconfigured(words, code="model-unreadable") from error


def print_on_hub(found: TriedOnHub) -> None:
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
    if found.ownership is not None:
        print_tried(found.ownership)


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


def page(tried: TriedOnHub, asked: OnTheHub, seconds: float) -> str:
    """The page."""
    found = tried.ownership
    files = [file.name for file in (asked.model, asked.ownership) if file is not None]
    link, review = asked.thresholds
    files += [f"link from {link:g} bits"] if link is not None else []
    files += [f"review from {review:g} bits"] if review is not None else []
    return (
        environment("crossdock.entrypoints.cli.match", {"said": said, "by": _by})
        .get_template("tried.html")
        .render(
            tried=", ".join(files) or "what holds now",
            seconds=seconds,
            against=tried.against,
            words=tried.words,
            sources=tried.sources,
            found=found,
            show_values=asked.show_values,
            fields=bars((f"{each.domain}: {each.field}", each.changed, "") for each in found.fields)
            if found
            else [],
            written={
                one.system: bars((name, count, "") for name, count in one.fields.items())
                for one in (found.systems if found else ())
                if one.fields
            },
            questions=QUESTIONS,
        )
    )
