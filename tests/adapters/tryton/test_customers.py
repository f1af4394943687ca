"""Customers on a real Tryton, beyond what every dock promises: terms that finance changes, twins, odd keys."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from tests.adapters.tryton.bench import TrytonBench

from crossdock.adapters.tryton import ADAPTER, codec, customers
from crossdock.adapters.tryton.adapter import TrytonDock
from crossdock.adapters.tryton.party_mapping import reference_to
from crossdock.canonical.party import Contact, Party, PaymentTerms, TaxProfile
from crossdock.identity.golden.fields import fields_of, party_of
from crossdock.kit.clock import MICROSECONDS, SystemClock
from crossdock.kit.errors import Conflict, Rejected, Unavailable, Unsupported
from crossdock.ports.customer_sink import CustomerErasure, CustomerMerge, CustomerRecord, CustomerWrite
from crossdock.ports.customer_source import CustomerArrival
from crossdock.ports.order_source import Gap
from crossdock.testing.builders import a_company
from crossdock.testing.conformance.customer_source import arrivals_of, changes_of, hear
from crossdock.transport.loopback import Response

pytestmark = [pytest.mark.anyio, pytest.mark.tryton]

PHONE = "+49 30 5550177"


async def test_terms_that_finance_changes_are_heard(bench: TrytonBench, dock: TrytonDock) -> None:
    party = await bench.party("C-1001")
    (row,) = await bench.admin.search_read("party.party", [("id", "=", party)], ["customer_payment_term"])
    terms = await bench.admin.search_read("account.invoice.payment_term", [("name", "=", "Immediate")], ["id"])
    since = bench.clock.now()
    await bench.change(
        "party.party",
        party,
        {"customer_payment_term": terms[0]["id"]},
        {"customer_payment_term": row["customer_payment_term"]},
    )

    gap = Gap(since=since, until=bench.clock.now() + 60 * MICROSECONDS, reason="test")
    heard = arrivals_of([batch async for batch in dock.refill_customers(gap)])

    change = changes_of(heard, reference_to(party))[-1]
    told = fields_of(change.says)
    assert (told["terms.code"], told["terms.days_net"], told["account.number"]) == ("Immediate", 0, "C-1001")
    assert change.origin == ""


async def test_who_is_deleted_while_he_is_read_is_asked_for_again(bench: TrytonBench, dock: TrytonDock) -> None:
    words = 'You are trying to read records "12" on "Party" that don\'t exist anymore.'
    body = codec.dumps({"id": 1, "error": ["UserError", [words, "", None]]})
    bench.proxy.next_answer = Response(body=body, headers={"content-type": "application/json"})
    with pytest.raises(Unavailable):
        await dock.read_customers([reference_to(12)])


async def test_tax_numbers_are_made_replaced_and_put_aside_where_that_is_set(bench: TrytonBench) -> None:
    settings = {**bench.settings, "tax_identifiers": {"DE": "eu_vat", "GB": "gb_vat"}}
    dock: TrytonDock = ADAPTER.make_dock(ADAPTER.load_settings(settings), SystemClock())
    await dock.open()
    try:
        says = replace(a_company(), tax=TaxProfile(number="DE129273398"))
        (made,) = await dock.write_customers([CustomerWrite(key="XDTAX", says=says)])
        assert isinstance(made, CustomerRecord)
        shown, kept = [fields_of(made.says)["tax.number"]], dict[str, object]()
        for count, number in enumerate(["DE136695976", "GB980780684", None, "DE129273398"]):
            write = CustomerWrite(
                key=f"XDTAX{count}", record=made.record, says=Party(tax=TaxProfile(number=number))
            )
            (done,) = await dock.write_customers([write])
            assert isinstance(done, CustomerRecord)
            shown.append(fields_of(done.says)["tax.number"])
            kept |= fields_of(done.kept) if number == "GB980780684" else {}
    finally:
        await dock.close()

    assert shown == ["DE129273398", "DE136695976", "980 7806 84", None, "DE129273398"]
    assert kept["tax.number"] == "980 7806 84", "which is how it keeps it"


async def test_a_party_that_is_closed_and_opened_again_keeps_its_record(
    bench: TrytonBench, dock: TrytonDock
) -> None:
    (made,) = await dock.write_customers([CustomerWrite(key="XDCLOSED", says=a_company())])
    assert isinstance(made, CustomerRecord)
    since, party = bench.clock.now(), int(made.record.value)

    async def told() -> tuple[object, str]:
        gap = Gap(since=since, until=bench.clock.now() + 60 * MICROSECONDS, reason="test")
        heard = arrivals_of([batch async for batch in dock.refill_customers(gap)])
        change = changes_of(heard, made.record)[-1]
        return fields_of(change.says)["account.status"], change.kind

    await bench.admin.write("party.party", [party], {"active": False})
    assert await told() == ("closed", "changed")
    (closed,) = await dock.read_customers([made.record])
    assert closed is not None
    (written,) = await dock.write_customers(
        [CustomerWrite(key="XDWHILE", record=made.record, says=Party(contact=Contact(phone=PHONE)))]
    )
    assert isinstance(written, CustomerRecord)
    assert await dock.find_customer(key="XDCLOSED") is not None

    await bench.admin.write("party.party", [party], {"active": True})
    assert await told() == ("active", "changed")
    kept = await bench.kept_fields(made.record)
    assert kept is not None
    assert kept["contact.phone"] == PHONE


async def test_who_writes_between_two_writes_of_the_hub_is_met_by_the_second(
    bench: TrytonBench, dock: TrytonDock
) -> None:
    (made,) = await dock.write_customers([CustomerWrite(key="XDBETWEEN", says=a_company())])
    assert isinstance(made, CustomerRecord)
    assert made.says.account.number, "the number that Tryton gave it is told at once"

    async def rename() -> None:
        await bench.edit_customer(made.record, a_company("Renamed by a clerk"))

    bench.proxy.after_call["model.party.party.write"] = rename
    update = CustomerWrite(key="XDUP1", record=made.record, says=Party(contact=Contact(phone=PHONE)))
    (first,) = await dock.write_customers([replace(update, version=made.version)])
    assert isinstance(first, CustomerRecord)
    says = Party(contact=Contact(phone=None))
    (second,) = await dock.write_customers([replace(update, key="XDUP2", says=says, version=first.version)])

    assert isinstance(second, Conflict), second
    kept = await bench.kept_fields(made.record)
    assert kept is not None
    assert (kept["organisation.name"], kept["contact.phone"]) == ("Renamed by a clerk", "+49 30 5550100")


async def test_a_clerk_who_writes_while_the_stream_reads_is_not_taken_for_the_hub(
    bench: TrytonBench, dock: TrytonDock
) -> None:
    since = bench.clock.now()
    (made,) = await dock.write_customers([CustomerWrite(key="XDREAD", says=a_company())])
    assert isinstance(made, CustomerRecord)

    async def rename() -> None:
        await bench.edit_customer(made.record, a_company("Renamed by a clerk"))

    bench.proxy.after_call["model.party.identifier.search_read"] = rename  # stamps are known, parties are not
    gap = Gap(since=since, until=bench.clock.now() + 60 * MICROSECONDS, reason="test")
    heard = arrivals_of([batch async for batch in dock.refill_customers(gap)])

    told = [(change.says.organisation.name, change.origin) for change in changes_of(heard, made.record)]
    assert told == [("Renamed by a clerk", "")]


async def test_a_write_in_peace_tells_the_version_that_the_next_one_goes_by(
    bench: TrytonBench, dock: TrytonDock
) -> None:
    (made,) = await dock.write_customers([CustomerWrite(key="XDPEACE", says=a_company())])
    assert isinstance(made, CustomerRecord)
    update = CustomerWrite(key="XDUP1", record=made.record, says=Party(contact=Contact(phone=PHONE)))
    (first,) = await dock.write_customers([replace(update, version=made.version)])
    assert isinstance(first, CustomerRecord)
    (seen,) = await dock.read_customers([made.record])

    assert seen is not None
    assert first.version == seen.version


@pytest.mark.parametrize("among", [1, 12])
async def test_of_several_deleted_parties_each_is_told(bench: TrytonBench, dock: TrytonDock, among: int) -> None:
    since = bench.clock.now() - MICROSECONDS
    made = await bench.admin.create("party.party", [{"name": f"Gone {index}"} for index in range(among)])
    await bench.admin.command("model.party.party.delete", made)

    gap = Gap(since=since, until=bench.clock.now() + 60 * MICROSECONDS, reason="test")
    heard = arrivals_of([batch async for batch in dock.refill_customers(gap)])

    for party in made:
        (change,) = changes_of(heard, reference_to(party), "deleted")
        assert (change.says, change.origin) == (Party(), "")
    bench.proxy.rows["model.ir.model.log.search_read"] = 0
    assert await dock.count_changed_customers(gap) >= among
    lines = await bench.admin.search_read("ir.model.log", [("event", "=", "delete")], ["id"])
    assert bench.proxy.rows["model.ir.model.log.search_read"] <= len(lines), (
        "a line of the log was asked about again"
    )


async def test_a_long_list_of_parties_is_asked_for_once_and_not_once_a_page(
    bench: TrytonBench, dock: TrytonDock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "PAGE_PARTIES", 7)
    since = bench.clock.now()
    made = await bench.admin.create("party.party", [{"name": f"One of many {index}"} for index in range(20)])
    bench.proxy.rows["model.party.party.search_read"] = 0

    def all_heard(arrivals: Sequence[CustomerArrival]) -> bool:
        return all(changes_of(arrivals, reference_to(party)) for party in made)

    batches = await hear(dock, f"[{since},[],{since}]", all_heard, 240)

    heard = [arrival.change.record for arrival in arrivals_of(batches) if arrival.change]
    assert [heard.count(reference_to(party)) for party in made] == [1] * 20
    # Their stamps once, then each page's stamps again with its parties; who else moved lately comes along.
    assert bench.proxy.rows["model.party.party.search_read"] <= 3 * len(heard) + len(made)


async def test_terms_are_written_by_their_name(bench: TrytonBench, dock: TrytonDock) -> None:
    says = a_company(terms=PaymentTerms(code="Net 30 days"))
    (made,) = await dock.write_customers([CustomerWrite(key="XDTERMS1", says=says)])

    assert isinstance(made, CustomerRecord)
    (kept,) = await dock.read_customers([made.record])
    assert kept is not None
    assert fields_of(kept.says)["terms.days_net"] == 30


async def test_who_was_made_without_a_kind_becomes_a_person_and_a_business_again(dock: TrytonDock) -> None:
    (made,) = await dock.write_customers([CustomerWrite(key="XDKIND1", says=Party(contact=Contact(phone=PHONE)))])
    assert isinstance(made, CustomerRecord)
    seen = []
    for number, kind in enumerate(("person", "person", "organisation")):
        says = party_of({"kind": kind, "person.name.family": f"Łoś {number}"})
        (told,) = await dock.write_customers(
            [CustomerWrite(key=f"XDKIND2-{number}", says=says, record=made.record)]
        )
        assert isinstance(told, CustomerRecord), told
        (shown,) = await dock.read_customers([made.record])
        assert shown is not None
        seen.append(fields_of(shown.says)["kind"])

    assert seen == ["person", "person", "organisation"]


@pytest.mark.parametrize("key", ["XD_odd%key", "XD#twice#", "XD\\back"])
async def test_any_key_finds_its_own_customer(bench: TrytonBench, dock: TrytonDock, key: str) -> None:
    writes = [CustomerWrite(key=own, says=a_company(own)) for own in (key, "XDxodd1key", f"{key}more")]
    made = await dock.write_customers(writes)

    found = await dock.find_customer(key=key)

    assert isinstance(made[0], CustomerRecord)
    assert found is not None
    assert found.record == made[0].record


async def test_without_the_module_for_credit_limits_nothing_is_said_of_credit(
    bench: TrytonBench, dock: TrytonDock
) -> None:
    bench.proxy.alterations.append(("model.ir.model.field.search_read", lambda rows: rows.clear()))

    (blocked,) = await dock.read_customers([reference_to(await bench.party("C-1059"))])

    assert blocked is not None
    said = fields_of(blocked.says)
    assert said["account.status"] == "active"
    assert not [name for name in said if name.startswith("credit.")]


async def test_the_check_names_the_wizard_that_the_hubs_user_may_not_run(
    bench: TrytonBench, dock: TrytonDock
) -> None:
    (wizard,) = await bench.admin.search_read("ir.action.wizard", [("wiz_name", "=", "party.replace")], ["groups"])
    (hub,) = await bench.admin.search_read("res.group", [("name", "=", "Integration hub")], ["id"])
    taken, given = ({"groups": [[verb, [hub["id"]]]]} for verb in ("remove", "add"))
    assert (await dock.check()).ok
    await bench.change("ir.action.wizard", wizard["id"], taken, given)

    check = await dock.check()

    assert not check.ok
    assert check.detail == "the hub's user may not run the wizard party.replace"


async def test_links_are_unsupported_and_change_nothing(bench: TrytonBench, dock: TrytonDock) -> None:
    writes = [CustomerWrite(key=f"XDLINK{index}", says=a_company()) for index in range(2)]
    records = [made.record for made in await dock.write_customers(writes) if isinstance(made, CustomerRecord)]

    with pytest.raises(Unsupported):
        await dock.join_customers(CustomerMerge(key="L", survivor=records[0], absorbed=records[1]))

    assert all(await dock.read_customers(records))


async def test_a_write_that_says_nothing_tryton_keeps_is_no_call(bench: TrytonBench, dock: TrytonDock) -> None:
    (made,) = await dock.write_customers([CustomerWrite(key="XDNOTHING", says=a_company())])
    assert isinstance(made, CustomerRecord)
    before = await bench.write_calls()

    (outcome,) = await dock.write_customers([CustomerWrite(key="XDUP", record=made.record, says=Party())])

    assert isinstance(outcome, CustomerRecord)
    assert await bench.write_calls() == before


async def test_a_party_is_erased_by_trytons_own_wizard_with_those_that_it_replaced(
    bench: TrytonBench, dock: TrytonDock
) -> None:
    records = []
    for key in ("XDERASE1", "XDERASE2"):
        (made,) = await dock.write_customers([CustomerWrite(key=key, says=a_company())])
        assert isinstance(made, CustomerRecord)
        records.append(made.record)
    survivor, absorbed = records
    await bench.merge_customers(survivor, absorbed)

    for _ in range(2):
        await dock.erase_customer(CustomerErasure(key="E1", record=survivor))

    fields = ["name", "code", "active", "addresses.city", "contact_mechanisms.value", "identifiers.code"]
    domain = [("id", "in", [int(record.value) for record in records]), ("active", "in", [True, False])]
    for row in await bench.admin.search_read("party.party", domain, fields):
        assert (row["name"], bool(row["active"])) == (None, False)
        assert {one["city"] for one in row["addresses."]} <= {None}
        assert {one["value"] for one in row["contact_mechanisms."]} <= {"****"}
    (empty,) = await dock.read_customers([survivor])
    assert empty is not None
    said = fields_of(empty.says)
    assert not {name for name in ("organisation.name", "contact.email", "contact.phone") if said[name]}


async def test_a_party_with_whom_something_is_open_is_not_erased_and_stays_open(
    bench: TrytonBench, dock: TrytonDock
) -> None:
    (made,) = await dock.write_customers([CustomerWrite(key="XDPENDING", says=a_company())])
    assert isinstance(made, CustomerRecord)
    party = int(made.record.value)
    (sale,) = await bench.admin.create("sale.sale", [{"party": party}])

    with pytest.raises(Rejected) as refusal:
        await dock.erase_customer(CustomerErasure(key="E1", record=made.record))

    assert (refusal.value.code, refusal.value.vendor_code) == (
        "erasure-pending",
        "sale.msg_erase_party_pending_sale",
    )
    kept = await bench.kept_fields(made.record)
    assert kept is not None
    assert (kept["account.status"], kept["contact.email"]) == ("active", "office@anvil.example")

    await bench.admin.button("sale.sale", "cancel", [sale])
    await dock.erase_customer(CustomerErasure(key="E1", record=made.record))
