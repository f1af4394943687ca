"""Every answer that is not a success is a problem document (RFC 9457) with a stable code and all findings."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from crossdock.durable.store import StoreUnavailable
from crossdock.kit.errors import Conflict, Finding, Invalid

PROBLEM_JSON = "application/problem+json"
RETRY_SECONDS = 5

log = structlog.get_logger("api")


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457. `code` never changes its meaning; `findings` name every fault with its path at once."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    instance: str = ""
    findings: tuple[Finding, ...] = ()


class Problem(Exception):
    """Raised by handlers; becomes the answer."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str = "",
        *,
        findings: Sequence[Finding] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.findings = tuple(findings)
        self.headers = dict(headers or {})


PROBLEMS: Mapping[str, str] = {
    "not-json": "The body is no JSON text in UTF-8.",
    "too-deep": "The body is nested deeper than anything we understand.",
    "wrong-media-type": "Send application/json.",
    "too-large": "The body is larger than this route takes.",
    "does-not-fit": "The content does not fit the published contract; every finding has its path.",
    "bad-parameter": "A parameter of the address or a header is not understood.",
    "order-changed": "We have an order under this id with other content.",
    "key-reused": "The idempotency key was used with another body.",
    "not-found": "There is nothing at this address.",
    "customer-unknown": "We never heard of this customer.",
    "channel-unknown": "No channel of this name tells of its customers here: name it in routes.yaml.",
    "customer-changed": "The customer has changed since it was read: read it again.",
    "review-unknown": "Nobody was ever asked under this number.",
    "review-closed": "Somebody has decided this already.",
    "merge-unknown": "There is no such merge.",
    "rehearsal-unknown": "There is no such rehearsal.",
    "already-one": "They are one customer already.",
    "said-otherwise": "Somebody was faster and said the contrary; the detail says who, and why.",
    "said-not-same": "Somebody said, for good, that they are not the same.",
    "not-pinned": "Nobody has decided on this field.",
    "nothing-said": "That record says nothing about the field.",
    "order-unknown": "We never heard of this order.",
    "run-unknown": "We never heard of this run.",
    "lane-unknown": "No system has a lane of this name.",
    "contract-unknown": "No contract has this name.",
    "no-onboarding": "This hub makes no customers of companies, so no credit is decided here.",
    "no-customers": "This hub keeps no customers.",
    "nothing-to-decide": "No credit of this customer waits for a decision.",
    "decided-already": "Somebody has decided otherwise.",
    "approver-not-allowed": "Somebody else decides about so much credit.",
    "not-parked": "None of these runs is parked (any more).",
    "method-not-allowed": "This address does not take that method.",
    "not-signed-in": "This route wants a bearer token.",
    "scope-missing": "The token does not allow this.",
    "foreign-form": "The form was not given to this session; open the page again.",
    "wrong-host": "The request names a host that this hub does not go by.",
    "too-many-requests": "Too many requests: the answer says when to come back.",
    "too-many-followers": "As many streams are open as this hub serves.",
    "store-unavailable": "The database does not answer. Send the same again: it is taken once.",
    "busy": "More is waiting to be written than is good. Send the same again later: it is taken once.",
    "timed-out": "The answer took longer than this route allows.",
    "request-refused": "The request was not understood.",
    "bug": "We made a mistake. It is in the log under the correlation id.",
}
"""Every code this API uses, and what it means."""

_BY_STATUS = {
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "wrong-media-type",
    HTTPStatus.TOO_MANY_REQUESTS: "too-many-requests",
}


def document(problem: Problem, instance: str = "") -> ProblemDocument:
    """The document of a problem. The type leads to its explanation in the hub's own reference."""
    return ProblemDocument(
        type=f"/docs#problem-{problem.code}",
        title=PROBLEMS.get(problem.code, problem.status.phrase),
        status=problem.status.value,
        code=problem.code,
        detail=problem.detail,
        instance=instance,
        findings=problem.findings,
    )


def answer(problem: Problem, instance: str = "") -> Response[bytes]:
    """The response of a problem."""
    return Response(
        msgspec.json.encode(document(problem, instance)),
        status_code=problem.status.value,
        media_type=PROBLEM_JSON,
        headers=problem.headers,
    )


def as_problem(error: Exception) -> Problem:
    """What any exception means to whoever asked."""
    match error:
        case Problem():
            return error
        case StoreUnavailable():
            return unavailable("store-unavailable")
        case Invalid():
            return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "does-not-fit", error.message, findings=error.findings)
        case Conflict():
            return Problem(HTTPStatus.CONFLICT, "order-changed", error.message)
        case HTTPException():
            status = HTTPStatus(error.status_code)
            otherwise = "request-refused" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "bug"
            code = _BY_STATUS.get(status, otherwise)
            return Problem(status, code, headers=dict(error.headers or {}))
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "bug")


def unavailable(code: str, retry_seconds: int = RETRY_SECONDS) -> Problem:
    """Come back later, with the same."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, code, headers={"Retry-After": str(retry_seconds)})


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's hook for every exception. A bug is told to the log, never to the caller."""
    problem = as_problem(error)
    report(problem, request.scope["path"], error)
    return answer(problem, request.scope["path"])


def report(problem: Problem, path: str, error: Exception) -> None:
    """Let the log know of a mistake of ours."""
    if problem.code == "bug":
        log.error("request failed", path=path, exc_type=type(error).__name__, exc_info=error)
