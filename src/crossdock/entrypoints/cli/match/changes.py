"""What `crossdock match rehearse` tells of decided pairs and of sources, from files and from a hub."""

from collections.abc import Sequence

from rich.text import Text

from crossdock.entrypoints.cli.match.tables import STYLES, plain_table
from crossdock.entrypoints.cli.output import note, out, plain
from crossdock.identity.recognition.rehearsing import Changed, SourceChange


def print_pairs(pairs: Sequence[Changed]) -> None:
    """Decided pairs that move, the contradictions marked."""
    table = plain_table()
    for pair in pairs:
        mark = Text("AGAINST", "bad") if pair.contradicts else Text("moves", "quiet")
        table.add_row(
            mark,
            Text(plain(f"{pair.one} and {pair.other}"), "name"),
            Text(f"said: {pair.verdict.replace('_', ' ')}", "quiet"),
            Text.assemble((pair.before, STYLES[pair.before]), " > ", (pair.after, STYLES[pair.after])),
            Text(f"{pair.weight_before:+.1f} > {pair.weight_after:+.1f} bits", "quiet"),
        )
    out().print(table)


def print_sources(sources: Sequence[SourceChange]) -> None:
    """How many records would have another band or cluster."""
    for source in sources:
        words = f"{source.other_band:,} of {source.records:,} records would change their band"
        bands = ", ".join(f"{band} {count:,}" for band, count in source.bands.items())
        line = f"{source.source}: {words}{f' ({bands})' if bands else ''}, {source.other_cluster:,} their cluster"
        out().print(Text(plain(line)))


def print_verdict(contradicted: int, contradicted_before: int, decided: int) -> None:
    """Against how many words, and what to do."""
    line = f"{contradicted} of {decided} decided pairs would be judged against somebody's word"
    out().print(Text(f"{line}; {contradicted_before} are now.", "bad" if contradicted else "good"))
    if contradicted:
        note("Exit code 1: do not use this model before that is understood.")
