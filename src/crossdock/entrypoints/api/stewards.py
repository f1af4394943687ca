"""Customers over HTTP: what holds of one and why, what stewards have to decide, and their words.

Whoever reads a customer is named in the audit (`X-Actor`, else `api`); whoever decides names himself in the body.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from crossdock.entrypoints.api.findings import read_body
from crossdock.entrypoints.api.orders import idempotency_key, read_json_bytes
from crossdock.entrypoints.api.parked import Name, Reason
from crossdock.entrypoints.entrance.consent_answers import ConsentsTold
from crossdock.entrypoints.entrance.context import Asked, Here
from crossdock.entrypoints.entrance.customer_answers import (
    AlikeList,
    AlikeTold,
    CustomersFound,
    CustomerTold,
    HistoryTold,
    MergeTold,
    QuestionList,
    ReviewList,
    ReviewTold,
    WordsTaken,
    WordTaken,
    customer_told,
    happening_told,
    merge_told,
    question_told,
    review_row,
    review_told,
    version_of,
)
from crossdock.entrypoints.entrance.paging import INT64_MAX, limit_of, number_of, text_of
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.entrypoints.entrance.stewarding import consents_told, find_customer, find_doubt, said, stewards_of
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ledger import QuestionPosition
from crossdock.processes.customer_stewardship import LATER_SECONDS, Word

CustomerId = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^[^\x00]+$")]
Values = Mapping[str, FieldValue]
Numbers = Annotated[tuple[Annotated[int, Meta(ge=1, le=INT64_MAX)], ...], Meta(min_length=1, max_length=200)]


class ReviewWord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A steward's word about a doubt.

    `other`: the candidate that is meant, where there are several. `survivor` keeps his id, else the candidate.
    `pins`: values that shall survive, by field.
    """

    word: Literal["assign", "later", "not_same", "same"]
    actor: Name
    reason: Reason
    other: str = ""
    survivor: str = ""
    pins: Values = {}
    later_seconds: Annotated[float, Meta(gt=0, le=31_536_000)] = LATER_SECONDS
    owner: str = ""


class ReviewWords(msgspec.Struct, frozen=True, kw_only=True):
    """One word about many doubts, such as all with equal evidence."""

    numbers: Numbers
    word: Literal["not_same", "same"]
    actor: Name
    reason: Reason


class MergeWord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two customers are one: `absorbed` becomes part of `survivor`. `pins`: values that survive, by field."""

    survivor: CustomerId
    absorbed: CustomerId
    actor: Name
    reason: Reason
    pins: Values = {}


class UnmergeWord(msgspec.Struct, frozen=True, kw_only=True):
    """A merge was wrong."""

    actor: Name
    reason: Reason


class PinWord(msgspec.Struct, frozen=True, kw_only=True):
    """These values hold, by field, until that is taken back."""

    values: Values
    actor: Name
    reason: Reason


class HoldWord(msgspec.Struct, frozen=True, kw_only=True):
    """The law wants the customer kept, or does so no more."""

    actor: Name
    reason: Reason


class UnpinWord(msgspec.Struct, frozen=True, kw_only=True):
    """The rules decide on this field or group again."""

    field: str
    actor: Name
    reason: Reason


class AcceptWord(msgspec.Struct, frozen=True, kw_only=True):
    """What this record says of the field or group shall hold."""

    field: str
    record: str
    actor: Name
    reason: Reason


@get("/v1/customers", name="find_customers")
async def find_customers(request: Asked, entrance: Here) -> CustomersFound:
    """Find customers by their id, any system's number, a name, an e-mail or a phone number."""
    search = text_of(request.query_params, "search", 200)
    return CustomersFound(customers=tuple(await stewards_of(entrance).search(search)))


@get("/v1/customers/{customer_id:str}", name="get_customer")
async def get_customer(request: Asked, entrance: Here, customer_id: FromPath[str]) -> Response[CustomerTold]:
    """What holds of a customer, and why: each value with its rule and what records say. A read is audited."""
    found = await find_customer(entrance, customer_id, _reader(request))
    return Response(customer_told(found), headers={"ETag": version_of(found)})


@get("/v1/customers/{customer_id:str}/history", name="get_customer_history")
async def get_customer_history(request: Asked, entrance: Here, customer_id: FromPath[str]) -> HistoryTold:
    """What happened to a customer, newest first."""
    query = request.query_params
    limit = limit_of(query)
    before = number_of(query, "before", default=0, least=0, most=INT64_MAX)
    await find_customer(entrance, customer_id, _reader(request))
    events = await entrance.hub.store.read_history(customer_id, before=before, limit=limit)
    more = ""
    if len(events) == limit:
        kept = urlencode({"limit": limit, "before": events[-1].number})
        more = f"/v1/customers/{customer_id}/history?{kept}"
    return HistoryTold(history=tuple(map(happening_told, events)), next=more)


@get("/v1/customers/{customer_id:str}/consents", name="get_customer_consents")
async def get_customer_consents(request: Asked, entrance: Here, customer_id: FromPath[str]) -> ConsentsTold:
    """What a customer consented to, by whose word, and which systems show it. A read is audited."""
    found = await find_customer(entrance, customer_id, _reader(request))
    return await consents_told(entrance, found)


@get("/v1/customers/reviews", name="list_customer_reviews")
async def list_customer_reviews(request: Asked, entrance: Here) -> ReviewList:
    """Open doubts about who a customer is, oldest first; `signature` shows only equal evidence."""
    stewards_of(entrance)
    query = request.query_params
    limit, signature, owner = limit_of(query), text_of(query, "signature", 80), text_of(query, "owner", 80)
    behind = number_of(query, "behind", default=0, least=0, most=INT64_MAX)
    hub = entrance.hub
    reviews = await hub.store.list_match_reviews(
        hub.clock.now(), behind=behind, signature=signature, owner=owner, limit=limit
    )
    more = ""
    if len(reviews) == limit:
        kept = {"signature": signature, "owner": owner, "limit": str(limit), "behind": str(reviews[-1].number)}
        more = f"/v1/customers/reviews?{urlencode({name: value for name, value in kept.items() if value})}"
    return ReviewList(reviews=tuple(map(review_row, reviews)), next=more)


@get("/v1/customers/reviews/alike", name="list_alike_reviews")
async def list_alike_reviews(request: Asked, entrance: Here) -> AlikeList:
    """Open doubts counted by their evidence, the most frequent first: the preview of a word about many."""
    stewards_of(entrance)
    alike = await entrance.hub.store.list_alike(limit=limit_of(request.query_params))
    return AlikeList(
        alike=tuple(AlikeTold(signature=each.signature, count=each.count, first=each.first) for each in alike)
    )


@get("/v1/customers/reviews/{number:int}", name="get_customer_review")
async def get_customer_review(request: Asked, entrance: Here, number: FromPath[int]) -> ReviewTold:
    """One doubt: the customers side by side, and the evidence. A read is audited."""
    return review_told(await find_doubt(entrance, _number(number), _reader(request)))


@post("/v1/customers/reviews/{number:int}/word", name="decide_customer_review", status_code=200)
async def decide_customer_review(request: Asked, entrance: Here, number: FromPath[int]) -> WordTaken:
    """Say whether they are the same, put it off, or give it to somebody. The same word again changes nothing."""
    asked = read_body(await read_json_bytes(request), ReviewWord)
    await entrance.taking.bind("reviews", idempotency_key(request), number, asked)
    word = Word(
        word=asked.word,
        by=asked.actor,
        reason=asked.reason,
        other=asked.other,
        survivor=asked.survivor,
        pins=asked.pins,
        later_seconds=asked.later_seconds,
        owner=asked.owner,
    )
    return WordTaken(merge_id=await said(stewards_of(entrance).decide(_number(number), word)))


@post("/v1/customers/reviews/words", name="decide_many_reviews", status_code=200)
async def decide_many_reviews(request: Asked, entrance: Here) -> WordsTaken:
    """Say one word about many doubts. Each is taken by itself; what cannot be is told with its reason."""
    asked = read_body(await read_json_bytes(request), ReviewWords)
    await entrance.taking.bind("words", idempotency_key(request), 0, asked)
    word = Word(word=asked.word, by=asked.actor, reason=asked.reason)
    taken, not_taken = await stewards_of(entrance).decide_many(asked.numbers, word)
    return WordsTaken(taken=taken, not_taken={str(number): code for number, code in not_taken.items()})


@get("/v1/customers/questions", name="list_customer_questions")
async def list_customer_questions(request: Asked, entrance: Here) -> QuestionList:
    """Open disagreements about values, oldest first."""
    stewards_of(entrance)
    query = request.query_params
    limit = limit_of(query)
    behind = _position(text_of(query, "behind", 400))
    asked = await entrance.hub.store.list_questions(behind=behind, limit=limit)
    more = ""
    if len(asked) == limit:
        last = asked[-1]
        place = f"{last.since}/{last.party_id}/{last.question.unit}"
        more = f"/v1/customers/questions?{urlencode({'limit': limit, 'behind': place})}"
    return QuestionList(questions=tuple(map(question_told, asked)), next=more)


@post("/v1/customers/{customer_id:str}/pin", name="pin_customer", status_code=200)
async def pin_customer(request: Asked, entrance: Here, customer_id: FromPath[str]) -> WordTaken:
    """Let values hold, whatever is said. With `If-Match` only while nothing has changed since it was read."""
    asked = read_body(await read_json_bytes(request), PinWord)
    await entrance.taking.bind("pins", idempotency_key(request), customer_id, asked)
    expected = _expected(request)
    stewards = stewards_of(entrance)
    word = stewards.pin(customer_id, asked.values, by=asked.actor, reason=asked.reason, expected=expected)
    await said(word)
    return WordTaken()


@post("/v1/customers/{customer_id:str}/unpin", name="unpin_customer", status_code=200)
async def unpin_customer(request: Asked, entrance: Here, customer_id: FromPath[str]) -> WordTaken:
    """Let the rules decide on a field again."""
    asked = read_body(await read_json_bytes(request), UnpinWord)
    again = await entrance.taking.bind("pins", idempotency_key(request), f"unpin {customer_id}", asked)
    expected = _expected(request)
    stewards = stewards_of(entrance)
    word = stewards.unpin(customer_id, asked.field, by=asked.actor, reason=asked.reason, expected=expected)
    try:
        await said(word)
    except Problem as refusal:
        if not (again and refusal.code == "not-pinned"):  # else it was taken back when the key came first
            raise
    return WordTaken()


@post("/v1/customers/{customer_id:str}/accept", name="accept_proposal", status_code=200)
async def accept_proposal(request: Asked, entrance: Here, customer_id: FromPath[str]) -> WordTaken:
    """Let hold what a record says, though its word does not count, or nobody can know which is newer."""
    asked = read_body(await read_json_bytes(request), AcceptWord)
    await entrance.taking.bind("accepts", idempotency_key(request), customer_id, asked)
    word = stewards_of(entrance).accept(
        customer_id,
        asked.field,
        asked.record,
        by=asked.actor,
        reason=asked.reason,
        expected=_expected(request),
    )
    await said(word)
    return WordTaken()


@post("/v1/customers/{customer_id:str}/hold", name="hold_customer", status_code=200)
async def hold_customer(request: Asked, entrance: Here, customer_id: FromPath[str]) -> WordTaken:
    """Put a legal hold on a customer: nobody can have him erased until it is lifted. Again it changes nothing."""
    asked = read_body(await read_json_bytes(request), HoldWord)
    await entrance.taking.bind("holds", idempotency_key(request), f"hold {customer_id}", asked)
    await said(stewards_of(entrance).hold(customer_id, by=asked.actor, reason=asked.reason))
    return WordTaken()


@post("/v1/customers/{customer_id:str}/release", name="release_customer", status_code=200)
async def release_customer(request: Asked, entrance: Here, customer_id: FromPath[str]) -> WordTaken:
    """Lift the legal hold on a customer, and on those who became one with him. Again it changes nothing."""
    asked = read_body(await read_json_bytes(request), HoldWord)
    await entrance.taking.bind("holds", idempotency_key(request), f"release {customer_id}", asked)
    await said(stewards_of(entrance).release(customer_id, by=asked.actor, reason=asked.reason))
    return WordTaken()


@post("/v1/customers/merges", name="merge_customers", status_code=202)
async def merge_customers(request: Asked, entrance: Here) -> WordTaken:
    """Two customers are one. The merge goes on by itself; its state is at `/v1/customers/merges/{merge_id}`."""
    asked = read_body(await read_json_bytes(request), MergeWord)
    again = await entrance.taking.bind("merges", idempotency_key(request), 0, asked)
    word = stewards_of(entrance).merge(
        asked.survivor, asked.absorbed, by=asked.actor, reason=asked.reason, pins=asked.pins
    )
    try:
        return WordTaken(merge_id=await said(word))
    except Problem as refusal:
        merges = await entrance.hub.store.list_merges(asked.absorbed) if again else ()
        known = next((one.merge_id for one in merges if one.stands and one.absorbed == asked.absorbed), "")
        if not (known and refusal.code == "already-one"):
            raise
        return WordTaken(merge_id=known)


@get("/v1/customers/merges/{merge_id:str}", name="get_merge")
async def get_merge(entrance: Here, merge_id: FromPath[str]) -> MergeTold:
    """A merge: what moved, how other systems followed, and, if it has ended, what could not be restored."""
    found = await stewards_of(entrance).merge_of(merge_id)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "merge-unknown")
    return merge_told(*found)


@post("/v1/customers/merges/{merge_id:str}/unmerge", name="unmerge_customers", status_code=202)
async def unmerge_customers(request: Asked, entrance: Here, merge_id: FromPath[str]) -> WordTaken:
    """Take a merge back. It goes on by itself; what came of it is told at `/v1/customers/merges/{merge_id}`."""
    asked = read_body(await read_json_bytes(request), UnmergeWord)
    await entrance.taking.bind("unmerges", idempotency_key(request), merge_id, asked)
    await said(stewards_of(entrance).unmerge(merge_id, by=asked.actor, reason=asked.reason))
    return WordTaken(merge_id=merge_id)


ROUTES = (
    find_customers,
    get_customer,
    get_customer_history,
    get_customer_consents,
    list_customer_reviews,
    list_alike_reviews,
    get_customer_review,
    decide_customer_review,
    decide_many_reviews,
    list_customer_questions,
    pin_customer,
    unpin_customer,
    accept_proposal,
    hold_customer,
    release_customer,
    merge_customers,
    get_merge,
    unmerge_customers,
)


def _reader(request: Asked) -> str:
    """Who reads, as the audit names them."""
    actor = request.headers.get("x-actor", "").strip()
    return actor if 0 < len(actor) <= 80 and actor.isprintable() else "api"  # noqa: PLR2004 - as of `Name`


def _number(number: int) -> int:
    if not 0 < number <= INT64_MAX:
        raise Problem(HTTPStatus.NOT_FOUND, "review-unknown")
    return number


def _expected(request: Asked) -> int | None:
    """The sequence that `If-Match` names. Raises Problem (412) for anything that never was one."""
    tag = request.headers.get("if-match", "").strip()
    if tag in {"", "*"}:
        return None
    digits = tag.strip('"')
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):  # noqa: PLR2004 - digits of a 64-bit number
        raise Problem(HTTPStatus.PRECONDITION_FAILED, "customer-changed")
    return int(digits)


def _position(text: str) -> QuestionPosition | None:
    since, _, rest = text.partition("/")
    party_id, _, unit = rest.partition("/")
    if not text:
        return None
    if not (since.isascii() and since.isdigit() and len(since) < 20):  # noqa: PLR2004 - as above
        raise Problem(HTTPStatus.BAD_REQUEST, "bad-parameter", "behind: is none that we handed out")
    return QuestionPosition(int(since), party_id, unit)
