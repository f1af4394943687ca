"""The ERP's own event log: each event once, in the order it came, up to a size."""

from collections.abc import Iterable

from crossdock.adapters.memory.wire import Announcement, Problem

ENVELOPE_BYTES_MAX = 64 * 1024
_TOO_LARGE = Problem("EVENT_TOO_LARGE", f"more than {ENVELOPE_BYTES_MAX} bytes")
_BEHIND = Problem("BEHIND_ANOTHER", "an earlier one of this key was not taken")


class EventLog:
    """Keeps what it took. The same id again is taken for the same event."""

    def __init__(self) -> None:
        self._kept: dict[str, Announcement] = {}

    @property
    def kept(self) -> tuple[Announcement, ...]:
        """Everything, oldest first."""
        return tuple(self._kept.values())

    def keep(self, announcements: Iterable[Announcement]) -> list[Problem | None]:
        """Keep a batch; a problem or nothing for each. Behind one that was not taken none of its key is."""
        refused: set[str] = set()
        problems: list[Problem | None] = []
        for one in announcements:
            problem = _BEHIND if one.key in refused else None
            if len(bytes(one.envelope)) > ENVELOPE_BYTES_MAX:
                problem = problem or _TOO_LARGE
            if problem is None:
                self._kept.setdefault(one.id, one)
            else:
                refused.add(one.key)
            problems.append(problem)
        return problems
