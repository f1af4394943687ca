"""The promises of a customer sink: one customer per key, nothing touched that was not mentioned, all found."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from crossdock.canonical.party import Contact, ExternalReference, Party, Person, PersonName
from crossdock.identity.golden.fields import fields_of
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Transient,
    Unavailable,
    Unsupported,
)
from crossdock.ports.customer_sink import CustomerMerge, CustomerRecord, CustomerWrite
from crossdock.ports.manifest import AdapterManifest, Role
from crossdock.testing.bench import CustomerBench
from crossdock.testing.builders import a_company
from crossdock.testing.conformance.manners import PERSONAL, Manners
from crossdock.testing.conformance.suite import Connect, raised
from crossdock.testing.estate import Estate

KEY = "XDCUSTOMER000000000000000001"
OTHER_KEY = "XDCUSTOMER000000000000000002"
CORRELATION = "01890f3e-7b1c-7cc2-98c4-dc0c0c07398f"
PHONE, OTHER_PHONE = "+49 30 5550111", "+49 30 5550122"


async def outcome_of(dock: Any, write: CustomerWrite) -> CustomerRecord | CrossdockError:
    """Send one write alone."""
    (outcome,) = await dock.write_customers([write])
    assert isinstance(outcome, CustomerRecord | CrossdockError)
    return outcome


async def written(dock: Any, write: CustomerWrite) -> CustomerRecord:
    """Send one write that must succeed."""
    outcome = await outcome_of(dock, write)
    if isinstance(outcome, CrossdockError):
        raise outcome
    return outcome


async def created(dock: Any, says: Party | None = None, key: str = KEY) -> ExternalReference:
    """Create a customer under `key`."""
    write = CustomerWrite(key=key, says=says or a_company(), correlation_id=CORRELATION)
    return (await written(dock, write)).record


def phoned(
    record: ExternalReference, phone: str | None = PHONE, key: str = "XDUPDATE1", **more: Any
) -> CustomerWrite:
    """A write that mentions nothing but the telephone."""
    return CustomerWrite(key=key, record=record, says=Party(contact=Contact(phone=phone)), **more)


class SinkRules(Manners):
    """The steps that the sink's rules share. `exchange` changes one field of one customer."""

    role_name = Role.CUSTOMER_SINK.value
    role = Role.CUSTOMER_SINK

    async def prepare(self, dock: Any, bench: Any, estate: Estate) -> None:
        """A customer, full of personal data."""
        name, mail, _, phone = PERSONAL
        given, _, family = name.partition(" ")
        person = Person(name=PersonName(given=given, family=family))
        says = Party(kind="person", person=person, contact=Contact(email=mail, phone=phone))
        self._record = await created(dock, says, "XDPERSON00000000000000000001")

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Give it a telephone; a lone write's error counts like a raised one."""
        return (await written(dock, phoned(self._record))).record

    @pytest.fixture
    def unique_key(self, *, unique_reference: bool) -> bool:
        """Whether the system itself refuses a second customer under the same key."""
        return unique_reference


class CreationRules(SinkRules):
    """One key, one customer."""

    async def test_a_customer_is_kept_whole(self, dock: Any, bench: CustomerBench) -> None:
        """Every field that was said is in the system, letters of every script as they are."""
        says = a_company("Größe Œuvre Łódź 漢字")

        record = await created(dock, says)

        kept = await bench.kept_fields(record)
        assert kept is not None
        said = fields_of(says)
        assert {name: kept.get(name) for name in said} == said

    async def test_the_same_key_twice_makes_one_customer(self, dock: Any, bench: CustomerBench) -> None:
        """Creating again under the same key returns the customer that is there."""
        first = await created(dock)
        second = await created(dock)

        assert second == first
        assert list(await bench.customers_under(KEY)) == [first]

    async def test_the_same_key_at_once_makes_one_customer(
        self, connect: Connect, bench: CustomerBench, *, unique_key: bool
    ) -> None:
        """Six at once, from two workers where the system knows a unique key, make one customer."""
        one = await connect()
        two = await connect() if unique_key else one

        results = await asyncio.gather(*(created(dock) for dock in (one, two) * 3), return_exceptions=True)

        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, Transient | OutcomeUnknown):
                raise result
        records = {result for result in results if isinstance(result, ExternalReference)}
        assert len(records) == 1
        assert set(await bench.customers_under(KEY)) == records

    async def test_two_keys_make_two_customers(self, dock: Any, bench: CustomerBench) -> None:
        """The same content under two keys is two customers: to tell them apart is the hub's work."""
        first, second = await created(dock), await created(dock, key=OTHER_KEY)

        assert first != second
        assert list(await bench.customers_under(OTHER_KEY)) == [second]

    async def test_the_same_key_with_other_content_is_a_conflict(self, dock: Any, bench: CustomerBench) -> None:
        """A key that was used for another customer is Conflict, and what is there stays as it is."""
        record = await created(dock)
        before = await bench.kept_fields(record)

        outcome = await outcome_of(dock, CustomerWrite(key=KEY, says=a_company("Somebody else Ltd")))

        assert isinstance(outcome, Conflict), outcome
        assert await bench.kept_fields(record) == before
        assert list(await bench.customers_under(KEY)) == [record]

    async def test_a_created_customer_is_found_by_its_key(self, dock: Any) -> None:
        """The record is found by the key, with what it says; an unknown key is None."""
        record = await created(dock)

        found = await dock.find_customer(key=KEY)

        assert found is not None
        assert found.record == record
        assert fields_of(found.says)["organisation.name"] == "Anvil & Söhne GmbH"
        assert await dock.find_customer(key="XDNEVERUSED") is None


class UpdateRules(SinkRules):
    """Only deltas, and never over somebody else's change."""

    async def test_an_update_touches_only_what_it_mentions(self, dock: Any, bench: CustomerBench) -> None:
        """One field changes; every other one stays as it was."""
        record = await created(dock)
        before = await bench.kept_fields(record)

        await written(dock, phoned(record))

        assert before is not None
        assert await bench.kept_fields(record) == {**before, "contact.phone": PHONE}

    async def test_nothing_said_leaves_and_none_clears(self, dock: Any, bench: CustomerBench) -> None:
        """`None` empties a field in the system; what is not said stays."""
        record = await created(dock)

        await written(dock, phoned(record, None))

        kept = await bench.kept_fields(record)
        assert kept is not None
        assert kept.get("contact.phone") is None
        assert kept["contact.email"] == "office@anvil.example"

    async def test_a_moved_version_is_a_conflict(self, dock: Any, bench: CustomerBench) -> None:
        """A write that holds only for a state that is past is Conflict and changes nothing."""
        record = await created(dock)
        (seen,) = await dock.read_customers([record])
        await asyncio.sleep(1.1)  # versions may be time stamps of whole seconds
        await bench.edit_customer(record, Party(contact=Contact(phone=OTHER_PHONE)))

        outcome = await outcome_of(dock, phoned(record, version=seen.version))

        assert isinstance(outcome, Conflict), outcome
        kept = await bench.kept_fields(record)
        assert kept is not None
        assert kept["contact.phone"] == OTHER_PHONE

    async def test_the_present_version_is_written(self, dock: Any, bench: CustomerBench) -> None:
        """A write for the state that is there lands."""
        record = await created(dock)
        (seen,) = await dock.read_customers([record])

        await written(dock, phoned(record, version=seen.version))

        kept = await bench.kept_fields(record)
        assert kept is not None
        assert kept["contact.phone"] == PHONE

    async def test_each_write_has_its_own_outcome(self, dock: Any, bench: CustomerBench) -> None:
        """A write about a record that is gone fails alone; those beside it land, outcomes in order."""
        records = [await created(dock, key=f"XDCUSTOMER{index}") for index in range(3)]
        await bench.remove_customer(records[1])

        outcomes = await dock.write_customers(
            [phoned(record, key=f"XDUPDATE{index}") for index, record in enumerate(records)]
        )

        assert [isinstance(outcome, CustomerRecord) for outcome in outcomes] == [True, False, True]
        assert isinstance(outcomes[1], Rejected | Conflict), outcomes[1]
        for record in (records[0], records[2]):
            kept = await bench.kept_fields(record)
            assert kept is not None
            assert kept["contact.phone"] == PHONE

    async def test_a_full_batch_is_one_call(
        self, dock: Any, bench: CustomerBench, manifest: AdapterManifest
    ) -> None:
        """`batch_max` new customers cost the system one writing call."""
        count = manifest.limits.batch_max
        before = await bench.write_calls()

        outcomes = await dock.write_customers(
            [
                CustomerWrite(key=f"XDBATCH{index:04d}", says=a_company(f"Company {index}"))
                for index in range(count)
            ]
        )

        records = [outcome.record for outcome in outcomes if isinstance(outcome, CustomerRecord)]
        assert len(set(records)) == count
        assert await bench.write_calls() == before + 1

    async def test_no_writes_are_no_call(self, dock: Any, bench: CustomerBench) -> None:
        """Writing nothing costs nothing."""
        before = await bench.write_calls()

        assert list(await dock.write_customers([])) == []

        assert await bench.write_calls() == before


class ReadingRules(SinkRules):
    """Any record can be read again and shows what landed."""

    async def test_records_are_read_as_they_are_now(self, dock: Any, bench: CustomerBench) -> None:
        """Records come in the order asked for, with all that is kept; None where one is gone."""
        records = [await created(dock, key=f"XDCUSTOMER{index}") for index in range(3)]
        await bench.edit_customer(records[0], Party(contact=Contact(phone=OTHER_PHONE)))
        await bench.remove_customer(records[1])

        first, second, third = await dock.read_customers(records)

        assert second is None
        assert (first.record, third.record) == (records[0], records[2])
        assert fields_of(first.says)["contact.phone"] == OTHER_PHONE
        assert first.version

    async def test_no_records_are_none(self, dock: Any) -> None:
        """Asking for nothing answers nothing."""
        assert list(await dock.read_customers([])) == []


class LossRules(SinkRules):
    """Whatever is lost on the way, the truth can be read."""

    async def test_a_lost_answer_is_outcome_unknown(self, dock: Any, bench: CustomerBench) -> None:
        """A creation whose answer was lost is OutcomeUnknown, is found by its key, and repeated makes no other."""
        write = CustomerWrite(key=KEY, says=a_company())
        await bench.lose_next_answer()

        outcome = await outcome_of(dock, write)

        assert isinstance(outcome, OutcomeUnknown), outcome
        found = await dock.find_customer(key=KEY)
        assert found is not None
        assert (await written(dock, write)).record == found.record
        assert list(await bench.customers_under(KEY)) == [found.record]

    async def test_a_lost_update_may_be_repeated(self, dock: Any, bench: CustomerBench) -> None:
        """An update whose answer was lost is OutcomeUnknown; the same one again succeeds, its version included."""
        record = await created(dock)
        (seen,) = await dock.read_customers([record])
        await bench.lose_next_answer()

        outcome = await outcome_of(dock, phoned(record, version=seen.version))

        assert isinstance(outcome, OutcomeUnknown), outcome
        await written(dock, phoned(record, version=seen.version))
        kept = await bench.kept_fields(record)
        assert kept is not None
        assert kept["contact.phone"] == PHONE

    async def test_what_was_not_taken_leaves_nothing_behind(self, dock: Any, bench: CustomerBench) -> None:
        """Unavailable and Throttled are raised and mean that nothing happened; the key goes through later."""
        await bench.refuse_next()
        await raised(Unavailable, outcome_of(dock, CustomerWrite(key=KEY, says=a_company())))
        with contextlib.suppress(NotImplementedError):
            await bench.throttle_next(1)
            await raised(Throttled, outcome_of(dock, CustomerWrite(key=KEY, says=a_company())))
        assert list(await bench.customers_under(KEY)) == []

        record = await created(dock)

        assert list(await bench.customers_under(KEY)) == [record]


class JoinRules(SinkRules):
    """Two records are one customer: linked, or merged."""

    async def _pair(self, dock: Any) -> tuple[ExternalReference, ExternalReference]:
        return await created(dock), await created(dock, a_company("Anvil und Söhne"), OTHER_KEY)

    async def test_merged_records_are_one(self, dock: Any, bench: CustomerBench) -> None:
        """The survivor stays with its fields, the absorbed is gone; merging again changes nothing."""
        survivor, absorbed = await self._pair(dock)
        merge = CustomerMerge(key="XDMERGE1", survivor=survivor, absorbed=absorbed, how="merge")

        joined = await dock.join_customers(merge)

        assert joined.record == survivor
        assert [record is None for record in await dock.read_customers([survivor, absorbed])] == [False, True]
        kept = await bench.kept_fields(survivor)
        assert (await dock.join_customers(merge)).record == survivor
        assert await bench.kept_fields(survivor) == kept

    async def test_a_lost_merge_may_be_repeated(self, dock: Any, bench: CustomerBench) -> None:
        """A merge whose answer was lost is OutcomeUnknown; the same one again succeeds."""
        survivor, absorbed = await self._pair(dock)
        merge = CustomerMerge(key="XDMERGE1", survivor=survivor, absorbed=absorbed, how="merge")
        await bench.lose_next_answer()

        await raised(OutcomeUnknown, dock.join_customers(merge))

        assert (await dock.join_customers(merge)).record == survivor
        assert await bench.kept_fields(absorbed) is None

    async def test_linked_records_both_stay(self, dock: Any) -> None:
        """Both records stay, and say of each other that they are the same; linking again changes nothing."""
        survivor, absorbed = await self._pair(dock)
        link = CustomerMerge(key="XDLINK1", survivor=survivor, absorbed=absorbed, how="link")

        for _ in range(2):
            assert (await dock.join_customers(link)).record == survivor

        both: Sequence[Any] = await dock.read_customers([survivor, absorbed])
        assert all(record is not None for record in both)

    async def test_what_was_linked_or_blocked_is_parted_again(self, dock: Any, manifest: AdapterManifest) -> None:
        """Parted records are as before they were joined, also when parted twice; the manifest says what it can."""
        survivor, absorbed = await self._pair(dock)
        done = set()
        for how in ("link", "block"):
            merge = CustomerMerge(key=f"XD{how}", survivor=survivor, absorbed=absorbed, how=how)
            with contextlib.suppress(Unsupported):
                await dock.join_customers(merge)
                for _ in range(2):
                    assert (await dock.part_customers(merge)).record == absorbed
                done.add(how)
            both: Sequence[Any] = await dock.read_customers([survivor, absorbed])
            assert all(record is not None for record in both)
        assert done == manifest.joins - {"merge"}

    async def test_a_merge_comes_apart_or_is_final(self, dock: Any, bench: CustomerBench) -> None:
        """A merge is taken back, also twice, with the fields as they were; or it is final, and that is told."""
        survivor, absorbed = await self._pair(dock)
        before = await bench.kept_fields(absorbed)
        merge = CustomerMerge(key="XDMERGE1", survivor=survivor, absorbed=absorbed, how="merge")
        belongings = await dock.list_belongings(absorbed)
        await dock.join_customers(merge)

        try:
            for _ in range(2):
                assert (await dock.part_customers(merge)).record == absorbed
                assert list(await dock.return_belongings(merge, belongings.records)) == [
                    None for _ in belongings.records
                ]
        except Unsupported:
            assert belongings.records == ()
            assert (await dock.read_customers([absorbed]))[0] is None
        else:
            assert await bench.kept_fields(absorbed) == before
        assert (await dock.read_customers([survivor]))[0] is not None

    async def test_joining_with_nobody_is_refused(self, dock: Any) -> None:
        """A record that does not exist is Rejected or Conflict, and the other one stays."""
        survivor = await created(dock)
        nobody = ExternalReference(survivor.system, survivor.kind, survivor.value[:-1] + "Z")
        merge = CustomerMerge(key="XDMERGE1", survivor=survivor, absorbed=nobody, how="merge")

        with pytest.raises((Rejected, Conflict)):
            await dock.join_customers(merge)

        assert (await dock.read_customers([survivor]))[0] is not None


class CustomerSinkConformance(CreationRules, UpdateRules, ReadingRules, LossRules, JoinRules):
    """Everything a customer sink promises. The bench is a `CustomerBench`."""
