"""What a run's recipe says of a step when it comes to it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from crossdock.durable.records import Effect

T = TypeVar("T")
Action = Callable[[str], Awaitable[T]]

UNDO_PREFIX = "undo:"


class Declared(msgspec.Struct, frozen=True):
    """A step that was reached: how it is found outside, and how it is taken back."""

    name: str
    key: str
    undo: Action[object] | None = None
    undo_effect: Effect | None = None
    pivot: bool = False
    settle_seconds: float = 0.0


def undo_name(step: str) -> str:
    """Under which step its undoing is journalled."""
    return UNDO_PREFIX + step
