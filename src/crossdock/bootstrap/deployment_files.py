"""Reading a deployment's YAML: references to credentials followed, everything wrong told with file and path."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import yaml

from crossdock.kit.errors import Finding
from crossdock.kit.redaction import Secret

_SECRETIVE = re.compile("password|secret|token|key", re.IGNORECASE)


def read_file(path: Path, kind: Any, folder: Path, findings: list[Finding]) -> Any:
    """The file's content as `kind`, or None with findings."""
    try:
        value = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        findings.append(Finding("not-yaml", f"{path.name}{where}", "this is no YAML"))
        return None
    value = _resolve(value, folder, f"{path.name} $", findings)
    try:
        return msgspec.convert(value, kind, dec_hook=_secret)
    except msgspec.ValidationError as error:
        findings += faults_of(value, kind, error, f"{path.name} $")
    return None


def faults_of(value: Any, kind: Any, error: msgspec.ValidationError, path: str) -> list[Finding]:
    """Everything that is wrong with a value, by the schema of its type; at least what `error` says."""
    (schema,), components = msgspec.json.schema_components([kind], schema_hook=_secret_schema)
    validator = jsonschema_rs.validator_for({**schema, "$defs": components})
    found = [
        Finding("setting-wrong", path + _place(fault.instance_path), _unless_secret(fault))
        for fault in validator.iter_errors(value)
    ]
    if not found:
        message, _, place = str(error).partition(" - at `$")
        found = [Finding("setting-wrong", path + place.rstrip("`"), message)]
    return found


def _unless_secret(fault: jsonschema_rs.ValidationError) -> str:
    """The fault's words, which quote the value, except where the value may be a credential."""
    name = str(fault.instance_path[-1]) if fault.instance_path else ""
    return "the value does not fit (it is not shown here)" if _SECRETIVE.search(name) else fault.message


def _place(steps: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _resolve(value: Any, folder: Path, path: str, findings: list[Finding]) -> Any:
    """Follow `{env: …}` and `{file: …}`, a file's path counted from the deployment."""
    if isinstance(value, dict):
        if set(value) == {"env"}:
            name = str(value["env"])
            if name not in os.environ:
                findings.append(Finding("reference-broken", path, f"the environment has no {name}"))
            return os.environ.get(name, "")
        if set(value) == {"file"}:
            file = folder / str(value["file"])
            if file.is_file():
                return file.read_text().strip()
            findings.append(Finding("reference-broken", path, f"there is no file {file}"))
            return ""
        return {str(key): _resolve(part, folder, f"{path}.{key}", findings) for key, part in value.items()}
    if isinstance(value, list):
        return [_resolve(part, folder, f"{path}[{index}]", findings) for index, part in enumerate(value)]
    return value


def _secret_schema(kind: type) -> dict[str, Any]:
    if kind is Secret:
        return {"type": "string"}
    raise NotImplementedError(kind.__name__)


def _secret(kind: type, value: Any) -> Any:
    if kind is not Secret:
        raise NotImplementedError(kind.__name__)
    if not isinstance(value, str):
        raise TypeError("a credential is a text")
    return Secret(value)
