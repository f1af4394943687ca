"""Matched before created: arrivals at once that are one person make one party, on every database."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import pytest
from psycopg import errors
from tests.engine import Engine, engine_with
from tests.stores import Stores

from crossdock.canonical.party import Contact, ExternalReference, Party, Person, PersonName
from crossdock.durable.codec import encode
from crossdock.durable.committer import Committer
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Commit, EffectStep, Fate, Outcome, RunState
from crossdock.durable.run import Run
from crossdock.identity.golden.contributions import Statement
from crossdock.identity.golden.fields import fields_of
from crossdock.identity.golden.ledger import TakeChange, record_key
from crossdock.identity.matching.record import PostalAddress, Profile
from crossdock.identity.recognition.index import Nearby, Settled
from crossdock.kit.errors import Unavailable
from crossdock.ports.customer_source import CustomerChange
from crossdock.processes.customer_recognition import LOOKS_MAX, MatchingRecognition, Recogniser
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.transaction import Transaction

pytestmark = pytest.mark.anyio
WORKERS = {"sqlite": 1, "memory": 1, "postgres": 4}
GIVEN = "Anna Berta Clara Dora Emma Frieda Greta Hanna Ida Julia Karl Ludwig Martin Norbert Otto Paul".split()
FAMILY = "Huber Maier Wagner Becker Hoffmann Schulz Koch Richter Klein Wolf Neumann Schwarz Braun".split()
SOURCES = ("salesforce/Contact", "commerce/Customer", "pos/Card")


def a_record(person: int, source: int, copy: int) -> Profile:
    """One of the records of one of many people: each source writes them down in its own way, some with a fault."""
    given, family = GIVEN[person % len(GIVEN)], FAMILY[person % len(FAMILY)]
    profile = Profile(
        given=given,
        family=family,
        birth_date=f"{1940 + person % 60}-{1 + person % 12:02}-{1 + person % 28:02}",
        country="DE",
        emails=(f"{given}.{family}.{person}@mail.example.net",),
    )
    changed = msgspec.structs.replace
    if source == 0:
        profile = changed(profile, phones=(f"+49 171 {5_550_000 + person}",))
    elif source == 1:
        home = PostalAddress(lines=(f"Seeweg {person + 1}",), postcode=f"{10_000 + person}", city="Neustadt")
        profile = changed(profile, given="", family="", name=f"{given} {family}", addresses=(home,))
    else:
        profile = changed(profile, loyalty_ids=(f"L{person:06}",), family=family.upper())
    if copy % 3 == 1:
        profile = changed(profile, emails=(profile.emails[0].upper(),), given=profile.given[:-1] or "")
    return profile


def all_records(count: int) -> list[tuple[int, str, Profile]]:
    """Who it is, under which key, with which profile; the records of one person stand side by side."""
    people = count // 10
    return [
        (person, f"{SOURCES[copy % 3]}/{person}-{copy}", a_record(person, copy % 3, copy))
        for person in range(people)
        for copy in range(10)
    ]


@asynccontextmanager
async def committers(stores: Stores, count: int) -> AsyncIterator[list[tuple[SqlStore, Committer]]]:
    """So many workers that write to one database."""
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            store = await stores.open()
            committer = Committer(store, stores.clock)
            committer.start()
            stack.push_async_callback(committer.close)
            made.append((store, committer))
        yield made


async def parties_of(store: SqlStore, records: Sequence[str]) -> list[str]:
    return [(await store.look_nearby(record, ())).party_id for record in records]


@pytest.mark.timeout(900)
async def test_ten_records_each_of_many_people_that_arrive_at_once_make_one_party_each(
    stores: Stores, request: pytest.FixtureRequest
) -> None:
    arrivals = all_records(int(request.config.getoption("--arrivals")))
    async with committers(stores, WORKERS[stores.kind]) as workers:
        recognisers = [Recogniser(store) for store, _ in workers]
        answers = await asyncio.gather(
            *(
                recognisers[place % len(workers)].place(workers[place % len(workers)][1].submit, record, profile)
                for place, (_, record, profile) in enumerate(arrivals)
            )
        )
        store = workers[0][0]
        found = defaultdict(set)
        for (person, _, _), answer in zip(arrivals, answers, strict=True):
            found[person].add(answer.party_id)
        several = {person: parties for person, parties in found.items() if len(parties) > 1}
        assert several == {}
        assert len(set().union(*found.values())) == len(arrivals) // 10
        assert Counter(answer.fate for answer in answers) == {"settled": len(arrivals)}
        decided = sum((recogniser.outcomes for recogniser in recognisers), Counter())
        assert decided == {"new": len(arrivals) // 10, "link": len(arrivals) - len(arrivals) // 10}
        stored = await parties_of(store, [record for _, record, _ in arrivals])
        assert stored == [answer.party_id for answer in answers]


@pytest.mark.postgres
async def test_workers_that_want_the_same_keys_the_other_way_round_wait_and_do_not_block_each_other(
    postgres_only: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = []
    once = PostgresStore._transact_once

    def transact(store: PostgresStore, work: Callable[[Transaction], object]) -> object:
        try:
            return once(store, work)
        except errors.DeadlockDetected as error:
            blocked.append(error)
            raise

    monkeypatch.setattr(PostgresStore, "_transact_once", transact)
    arrivals = all_records(120)
    async with committers(postgres_only, 2) as workers:
        halves = (arrivals, list(reversed(arrivals)))
        await asyncio.gather(
            *(
                Recogniser(store).place(committer.submit, f"{number}/{record}", profile)
                for number, ((store, committer), half) in enumerate(zip(workers, halves, strict=True))
                for _, record, profile in half
            )
        )
    assert blocked == []


def recording(recogniser: Recogniser) -> Process[Profile]:
    """A process that settles whose a record is in its own commits."""

    async def body(run: Run, profile: Profile) -> Settled:
        return await recogniser.settle(run, "recognise", run.run_id, profile)

    return Process(
        name="recording",
        version=1,
        input=Profile,
        body=body,
        subject=lambda profile: f"till/{profile.loyalty_ids[0]}",
        stake=lambda _profile: Stake(domain="service", severity=1),
    )


async def test_runs_at_once_settle_in_their_own_commits_and_again_after_a_crash(stores: Stores) -> None:
    store = await stores.open()
    process = recording(Recogniser(store))
    profiles = [
        msgspec.structs.replace(
            a_record(person, 2, 0), customer_numbers=(f"{person}",), loyalty_ids=(f"{person}-{copy}",)
        )
        for person in range(4)
        for copy in range(5)
    ]
    async with engine_with(store, stores.clock, process) as engine:
        starts = tuple(process.start(str(place), profile) for place, profile in enumerate(profiles))
        await engine.worker.commit(Commit(starts=starts))
        await engine.crash()
        await engine.begin()
        await engine.settle()
        views = [await engine.view(process.run_id(str(place))) for place in range(len(profiles))]
    assert {view.state for view in views} == {RunState.DONE}
    parties = await parties_of(store, [view.run_id for view in views])
    assert [len(set(parties[start : start + 5])) for start in range(0, 20, 5)] == [1, 1, 1, 1]
    assert len(set(parties)) == 4


class _Restless:
    """An index in which somebody comes between every look and its commit."""

    def __init__(self) -> None:
        self.looks = 0

    async def look_nearby(self, _record: str, _keys: Sequence[int]) -> Nearby:
        self.looks += 1
        return Nearby()

    async def active_model(self) -> str:
        return ""


async def test_who_is_overtaken_again_and_again_comes_back_later() -> None:
    index = _Restless()

    async def submit(_commit: Commit) -> Outcome:
        return Outcome(Fate.APPLIED, (encode(Settled("", "look_again")),))

    with pytest.raises(Unavailable) as caught:
        await Recogniser(index).place(submit, "r", Profile(given="Anna"))  # type: ignore[arg-type]
    assert caught.value.code == "recognition-overtaken"
    assert index.looks == LOOKS_MAX


@pytest.fixture
async def engine(sqlite_only: Stores) -> AsyncIterator[Engine]:
    async with engine_with(await sqlite_only.open(), sqlite_only.clock) as engine:
        yield engine


def a_change(record: ExternalReference, says: Party, origin: str = "") -> CustomerChange:
    return CustomerChange(record=record, says=says, changed_at=1, origin=origin)


ANNA = Party(
    kind="person",
    person=Person(name=PersonName(given="Anna", family="Seidl")),
    contact=Contact(email="anna@mail.example.net", phone="+49 171 5550001"),
)
CRM, SHOP = ExternalReference("crm", "Contact", "1"), ExternalReference("shop", "Customer", "2")


async def taken(engine: Engine, change: CustomerChange, party_id: str) -> None:
    """The party ledger knows the record now."""
    statement = Statement(fields=fields_of(change.says), said_at=1, counted_at=1, arrived_at=1)
    effect = TakeChange(record=change.record, party_id=party_id, statement=statement)
    await engine.worker.commit(Commit(effects=(EffectStep("take", effect),)))


def recognising(engine: Engine) -> MatchingRecognition:
    async def filled() -> None:
        """There is nothing that the index has not."""

    recogniser = Recogniser(engine.store)
    return MatchingRecognition(recogniser, engine.store, engine.committer.submit, "us", filled)


async def test_a_change_of_a_system_is_recognised_by_what_it_says(engine: Engine) -> None:
    recognition = recognising(engine)
    first = await recognition.recognise(a_change(CRM, ANNA))
    assert await recognition.recognise(a_change(CRM, ANNA)) == first
    assert await recognition.recognise(a_change(SHOP, ANNA)) == first
    other = Party(
        person=Person(name=PersonName(given="Otto", family="Krause")), contact=Contact(email="o@x.example")
    )
    assert await recognition.recognise(a_change(ExternalReference("shop", "Customer", "3"), other)) != first


async def test_nobody_is_new_before_the_index_has_all_that_is_known(engine: Engine) -> None:
    filled = asyncio.Event()

    async def wait() -> None:
        await filled.wait()

    recogniser = Recogniser(engine.store)
    recognition = MatchingRecognition(recogniser, engine.store, engine.committer.submit, "us", wait)
    await taken(engine, a_change(CRM, ANNA), "P-1")
    assert await recognition.recognise(a_change(CRM, ANNA)) == "P-1", "whom the ledger knows does not wait"
    arriving = asyncio.get_running_loop().create_task(recognition.recognise(a_change(SHOP, ANNA)))
    for _turn in range(20):
        await asyncio.sleep(0)
    assert not arriving.done()
    filled.set()
    assert await arriving == "P-1"


async def test_a_change_of_a_known_record_moves_what_it_is_found_by_and_forgets_nothing(engine: Engine) -> None:
    recognition = recognising(engine)
    created = a_change(CRM, ANNA)
    party_id = await recognition.recognise(created)
    await taken(engine, created, party_id)
    update = a_change(CRM, Party(contact=Contact(email="seidl@post.example.org")))
    assert await recognition.recognise(update) == party_id
    by_phone = Party(
        person=Person(name=PersonName(given="Anna", family="Seidl")),
        contact=Contact(phone="+49 171 5550001", email="seidl@post.example.org"),
    )
    assert await recognition.recognise(a_change(SHOP, by_phone)) == party_id


async def test_a_number_that_is_known_says_whose_it_is_and_the_hubs_own_creations_are_waited_for(
    engine: Engine,
) -> None:
    recognition = recognising(engine)
    await taken(engine, a_change(CRM, ANNA), "P-1")
    known = Party(references=(CRM,))
    assert await recognition.recognise(a_change(SHOP, known)) == "P-1"
    assert (await engine.store.look_nearby(record_key(SHOP), ())).party_id == "P-1"
    with pytest.raises(Unavailable):
        await recognition.recognise(a_change(ExternalReference("shop", "Customer", "4"), ANNA, origin="us"))
