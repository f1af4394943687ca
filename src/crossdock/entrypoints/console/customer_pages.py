"""The console for data stewards: customers, one customer, doubts, one doubt side by side; and their words."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from crossdock.entrypoints.console.customer_rows import COLUMNS_MAX, parted, sections_of, titles_of
from crossdock.entrypoints.console.rendering import SEE_OTHER, render
from crossdock.entrypoints.console.sessions import here_of, keep, local_path, read_form, session_of
from crossdock.entrypoints.console.verbs import actor_of, needed
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.entrypoints.entrance.customer_answers import customer_told, merge_told, review_row, weighed_told
from crossdock.entrypoints.entrance.field_words import place_of
from crossdock.entrypoints.entrance.mentions import Mention, mentions_of
from crossdock.entrypoints.entrance.paging import INT64_MAX, number_of, text_of
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.entrypoints.entrance.stewarding import find_customer, find_doubt, said, stewards_of
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.recognition.reviews import Review
from crossdock.processes.customer_stewardship import Stewards, Word

PAGE_ROWS = 50
BULK_MAX = 200
READER = "console"


@get("/console/customers", name="console_customers")
async def console_customers(request: Asked, entrance: Here) -> Response[Any]:
    """Find a customer; where systems disagree about one, and how fresh things are."""
    search = text_of(request.query_params, "search", 200)
    hub = entrance.hub
    owned = hub.customers is not None
    found = await stewards_of(entrance).search(search) if owned and search else []
    questions = await hub.store.list_questions(limit=PAGE_ROWS) if owned else []
    facts = {"owned": owned, "search": search, "questions": questions, "now": hub.clock.now()}
    facts["found"] = await mentioned(entrance, found, READER)
    facts["names"] = await mentioned(entrance, [one.party_id for one in questions])
    facts["titles"] = hub.deployment.titles
    fresh = {"feeds": await hub.customer_feeds(), "canaries": await hub.canaries.freshness()}
    return page("customers.html", request, entrance, **facts, **fresh)


@get("/console/customers/{customer_id:str}", name="console_customer")
async def console_customer(request: Asked, entrance: Here, customer_id: FromPath[str]) -> Response[Any]:
    """One customer: what holds and why, its records, merges and history."""
    found = await find_customer(entrance, customer_id, READER)
    store = entrance.hub.store
    stewards = stewards_of(entrance)
    merges = [await stewards.merge_of(merge.merge_id) for merge in await store.list_merges(customer_id)]
    told, titles = customer_told(found), entrance.hub.deployment.titles
    records = titles_of(told, titles)
    shown = [merge_told(*merge) for merge in merges if merge]
    return page(
        "customer.html",
        request,
        entrance,
        customer=told,
        records=records,
        titles=titles,
        holds=sections_of([each for each in told.values if not each.is_empty], records),
        empty=sections_of([each for each in told.values if each.is_empty], records),
        has_columns=len(records) <= COLUMNS_MAX,
        merges=[(merge, parted(told, merge) if merge.stands else []) for merge in shown],
        history=await store.read_history(customer_id),
        here=here_of(request),
    )


@get("/console/reviews", name="console_reviews")
async def console_reviews(request: Asked, entrance: Here) -> Response[Any]:
    """Doubts about who a customer is, oldest first, and how many have equal evidence."""
    query = request.query_params
    signature, owner = text_of(query, "signature", 80), text_of(query, "owner", 80)
    behind = number_of(query, "behind", default=0, least=0, most=INT64_MAX)
    hub = entrance.hub
    owned = hub.customers is not None
    reviews, alike = [], []
    if owned:
        now = hub.clock.now()
        reviews = list(
            await hub.store.list_match_reviews(
                now, behind=behind, signature=signature, owner=owner, limit=PAGE_ROWS
            )
        )
        alike = list(await hub.store.list_alike(limit=12))
    return page(
        "reviews.html",
        request,
        entrance,
        owned=owned,
        reviews=[(review_row(each), each.at) for each in reviews],
        names=await mentioned(entrance, _in_doubt(reviews)),
        alike=alike,
        signature=signature,
        owner=owner,
        behind=behind,
        older=reviews[-1].number if len(reviews) == PAGE_ROWS else 0,
        here=here_of(request),
        now=hub.clock.now(),
    )


@get("/console/reviews/{number:int}", name="console_review")
async def console_review(request: Asked, entrance: Here, number: FromPath[int]) -> Response[Any]:
    """One doubt: the customers side by side, the evidence, and room for a word."""
    doubt = await find_doubt(entrance, min(max(number, 0), INT64_MAX), READER)
    customers = [customer_told(each) for each in doubt.customers]
    shown = [{name: held for value in each.values for name, held in value.values.items()} for each in customers]
    hub = entrance.hub
    later = await hub.store.list_match_reviews(hub.clock.now(), behind=number, limit=1)
    return page(
        "review.html",
        request,
        entrance,
        review=review_row(doubt.review),
        is_open=doubt.review.is_open,
        customers=customers,
        records=[titles_of(each, hub.deployment.titles) for each in customers],
        titles=hub.deployment.titles,
        names=sorted({name for each in shown for name, held in each.items() if held is not None}, key=place_of),
        shown=shown,
        differing=_differing(shown),
        weighed=[weighed_told(each) for each in doubt.review.finding.weighed],
        next_number=later[0].number if later else 0,
        here=here_of(request),
    )


@post("/console/customers/word", name="console_steward_word", status_code=303)
async def console_steward_word(request: Asked, entrance: Here) -> Response[Any]:
    """Take one word of a steward, and go back to the page it came from."""
    form = await read_form(request)
    await said(_carry_out(stewards_of(entrance), form, entrance))
    return Redirect(local_path(form.get("back", "")), status_code=SEE_OTHER)


ROUTES = (console_customers, console_customer, console_reviews, console_review, console_steward_word)


async def _carry_out(stewards: Stewards, form: dict[str, str], entrance: Entrance) -> None:
    """Raises what `Stewards` raises."""
    by, reason, verb = actor_of(form), needed(form, "reason"), form.get("verb", "")
    party_id, field = form.get("customer", ""), form.get("field", "")
    if verb in {"same", "not_same", "later", "assign"}:
        word = Word(word=verb, by=by, reason=reason, other=form.get("other", ""), owner=form.get("owner", ""))  # type: ignore[arg-type]
        if form.get("signature"):
            await _carry_out_alike(stewards, entrance, form["signature"], word)
        else:
            await stewards.decide(_number(form.get("review", "")), word)
    elif verb == "pin":
        values: dict[str, FieldValue] = {field: form.get("value", "").strip() or None}
        await stewards.pin(party_id, values, by=by, reason=reason)
    elif verb == "unpin":
        await stewards.unpin(party_id, field, by=by, reason=reason)
    elif verb == "accept":
        await stewards.accept(party_id, field, form.get("record", ""), by=by, reason=reason)
    elif verb == "unmerge":
        await stewards.unmerge(form.get("merge", ""), by=by, reason=reason)
    else:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad-parameter", "there is no such verb")


async def _carry_out_alike(stewards: Stewards, entrance: Entrance, signature: str, word: Word) -> None:
    hub = entrance.hub
    found = await hub.store.list_match_reviews(hub.clock.now(), signature=signature, limit=BULK_MAX)
    await stewards.decide_many([each.number for each in found], word)


def _differing(shown: Sequence[Mapping[str, FieldValue]]) -> set[str]:
    """The fields of which more than one says something, and not the same."""
    said: dict[str, set[FieldValue]] = {}
    for each in shown:
        for name, held in each.items():
            if held is not None:
                said.setdefault(name, set()).add(held)
    return {name for name, values in said.items() if len(values) > 1}


def _in_doubt(reviews: Sequence[Review]) -> list[str]:
    return [party_id for each in reviews for party_id in (each.finding.party_id, *each.finding.doubtful)]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0  # noqa: PLR2004 - 64 bits


async def mentioned(entrance: Entrance, customer_ids: Sequence[str], by: str = "") -> dict[str, Mention]:
    """Customers of a list by id; people by name only for `by`, whose look is kept in the audit."""
    if not customer_ids:
        return {}
    return await mentions_of(stewards_of(entrance), customer_ids, entrance.hub.deployment.titles, by)


def page(template: str, request: Asked, entrance: Entrance, **facts: Any) -> Response[Any]:
    """A page of this session."""
    session = session_of(request, entrance)
    response = render(
        template,
        hub_name=entrance.hub.deployment.hub.name,
        form_token=entrance.access.form_token(session),
        signed_in=entrance.access.asks_for_token,
        **facts,
    )
    return keep(response, request, session)
