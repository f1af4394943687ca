"""A hub asks again about addresses where there is somebody to ask, and else does not."""

from pathlib import Path

import pytest
import yaml

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.bootstrap.hub import Hub

EXAMPLE = Path("deployments/example")


@pytest.mark.parametrize("provider", ["avatax", ""])
def test_a_hub_looks_addresses_up_again_where_its_routes_name_a_provider(
    tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVATAX_KEY", "k")
    folder = tmp_path / "deployment"
    folder.mkdir()
    systems = {
        "erp": {"adapter": "memory", "settings": {"ledger": "looking-again"}},
        "avatax": {"adapter": "avatax", "settings": {"account": "1", "license_key": {"env": "AVATAX_KEY"}}},
    }
    (folder / "systems.yaml").write_text(yaml.safe_dump(systems))
    (folder / "routes.yaml").write_text(
        yaml.safe_dump({"erp": "erp"} | ({"addresses": provider} if provider else {}))
    )
    ownership = (EXAMPLE / "ownership.yaml").read_text()
    (folder / "ownership.yaml").write_text(ownership.replace("salesforce", "erp"))
    policies = yaml.safe_load((EXAMPLE / "policies.yaml").read_text())
    (folder / "policies.yaml").write_text(yaml.safe_dump({"onboarding": policies["onboarding"]}))
    hub = Hub(load_deployment(folder, find_manifests()))
    assert ("customer_addresses" in {each.name for each in hub.processes}) is bool(provider)
