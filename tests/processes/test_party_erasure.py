"""Who is erased is gone from every system, the database and restored backups, and is known if they come."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.processes.books import SYSTEMS, CustomerHub, customer_hub
from tests.processes.test_customer_privacy import MARKED, everything_in_files, everything_in_postgres
from tests.processes.test_customer_storm import OWNERSHIP, come_to_rest
from tests.stores import Stores

from crossdock.contracts.customers import customer_subject
from crossdock.durable.records import ERASED, Commit, RunState
from crossdock.identity.golden.work import TouchedParty
from crossdock.identity.privacy.erasing import NAME_LEFT, ErasureAsked
from crossdock.kit.clock import seconds_to_us
from crossdock.kit.errors import Rejected
from crossdock.ports.customer_sink import CustomerErasure
from crossdock.processes.party_erasure import ASK_AGAIN_SECONDS
from crossdock.storage.schema import METADATA
from crossdock.storage.transaction import Transaction

pytestmark = pytest.mark.anyio

PERSONAL = ("contact.email", "contact.phone", "person.name.given", "shipping.default.address.city")


@pytest.fixture
async def hub(databases: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(databases, OWNERSHIP) as hub:
        yield hub


async def known_customer(hub: CustomerHub) -> dict[str, str]:
    """One customer with a record on both sides; their numbers."""
    numbers = {system: hub.books[system].make({"kind": "person", **MARKED}) for system in SYSTEMS}
    await hub.link(numbers)
    await come_to_rest(hub)
    return numbers


async def erase(hub: CustomerHub, party_id: str = "P-1") -> RunState:
    """Ask for an erasure and let time pass; how its run stands then."""
    asked = ErasureAsked(erasure_id=f"E-{party_id}", party_id=party_id, by="dpo", reason="Art. 17")
    start = hub.erasure.start(asked.erasure_id, asked)
    await hub.engine.worker.commit(Commit(starts=(start,)))
    for _round in range(3):
        await hub.engine.settle()
        hub.clock.advance(400)
        await hub.pump()
    await hub.engine.settle()
    found = await hub.store.find_run(start.run_id)
    assert found is not None
    return found.state


async def refusals(hub: CustomerHub, party_id: str = "P-1") -> list[tuple[str, str]]:
    """Who refused an erasure, and for what, as the audit has it."""
    said = await hub.store.list_audit(run_id=customer_subject(party_id))
    return [(each.actor, each.reason) for each in said if each.verb == "erase-refused"]


async def test_an_erasure_clears_every_system_and_leaves_nothing_to_read_here(
    hub: CustomerHub, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    numbers = await known_customer(hub)
    assert await erase(hub) is RunState.DONE
    for system, number in numbers.items():
        card = hub.books[system].card(number)
        assert not {name: card[name] for name in PERSONAL if card.get(name)}
        assert card["person.name.family"] == NAME_LEFT
        assert card["consents.email.status"] == "opt_out"
    party = await hub.store.read_party("P-1")
    assert party is not None
    assert (party.records, party.told) == ((), {})
    stored = (
        everything_in_postgres(request.getfixturevalue("migrated_postgres"))
        if hub.stores.kind == "postgres"
        else everything_in_files(tmp_path)
    )
    assert b"zyxwv" not in stored.lower()
    parked = await hub.store.list_runs(state=RunState.PARKED)
    assert not parked, "what the hub wrote comes back, and is nobody's word"


async def test_an_erasure_is_told_in_audit_and_log_without_a_number_or_value(hub: CustomerHub) -> None:
    numbers = await known_customer(hub)
    await erase(hub)
    (entry,) = [each for each in await hub.store.list_audit() if each.verb == "erase"]
    assert (entry.actor, entry.run_id, entry.reason) == ("dpo", "party/P-1", "Art. 17")
    (line,) = await hub.store.list_erasures()
    assert line.systems == {"crm": 1, "erp": 1}
    (noted,) = hub.erasure_log
    assert noted.subjects == line.subjects
    text = json.dumps(noted.subjects)
    assert not any(number in text for number in numbers.values())
    history = await hub.store.read_history("P-1")
    assert history[0].what == "erased"
    assert not any(event.record for event in history)


async def test_what_nobody_has_told_us_of_yet_is_cleared_as_well(hub: CustomerHub) -> None:
    numbers = await known_customer(hub)
    hub.books["crm"].edit(numbers["crm"], {"contact.mobile": "+49 171 5550199"})
    asked = ErasureAsked(erasure_id="E-1", party_id="P-1", by="dpo", reason="Art. 17")
    await hub.engine.worker.commit(Commit(starts=(hub.erasure.start(asked.erasure_id, asked),)))
    await hub.engine.settle()
    assert not hub.books["crm"].card(numbers["crm"]).get("contact.mobile")


async def test_work_that_waited_behind_an_erasure_ends_with_it_and_takes_nobodys_time(hub: CustomerHub) -> None:
    await known_customer(hub)
    asked = ErasureAsked(erasure_id="E-1", party_id="P-1", by="dpo", reason="Art. 17")
    touched = TouchedParty(party_id="P-1")
    behind = [hub.update.start(f"P-1@{number}", touched) for number in ("behind", "last")]
    await hub.engine.worker.commit(Commit(starts=(hub.erasure.start(asked.erasure_id, asked), *behind)))
    await come_to_rest(hub)
    found = [await hub.store.find_run(start.run_id) for start in behind]
    assert [each.state for each in found if each] == [RunState.SKIPPED, RunState.SKIPPED]


async def test_an_erased_record_that_tells_of_somebody_again_is_parked_and_not_kept(hub: CustomerHub) -> None:
    numbers = await known_customer(hub)
    await erase(hub)
    hub.books["crm"].edit(numbers["crm"], {"person.name.given": "Zyxwvanna"})
    await hub.pump()
    (parked,) = await hub.store.list_runs(state=RunState.PARKED)
    assert parked.parking is not None
    assert parked.parking.code == "customer-erased"
    assert b"Zyxwv" not in parked.input
    assert await hub.store.find_parties([hub.reference("crm", numbers["crm"])]) == {}


async def test_what_stands_in_the_way_is_told_and_nothing_is_done(hub: CustomerHub) -> None:
    numbers = await known_customer(hub)
    hub.books["erp"].edit(
        numbers["erp"],
        {
            "account.number": "C-1",
            "receivables.balance.amount": "12.50",
            "receivables.balance.currency": "EUR",
        },
    )
    hub.orders = ["O-1"]
    await come_to_rest(hub)
    assert await erase(hub) is RunState.DONE
    assert await refusals(hub) == [("crossdock", "order-open, money-owed")]
    assert hub.books["crm"].card(numbers["crm"])["person.name.given"] == "Zyxwvanna"

    hub.orders = []
    paid = {"receivables.balance.amount": "0", "receivables.balance.currency": "EUR"}
    hub.books["erp"].edit(numbers["erp"], paid)
    await come_to_rest(hub)
    hub.clock.advance(ASK_AGAIN_SECONDS)
    await come_to_rest(hub)
    assert hub.books["crm"].card(numbers["crm"])["person.name.family"] == NAME_LEFT


async def test_what_a_system_refuses_is_told_and_asked_for_again_until_it_is_done(
    hub: CustomerHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = await known_customer(hub)
    pending, asked = True, 0

    async def erase_customer(_erasure: CustomerErasure) -> None:
        nonlocal asked
        asked += 1
        if pending:
            raise Rejected("invoices are open", code="erasure-pending", system="erp")

    monkeypatch.setattr(hub.docks["erp"], "erase_customer", erase_customer)
    assert await erase(hub) is RunState.DONE
    card = hub.books["crm"].card(numbers["crm"])
    assert card["person.name.given"] == "Zyxwvanna", "nothing is cleared before the ERP consents"
    assert await refusals(hub) == [("erp", "erasure-pending")]

    hub.books["crm"].edit(numbers["crm"], {"contact.phone": "+49 30 7"})
    await come_to_rest(hub)
    assert hub.books["erp"].card(numbers["erp"])["contact.phone"] == "+49 30 7", "meanwhile work goes on"

    hub.clock.advance(ASK_AGAIN_SECONDS)
    await hub.engine.settle()
    assert asked == 2
    pending = False
    hub.clock.advance(2 * ASK_AGAIN_SECONDS)
    await come_to_rest(hub)
    assert asked == 3
    for system, number in numbers.items():
        assert hub.books[system].card(number)["person.name.family"] == NAME_LEFT
    assert len(hub.erasure_log) == 1


async def test_a_legal_hold_refuses_an_erasure_until_it_is_lifted_also_after_a_merge(hub: CustomerHub) -> None:
    numbers = await known_customer(hub)
    assert await hub.stewards.hold("P-1", by="Lena", reason="4 O 112/26")
    assert not await hub.stewards.hold("P-1", by="Lena", reason="4 O 112/26")
    other = {system: hub.books[system].make({"kind": "person", "contact.email": "o@x.org"}) for system in SYSTEMS}
    await hub.link(other, "P-2")
    await come_to_rest(hub)
    await hub.stewards.merge("P-2", "P-1", by="Ines", reason="one passport")
    await come_to_rest(hub)

    assert await erase(hub, "P-2") is RunState.DONE
    assert await refusals(hub, "P-2") == [("crossdock", "legal-hold")]
    assert hub.books["crm"].card(numbers["crm"])["person.name.given"] == "Zyxwvanna"

    hub.books["crm"].edit(numbers["crm"], {"contact.phone": "+49 30 7"})
    await come_to_rest(hub)
    assert hub.books["erp"].card(numbers["erp"])["contact.phone"] == "+49 30 7", "meanwhile work goes on"

    assert await hub.stewards.release("P-2", by="Lena", reason="settled")
    assert await hub.store.held_since("P-2") == await hub.store.held_since("P-1") == 0
    said = await hub.store.list_audit(run_id=customer_subject("P-1"))
    assert ("Lena", "hold", "4 O 112/26") in [(each.actor, each.verb, each.reason) for each in said]

    released_at = hub.clock.now()
    await come_to_rest(hub)
    assert hub.books["crm"].card(numbers["crm"])["person.name.family"] == NAME_LEFT, "it waited for nothing else"
    assert hub.clock.now() - released_at < seconds_to_us(ASK_AGAIN_SECONDS)


async def test_an_erasure_reaches_parties_that_were_merged_into_merged_ones_also_after_a_restore(
    hub: CustomerHub,
) -> None:
    await known_customer(hub)
    for party_id in ("P-2", "P-3"):
        card = {"kind": "person", "contact.email": f"{party_id}@x.org"}
        await hub.link({system: hub.books[system].make(card) for system in SYSTEMS}, party_id)
    await come_to_rest(hub)
    for survivor, absorbed in (("P-2", "P-1"), ("P-3", "P-2")):
        await hub.stewards.merge(survivor, absorbed, by="Ines", reason="one passport")
        await come_to_rest(hub)
    (run, *_) = await hub.store.list_runs(subject=customer_subject("P-1"))
    assert b"P-1" in run.input
    before = await everything_sealed(hub)
    assert await erase(hub, "P-3") is RunState.DONE

    async def is_forgotten(party_id: str) -> bool:
        history = await hub.store.read_history(party_id)
        read = [each.input for each in await hub.store.list_runs(subject=customer_subject(party_id))]
        return ERASED in read and not any(event.record for event in history)

    assert all([await is_forgotten(each) for each in ("P-1", "P-2", "P-3")])
    (line,) = hub.erasure_log
    await restore(hub, before)
    assert b"P-1" in (await hub.store.list_runs(subject=customer_subject("P-1")))[0].input
    assert await hub.store.replay_erasures([line], hub.clock.now()) == 1
    assert all([await is_forgotten(each) for each in ("P-1", "P-2", "P-3")])


async def test_who_was_forgotten_meanwhile_or_became_another_is_not_forgotten_twice(hub: CustomerHub) -> None:
    await known_customer(hub)
    await erase(hub)
    again = ErasureAsked(erasure_id="E-2", party_id="P-1", by="dpo", reason="Art. 17", attempt=1)
    await hub.engine.worker.commit(Commit(starts=(hub.erasure.start("E-2", again),)))
    await come_to_rest(hub)
    assert await hub.store.list_runs(state=RunState.PARKED) == []
    assert len(hub.erasure_log) == 1

    for party_id in ("P-3", "P-4"):
        card = {"kind": "person", "contact.email": f"{party_id}@x.org"}
        await hub.link({system: hub.books[system].make(card) for system in SYSTEMS}, party_id)
    await come_to_rest(hub)
    await hub.stewards.merge("P-3", "P-4", by="Ines", reason="one passport")
    await come_to_rest(hub)
    assert await erase(hub, "P-4") is RunState.PARKED
    (parked,) = await hub.store.list_runs(state=RunState.PARKED)
    assert parked.parking is not None
    assert parked.parking.code == "party-merged", "who was meant, a person has to say"


async def test_a_crash_between_steps_ends_in_the_same_erasure(hub: CustomerHub) -> None:
    numbers = await known_customer(hub)
    asked = ErasureAsked(erasure_id="E-9", party_id="P-1", by="dpo", reason="Art. 17")
    await hub.engine.worker.commit(Commit(starts=(hub.erasure.start("E-9", asked),)))
    await hub.restart()
    hub.clock.advance(400)
    await hub.restart()
    await hub.engine.settle()
    assert len(hub.erasure_log) == 1
    assert hub.books["erp"].card(numbers["erp"])["person.name.family"] == NAME_LEFT
    assert await hub.store.is_erased(hub.reference("erp", numbers["erp"]))


async def test_an_erasure_survives_the_restore_of_an_older_backup(hub: CustomerHub) -> None:
    numbers = await known_customer(hub)
    before = await everything_sealed(hub)
    await erase(hub)
    await restore(hub, before)
    party = await hub.store.read_party("P-1")
    assert party is not None
    assert party.told["person.name.given"] == "Zyxwvanna", "the backup knows them"
    assert await hub.store.replay_erasures(hub.erasure_log, hub.clock.now()) == 1
    party = await hub.store.read_party("P-1")
    assert party is not None
    assert (party.records, party.told) == ((), {})
    assert await hub.store.is_erased(hub.reference("crm", numbers["crm"]))
    assert await hub.store.replay_erasures(hub.erasure_log, hub.clock.now()) == 0, "once is enough"


TABLES = ("party", "cross_reference", "contribution", "subject_key", "erasure")
Rows = dict[str, tuple[list[str], list[tuple[object, ...]]]]


async def everything_sealed(hub: CustomerHub) -> Rows:
    """A backup of what matters, as it lies in the database."""

    def read(tx: Transaction) -> Rows:
        inner, kept = tx._inner, {}  # type: ignore[attr-defined]
        for table in TABLES:
            columns = sorted(column.name for column in METADATA.tables[table].columns)
            rows = inner.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            kept[table] = (columns, [tuple(row) for row in rows])
        return kept

    return await hub.store._read(read)


async def restore(hub: CustomerHub, kept: Rows) -> None:
    """Put it back."""

    def write(tx: Transaction) -> None:
        inner = tx._inner  # type: ignore[attr-defined]
        for table, (columns, rows) in kept.items():
            inner.execute(f"DELETE FROM {table}")
            inner.insert(table, columns, rows)

    await hub.store._write(write)
