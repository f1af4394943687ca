"""Every failpoint there is, read from the source: whoever kills somewhere must know where there is to kill."""

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

import crossdock

PACKAGE = Path(crossdock.__file__).parent


class Place(msgspec.Struct, frozen=True, order=True):
    """One failpoint: its name, the file (from the package's folder) and the function it stands in."""

    name: str
    path: str
    function: str


@lru_cache(maxsize=1)
def places() -> Sequence[Place]:
    """All of them, by name. Raises ValueError for a name that is no literal, or stands twice."""
    found: dict[str, Place] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        text = file.read_text("utf-8")
        if "failpoint(" not in text:
            continue
        path = file.relative_to(PACKAGE).as_posix()
        for place in places_in(text, path):
            if place.name in found:
                raise ValueError(f"{place.name} stands in {found[place.name].path} and in {place.path}")
            found[place.name] = place
    return sorted(found.values())


def places_in(text: str, path: str) -> Iterator[Place]:
    """The failpoints of one file. Raises ValueError for a name that is not written out."""
    yield from _places_under(ast.parse(text), path, "")


def failpoints_table() -> str:
    """The places by name, and where they are."""
    lines = ["| failpoint | stands in | function |", "|---|---|---|"]
    for place in places():
        link = f"[{place.path}](../../src/crossdock/{place.path})"
        lines.append(f"| `{place.name}` | {link} | `{place.function}` |")
    return "\n".join(lines)


def _places_under(node: ast.AST, path: str, function: str) -> Iterator[Place]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            function = name
        case ast.Call(func=ast.Name(id="failpoint"), args=[ast.Constant(value=str(name))]):
            yield Place(name, path, function)
        case ast.Call(func=ast.Name(id="failpoint")):
            raise ValueError(f"{path} line {node.lineno}: write the failpoint's name out, so that it can be found")
    for child in ast.iter_child_nodes(node):
        yield from _places_under(child, path, function)
