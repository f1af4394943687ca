"""Reports as pages: one file each, nothing fetched, light or dark as the reader has it.

What every page looks like stands once, in `templates/page.html` beside this module; a report extends it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import jinja2


class Bar(NamedTuple):
    """One bar of a picture; `share` and `inner` are percents of the longest."""

    words: str
    number: int
    share: float
    kind: str = ""
    inner: float = 0.0
    inner_number: int = 0


def bars(counts: Iterable[tuple[str, int, str]]) -> list[Bar]:
    """Bars of words, a number and a kind each, as long as their number."""
    told = list(counts)
    longest = max((count for _, count, _ in told), default=1) or 1
    return [Bar(words, count, count / longest * 100, kind) for words, count, kind in told]


def environment(package: str, filters: Mapping[str, Callable[..., str]] | None = None) -> jinja2.Environment:
    """The templates of a package, which may extend `page.html` and import `parts.html`."""
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader("crossdock.insight")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"count": "{:,}".format, "signed": "{:+.1f}".format, **(filters or {})}
    return made
