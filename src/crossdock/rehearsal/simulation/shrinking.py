"""A failing scenario made as small as it goes: fewer faults, orders, workers, as long as the same thing fails."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec.structs import replace

from crossdock.rehearsal.simulation.scenario import Scenario

PLAYS_MAX = 300

T = TypeVar("T")
Fails = Callable[[Scenario], bool]


def shrink(scenario: Scenario, fails: Fails) -> Scenario:
    """The smallest scenario found for which `fails` still says so, in a bounded number of plays."""
    plays = 0
    smaller: Scenario | None = scenario
    while smaller is not None:
        scenario, smaller = smaller, None
        for candidate in _smaller(scenario):
            plays += 1
            if plays > PLAYS_MAX:
                return scenario
            if fails(candidate):
                smaller = candidate
                break
    return scenario


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Everything that could be left out, what says most first."""
    for place in range(len(scenario.faults)):
        yield replace(scenario, faults=_without(scenario.faults, place))
    if len(scenario.orders) > 1:
        for place in range(len(scenario.orders)):
            yield replace(scenario, orders=_without(scenario.orders, place))
    if scenario.workers > 1:
        last = str(scenario.workers - 1)
        faults = tuple(fault for fault in scenario.faults if fault.target != last)
        yield replace(scenario, workers=scenario.workers - 1, faults=faults)
    for place, order in enumerate(scenario.orders):
        for simpler in (
            replace(order, again=()),
            replace(order, changed_at=None),
            replace(order, lines=order.lines[:1]),
        ):
            if simpler != order:
                yield replace(scenario, orders=(*scenario.orders[:place], simpler, *scenario.orders[place + 1 :]))
    if scenario.shuffled:
        yield replace(scenario, shuffled=False)


def _without(items: tuple[T, ...], place: int) -> tuple[T, ...]:
    return items[:place] + items[place + 1 :]
