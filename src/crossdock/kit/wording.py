"""Counts and moments in sentences that people read."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from crossdock.kit.clock import Instant, from_datetime, to_datetime

_SAID = "%Y-%m-%d %H:%M:%S UTC"
_SPOKEN = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} UTC\b")


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 finding`, `3 findings`; `many` where the plural is not made by an s."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def said_at(instant: Instant) -> str:
    """A moment inside a sentence: `2026-11-22 05:47:34 UTC`. Who shows the sentence finds it by `with_moments`."""
    return to_datetime(instant).strftime(_SAID)


def with_moments(text: str, shown: Callable[[Instant], str]) -> str:
    """The sentence with every moment of `said_at` in the reader's form."""

    def replaced(found: re.Match[str]) -> str:
        try:
            moment = datetime.strptime(found[0], _SAID)  # noqa: DTZ007 - UTC is part of the form
        except ValueError:
            return found[0]
        return shown(from_datetime(moment.replace(tzinfo=UTC)))

    return _SPOKEN.sub(replaced, text)
