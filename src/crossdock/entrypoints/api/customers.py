"""Customers over HTTP: credit that waits for a decision, how fresh things are, and what a till may rely on."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from crossdock.entrypoints.api.findings import read_body
from crossdock.entrypoints.api.orders import idempotency_key, read_json_bytes
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.entrypoints.entrance.crediting import credit_desk_of, credit_refusal
from crossdock.entrypoints.entrance.paging import INT64_MAX, limit_of, number_of, text_of
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.identity.golden.canary import CanaryFreshness
from crossdock.identity.golden.freshness import FeedFreshness, FieldFreshness
from crossdock.identity.onboarding.ledger import CreditDecision, OnboardingFile, ReviewPosition
from crossdock.kit.clock import iso
from crossdock.kit.errors import CrossdockError
from crossdock.processes.customer_validation import CustomerQuestion, CustomerValidated, CustomerValidation

Name = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"\S")]


class CreditApproval(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Approve what is asked for, or another `limit` (decimal text), with these payment `terms`."""

    actor: Name
    reason: Annotated[str, Meta(max_length=255)] = ""
    limit: Annotated[str, Meta(max_length=20, pattern=r"^(\d{1,15}(\.\d{1,4})?)?$")] = ""
    terms: Annotated[str, Meta(max_length=64)] = ""


class CreditRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """Refuse, and say why: the customer's record will show it."""

    actor: Name
    reason: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]


class CreditReview(msgspec.Struct, frozen=True, kw_only=True):
    """A company whose credit waits for a decision. `owner` decides, until `due_at`."""

    customer_id: str
    erp_number: str
    asked: str
    currency: str
    owner: str
    overdue: bool
    since: str
    due_at: str
    correlation_id: str


class CreditReviews(msgspec.Struct, frozen=True, kw_only=True):
    """The most urgent first. `next` is the address of the next page, empty on the last."""

    reviews: tuple[CreditReview, ...]
    next: str


class CreditDecided(msgspec.Struct, frozen=True, kw_only=True):
    """The decision that holds."""

    customer_id: str
    verdict: str
    by: str
    at: str
    limit: str
    terms: str


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """How long each owner of what has to be fresh has not been heard of, and how long edits take end to end."""

    feeds: tuple[FeedFreshness, ...]
    canaries: tuple[CanaryFreshness, ...] = ()


class CustomerFreshness(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh each field of one customer is that has to be."""

    customer_id: str
    fields: tuple[FieldFreshness, ...]


@get("/v1/credit-reviews", name="list_credit_reviews")
async def list_credit_reviews(request: Asked, entrance: Here) -> CreditReviews:
    """Companies whose credit waits for a decision, the most urgent first."""
    credit_desk_of(entrance)
    query = request.query_params
    limit = limit_of(query)
    due_at = number_of(query, "due_at", default=0, least=0, most=INT64_MAX)
    behind = ReviewPosition(due_at, text_of(query, "behind", 80)) if due_at else None
    files = await entrance.hub.store.list_reviews(behind=behind, limit=limit)
    more = ""
    if len(files) == limit:
        place = {"limit": str(limit), "due_at": str(files[-1].due_at), "behind": files[-1].party_id}
        more = f"/v1/credit-reviews?{urlencode(place)}"
    now = entrance.hub.clock.now()
    return CreditReviews(reviews=tuple(review_told(file, now) for file in files), next=more)


@post("/v1/credit-reviews/{customer_id:str}/approve", name="approve_credit", status_code=200)
async def approve_credit(request: Asked, entrance: Here, customer_id: FromPath[str]) -> CreditDecided:
    """Approve a company's credit: from then on it may order on invoice."""
    asked = read_body(await read_json_bytes(request), CreditApproval)
    await entrance.taking.bind("credits", idempotency_key(request), f"approve {customer_id}", asked)
    try:
        decision = await credit_desk_of(entrance).approve(
            customer_id, actor=asked.actor, reason=asked.reason, limit=asked.limit, terms=asked.terms
        )
    except CrossdockError as error:
        raise credit_refusal(error) from error
    return _decided(customer_id, decision, entrance)


@post("/v1/credit-reviews/{customer_id:str}/refuse", name="refuse_credit", status_code=200)
async def refuse_credit(request: Asked, entrance: Here, customer_id: FromPath[str]) -> CreditDecided:
    """Refuse a company's credit; the reason is shown wherever credit is."""
    asked = read_body(await read_json_bytes(request), CreditRefusal)
    await entrance.taking.bind("credits", idempotency_key(request), f"refuse {customer_id}", asked)
    try:
        decision = await credit_desk_of(entrance).refuse(customer_id, actor=asked.actor, reason=asked.reason)
    except CrossdockError as error:
        raise credit_refusal(error) from error
    return _decided(customer_id, decision, entrance)


@post("/v1/customers/validate", name="validate_customer", status_code=200)
async def validate_customer(request: Asked, entrance: Here) -> CustomerValidated:
    """What a till, a checkout or an agent's desk may rely on, and how fresh that is. Asks no other system."""
    asked = read_body(await read_json_bytes(request), CustomerQuestion)
    return await _validation(entrance).ask(asked)


@get("/v1/freshness", name="list_freshness")
async def list_freshness(entrance: Here) -> Freshness:
    """How long each owner of what has to be fresh has not been heard of, and how long edits take end to end."""
    _validation(entrance)
    hub = entrance.hub
    return Freshness(feeds=tuple(await hub.customer_feeds()), canaries=tuple(await hub.canaries.freshness()))


@get("/v1/freshness/{customer_id:str}", name="get_freshness")
async def get_freshness(entrance: Here, customer_id: FromPath[str]) -> CustomerFreshness:
    """How fresh one customer's critical fields are."""
    _validation(entrance)
    fields = await entrance.hub.customer_freshness(customer_id)
    if fields is None:
        raise Problem(HTTPStatus.NOT_FOUND, "customer-unknown")
    return CustomerFreshness(customer_id=customer_id, fields=tuple(fields))


ROUTES = (
    list_credit_reviews,
    approve_credit,
    refuse_credit,
    validate_customer,
    list_freshness,
    get_freshness,
)


def review_told(file: OnboardingFile, now: int) -> CreditReview:
    """One review for a list."""
    return CreditReview(
        customer_id=file.party_id,
        erp_number=file.erp_number,
        asked=file.asked,
        currency=file.currency,
        owner=file.owner,
        overdue=file.due_at < now,
        since=iso(file.numbered_at),
        due_at=iso(file.due_at),
        correlation_id=file.correlation_id,
    )


def _decided(customer_id: str, decision: CreditDecision, entrance: Entrance) -> CreditDecided:
    entrance.hub.worker.wake()
    return CreditDecided(
        customer_id=customer_id,
        verdict=decision.verdict,
        by=decision.by,
        at=iso(decision.at),
        limit=decision.limit,
        terms=decision.terms,
    )


def _validation(entrance: Entrance) -> CustomerValidation:
    if entrance.hub.validation is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no-customers")
    return entrance.hub.validation
