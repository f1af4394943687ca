"""Identifiers: new ones that sort by time, and keys that come out the same on every attempt."""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar

from crossdock.kit.errors import Finding, Invalid

BUSINESS_KEY_CHARACTERS_MAX = 120
_BUSINESS_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+#-]*")


def _draw() -> bytes:
    return (time.time_ns() // 1_000_000).to_bytes(6, "big") + secrets.token_bytes(10)


DRAW: ContextVar[Callable[[], bytes]] = ContextVar("crossdock_draw_ids", default=_draw)
"""Where the sixteen bytes of an id come from: a rehearsal that must come out the same every time draws its own."""


def new_id() -> str:
    """A UUID version 7 (RFC 9562): unique, and sorted by the millisecond it was made in."""
    drawn = bytearray(DRAW.get()())
    drawn[6] = drawn[6] & 0x0F | 0x70
    drawn[8] = drawn[8] & 0x3F | 0x80
    raw = drawn.hex()
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"


def write_key(run_id: str, step: str) -> str:
    """The key under which one step of one run writes to an outside system: always the same 28 characters.

    Short enough for the narrowest reference field we know (SAP's PurchaseOrderByCustomer, 35).
    """
    return "XD" + hashlib.blake2s(f"{run_id}\x00{step}".encode(), digest_size=13).hexdigest().upper()


def check_business_key(value: str, path: str = "$") -> str:
    """Return `value` if it can name a business object in keys, URLs and logs, else raise Invalid."""
    if len(value) <= BUSINESS_KEY_CHARACTERS_MAX and _BUSINESS_KEY.fullmatch(value):
        return value
    raise Invalid(
        "the business key is empty, too long or holds characters that cannot stand in a URL",
        code="business-key",
        findings=[
            Finding(
                code="business-key",
                path=path,
                message=f"1 to {BUSINESS_KEY_CHARACTERS_MAX} of A-Za-z0-9._:@+#-, first a letter or digit",
            )
        ],
    )
