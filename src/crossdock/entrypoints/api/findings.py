"""Everything wrong with a body at once: its published contract asked first, then the canonical model itself."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeVar

import jsonschema_rs

from crossdock.contracts.envelope import schema_of
from crossdock.durable.codec import decode
from crossdock.entrypoints.api.json_text import FINDINGS_MAX, member, parse
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.kit.errors import Finding, Invalid

T = TypeVar("T")

_CODES = {
    "required": "missing",
    "additionalProperties": "unknown-field",
    "type": "wrong-type",
    "pattern": "bad-format",
    "format": "bad-format",
    "enum": "unknown-value",
    "const": "unknown-value",
    "minLength": "too-short",
    "maxLength": "too-long",
    "minItems": "too-few",
    "maxItems": "too-many",
    "minimum": "too-small",
    "maximum": "too-large",
}


@lru_cache(maxsize=64)
def _validator(contract: type[Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema_of(contract), validate_formats=True)


def read_body(body: bytes, contract: type[T]) -> T:
    """`body` as `contract`. Raises Problem: 400 where it is no JSON, 422 with every finding if it does not fit."""
    value, faults = parse(body)
    if any(fault.code == "no-text" for fault in faults):
        raise refuse(faults)  # nothing else can read it
    findings = [*faults, *_against_schema(value, contract)]
    if findings:
        raise refuse(findings)
    try:
        return decode(body, contract)
    except Invalid as error:
        raise refuse(error.findings) from error


def refuse(findings: Sequence[Finding]) -> Problem:
    """The problem that tells them all."""
    count = len(findings)
    first = findings[0]
    more = f", and {count - 1} more" if count > 1 else ""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "does-not-fit",
        f"{first.path}: {first.message}{more}",
        findings=findings[:FINDINGS_MAX],
    )


def _against_schema(value: Any, contract: type[Any]) -> list[Finding]:
    findings: list[Finding] = []
    validator: jsonschema_rs.Draft202012Validator = _validator(contract)  # type: ignore[arg-type]
    for error in validator.iter_errors(value):
        findings += _explain(error)
        if len(findings) >= FINDINGS_MAX:
            break
    return findings


def _explain(error: Any) -> Iterator[Finding]:
    kind = error.kind
    path = path_of(error.instance_path)
    match kind.name:
        case "anyOf" | "oneOf":
            yield from _best_branch(kind.context, path)
        case "required":
            yield Finding("missing", member(path, kind.property), "is missing")
        case "additionalProperties":
            for name in kind.unexpected:
                yield Finding("unknown-field", member(path, name), "the contract has no such field")
        case name:
            yield Finding(_CODES.get(name, "does-not-fit"), path, _words(kind, name))


def _best_branch(branches: Sequence[Sequence[Any]], path: str) -> Iterator[Finding]:
    """Of several shapes, tell about the one that was meant: not "this is no null"."""
    meant = [
        errors
        for errors in branches
        if not any(error.kind.name == "type" and path_of(error.instance_path) == path for error in errors)
    ]
    if not meant:
        yield Finding("wrong-type", path, "is of none of the types that may stand here")
        return
    for error in meant[0]:
        yield from _explain(error)


def _words(kind: Any, name: str) -> str:
    match name:
        case "type":
            return f"must be of type {', '.join(sorted(map(str, kind.types)))}"
        case "pattern":
            return f"does not match {kind.pattern}"
        case "format":
            return f"is no {kind.format}"
        case "enum":
            return f"must be one of {', '.join(map(str, kind.options))}"
        case "minLength" | "minItems" | "minimum":
            return f"at least {kind.limit}"
        case "maxLength" | "maxItems" | "maximum":
            return f"at most {kind.limit}"
    return "does not fit the contract"


def path_of(parts: Sequence[str | int]) -> str:
    """A list of names and indices as a JSON path."""
    path = "$"
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else member(path, part)
    return path
