"""The repository as the tests of its form see it: its files, their syntax, and what is exempt, with a reason."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = ("_pb2.py", "_pb2_grpc.py", "_pb2.pyi", "_pb2_grpc.pyi")
MIGRATIONS = "src/crossdock/storage/migrations/versions/"


@cache
def files() -> tuple[str, ...]:
    """Every file that is or is about to be committed, as a path below the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return tuple(sorted(path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()))


@cache
def python() -> tuple[str, ...]:
    """The Python files that people write."""
    return tuple(
        path
        for path in files()
        if path.endswith(".py") and not path.endswith(GENERATED) and not path.startswith(MIGRATIONS)
    )


@cache
def text_of(path: str) -> str:
    """A file's text; empty for what is no text."""
    try:
        return (ROOT / path).read_text("utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def syntax_of(path: str) -> ast.Module:
    """A Python file's syntax tree."""
    return ast.parse(text_of(path), path)


def nodes(path: str) -> Iterator[ast.AST]:
    """All nodes of a Python file."""
    return ast.walk(syntax_of(path))


@cache
def pyproject() -> Mapping[str, object]:
    """`pyproject.toml`."""
    return tomllib.loads(text_of("pyproject.toml"))


@cache
def exempt(rule: str) -> Mapping[str, str]:
    """What need not keep a rule: a path or `folder/`, and the reason."""
    listed = tomllib.loads((Path(__file__).parent / "exempt.toml").read_text("utf-8"))
    reasons: Mapping[str, str] = listed[rule]
    return reasons


def held(rule: str, faults: Mapping[str, list[str]]) -> None:
    """Fail for what breaks a rule without being exempt, and for exemptions that nothing needs any more."""
    reasons = exempt(rule)
    needed = {pattern for path in faults for pattern in reasons if _fits(path, pattern)}
    broken = [
        f"{path}: {fault}"
        for path, found in sorted(faults.items())
        if not any(_fits(path, pattern) for pattern in reasons)
        for fault in found
    ]
    idle = [f"exempt.toml [{rule}] {pattern}: nothing needs it" for pattern in reasons if pattern not in needed]
    assert not broken + idle, "\n" + "\n".join(broken + idle)


def _fits(path: str, pattern: str) -> bool:
    return path == pattern or (pattern.endswith("/") and path.startswith(pattern))
