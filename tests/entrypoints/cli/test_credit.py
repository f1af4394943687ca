"""`crossdock credit` and `crossdock freshness`: what waits, who decides, and how old things may be."""

import asyncio
from pathlib import Path

import pytest
from tests.entrypoints.cli.conftest import Cli

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.durable.records import Commit, EffectStep
from crossdock.identity.onboarding.ledger import BeginOnboarding, OpenReview

OWNERSHIP = Path(__file__).parents[3] / "deployments" / "example" / "ownership.yaml"
RULES = """
onboarding:
  erp: erp
  credit:
    currency: EUR
    limit: "5000"
    levels:
      - { team: credit, up_to: "6000", approvers: [anna] }
      - { team: finance, approvers: [carla] }
"""


@pytest.fixture
def companies(deployment: Path) -> Path:
    """The deployment, where companies become customers, and one of them waits."""
    with (deployment / "systems.yaml").open("a") as systems:
        systems.write("salesforce: {adapter: memory, settings: {ledger: x}}\n")
    (deployment / "policies.yaml").write_text(RULES)
    (deployment / "ownership.yaml").write_text(OWNERSHIP.read_text())
    asyncio.run(one_waits(deployment))
    return deployment


async def one_waits(folder: Path) -> None:
    begun = BeginOnboarding(party_id="P-1", run_id="customer_onboarding/P-1", correlation_id="c", started_at=1)
    review = OpenReview(
        party_id="P-1",
        erp_number="K-7",
        asked="5000",
        currency="EUR",
        owner="credit",
        due_at=4_102_444_800_000_000,
    )
    async with Hub(load_deployment(folder, find_manifests())) as hub:
        effects = (EffectStep("begin", begun), EffectStep("open", review))
        await hub.committer.submit(Commit(effects=effects))


@pytest.mark.usefixtures("companies")
def test_what_waits_is_listed_and_decided_once_by_who_may(cli: Cli) -> None:
    (row,) = cli("credit", "list", "--json").json
    assert (row["customer_id"], row["erp_number"], row["owner"], row["overdue"]) == ("P-1", "K-7", "credit", False)
    assert "K-7" in cli("credit", "list").out
    told = cli("credit", "approve", "P-1", "--by", "mallory")
    assert told.code != 0
    assert "approver-not-allowed" in told.err
    told = cli("credit", "approve", "P-1", "--by", "anna", "--limit", "5500", "--json")
    assert (told.code, told.json["verdict"], told.json["limit"]) == (0, "approved", "5500")
    assert cli("credit", "list", "--json").json == []
    told = cli("credit", "refuse", "P-1", "--by", "carla", "--reason", "no")
    assert told.code != 0
    assert "decided-already" in told.err


@pytest.mark.usefixtures("companies")
def test_freshness_names_what_was_never_heard(cli: Cli) -> None:
    rows = cli("freshness", "--json").json
    assert {(row["rule"], row["system"], row["age_seconds"], row["fresh"]) for row in rows} == {
        (rule, "erp", None, False)
        for rule in ("domains.tax", "domains.credit", "domains.payment_terms", "fields.shipping.*.eligible")
    }
    assert "never heard" in cli("freshness").out
    assert "customer-unknown" in cli("freshness", "nobody").err


def test_a_deployment_without_them_says_what_is_missing(cli: Cli) -> None:
    assert "no-onboarding" in cli("credit", "list").err
    assert "no-customers" in cli("freshness").err
