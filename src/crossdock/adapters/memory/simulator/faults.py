"""Faults on demand: typed, scripted from Python or sent as JSON to the control endpoint.

A fault waits until a call matches and is used up after `times` matches (0: it stays). `on` is the path it waits
for; without one it takes any call but the sign-in, or any that reads or writes where only that makes sense.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec


class _OnDemand(msgspec.Struct, tag_field="fault", kw_only=True, omit_defaults=True):
    on: str = ""
    times: int = 1


class Latency(_OnDemand, tag="latency"):
    """The answer takes `seconds` longer."""

    seconds: float


class RefuseBeforeCommit(_OnDemand, tag="refuse"):
    """Answered with `status`; nothing was done."""

    status: int = 503


class Throttle(_OnDemand, tag="throttle"):
    """Answered with 429 and a wish to wait; nothing was done."""

    wait_seconds: float


class BreakRead(_OnDemand, tag="break_read"):
    """The connection is cut instead of answering a call that reads."""


class LoseAnswer(_OnDemand, tag="lose_answer"):
    """A call that writes is carried out, then the connection is cut."""


class StaySilent(_OnDemand, tag="stay_silent"):
    """A call that writes is carried out, and no answer ever comes."""

    seconds: float = 3600.0


class CommitLate(_OnDemand, tag="commit_late"):
    """The connection is cut at once; the write is carried out `seconds` later."""

    seconds: float


class StopHalfway(_OnDemand, tag="stop_halfway"):
    """A submission is stored as a draft, then the connection is cut."""


class RejectOrder(_OnDemand, tag="reject_order"):
    """A submission is refused with this vendor code, as any other refusal is."""

    code: str


class RejectPosition(_OnDemand, tag="reject_position"):
    """The submission's position with this number is refused with this vendor code, the others are not."""

    position: str
    code: str


class AnswerState(_OnDemand, tag="answer_state"):
    """A submission is stored with this state, known to anybody or not."""

    state: str


class AddFields(_OnDemand, tag="add_fields"):
    """Every object of the answer has a field that nobody has heard of."""


class DropField(_OnDemand, tag="drop_field"):
    """The answer lacks the field at this JSON path, such as `$.orders[0].number`."""

    path: str


Fault = (
    Latency
    | RefuseBeforeCommit
    | Throttle
    | BreakRead
    | LoseAnswer
    | StaySilent
    | CommitLate
    | StopHalfway
    | RejectOrder
    | RejectPosition
    | AnswerState
    | AddFields
    | DropField
)

Kind = TypeVar("Kind", bound=_OnDemand)


class FaultScript:
    """The faults that wait for their call, in the order in which they were added."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, *faults: Fault) -> None:
        """Let these wait for their calls; each one counts down on its own."""
        self._waiting.extend(msgspec.structs.replace(fault) for fault in faults)

    def clear(self) -> None:
        """Forget all of them."""
        self._waiting.clear()

    def waiting(self) -> Iterable[Fault]:
        """What has not been used up yet."""
        return tuple(self._waiting)

    def take(self, kind: type[Kind], path: str, *, default: bool = True) -> Kind | None:
        """Use the first fault of this kind that takes a call of `path`, or None.

        `default` says whether one that names no path does.
        """
        for fault in self._waiting:
            if isinstance(fault, kind) and (fault.on == path if fault.on else default):
                if fault.times == 1:
                    self._waiting.remove(fault)
                elif fault.times > 1:
                    fault.times -= 1
                return fault
        return None


def strip_field(value: object, path: str) -> None:
    """Remove the field at a JSON path from decoded JSON; a path that leads nowhere changes nothing."""
    *way, last = path.removeprefix("$.").replace("[", ".[").split(".")
    for step in way:
        if step.startswith("[") and isinstance(value, list) and int(step[1:-1]) < len(value):
            value = value[int(step[1:-1])]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return
    if isinstance(value, dict):
        value.pop(last, None)


def spread_unknown_fields(value: object) -> None:
    """Give every object in decoded JSON a field that no reader knows."""
    if isinstance(value, dict):
        for item in value.values():
            spread_unknown_fields(item)
        value["x_new_in_this_release"] = {"a": [1, None]}
    elif isinstance(value, list):
        for item in value:
            spread_unknown_fields(item)
