"""A deployment as data: which systems there are, who does what, what is tolerated.

A folder of YAML files: `hub.yaml`, `systems.yaml`, `routes.yaml`, `policies.yaml`, and `ownership.yaml`
where customers are kept in agreement, too. Everything wrong with them is said at once, with file and path.
Credentials are references: `{env: NAME}` or `{file: path}`.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import jsonschema_rs
import msgspec
import yaml
from msgspec import Meta

from crossdock.identity.golden.canary import CanaryRules, check_canaries
from crossdock.identity.golden.fields import find_field
from crossdock.identity.golden.ownership import Ownership, check_ownership
from crossdock.identity.matching.model import Bands
from crossdock.kit.errors import Finding, Misconfigured
from crossdock.kit.redaction import Secret
from crossdock.kit.wording import counted
from crossdock.policies.customer_onboarding import OnboardingRules, check_credit_rules
from crossdock.policies.order_acceptance import AcceptanceRules
from crossdock.ports.manifest import AdapterManifest, Limits, Role, resolve

SQLITE_PREFIX = "sqlite:"
DAY_SECONDS, BEATS_KEPT = 86_400.0, 3


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the hub listens. The API asks for a bearer token wherever `token` is set."""

    host: str = "127.0.0.1"
    port: int = 8400
    token: Secret | None = None


Days = Annotated[float, Meta(ge=0, le=36_500)]


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """After how many days what ended is cleared away; 0 keeps it (docs/operations/retention.md).

    `tellings_days`: runs by which customers were taken in and systems were told. `orders_days`: what runs of
    orders carried; that there was one stays known.
    """

    canaries_days: Days = 7
    tellings_days: Days = 30
    orders_days: Days = 0


class HubSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hub itself. `store` is `sqlite:path` (relative to the deployment) or a `postgresql://` address.

    `keys` are the secrets with which personal data is sealed (docs/operations/privacy.md), by reference. Without
    them the hub makes a file of its own at its first start. `erasures` is the log of who was forgotten (relative
    to the deployment), which is kept apart from backups of the database. With `seal_orders` the runs of orders are
    sealed as customers' are.
    """

    name: str = "crossdock"
    store: str = "sqlite:.crossdock/hub.sqlite"
    http: HttpSettings = HttpSettings()
    keys: Secret | None = None
    erasures: str = ".crossdock/erasures.jsonl"
    seal_orders: bool = False
    retention: RetentionSettings = RetentionSettings()
    runs_max: int = 500


class SystemEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One connected system: its adapter, how to reach it, and limits where they differ from the manifest's."""

    adapter: str
    title: str = ""
    settings: Mapping[str, Any] = {}
    limits: Limits | None = None


class Routes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who does what for orders: names from `systems.yaml`. Masters default to the ERP.

    `addresses` looks addresses up; without it only the rules of their countries are asked.
    """

    erp: str
    order_sources: tuple[str, ...] = ()
    status_sinks: tuple[str, ...] = ()
    event_sinks: tuple[str, ...] = ()
    customers: str = ""
    products: str = ""
    prices: str = ""
    stock: str = ""
    addresses: str = ""


class Policies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the deployment tolerates, and how long reference data may be remembered (GOV-22).

    `matching`: from which weight on customers are one, or a steward looks.

    With `onboarding` companies become customers by a process of their own; it needs an ownership. `canaries` are
    customers of the deployment's own by which the way from one system to another is timed.
    """

    acceptance: AcceptanceRules = AcceptanceRules()
    reference_age_seconds: float = 60.0
    onboarding: OnboardingRules | None = None
    matching: Bands = Bands()
    canaries: Mapping[str, CanaryRules] = {}


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A whole deployment, checked. `settings` are the docks' own, by system.

    Without `ownership` nobody is told anything about customers.
    """

    hub: HubSettings
    systems: Mapping[str, SystemEntry]
    routes: Routes
    policies: Policies
    manifests: Mapping[str, AdapterManifest]
    settings: Mapping[str, Any]
    folder: Path
    ownership: Ownership | None = None

    def manifest_of(self, system: str) -> AdapterManifest:
        """The manifest of a system's adapter, with the deployment's limits."""
        entry = self.systems[system]
        manifest = self.manifests[entry.adapter]
        return msgspec.structs.replace(manifest, limits=entry.limits) if entry.limits else manifest

    def title_of(self, system: str) -> str:
        """What people call the system."""
        return self.systems[system].title or self.manifest_of(system).title

    @property
    def titles(self) -> dict[str, str]:
        """What people call each system, by its name."""
        return {system: self.title_of(system) for system in self.systems}


_FILES: Mapping[str, Any] = {
    "hub": HubSettings,
    "systems": dict[str, SystemEntry],
    "routes": Routes,
    "policies": Policies,
    "ownership": Ownership,
}
_OPTIONAL = {"hub", "policies", "ownership"}
_SECRETIVE = re.compile("password|secret|token|key", re.IGNORECASE)


def load_deployment(folder: Path, manifests: Mapping[str, AdapterManifest]) -> Deployment:
    """Read and check a deployment folder. Raises Misconfigured with every finding."""
    findings: list[Finding] = []
    if not folder.is_dir():
        raise Misconfigured(f"{folder} is no folder; `crossdock init` makes one", code="deployment-missing")
    parts = {name: _read_part(folder, name, kind, findings) for name, kind in _FILES.items()}
    return check_deployment(parts, manifests, folder, findings)


def load_policies(folder: Path) -> Policies:
    """Only what the deployment tolerates; nothing else of it has to be there. Raises Misconfigured."""
    findings: list[Finding] = []
    if not folder.is_dir():
        raise Misconfigured(f"{folder} is no folder; `crossdock init` makes one", code="deployment-missing")
    policies = _read_part(folder, "policies", Policies, findings)
    _refuse(folder, findings)
    return policies or Policies()


def ownership_of(deployment: Deployment) -> Ownership:
    """The ownership in force. Raises Misconfigured (`no-customers`) where there is none."""
    if deployment.ownership is None:
        raise Misconfigured("this hub keeps no customers: ownership.yaml is missing", code="no-customers")
    return deployment.ownership


def load_ownership(path: Path, deployment: Deployment) -> Ownership:
    """Another ownership for a deployment, checked as its own was. Raises Misconfigured with every finding."""
    findings: list[Finding] = []
    found: Ownership | None = None
    if path.is_file():
        found = _read_file(path, Ownership, deployment.folder, findings)
    else:
        findings.append(Finding("file-missing", path.name, "the file is missing"))
    if found is not None:
        findings += check_other_ownership(found, deployment, f"{path.name} $")
    if findings or found is None:
        lines = "\n".join(f"  {finding.path}: {finding.message}" for finding in findings)
        message = f"{path.name} has {counted(len(findings), 'fault')}:\n{lines}"
        raise Misconfigured(message, code="deployment-faulty", findings=findings)
    return found


def check_other_ownership(ownership: Ownership, deployment: Deployment, place: str) -> list[Finding]:
    """Everything that keeps a deployment from going by another ownership, each with its path below `place`."""
    return [
        *check_ownership(ownership, deployment.systems, place),
        *_check_customer_roles(ownership, deployment.systems, deployment.manifests, place),
    ]


def _refuse(folder: Path, findings: list[Finding]) -> None:
    if not findings:
        return
    lines = "\n".join(f"  {finding.path}: {finding.message}" for finding in findings)
    raise Misconfigured(
        f"the deployment in {folder} has {counted(len(findings), 'fault')}:\n{lines}",
        code="deployment-faulty",
        findings=findings,
    )


def check_deployment(
    parts: Mapping[str, Any],
    manifests: Mapping[str, AdapterManifest],
    folder: Path,
    findings: list[Finding] | None = None,
) -> Deployment:
    """Check parts (decoded already, None where they could not be). Raises Misconfigured with every finding."""
    findings = findings if findings is not None else []
    systems: Mapping[str, SystemEntry] = parts.get("systems") or {}
    settings = {name: _load_settings(name, entry, manifests, findings) for name, entry in systems.items()}
    routes = parts.get("routes")
    if routes is not None and parts.get("systems") is not None:
        _check_routes(routes, systems, manifests, settings, findings)
    if parts.get("ownership") is not None and parts.get("systems") is not None:
        findings += check_ownership(parts["ownership"], systems, "ownership.yaml $")
        findings += _check_customer_roles(parts["ownership"], systems, manifests)
        findings += _check_merging(parts["ownership"], systems, manifests, settings)
    policies = parts.get("policies")
    if policies is not None and policies.onboarding is not None and parts.get("systems") is not None:
        findings += _check_onboarding(policies.onboarding, parts, manifests)
    if policies is not None and parts.get("systems") is not None:
        findings += _check_canaries(policies.canaries, parts, manifests)
        findings += _check_kept_beats(policies.canaries, parts.get("hub") or HubSettings())
    _refuse(folder, findings)
    assert isinstance(routes, Routes)
    return Deployment(
        hub=parts.get("hub") or HubSettings(),
        systems=systems,
        routes=routes,
        policies=parts.get("policies") or Policies(),
        manifests=manifests,
        settings=settings,
        folder=folder,
        ownership=parts.get("ownership"),
    )


def _read_part(folder: Path, name: str, kind: Any, findings: list[Finding]) -> Any:
    path = folder / f"{name}.yaml"
    if not path.exists():
        if name not in _OPTIONAL:
            findings.append(Finding("file-missing", path.name, "the file is missing"))
        return None
    return _read_file(path, kind, folder, findings)


def _read_file(path: Path, kind: Any, folder: Path, findings: list[Finding]) -> Any:
    try:
        value = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        findings.append(Finding("not-yaml", f"{path.name}{where}", "this is no YAML"))
        return None
    value = _resolve(value, folder, f"{path.name} $", findings)
    try:
        return msgspec.convert(value, kind, dec_hook=_secret)
    except msgspec.ValidationError as error:
        findings += _faults_of(value, kind, error, f"{path.name} $")
    return None


def _load_settings(
    name: str, entry: SystemEntry, manifests: Mapping[str, AdapterManifest], findings: list[Finding]
) -> Any:
    manifest = manifests.get(entry.adapter)
    path = f"systems.yaml $.{name}"
    if manifest is None:
        known = ", ".join(sorted(manifests))
        findings.append(
            Finding("adapter-unknown", f"{path}.adapter", f"no adapter {entry.adapter!r}; there are: {known}")
        )
        return None
    if any(finding.path.startswith(f"{path}.settings.") for finding in findings):
        return None  # a credential that is missing says nothing about the rest
    try:
        resolve(manifest.dock)  # what the adapter itself needs may not be installed
        return manifest.load_settings(entry.settings)
    except msgspec.ValidationError as error:
        findings += _faults_of(entry.settings, resolve(manifest.settings), error, f"{path}.settings")
    except Misconfigured as fault:
        findings.append(Finding(fault.code, f"{path}.adapter", fault.message))
    return None


def _check_routes(
    routes: Routes,
    systems: Mapping[str, SystemEntry],
    manifests: Mapping[str, AdapterManifest],
    settings: Mapping[str, Any],
    findings: list[Finding],
) -> None:
    wanted = [(routes.erp, Role.ORDER_GATEWAY, "erp")]
    wanted += [(name, Role.ORDER_SOURCE, "order_sources") for name in routes.order_sources]
    wanted += [(name, Role.STATUS_SINK, "status_sinks") for name in routes.status_sinks]
    wanted += [(name, Role.EVENT_SINK, "event_sinks") for name in routes.event_sinks]
    wanted += [
        (routes.customers or routes.erp, Role.CUSTOMER_DIRECTORY, "customers"),
        (routes.products or routes.erp, Role.PRODUCT_SOURCE, "products"),
        (routes.prices or routes.erp, Role.PRICE_SOURCE, "prices"),
        (routes.stock or routes.erp, Role.STOCK_SOURCE, "stock"),
        *([(routes.addresses, Role.ADDRESS_VALIDATOR, "addresses")] if routes.addresses else []),
    ]
    for name, role, place in wanted:
        entry = systems.get(name)
        if entry is None:
            findings.append(Finding("system-unknown", f"routes.yaml $.{place}", f"no system is named {name!r}"))
        elif entry.adapter in manifests and role not in manifests[entry.adapter].roles:
            message = f"{name} ({entry.adapter}) has no role {role.value}"
            findings.append(Finding("role-missing", f"routes.yaml $.{place}", message))
        elif lacking := _lacking(settings.get(name), role):
            message = f"routes.yaml uses {name} as {role.value.replace('_', ' ')}, which needs this setting"
            findings.append(Finding("setting-missing", f"systems.yaml $.{name}.settings.{lacking}", message))


def _check_merging(
    ownership: Ownership,
    systems: Mapping[str, SystemEntry],
    manifests: Mapping[str, AdapterManifest],
    settings: Mapping[str, Any],
) -> list[Finding]:
    """What two records of one customer are to become has to be something that their system can make of them."""
    findings = []
    for system, merging in ownership.merging.items():
        manifest = manifests.get(systems[system].adapter) if system in systems else None
        if manifest is None or merging.on_merge == "leave":
            continue
        place = f"ownership.yaml $.merging.{system}.on_merge"
        if Role.CUSTOMER_SINK not in manifest.roles:
            words = f"{system} has no role {Role.CUSTOMER_SINK.value}: say leave"
            findings.append(Finding("role-missing", place, words))
            continue
        able = manifest.joins - getattr(settings.get(system), "cannot_join_by", frozenset())
        if merging.on_merge not in able:
            others = " or ".join(["leave", *sorted(able)])
            words = f"{manifest.title} cannot {merging.on_merge} two records as it is set up here: say {others}"
            findings.append(Finding("merging-unsupported", place, words))
    return findings


def _check_customer_roles(
    ownership: Ownership,
    systems: Mapping[str, SystemEntry],
    manifests: Mapping[str, AdapterManifest],
    place: str = "ownership.yaml $",
) -> list[Finding]:
    """Whose word counts has to be read, and who is told or gets a customer has to be written to."""
    wanted = {
        (system, Role.CUSTOMER_SOURCE): f"{where}.{rule.named_in}"
        for where, rule in ownership.rules().items()
        for system in rule.may_write
    }
    wanted |= {
        (system, Role.CUSTOMER_SINK): f"{where}.readers"
        for where, rule in ownership.rules().items()
        for system in rule.readers
    }
    wanted |= {(system, Role.CUSTOMER_SINK): "creates" for system in ownership.creates}
    return [
        Finding("role-missing", f"{place}.{where}", f"{system} has no role {role.value}")
        for (system, role), where in sorted(wanted.items())
        if (entry := systems.get(system)) is not None
        and entry.adapter in manifests
        and role not in manifests[entry.adapter].roles
    ]


def _check_onboarding(
    rules: OnboardingRules, parts: Mapping[str, Any], manifests: Mapping[str, AdapterManifest]
) -> list[Finding]:
    place, systems = "policies.yaml $.onboarding", parts["systems"]
    findings = [*check_credit_rules(rules.credit, f"{place}.credit")]
    if parts.get("ownership") is None:
        findings.append(Finding("owner-missing", place, "onboarding needs an ownership.yaml"))
    entry = systems.get(rules.erp)
    if entry is None:
        findings.append(Finding("system-unknown", f"{place}.erp", f"no system is named {rules.erp!r}"))
    elif entry.adapter in manifests and Role.CUSTOMER_SINK not in manifests[entry.adapter].roles:
        message = f"{rules.erp} ({entry.adapter}) has no role {Role.CUSTOMER_SINK.value}"
        findings.append(Finding("role-missing", f"{place}.erp", message))
    findings += [
        Finding("field-unknown", f"{place}.required[{index}]", "a customer has no field of this name")
        for index, name in enumerate(rules.required)
        if find_field(name) is None
    ]
    return findings


def _check_canaries(
    canaries: Mapping[str, CanaryRules], parts: Mapping[str, Any], manifests: Mapping[str, AdapterManifest]
) -> list[Finding]:
    place, systems = "policies.yaml $.canaries", parts["systems"]
    findings = [*check_canaries(canaries, parts.get("ownership"), place)]
    for name, rules in canaries.items():
        for role, system in (("source", rules.source), ("reader", rules.reader)):
            entry, path = systems.get(system), f"{place}.{name}.{role}"
            if entry is None:
                findings.append(Finding("system-unknown", path, f"no system is named {system!r}"))
            elif entry.adapter in manifests and Role.CUSTOMER_SINK not in manifests[entry.adapter].roles:
                message = f"{system} ({entry.adapter}) has no role {Role.CUSTOMER_SINK.value}"
                findings.append(Finding("role-missing", path, message))
    return findings


def _check_kept_beats(canaries: Mapping[str, CanaryRules], hub: HubSettings) -> list[Finding]:
    """Its latest beats say how a canary does: they have to be there."""
    days, place = hub.retention.canaries_days, "hub.yaml $.retention.canaries_days"
    slowest = max((rules.every_seconds for rules in canaries.values()), default=0.0)
    if not days or days * DAY_SECONDS >= slowest * BEATS_KEPT:
        return []
    words = f"the slowest canary is timed every {slowest:.0f} s: keep {BEATS_KEPT} of its beats, or 0 for all"
    return [Finding("retention-short", place, words)]


def _lacking(settings: Any, role: Role) -> str:
    """The setting that a dock needs for one of its roles only, where it says so itself (`lacks`)."""
    lacks = getattr(settings, "lacks", None)
    return str(lacks(role)) if lacks is not None else ""


def _faults_of(value: Any, kind: Any, error: msgspec.ValidationError, path: str) -> list[Finding]:
    """Everything that is wrong with a value, by the schema of its type; at least what `error` says."""
    (schema,), components = msgspec.json.schema_components([kind], schema_hook=_secret_schema)
    validator = jsonschema_rs.validator_for({**schema, "$defs": components})
    found = [
        Finding("setting-wrong", path + _place(fault.instance_path), _unless_secret(fault))
        for fault in validator.iter_errors(value)
    ]
    if not found:
        message, _, place = str(error).partition(" - at `$")
        found = [Finding("setting-wrong", path + place.rstrip("`"), message)]
    return found


def _unless_secret(fault: jsonschema_rs.ValidationError) -> str:
    """The fault's words, which quote the value, except where the value may be a credential."""
    name = str(fault.instance_path[-1]) if fault.instance_path else ""
    return "the value does not fit (it is not shown here)" if _SECRETIVE.search(name) else fault.message


def _place(steps: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _resolve(value: Any, folder: Path, path: str, findings: list[Finding]) -> Any:
    """Follow `{env: …}` and `{file: …}`, a file's path counted from the deployment."""
    if isinstance(value, dict):
        if set(value) == {"env"}:
            name = str(value["env"])
            if name not in os.environ:
                findings.append(Finding("reference-broken", path, f"the environment has no {name}"))
            return os.environ.get(name, "")
        if set(value) == {"file"}:
            file = folder / str(value["file"])
            if file.is_file():
                return file.read_text().strip()
            findings.append(Finding("reference-broken", path, f"there is no file {file}"))
            return ""
        return {str(key): _resolve(part, folder, f"{path}.{key}", findings) for key, part in value.items()}
    if isinstance(value, list):
        return [_resolve(part, folder, f"{path}[{index}]", findings) for index, part in enumerate(value)]
    return value


def _secret_schema(kind: type) -> dict[str, Any]:
    if kind is Secret:
        return {"type": "string"}
    raise NotImplementedError(kind.__name__)


def _secret(kind: type, value: Any) -> Any:
    if kind is not Secret:
        raise NotImplementedError(kind.__name__)
    if not isinstance(value, str):
        raise TypeError("a credential is a text")
    return Secret(value)
