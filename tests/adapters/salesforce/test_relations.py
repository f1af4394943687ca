"""Contacts of several businesses: the further ones are told as relations of the person, as far as the org says."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from tests.adapters.salesforce.orgs import TestOrg, running_org
from tests.adapters.salesforce.test_contacts import a_business, contact, of, somebody

from crossdock.adapters.salesforce.settings import CONTACT_TOPIC, RELATION, RELATION_TOPIC
from crossdock.adapters.salesforce.simulator.faults import Gap as GapEvent
from crossdock.canonical.party import PartyReference, Relation
from crossdock.kit.errors import Misconfigured
from crossdock.ports.customer_source import CustomerArrival
from crossdock.ports.order_source import Gap
from crossdock.testing.conformance.customer_source import Enough, arrivals_of, changes_of, hear

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 60.0
WITH_RELATIONS: Mapping[str, Any] = {
    "customers": {"topics": ["/data/AccountChangeEvent", CONTACT_TOPIC, RELATION_TOPIC]}
}


def related(org: TestOrg, person: str, account: str, **fields: Any) -> str:
    values = {"ContactId": person, "AccountId": account, **fields}
    return org.simulator.seed.rows(RELATION, [values], announce=True)[0]


def to(account: str, **parts: Any) -> Relation:
    named = PartyReference(system="salesforce", kind="Account", value=account)
    return Relation(party=named, **{"role": None, "active": True, "since": None, "until": None} | parts)


def told(arrivals: list[CustomerArrival], person: str, account: str) -> list[Relation]:
    """What was told of a relation, in order."""
    key = account.lower()
    changes = changes_of(arrivals, contact(person))
    return [change.says.relations[key] for change in changes if key in change.says.relations]


def telling(person: str, account: str, *, times: int = 1) -> Enough:
    return lambda found: len(told(list(found), person, account)) >= times


async def test_a_contact_of_several_businesses_tells_each_with_role_and_time(org: TestOrg) -> None:
    own, other, third = (a_business(org, name) for name in ("Nordlicht GmbH", "Elbe AG", "Weser KG"))
    async with org.open_dock(**WITH_RELATIONS) as dock:
        ada = somebody(org, own)
        related(org, ada, other, Roles="Decision Maker;Other", StartDate="2026-02-01")
        related(org, ada, third, IsActive=False, EndDate="2025-12-31")
        heard = arrivals_of(await hear(dock, "", telling(ada, third), PATIENCE_SECONDS))
        (record,) = await dock.read_customers([contact(ada)])

    there = to(other, role="Decision Maker;Other", since=date(2026, 2, 1))
    over = to(third, active=False, until=date(2025, 12, 31))
    assert (told(heard, ada, other)[-1], told(heard, ada, third)[-1]) == (there, over)
    assert record is not None
    assert record.says.relations == {other.lower(): there, third.lower(): over}
    assert record.says.hierarchy == of(own), "the business of its own is its parent and no relation"


async def test_a_change_a_removal_and_another_own_business_are_told(org: TestOrg) -> None:
    own, other = a_business(org), a_business(org, "Elbe AG")
    async with org.open_dock(**WITH_RELATIONS) as dock:
        ada = somebody(org, own)
        relation = related(org, ada, other)
        position = (await hear(dock, "", telling(ada, other), PATIENCE_SECONDS))[-1].position
        org.simulator.seed.update(RELATION, relation, {"Roles": "Evaluator"})
        heard = await hear(dock, position, telling(ada, other), PATIENCE_SECONDS)
        assert told(arrivals_of(heard), ada, other) == [to(other, role="Evaluator")]
        org.simulator.seed.delete(RELATION, relation)
        heard = await hear(dock, heard[-1].position, telling(ada, other), PATIENCE_SECONDS)
        assert told(arrivals_of(heard), ada, other)[-1].party.value is None
        org.simulator.seed.update("Contact", ada, {"AccountId": other})
        heard = await hear(dock, heard[-1].position, telling(ada, own), PATIENCE_SECONDS)

    assert told(arrivals_of(heard), ada, own) == [to(own)]


async def test_an_event_without_values_and_a_lost_stretch_bring_relations_too(org: TestOrg) -> None:
    own, other = a_business(org), a_business(org, "Elbe AG")
    async with org.open_dock(**WITH_RELATIONS) as dock:
        ada = somebody(org, own)
        relation = related(org, ada, other)
        position = (await hear(dock, "", telling(ada, other), PATIENCE_SECONDS))[-1].position
        org.trouble(GapEvent(sobject=RELATION))
        org.simulator.seed.update(RELATION, relation, {"Roles": "Evaluator"})
        await hear(dock, position, telling(ada, other), PATIENCE_SECONDS)
        gap = Gap(since=0, until=dock.client.clock.now(), reason="a test")
        read = arrivals_of([batch async for batch in dock.refill_customers(gap)])
        assert await dock.count_changed_customers(gap) == len({arrival.external_id for arrival in read})

    assert told(read, ada, other) == [to(other, role="Evaluator")]
    assert told(read, ada, own)[-1].party.value is None


async def test_contacts_that_are_merged_stand_for_the_businesses_of_both(org: TestOrg) -> None:
    own, other = a_business(org), a_business(org, "Elbe AG")
    async with org.open_dock(**WITH_RELATIONS) as dock:
        ada, double = somebody(org, own), somebody(org, other)
        org.simulator.seed.merge("Contact", ada, double)
        (record,) = await dock.read_customers([contact(ada)])

    assert record is not None
    assert list(record.says.relations) == [other.lower()]


async def test_a_contact_that_comes_back_has_its_relations_again(org: TestOrg) -> None:
    own, other = a_business(org), a_business(org, "Elbe AG")
    ada = somebody(org, own)
    related(org, ada, other)
    org.simulator.seed.delete("Contact", ada)
    org.simulator.seed.undelete("Contact", ada)
    async with org.open_dock(**WITH_RELATIONS) as dock:
        (record,) = await dock.read_customers([contact(ada)])

    assert record is not None
    assert list(record.says.relations) == [other.lower()]
    assert len(org.simulator.rows(RELATION)) == 2


async def test_an_org_that_relates_no_contacts_stops_the_dock_that_is_to_listen(org: TestOrg) -> None:
    async with running_org(without=(RELATION,)) as lacking, lacking.open_dock(**WITH_RELATIONS) as dock:
        check = await dock.check()
        with pytest.raises(Misconfigured) as stopped:
            await hear(dock, "", lambda _: False, PATIENCE_SECONDS)

    assert [finding.path for finding in stopped.value.findings] == [f"$.{RELATION}"]
    assert not check.ok
