"""Failpoints: named, found by their names, and nothing at all while they are off."""

import dis
from collections.abc import Iterator

import pytest

from crossdock.kit import failpoints
from crossdock.kit.failpoints import arm, disarm, failpoint
from crossdock.testing.failpoints import places, places_in

PLACES_MIN = 40


@pytest.fixture(autouse=True)
def _off_again() -> Iterator[None]:
    yield
    disarm()


def test_off_a_failpoint_does_nothing_but_return() -> None:
    done = [instruction.opname for instruction in dis.get_instructions(failpoint)]
    assert [name for name in done if name not in {"RESUME", "RETURN_CONST"}] in (
        [],
        ["LOAD_CONST", "RETURN_VALUE"],
    )


def test_armed_it_tells_whoever_imported_it_before_and_disarmed_nobody() -> None:
    passed: list[str] = []
    imported_before = failpoint
    arm(passed.append)
    imported_before("test.one")
    disarm()
    imported_before("test.two")
    assert passed == ["test.one"]
    assert failpoint.__code__ is failpoints._OFF


def test_what_it_raises_reaches_the_place() -> None:
    def die(name: str) -> None:
        raise SystemExit(name)

    arm(die)
    with pytest.raises(SystemExit, match=r"test\.one"):
        failpoint("test.one")


def test_the_rooms_where_a_crash_hurts_have_places_to_die() -> None:
    assert len(places()) >= PLACES_MIN
    rooms = {place.path.partition("/")[0] for place in places()}
    assert rooms >= {"durable", "storage", "processes", "adapters", "transport", "entrypoints"}
    assert {place.path for place in places()} >= {"durable/relay.py", "durable/lanes/lane.py"}


def test_a_place_says_where_it_stands() -> None:
    told = {place.name: place for place in places()}["run.intention_recorded"]
    assert (told.path, told.function) == ("durable/run.py", "_write_outside")


def test_a_name_that_cannot_be_found_by_searching_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="write the failpoint's name out"):
        list(places_in("def walk(name):\n    failpoint(name)\n", "somewhere.py"))
