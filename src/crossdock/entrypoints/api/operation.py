"""What is known of one operation: what it takes, what it answers."""

from collections.abc import Mapping
from typing import Any

import msgspec

from crossdock.ports.order_board import PAGE_ROWS_MAX

Schema = Mapping[str, Any]


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of the query or a header."""

    name: str
    words: str
    place: str = "query"
    schema: Schema = msgspec.field(default_factory=lambda: {"type": "string"})


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `answers` are contracts by status, None for what is no JSON of ours."""

    group: str
    answers: Mapping[int, Any]
    body: Any = None
    media_type: str = "application/json"
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = ()


LIMIT = Parameter(
    name="limit",
    words="How many at most.",
    schema={"type": "integer", "minimum": 1, "maximum": PAGE_ROWS_MAX},
)
