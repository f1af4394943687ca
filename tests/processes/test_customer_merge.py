"""Two customers become one, and two again: in the hub and in the systems, and nothing said since is lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from tests.processes.books import CustomerHub, customer_hub
from tests.stores import Stores

from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.adapters.memory.simulator.faults import LoseAnswer, RefuseBeforeCommit
from crossdock.canonical.party import ExternalReference
from crossdock.contracts.customers import CustomerMerged, CustomerUnmerged
from crossdock.durable.codec import decode
from crossdock.durable.records import Commit, EffectStep, RunState
from crossdock.identity.golden.contributions import Statement
from crossdock.identity.golden.fields import Domain, fields_of, party_of
from crossdock.identity.golden.joining import Joined, JoinParties, Merge, Unmerged, report
from crossdock.identity.golden.ledger import ChangeTaken, DecideValue, TakeChange
from crossdock.identity.golden.ownership import Merging, Ownership, Rule
from crossdock.identity.golden.survivorship import Pin
from crossdock.identity.golden.work import MergeAsked, UnmergeAsked
from crossdock.kit.errors import Conflict, CrossdockError
from crossdock.kit.failpoints import arm, disarm
from crossdock.ports.customer_sink import CustomerMerge, CustomerRecord, CustomerWrite
from crossdock.processes.customer_merge import MergeEnd

pytestmark = pytest.mark.anyio

EMAIL, PHONE, TERMS = "contact.email", "contact.phone", "terms.code"
EXEMPT = "tax.exemption.exempt"
OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, Rule(rule="owner", owner="erp", readers=("crm",)))
    | {
        Domain.CONTACT: Rule(rule="newest_valid", writers=("crm", "erp"), readers=("crm", "erp")),
        Domain.CONSENT: Rule(rule="owner", owner="crm", readers=("erp",)),
    },
    marks=("crossdock",),
    merging={"crm": Merging(on_merge="link"), "erp": Merging(on_merge="block")},
)
FINAL = replace(
    OWNERSHIP,
    merging={
        "crm": Merging(on_merge="merge", on_unmerge="recreate"),
        "erp": Merging(on_merge="merge", on_unmerge="leave"),
    },
)
ANNA = {"crm": {EMAIL: "anna@x.org"}, "erp": {EMAIL: "anna@x.org", TERMS: "N30"}}
BERTA = {"crm": {EMAIL: "berta@x.org", PHONE: "2"}, "erp": {EMAIL: "berta@x.org", PHONE: "2", TERMS: "N60"}}
ASKED = MergeAsked(merge_id="M-1", survivor="P-A", absorbed="P-B", by="Ines", reason="same passport")
BACK = UnmergeAsked(merge_id="M-1", survivor="P-A", by="Olaf", reason="mother and daughter")


@pytest.fixture
async def hub(stores: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(stores, OWNERSHIP) as hub:
        yield hub


async def two_customers(hub: CustomerHub) -> dict[str, dict[str, str]]:
    """Two customers in both systems, at rest; their numbers there."""
    numbers = {}
    for party_id, cards in (("P-A", ANNA), ("P-B", BERTA)):
        numbers[party_id] = {name: books.make(cards[name]) for name, books in hub.books.items()}
        await hub.link(numbers[party_id], party_id)
        await hub.pump()
        later(hub)
    return numbers


def later(hub: CustomerHub) -> None:
    hub.clock.advance(1_000)


async def merge(hub: CustomerHub, asked: MergeAsked = ASKED) -> MergeEnd:
    await hub.engine.worker.commit(Commit(starts=(hub.merging.start(asked.merge_id, asked),)))
    await rest(hub)
    return decode((await hub.engine.view(hub.merging.run_id(asked.merge_id))).result, MergeEnd)


async def unmerge(hub: CustomerHub, asked: UnmergeAsked = BACK) -> Unmerged:
    await hub.engine.worker.commit(Commit(starts=(hub.unmerging.start(asked.merge_id, asked),)))
    await rest(hub)
    return await told_of(hub, asked.merge_id)


async def told_of(hub: CustomerHub, merge_id: str = "M-1") -> Unmerged:
    known = await kept(hub, merge_id)
    absorbed = await hub.store.read_party(known.absorbed)
    holder = await hub.store.read_party(known.survivor)
    assert absorbed is not None
    assert holder is not None
    return report(known, holder, absorbed)


async def kept(hub: CustomerHub, merge_id: str = "M-1") -> Merge:
    found = await hub.store.read_merge(merge_id)
    assert found is not None
    return found


async def rest(hub: CustomerHub) -> None:
    """Until nothing new arrives and nothing waits for its time."""
    for _round in range(6):
        await hub.engine.settle()
        await hub.pump()
        hub.clock.advance(70)
    await hub.engine.settle()


def card(hub: CustomerHub, system: str, number: str) -> dict[str, Any] | None:
    (found,) = hub.books[system].book.read([number])
    return dict(found.card) if found else None


async def values(hub: CustomerHub, party_id: str) -> dict[str, Any]:
    found = await hub.store.read_party(party_id)
    assert found is not None
    return dict(found.told)


async def test_a_merged_customer_has_the_records_of_both_and_its_other_id_says_where_it_went(
    hub: CustomerHub,
) -> None:
    numbers = await two_customers(hub)
    assert (await merge(hub)).fate == "joined"
    survivor, retired = await hub.store.read_party("P-A"), await hub.store.read_party("P-B")
    assert survivor is not None
    assert retired is not None
    assert {record.reference.value for record in survivor.records} == {
        number for each in numbers.values() for number in each.values()
    }
    assert (retired.into, retired.records) == ("P-A", ())
    assert await hub.store.list_parties() == ["P-A"]
    told = [event for event in await hub.told("P-B") if isinstance(event, CustomerMerged)]
    assert [(event.into, event.merge_id) for event in told] == [("P-A", "M-1")]
    assert {event.what for event in await hub.store.read_history("P-B")} >= {"changed", "retired"}


async def test_the_outside_follows_as_declared_linked_in_one_blocked_in_the_other(hub: CustomerHub) -> None:
    numbers = await two_customers(hub)
    await merge(hub)
    a, b = numbers["P-A"], numbers["P-B"]
    (linked,) = hub.books["crm"].book.read([a["crm"]])
    assert linked is not None
    assert linked.links == (b["crm"],)
    assert card(hub, "erp", b["erp"]) is None, "nobody can use it any more"
    assert {repair.state for repair in (await kept(hub)).repairs} == {"done"}
    both = [card(hub, "crm", number["crm"]) for number in (a, b)]
    assert both[0] == both[1], "what holds of the one customer is shown by both of its records"
    assert await values(hub, "P-A") == {EMAIL: "berta@x.org", PHONE: "2", TERMS: "N30"}


async def test_edits_after_the_merge_survive_its_end_on_both_sides(hub: CustomerHub) -> None:
    numbers = await two_customers(hub)
    a, b = numbers["P-A"], numbers["P-B"]
    await merge(hub)
    later(hub)
    hub.books["crm"].edit(b["crm"], {EMAIL: "berta@new.org"})
    await rest(hub)
    later(hub)
    hub.books["erp"].edit(a["erp"], {TERMS: "N90"})
    await rest(hub)
    assert card(hub, "crm", a["crm"]) == {EMAIL: "berta@new.org", PHONE: "2", TERMS: "N90"}
    told = await unmerge(hub)
    assert card(hub, "crm", a["crm"]) == {EMAIL: "anna@x.org", TERMS: "N90"}
    assert card(hub, "erp", a["erp"]) == {EMAIL: "anna@x.org", TERMS: "N90"}
    assert card(hub, "crm", b["crm"]) == {EMAIL: "berta@new.org", PHONE: "2", TERMS: "N60"}
    assert card(hub, "erp", b["erp"]) == {EMAIL: "berta@new.org", PHONE: "2", TERMS: "N60"}
    assert await values(hub, "P-A") == {EMAIL: "anna@x.org", TERMS: "N90"}
    assert await values(hub, "P-B") == {EMAIL: "berta@new.org", PHONE: "2", TERMS: "N60"}
    changed = {(line.record, line.field) for line in told.kept}
    assert changed == {(f"crm/partner/{b['crm']}", EMAIL), (f"erp/partner/{a['erp']}", TERMS)}
    assert told.not_restorable == told.under_way == ()
    (linked,) = hub.books["crm"].book.read([a["crm"]])
    assert linked is not None
    assert linked.links == ()
    (event,) = [event for event in await hub.told("P-B") if isinstance(event, CustomerUnmerged)]
    assert event.parted_from == "P-A"


async def test_who_was_parted_is_never_merged_again(hub: CustomerHub) -> None:
    await two_customers(hub)
    await merge(hub)
    await unmerge(hub)
    again = replace(ASKED, merge_id="M-2")
    assert (await merge(hub, again)).fate == "apart"
    party = await hub.store.read_party("P-B")
    assert party is not None
    assert len(party.records) == 2


async def test_what_was_merged_for_good_is_said_and_made_anew_where_declared(stores: Stores) -> None:
    async with customer_hub(stores, FINAL) as hub:
        numbers = await two_customers(hub)
        a, b = numbers["P-A"], numbers["P-B"]
        await merge(hub)
        assert [card(hub, system, b[system]) for system in ("crm", "erp")] == [None, None]
        told = await unmerge(hub)
        states = {repair.system: repair for repair in (await kept(hub)).repairs}
        assert (states["crm"].state, states["erp"].state) == ("recreated", "final")
        anew = states["crm"].anew
        assert anew is not None
        assert card(hub, "crm", anew.value) == {EMAIL: "berta@x.org", PHONE: "2"}
        assert {line.record for line in told.not_restorable} == {f"{name}/partner/{b[name]}" for name in b}
        assert f"crm/partner/{anew.value}" in {line.record for line in told.restored}
        assert card(hub, "crm", a["crm"]) == {EMAIL: "anna@x.org", TERMS: "N30"}
        assert (await hub.party("crm", anew.value)).party_id == "P-B"


async def test_a_box_that_nobody_ticked_in_a_record_made_anew_is_no_word(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = MemoryDock.write_customers

    async def with_a_box(
        dock: MemoryDock, writes: Sequence[CustomerWrite]
    ) -> list[CustomerRecord | CrossdockError]:
        """A new record shows a box that it was not told of: unticked, as every new one does."""
        outcomes = await write(dock, writes)
        return [
            replace(made, says=party_of({**fields_of(made.says), EXEMPT: False}), unset=(EXEMPT,))
            if asked.record is None and isinstance(made, CustomerRecord)
            else made
            for asked, made in zip(writes, outcomes, strict=True)
        ]

    async with customer_hub(stores, FINAL) as hub:
        await two_customers(hub)
        await merge(hub)
        monkeypatch.setattr(MemoryDock, "write_customers", with_a_box)
        await unmerge(hub)
        anew = next(repair.anew for repair in (await kept(hub)).repairs if repair.system == "crm")
        assert anew is not None
        (record,) = [one for one in (await hub.party("crm", anew.value)).records if one.reference == anew]
        assert EMAIL in record.fields
        assert EXEMPT not in record.fields


async def test_decisions_come_along_and_go_back_and_later_ones_stay(hub: CustomerHub) -> None:
    await two_customers(hub)

    async def pin(party_id: str, unit: str, value: str) -> None:
        held = Pin(unit=unit, values={unit: value}, by="Ines", reason="asked", at=hub.clock.now())
        await hub.engine.worker.commit(
            Commit(effects=(EffectStep("pin", DecideValue(party_id=party_id, unit=unit, pin=held)),))
        )
        later(hub)

    await pin("P-B", PHONE, "22")
    await pin("P-A", TERMS, "N10")
    chosen = Pin(unit=TERMS, values={TERMS: "N60"}, by="Ines", reason="chosen", at=hub.clock.now())
    await merge(hub, replace(ASKED, pins=(chosen,)))
    held = await hub.store.read_party("P-A")
    assert held is not None
    assert {each.unit: each.values[each.unit] for each in held.pins} == {PHONE: "22", TERMS: "N60"}
    later(hub)
    await pin("P-A", EMAIL, "late@x.org")
    told = await unmerge(hub)
    pins = {}
    for party_id in ("P-A", "P-B"):
        found = await hub.store.read_party(party_id)
        assert found is not None
        pins[party_id] = {each.unit: each.values[each.unit] for each in found.pins}
    assert pins == {"P-A": {TERMS: "N10", EMAIL: "late@x.org"}, "P-B": {PHONE: "22"}}
    assert [line.field for line in told.kept if line.what == "pin"] == [EMAIL]


async def test_a_record_that_came_after_the_merge_stays_and_that_is_said(hub: CustomerHub) -> None:
    await two_customers(hub)
    await merge(hub)
    number = hub.books["crm"].make({EMAIL: "third@x.org"})
    await hub.link({"crm": number}, "P-B")
    await rest(hub)
    assert (await hub.party("crm", number)).party_id == "P-A", "what comes for a retired id goes where it went"
    told = await unmerge(hub)
    assert (await hub.party("crm", number)).party_id == "P-A"
    assert f"crm/partner/{number}" in {line.record for line in told.kept}


async def test_lost_answers_and_refusals_outside_do_not_lose_the_merge(hub: CustomerHub) -> None:
    numbers = await two_customers(hub)
    hub.books["crm"].surface.faults.add(LoseAnswer(on="/partners/join"))
    hub.books["erp"].surface.faults.add(LoseAnswer(on="/partners/join"))
    await merge(hub)
    assert {repair.state for repair in (await kept(hub)).repairs} == {"done"}
    hub.books["crm"].surface.faults.add(RefuseBeforeCommit(on="/partners/part"))
    hub.books["erp"].surface.faults.add(LoseAnswer(on="/partners/part"))
    assert (await unmerge(hub)).not_restorable == ()
    assert card(hub, "erp", numbers["P-B"]["erp"]) == BERTA["erp"]


async def test_what_a_system_refuses_is_kept_with_the_merge_and_nothing_stands_still(hub: CustomerHub) -> None:
    numbers = await two_customers(hub)
    b = numbers["P-B"]
    hub.books["crm"].book.delete(b["crm"])
    assert (await merge(hub)).fate == "joined"
    refused = {repair.system: (repair.state, repair.code) for repair in (await kept(hub)).repairs}
    assert refused["crm"][0] == "refused"
    assert refused["crm"][1]
    assert await hub.store.list_runs(state=RunState.PARKED) == []


async def test_who_was_merged_with_another_by_his_system_meanwhile_stays_so_and_that_is_told(
    hub: CustomerHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def join_customers(_merge: CustomerMerge) -> None:
        raise Conflict("the party was replaced meanwhile", code="record-moved-on", system="erp")

    await two_customers(hub)
    monkeypatch.setattr(hub.docks["erp"], "join_customers", join_customers)
    assert (await merge(hub)).fate == "joined"
    states = {repair.system: (repair.state, repair.code) for repair in (await kept(hub)).repairs}
    assert states == {"crm": ("done", ""), "erp": ("refused", "record-moved-on")}
    assert await hub.store.list_runs(state=RunState.PARKED) == []


async def test_merging_twice_or_what_is_one_already_changes_nothing(hub: CustomerHub) -> None:
    await two_customers(hub)
    await merge(hub)
    before = await hub.store.read_party("P-A")
    assert (await merge(hub, replace(ASKED, merge_id="M-2"))).fate == "already"
    assert (await merge(hub, replace(ASKED, merge_id="M-3", absorbed="P-?"))).fate == "unknown"
    assert await hub.store.read_party("P-A") == before
    assert await hub.store.read_merge("M-2") is None


async def test_a_merge_within_a_merge_comes_out_as_it_went_in(hub: CustomerHub) -> None:
    numbers = await two_customers(hub)
    third = {name: books.make({EMAIL: "c@x.org"}) for name, books in hub.books.items()}
    await hub.link(third, "P-C")
    await rest(hub)
    await merge(hub)
    await merge(hub, MergeAsked(merge_id="M-2", survivor="P-C", absorbed="P-A", by="Ines", reason="again"))
    assert (await hub.party("crm", numbers["P-B"]["crm"])).party_id == "P-C"
    await unmerge(hub)
    assert (await hub.party("crm", numbers["P-B"]["crm"])).party_id == "P-B"
    assert (await hub.party("crm", numbers["P-A"]["crm"])).party_id == "P-C"
    assert card(hub, "crm", numbers["P-B"]["crm"]) == BERTA["crm"] | {TERMS: "N60"}


async def test_no_second_record_is_made_while_the_blocked_one_is_set_free(stores: Stores) -> None:
    ownership = replace(OWNERSHIP, creates=("erp",))
    async with customer_hub(stores, ownership) as hub:
        numbers = await two_customers(hub)
        await merge(hub)
        # The ERP takes its time, and by then the update of the one who was parted has looked.
        hub.books["erp"].surface.faults.add(RefuseBeforeCommit(on="/partners/part"))
        assert (await unmerge(hub)).not_restorable == ()
        erp = [
            record
            for record in (await hub.party("erp", numbers["P-B"]["erp"])).records
            if record.reference.system == "erp"
        ]
        assert [(record.reference.value, record.state) for record in erp] == [(numbers["P-B"]["erp"], "live")]


async def test_what_the_erp_tells_late_of_its_block_makes_no_second_record(stores: Stores) -> None:
    async with customer_hub(stores, replace(OWNERSHIP, creates=("erp",))) as hub:
        numbers = await two_customers(hub)
        for start in (hub.merging.start("M-1", ASKED), hub.unmerging.start("M-1", BACK)):
            hub.books["erp"].surface.faults.add(RefuseBeforeCommit(on="/partners/part"))
            await hub.engine.worker.commit(Commit(starts=(start,)))
            await hub.engine.settle()
        await rest(hub)  # only now its stream is read: of the block first, and then that it is over
        present = {partner.number for partner in hub.books["erp"].book.present()}
        assert present == {each["erp"] for each in numbers.values()}
        party = await hub.party("erp", numbers["P-B"]["erp"])
        assert [each.state for each in party.records if each.reference.system == "erp"] == ["live"]


PLACES = ("run.intention_recorded", "run.effect_recorded", "run.step_done", "run.outcomes_saved")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("passing", [1, 2, 4])
async def test_a_hub_that_dies_at_any_moment_ends_what_it_began(
    sqlite_only: Stores, place: str, passing: int
) -> None:
    async with customer_hub(sqlite_only, OWNERSHIP) as hub:
        numbers = await two_customers(hub)
        await hub.engine.worker.commit(Commit(starts=(hub.merging.start("M-1", ASKED),)))
        await dies_at(hub, place, passing)
        await rest(hub)
        assert {repair.state for repair in (await kept(hub)).repairs} == {"done"}
        await hub.engine.worker.commit(Commit(starts=(hub.unmerging.start("M-1", BACK),)))
        await dies_at(hub, place, passing)
        await rest(hub)
        told = await told_of(hub)
        assert told.not_restorable == told.under_way == ()
        for party_id, cards in (("P-A", ANNA), ("P-B", BERTA)):
            assert card(hub, "erp", numbers[party_id]["erp"]) == cards["erp"]


async def dies_at(hub: CustomerHub, place: str, passing: int) -> None:
    """Die when that place is passed for that time, or at rest where it never is; then go on."""
    passed, dead = 0, asyncio.Event()

    def die(name: str) -> None:
        nonlocal passed
        passed += name == place
        if name == place and passed == passing:
            dead.set()
            raise asyncio.CancelledError

    arm(die)
    ends = [asyncio.ensure_future(hub.engine.settle()), asyncio.ensure_future(dead.wait())]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        disarm()
        for end in ends:
            end.cancel()
    await hub.restart()


async def test_a_record_that_arrives_while_its_party_is_merged_is_not_left_behind(hub: CustomerHub) -> None:
    await two_customers(hub)
    new = ExternalReference("crm", "partner", "BP-99999")
    said = Statement(fields={EMAIL: "n@x.org"}, said_at=1, counted_at=1, arrived_at=1)
    commits = [
        Commit(
            effects=(
                EffectStep(
                    "join", JoinParties(merge_id="M-9", survivor="P-A", absorbed="P-B", by="I", reason="r")
                ),
            )
        ),
        Commit(effects=(EffectStep("take", TakeChange(record=new, party_id="P-B", statement=said)),)),
    ]
    joined, taken = await asyncio.gather(*(hub.engine.worker.commit(commit) for commit in commits))
    assert decode(joined.findings[0], Joined).fate == "joined"
    assert decode(taken.findings[0], ChangeTaken).party_id in {"P-A", "P-B"}
    assert (await hub.store.find_parties([new]))[new] == "P-A"
