"""The simulation itself: a seed is always the same day, what is broken is noticed, a failing day is made small."""

import subprocess
import sys

import pytest
from tests.rehearsal.broken import BREAKS, Break, without_dedupe

from crossdock.rehearsal.simulation.command import main
from crossdock.rehearsal.simulation.many import play_stretch
from crossdock.rehearsal.simulation.play import play
from crossdock.rehearsal.simulation.scenario import scenario_of
from crossdock.rehearsal.simulation.shrinking import shrink

SEEDS_MAX = 600
"""Within so many seeds everything that is broken on purpose is found; most of it within a hundred."""

SAME = "from crossdock.rehearsal.simulation.play import play; "
SAME += "from crossdock.rehearsal.simulation.scenario import scenario_of; "
SAME += "print(*play(scenario_of(34), traced=True).lines, sep='\\n')"


def test_nothing_is_found_in_a_sound_engine() -> None:
    total = play_stretch(range(100))
    assert total.failing == []
    assert total.seeds == 100
    assert total.injected.total() > 100


def test_a_seed_is_always_the_same_day() -> None:
    for seed in range(5):
        assert play(scenario_of(seed), traced=True) == play(scenario_of(seed), traced=True)


def test_a_seed_is_the_same_day_in_every_process() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", SAME],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


@pytest.mark.mutants
@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
def test_what_is_broken_on_purpose_is_found(monkeypatch: pytest.MonkeyPatch, broken: Break) -> None:
    broken(monkeypatch)
    assert any(play(scenario_of(seed)).found for seed in range(SEEDS_MAX))


def test_a_failing_day_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    without_dedupe(monkeypatch)
    seed = next(seed for seed in range(SEEDS_MAX) if _breaks(seed) and len(scenario_of(seed).faults) > 2)
    small = shrink(scenario_of(seed), lambda candidate: bool(play(candidate).found))
    assert (small.workers, len(small.orders), len(small.faults)) == (1, 1, 0)
    assert play(small).found


def _breaks(seed: int) -> bool:
    return bool(play(scenario_of(seed)).found)


def test_the_command_says_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "3", "--processes", "1"]) == 0
    assert "3 seeds" in capsys.readouterr().out


def test_the_command_tells_a_failing_seed_so_that_it_can_be_replayed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_dedupe(monkeypatch)
    assert main(["--seeds", "3", "--processes", "1"]) == 1
    said = capsys.readouterr().out
    assert "make simulate SEED=" in said
    assert "every_order_is_told_once" in said
