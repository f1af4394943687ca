"""What `crossdock match` prints for people."""

from collections import Counter

import msgspec
import numpy as np
from rich.text import Text

from crossdock.entrypoints.cli.match.reading import Crowd
from crossdock.entrypoints.cli.match.tables import STYLES, plain_table
from crossdock.entrypoints.cli.output import out, plain
from crossdock.identity.matching.model import KindModel, Model
from crossdock.identity.matching.outcome import LINK, REVIEW, Outcome
from crossdock.identity.matching.scoring import Decision

BAR_CELLS = 16


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What a dedupe came to."""

    files: tuple[str, ...]
    records: int
    clusters: int
    linked: int
    review: int
    new: int
    pairs_to_review: int
    household_pairs: int
    clusters_by_size: dict[str, int]
    model_version: str
    seconds: float


def counts_of(crowd: Crowd, outcome: Outcome, model: Model, seconds: float) -> Counts:
    """The figures of an outcome; `linked`, `review` and `new` are records."""
    bands = Counter(outcome.bands.tolist())
    sizes = outcome.cluster_sizes()
    return Counts(
        files=crowd.files,
        records=outcome.size,
        clusters=sum(sizes.values()),
        linked=bands[LINK],
        review=bands[REVIEW],
        new=outcome.size - bands[LINK] - bands[REVIEW],
        pairs_to_review=len(outcome.to_review),
        household_pairs=len(outcome.households),
        clusters_by_size={str(size): count for size, count in sizes.items()},
        model_version=model.version,
        seconds=round(seconds, 2),
    )


def print_counts(counts: Counts) -> None:
    """A dedupe in a few lines."""
    table = plain_table()
    for words, count, more, style in (
        ("records", counts.records, f"in {', '.join(counts.files)}", ""),
        ("are", counts.clusters, "people and organisations", "name"),
        ("linked", counts.linked, "records whose nearest is the same beyond doubt", "good"),
        ("for review", counts.review, f"records, in {counts.pairs_to_review:,} pairs", "wait"),
        ("new", counts.new, "records that are like no other", "quiet"),
        ("households", counts.household_pairs, "pairs of one household, kept apart", "quiet"),
    ):
        table.add_row(Text(words, "quiet"), Text(f"{count:,}", style), Text(more, "quiet"))
    out().print(table)


def print_decision(decision: Decision, one: str, other: str) -> None:
    """A decision: the band, each comparison's weight as a bar, and what would have changed it."""
    console = out()
    head = Text.assemble(
        (plain(f"{one} and {other}: "), "name"),
        (decision.band, STYLES[decision.band]),
        f" at {decision.weight:+.1f} bits",
    )
    if decision.rule:
        head.append(f", by the rule {decision.rule.replace('_', ' ')}")
    console.print(head)
    table = plain_table()
    widest = max((abs(part.weight) for part in decision.evidence), default=1.0) or 1.0
    table.add_row(Text("before any evidence", "quiet"), Text(f"{decision.prior:+.1f}", "quiet"), Text(), Text())
    for part in decision.evidence:
        style = "good" if part.weight >= 0 else "bad"
        bar = "█" * max(1, round(abs(part.weight) / widest * BAR_CELLS))
        table.add_row(
            Text(part.comparison), Text(f"{part.weight:+.1f}", style), Text(bar, style), Text(part.found)
        )
    console.print(table)
    if decision.likely_household:
        console.print(Text(f"Likely two people of one household ({decision.household:.0%}).", "wait"))
    for flip in decision.flips:
        console.print(Text(f"It would be {flip.band} if {flip.comparison} were “{flip.found}”.", "quiet"))
    console.print(Text(f"Model {decision.model_version}", "quiet"))


def print_model(model: KindModel) -> None:
    """What was learned: per comparison how many bits its best finding and disagreement are worth."""
    console = out()
    line = f"\n{model.kind}: {model.population:,} records, one pair in {1 / model.prior_match:,.0f} is a match"
    console.print(Text(line, "name"))
    table = plain_table(header=True)
    for column in ("comparison", "best", "worst", "agrees among matches", "by chance", "in households"):
        table.add_column(column, justify="left" if column == "comparison" else "right")
    for one in model.comparisons:
        bits = np.log2(np.array(one.match) / np.array(one.random))
        shares = (_percent(one.match[0] / sum(one.match)), _percent(one.random[0]), _percent(one.household[0]))
        table.add_row(
            Text(one.name), Text(f"{bits.max():+.1f}", "good"), Text(f"{bits.min():+.1f}", "bad"), *shares
        )
    console.print(table)


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else f"{share:.1e}"  # noqa: PLR2004 - where percents end
