"""Orders on invoice before the credit is decided: refused, or held until it is, as the deployment says."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.processes.stage import HubStage, hub_stage
from tests.stores import Stores

from crossdock.bootstrap.deployment import Policies
from crossdock.bootstrap.releasing import LOOK_SECONDS
from crossdock.canonical.order import PaymentContext
from crossdock.durable.records import Commit, EffectStep, RunState
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.identity.onboarding.ledger import BeginOnboarding, EndOnboarding, OpenReview
from crossdock.policies.customer_onboarding import ApprovalLevel, CreditRules, OnboardingRules
from crossdock.policies.order_acceptance import AcceptanceRules
from crossdock.testing.builders import an_order

pytestmark = pytest.mark.anyio

OWNERSHIP = Ownership(domains=dict.fromkeys(Domain, Rule(rule="owner", owner="erp", readers=("shop",))))
CREDIT = CreditRules(currency="EUR", levels=(ApprovalLevel(team="credit"),))
POLICIES = Policies(
    acceptance=AcceptanceRules(check_prices=False, before_credit="hold"),
    onboarding=OnboardingRules(erp="erp", credit=CREDIT),
)
ON_INVOICE = PaymentContext(method="invoice")


@pytest.fixture
async def stage(stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HubStage]:
    async with hub_stage(stores, tmp_path, monkeypatch, policies=POLICIES, ownership=OWNERSHIP) as stage:
        begun = BeginOnboarding(party_id="P", run_id="customer_onboarding/P", correlation_id="c", started_at=1)
        review = OpenReview(
            party_id="P", erp_number="C-1001", asked="1", currency="EUR", owner="credit", due_at=1 << 60
        )
        effects = (EffectStep("begin", begun), EffectStep("open", review))
        await stage.committer.submit(Commit(effects=effects))
        yield stage


@pytest.mark.parametrize(("state", "outcome"), [("active", "accepted"), ("declined", "refused")])
async def test_a_held_order_waits_with_an_owner_and_goes_on_once_the_credit_is_decided(
    stage: HubStage, state: str, outcome: str
) -> None:
    await stage.take(an_order("O-1", payment=ON_INVOICE), an_order("O-2", payment=PaymentContext(method="card")))
    held = await stage.run_of("O-1")
    assert held.state is RunState.PARKED
    assert held.parking is not None
    assert (held.parking.code, held.parking.owner) == ("credit-pending", "credit-desk")
    assert (await stage.result_of("O-2"))["outcome"] == "accepted"
    assert "OrderNeedsAttention" in await stage.told("O-1")
    assert await stage.hub.releasing.release_orders() == 0
    assert stage.in_erp("O-1") == []

    ended = EndOnboarding(party_id="P", state=state)  # type: ignore[arg-type]
    await stage.committer.submit(Commit(effects=(EffectStep("end", ended),)))
    async with asyncio.timeout(30):
        while (await stage.run_of("O-1")).state is RunState.PARKED:
            await stage.pass_time(LOOK_SECONDS)
    await stage.flow()
    result = await stage.result_of("O-1")
    assert result["outcome"] == outcome
    assert len(stage.in_erp("O-1")) == (outcome == "accepted")
    assert ("refused" in result.get("reason", "")) == (outcome == "refused")
    (entry,) = await stage.store.list_audit(run_id=held.run_id)
    assert (entry.actor, entry.verb) == ("crossdock", "retry")
    assert "OrderReleased" in await stage.told("O-1")


async def test_an_operator_may_ask_again_and_meets_the_same_answer(stage: HubStage) -> None:
    await stage.take(an_order("O-1", payment=ON_INVOICE))
    await stage.hub.desk.retry(["order_submission/O-1"], actor="jo")
    await stage.flow()
    assert (await stage.run_of("O-1")).state is RunState.PARKED
