"""`quality.yaml`: an adapter's answer to every rule of the suite: done, exempt with a reason, or still to do.

adapter: acme
rules:
  order_gateway:
    decimals-survive: done
    a-silent-system-is-outcome-unknown: {exempt: the vendor's gateway answers within its own limit}
    in-flight-max-is-held: {todo: the pool is not limited yet}
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from crossdock.kit.errors import Finding, Misconfigured
from crossdock.transport.payload import finding_of


class Verdict(msgspec.Struct, frozen=True):
    """What an adapter says about a rule; `reason` is filled unless it is done."""

    state: Literal["done", "exempt", "todo"]
    reason: str = ""


class _Excuse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    exempt: str = ""
    todo: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    adapter: str
    rules: dict[str, dict[str, Literal["done"] | _Excuse]]


class Quality(msgspec.Struct, frozen=True):
    """The verdicts by role (`dock` for what every dock promises) and rule."""

    adapter: str = ""
    verdicts: Mapping[str, Mapping[str, Verdict]] = {}

    def of(self, role: str, rule: str) -> Verdict | None:
        """The verdict on a rule, or None where the file is silent: then the rule holds."""
        return self.verdicts.get(role, {}).get(rule)


def read_quality(path: Path) -> Quality:
    """The file's verdicts. Raises Misconfigured with a path to what cannot be read as a verdict."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
        file = msgspec.convert(content, _File)
    except OSError as error:
        raise Misconfigured(f"{path.name} cannot be read: {error.strerror}", code="quality-missing") from None
    except yaml.YAMLError:
        raise _unreadable(path, Finding(code="not-yaml", path="$", message="not well-formed YAML")) from None
    except msgspec.ValidationError as error:
        raise _unreadable(path, finding_of(error)) from None
    verdicts = {
        role: {rule: _verdict(path, role, rule, said) for rule, said in rules.items()}
        for role, rules in file.rules.items()
    }
    return Quality(file.adapter, verdicts)


def _verdict(path: Path, role: str, rule: str, said: Literal["done"] | _Excuse) -> Verdict:
    if not isinstance(said, _Excuse):
        return Verdict("done")
    if bool(said.exempt.strip()) == bool(said.todo.strip()):
        where = f"$.rules.{role}.{rule}"
        raise _unreadable(path, Finding(code="no-reason", path=where, message="exempt or todo, with a reason"))
    return Verdict("exempt", said.exempt) if said.exempt else Verdict("todo", said.todo)


def _unreadable(path: Path, finding: Finding) -> Misconfigured:
    return Misconfigured(
        f"{path.name}: {finding.message} at {finding.path}", code="quality-unreadable", findings=[finding]
    )
