"""What the suites share: the fixtures an author overrides, the dock they make, the rules and the exemptions."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from crossdock.kit.clock import Clock, SystemClock
from crossdock.kit.errors import CrossdockError
from crossdock.ports.manifest import AdapterManifest
from crossdock.testing.estate import Estate
from crossdock.testing.quality import Quality, read_quality

Raised = TypeVar("Raised", bound=CrossdockError)
Connect = Callable[[], Awaitable[Any]]


class Conformance:
    """Override `manifest`, `bench` and `settings`; and `estate` where the system knows other things.

    A test of a suite is a rule: `test_decimals_survive` is `decimals-survive` in `quality.yaml`.
    """

    pytestmark = pytest.mark.anyio

    role_name: ClassVar[str] = ""

    @pytest.fixture(scope="session")
    @staticmethod
    def anyio_backend() -> str:
        """Docks run on asyncio."""
        return "asyncio"

    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        """The adapter's `ADAPTER`."""
        raise NotImplementedError("override the fixture `manifest`: return the adapter's ADAPTER")

    @pytest.fixture
    def bench(self) -> Any:
        """A running system as it is before anything happened, and the means to trouble it; see `testing.bench`."""
        raise NotImplementedError("override the fixture `bench`: start the simulator and yield its FaultBench")

    @pytest.fixture
    def settings(self, bench: Any) -> Mapping[str, Any]:
        """The plain settings with which the dock reaches what `bench` stands for."""
        raise NotImplementedError("override the fixture `settings`: return the dock's settings as a mapping")

    @pytest.fixture
    def estate(self) -> Estate:
        """What the system knows."""
        return Estate()

    @pytest.fixture
    def clock(self) -> Clock:
        """The dock's clock."""
        return SystemClock()

    @pytest.fixture
    def unique_reference(self, manifest: AdapterManifest) -> bool:
        """Whether the system itself refuses a second order under the same key."""
        return manifest.unique_reference

    @pytest.fixture
    def patience_seconds(self) -> float:
        """How long to wait for what must happen; generous, since no rule is about speed."""
        return 20.0

    @pytest.fixture
    def quality(self, manifest: AdapterManifest) -> Quality:
        """The adapter's `quality.yaml`."""
        return read_quality(folder_of(manifest) / "quality.yaml")

    @pytest.fixture(autouse=True)
    def _held_to_the_rule(self, request: pytest.FixtureRequest) -> None:
        rule = rule_of(request.function)
        if rule not in rules(type(self)):
            return
        quality: Quality = request.getfixturevalue("quality")
        verdict = quality.of(self.role_name, rule)
        if verdict is not None and verdict.state != "done":
            pytest.skip(f"{self.role_name}/{rule} is {verdict.state}: {verdict.reason}")

    @pytest.fixture
    async def connect(
        self, manifest: AdapterManifest, settings: Mapping[str, Any], clock: Clock
    ) -> AsyncIterator[Connect]:
        """Opens a further dock to the same system, as another worker would; all are closed at the end."""
        docks: list[Any] = []

        async def connect() -> Any:
            dock = manifest.make_dock(manifest.load_settings(settings), clock)
            docks.append(dock)
            await dock.open()
            return dock

        yield connect
        for dock in docks:
            await dock.close()

    @pytest.fixture
    async def dock(self, connect: Connect) -> Any:
        """The open dock under test."""
        return await connect()


def folder_of(manifest: AdapterManifest) -> Path:
    """The adapter's folder."""
    file = import_module(package_of(manifest)).__file__
    assert file is not None, f"{package_of(manifest)} has no folder of its own"
    return Path(file).parent


def package_of(manifest: AdapterManifest) -> str:
    """The adapter's package, as its dock's import reference names it."""
    return manifest.dock.partition(":")[0].rpartition(".")[0]


def rule_of(function: Callable[..., Any]) -> str:
    """`test_decimals_survive` is the rule `decimals-survive`."""
    return function.__name__.removeprefix("test_").replace("_", "-")


def rules(suite: type[Conformance]) -> Mapping[str, str]:
    """The rules that a suite (or a class that inherits it) holds, each with its promise."""
    ours = (cls for cls in suite.__mro__ if cls.__module__.startswith(__package__))
    return {
        rule_of(test): " ".join((inspect.getdoc(test) or "").split())
        for cls in reversed(tuple(ours))
        for name, test in vars(cls).items()
        if name.startswith("test_")
    }


async def raised(kind: type[Raised], call: Awaitable[Any]) -> Raised:
    """Await `call` and return the error it must raise: exactly of this kind, not of a wider one."""
    try:
        answer = await call
    except kind as error:
        return error
    except CrossdockError as error:
        words = f"raised {type(error).__name__} ({error.code}: {error.message}), where {kind.__name__} is promised"
        raise AssertionError(words) from error
    raise AssertionError(f"returned {answer!r}, where {kind.__name__} is promised")
