"""What the hub knew before it had an index, or under other keys, is found by it: all of it, once, whoever dies."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from tests.engine import Engine, engine_with
from tests.stores import Stores

from crossdock.canonical.party import Contact, ExternalReference, Party, Person, PersonName
from crossdock.durable.records import Commit, EffectStep, Outcome
from crossdock.identity.golden.contributions import RecordState, Statement
from crossdock.identity.golden.fields import fields_of
from crossdock.identity.golden.ledger import PAGE_ROWS_MAX, TakeChange, record_key
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import Features
from crossdock.identity.recognition.profiles import profile_of
from crossdock.processes import customer_indexing
from crossdock.processes.customer_indexing import CustomerIndexing
from crossdock.storage.transaction import Transaction

pytestmark = pytest.mark.anyio
PEOPLE = 2 * PAGE_ROWS_MAX + 10
"""Three pages."""


@pytest.fixture
async def engine(stores: Stores) -> AsyncIterator[Engine]:
    async with engine_with(await stores.open(), stores.clock) as engine:
        yield engine


def somebody(number: int) -> Party:
    email = f"customer.{number}@mail.example.net"
    return Party(
        kind="person",
        person=Person(name=PersonName(given="Anna", family="Seidl")),
        contact=Contact(email=email, email_verified=True),
    )


def reference(number: int) -> ExternalReference:
    return ExternalReference("crm", "Contact", f"{number:04}")


async def known(engine: Engine, *numbers: int, state: RecordState | None = None) -> None:
    """The ledger knows these customers, the index does not."""
    effects = tuple(
        EffectStep(
            str(number),
            TakeChange(
                record=reference(number),
                party_id=f"P-{number:04}",
                statement=Statement(fields=fields_of(somebody(number)), said_at=1, counted_at=1, arrived_at=1),
                state=state,
            ),
        )
        for number in numbers
    )
    await engine.worker.commit(Commit(effects=effects))


class Committing:
    """The committer, which dies after so many commits; `meanwhile` is done between a page and its commit."""

    def __init__(self, engine: Engine, commits_max: int = 1_000) -> None:
        self._engine, self._left, self.effects = engine, commits_max, 0
        self.meanwhile: str = ""

    async def __call__(self, commit: Commit) -> Outcome:
        if not self._left:
            raise asyncio.CancelledError
        self._left -= 1
        self.effects += len(commit.effects)
        if self.meanwhile:
            sql, self.meanwhile = self.meanwhile, ""
            await self._engine.store._write(lambda tx: tx.execute(sql, ()))
        return await self._engine.committer.submit(commit)


def indexing(engine: Engine, committing: Committing, worker_id: str = "") -> CustomerIndexing:
    worker_id = worker_id or engine.worker.worker_id
    return CustomerIndexing(engine.store, engine.store, committing, lambda: worker_id, engine.clock)


async def found(engine: Engine, numbers: Sequence[int]) -> list[str]:
    """The parties to which people like these lead."""
    parties = []
    for number in numbers:
        nearby = await engine.store.look_nearby("new", keys_of(features_of(profile_of(somebody(number)))))
        parties.append(nearby.candidates[0].party_id if nearby.candidates else "")
    return parties


async def test_whoever_the_ledger_knows_is_found_once_the_index_is_filled(engine: Engine) -> None:
    await known(engine, *range(PEOPLE))
    await known(engine, PEOPLE, state="deleted")
    assert await found(engine, [0]) == [""]
    await indexing(engine, Committing(engine)).fill()
    looked_for = [0, PAGE_ROWS_MAX, PEOPLE - 1]
    assert await found(engine, looked_for) == [f"P-{number:04}" for number in looked_for]
    assert await found(engine, [PEOPLE]) == [""], "who is gone leads nobody anywhere"


async def test_another_worker_goes_on_where_one_died_and_a_third_has_nothing_to_do(engine: Engine) -> None:
    await known(engine, *range(PEOPLE))
    with pytest.raises(asyncio.CancelledError):
        await indexing(engine, Committing(engine, commits_max=1), worker_id="dead").fill()
    second, third = Committing(engine), Committing(engine)
    await indexing(engine, second).fill()
    assert second.effects == PEOPLE - PAGE_ROWS_MAX
    await indexing(engine, third, worker_id="third").fill()
    assert third.effects == 0
    assert await found(engine, [0, PEOPLE - 1]) == ["P-0000", f"P-{PEOPLE - 1:04}"]


async def test_who_does_not_fill_it_waits_until_it_is_filled(engine: Engine) -> None:
    await known(engine, 1)
    name = customer_indexing.CURSOR
    assert await engine.store.hold_cursor(name, engine.worker.worker_id) == ""
    idle = Committing(engine)
    standby = indexing(engine, idle, worker_id="other")
    filling = asyncio.get_running_loop().create_task(standby.fill())
    waiting = asyncio.get_running_loop().create_task(standby.wait())
    await asyncio.sleep(0)
    await indexing(engine, Committing(engine)).fill()
    while not filling.done():
        engine.clock.advance(customer_indexing.LOOK_SECONDS)
        await asyncio.sleep(0.001)
    await asyncio.wait_for(waiting, 60)
    assert idle.effects == 0


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [("party_id = 'P-other'", "P-other"), ("state = 'deleted'", "")],
)
async def test_a_record_that_is_moved_or_goes_while_its_page_is_made_stands_as_the_ledger_has_it(
    engine: Engine, meanwhile: str, expected: str
) -> None:
    await known(engine, 1)
    committing = Committing(engine)
    committing.meanwhile = f"UPDATE cross_reference SET {meanwhile}"
    await indexing(engine, committing).fill()
    assert await found(engine, [1]) == [expected]


async def test_a_record_that_stands_elsewhere_is_moved_to_where_the_ledger_has_it(engine: Engine) -> None:
    await known(engine, 1)
    await indexing(engine, Committing(engine)).fill()

    def move(tx: Transaction) -> None:
        tx.execute("UPDATE cross_reference SET party_id = 'P-other'", ())
        tx.execute("DELETE FROM cursor", ())

    await engine.store._write(move)
    await indexing(engine, Committing(engine)).fill()
    assert (await engine.store.look_nearby(record_key(reference(1)), ())).party_id == "P-other"
    assert await found(engine, [1]) == ["P-other"]


async def test_other_keys_are_in_the_index_once_a_release_with_them_has_begun(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known(engine, 1)

    def earlier_keys(_features: Features) -> tuple[int, ...]:
        return (4711,)

    with monkeypatch.context() as patch:
        patch.setattr(customer_indexing, "CURSOR", "match-index:keys-0")
        patch.setattr(customer_indexing, "keys_of", earlier_keys)
        await indexing(engine, Committing(engine)).fill()
        assert await found(engine, [1]) == [""]
    await indexing(engine, Committing(engine)).fill()
    assert await found(engine, [1]) == ["P-0001"]
    assert not (await engine.store.look_nearby("new", (4711,))).candidates


async def test_a_record_that_fits_no_field_does_not_hold_up_the_rest(engine: Engine) -> None:
    await known(engine, 1, 2)

    def spoil(tx: Transaction) -> None:
        tx.update("contribution", ("said",), ("record", "field"), [(b"7", record_key(reference(1)), "kind")])

    await engine.store._write(spoil)
    await indexing(engine, Committing(engine)).fill()
    assert [(await engine.store.look_nearby(record_key(reference(one)), ())).party_id for one in (1, 2)] == [
        "",
        "P-0002",
    ]
