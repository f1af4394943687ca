"""Nothing secret and nothing personal reaches a log: values pass only under names known to be safe."""

import re
from collections.abc import MutableMapping
from typing import Any, Final

MASK: Final = "[redacted]"

SAFE_NAMES: Final = frozenset(
    """
    event level timestamp logger exc_type component version
    run_id process subject step state epoch worker_id attempt attempts correlation_id key_hash
    system lane code vendor_code category signature owner severity reason_code recovery
    source topic consumer sequence position window replay_position
    order_id product warehouse status channel brand region currency
    count seen refilled changed size limit remaining rate budget in_flight
    seconds wait_seconds latency_ms duration_ms retry_after_seconds
    host port path method http_status url_template address_count pid signal
    """.split()
)

_PERSONAL = re.compile(
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"  # e-mail
    r"|\+[0-9][0-9 ()/-]{7,}[0-9]"  # phone in international form
    r"|\b(?:[0-9][ -]?){13,19}\b"  # card number
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"  # JSON web token
    r"|\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{8,}"  # Salesforce session id
)


def scrub(text: str) -> str:
    """`text` without anything that looks like an address, a number of a person or card, or a token."""
    return _PERSONAL.sub(MASK, text)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: unknown names are masked, known ones scrubbed, whatever their values are."""
    for name, value in event.items():
        if name not in SAFE_NAMES:
            event[name] = MASK
        elif not isinstance(value, int | float | None):
            event[name] = scrub(str(value))
    return event


class Secret:
    """A value that shows itself only when asked: `repr`, `str`, pickling and JSON tell nothing."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value, for the one line that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a secret is not pickled")
