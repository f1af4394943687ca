"""`crossdock up` is up when it says so, stops when it is told so, and leaves nothing behind that it took."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.worker.running import STOP_SECONDS_MAX
from crossdock.testing.builders import a_line, an_order

STOP_SECONDS_BOUND = STOP_SECONDS_MAX + 10


class Up:
    """A hub in a process of its own, and what its log has told so far."""

    def __init__(self, folder: Path, *words: str) -> None:
        command = (sys.executable, "-m", "crossdock.entrypoints.cli", "up", "-d", str(folder), "--log", "json")
        self.process = subprocess.Popen([*command, *words], stderr=subprocess.PIPE, text=True)
        self.told: list[dict[str, Any]] = []
        self.address = ""

    def read_until(self, event: str) -> dict[str, Any]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.told.append(json.loads(line))
            if self.told[-1]["event"] == event:
                return self.told[-1]
        raise AssertionError(f"the log ended without {event}: {self.told}")

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS_BOUND)


@contextmanager
def up(folder: Path, *words: str) -> Iterator[Up]:
    hub = Up(folder, "--port", "0", *words)
    try:
        told = hub.read_until("up")
        hub.address = f"http://{told['host']}:{told['port']}"
        yield hub
    finally:
        hub.process.kill()
        hub.process.communicate()


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    (tmp_path / "systems.yaml").write_text("erp: {adapter: memory}\n")
    (tmp_path / "routes.yaml").write_text("erp: erp\n")
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_good_order_although_a_stream_is_open(
    deployment: Path, number: signal.Signals
) -> None:
    with (
        up(deployment) as hub,
        httpx.Client(base_url=hub.address, timeout=30, trust_env=False) as client,
        client.stream("GET", "/v1/events/stream") as stream,
    ):
        assert stream.status_code == httpx.codes.OK
        assert hub.end(number) == ExitCode.OK
        assert hub.process.stderr is not None
        events = [json.loads(line)["event"] for line in hub.process.stderr]
        assert events[-2:] == ["stopping", "stopped"]


def test_it_stops_also_while_a_system_keeps_it_waiting_at_the_start(deployment: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (deployment / "systems.yaml").write_text(
            f"erp: {{adapter: memory, settings: {{url: '{address}', secret: x, timeout_seconds: 300}}}}\n"
        )
        hub = Up(deployment, "--port", "0")
        try:
            with silent.accept()[0]:  # it has begun to sign in, and is never answered
                assert hub.end(signal.SIGTERM) == ExitCode.OK
        finally:
            hub.process.kill()
            hub.process.communicate()


def test_what_a_killed_hub_took_is_finished_by_the_next(deployment: Path) -> None:
    order = an_order("O-1", lines=[a_line(price="1.005")])
    body = msgspec.json.encode(order)
    with up(deployment) as hub:
        headers = {"content-type": "application/json"}
        taken = httpx.post(f"{hub.address}/v1/orders", content=body, headers=headers, trust_env=False)
        assert taken.status_code == httpx.codes.ACCEPTED
        hub.process.kill()
    with (
        up(deployment) as hub,
        httpx.Client(base_url=hub.address, timeout=30, trust_env=False) as client,
        client.stream("GET", "/v1/events/stream?after=0") as stream,
    ):
        assert any("crossdock.order." in line and "captured" not in line for line in stream.iter_lines())


def test_two_hubs_do_not_work_on_one_sqlite_database(deployment: Path) -> None:
    with up(deployment):
        second = subprocess.run(
            [sys.executable, "-m", "crossdock.entrypoints.cli", "up", "-d", str(deployment), "--port", "0"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert second.returncode == ExitCode.MISCONFIGURED
    assert "database-in-use" in second.stderr


def test_a_port_that_is_taken_is_one_line_with_what_to_do(deployment: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("systems.yaml", "routes.yaml"):
        (other / name).write_text((deployment / name).read_text())
    with up(deployment) as hub:
        port = hub.address.rpartition(":")[2]
        second = subprocess.run(
            [sys.executable, "-m", "crossdock.entrypoints.cli", "up", "-d", str(other), "--port", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert second.returncode == ExitCode.MISCONFIGURED
    assert "port-not-free" in second.stderr


def test_a_worker_alone_needs_postgresql(deployment: Path) -> None:
    alone = subprocess.run(
        [sys.executable, "-m", "crossdock.entrypoints.cli", "worker", "-d", str(deployment)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert alone.returncode == ExitCode.MISCONFIGURED
    assert "store-single" in alone.stderr


@pytest.mark.postgres
def test_a_worker_beside_a_hub_works_on_one_postgresql_database(deployment: Path, postgres_dsn: str) -> None:
    (deployment / "hub.yaml").write_text(f"store: {postgres_dsn}\n")
    with up(deployment) as hub:
        command = (
            sys.executable,
            "-m",
            "crossdock.entrypoints.cli",
            "worker",
            "-d",
            str(deployment),
            "--log",
            "json",
        )
        beside = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            assert beside.stderr is not None
            assert any(json.loads(line)["event"] == "up" for line in beside.stderr)
            beside.send_signal(signal.SIGTERM)
            assert beside.wait(STOP_SECONDS_BOUND) == ExitCode.OK
        finally:
            beside.kill()
            beside.communicate()
        assert httpx.get(f"{hub.address}/healthz", trust_env=False).status_code == httpx.codes.OK
