"""Places where a crash would hurt most, by name, so that tests can crash there on purpose.

Production code says `failpoint("committer.applied")` where it passes such a place. Off, as it always is in
production, that is a call of an empty function (some 25 ns; an order passes about fifty). `arm` gives the
function another body, for everybody who imported it, whenever they did; no setting and no environment variable
leads there. The places are listed in `docs/operations/failpoints.md`.
"""

from collections.abc import Callable
from types import CodeType

Passing = Callable[[str], None]

_told: list[Passing] = []


def failpoint(_name: str) -> None:
    """Pass the place of this name. Nothing happens, unless this process was armed."""


def _armed(name: str) -> None:
    for tell in _told:
        tell(name)


_OFF: CodeType = failpoint.__code__


def arm(tell: Passing) -> None:
    """From now on call `tell` with the name of each place this process passes; it may kill, raise or stall."""
    _told.append(tell)
    failpoint.__code__ = _armed.__code__


def disarm() -> None:
    """Be as in production again."""
    _told.clear()
    failpoint.__code__ = _OFF
