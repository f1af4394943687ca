"""Edits on both sides, doubled, delayed, out of order, with lost answers and wrong clocks: it all comes to rest.

Then both systems show what holds, or a person is asked; nothing is written any more; and whoever lost knows why.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.processes.books import SYSTEMS, Books, CustomerHub, customer_hub, hub_between
from tests.stores import memory_stores

from crossdock.adapters.memory.simulator.faults import LoseAnswer, RefuseBeforeCommit
from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.ports.customer_source import CustomerArrival

EMAIL, PHONE, TERMS = "contact.email", "contact.phone", "terms.code"
CONSENT = "consents.email.status"
CITY, COUNTRY, LINES = (f"shipping.default.address.{part}" for part in ("city", "country", "lines"))
SHARED = Rule(rule="newest_valid", writers=SYSTEMS, readers=SYSTEMS)
OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, Rule(rule="owner", owner="erp", readers=("crm",)))
    | {
        Domain.CONTACT: SHARED,
        Domain.SHIPPING: SHARED,
        Domain.CONSENT: Rule(rule="owner", owner="crm", readers=("erp",), others="propose"),
    },
    marks=("crossdock", "other"),
)
OWNED = replace(
    OWNERSHIP,
    domains={
        **OWNERSHIP.domains,
        Domain.CONTACT: Rule(rule="owner", owner="crm", readers=("erp",)),
        Domain.SHIPPING: Rule(rule="precedence", precedence=("erp", "crm"), readers=SYSTEMS),
    },
)
"""Nothing that depends on which of two statements is newer: of that, two hubs may think differently."""

CARDS: list[dict[str, Any]] = [
    {EMAIL: "a@x.org"},
    {EMAIL: "b@x.org", PHONE: "1"},
    {EMAIL: None},
    {PHONE: "2", TERMS: "N30"},
    {TERMS: "N60"},
    {TERMS: None},
    {CONSENT: "opt_in"},
    {CONSENT: "opt_out"},
    {CITY: "Paris", COUNTRY: "FR", LINES: ("1 Rue",)},
    {CITY: "Dubai", COUNTRY: "AE", LINES: ("1 Street",)},
    {CITY: "Lyon"},
]
MARKS = ("crossdock", "other")
FAULTS = (LoseAnswer(on="/partners/write"), RefuseBeforeCommit(on="/partners/write"))

edits = st.tuples(
    st.just("edit"), st.sampled_from(SYSTEMS), st.integers(0, len(CARDS) - 1), st.sampled_from([1, 30, 400])
)
deliveries = st.tuples(
    st.just("deliver"), st.sampled_from(SYSTEMS), st.sampled_from(["whole", "reversed", "doubled"]), st.just(0)
)
faults = st.tuples(
    st.just("fault"), st.sampled_from(SYSTEMS), st.integers(0, len(FAULTS) - 1), st.sampled_from([0, 5])
)
STORMS = st.lists(edits | deliveries | faults, min_size=8, max_size=30)
to_other = deliveries.map(lambda happening: ("deliver to other", *happening[1:]))
STORMS_BETWEEN = st.lists(edits | deliveries | to_other | faults, min_size=8, max_size=30)
Storm = Sequence[tuple[str, str, Any, int]]


def mixed(arrivals: list[CustomerArrival], how: str) -> list[CustomerArrival]:
    if how == "reversed":
        return arrivals[::-1]
    return arrivals + arrivals if how == "doubled" else arrivals


async def play(hub: CustomerHub, numbers: Mapping[str, str], storm: Storm) -> int:
    """Let it happen; how many edits there were."""
    count = 0
    for kind, system, what, seconds in storm:
        hub.clock.advance(seconds)
        if kind == "edit":
            hub.books[system].edit(numbers[system], CARDS[what])
            count += 1
        elif kind == "fault":
            hub.books[system].surface.faults.add(FAULTS[what])
        else:
            await hub.take(system, mixed(await hub.heard(system), what))
    return count


async def come_to_rest(*hubs: CustomerHub) -> None:
    """Until nothing new arrives and nothing waits for its time."""
    for hub in hubs:
        for books in hub.books.values():
            books.surface.faults.clear()
    for _round in range(30):
        writes, arrived = sum(hub.writes for hub in hubs), 0
        for hub in hubs:
            arrived += await hub.pump()
        for hub in hubs:
            hub.clock.advance(400)
            arrived += await hub.pump()
            await hub.engine.settle()
        if not arrived and writes == sum(hub.writes for hub in hubs):
            return
    raise AssertionError("they never come to rest")


async def check_agreement(hub: CustomerHub, numbers: Mapping[str, str]) -> None:
    """Each reader shows what holds, except where a person is asked; and everybody who lost knows why."""
    asked = {each.question.unit for each in await hub.store.list_questions(limit=200)}
    cards = {system: hub.books[system].card(numbers[system]) for system in SYSTEMS}
    for unit, value in (await hub.holds("crm", numbers["crm"])).items():
        rule = hub.ownership.rule_of(unit)
        assert rule is not None
        assert all(loser.why_not for loser in value.losers)
        if value.review:
            event(value.review)
            assert unit in asked
        if value.review == "cannot_know" and hub.ownership.cannot_know == "hold":
            continue
        for reader in rule.readers:
            for name, held in value.values.items():
                shown = cards[reader].get(name)
                assert (tuple(shown) if isinstance(shown, list) else shown) == held, (unit, reader)


async def weather(storm: Storm, off_seconds: Mapping[str, float], ownership: Ownership) -> None:
    stores = memory_stores()
    try:
        async with customer_hub(stores, ownership, off_seconds=off_seconds) as hub:
            numbers = {system: hub.books[system].make({"kind": "person"}) for system in SYSTEMS}
            await hub.link(numbers)
            count = await play(hub, numbers, storm)
            await come_to_rest(hub)
            await check_agreement(hub, numbers)
            assert hub.writes <= 3 * count + 2, "every write follows from an edit"
            before = hub.writes
            await come_to_rest(hub)
            assert hub.writes == before
    finally:
        await stores.close()


@settings(max_examples=50)
@given(
    STORMS,
    st.fixed_dictionaries({system: st.sampled_from([-600, 0, 600]) for system in SYSTEMS}),
    st.sampled_from(["hold", "newest"]),
)
def test_a_storm_comes_to_rest_with_every_conflict_explained(
    storm: Storm, off_seconds: dict[str, float], cannot_know: str
) -> None:
    asyncio.run(weather(storm, off_seconds, replace(OWNERSHIP, cannot_know=cannot_know)))


@pytest.mark.anyio
@pytest.mark.parametrize("off_seconds", [-600, 0, 600])
async def test_a_value_that_was_changed_and_set_again_holds_when_both_are_told_the_other_way_round(
    off_seconds: float,
) -> None:
    storm = [
        *[("edit", "crm", 0, 1), ("edit", "crm", 0, 1), ("deliver", "crm", "whole", 0)],
        *[("edit", "crm", 1, 1), ("edit", "crm", 0, 1), ("deliver", "crm", "reversed", 0)],
    ]
    await weather(storm, dict.fromkeys(SYSTEMS, 0) | {"crm": off_seconds}, OWNERSHIP)


async def play_between(one: CustomerHub, other: CustomerHub, numbers: Mapping[str, str], storm: Storm) -> int:
    """The same where the other hub hears of some things before the one."""
    count = 0
    for happening in storm:
        kind, *rest = happening
        hub, kind = (other, "deliver") if kind == "deliver to other" else (one, kind)
        count += await play(hub, numbers, [(kind, *rest)])
    return count


async def between_two(storm: Storm, ownership: Ownership, *, both_know: bool = True) -> None:
    all_stores = [memory_stores(), memory_stores()]
    clock = all_stores[0].clock
    all_stores[1].clock = clock
    books = {name: Books(name, clock) for name in SYSTEMS}
    names = MARKS if both_know else ()
    ownerships = [replace(ownership, marks=tuple(sorted(names, key=lambda name: name != own))) for own in MARKS]
    try:
        async with (
            hub_between(all_stores[0], books, ownerships[0], MARKS[0]) as one,
            hub_between(all_stores[1], books, ownerships[1], MARKS[1]) as other,
        ):
            numbers = {system: books[system].make({"kind": "person"}) for system in SYSTEMS}
            for hub in (one, other):
                await hub.link(numbers)
            count = await play_between(one, other, numbers, storm)
            await come_to_rest(one, other)
            for hub in (one, other):
                await check_agreement(hub, numbers)
            assert one.writes + other.writes <= 6 * count + 4
    finally:
        for each in books.values():
            share_surface(each.ledger, None)
        for stores in all_stores:
            await stores.close()


@settings(max_examples=25)
@given(STORMS_BETWEEN)
def test_two_hubs_between_the_same_systems_come_to_rest_over_what_has_an_owner(storm: Storm) -> None:
    asyncio.run(between_two(storm, OWNED))


@settings(max_examples=40)
@given(STORMS_BETWEEN, st.sampled_from(["hold", "newest"]))
def test_two_hubs_come_to_rest_over_what_both_systems_may_say(storm: Storm, cannot_know: str) -> None:
    asyncio.run(between_two(storm, replace(OWNERSHIP, cannot_know=cannot_know)))


@pytest.mark.anyio
@pytest.mark.parametrize("cannot_know", ["hold", "newest"])
async def test_two_hubs_that_heard_two_edits_in_different_order_do_not_write_against_each_other(
    cannot_know: str,
) -> None:
    """Each tells the other system what it heard first, and so takes the other's word for the answer to it."""
    storm = [
        *[("edit", "crm", 0, 1), ("edit", "erp", 1, 1)],
        *[("deliver", "crm", "whole", 0), ("deliver to other", "erp", "whole", 0)],
    ]
    await between_two(storm, replace(OWNERSHIP, cannot_know=cannot_know))


@pytest.mark.anyio
async def test_a_hub_whose_mark_is_not_known_begins_no_loop() -> None:
    storm = [("edit", "erp", 3, 0), ("edit", "crm", 0, 400), ("edit", "erp", 1, 400), ("edit", "crm", 6, 0)]
    await between_two(storm, OWNED, both_know=False)
