"""What the API answers: the shapes that others rely on, apart from the model they are made of."""

from collections.abc import Mapping

import msgspec

from crossdock.canonical.status import OrderStatus
from crossdock.contracts.envelope import CloudEvent


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The hub has the order and answers for it from here on; `known`: it had it already."""

    order_id: str
    known: bool
    correlation_id: str
    location: str


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What is known, since when, how old that is, and which system said it."""

    value: str
    as_of: str
    age_seconds: float
    source: str


class LineQuantities(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one line's quantity, in millionths of `unit`. `reasons` are codes of refusals."""

    line_id: str
    product: str
    unit: str
    ordered_micro: int
    held_micro: int
    accepted_micro: int
    refused_micro: int
    shipped_micro: int
    invoiced_micro: int
    cancelled_micro: int
    returned_micro: int
    reasons: tuple[str, ...]


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    """How an order stands."""

    order_id: str
    headline: str
    correlation_id: str
    status: Fact
    facts: Mapping[str, Fact]
    lines: tuple[LineQuantities, ...]
    waiting: str
    journey: str


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order in a list."""

    order_id: str
    status: OrderStatus
    reason: str
    channel: str
    customer: str
    record: str
    erp_number: str
    net: str
    currency: str
    captured_at: str
    updated_at: str


class OrderList(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first. `next` is the address of the page behind it, empty on the last one."""

    orders: tuple[OrderRow, ...]
    next: str


class JourneyMoment(msgspec.Struct, frozen=True, kw_only=True):
    """One moment; `took_seconds` since the one before, spent on `spent_on` (work, wait, stand)."""

    at: str
    place: str
    system: str
    title: str
    detail: str
    took_seconds: float
    spent_on: str
    calls: int


class JourneyTold(msgspec.Struct, frozen=True, kw_only=True):
    """The whole journey, oldest first."""

    order_id: str
    correlation_id: str
    headline: str
    moments: tuple[JourneyMoment, ...]
    shown_in: Mapping[str, bool]
    parked_runs: tuple[str, ...]


class FindingTold(msgspec.Struct, frozen=True):
    """One fault in one place."""

    code: str
    path: str
    message: str


class ParkedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run that stands still: why, since when, whose it is, what is at risk."""

    run_id: str
    order_id: str
    correlation_id: str
    since: str
    category: str
    code: str
    reason: str
    signature: str
    owner: str
    severity: int
    domain: str
    at_risk: str
    step: str
    system: str
    vendor_code: str
    findings: tuple[FindingTold, ...]


class ParkedList(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first. `next` is the address of the page behind it, empty on the last one."""

    parked: tuple[ParkedRow, ...]
    next: str


class PreviewTold(msgspec.Struct, frozen=True, kw_only=True):
    """What a retry will and won't do again: what is done stays, writes without an answer are asked about first."""

    run_id: str
    stays_done: tuple[str, ...]
    asked_first: tuple[str, ...]
    done_again: str


class Previews(msgspec.Struct, frozen=True, kw_only=True):
    """One per run that is parked."""

    previews: tuple[PreviewTold, ...]


class VerbDone(msgspec.Struct, frozen=True, kw_only=True):
    """For each run whether the verb was carried out; false where it is not parked (any more)."""

    done: Mapping[str, bool]


class LaneTold(msgspec.Struct, frozen=True, kw_only=True):
    """How the way to one system stands, as this process sees it. Limits of 0 are not known."""

    name: str
    title: str
    status: str
    reason: str
    detail: str
    since: str
    reopens_at: str
    in_flight: int
    in_flight_max: int
    waiting: int
    rate_per_second: float
    rate_used_per_second: float
    daily_budget: int
    budget_left: int
    budget_forecast: int
    quota_left: int | None
    priority_ceiling: int


class LaneList(msgspec.Struct, frozen=True, kw_only=True):
    """Every system's lane."""

    lanes: tuple[LaneTold, ...]


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """CloudEvents, oldest first. Ask again with `next` as `after`; the same number means: nothing new yet."""

    events: tuple[CloudEvent, ...]
    next: int


class ContractList(msgspec.Struct, frozen=True, kw_only=True):
    """Names of contracts and where their schemas are."""

    contracts: Mapping[str, str]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: str
    name: str


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that readiness depends on."""

    name: str
    ok: bool
    detail: str


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether this process can take orders and work on them, and what is missing."""

    ready: bool
    checks: tuple[Check, ...]
