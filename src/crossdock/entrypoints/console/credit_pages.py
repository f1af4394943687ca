"""The console for who decides about credit: what waits, one company with its figures, and the decision."""

from http import HTTPStatus
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from crossdock.entrypoints.console.customer_pages import mentioned, page
from crossdock.entrypoints.console.rendering import SEE_OTHER
from crossdock.entrypoints.console.sessions import local_path, read_form
from crossdock.entrypoints.console.verbs import actor_of, needed
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.entrypoints.entrance.crediting import credit_desk_of, credit_refusal
from crossdock.entrypoints.entrance.customer_answers import customer_told
from crossdock.entrypoints.entrance.paging import INT64_MAX, number_of, text_of
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.entrypoints.entrance.stewarding import find_customer
from crossdock.identity.onboarding.ledger import OnboardingFile, ReviewPosition
from crossdock.kit.errors import CrossdockError

PAGE_ROWS = 50
READER = "console"
HOME = "/console/credit"
SHOWN = ("organisation.", "tax.", "credit.", "terms.", "account.", "billing.", "contact.email", "contact.phone")
"""What tells whether a company may be trusted with credit; the rest is on the customer's own page."""


@get(HOME, name="console_credits")
async def console_credits(request: Asked, entrance: Here) -> Response[Any]:
    """Companies whose credit waits, the most urgent first, with figures; and what was decided lately."""
    hub, query = entrance.hub, request.query_params
    now = hub.clock.now()
    due_at = number_of(query, "due_at", default=0, least=0, most=INT64_MAX)
    behind = ReviewPosition(due_at, text_of(query, "behind", 80)) if due_at else None
    onboards = hub.credit is not None
    reviews = await hub.store.list_reviews(behind=behind, limit=PAGE_ROWS) if onboards else []
    decided = await hub.store.list_decided() if onboards and behind is None else []
    shown = [each.party_id for each in (*reviews, *decided)]
    return page(
        "credits.html",
        request,
        entrance,
        onboards=onboards,
        figures=await hub.store.count_onboardings(now),
        reviews=reviews,
        decided=decided,
        names=await mentioned(entrance, shown),
        behind=behind,
        older=reviews[-1] if len(reviews) == PAGE_ROWS else None,
        now=now,
    )


@get("/console/credit/{customer_id:str}", name="console_credit")
async def console_credit(request: Asked, entrance: Here, customer_id: FromPath[str]) -> Response[Any]:
    """One company: what is asked for, what is known of it, who may decide, and who did."""
    credit_desk_of(entrance)
    found = await find_customer(entrance, customer_id, READER)
    hub = entrance.hub
    review = await hub.store.read_onboarding(customer_id)
    rules = hub.deployment.policies.onboarding
    if review is None or rules is None:
        raise Problem(HTTPStatus.NOT_FOUND, "customer-unknown")
    told = customer_told(found)
    values = {name: held for value in told.values for name, held in value.values.items()}
    return page(
        "credit.html",
        request,
        entrance,
        review=review,
        is_open=review.state == "under_review" and review.decision is None,
        rules=rules.credit,
        shown=[(name, values[name]) for name in sorted(values) if name.startswith(SHOWN)],
        named=told.name or f"customer …{customer_id[-6:]}",
        onward=await _onward(entrance, review),
        now=hub.clock.now(),
    )


@post("/console/credit/word", name="console_credit_word", status_code=303)
async def console_credit_word(request: Asked, entrance: Here) -> Response[Any]:
    """Take one decision, and go on to the next company that waits."""
    form = await read_form(request)
    desk, actor, reason = credit_desk_of(entrance), actor_of(form), needed(form, "reason")
    customer_id = form.get("customer", "").replace("\x00", "")
    try:
        match form.get("verb"):
            case "approve":
                limit, terms = form.get("limit", "").strip(), form.get("terms", "").strip()
                await desk.approve(customer_id, actor=actor, reason=reason, limit=limit, terms=terms)
            case "refuse":
                await desk.refuse(customer_id, actor=actor, reason=reason)
            case _:
                raise Problem(HTTPStatus.BAD_REQUEST, "bad-parameter", "there is no such verb")
    except CrossdockError as error:
        raise credit_refusal(error) from error
    entrance.hub.worker.wake()
    return Redirect(local_path(form.get("back", "")), status_code=SEE_OTHER)


ROUTES = (console_credits, console_credit, console_credit_word)


async def _onward(entrance: Entrance, review: OnboardingFile) -> str:
    """The company whose turn is next; empty where none waits."""
    place = ReviewPosition(review.due_at, review.party_id)
    later = await entrance.hub.store.list_reviews(behind=place, limit=1)
    return later[0].party_id if later else ""
