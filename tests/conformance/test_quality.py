"""`quality.yaml` is believed only where it says something definite about a rule that exists and is tested."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from crossdock.adapters.memory import ADAPTER
from crossdock.kit.errors import Misconfigured
from crossdock.ports.manifest import Role
from crossdock.testing.conformance import SUITES, DockConformance, OrderGatewayConformance, rules
from crossdock.testing.quality import Quality, Verdict, read_quality

GATEWAY_ONLY = msgspec.structs.replace(ADAPTER, roles=frozenset({Role.ORDER_GATEWAY}))


def all_done() -> dict[str, dict[str, Verdict]]:
    return {role: dict.fromkeys(rules(SUITES[role]), Verdict("done")) for role in ("dock", "order_gateway")}


class TestWhole(OrderGatewayConformance):
    __test__ = False


class TestHollow(OrderGatewayConformance):
    __test__ = False

    async def test_decimals_survive(self) -> None:  # type: ignore[override]
        pass


class TestDockItself(DockConformance):
    __test__ = False


def agreement(verdicts: Mapping[str, Mapping[str, Verdict]], *classes: type) -> None:
    quality = Quality("memory", verdicts)
    module = SimpleNamespace(**{cls.__name__: cls for cls in classes})
    request: Any = SimpleNamespace(module=module)
    DockConformance().test_quality_answers_every_rule(GATEWAY_ONLY, quality)
    DockConformance().test_what_is_done_is_tested(GATEWAY_ONLY, quality, request)


def test_a_file_that_answers_every_rule_of_its_roles_agrees() -> None:
    agreement(all_done(), TestWhole, TestDockItself)


def test_an_unknown_rule_fails() -> None:
    verdicts = all_done()
    verdicts["order_gateway"]["decimals-mostly-survive"] = Verdict("done")

    with pytest.raises(AssertionError, match="decimals-mostly-survive"):
        agreement(verdicts, TestWhole, TestDockItself)


def test_a_verdict_on_a_role_that_is_not_declared_fails() -> None:
    verdicts = all_done() | {"stock_source": {"stock-is-read-as-it-is-now": Verdict("done")}}

    with pytest.raises(AssertionError, match="stock-is-read-as-it-is-now"):
        agreement(verdicts, TestWhole, TestDockItself)


def test_a_rule_without_verdict_fails() -> None:
    verdicts = all_done()
    del verdicts["order_gateway"]["decimals-survive"]

    with pytest.raises(AssertionError, match="rules without a verdict"):
        agreement(verdicts, TestWhole, TestDockItself)


def test_a_rule_that_is_done_and_has_no_test_class_fails() -> None:
    with pytest.raises(AssertionError, match="no class"):
        agreement(all_done(), TestDockItself)


def test_a_rule_that_is_done_and_whose_test_was_replaced_fails() -> None:
    with pytest.raises(AssertionError, match="order_gateway/decimals-survive is done, but TestHollow"):
        agreement(all_done(), TestHollow, TestDockItself)


def test_a_replaced_test_is_fine_where_the_rule_is_not_said_to_be_done() -> None:
    verdicts = all_done()
    verdicts["order_gateway"]["decimals-survive"] = Verdict("todo", "rounding is under way")

    agreement(verdicts, TestHollow, TestDockItself)


def test_the_three_verdicts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "quality.yaml"
    path.write_text("adapter: acme\nrules:\n  dock:\n    a: done\n    b: {exempt: why}\n    c: {todo: when}\n")

    quality = read_quality(path)

    assert quality.adapter == "acme"
    assert [quality.of("dock", rule) for rule in "abcd"] == [
        Verdict("done"),
        Verdict("exempt", "why"),
        Verdict("todo", "when"),
        None,
    ]


@pytest.mark.parametrize(
    ("verdict", "code", "path"),
    [
        ("{exempt: ''}", "no-reason", "$.rules.dock.a"),
        ("{exempt: x, todo: y}", "no-reason", "$.rules.dock.a"),
        ("nearly", "wrong-type", "$.rules[...][...]"),
        ("{because: x}", "wrong-type", "$.rules[...][...]"),
        ("[", "not-yaml", "$"),
    ],
)
def test_what_is_no_verdict_is_refused_with_its_place(tmp_path: Path, verdict: str, code: str, path: str) -> None:
    file = tmp_path / "quality.yaml"
    file.write_text(f"adapter: acme\nrules:\n  dock:\n    a: {verdict}\n")

    with pytest.raises(Misconfigured) as caught:
        read_quality(file)

    assert [(finding.code, finding.path) for finding in caught.value.findings] == [(code, path)]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"quality\.yaml cannot be read"):
        read_quality(tmp_path / "quality.yaml")


EXEMPTED = """
import pytest
from crossdock.adapters.memory import ADAPTER
from crossdock.testing.conformance import CustomerDirectoryConformance
from crossdock.testing.quality import Quality, Verdict

VERDICTS = {
    "a-blocked-customer-says-why": Verdict("exempt", "nobody is ever blocked"),
    "no-customers-are-none": Verdict("todo", "next week"),
}

class TestCustomers(CustomerDirectoryConformance):
    @pytest.fixture
    def manifest(self): return ADAPTER
    @pytest.fixture
    def bench(self): return None
    @pytest.fixture
    def settings(self): return {}
    @pytest.fixture
    def quality(self): return Quality("memory", {"customer_directory": VERDICTS})
"""


def test_an_exempted_rule_is_skipped_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "test_exempted.py").write_text(EXEMPTED)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-k", "blocked or none or is_found"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed, 2 skipped" in run.stdout
    assert "customer_directory/a-blocked-customer-says-why is exempt: nobody is ever blocked" in run.stdout
    assert "customer_directory/no-customers-are-none is todo: next week" in run.stdout
