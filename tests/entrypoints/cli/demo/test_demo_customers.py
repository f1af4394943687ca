"""A hub that recognises nobody: the verdict finds out by asking the ERP, and names whom it has twice."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from crossdock.entrypoints.cli.demo import deployment, estate, people
from crossdock.entrypoints.cli.demo.day import Day, play
from crossdock.entrypoints.cli.demo.show import Show
from crossdock.entrypoints.cli.demo.stage import set_stage

pytestmark = pytest.mark.anyio

BLIND = {"link": 200, "review": 199}
"""So much evidence no two records ever bear."""


async def test_a_hub_that_recognises_nobody_breaks_the_promises_about_duplicates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = deployment.customer_policies()

    def blind() -> dict[str, Any]:
        return {**usual, "matching": {"person": BLIND, "organisation": BLIND}}

    monkeypatch.setattr(deployment, "customer_policies", blind)
    # Nobody watches: nothing has to travel together.
    monkeypatch.setitem(estate.EVENTS, "gather_seconds", 0.2)
    monkeypatch.setattr(estate, "ERPS", {"memory": replace(estate.ERPS["memory"], linger_seconds=0.2)})
    async with contextlib.AsyncExitStack() as exits:
        stage = await set_stage(tmp_path / "blind", "memory", 0, exits)
        played = await play(Day(stage, Show(0, {}), (), decides=True), (), per_second=1.0)

    broken = {promise.name: promise.exceptions for promise in played.promises if not promise.held}
    assert broken.keys() == {"one person, one customer", "in doubt a person decides"}
    assert any(f"has 2 of {people.PERSON_NAME}" in line for line in broken["one person, one customer"])
    assert not played.kept
