"""What the documentation says about rules and adapters, taken from the code itself.

python -m crossdock.testing.catalogue --write docs/adapters     write the tables anew, between their marks
python -m crossdock.testing.catalogue --quality acme order_gateway     a quality.yaml to begin with
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from crossdock.ports.manifest import AdapterManifest, Limits, Role
from crossdock.testing.conformance import SUITES, rules
from crossdock.testing.conformance.suite import folder_of
from crossdock.testing.quality import read_quality


def rules_table() -> str:
    """Every rule with its promise; what several roles promise alike stands first."""
    by_role = {role: rules(suite) for role, suite in SUITES.items()}
    shared = _shared(role_rules for role, role_rules in by_role.items() if role != "dock")
    parts = [
        _rows("every role", {rule: words for rule, words in by_role["order_gateway"].items() if rule in shared})
    ]
    for role, role_rules in by_role.items():
        own = {rule: words for rule, words in role_rules.items() if role == "dock" or rule not in shared}
        parts.append(_rows(f"`{role}`", own))
    return "\n\n".join(parts)


def adapters_table() -> str:
    """Every adapter that comes with Crossdock: what it can do, what it was proved on, what it is excused from."""
    lines = [
        "| adapter | proved on | roles | tested with | limits | same key again | not held, and why |",
        "|---|---|---|---|---|---|---|",
    ]
    for manifest in installed():
        again = "refused by the system" if manifest.unique_reference else "looked for before each write"
        cells = (
            f"[{manifest.title}](../../src/crossdock/adapters/{manifest.name}/README.md)",
            manifest.tier.value,
            roles_of(manifest),
            "; ".join(manifest.tested_versions),
            _limits(manifest.limits),
            again if Role.ORDER_GATEWAY in manifest.roles else "",
            _excuses(manifest),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def roles_of(manifest: AdapterManifest) -> str:
    """An adapter's roles, as people say them."""
    return ", ".join(role.value.replace("_", " ") for role in Role if role in manifest.roles)


def installed() -> Sequence[AdapterManifest]:
    """The manifests of Crossdock's own adapters, by name."""
    points = sorted(entry_points(group="crossdock.adapters"), key=lambda point: point.name)
    return [point.load() for point in points if point.value.startswith("crossdock.")]


def quality_skeleton(name: str, roles: Sequence[str]) -> str:
    """A `quality.yaml` that says of every rule of the dock and these roles that it is still to do."""
    lines = [f"adapter: {name}", "rules:"]
    for role in ("dock", *roles):
        lines += [f"  {role}:", *(f"    {rule}: {{todo: not looked at yet}}" for rule in rules(SUITES[role]))]
    return "\n".join(lines) + "\n"


def put_between_marks(text: str, name: str, table: str) -> str:
    """`text` with `table` between `<!-- name:begin -->` and `<!-- name:end -->`. Raises ValueError."""
    head, begin, rest = text.partition(f"<!-- {name}:begin -->")
    _, end, tail = rest.partition(f"<!-- {name}:end -->")
    if not (begin and end):
        raise ValueError(f"no marks named {name!r}")
    return f"{head}{begin}\n\n{table}\n\n{end}{tail}"


TABLES = {("conformance.md", "rules"): rules_table, ("README.md", "adapters"): adapters_table}
"""Which table stands in which page."""


def _shared(tables: Iterable[Mapping[str, str]]) -> set[str]:
    first, *others = (set(table) for table in tables)
    return first.intersection(*others)


def _rows(title: str, role_rules: Mapping[str, str]) -> str:
    rows = (f"| `{rule}` | {words} |" for rule, words in role_rules.items())
    return "\n".join([f"| {title} | promise |", "|---|---|", *rows])


def _limits(limits: Limits) -> str:
    said = [f"{limits.in_flight_max} calls at once"]
    if limits.rate_per_second:
        said.append(f"{limits.rate_per_second:g} calls a second")
    if limits.daily_budget:
        said.append(f"{limits.daily_budget} calls a day")
    if limits.batch_max > 1:
        said.append(f"{limits.batch_max} records a call, gathered for {limits.linger_seconds:g} s")
    return "; ".join(said)


def _excuses(manifest: AdapterManifest) -> str:
    verdicts = read_quality(folder_of(manifest) / "quality.yaml").verdicts
    excused: dict[str, list[str]] = {}
    for role, answers in verdicts.items():
        for rule, verdict in answers.items():
            if verdict.state != "done":
                said = f"`{rule}` ({verdict.state}): {verdict.reason}"
                excused.setdefault(said, []).append(role.replace("_", " "))
    return "<br>".join(f"{', '.join(roles)}: {said}" for said, roles in excused.items()) or "every rule is held"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="catalogue", description="Tables of rules and adapters, from the code.")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write the tables into the pages of this folder")
    parser.add_argument("--quality", nargs="+", metavar=("NAME", "ROLE"), help="a quality.yaml to begin with")
    asked = parser.parse_args(arguments)
    if asked.quality:
        name, *roles = asked.quality
        unknown = [role for role in roles if role not in SUITES or role == "dock"]
        if unknown:
            parser.error(f"no such role: {', '.join(unknown)}; there are {', '.join(role.value for role in Role)}")
        sys.stdout.write(quality_skeleton(name, roles))
    for (page, name), table in TABLES.items():
        if asked.write:
            path = asked.write / page
            path.write_text(put_between_marks(path.read_text("utf-8"), name, table()), "utf-8")
        elif not asked.quality:
            sys.stdout.write(f"{table()}\n\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
