"""A deployment as data: which systems there are, who does what, what is tolerated.

A folder of YAML files: `hub.yaml`, `systems.yaml`, `routes.yaml`, `policies.yaml`, and `ownership.yaml`
where customers are kept in agreement, too. Everything wrong with them is said at once, with file and path.
Credentials are references: `{env: NAME}` or `{file: path}`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from crossdock.bootstrap.deployment_files import faults_of, read_file
from crossdock.canonical.party import Code
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
    """Who does what: names from `systems.yaml`. Masters default to the ERP.

    `addresses` looks addresses up; without it only the rules of their countries are asked. `customer_channels` are
    no systems of `systems.yaml`: shops, tills and apps that tell of their customers over the hub's own API.
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
    customer_channels: tuple[Code, ...] = ()


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
        """What people call the system, or the channel."""
        if system not in self.systems:
            return system
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
        found = read_file(path, Ownership, deployment.folder, findings)
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
        *check_ownership(ownership, {*deployment.systems, *deployment.routes.customer_channels}, place),
        *_check_customer_roles(ownership, deployment.routes, deployment.systems, deployment.manifests, place),
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
        channels = routes.customer_channels if routes is not None else ()
        findings += check_ownership(parts["ownership"], {*systems, *channels}, "ownership.yaml $")
        findings += _check_customer_roles(parts["ownership"], routes, systems, manifests)
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
    return read_file(path, kind, folder, findings)


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
        findings += faults_of(entry.settings, resolve(manifest.settings), error, f"{path}.settings")
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
    for index, name in enumerate(routes.customer_channels):
        if name in systems:
            message = f"{name} is a system: it tells of its customers by its adapter"
            findings.append(Finding("channel-is-system", f"routes.yaml $.customer_channels[{index}]", message))
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
        if merging.on_merge == "leave" or (manifest is None and system in systems):
            continue
        place = f"ownership.yaml $.merging.{system}.on_merge"
        if manifest is None or Role.CUSTOMER_SINK not in manifest.roles:
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
    routes: Routes | None,
    systems: Mapping[str, SystemEntry],
    manifests: Mapping[str, AdapterManifest],
    place: str = "ownership.yaml $",
) -> list[Finding]:
    """Whose word counts has to be read, and who is told or gets a customer has to be written to.

    A channel speaks for itself, and nobody can write to it.
    """
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
    able = {name: manifests[entry.adapter].roles for name, entry in systems.items() if entry.adapter in manifests}
    able |= dict.fromkeys(routes.customer_channels if routes else (), frozenset({Role.CUSTOMER_SOURCE}))
    return [
        Finding("role-missing", f"{place}.{where}", f"{system} has no role {role.value}")
        for (system, role), where in sorted(wanted.items())
        if system in able and role not in able[system]
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
