"""What a system says of its own quota: used by us and by everybody else who calls it."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import msgspec

from crossdock.kit.clock import Instant


class ApiUsage(msgspec.Struct, frozen=True):
    """`used` of `allowed` calls in the quota's window, as the system said `at` that instant."""

    used: int
    allowed: int
    at: Instant

    @property
    def remaining(self) -> int:
        """How many calls are left, never below zero."""
        return max(0, self.allowed - self.used)


@runtime_checkable
class TellsUsage(Protocol):
    """A dock whose system says with its answers how much of its quota is used. No role: any dock may."""

    @property
    def usage(self) -> ApiUsage | None:
        """What the latest answer told; None before the first one."""
        ...

    def on_usage(self, listener: Callable[[ApiUsage], None]) -> None:
        """Have `listener` called whenever an answer tells it: a lane sheds what can wait in time."""
        ...
