"""The demo from end to end, with everything that goes wrong in it, against the ERP that needs nothing."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crossdock.entrypoints.cli.exits import ExitCode

COMMAND = (sys.executable, "-m", "crossdock.entrypoints.cli", "demo")
TIMEOUT_SECONDS = 240


@pytest.mark.long
def test_a_small_day_and_a_stream_keep_every_promise(tmp_path: Path) -> None:
    place = tmp_path / "kept"
    wanted = ("--erp", "memory", "--once", "--orders", "60", "--stream", "200", "--json", "--keep", str(place))
    ended = subprocess.run(
        [*COMMAND, *wanted],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    assert ended.returncode == ExitCode.OK, ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    for played in (told, told["stream"]):
        assert [promise["name"] for promise in played["promises"] if not promise["held"]] == []
    assert len(told["promises"]) == 8 + 6
    assert told["stream"]["figures"]["orders"] == 200
    figures = told["figures"]
    assert figures["orders"] + figures["turned_away"] == 60 + 2, "and those of the company that becomes a customer"
    assert figures["hub_starts"] == 2
    assert figures["answers_lost"] == 2
    assert figures["gaps_proved"] >= 1
    expected = {"accepted", "partly accepted", "parked: price-mismatch", "parked: untranslatable"}
    expected |= {"refused: credit-pending"}
    assert expected <= set(figures["ends"])
    assert (place / "systems.yaml").exists()
    for secret in (place / "secrets").iterdir():
        assert secret.stat().st_mode & 0o077 == 0
        assert secret.read_text() not in (place / "systems.yaml").read_text()


def test_sigterm_ends_the_demo_and_everything_that_it_started(tmp_path: Path) -> None:
    place = tmp_path / "kept"
    playing = subprocess.Popen(
        [*COMMAND, "--erp", "memory", "--keep", str(place)], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert playing.stderr is not None
    try:
        assert any("The console is at" in line for line in playing.stderr)
        playing.send_signal(signal.SIGTERM)
        playing.communicate(timeout=60)
    finally:
        playing.kill()
        playing.communicate()
    log = [json.loads(line) for line in (place / "hub.log").read_text().splitlines()]
    assert log[-1]["event"] == "stopped"


@pytest.mark.parametrize("words", [("--orders", "3"), ("--speed", "0"), ("--erp", "sap")], ids=" ".join)
def test_a_wrong_wish_is_refused_before_anything_starts(words: tuple[str, ...]) -> None:
    ended = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == ExitCode.USAGE


def test_a_folder_in_use_is_not_played_in(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("mine")
    ended = subprocess.run(
        [*COMMAND, "--keep", str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == ExitCode.REFUSED
    assert "folder-not-empty" in ended.stderr
