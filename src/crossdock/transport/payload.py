"""Reading a vendor's JSON: unknown fields are ignored, whatever is missing or wrong is named with its path."""

import re
from typing import Any, TypeVar

import msgspec

from crossdock.kit.errors import Finding, Invalid

T = TypeVar("T")

_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<at>[^`]*)`)?$", re.DOTALL)
_QUOTED = re.compile(r"""(['"]).*\1""", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]+)`$")


def decode(body: bytes | msgspec.Raw, kind: type[T], *, system: str) -> T:
    """`body` as a `kind` (a msgspec type).

    Raises Invalid with code `vendor-payload` and one finding, whose path is a JSON path such as
    `$.orders[0].number`. The message names fields, never their values.
    """
    decoder = _decoders.get(kind) or _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    try:
        value: T = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = finding_of(error)
        raise Invalid(
            f"{system} answered with something else than agreed: {found.message} at {found.path}",
            code="vendor-payload",
            system=system,
            findings=[found],
        ) from None
    return value


def finding_of(error: Exception) -> Finding:
    """The path and the words of a msgspec decode or validation failure, or of a value's own ValueError."""
    match = _AT.match(str(error))
    what, path = (match["what"], match["at"] or "$") if match else (str(error), "$")
    missing = _MISSING.match(what)
    if missing:
        return Finding(code="missing", path=f"{path}.{missing['field']}", message="the field is missing")
    if isinstance(error, UnicodeDecodeError | RecursionError) or type(error) is msgspec.DecodeError:
        return Finding(code="not-json", path="$", message="not well-formed JSON")
    return Finding(code="wrong-type", path=path, message=_without_values(what))


def _without_values(words: str) -> str:
    """What msgspec says, without the offending value that it quotes at times; it may be personal."""
    return _QUOTED.sub("a value", words)
