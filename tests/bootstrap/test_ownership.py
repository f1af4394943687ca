"""`ownership.yaml` is read as strictly as the rest of a deployment, and the example's is whole."""

from pathlib import Path

import msgspec
import pytest
import yaml

from crossdock.adapters.salesforce import ADAPTER
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership
from crossdock.kit.errors import Misconfigured
from crossdock.kit.redaction import Secret
from crossdock.ports.manifest import Role

EXAMPLE = Path(__file__).parents[2] / "deployments" / "example" / "ownership.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "systems.yaml").write_text("salesforce: {adapter: memory}\nerp: {adapter: memory}\n")
    (tmp_path / "routes.yaml").write_text("erp: erp\n")
    return tmp_path


def ownership_of(folder: Path, text: str) -> Ownership | None:
    (folder / "ownership.yaml").write_text(text)
    return load_deployment(folder, find_manifests()).ownership


def faults(folder: Path, text: str) -> dict[str, str]:
    with pytest.raises(Misconfigured) as fault:
        ownership_of(folder, text)
    return {finding.path: finding.code for finding in fault.value.findings}


def test_the_examples_ownership_is_whole(folder: Path) -> None:
    ownership = ownership_of(folder, EXAMPLE.read_text())
    assert ownership is not None
    assert set(ownership.domains) == set(Domain)
    for domain in (Domain.CONSENT, Domain.SERVICE_PREFERENCES, Domain.ENGAGEMENT, Domain.PIPELINE):
        assert ownership.domains[domain].owner == "salesforce"
    for domain in (Domain.LEGAL_IDENTITY, Domain.BILLING, Domain.TAX, Domain.CREDIT, Domain.PAYMENT_TERMS):
        assert ownership.domains[domain].owner == "erp"


def test_a_deployment_without_it_tells_nobody_about_customers(folder: Path) -> None:
    assert load_deployment(folder, find_manifests()).ownership is None


def test_every_fault_is_told_at_once_with_its_path(folder: Path) -> None:
    content = yaml.safe_load(EXAMPLE.read_text())
    content["domains"]["tax"]["owner"] = "books"
    content["domains"]["credit"] = {"rule": "owner"}
    del content["domains"]["billing"]
    content["fields"]["contact.fax"] = {"rule": "owner", "owner": "erp"}
    assert faults(folder, yaml.safe_dump(content)) == {
        "ownership.yaml $.domains.tax.owner": "system-unknown",
        "ownership.yaml $.domains.credit.owner": "owner-missing",
        "ownership.yaml $.domains": "owner-missing",
        "ownership.yaml $.fields.contact.fax": "field-unknown",
    }


def test_a_system_that_cannot_tell_of_customers_or_be_told_of_them_is_named(folder: Path) -> None:
    systems = "salesforce: {adapter: memory}\nerp: {adapter: memory}\nbus: {adapter: no-customers}\n"
    (folder / "systems.yaml").write_text(systems)
    content = yaml.safe_load(EXAMPLE.read_text()) | {"creates": ["bus"]}
    content["domains"]["shipping"] = {"rule": "newest_valid", "writers": ["erp", "bus"], "readers": ["bus"]}
    (folder / "ownership.yaml").write_text(yaml.safe_dump(content))
    memory = find_manifests()["memory"]
    other = msgspec.structs.replace(
        memory, name="no-customers", roles=memory.roles - {Role.CUSTOMER_SOURCE, Role.CUSTOMER_SINK}
    )
    with pytest.raises(Misconfigured) as fault:
        load_deployment(folder, {"memory": memory, "no-customers": other})
    assert {(finding.path, finding.code, finding.message) for finding in fault.value.findings} == {
        ("ownership.yaml $.domains.shipping.writers", "role-missing", "bus has no role customer_source"),
        ("ownership.yaml $.creates", "role-missing", "bus has no role customer_sink"),
    }


def test_what_has_the_wrong_form_is_told_with_its_path(folder: Path) -> None:
    text = "cannot_know: guess\nclock_tolerance_seconds: -1\ndomains:\n  tax: {rule: newest, ownr: erp}\n"
    assert faults(folder, text) == {
        "ownership.yaml $.cannot_know": "setting-wrong",
        "ownership.yaml $.clock_tolerance_seconds": "setting-wrong",
        "ownership.yaml $.domains.tax": "setting-wrong",
        "ownership.yaml $.domains.tax.rule": "setting-wrong",
    }


def test_a_system_that_cannot_do_what_a_merge_wants_is_told_with_what_it_can(folder: Path) -> None:
    systems = {
        "salesforce": {"adapter": "memory"},
        "erp": {"adapter": "memory"},
        "bus": {"adapter": "no-customers"},
    }
    (folder / "systems.yaml").write_text(yaml.safe_dump(systems))
    merging = {"erp": {"on_merge": "link"}, "salesforce": {"on_merge": "merge"}, "bus": {"on_merge": "merge"}}
    content = yaml.safe_load(EXAMPLE.read_text()) | {"merging": merging}
    (folder / "ownership.yaml").write_text(yaml.safe_dump(content))
    memory = msgspec.structs.replace(find_manifests()["memory"], joins=frozenset({"block", "merge"}))
    other = msgspec.structs.replace(
        memory, name="no-customers", roles=memory.roles - {Role.CUSTOMER_SOURCE, Role.CUSTOMER_SINK}
    )
    with pytest.raises(Misconfigured) as fault:
        load_deployment(folder, {"memory": memory, "no-customers": other})
    assert {(finding.path, finding.code, finding.message) for finding in fault.value.findings} == {
        (
            "ownership.yaml $.merging.erp.on_merge",
            "merging-unsupported",
            "Memory ERP cannot link two records as it is set up here: say leave or block or merge",
        ),
        ("ownership.yaml $.merging.bus.on_merge", "role-missing", "bus has no role customer_sink: say leave"),
    }


def test_an_org_without_a_field_for_links_cannot_link() -> None:
    settings = ADAPTER.load_settings(
        {"client_id": "c", "client_secret": Secret("s"), "flow": "client_credentials", "customers": {"link": ""}}
    )
    assert settings.cannot_join_by == {"link"}
    assert ADAPTER.joins - settings.cannot_join_by == {"merge"}
