"""Parameters of lists: how many, behind which, and the address of the next page. Keyset, never by number."""

import base64
import binascii
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

import msgspec

from crossdock.entrypoints.entrance.problems import Problem
from crossdock.kit.errors import Finding
from crossdock.ports.order_board import PAGE_ROWS_MAX, BoardPosition

ROWS_DEFAULT = 50
INT64_MAX = 2**63 - 1


def limit_of(query: Mapping[str, str], most: int = PAGE_ROWS_MAX) -> int:
    """`limit`, from 1 to `most`. Raises Problem."""
    return number_of(query, "limit", default=min(ROWS_DEFAULT, most), least=1, most=most)


def number_of(query: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    """A whole number within bounds. Raises Problem."""
    text = query.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    raise _bad(name, f"must be a whole number from {least} to {most}")


def text_of(query: Mapping[str, str], name: str, characters_max: int) -> str:
    """A text without control characters, no longer than that. Raises Problem."""
    text = query.get(name, "").strip(" ")
    if len(text) > characters_max or any(
        character < " " or "\ud800" <= character <= "\udfff" for character in text
    ):
        raise _bad(name, f"at most {characters_max} characters, none of them control characters")
    return text


def position_of(query: Mapping[str, str]) -> BoardPosition | None:
    """The position that `cursor` stands for. Raises Problem for anything we did not hand out."""
    text = query.get("cursor", "")
    if not text:
        return None
    try:
        packed = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        position = msgspec.json.decode(packed, type=BoardPosition)
    except (binascii.Error, UnicodeError, ValueError, msgspec.DecodeError):
        raise _bad("cursor", "is none that we handed out") from None
    if not 0 <= position.captured_at <= INT64_MAX or "\x00" in position.order_id:
        raise _bad("cursor", "is none that we handed out")
    return position


def cursor_of(path: str, query: Mapping[str, str], position: BoardPosition) -> str:
    """The address of the page behind `position`."""
    packed = base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode({**kept, 'cursor': packed})}"


def _bad(name: str, message: str) -> Problem:
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "bad-parameter",
        f"{name}: {message}",
        findings=[Finding("bad-parameter", name, message)],
    )
