"""The calls an ERP has answered: when each came, when it was over, which session made it."""

from collections import deque

import msgspec

from crossdock.kit.clock import Instant

KEPT_MAX = 100_000


class Call(msgspec.Struct, kw_only=True):
    """One call. `until` is 0 while it is being answered; `session` tells callers apart, and is no credential."""

    path: str
    at: Instant
    session: int
    until: Instant = 0


class CallLog:
    """The latest calls, in the order in which they came. Sessions are numbered as they show up."""

    def __init__(self) -> None:
        self.calls: deque[Call] = deque(maxlen=KEPT_MAX)
        self._sessions: dict[str, int] = {}

    def begin(self, path: str, credential: str, now: Instant) -> Call:
        """A call has come."""
        session = self._sessions.setdefault(credential, len(self._sessions))
        call = Call(path=path, at=now, session=session)
        self.calls.append(call)
        return call
