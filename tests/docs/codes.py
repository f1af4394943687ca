"""Finds the stable codes in the source: whatever is given to something called `code`."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache

from tests.architecture.tree import python, syntax_of

HOUSE = "src/crossdock/"
OTHERS = "/simulator/"
"""A simulator speaks its vendor's codes, not ours."""

TABLES: Mapping[str, Mapping[str, str]] = {
    "src/crossdock/entrypoints/entrance/problems.py": {"PROBLEMS": "keys"},
    "src/crossdock/entrypoints/api/findings.py": {"_CODES": "values"},
    "src/crossdock/adapters/memory/failures.py": {"REASONS": "values", "_UNKNOWN_REASON": "values"},
    "src/crossdock/adapters/tryton/failures.py": {"_KNOWN": "values"},
}
"""Where codes stand in tables: every text in there that is written like a code is one."""

_CODE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
PARAMETERS = frozenset({"code", "reason_code"})
Calls = Mapping[str, int]


def sources() -> Iterator[str]:
    """The files whose codes people meet."""
    return (path for path in python() if path.startswith(HOUSE) and OTHERS not in path)


@cache
def codes() -> Mapping[str, frozenset[str]]:
    """Every code, with the names of the errors or findings that bear it (where that stands beside it)."""
    found: dict[str, set[str]] = {}
    everywhere = dict(pair for path in sources() for pair in _taking(path) if pair[0][0].isupper())
    for path in sources():
        for code, bearer in _in_file(path, {**everywhere, **dict(_taking(path))}):
            found.setdefault(code, set()).update({bearer} - {""})
    return {code: frozenset(bearers) for code, bearers in sorted(found.items())}


def _taking(path: str) -> Iterator[tuple[str, int]]:
    """Functions and records of a file that take a code, with its place among their arguments."""
    for node in ast.walk(syntax_of(path)):
        match node:
            case ast.FunctionDef(name=name, args=arguments):
                yield from _placed(name, [argument.arg for argument in arguments.args])
            case ast.ClassDef(name=name, body=body):
                yield from _placed(
                    name, [ast.unparse(line.target) for line in body if isinstance(line, ast.AnnAssign)]
                )
                for line in body:
                    if isinstance(line, ast.FunctionDef) and line.name == "__init__":
                        yield from _placed(name, [argument.arg for argument in line.args.args])


def _placed(name: str, arguments: list[str]) -> Iterator[tuple[str, int]]:
    own = [argument for argument in arguments if argument != "self"]
    yield from ((name, own.index(argument)) for argument in PARAMETERS & set(own))


def _in_file(path: str, taking: Calls) -> Iterator[tuple[str, str]]:
    for node in ast.walk(syntax_of(path)):
        match node:
            case ast.Call():
                yield from _in_call(node, taking)
            case ast.Assign([target], value):
                yield from _in_assignment(target, value, TABLES.get(path, {}))
            case ast.AnnAssign(target, _, ast.expr() as value):
                yield from _in_assignment(target, value, TABLES.get(path, {}))


def _in_call(node: ast.Call, taking: Calls) -> Iterator[tuple[str, str]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    bearer = name if name[0].isupper() else ""
    for keyword in node.keywords:
        if keyword.arg in PARAMETERS:
            yield from ((text, bearer) for text in _texts(keyword.value))
    if name in taking and taking[name] < len(node.args):
        yield from ((text, bearer) for text in _texts(node.args[taking[name]]))


def _in_assignment(target: ast.expr, value: ast.expr, tables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for inner, said in zip(target.elts, value.elts, strict=True):
            yield from _in_assignment(inner, said, {})
    elif isinstance(value, ast.Dict) and (side := tables.get(ast.unparse(target))):
        yield from ((text, "") for part in getattr(value, side) for text in _texts(part))
    elif ast.unparse(target) in {*PARAMETERS, *tables}:
        yield from ((text, "") for text in _texts(value))


def _texts(value: ast.AST) -> Iterator[str]:
    """Texts that are written like codes, or named by a constant; what is looked up by a text is none."""
    if isinstance(value, ast.Name):
        value = ast.Constant(_constants().get(value.id))
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and _CODE.fullmatch(value.value):
        yield value.value
    if not isinstance(value, ast.Subscript) and not ast.unparse(value).startswith("getattr("):
        for inner in ast.iter_child_nodes(value):
            yield from _texts(inner)


@cache
def _constants() -> Mapping[str, str]:
    """Texts that have a name in some module."""
    return {
        node.targets[0].id: node.value.value
        for path in sources()
        for node in syntax_of(path).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
