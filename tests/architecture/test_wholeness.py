"""Nothing is left for later, nothing is switched off without a reason, nothing tells where it was written."""

import ast
import re
from typing import Any

from tests.architecture.tree import files, held, nodes, pyproject, python, text_of

LATER = re.compile(r"\b(?:TODO|FIXME|HACK|XXX)\b(?!\")")
BARE_IGNORE = re.compile(r"#\s*type:\s*ignore(?!\[)|#\s*noqa(?!:)|#\s*mypy:\s*ignore-errors|#\s*ruff:\s*noqa(?!:)")
MACHINE = re.compile(r"(?<![\w.~$})/-])/(?:home|root|Users|work|mnt|srv)/\w")
REGISTRY = re.compile(r"pythonhosted\.org|pypi\.org/simple|registry\.npm|--(?:extra-)?index-url|--find-links")
CHECKED_BY_OTHERS = ("tests/architecture/",)


def texts(*endings: str) -> list[str]:
    """Files that people read, with one of these endings; without any, all."""
    return [path for path in files() if path.endswith(endings or "") and not path.startswith(CHECKED_BY_OTHERS)]


def lines_with(pattern: re.Pattern[str], paths: list[str]) -> dict[str, list[str]]:
    """Where a pattern is found."""
    found: dict[str, list[str]] = {}
    for path in paths:
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if pattern.search(line):
                found.setdefault(path, []).append(f"line {number}: {line.strip()[:100]}")
    return found


def test_nothing_is_left_for_later() -> None:
    assert not lines_with(LATER, texts(".py", ".md", ".toml", ".html", ".js", ".css", "Makefile", "run"))


def test_every_ignore_names_its_rule() -> None:
    assert not lines_with(BARE_IGNORE, texts(".py", ".pyi"))


def test_no_machine_is_named() -> None:
    held("machine", lines_with(MACHINE, texts()))


def test_no_registry_is_named_so_that_anybodys_own_is_used() -> None:
    assert not lines_with(REGISTRY, texts())


def test_every_rule_of_the_linter_that_is_off_says_why() -> None:
    lint: dict[str, Any] = pyproject()["tool"]["ruff"]["lint"]  # type: ignore[index]
    assert lint["select"] == ["ALL"]
    section = text_of("pyproject.toml").split("[tool.ruff.lint]")[1].split("[tool.ruff.lint.pydocstyle]")[0]
    off = re.compile(r"""\s+"[A-Z]+\d*",|"[^"]+" = \[.+\]""")
    assert not [line for line in section.splitlines() if off.match(line) and " # " not in line]


def test_every_line_that_breaks_a_rule_of_the_linter_says_why() -> None:
    silent = re.compile(r"# noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*(?! - \S)(?![\w,])")
    assert not lines_with(silent, [path for path in texts(".py") if path.startswith(("src/", "docs/"))])


def test_names_that_others_use_are_documented() -> None:
    per_file: dict[str, list[str]] = pyproject()["tool"]["ruff"]["lint"]["per-file-ignores"]  # type: ignore[index]
    silent = [paths for paths, rules in per_file.items() if any(re.match(r"D(?![A-Z])", rule) for rule in rules)]
    assert not [paths for paths in silent if paths.startswith(("src/", "docs/"))]


def test_no_function_waits_to_be_written() -> None:
    product = [path for path in python() if not path.startswith("tests/")]
    held("stubs", {path: found for path in product if (found := _stubs(path))})


def _stubs(path: str) -> list[str]:
    """Functions that do nothing, outside of what describes a shape."""
    shapes = {
        inner
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(parent) for parent in node.bases)
        for inner in ast.walk(node)
    }
    return [
        f"{node.name} does nothing"
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node not in shapes and _is_empty(node)
        if not any(re.search("overload|abstract", ast.unparse(mark)) for mark in node.decorator_list)
    ]


def _is_empty(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A docstring alone describes a call that needs no answer; an ellipsis is a hole, and so is a refusal."""
    match [line for line in node.body if ast.get_docstring(node) is None or line is not node.body[0]]:
        case [ast.Expr(ast.Constant())]:
            return True
        case [ast.Raise() as refusal]:
            return "NotImplementedError" in ast.unparse(refusal)
    return False
