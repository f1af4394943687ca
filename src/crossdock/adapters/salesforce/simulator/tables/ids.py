"""Record ids: 15 case-sensitive characters, or 18 with a checksum that survives case folding."""

import re

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_POD = "gL"
_SERIAL_DIGITS = 9
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")

ID_LENGTH = 18
CASE_SAFE_LENGTH = 15
EMPTY_ID = "000000000000000AAA"


def with_checksum(short: str) -> str:
    """The 18-character form of a 15-character id: one letter per five characters says which are upper case."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << offset for offset, char in enumerate(short[start : start + 5]) if "A" <= char <= "Z")
        suffix += _CHECKSUM[bits]
    return short + suffix


def normalised(text: object) -> str | None:
    """The 18-character form of an id in either form; None when it has not the shape of one."""
    if not isinstance(text, str) or _SHAPE.fullmatch(text) is None:
        return None
    if len(text) == CASE_SAFE_LENGTH:
        return with_checksum(text)
    return with_checksum(_restored(text))


def _restored(long: str) -> str:
    """The 15 characters in their true case, read from the checksum as the vendor does."""
    restored = ""
    for group, letter in enumerate(long[CASE_SAFE_LENGTH:].upper()):
        bits = _CHECKSUM.find(letter)
        chunk = long[group * 5 : group * 5 + 5]
        if bits < 0:
            return long[:CASE_SAFE_LENGTH]
        restored += "".join(
            char.upper() if bits & (1 << offset) else char.lower() for offset, char in enumerate(chunk)
        )
    return restored


class IdSequence:
    """Hands out ids per key prefix: counted, so that the same run gives the same ids."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def next(self, prefix: str) -> str:
        """A fresh 18-character id that begins with the three characters of `prefix`."""
        number = self._last[prefix] = self._last.get(prefix, 0) + 1
        serial = ""
        while number:
            number, digit = divmod(number, len(_BASE62))
            serial = _BASE62[digit] + serial
        return with_checksum(f"{prefix}{_POD}0{serial.rjust(_SERIAL_DIGITS, '0')}")
