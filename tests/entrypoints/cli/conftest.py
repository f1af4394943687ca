"""A deployment with the memory ERP in this process, and the command line as a user calls it."""

import io
import json
import logging
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from crossdock.entrypoints.cli.deployments import VARIABLE
from crossdock.entrypoints.cli.main import app
from crossdock.entrypoints.cli.running import DEBUG_VARIABLE, run_safely


@dataclass(frozen=True)
class Told:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Told]


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """A folder with a hub on SQLite and a memory ERP that this process shares under a name of its own."""
    folder = tmp_path / "deployment"
    folder.mkdir()
    ledger = f"cli-{uuid.uuid4().hex[:12]}"
    (folder / "systems.yaml").write_text(
        f"erp: {{adapter: memory, title: Small ERP, settings: {{ledger: {ledger}}}}}\n"
    )
    (folder / "routes.yaml").write_text("erp: erp\n")
    (folder / "policies.yaml").write_text("acceptance: {price_tolerance_percent: '1'}\n")
    return folder


@pytest.fixture
def cli(deployment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """Call it with the words behind `crossdock`; `stdin` is what is piped in."""
    monkeypatch.setenv(VARIABLE, str(deployment))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv(DEBUG_VARIABLE, raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def call(*words: str, stdin: bytes = b"") -> Told:
        monkeypatch.setattr(sys, "argv", ["crossdock", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run_safely(app)
        said = capsys.readouterr()
        return Told(int(code), said.out, said.err)

    yield call
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
