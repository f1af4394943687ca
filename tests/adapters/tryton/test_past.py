"""A Salesforce org and a real Tryton read as a whole, and another ownership tried on what a hub knows of them."""

from pathlib import Path

import pytest
import yaml
from tests.adapters.tryton.bench import TrytonBench
from tests.adapters.tryton.retailer import a_retailer
from tests.adapters.tryton.test_retailer import NEW, a_customer, numbered

from crossdock.entrypoints.cli.match.gathering import gather
from crossdock.entrypoints.cli.match.trying import OnTheHub, try_on_hub
from crossdock.identity.matching.scoring import Scorer
from crossdock.identity.recognition.starting_model import starting_model

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.long]


def silent(_what: str, _share: float) -> None:
    return None


async def test_one_customer_is_found_in_both_and_nothing_is_written(bench: TrytonBench, tmp_path: Path) -> None:
    async with a_retailer(bench, tmp_path, "sqlite:hub.sqlite") as retailer:
        record = await a_customer(retailer)
        async with retailer.hub():
            party = await numbered(retailer, record)
        before = retailer.account(record), await retailer.parties(NEW["Name"])
        try:
            crowd, kept = await gather(tmp_path, ["salesforce", "erp"], silent, with_hub=True)
            assert kept is None
            account, partner = crowd.row(f"salesforce:{record}"), crowd.row(f"erp:{party}")
            decision = Scorer(starting_model()).pair(crowd.features(account), crowd.features(partner))
            assert decision.band == "link"
            other = yaml.safe_load((tmp_path / "ownership.yaml").read_text("utf-8"))
            other["domains"]["contact"] = {"rule": "owner", "owner": "erp", "readers": ["salesforce", "erp"]}
            (tmp_path / "other.yaml").write_text(yaml.safe_dump(other), "utf-8")
            asked = OnTheHub(tmp_path, tmp_path / "other.yaml", None, (None, None), show_values=False)
            found = (await try_on_hub(asked, silent)).ownership
            assert found is not None
            ends = {each.field: each.ends for each in found.fields}
            assert ends["contact.phone"] == ends["contact.email"] == 1, "Tryton shows them, and never said so"
            assert (retailer.account(record), await retailer.parties(NEW["Name"])) == before
        finally:
            await bench.admin.command("model.party.party.delete", [party])
