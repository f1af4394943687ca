"""When a page cannot be shown: sign in first, or read why, with the same code that the API would give."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.response import Redirect

from crossdock.entrypoints.console.rendering import SEE_OTHER, render
from crossdock.entrypoints.console.sessions import HOME, SIGN_IN, here_of, local_path
from crossdock.entrypoints.entrance.problems import PROBLEMS, as_problem, report


def show_fault(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Litestar's hook for what goes wrong on a page."""
    problem = as_problem(error)
    if problem.code == "not-signed-in":
        return _to_sign_in(request)
    report(problem, request.scope["path"], error)
    response = render(
        "fault.html",
        code=problem.status,
        title=PROBLEMS.get(problem.code, problem.status.phrase),
        problem_code=problem.code,
        detail=problem.detail,
        findings=problem.findings,
        back=HOME,
    )
    response.headers.update(problem.headers)
    return response


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    address = f"{SIGN_IN}?{urlencode({'next': local_path(here_of(request))})}"
    if request.headers.get("hx-request"):  # a part of a page must not be replaced by the sign-in page
        return Response(b"", status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": address})
    return Redirect(address, status_code=SEE_OTHER)
