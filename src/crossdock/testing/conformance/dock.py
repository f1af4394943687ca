"""The promises of every dock: its folder, manifest, entry point, README and quality.yaml say the same."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any

import msgspec
import pytest

from crossdock.kit.redaction import Secret
from crossdock.ports import (
    address_validator,
    customer_sink,
    customer_source,
    directories,
    event_sink,
    order_gateway,
    order_source,
    status_sink,
)
from crossdock.ports.manifest import ROLE_METHODS, AdapterManifest, Role, SystemCheck, resolve
from crossdock.testing.conformance.address_validator import AddressValidatorConformance
from crossdock.testing.conformance.customer_sink import CustomerSinkConformance
from crossdock.testing.conformance.customer_source import CustomerSourceConformance
from crossdock.testing.conformance.directories import (
    CustomerDirectoryConformance,
    PriceSourceConformance,
    ProductSourceConformance,
    StockSourceConformance,
)
from crossdock.testing.conformance.event_sink import EventSinkConformance
from crossdock.testing.conformance.order_gateway import OrderGatewayConformance
from crossdock.testing.conformance.order_source import OrderSourceConformance
from crossdock.testing.conformance.status_sink import StatusSinkConformance
from crossdock.testing.conformance.suite import (
    Conformance,
    folder_of,
    package_of,
    rules,
)
from crossdock.testing.quality import Quality

FILES = (
    "__init__.py",
    "settings.py",
    "client.py",
    "wire.py",
    "mapping.py",
    "failures.py",
    "adapter.py",
    "quality.yaml",
    "README.md",
)
"""What each adapter's folder holds; besides, `simulator` (or `local`, for a real system), a file or a folder."""

_SECRETIVE = ("secret", "password", "token", "private_key", "api_key")

_PORTS: Mapping[Role, Any] = {
    Role.ORDER_GATEWAY: order_gateway.OrderGateway,
    Role.ORDER_SOURCE: order_source.OrderSource,
    Role.STATUS_SINK: status_sink.StatusSink,
    Role.EVENT_SINK: event_sink.EventSink,
    Role.CUSTOMER_DIRECTORY: directories.CustomerDirectory,
    Role.PRODUCT_SOURCE: directories.ProductSource,
    Role.PRICE_SOURCE: directories.PriceSource,
    Role.STOCK_SOURCE: directories.StockSource,
    Role.CUSTOMER_SOURCE: customer_source.CustomerSource,
    Role.CUSTOMER_SINK: customer_sink.CustomerSink,
    Role.ADDRESS_VALIDATOR: address_validator.AddressValidator,
}


class DockConformance(Conformance):
    """Everything a dock promises whatever its roles. The bench is a `FaultBench`."""

    role_name = "dock"

    async def test_it_opens_and_closes_twice(
        self, manifest: AdapterManifest, settings: Mapping[str, Any], clock: Any
    ) -> None:
        """Opening what is open and closing what is closed is fine, and a closed dock opens again."""
        dock = manifest.make_dock(manifest.load_settings(settings), clock)
        await dock.close()
        for _ in range(2):
            await dock.open()
            await dock.open()
            assert (await dock.check()).ok
            await dock.close()
            await dock.close()

    async def test_the_check_names_the_product(self, dock: Any) -> None:
        """A check names the system and its version and says that all is well."""
        check = await dock.check()

        assert isinstance(check, SystemCheck)
        assert check.ok, check.detail
        assert check.product

    async def test_the_check_tells_of_a_revoked_credential(self, dock: Any, bench: Any) -> None:
        """A check answers that the credential is refused; it does not raise."""
        await bench.revoke_credential()

        check = await dock.check()

        assert not check.ok
        assert check.detail

    def test_the_folder_has_the_files_of_its_siblings(self, manifest: AdapterManifest) -> None:
        """The same files in each adapter, so that who knows one knows all."""
        folder = folder_of(manifest)
        missing = [name for name in FILES if not (folder / name).is_file()]

        assert missing == []
        systems = ("simulator.py", "simulator", "local.py", "local")
        assert any((folder / name).exists() for name in systems), "neither a simulator nor a local system"

    def test_the_manifest_is_found_by_its_entry_point(self, manifest: AdapterManifest) -> None:
        """The entry point group `crossdock.adapters` leads, under the manifest's name, to this very manifest."""
        found = [point for point in entry_points(group="crossdock.adapters") if point.name == manifest.name]

        assert len(found) == 1, f"{len(found)} entry points named {manifest.name!r}"
        assert found[0].load() == manifest
        assert found[0].value.partition(":")[0] == package_of(manifest)

    def test_the_package_holds_the_manifest_and_nothing_else(self, manifest: AdapterManifest) -> None:
        """`__init__.py` is a docstring, imports from the ports and `ADAPTER = AdapterManifest(...)`."""
        tree = ast.parse((folder_of(manifest) / "__init__.py").read_text("utf-8"))

        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                assert str(node.module).startswith("crossdock."), "only the hub's own words may be imported here"
            elif isinstance(node, ast.Assign):
                assert ast.unparse(node.targets[0]) == "ADAPTER"
            else:
                assert isinstance(node, ast.Expr), f"line {node.lineno} is neither import nor ADAPTER"

    def test_reading_the_manifest_loads_nothing_else(self, manifest: AdapterManifest) -> None:
        """The manifest is read without loading the dock or any vendor library."""
        package = package_of(manifest)
        code = (
            f"import sys, {package}; print([name for name in sys.modules if name.startswith({package + '.'!r})])"
        )
        paths = [path for path in sys.path if path]

        loaded = subprocess.run(  # noqa: S603 - our own interpreter, our own words
            [sys.executable, "-c", f"import sys; sys.path[:] = {paths!r}; {code}"],
            capture_output=True,
            text=True,
            check=True,
        )

        assert loaded.stdout.strip() == "[]"

    def test_each_role_has_its_methods(self, manifest: AdapterManifest) -> None:
        """Every declared role has the methods of its port, with the port's parameters."""
        dock = resolve(manifest.dock)
        for role in manifest.roles:
            for name in ROLE_METHODS[role]:
                method = getattr(dock, name, None)
                assert callable(method), f"{role.value}: {name} is missing"
                assert _parameters(method) == _parameters(getattr(_PORTS[role], name)), f"{role.value}: {name}"

    async def test_settings_refuse_what_they_do_not_know(
        self, manifest: AdapterManifest, settings: Mapping[str, Any]
    ) -> None:
        """A misspelt setting is an error with its name, not a silent default."""
        manifest.load_settings(settings)

        with pytest.raises(msgspec.ValidationError, match="misspelt_by_mistake"):
            manifest.load_settings({**settings, "misspelt_by_mistake": 1})

    def test_secrets_are_secret(self, manifest: AdapterManifest) -> None:
        """A setting that sounds like a secret is a `Secret`, and has no default value."""
        for field in msgspec.structs.fields(resolve(manifest.settings)):
            if any(word in field.name for word in _SECRETIVE) and not field.name.endswith(("_seconds", "_url")):
                assert "Secret" in str(field.type), f"{field.name} would be shown in logs"
                assert not isinstance(field.default, Secret), f"{field.name} has a default"

    def test_the_readme_names_every_setting_and_version(self, manifest: AdapterManifest) -> None:
        """Whoever sets the dock up finds each setting and each tested version in its README."""
        readme = (folder_of(manifest) / "README.md").read_text("utf-8")
        names = [f"`{field.name}`" for field in msgspec.structs.fields(resolve(manifest.settings))]

        assert [name for name in (*names, *manifest.tested_versions) if name not in readme] == []

    def test_quality_answers_every_rule(self, manifest: AdapterManifest, quality: Quality) -> None:
        """`quality.yaml` has a verdict on every rule of the dock and its roles, and on no other."""
        assert quality.adapter == manifest.name
        promised = {
            (role, rule)
            for role, suite in SUITES.items()
            if role == self.role_name or role in manifest.roles
            for rule in rules(suite)
        }
        answered = {(role, rule) for role, verdicts in quality.verdicts.items() for rule in verdicts}

        assert sorted(answered - promised) == [], "verdicts on rules that do not exist"
        assert sorted(promised - answered) == [], "rules without a verdict"

    def test_what_is_done_is_tested(
        self, manifest: AdapterManifest, quality: Quality, request: pytest.FixtureRequest
    ) -> None:
        """For every role there is a class in this module that holds the suite's own test of each rule done."""
        for role, suite in SUITES.items():
            if role != self.role_name and role not in manifest.roles:
                continue
            held = [cls for cls in _suites_in(request.module) if issubclass(cls, suite)]
            assert held, f"{role} is declared, and this module has no class Test…({suite.__name__})"
            for rule in rules(suite):
                verdict = quality.of(role, rule)
                name = "test_" + rule.replace("-", "_")
                if verdict is None or verdict.state == "done":
                    for cls in held:
                        same = getattr(cls, name, None) is getattr(suite, name)
                        assert same, (
                            f"{role}/{rule} is done, but {cls.__name__} has put something else in its place"
                        )


SUITES: Mapping[str, type[Conformance]] = {
    "dock": DockConformance,
    Role.ORDER_GATEWAY.value: OrderGatewayConformance,
    Role.ORDER_SOURCE.value: OrderSourceConformance,
    Role.STATUS_SINK.value: StatusSinkConformance,
    Role.EVENT_SINK.value: EventSinkConformance,
    Role.CUSTOMER_DIRECTORY.value: CustomerDirectoryConformance,
    Role.PRODUCT_SOURCE.value: ProductSourceConformance,
    Role.PRICE_SOURCE.value: PriceSourceConformance,
    Role.STOCK_SOURCE.value: StockSourceConformance,
    Role.CUSTOMER_SOURCE.value: CustomerSourceConformance,
    Role.CUSTOMER_SINK.value: CustomerSinkConformance,
    Role.ADDRESS_VALIDATOR.value: AddressValidatorConformance,
}
"""The suite of each role, and of the dock itself."""


def _suites_in(module: Any) -> Iterator[type[Conformance]]:
    for name, value in vars(module).items():
        if name.startswith("Test") and isinstance(value, type) and issubclass(value, Conformance):
            yield value


def _parameters(method: Any) -> list[tuple[str, Any]]:
    return [(name, parameter.kind) for name, parameter in inspect.signature(method).parameters.items()]
