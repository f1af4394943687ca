"""When a page cannot be shown: sign in first, or read why, with the same code that the API would give."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.response import Redirect

from crossdock.entrypoints.console.rendering import SEE_OTHER, render
from crossdock.entrypoints.console.sessions import HOME, SIGN_IN, here_of, local_path
from crossdock.entrypoints.entrance.problems import PROBLEMS, as_problem, report

_LISTS = {
    "credit": "what waits for credit",
    "customers": "the customers",
    "lanes": "the lanes",
    "parked": "parked work",
    "reviews": "the reviews",
}
_ADVICE = {
    "order-unknown": "Search the orders by any of its numbers: its own, the ERP's, or the record's in Salesforce.",
    "customer-unknown": "Look for the customer by name, e-mail address, phone or any system's number.",
    "review-unknown": "Somebody may have decided it meanwhile; the list has those that are open.",
    "not-parked": "Go back and look again: the page shows how it stands now.",
    "foreign-form": "The page had been open for long. Go back, load it again, and send the form once more.",
}


def show_fault(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Litestar's hook for what goes wrong on a page."""
    problem = as_problem(error)
    if problem.code == "not-signed-in":
        return _to_sign_in(request)
    report(problem, request.scope["path"], error)
    back, back_words = _way_back(request.scope["path"])
    response = render(
        "fault.html",
        code=problem.status,
        title=PROBLEMS.get(problem.code, problem.status.phrase),
        problem_code=problem.code,
        detail=problem.detail,
        findings=problem.findings,
        advice=_ADVICE.get(problem.code, ""),
        back=back,
        back_words=back_words,
    )
    response.headers.update(problem.headers)
    return response


def _way_back(path: str) -> tuple[str, str]:
    """The list that the page belongs to, and what to call the way there."""
    room = path.removeprefix(HOME).strip("/").partition("/")[0]
    words = _LISTS.get(room)
    return (f"{HOME}/{room}", f"To {words}") if words else (HOME, "To the orders")


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    address = f"{SIGN_IN}?{urlencode({'next': local_path(here_of(request))})}"
    if request.headers.get("hx-request"):  # a part of a page must not be replaced by the sign-in page
        return Response(b"", status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": address})
    return Redirect(address, status_code=SEE_OTHER)
