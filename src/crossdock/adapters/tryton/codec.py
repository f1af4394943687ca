"""Tryton's JSON: values that JSON lacks travel as objects with a `__class__`.

Going out, Decimal, date, datetime, time, timedelta and bytes become such objects. Coming in, they become the
Python values again, and every other fraction (Tryton's floats) becomes a Decimal with the digits as written.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from crossdock.kit.errors import Finding, Invalid

DEPTH_MAX = 32

_decoder = msgspec.json.Decoder(float_hook=Decimal)


def dumps(value: Any) -> bytes:
    """`value` as Tryton's JSON. Raises TypeError for a type that Tryton has no form for."""
    return msgspec.json.encode(_outgoing(value))


def loads(content: bytes) -> Any:
    """Python values from Tryton's JSON. Raises Invalid (`vendor-payload`) where it is not that."""
    try:
        return _incoming(_decoder.decode(content), "$")
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed("$", str(error) or "nested too deeply") from None


def _outgoing(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _outgoing(item) for name, item in value.items()}
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": f"{value:f}"}
    if isinstance(value, datetime):
        return {"__class__": "datetime", **_parts(value, _DATE_PARTS + _TIME_PARTS)}
    if isinstance(value, date):
        return {"__class__": "date", **_parts(value, _DATE_PARTS)}
    if isinstance(value, time):
        return {"__class__": "time", **_parts(value, _TIME_PARTS)}
    if isinstance(value, timedelta):
        return {"__class__": "timedelta", "seconds": value.total_seconds()}
    if isinstance(value, bytes):
        return {"__class__": "bytes", "base64": base64.encodebytes(value).decode("ascii")}
    if isinstance(value, Sequence):
        return [_outgoing(item) for item in value]
    raise TypeError(f"Tryton's JSON has no form for {type(value).__name__}")


_DATE_PARTS = ("year", "month", "day")
_TIME_PARTS = ("hour", "minute", "second", "microsecond")


def _parts(value: Any, names: Sequence[str]) -> dict[str, int]:
    return {name: getattr(value, name) for name in names}


def _integers(value: Mapping[str, Any], names: Sequence[str]) -> list[int]:
    return [int(value[name]) for name in names]


_INCOMING: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "Decimal": lambda value: Decimal(value["decimal"]),
    "date": lambda value: date(*_integers(value, _DATE_PARTS)),
    # Tryton keeps its timestamps in UTC without saying so; the mapping gives them their zone.
    "datetime": lambda value: datetime(*_integers(value, _DATE_PARTS + _TIME_PARTS)),  # type: ignore[arg-type]  # noqa: DTZ001 - Tryton's are UTC without saying so
    "time": lambda value: time(*_integers(value, _TIME_PARTS)),  # type: ignore[arg-type]
    "timedelta": lambda value: timedelta(seconds=float(value["seconds"])),
    "bytes": lambda value: base64.b64decode(value["base64"]),
}


def _incoming(value: Any, path: str, depth: int = 0) -> Any:
    if depth > DEPTH_MAX:
        raise _malformed(path, f"nested deeper than {DEPTH_MAX}")
    if isinstance(value, list):
        return [_incoming(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    read = _INCOMING.get(value.get("__class__", "")) if isinstance(value.get("__class__"), str) else None
    if read is None:
        return {name: _incoming(item, f"{path}.{name}", depth + 1) for name, item in value.items()}
    try:
        return read(value)
    except (KeyError, TypeError, ValueError, InvalidOperation, binascii.Error):
        raise _malformed(path, f"not a {value['__class__']}") from None


def _malformed(path: str, message: str) -> Invalid:
    return Invalid(
        "Tryton answered with something that is not its JSON",
        code="vendor-payload",
        system="tryton",
        findings=[Finding(code="vendor-payload", path=path, message=message)],
    )
