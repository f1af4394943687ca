"""For which business a person stands: written and told where Tryton keeps it, and said why where it does not."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace
from tests.adapters.tryton.bench import TrytonBench
from tests.adapters.tryton.test_party_mapping import a_row

from crossdock.adapters.tryton import ADAPTER, party_mapping
from crossdock.adapters.tryton.client import TrytonClient
from crossdock.adapters.tryton.relationships import Relationships
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.canonical.party import Contact, Hierarchy, Party, PartyReference, Person, PersonName
from crossdock.identity.golden.fields import fields_of
from crossdock.kit.clock import SystemClock
from crossdock.kit.redaction import Secret
from crossdock.ports.customer_sink import CustomerRecord, CustomerWrite

pytestmark = pytest.mark.anyio

SETTINGS = TrytonSettings(base_url="http://127.0.0.1:1", database="x", user="hub", password=Secret("x"))
OF_12 = {
    "hierarchy.relation": "contact",
    "hierarchy.parent.system": "erp",
    "hierarchy.parent.kind": "party.party",
    "hierarchy.parent.value": "12",
}


class Tryton:
    """As much of a client as relations ask for."""

    def __init__(self, *types: int, active: bool = True) -> None:
        self.types, self.active = types, active

    async def has_field(self, _model: str, _field: str) -> bool:
        return self.active

    async def search_read(self, *_asked: Any) -> Sequence[dict[str, Any]]:
        return [{"id": one} for one in self.types]


def relationships(tryton: Tryton, **changes: Any) -> Relationships:
    return Relationships(cast("TrytonClient", tryton), replace(SETTINGS, **changes))


async def test_a_new_contact_is_related_to_his_business_in_the_same_call() -> None:
    asked = relationships(Tryton(7, 5))
    assert await asked.values(OF_12) == {"relations": [["create", [{"to": 12, "type": 5}]]]}
    assert await asked.exempt() == ""
    assert await asked.values({**OF_12, "hierarchy.relation": "branch"}) == {}
    assert await asked.values({**OF_12, "hierarchy.parent.value": None}) == {}


@pytest.mark.parametrize(
    ("tryton", "changes", "reason"),
    [
        (Tryton(5, active=False), {}, "the module party_relationship is not activated"),
        (Tryton(), {}, "there is no type of relation 'Contact of'"),
        (Tryton(5), {"contact_relation": ""}, "are not wanted"),
    ],
)
async def test_where_relations_are_not_kept_nothing_is_written_and_the_check_says_why(
    tryton: Tryton, changes: dict[str, Any], reason: str
) -> None:
    asked = relationships(tryton, **changes)
    assert await asked.values(OF_12) == {}
    assert reason in await asked.exempt()


def test_a_party_tells_the_business_it_stands_for_by_the_relation_that_was_made_first() -> None:
    def related(number: int, to: int, name: str = "Contact of", *, active: bool = True) -> dict[str, Any]:
        return {"id": number, "to": to, "active": active, "type": 1, "type.": {"id": 1, "name": name}}

    ended, family = related(2, 10, active=False), related(4, 11, "Married to")
    row = a_row(relations=[8, 6], **{"relations.": [related(8, 13), related(6, 12), ended, family]})
    said = party_mapping.stands_for(row, "Contact of")
    assert said == {**OF_12, "hierarchy.parent.system": "tryton"}
    assert party_mapping.stands_for(a_row(**{"relations.": []}), "Contact of") == dict.fromkeys(OF_12)
    assert party_mapping.stands_for(a_row(), "Contact of") == {}, "nothing is known where none are kept"


@pytest.mark.tryton
async def test_a_real_tryton_keeps_whom_a_contact_stands_for(bench: TrytonBench) -> None:
    dock = ADAPTER.make_dock(ADAPTER.load_settings(bench.settings), SystemClock())
    await dock.open()
    try:
        assert (await dock.check()).detail == "ready"
        business = CustomerWrite(key="REL-1", says=Party(kind="organisation"))
        (made,) = await dock.write_customers([business])
        assert isinstance(made, CustomerRecord)
        parent = PartyReference(system="tryton", kind="party.party", value=made.record.value)
        says = Party(
            kind="person",
            person=Person(name=PersonName(given="Ada", family="Relander")),
            contact=Contact(email="ada@relander.example"),
            hierarchy=Hierarchy(relation="contact", parent=parent),
        )
        (person,), (again,) = [await dock.write_customers([CustomerWrite(key="REL-2", says=says)]) for _ in "12"]
        assert isinstance(person, CustomerRecord)
        assert isinstance(again, CustomerRecord)
        assert person.record == again.record
        (read,) = await dock.read_customers([person.record])
        assert read is not None
        assert read.says.hierarchy == says.hierarchy
        assert fields_of(person.kept) == {}
    finally:
        await dock.close()
