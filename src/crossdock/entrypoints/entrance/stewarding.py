"""What the API and the console have in common about customers: the stewards' desk, and what its refusals mean."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import TypeVar

from crossdock.canonical.party import ExternalReference
from crossdock.entrypoints.entrance.consent_answers import ConsentsTold, consent_told
from crossdock.entrypoints.entrance.context import Entrance
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.kit.errors import Conflict, Rejected
from crossdock.processes.customer_stewardship import Customer, Doubt, Stewards

T = TypeVar("T")


def stewards_of(entrance: Entrance) -> Stewards:
    """The desk. Raises Problem (404) where the deployment does not say who owns what about customers."""
    customers = entrance.hub.customers
    if customers is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no-customers")
    return customers.stewards


async def said(word: Awaitable[T]) -> T:
    """What a steward's word came to. Raises Problem: 404, 409 for what is no more so, 412 for another version."""
    try:
        return await word
    except Rejected as refusal:
        raise Problem(HTTPStatus.NOT_FOUND, refusal.code, refusal.message) from refusal
    except Conflict as conflict:
        is_version = conflict.code == "customer-changed"
        status = HTTPStatus.PRECONDITION_FAILED if is_version else HTTPStatus.CONFLICT
        raise Problem(status, conflict.code, conflict.message) from conflict


async def find_customer(entrance: Entrance, party_id: str, by: str) -> Customer:
    """A customer; that somebody looked is kept in the audit. Raises Problem (404)."""
    stewards = stewards_of(entrance)
    found = await stewards.customer(party_id)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "customer-unknown")
    await stewards.note_look(by, party_id)
    return found


async def look_at_subject(entrance: Entrance, subject: str, by: str) -> str:
    """The customer that a run is about, where there is one; that somebody looked is kept in the audit.

    What a system said of somebody who is not recognised yet, or so that it could not be read, is personal, too.
    """
    kind, _, name = subject.partition("/")
    customers, party_id = entrance.hub.customers, ""
    if customers is None:
        return ""
    if kind == "customer-record" and name.count("/") > 1:
        record = ExternalReference(*name.split("/", 2))
        party_id = (await entrance.hub.store.find_parties([record])).get(record, "")
    elif kind == "customer":
        party_id = name.partition("/")[0]
    if party_id:
        await customers.stewards.note_look(by, party_id)
    elif kind == "customer-record":
        await customers.stewards.note_look_at(by, subject)
    return party_id


async def consents_told(entrance: Entrance, customer: Customer) -> ConsentsTold:
    """A customer's consents and how far they have got. Raises Problem (404) for one who was erased meanwhile."""
    customers, party_id = entrance.hub.customers, customer.file.party_id
    consents = await customers.consents.of(party_id) if customers is not None else None
    if customers is None or consents is None:
        raise Problem(HTTPStatus.NOT_FOUND, "customer-unknown")
    now = customers.consents.now()
    told = tuple(consent_told(each, now) for each in consents)
    return ConsentsTold(customer_id=party_id, into=customer.file.into, consents=told)


async def find_doubt(entrance: Entrance, number: int, by: str) -> Doubt:
    """A review; that somebody looked at its customers is kept in the audit. Raises Problem (404)."""
    stewards = stewards_of(entrance)
    found = await stewards.doubt(number)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "review-unknown")
    await stewards.note_look(by, *(customer.file.party_id for customer in found.customers))
    return found
