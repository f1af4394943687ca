"""Payloads of the journal: JSON in and out, by type."""

from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from crossdock.kit.errors import Finding, Invalid, Rejected

T = TypeVar("T")

encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=256)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Any if kind is object else kind)


def decode(payload: bytes, kind: type[T]) -> T:
    """`payload` as `kind`. Raises Invalid with the path where it does not fit."""
    try:
        return _decoder(kind).decode(payload)  # type: ignore[no-any-return,arg-type]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message, _, path = str(error).partition(" - at `")
        finding = Finding(code="does-not-fit", path=path.rstrip("`") or "$", message=message)
        raise Invalid(f"the payload does not fit: {message}", code="payload", findings=[finding]) from error


class _Refusal(msgspec.Struct):
    message: str
    code: str
    system: str
    vendor_code: str
    findings: tuple[Finding, ...]


def encode_refusal(refusal: Rejected) -> bytes:
    """A refusal as it is journalled."""
    return encode(_Refusal(refusal.message, refusal.code, refusal.system, refusal.vendor_code, refusal.findings))


def decode_refusal(payload: bytes) -> Rejected:
    """The refusal that was journalled, to be raised again."""
    known = decode(payload, _Refusal)
    return Rejected(
        known.message,
        code=known.code,
        system=known.system,
        vendor_code=known.vendor_code,
        findings=known.findings,
    )
