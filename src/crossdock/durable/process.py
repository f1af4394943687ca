"""What a process declares about itself, beside the recipe that it is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import msgspec

from crossdock.durable.codec import encode
from crossdock.durable.records import Effect, InboxRow, Outgoing, Parking, RunStart
from crossdock.durable.retries import RetryPolicy
from crossdock.durable.run import Run

I = TypeVar("I")  # noqa: E741 - the input of a process


class Stake(msgspec.Struct, frozen=True):
    """What is at risk while a run stands still: which part of the business, how urgent, how much money."""

    domain: str = "fulfilment"
    severity: int = 2
    at_risk: str = ""


class Happening(msgspec.Struct, frozen=True):
    """Something that happened to a run from outside its recipe."""

    kind: Literal["parked", "released", "skipped"]
    reason: str
    parking: Parking | None = None
    run_id: str = ""
    correlation_id: str = ""


def _nothing(_input: Any, _happening: Happening) -> Sequence[Outgoing]:
    return ()


@dataclass(frozen=True)
class Process(Generic[I]):
    """A recipe and its declarations.

    `subject` names the business object: runs with one subject go one after another. `stake` says what is at
    risk while a run is parked; `announce` makes the events that tell others of it; it gets None where the
    input is none. `version` rises when a
    step is added, renamed or removed while runs are in flight; `continues` are the earlier versions whose runs
    this recipe can go on with. Runs of other versions wait for a worker that knows them.

    `gives_back` has, for each step that holds something of the hub's own, the effect that frees it, by run:
    for a run that is skipped, or whose input is repaired. `asked_anew` are the steps whose results speak of
    the input, and are forgotten when that is repaired. `arrival` is the inbox row that the input leaves when it
    arrives as it should: whoever repairs one that did not leaves it then. `desk` are the people who decide where a
    decision is asked for, `desks` those who decide on causes of some codes instead, and `owner` those who look at
    everything else that nobody is closer to. `forgettable`: it is about somebody, and once that one was forgotten
    there is nothing left to do: a run whose input cannot be read any more is skipped, and parks nobody's time.
    """

    name: str
    version: int
    input: type[I]
    body: Callable[[Run, I], Awaitable[object]]
    subject: Callable[[I], str]
    priority: Callable[[I], int] = lambda _input: 5
    stake: Callable[[I], Stake] = lambda _input: Stake()
    announce: Callable[[I | None, Happening], Sequence[Outgoing]] = _nothing
    gives_back: Mapping[str, Callable[[str], Effect]] = field(default_factory=dict)
    asked_anew: tuple[str, ...] = ()
    arrival: Callable[[I], InboxRow | None] = lambda _input: None
    continues: tuple[int, ...] = ()
    owner: str = "integration"
    desk: str = "order-desk"
    desks: Mapping[str, str] = field(default_factory=dict)
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    forgettable: bool = False

    def run_id(self, key: str) -> str:
        """The name of the run about that business key."""
        return f"{self.name}/{key}"

    def start(self, key: str, value: I, *, correlation_id: str = "") -> RunStart:
        """A start of this process, to be committed with whatever caused it."""
        return RunStart(
            run_id=self.run_id(key),
            process=self.name,
            version=self.version,
            subject=self.subject(value),
            input=encode(value),
            priority=self.priority(value),
            correlation_id=correlation_id or key,
            value=value,
        )
