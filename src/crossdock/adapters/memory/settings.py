"""How the memory dock connects: to a ledger in this process, or over HTTP."""

from typing import Annotated

import msgspec
from msgspec import Meta

from crossdock.kit.redaction import Secret


class MemorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without `url` the ERP lives in this process, and `ledger` names it; with one it is reached over HTTP.

    `unique_reference` says whether that ERP refuses a second order under the same reference; where it does
    not, the dock looks before it writes. `overlap_seconds` widens every gap that is refilled.
    """

    url: Annotated[str, Meta(pattern=r"^(https?://[^\s/]+(/[^\s]*)?)?$")] = ""
    ledger: Annotated[str, Meta(min_length=1, max_length=64)] = "memory"
    client: Annotated[str, Meta(min_length=1, max_length=64)] = "hub"
    secret: Secret | None = None
    unique_reference: bool = True
    timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 10.0
    in_flight_max: Annotated[int, Meta(ge=1, le=1_000)] = 32
    arrivals_max: Annotated[int, Meta(ge=1, le=1_000)] = 100
    arrivals_wait_seconds: Annotated[float, Meta(ge=0, le=60)] = 5.0
    overlap_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 60.0
