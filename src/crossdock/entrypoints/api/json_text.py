"""Reading JSON from outside strictly: UTF-8, no NaN, no name twice, no abyss; and where anything is wrong.

The decoders we use would let a second value for a name silently win, and take NaN.
"""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, NoReturn

from crossdock.entrypoints.entrance.problems import Problem
from crossdock.kit.errors import Finding

DEPTH_MAX = 64
FINDINGS_MAX = 100
NAME_CHARACTERS_MAX = 80

_SUSPECT = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
"""Escapes that may name no character: NUL, which no database keeps, and halves of a pair."""


class _Twice(dict[str, Any]):
    """An object in which names came twice."""

    names: tuple[str, ...] = ()


def parse(body: bytes) -> tuple[Any, tuple[Finding, ...]]:
    """The value, and findings for names that are there twice and text nobody can keep.

    Raises Problem where it is no JSON.
    """
    seen: list[_Twice] = []

    def gather(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        names = [name for name, _ in pairs]
        twice = _Twice(value)
        twice.names = tuple(dict.fromkeys(name for name in names if names.count(name) > 1))
        seen.append(twice)
        return twice

    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=gather, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _not_json(f"byte {error.start} is no UTF-8") from error
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg}: line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise _not_json("a number has more digits than anybody needs") from error
    if _depth_exceeds(value, DEPTH_MAX):
        raise _too_deep()
    if not seen and not _SUSPECT.search(body):
        return value, ()
    findings = sorted(_find_faults(value), key=lambda finding: finding.path)
    return value, tuple(findings[:FINDINGS_MAX])


def _no_constant(name: str) -> NoReturn:
    raise _not_json(f"{name} is no JSON number")


def _not_json(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "not-json", detail, findings=[Finding("not-json", "$", detail)])


def _too_deep() -> Problem:
    detail = f"nested deeper than {DEPTH_MAX}"
    return Problem(HTTPStatus.BAD_REQUEST, "too-deep", detail, findings=[Finding("too-deep", "$", detail)])


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for part in level
            if isinstance(part, dict | list)
            for child in (part.values() if isinstance(part, dict) else part)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _find_faults(value: Any) -> Iterator[Finding]:
    waiting = [(value, "$")]
    while waiting:
        part, place = waiting.pop()
        if isinstance(part, _Twice):
            for name in part.names:
                yield Finding("name-twice", member(place, name), "the name is there twice")
        if isinstance(part, dict):
            waiting += [(child, member(place, name)) for name, child in part.items()]
            waiting += [(name, member(place, name)) for name in part]
        elif isinstance(part, list):
            waiting += [(child, f"{place}[{index}]") for index, child in enumerate(part)]
        elif isinstance(part, str) and not _is_text(part):
            yield Finding("no-text", place, "holds NUL or half a character")


def _is_text(text: str) -> bool:
    return not any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in text)


def member(path: str, name: str) -> str:
    """The path of a member: `$.lines`, or `$["odd name"]` where the name is no identifier."""
    name = name[:NAME_CHARACTERS_MAX]
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{json.dumps(name)}]"
