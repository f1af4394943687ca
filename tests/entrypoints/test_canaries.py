"""How canaries do, at every door of a hub at work: API, figures, console."""

from collections.abc import AsyncIterator

import pytest
from tests.entrypoints.doors import client_of
from tests.hubs import a_hub, eventually

from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.entrypoints.api.app import make_app
from crossdock.entrypoints.console.alerts import find_alerts
from crossdock.identity.golden.canary import CanaryRules
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule

pytestmark = pytest.mark.anyio

FIRST, SECOND = "+49 30 5550100", "+49 30 5550101"
PROMISED = Rule(rule="newest_valid", writers=("erp",), readers=("erp",), fresh_within_seconds=900)
ELSE = Rule(rule="newest_valid", writers=("erp",), readers=("erp",))
OWNERSHIP = Ownership(domains=dict.fromkeys(Domain, ELSE) | {Domain.CONTACT: PROMISED}, marks=("crossdock",))


def canary(number: str) -> CanaryRules:
    reference = ExternalReference("erp", "partner", number)
    return CanaryRules(
        customer=reference, source="erp", reader="erp", field="contact.phone", values=(FIRST, SECOND)
    )


@pytest.fixture
async def flown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    canaries = {"lost": canary("BP-77777"), "well": canary("BP-00001")}
    folder = tmp_path_factory.mktemp("hub")
    async with a_hub(folder, ownership=OWNERSHIP, canaries=canaries, works=False) as (made, erp):
        erp.partners.write(PartnerWrite(write="w", card={"kind": "person", "contact.phone": SECOND}))
        before = await find_alerts(made)
        assert any("was heard of never; contact: fresh within 15 min" in alert.words for alert in before)
        await made.run()

        async def timed() -> bool:
            states = {each.canary: each.state for each in await made.canaries.freshness()}
            return states == {"lost": "lost", "well": "fresh"}

        await eventually(timed)
        yield made


async def test_how_canaries_do_is_shown_everywhere(flown: Hub) -> None:
    words = [alert.words for alert in await find_alerts(flown)]
    assert [each for each in words if "Canary" in each] == [
        "Canary lost, Memory ERP to Memory ERP: an edit was never seen."
    ]
    assert not any("heard of" in each for each in words), "it was heard of meanwhile"
    async with client_of(make_app(flown)) as client:
        told = (await client.get("/v1/freshness")).json()["canaries"]
        assert {each["canary"]: each["state"] for each in told} == {"lost": "lost", "well": "fresh"}
        page = (await client.get("/metrics")).text
        assert 'crossdock_canary_fresh{canary="lost"} 0.0' in page
        assert 'crossdock_canary_fresh{canary="well"} 1.0' in page
        assert 'crossdock_canary_seconds{canary="lost"} +Inf' in page
        assert "an edit was never seen" in (await client.get("/console")).text
        shown = (await client.get("/console/customers")).text
        assert "canary well" in shown
        assert "<strong>lost</strong>" in shown
