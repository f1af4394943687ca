"""`python -m crossdock.testing.new_adapter NAME [--into DIR]`: begin an adapter from the template.

In a checkout of Crossdock the adapter moves into the house: `src/crossdock/adapters/NAME`, its conformance test
beside the others, its entry point in `pyproject.toml`. With `--into DIR` it becomes a project of its own,
`DIR/crossdock-NAME`, with the same files. Either way it works at once, and its suite is green.
"""

import argparse
import keyword
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from crossdock.kit.errors import Misconfigured

NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
NAME_CHARACTERS_MAX = 40
_ENTRY_POINTS = '[project.entry-points."crossdock.adapters"]\n'
_LEFT_OUT = {"__pycache__"}


def template() -> Path:
    """The template's folder: in the checkout, or as it came with the package. Raises Misconfigured."""
    here = Path(__file__).resolve()
    for folder in (here.parents[3] / "templates" / "adapter", here.parent / "adapter_template"):
        if (folder / "pyproject.toml").is_file():
            return folder
    raise Misconfigured(
        "the adapter template is not here; it is part of Crossdock's source", code="template-missing"
    )


def check_name(name: str) -> str:
    """`name` if it can name a package. Raises Misconfigured."""
    if NAME.fullmatch(name) and len(name) <= NAME_CHARACTERS_MAX and not keyword.iskeyword(name):
        return name
    raise Misconfigured(
        f"{name[:NAME_CHARACTERS_MAX]!r} cannot name an adapter: at most {NAME_CHARACTERS_MAX} lower-case "
        "letters, digits and single underscores, a letter first",
        code="adapter-name",
    )


def make_project(name: str, into: Path) -> Path:
    """Write a project of its own, `into/crossdock-NAME`; returns it. Raises Misconfigured where it exists."""
    package = f"crossdock_{check_name(name)}"
    project = into / f"crossdock-{name.replace('_', '-')}"
    _write({project / target: text for target, text in _rendered(name, package)})
    return project


def make_in_house(name: str, house: Path) -> Path:
    """Write `house/src/crossdock/adapters/NAME`, its test and its entry point; returns its folder."""
    package = f"crossdock.adapters.{check_name(name)}"
    settings = house / "pyproject.toml"
    before = settings.read_text("utf-8") if settings.is_file() else ""
    if _ENTRY_POINTS not in before:
        raise Misconfigured("this is no checkout of Crossdock: say --into DIR", code="no-checkout")
    folder = house / "src" / "crossdock" / "adapters" / name
    moved = {Path("src") / f"crossdock_{name}": folder, Path("tests"): house / "tests" / "conformance"}
    files = {
        new / target.relative_to(old): text
        for target, text in _rendered(name, package)
        for old, new in moved.items()
        if target.is_relative_to(old)
    }
    _write(files)
    settings.write_text(before.replace(_ENTRY_POINTS, f'{_ENTRY_POINTS}{name} = "{package}:ADAPTER"\n'), "utf-8")
    return folder


def _rendered(name: str, package: str) -> Iterator[tuple[Path, str]]:
    """The template's files with the new name in their paths and texts."""
    source = template()
    title = name.replace("_", " ").title()
    distribution = f"crossdock-{name.replace('_', '-')}"
    words = {
        "crossdock-acme": distribution,
        "crossdock_acme": package,
        "Acme": title.replace(" ", ""),
        "acme": name,
    }
    pattern = re.compile("|".join(re.escape(word) for word in words))
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_file() and not _LEFT_OUT.intersection(relative.parts):
            target = Path(str(relative).replace("acme", name))
            yield target, pattern.sub(lambda match: words[match[0]], path.read_text("utf-8"))


def _write(files: dict[Path, str]) -> None:
    """Write all of `files`, or nothing where one of them exists."""
    for path in files:
        if path.exists():
            raise Misconfigured(f"{path} exists already", code="adapter-exists")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="new_adapter", description="Begin an adapter from the template.")
    parser.add_argument("name", help="the system's name: lower-case letters, digits, underscores")
    parser.add_argument("--into", type=Path, metavar="DIR", help="make a project of its own in this folder")
    asked = parser.parse_args(arguments)
    try:
        if asked.into is not None:
            made = make_project(asked.name, asked.into)
            steps = f"cd {made}\npip install -e '.[test]'\npytest"
        else:
            made = make_in_house(asked.name, template().parents[1])
            steps = "make fix check test  # installs the package anew, so that its entry point is found"
    except Misconfigured as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        return 2
    sys.stdout.write(f"made {made}\nnext:\n{steps}\nthen read docs/adapters/writing-an-adapter.md\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
