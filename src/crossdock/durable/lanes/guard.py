"""A dock behind its lane: its outside calls, and nothing else, go through `Lane.call`."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial, wraps
from typing import Any

from crossdock.durable.lanes.lane import Lane
from crossdock.kit.errors import NotAuthorized, Transient, Unsupported

PriorityOf = Callable[..., int | None]
ParentOf = Callable[..., str | None]


class GuardedDock:
    """Looks like the dock; the guarded methods are its own, everything else is the dock's."""

    def __init__(self, dock: object, guarded: dict[str, Callable[..., Awaitable[Any]]]) -> None:
        self.__dict__.update(guarded)
        self._dock = dock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dock, name)

    def __repr__(self) -> str:
        return f"guarded {self._dock!r}"


def guard(
    lane: Lane,
    dock: object,
    methods: Iterable[str],
    priority_of: PriorityOf | None = None,
    parent_of: ParentOf | None = None,
) -> Any:
    """`dock` with its asynchronous `methods` behind `lane`.

    `priority_of` and `parent_of` are called with the method's name and arguments; None means the run's priority,
    and no parent. Raises Unsupported where the dock lacks a method.
    """
    guarded = {name: _guarded(lane, dock, name, priority_of, parent_of) for name in methods}
    return GuardedDock(dock, guarded)


def _guarded(
    lane: Lane, dock: object, name: str, priority_of: PriorityOf | None, parent_of: ParentOf | None
) -> Callable[..., Awaitable[Any]]:
    method = getattr(dock, name, None)
    if not callable(method):
        raise Unsupported(f"the dock of {lane.name} has no method {name}", code="no-such-method", system=lane.name)

    @wraps(method)
    async def through_lane(*args: Any, **facts: Any) -> Any:
        try:
            return await lane.call(
                partial(method, *args, **facts),
                priority=priority_of(name, *args, **facts) if priority_of else None,
                parent=parent_of(name, *args, **facts) if parent_of else None,
            )
        except (Transient, NotAuthorized) as fault:
            # The call did not take effect, and where the lane closed over it that is all there is to say: the
            # work waits for the lane like everybody else's, and no attempt is counted against it.
            closed = lane.closure()
            if closed is None:
                raise
            raise closed from fault

    return through_lane
