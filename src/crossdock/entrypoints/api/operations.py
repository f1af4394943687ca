"""What each operation takes and answers, as data: OpenAPI and the reference page are made from it."""

from collections.abc import Mapping
from typing import Any

from crossdock.canonical.order import Order
from crossdock.canonical.status import OrderStatus
from crossdock.entrypoints.api import answers, channels, customer_operations, customers, lanes, parked
from crossdock.entrypoints.api.operation import LIMIT, Operation, Parameter, Schema
from crossdock.entrypoints.entrance.paging import INT64_MAX
from crossdock.processes.customer_validation import CustomerQuestion, CustomerValidated

_AFTER: Schema = {"type": "integer", "minimum": 0, "maximum": INT64_MAX}
_CORRELATION = Parameter(
    name="X-Correlation-Id",
    words="Your id for the whole way; it reaches the ERP. One that does not match is not used.",
    place="header",
    schema={"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
)
_KEY = Parameter(
    name="Idempotency-Key",
    words="Yours for this order; the same key with another body is refused.",
    place="header",
    schema={"type": "string", "pattern": "^[!#-\\[\\]-~]{1,200}$"},
)
_STATUS = Parameter(name="status", words="Only these.", schema={"enum": [status.value for status in OrderStatus]})
_SEARCH = Parameter(
    name="search",
    words="An order id, ERP number, record or customer number, or how one begins.",
    schema={"type": "string", "maxLength": 120, "pattern": "^[^\\x00-\\x1f]*$"},
)
_TAKING = Operation(
    group="Orders",
    body=Order,
    answers={202: answers.Receipt, 200: answers.Receipt},
    parameters=(_KEY, _CORRELATION),
    problems=(400, 409, 413, 415, 422, 503),
)
_DECIDING: dict[str, Any] = {"group": "Parked work", "problems": (400, 409, 413, 415, 422, 503)}
_LANE_VERB = Operation(
    group="Lanes", body=lanes.LaneVerb, answers={200: answers.LaneTold}, problems=(400, 404, 413, 415, 422, 503)
)
_CREDIT_VERB: dict[str, Any] = {
    "group": "Customers",
    "parameters": (customer_operations.KEY,),
    "answers": {200: customers.CreditDecided},
    "problems": (400, 403, 404, 409, 413, 415, 422, 503),
}
_FINDING_ORDERS = (_STATUS, _SEARCH, LIMIT, Parameter(name="cursor", words="From the `next` of a page."))

OPERATIONS: Mapping[str, Operation] = {
    "submit_order": _TAKING,
    "put_order": _TAKING,
    "list_orders": Operation(
        group="Orders", answers={200: answers.OrderList}, parameters=_FINDING_ORDERS, problems=(400, 503)
    ),
    "get_order": Operation(group="Orders", answers={200: answers.OrderState}, problems=(404, 503)),
    "get_journey": Operation(group="Orders", answers={200: answers.JourneyTold}, problems=(404, 503)),
    "list_parked": Operation(
        group="Parked work",
        answers={200: answers.ParkedList},
        parameters=(
            LIMIT,
            Parameter(
                name="signature",
                words="Only equal causes.",
                schema={"type": "string", "maxLength": 80, "pattern": "^[^\\x00-\\x1f]*$"},
            ),
            Parameter(
                name="before",
                words="From the `next` of a page.",
                schema={"type": "string", "maxLength": 400, "pattern": "^[^\\x00-\\x1f]*$"},
            ),
        ),
        problems=(400, 503),
    ),
    "preview_parked": Operation(
        group="Parked work",
        body=parked.ManyRuns,
        answers={200: answers.Previews},
        problems=(400, 413, 415, 422, 503),
    ),
    "retry_parked": Operation(body=parked.Verb, answers={200: answers.VerbDone}, **_DECIDING),
    "repair_parked": Operation(body=parked.Repair, answers={200: answers.VerbDone}, **_DECIDING),
    "skip_parked": Operation(body=parked.Verb, answers={200: answers.VerbDone}, **_DECIDING),
    "compensate_parked": Operation(body=parked.Verb, answers={200: answers.VerbDone}, **_DECIDING),
    "assign_parked": Operation(body=parked.Assignment, answers={200: answers.VerbDone}, **_DECIDING),
    **customer_operations.OPERATIONS,
    "list_lanes": Operation(group="Lanes", answers={200: answers.LaneList}),
    "pause_lane": _LANE_VERB,
    "resume_lane": _LANE_VERB,
    "list_credit_reviews": Operation(
        group="Customers",
        answers={200: customers.CreditReviews},
        parameters=(
            LIMIT,
            Parameter(name="due_at", words="From the `next` of a page.", schema=_AFTER),
            Parameter(
                name="behind",
                words="From the `next` of a page.",
                schema={"type": "string", "maxLength": 80, "pattern": "^[^\\x00-\\x1f]*$"},
            ),
        ),
        problems=(400, 404, 503),
    ),
    "approve_credit": Operation(body=customers.CreditApproval, **_CREDIT_VERB),
    "refuse_credit": Operation(body=customers.CreditRefusal, **_CREDIT_VERB),
    "validate_customer": Operation(
        group="Customers",
        body=CustomerQuestion,
        answers={200: CustomerValidated},
        problems=(400, 404, 413, 415, 422, 503),
    ),
    "tell_customer": Operation(
        group="Channels",
        body=channels.ToldCustomer,
        answers={200: channels.ToldReceipt, 202: channels.ToldReceipt},
        parameters=(customer_operations.KEY,),
        problems=(400, 404, 413, 415, 422, 503),
    ),
    "get_told_customer": Operation(
        group="Channels", answers={200: channels.RecognisedCustomer}, problems=(404, 503)
    ),
    "list_freshness": Operation(group="Customers", answers={200: customers.Freshness}, problems=(404, 503)),
    "get_freshness": Operation(group="Customers", answers={200: customers.CustomerFreshness}, problems=(404, 503)),
    "list_events": Operation(
        group="Events",
        answers={200: answers.EventPage},
        parameters=(
            Parameter(name="after", words="The sequence behind which to begin.", schema=_AFTER),
            Parameter(
                name="subject",
                words="Only of this subject, such as `order/O-1`.",
                schema={"type": "string", "maxLength": 400, "pattern": "^[^\\x00-\\x1f]*$"},
            ),
            Parameter(
                name="limit",
                words="How many at most.",
                schema={"type": "integer", "minimum": 1, "maximum": 500},
            ),
        ),
        problems=(400, 503),
    ),
    "stream_events": Operation(
        group="Events",
        answers={200: None},
        media_type="text/event-stream",
        parameters=(
            Parameter(name="after", words="The sequence behind which to begin; else now.", schema=_AFTER),
            Parameter(name="Last-Event-ID", words="As browsers send it.", place="header", schema=_AFTER),
        ),
        problems=(400, 503),
    ),
    "list_contracts": Operation(group="Contracts", answers={200: answers.ContractList}),
    "get_contract": Operation(
        group="Contracts", answers={200: None}, media_type="application/schema+json", problems=(404,)
    ),
    "health": Operation(group="Operations", answers={200: answers.Health}),
    "readiness": Operation(group="Operations", answers={200: answers.Readiness, 503: answers.Readiness}),
    "metrics": Operation(group="Operations", answers={200: None}, media_type="text/plain", problems=(503,)),
    "openapi": Operation(group="Contracts", answers={200: None}),
    "reference": Operation(group="Contracts", answers={200: None}, media_type="text/html"),
}
"""By operation id."""
