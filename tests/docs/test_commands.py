"""What a page tells people to type exists: targets, commands, options, modules."""

import importlib.util
import re
import shlex
from typing import Any

import pytest
import typer.main
from tests.architecture.tree import text_of
from tests.docs.markdown import commands_of, pages

from crossdock.entrypoints.cli.main import app
from crossdock.entrypoints.cli.running import WHAT_TO_DO

TARGETS = frozenset(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
CLI: Any = typer.main.get_command(app)


def said(page: str, program: str) -> list[list[str]]:
    """The words of each command of a page that calls `program`, up to a pipe or the like."""
    found = []
    for line in commands_of(page):
        words = re.sub(r"^(?:[A-Z_]+=\S+ +)*(?:\.venv/bin/)?", "", line)
        if words == program or words.startswith(f"{program} "):
            split = shlex.split(words, comments=True)
            end = next((place for place, word in enumerate(split) if word in {"|", "&&", ">", ";"}), len(split))
            found.append(split[1:end])
    return found


@pytest.mark.parametrize("page", pages())
def test_every_make_target_exists(page: str) -> None:
    for words in said(page, "make"):
        targets = {word for word in words if "=" not in word}
        assert targets <= TARGETS, f"make {' '.join(words)}"


@pytest.mark.parametrize("page", pages())
def test_every_command_exists_with_its_options(page: str) -> None:
    for words in said(page, "crossdock"):
        understand(words)


def test_every_hint_of_the_command_line_can_be_typed() -> None:
    for hint in WHAT_TO_DO.values():
        for words in re.findall(r"\bcrossdock( [a-z][^,;]*)", hint):
            understand(shlex.split(words))


@pytest.mark.parametrize("page", pages())
def test_every_module_that_is_run_exists(page: str) -> None:
    for words in said(page, "python"):
        if words[:1] == ["-m"]:
            assert importlib.util.find_spec(words[1]), f"python {' '.join(words)}"


def understand(words: list[str]) -> None:
    """Fail unless the command line takes these words; placeholders stand for values."""
    command, path, rest = CLI, ["crossdock"], list(words)
    while rest and rest[0][0] != "-" and (inner := getattr(command, "commands", None)):
        path.append(rest.pop(0))
        assert path[-1] in inner, f"{' '.join(path)} does not exist"
        command = inner[path[-1]]
    options = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts)}
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    values = 0
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        if not word.startswith("-"):
            values += word != "…"
        elif name not in {"--help", "-h"}:
            assert name in options, f"{' '.join(path)} has no option {name}"
            if not (options[name].is_flag or equals):
                assert rest, f"{' '.join(path)} {name} lacks its value"
                rest.pop(0)
    many = any(argument.nargs == -1 for argument in arguments)
    assert many or values <= len(arguments), f"{' '.join(path)} takes {len(arguments)} argument(s)"


@pytest.mark.parametrize(
    "wrong", ["parked lst", "parked list --by-couse", "orders show A B", "orders list --status", "demmo"]
)
def test_a_command_that_does_not_exist_is_caught(wrong: str) -> None:
    with pytest.raises(AssertionError):
        understand(wrong.split())
