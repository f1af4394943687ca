"""Quantities never float free: counters are folded from facts, statuses derived from counters."""

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.ledger import Counters, Fact, LineMovement, Movement, fold
from crossdock.canonical.status import OrderStatus, derive

LINES = ("1", "2")
movements = st.sampled_from(list(Movement))
facts = st.builds(
    Fact,
    movement=movements,
    at=st.integers(0, 100),
    source=st.just("hub"),
    lines=st.lists(
        st.builds(LineMovement, st.sampled_from(LINES), st.integers(0, 50)), min_size=1, max_size=3
    ).map(tuple),
)


def fact(movement: Movement, **lines: int) -> Fact:
    moved = tuple(LineMovement(name.removeprefix("line"), micro) for name, micro in lines.items())
    return Fact(movement=movement, at=0, source="hub", lines=moved)


@given(st.lists(facts, max_size=12))
def test_each_counter_is_the_sum_of_its_facts(history: list[Fact]) -> None:
    counters = fold(history)
    for name in ("ordered", "accepted", "refused", "shipped", "invoiced", "cancelled", "returned"):
        for line in LINES:
            total = sum(
                moved.micro
                for each in history
                if each.movement.value == name
                for moved in each.lines
                if moved.line_id == line
            )
            assert getattr(counters.get(line, Counters()), name) == total


@given(st.lists(facts, max_size=12))
def test_no_counter_is_ever_negative_and_nothing_open_is_negative(history: list[Fact]) -> None:
    for counters in fold(history).values():
        assert counters.held >= 0
        assert counters.open >= 0


@given(st.lists(facts, max_size=8), st.randoms())
def test_the_order_of_facts_that_are_no_holds_does_not_matter(history: list[Fact], chance: st.DataObject) -> None:
    history = [each for each in history if each.movement not in {Movement.HELD, Movement.RELEASED}]
    shuffled = sorted(history, key=lambda _each: chance.random())  # type: ignore[attr-defined]
    assert fold(history) == fold(shuffled)


def test_what_is_released_is_held_no_more() -> None:
    history = [fact(Movement.HELD, line1=5), fact(Movement.RELEASED, line1=3), fact(Movement.RELEASED, line1=9)]
    assert fold(history)["1"].held == 0


def status(*history: Fact, waiting: bool = False, parked: bool = False) -> OrderStatus:
    return derive(fold([fact(Movement.ORDERED, line1=10, line2=4), *history]), waiting=waiting, parked=parked)


def test_the_status_is_what_the_counters_say() -> None:
    accepted = fact(Movement.ACCEPTED, line1=10, line2=4)
    assert status() is OrderStatus.CAPTURED
    assert status(waiting=True) is OrderStatus.WAITING
    assert status(parked=True) is OrderStatus.NEEDS_ATTENTION
    assert status(accepted) is OrderStatus.ACCEPTED
    assert status(fact(Movement.ACCEPTED, line1=10)) is OrderStatus.PARTLY_ACCEPTED
    assert (
        status(fact(Movement.ACCEPTED, line1=10), fact(Movement.REFUSED, line2=4)) is OrderStatus.PARTLY_ACCEPTED
    )
    assert status(fact(Movement.REFUSED, line1=10, line2=4)) is OrderStatus.REFUSED
    assert status(accepted, fact(Movement.SHIPPED, line1=10)) is OrderStatus.ACCEPTED
    assert status(accepted, fact(Movement.SHIPPED, line1=10, line2=4)) is OrderStatus.SHIPPED
    assert status(accepted, fact(Movement.INVOICED, line1=10, line2=4)) is OrderStatus.INVOICED
    assert status(accepted, fact(Movement.CANCELLED, line1=10, line2=4)) is OrderStatus.CANCELLED


def test_what_is_decided_is_not_waiting_any_more() -> None:
    accepted = fact(Movement.ACCEPTED, line1=10, line2=4)
    assert status(accepted, waiting=True) is OrderStatus.ACCEPTED
    assert status(fact(Movement.REFUSED, line1=10, line2=4), waiting=True) is OrderStatus.REFUSED
