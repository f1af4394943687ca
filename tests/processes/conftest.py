"""Hubs on a stage, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.processes.stage import HubStage, hub_stage
from tests.stores import Stores


@pytest.fixture
async def stage(stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HubStage]:
    """A hub whose ERP refuses a second order under one reference; prices are not checked."""
    async with hub_stage(stores, tmp_path, monkeypatch) as stage:
        yield stage


@pytest.fixture
async def strict(sqlite_only: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HubStage]:
    """The same, with prices checked."""
    async with hub_stage(sqlite_only, tmp_path, monkeypatch, check_prices=True) as stage:
        yield stage
