"""`python -m docs.generate` (`make docs`): write the generated parts of the pages, between their marks."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generate.docks import docks
from docs.generate.processes import processes_page

from crossdock.testing.catalogue import adapters_table, put_between_marks, rules_table
from crossdock.testing.failpoints import failpoints_table

ROOT = Path(__file__).parents[2]

PARTS: Mapping[tuple[str, str], Callable[[], str]] = {
    ("README.md", "docks"): docks,
    ("docs/adapters/README.md", "adapters"): adapters_table,
    ("docs/adapters/conformance.md", "rules"): rules_table,
    ("docs/processes/README.md", "processes"): processes_page,
    ("docs/operations/failpoints.md", "failpoints"): failpoints_table,
}
"""What stands between which marks of which page."""


def written_anew(page: str, name: str) -> str:
    """The page with its part as the code has it now."""
    return put_between_marks((ROOT / page).read_text("utf-8"), name, PARTS[page, name]())


def main() -> int:
    """Write what has changed; returns the exit code."""
    for page, name in PARTS:
        before, after = (ROOT / page).read_text("utf-8"), written_anew(page, name)
        if before != after:
            (ROOT / page).write_text(after, "utf-8")
            sys.stdout.write(f"wrote {page}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
