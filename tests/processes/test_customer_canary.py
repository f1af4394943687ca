"""A canary's edit is timed from the org's API to the ERP, and its lateness is told until it is over (CUS-35)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from tests.processes.books import Books
from tests.processes.orgs import Org, TwoWayHub
from tests.stores import Stores

from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.bootstrap.canaries import Canaries
from crossdock.durable.process import Process
from crossdock.identity.golden.canary import CANARY_MARK, Beat, CanaryFreshness, CanaryRules, check_canaries
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.processes.customer_canary import Collaborators, customer_canary

pytestmark = pytest.mark.anyio


SHARED = Rule(rule="newest_valid", writers=("crm", "erp"), readers=("crm", "erp"))
OWNERSHIP = Ownership(domains=dict.fromkeys(Domain, SHARED), marks=("crossdock",), creates=("erp",))
FIRST, SECOND = "+49 30 5550100", "+49 30 5550101"
EVERY_SECONDS, WITHIN_SECONDS = 300, 60


def rules_for(number: str, **changes: Any) -> CanaryRules:
    rules = CanaryRules(
        customer=TwoWayHub.reference("crm", number),
        source="crm",
        reader="erp",
        field="contact.phone",
        values=(FIRST, SECOND),
        every_seconds=EVERY_SECONDS,
        within_seconds=WITHIN_SECONDS,
    )
    return replace(rules, **changes)


class CanaryHub(TwoWayHub):
    """The same hub with a canary."""

    rules: dict[str, CanaryRules]

    def way_into_the_erp(self, _update: Callable[[], Process[Any]]) -> None:
        self.rules = {}
        self.process: Process[Beat] = customer_canary(
            Collaborators(
                canaries=self.rules, sinks=self.docks, parties=self.store, clock=self.clock, settle_seconds={}
            )
        )
        self.further = [self.process]

    @property
    def canaries(self) -> Canaries:
        return Canaries(self.rules, self.process, self.store, self.engine.committer, self.clock)

    async def begin(self) -> None:
        """Its time has come, and it is edited."""
        assert await self.canaries.begin_due() == 1
        await self.engine.settle()

    async def told(self) -> CanaryFreshness:  # type: ignore[override]
        (found,) = await self.canaries.freshness()
        return found


@asynccontextmanager
async def canary_hub(stores: Stores) -> AsyncIterator[tuple[CanaryHub, str]]:
    org, erp = Org("crm", stores.clock), Books("erp", stores.clock)
    hub = CanaryHub(stores, {"crm": org, "erp": erp}, OWNERSHIP)
    async with org.simulator:
        await hub.open()
        try:
            number = org.make({"person.name.family": "Canary", "contact.phone": "+49 30 5550199"})
            await hub.pump()
            hub.rules["way"] = rules_for(number)
            yield hub, number
        finally:
            await hub.close()
            share_surface(erp.ledger, None)


async def test_an_edit_is_timed_from_salesforce_to_the_erp_and_told_while_it_is_late(memory_only: Stores) -> None:
    async with canary_hub(memory_only) as (hub, number):
        assert (await hub.told()).state == "never"
        await hub.begin()
        assert await hub.canaries.begin_due() == 0
        assert (await hub.shown(hub.reference("crm", number)))["contact.phone"] == FIRST
        hub.clock.advance(7)
        await hub.pump()
        await hub.engine.advance(5)
        told = await hub.told()
        assert (told.state, told.waits_seconds) == ("fresh", None)
        assert told.seconds == pytest.approx(12, abs=1)

        # The feed stands still: late, then lost.
        hub.clock.advance(EVERY_SECONDS)
        await hub.begin()
        assert (await hub.told()).state == "fresh", "it is only just under way"
        await hub.engine.advance(WITHIN_SECONDS + 1)
        told = await hub.told()
        assert (told.state, told.fresh) == ("late", False)
        assert told.seconds == pytest.approx(12, abs=1)
        await hub.engine.advance(WITHIN_SECONDS * 11, steps=3)
        told = await hub.told()
        assert (told.state, told.fresh, told.seconds) == ("lost", False, None)

        # It is back: the next edit is seen, and all is well again.
        await hub.pump()
        await hub.begin()
        await hub.pump()
        await hub.engine.advance(2)
        assert (await hub.told()).state == "fresh"
        assert (await hub.shown(hub.reference("crm", number)))["contact.phone"] == FIRST
        await hub.engine.advance(3 * (EVERY_SECONDS + WITHIN_SECONDS) + 1)
        assert (await hub.told()).state == "silent"


async def test_a_canary_that_is_gone_is_lost_and_nothing_is_parked(memory_only: Stores) -> None:
    async with canary_hub(memory_only) as (hub, _number):
        hub.rules["way"] = rules_for("001000000000000AAA")
        await hub.begin()
        assert (await hub.told()).state == "lost"


def test_what_could_never_be_seen_is_said_at_once() -> None:
    one_way = Ownership(domains={Domain.CONTACT: Rule(rule="owner", owner="crm", readers=("erp",))})
    wrong = {
        "fine": rules_for("1"),
        "unknown": rules_for("1", field="contact.pager"),
        "idle": rules_for("1", source="erp", reader="crm"),
        "unread": rules_for("1", reader="shop"),
        "same": rules_for("1", values=(FIRST, FIRST)),
    }
    ours = Ownership(domains=one_way.domains, marks=("crossdock", CANARY_MARK))
    assert [each.path for each in check_canaries({"fine": rules_for("1")}, ours, "$")] == ["$.fine"]
    found = check_canaries(wrong, one_way, "$")
    assert {(each.path, each.code) for each in found} == {
        ("$.unknown.field", "field-unknown"),
        ("$.idle.source", "rule-idle"),
        ("$.unread.reader", "rule-idle"),
        ("$.same.values", "rule-idle"),
    }
    assert [each.code for each in check_canaries({"fine": rules_for("1")}, None, "$")] == ["owner-missing"]
