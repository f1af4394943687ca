"""Corrections of a parked run's input: single values by path, or a whole new one."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.text import Text

from crossdock.durable.codec import decode
from crossdock.entrypoints.cli.output import plain
from crossdock.kit.errors import Finding, Invalid

INPUT_BYTES_MAX = 4 * 1024 * 1024
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,6})\]")


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """What to put in: a new input (None: the old one stays), results by step, and the changes in words."""

    input: bytes | None
    results: Mapping[str, bytes]
    changes: tuple[Text, ...]


def read_repair(old: bytes, puts: Sequence[str], new_input: Path | None, results: Sequence[str]) -> Repair:
    """Put a repair together. Raises Invalid where something does not fit or nothing would change."""
    changes: list[Text] = []
    payload = read_bounded(new_input) if new_input is not None else None
    if payload is not None:
        changes.append(Text(f"a new input of {len(payload)} bytes from {new_input}"))
    if puts:
        payload = _put_all(payload if payload is not None else old, puts, changes)
    steps = dict(_split(result, "--result", "STEP=JSON") for result in results)
    changes += [Text(f"{step} returned {plain(value)}") for step, value in steps.items()]
    if not changes:
        raise _invalid("nothing-to-repair", "$", "say what to put in: --set, --input or --result")
    return Repair(
        input=payload, results={step: value.encode() for step, value in steps.items()}, changes=tuple(changes)
    )


def read_bounded(path: Path) -> bytes:
    """A file, or standard input for `-`. Raises Invalid where it is not there or too large."""
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(INPUT_BYTES_MAX + 1)
        else:
            with path.open("rb") as file:
                content = file.read(INPUT_BYTES_MAX + 1)
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}", code="file-unreadable") from error
    if len(content) > INPUT_BYTES_MAX:
        raise Invalid(f"{path} has more than {INPUT_BYTES_MAX} bytes", code="file-too-large")
    return content


def _put_all(payload: bytes, puts: Sequence[str], changes: list[Text]) -> bytes:
    value = decode(payload, object)
    for put in puts:
        path, text = _split(put, "--set", "PATH=VALUE")
        before = _put(value, path, _value(text))
        changes.append(
            Text.assemble((path, "lane"), "  ", (plain(str(before)), "strike"), " → ", (plain(text), "good"))
        )
    return msgspec.json.encode(value)


def _value(text: str) -> Any:
    """JSON where it is an object, list, boolean or null; everything else is text, as amounts are on our wire."""
    if text[:1] in {"{", "[", '"'} or text in {"true", "false", "null"}:
        return decode(text.encode(), object)
    return text


def _put(root: Any, path: str, new: Any) -> Any:
    """Replace the value at a JSON path; returns the old one. Raises Invalid where the path leads nowhere."""
    steps = _steps(path)
    place = root
    for step in steps[:-1]:
        place = _child(place, step, path)
    last = steps[-1]
    if isinstance(place, dict) and isinstance(last, str):
        before = place.get(last, "nothing")
        place[last] = int(new) if isinstance(before, int) and str(new).isdigit() else new
        return before
    before = _child(place, last, path)
    place[last] = new
    return before


def _steps(path: str) -> list[str | int]:
    rest = path.removeprefix("$")
    found = list(_STEP.finditer(rest))
    if not found or "".join(match.group() for match in found) != rest:
        raise _invalid("path-wrong", path, "a path looks like $.lines[0].unit_price.amount")
    return [match.group(1) or int(match.group(2)) for match in found]


def _child(place: Any, step: str | int, path: str) -> Any:
    try:
        return place[step]
    except (KeyError, IndexError, TypeError):
        raise _invalid("path-unknown", path, f"the input has nothing at {step}") from None


def _split(text: str, option: str, shape: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise _invalid("option-wrong", option, f"it looks like {shape}")
    return name, value


def _invalid(code: str, path: str, message: str) -> Invalid:
    return Invalid(message, code=code, findings=[Finding(code, path, message)])
