"""Orders over HTTP: hand one in, ask how it stands, find it, follow its journey."""

import re
from http import HTTPStatus

from litestar import Response, get, post, put
from litestar.params import FromPath

from crossdock.canonical.ledger import Counters
from crossdock.canonical.order import Order
from crossdock.entrypoints.api.answers import (
    Fact,
    JourneyMoment,
    JourneyTold,
    LineQuantities,
    OrderList,
    OrderRow,
    OrderState,
    Receipt,
)
from crossdock.entrypoints.api.findings import read_body, refuse
from crossdock.entrypoints.entrance.asking import find_journey, status_of
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.entrypoints.entrance.gate import own_correlation_of
from crossdock.entrypoints.entrance.paging import cursor_of, limit_of, position_of, text_of
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.insight.journey import Known
from crossdock.insight.wording import headline
from crossdock.kit.clock import iso
from crossdock.kit.errors import Finding, Invalid
from crossdock.kit.ids import check_business_key
from crossdock.policies.order_acceptance import check_completeness
from crossdock.ports.order_board import BoardRow
from crossdock.processes.order_capture import Captured

_KEY = re.compile(r'"?[\x21\x23-\x5b\x5d-\x7e]{1,200}"?')


@post("/v1/orders", name="submit_order", status_code=202)
async def submit_order(request: Asked, entrance: Here) -> Response[Receipt]:
    """Hand an order in.

    202: the hub has it and will bring it to the ERP. 200: it had it already. The id decides, so sending again
    after a lost answer is safe; `Idempotency-Key` is honoured besides.
    """
    return await _take(request, entrance, "")


@put("/v1/orders/{order_id:str}", name="put_order", status_code=202)
async def put_order(request: Asked, entrance: Here, order_id: FromPath[str]) -> Response[Receipt]:
    """Hand an order in under an address that its id already has. Otherwise as POST."""
    return await _take(request, entrance, order_id)


@get("/v1/orders", name="list_orders")
async def list_orders(request: Asked, entrance: Here) -> OrderList:
    """Find orders, newest first: by status, by any of their numbers."""
    query = request.query_params
    status, search = status_of(query.get("status")), text_of(query, "search", 120)
    limit = limit_of(query)
    behind = position_of(query)
    rows = await entrance.hub.board.list_orders(status=status, search=search, behind=behind, limit=limit)
    more = ""
    if len(rows) == limit:
        kept = {"status": status.value if status else "", "search": search, "limit": str(limit)}
        more = cursor_of("/v1/orders", kept, rows[-1].position)
    return OrderList(orders=tuple(map(_row, rows)), next=more)


@get("/v1/orders/{order_id:str}", name="get_order")
async def get_order(entrance: Here, order_id: FromPath[str]) -> OrderState:
    """How the order stands: each fact with its age and its source."""
    told = await find_journey(entrance, order_id)
    facts = {name: _fact(known) for name, known in told.facts.items()}
    row = told.row
    now = entrance.hub.clock.now()
    status = facts.pop("status", None) or Fact(
        value=row.status.value,
        as_of=iso(row.updated_at),
        age_seconds=max(now - row.updated_at, 0) / 1e6,
        source="crossdock",
    )
    return OrderState(
        order_id=told.order_id,
        headline=headline(row),
        correlation_id=told.correlation_id,
        status=status,
        facts=facts,
        lines=tuple(
            _line(line.line_id, line.product, line.unit, line.counters, line.reasons) for line in told.lines
        ),
        waiting=told.present.words if told.present else "",
        journey=f"/v1/orders/{order_id}/journey",
    )


@get("/v1/orders/{order_id:str}/journey", name="get_journey")
async def get_journey(entrance: Here, order_id: FromPath[str]) -> JourneyTold:
    """What happened to the order, when, who said so, and how long it took."""
    told = await find_journey(entrance, order_id)
    return JourneyTold(
        order_id=told.order_id,
        correlation_id=told.correlation_id,
        headline=headline(told.row),
        moments=tuple(
            JourneyMoment(
                at=iso(moment.at),
                place=moment.track,
                system=moment.system,
                title=moment.title,
                detail=moment.detail,
                took_seconds=moment.took_us / 1e6,
                spent_on=moment.stretch,
                calls=moment.attempts,
            )
            for moment in told.moments
        ),
        shown_in=told.shown_in,
        parked_runs=tuple(parked.run_id for parked in told.parked),
    )


ROUTES = (submit_order, put_order, list_orders, get_order, get_journey)


async def _take(request: Asked, entrance: Entrance, addressed: str) -> Response[Receipt]:
    order = await read_order(request)
    if addressed and order.order_id != addressed:
        message = "is not the id in the address"
        raise refuse([Finding("does-not-match", "$.order_id", message)])
    key = idempotency_key(request)
    correlation_id = own_correlation_of(request.scope) or order.order_id
    captured = await entrance.taking.take(order, correlation_id=correlation_id, key=key)
    location = f"/v1/orders/{order.order_id}"
    known = captured is Captured.KNOWN
    receipt = Receipt(order_id=order.order_id, known=known, correlation_id=correlation_id, location=location)
    status = HTTPStatus.OK if known else HTTPStatus.ACCEPTED
    return Response(receipt, status_code=status, headers={"Location": location})


async def read_order(request: Asked) -> Order:
    """The order in a request's body. Raises Problem with everything that is wrong with it."""
    order = read_body(await read_json_bytes(request), Order)
    findings = list(check_completeness(order))
    try:
        check_business_key(order.order_id, "$.order_id")
    except Invalid as error:
        findings = [*error.findings, *findings]
    if findings:
        raise refuse(findings)
    return order


async def read_json_bytes(request: Asked) -> bytes:
    """The body, if it says to be JSON. Raises Problem for another kind, Litestar's 413 for too much of it."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong-media-type")
    return await request.body()


def idempotency_key(request: Asked) -> str:
    """The caller's key, or an empty text. Raises Problem (400) for what is none."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        finding = Finding("bad-format", "Idempotency-Key", "1 to 200 printable ASCII characters")
        raise Problem(HTTPStatus.BAD_REQUEST, "bad-parameter", finding.message, findings=[finding])
    return key.strip('"')


def _fact(known: Known) -> Fact:
    return Fact(value=known.value, as_of=iso(known.as_of), age_seconds=known.age_seconds, source=known.source)


def _line(line_id: str, product: str, unit: str, counted: Counters, reasons: tuple[str, ...]) -> LineQuantities:
    micro = {f"{name}_micro": getattr(counted, name) for name in Counters.__struct_fields__}
    return LineQuantities(line_id=line_id, product=product, unit=unit, reasons=reasons, **micro)


def _row(row: BoardRow) -> OrderRow:
    same = {
        name: getattr(row, name)
        for name in ("order_id status reason channel customer record erp_number net currency".split())
    }
    return OrderRow(**same, captured_at=iso(row.captured_at), updated_at=iso(row.updated_at))
