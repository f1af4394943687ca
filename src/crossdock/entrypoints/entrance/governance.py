"""What holds for each route, as data: owner, layer, scope, rate limit, timeout. A route without an entry fails CI.

The layers are those of an API network: `system` shows the hub itself, `process` its work, `experience` serves a
channel or a person.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Layer = Literal["system", "process", "experience"]
Scope = Literal[
    "public",
    "metrics:read",
    "orders:read",
    "orders:write",
    "desk:read",
    "desk:write",
    "lanes:read",
    "lanes:write",
    "customers:read",
    "customers:decide",
    "events:read",
    "customers:write",
    "customers:tell",
    "console",
]

BODY_BYTES_MAX = 1_000_000
MINUTE = 60


class RateLimit(msgspec.Struct, frozen=True):
    """So many requests of one caller in any `window_seconds`, evenly spread beyond the first `requests`."""

    name: str
    requests: int
    window_seconds: int = MINUTE


class RoutePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One route's. `timeout_seconds` 0: a stream, which ends when the caller goes or the hub stops."""

    owner: str
    layer: Layer
    scope: Scope
    limit: RateLimit
    timeout_seconds: float = 10.0


INTAKE = RateLimit("intake", 60_000)
READING = RateLimit("reading", 6_000)
DECIDING = RateLimit("deciding", 600)
REHEARSING = RateLimit("rehearsing", 30)
PROBING = RateLimit("probing", 1_200)
STREAMING = RateLimit("streaming", 120)

_HEALTH = RoutePolicy(owner="operations", layer="system", scope="public", limit=PROBING)
_CONTRACTS = RoutePolicy(owner="integration", layer="system", scope="public", limit=READING)
_ORDERS_IN = RoutePolicy(owner="integration", layer="experience", scope="orders:write", limit=INTAKE)
_ORDERS_OUT = RoutePolicy(owner="integration", layer="experience", scope="orders:read", limit=READING)
_DESK = RoutePolicy(owner="order-desk", layer="process", scope="desk:write", limit=DECIDING)
_LANES = RoutePolicy(owner="operations", layer="process", scope="lanes:write", limit=DECIDING)
_CUSTOMERS_IN = RoutePolicy(owner="integration", layer="experience", scope="customers:tell", limit=INTAKE)
_CUSTOMERS_TOLD = RoutePolicy(owner="integration", layer="experience", scope="customers:tell", limit=READING)
_CUSTOMERS = RoutePolicy(owner="data-stewards", layer="process", scope="customers:read", limit=READING)
_CREDIT = RoutePolicy(owner="finance", layer="process", scope="customers:decide", limit=DECIDING)
_STEWARD_WORD = RoutePolicy(owner="data-stewards", layer="process", scope="customers:write", limit=DECIDING)
_CONSOLE = RoutePolicy(owner="order-desk", layer="experience", scope="console", limit=READING)
_CONSOLE_VERB = RoutePolicy(owner="order-desk", layer="experience", scope="console", limit=DECIDING)
_CONSOLE_OPEN = RoutePolicy(owner="order-desk", layer="experience", scope="public", limit=READING)

POLICIES: Mapping[str, RoutePolicy] = {
    "health": _HEALTH,
    "readiness": _HEALTH,
    "metrics": RoutePolicy(owner="operations", layer="system", scope="metrics:read", limit=PROBING),
    "openapi": _CONTRACTS,
    "reference": _CONTRACTS,
    "list_contracts": _CONTRACTS,
    "get_contract": _CONTRACTS,
    "submit_order": _ORDERS_IN,
    "put_order": _ORDERS_IN,
    "list_orders": _ORDERS_OUT,
    "get_order": _ORDERS_OUT,
    "get_journey": _ORDERS_OUT,
    "list_parked": RoutePolicy(owner="order-desk", layer="process", scope="desk:read", limit=READING),
    "preview_parked": RoutePolicy(owner="order-desk", layer="process", scope="desk:read", limit=READING),
    "retry_parked": _DESK,
    "repair_parked": _DESK,
    "skip_parked": _DESK,
    "compensate_parked": _DESK,
    "assign_parked": _DESK,
    "list_lanes": RoutePolicy(owner="operations", layer="process", scope="lanes:read", limit=READING),
    "pause_lane": _LANES,
    "resume_lane": _LANES,
    "list_credit_reviews": _CUSTOMERS,
    "approve_credit": _CREDIT,
    "refuse_credit": _CREDIT,
    "validate_customer": RoutePolicy(
        owner="data-stewards", layer="experience", scope="customers:read", limit=READING, timeout_seconds=2.0
    ),
    "tell_customer": _CUSTOMERS_IN,
    "get_told_customer": _CUSTOMERS_TOLD,
    "list_freshness": _CUSTOMERS,
    "get_freshness": _CUSTOMERS,
    "list_events": RoutePolicy(owner="integration", layer="process", scope="events:read", limit=READING),
    "stream_events": RoutePolicy(
        owner="integration", layer="process", scope="events:read", limit=STREAMING, timeout_seconds=0
    ),
    "find_customers": _CUSTOMERS,
    "get_customer": _CUSTOMERS,
    "get_customer_history": _CUSTOMERS,
    "get_customer_consents": _CUSTOMERS,
    "list_customer_reviews": _CUSTOMERS,
    "list_alike_reviews": _CUSTOMERS,
    "get_customer_review": _CUSTOMERS,
    "list_customer_questions": _CUSTOMERS,
    "get_merge": _CUSTOMERS,
    "decide_customer_review": _STEWARD_WORD,
    "decide_many_reviews": _STEWARD_WORD,
    "pin_customer": _STEWARD_WORD,
    "unpin_customer": _STEWARD_WORD,
    "accept_proposal": _STEWARD_WORD,
    "hold_customer": _STEWARD_WORD,
    "release_customer": _STEWARD_WORD,
    "merge_customers": _STEWARD_WORD,
    "unmerge_customers": _STEWARD_WORD,
    "rehearse_customers": RoutePolicy(
        owner="data-stewards", layer="process", scope="customers:write", limit=REHEARSING
    ),
    "list_rehearsals": _CUSTOMERS,
    "get_rehearsal": _CUSTOMERS,
    "console_home": _CONSOLE_OPEN,
    "console_sign_in": _CONSOLE_OPEN,
    "console_sign_in_form": _CONSOLE_OPEN,
    "console_sign_out": _CONSOLE_OPEN,
    "console_asset": _CONSOLE_OPEN,
    "console_orders": _CONSOLE,
    "console_order": _CONSOLE,
    "console_parked": _CONSOLE,
    "console_parked_run": _CONSOLE,
    "console_lanes": _CONSOLE,
    "console_customers": _CONSOLE,
    "console_customer": _CONSOLE,
    "console_reviews": _CONSOLE,
    "console_credits": _CONSOLE,
    "console_credit": _CONSOLE,
    "console_credit_word": _CONSOLE_VERB,
    "console_review": _CONSOLE,
    "console_steward_word": _CONSOLE_VERB,
    "console_verb": _CONSOLE_VERB,
    "console_lane_verb": _CONSOLE_VERB,
    "console_stream": RoutePolicy(
        owner="order-desk", layer="experience", scope="console", limit=STREAMING, timeout_seconds=0
    ),
}
"""By the handler's name, which is also its operation id in OpenAPI."""

SAFE = RoutePolicy(owner="integration", layer="system", scope="public", limit=READING)
"""For what the framework answers by itself (OPTIONS)."""
