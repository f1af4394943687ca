"""The demo's deployment: files like any other's. Who owns what about customers is as in the example."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from crossdock.entrypoints.cli.init import example_folder
from crossdock.kit.redaction import Secret

TILL = "till"
TILL_TITLE = "Store till"
TILL_TRUST = 50
"""A till hears a phone number over the counter: it is believed after Salesforce and the ERP."""

_SECRET_NAMES = re.compile("password|secret|key|token")


def write_deployment(
    folder: Path, systems: Mapping[str, Mapping[str, Any]], *, policies: Mapping[str, Any], customers: bool
) -> None:
    """Write it: each system's credentials in files of their own; with `customers`, what is to hold of those."""
    routes = {"erp": "erp", "order_sources": ["salesforce"], "status_sinks": ["salesforce"]}
    hub = {"name": "demo", "store": "sqlite:.crossdock/hub.sqlite", "http": {"host": "127.0.0.1"}}
    parts: dict[str, Any] = {
        "systems": {
            name: {**system, "settings": _by_reference(folder, name, system["settings"])}
            for name, system in systems.items()
        },
        "routes": routes,
        "policies": {**policies, **(customer_policies() if customers else {})},
        "hub": hub,
    }
    if customers:
        parts["ownership"] = ownership()
    for name, part in parts.items():
        text = yaml.safe_dump(part, sort_keys=False, allow_unicode=True)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def customer_policies() -> dict[str, Any]:
    """How companies become customers, and from when on two records are one customer: as in the example."""
    example = _example("policies")
    return {name: example[name] for name in ("onboarding", "matching")}


def ownership() -> dict[str, Any]:
    """The example's, with the till as one more that knows people; and the ERP gets whoever it does not have."""
    owned = _example("ownership")
    domains = owned["domains"]
    domains["identity"]["precedence"].append(TILL)
    domains["contact"]["trust"][TILL] = TILL_TRUST
    domains["shipping"]["writers"].append(TILL)
    return {**owned, "creates": ["erp"]}


def _example(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((example_folder() / f"{name}.yaml").read_text(encoding="utf-8"))
    return read


def _by_reference(folder: Path, system: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with every credential moved to a file that only its owner reads."""
    written: dict[str, Any] = {}
    for name, value in settings.items():
        plain = value.reveal() if isinstance(value, Secret) else value
        secret = isinstance(value, Secret) or (isinstance(value, str) and _SECRET_NAMES.search(name))
        written[name] = {"file": _keep_secret(folder, f"{system}-{name}", str(plain))} if secret else plain
    return written


def _keep_secret(deployment: Path, name: str, value: str) -> str:
    folder = deployment / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(value)
    return str(path.relative_to(deployment))
