"""Every command explains itself, with an example to copy."""

from collections.abc import Iterator

import pytest
import typer
from tests.entrypoints.cli.conftest import Cli

from crossdock.entrypoints.cli.main import app


def commands(group: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for command in group.registered_commands:
        assert command.name, f"{command.callback} has no name of its own"
        yield (*path, command.name)
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, (*path, str(inner.name)))


EXAMPLE_CHARACTERS_MAX = 76

ALL = sorted(commands(app))


def helps(group: typer.Typer) -> Iterator[str]:
    for command in group.registered_commands:
        yield command.help or ""
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from helps(inner.typer_instance)


@pytest.mark.parametrize("told", list(helps(app)), ids=lambda told: told.partition(".")[0][:40])
def test_help_fits_a_terminal_of_eighty_columns(told: str) -> None:
    for paragraph in told.split("\n\n"):
        if not paragraph.startswith(" "):
            assert "\n" not in paragraph, "it fills the line, however wide that is"
    examples = [line.strip() for line in told.splitlines() if line.startswith("  crossdock ")]
    assert examples
    assert [line for line in examples if len(line) > EXAMPLE_CHARACTERS_MAX] == []


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_every_command_teaches_by_example(cli: Cli, command: tuple[str, ...]) -> None:
    told = cli(*command, "--help")
    assert told.code == 0
    assert "Example" in told.out
    assert f"crossdock {' '.join(command)}" in told.out


def test_the_whole_command_line_is_there() -> None:
    asked = """
        demo / init / check / up / worker / capacity / rehearse black-friday / bench / systems check / systems list
        / stock load / orders list / orders show / orders submit / parked list / parked show / parked retry
        / parked repair / parked skip
        / customers find / customers show / customers why / customers reviews / customers questions
        / customers decide / customers merge / customers unmerge / customers pin / customers unpin
        / customers accept
        / parked compensate / parked assign / lanes list / lanes pause / lanes resume / lanes history
        / match dedupe / match explain / match train / match keep / match rehearse
        / credit list / credit approve / credit refuse / freshness / retention
        / privacy consents / privacy erase / privacy export / privacy hold / privacy release / privacy replay
        / privacy rotate / privacy seal / privacy status
        / events tail / events consumers / events replay / events asyncapi
    """
    assert {tuple(one.split()) for one in asked.split("/")} == set(ALL)


def test_the_first_page_says_where_to_begin_and_what_exit_codes_mean(cli: Cli) -> None:
    told = cli("--help")
    assert told.code == 0
    for words in ("crossdock demo", "crossdock systems check", "Exit codes"):
        assert words in told.out


def test_version_is_one_line(cli: Cli) -> None:
    told = cli("--version")
    assert told.code == 0
    assert told.out.startswith("crossdock 0.")
    assert told.out.count("\n") == 1
