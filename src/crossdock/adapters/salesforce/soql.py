"""Writing SOQL: literals that cannot break out of a query, and the conditions this dock asks with."""

from collections.abc import Iterable

from crossdock.adapters.salesforce.settings import OrderFields
from crossdock.kit.clock import MICROSECONDS, Instant, to_datetime

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"'})


def text(value: str) -> str:
    """`value` as a quoted literal."""
    return f"'{value.translate(_ESCAPES)}'"


def texts(values: Iterable[str]) -> str:
    """Literals in parentheses, as IN wants them; there must be at least one."""
    return f"({','.join(text(value) for value in values)})"


def second_before(instant: Instant) -> str:
    """The instant as a literal, rounded down: Salesforce keeps and compares whole seconds."""
    return f"{to_datetime(instant // MICROSECONDS * MICROSECONDS):%Y-%m-%dT%H:%M:%SZ}"


def second_after(instant: Instant) -> str:
    """The instant as a literal, rounded up to a whole second."""
    return second_before(instant + MICROSECONDS - 1)


def is_submitted(fields: OrderFields) -> str:
    """The condition under which an order counts as submitted."""
    conditions = [f"{fields.submitted} = true"] if fields.submitted else []
    if fields.statuses:
        conditions.append(f"Status IN {texts(fields.statuses)}")
    return f"({' OR '.join(conditions)})"
