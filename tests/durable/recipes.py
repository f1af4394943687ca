"""Small processes and a small outside world, for tests of the engine."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from crossdock.durable.process import Process
from crossdock.durable.records import Outgoing
from crossdock.durable.run import Run
from crossdock.kit.errors import CrossdockError

Body = Callable[[Run, Any], Awaitable[object]]


def a_process(body: Body, name: str = "p", **facts: Any) -> Process[Any]:
    """A process about its input; every run has its own subject."""
    fields: dict[str, Any] = {"version": 1, "input": object, "subject": lambda value: f"{name}/{value}"} | facts
    return Process(name=name, body=body, **fields)


def told(type_: str, subject: str = "s") -> Outgoing:
    return Outgoing(type_, subject, b"{}")


class World:
    """An outside system: what was done under which key, in what order, and the faults of the next calls.

    A fault is raised before the call takes effect; one in `after` is raised after it did. While `gate` is shut,
    writes take no effect either.
    """

    def __init__(self) -> None:
        self.done: dict[str, Any] = {}
        self.calls: list[str] = []
        self.faults: list[BaseException | None] = []
        self.after: list[BaseException | None] = []
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.calls)

    def next_fault(self, faults: list[BaseException | None]) -> None:
        fault = faults.pop(0) if faults else None
        if fault is not None:
            raise fault

    async def write(self, name: str, key: str, value: Any = None) -> Any:
        self.calls.append(name)
        self.next_fault(self.faults)
        await self.gate.wait()
        self.done[key] = name if value is None else value
        self.next_fault(self.after)
        return self.done[key]

    async def find(self, name: str, key: str) -> Any:
        self.calls.append(f"find {name}")
        self.next_fault(self.faults)
        return self.done.get(key)

    async def undo(self, name: str, key: str) -> None:
        self.calls.append(f"undo {name}")
        self.next_fault(self.faults)
        self.done.pop(key, None)

    async def read(self, name: str) -> str:
        self.calls.append(name)
        self.next_fault(self.faults)
        return name


def fault(kind: type[CrossdockError], code: str = "x", **facts: Any) -> CrossdockError:
    return kind(f"{kind.__name__} on purpose", code=code, system="world", **facts)
