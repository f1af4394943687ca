"""Channels without an adapter (a shop, a till, an app) tell of their customers, and learn who they are here.

Requirements: CUS-13, CUS-15, CUS-28, CUS-29.
"""

import hashlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from crossdock.canonical.party import ExternalReference, Moment, Party, Text
from crossdock.durable.codec import encode
from crossdock.entrypoints.api.findings import read_body, refuse
from crossdock.entrypoints.api.orders import idempotency_key, read_json_bytes
from crossdock.entrypoints.entrance.context import Asked, Here
from crossdock.entrypoints.entrance.gate import own_correlation_of
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.identity.golden.fields import fields_of
from crossdock.kit.clock import from_datetime
from crossdock.kit.errors import Finding, Invalid
from crossdock.kit.ids import check_business_key
from crossdock.ports.customer_source import ChangeKind, CustomerArrival, CustomerChange

KIND = "customer"
"""What channels' records are called."""


class ToldCustomer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a channel tells of its record `record_id` as of `changed_at`, by its own clock.

    `says` holds what changed: a field that is absent stays as it was, `null` clears it. `deleted` and `undeleted`
    speak of the record itself; `merged` says that it is one with `into`, another record of the channel.
    """

    record_id: Text
    changed_at: Moment
    kind: ChangeKind = "changed"
    says: Party = Party()
    into: Text | None = None


class ToldReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: new to the hub, known already, or parked where people see it.

    At `location` stands who the customer is here, as soon as that is known.
    """

    record_id: str
    fate: Literal["taken", "known", "parked"]
    correlation_id: str
    location: str


class RecognisedCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """Who a channel's record is here. Two records of one customer have the same `customer_id`."""

    channel: str
    record_id: str
    customer_id: str


@post("/v1/channels/{channel:str}/customers", name="tell_customer", status_code=202)
async def tell_customer(request: Asked, entrance: Here, channel: FromPath[str]) -> Response[ToldReceipt]:
    """Tell what a channel knows of a customer.

    202: the hub has it, and recognises or makes the customer. 200: it had it already. The content decides, so
    sending again after a lost answer is safe; `Idempotency-Key` is honoured besides.
    """
    told = read_body(await read_json_bytes(request), ToldCustomer)
    if findings := list(_faults_of(told)):
        raise refuse(findings)
    digest = hashlib.blake2s(encode(told), digest_size=16).hexdigest()
    correlation_id = own_correlation_of(request.scope) or f"{channel}:{digest}"
    change = CustomerChange(
        record=_record(channel, told.record_id),
        kind=told.kind,
        says=told.says,
        changed_at=from_datetime(told.changed_at),
        into=_record(channel, told.into) if told.into else None,
        correlation_id=correlation_id,
    )
    arrival = CustomerArrival(external_id=digest, received_at=entrance.hub.clock.now(), change=change)
    fate = await entrance.taking.take_customer(channel, arrival, key=idempotency_key(request))
    location = f"/v1/channels/{quote(channel, safe='')}/customers/{quote(told.record_id, safe='')}"
    receipt = msgspec.convert(
        {"record_id": told.record_id, "fate": fate, "correlation_id": correlation_id, "location": location},
        ToldReceipt,
    )
    status = HTTPStatus.OK if fate == "known" else HTTPStatus.ACCEPTED
    return Response(receipt, status_code=status, headers={"Location": location})


@get("/v1/channels/{channel:str}/customers/{record_id:str}", name="get_told_customer")
async def get_told_customer(
    entrance: Here, channel: FromPath[str], record_id: FromPath[str]
) -> RecognisedCustomer:
    """Who a channel's record is here; 404 while nobody has recognised it."""
    hub = entrance.hub
    if hub.customers is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no-customers")
    if channel not in hub.deployment.routes.customer_channels:
        raise Problem(HTTPStatus.NOT_FOUND, "channel-unknown")
    record = _record(channel, record_id)
    found = await hub.store.find_parties([record])
    if record not in found:
        raise Problem(HTTPStatus.NOT_FOUND, "customer-unknown")
    return RecognisedCustomer(channel=channel, record_id=record_id, customer_id=found[record])


ROUTES = (tell_customer, get_told_customer)


def _record(channel: str, record_id: str) -> ExternalReference:
    return ExternalReference(channel, KIND, record_id)


def _faults_of(told: ToldCustomer) -> Iterator[Finding]:
    for place, number in (("$.record_id", told.record_id), ("$.into", told.into)):
        if number is None:
            continue
        try:
            check_business_key(number, place)
        except Invalid as error:
            yield from error.findings
    says_something = bool(fields_of(told.says) or told.says.references)
    if told.kind == "changed" and not says_something:
        yield Finding("nothing-said", "$.says", "a change says something")
    if told.kind != "changed" and says_something:
        yield Finding("not-expected", "$.says", f"a record that was {told.kind} says nothing else")
    if told.kind == "merged" and not told.into:
        yield Finding("nothing-said", "$.into", "name the record that stays")
    if told.kind != "merged" and told.into:
        yield Finding("not-expected", "$.into", "only a merged record has another that stays")
    if told.into == told.record_id:
        yield Finding("does-not-match", "$.into", "a record cannot be merged into itself")
