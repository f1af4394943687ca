"""Browser sessions: a signed cookie, given to everybody where no token is asked for, else to who shows it."""

from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from crossdock.entrypoints.console.rendering import SEE_OTHER, render
from crossdock.entrypoints.entrance.access import SESSION_COOKIE, SESSION_SECONDS
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.entrypoints.entrance.problems import Problem

HOME = "/console"
SIGN_IN = "/console/sign-in"
FORM_FIELDS_MAX = 300


def session_of(request: Asked, entrance: Entrance) -> str:
    """The session's cookie: the browser's, if it is one of ours, else a new one."""
    shown = request.cookies.get(SESSION_COOKIE, "")
    return shown if entrance.access.is_session(shown) else entrance.access.new_session()


def keep(response: Response[Any], request: Asked, session: str) -> Response[Any]:
    """Let the browser keep the session."""
    if request.cookies.get(SESSION_COOKIE) != session:
        response.set_cookie(_cookie(request, session, SESSION_SECONDS))
    return response


async def read_form(request: Asked) -> dict[str, str]:
    """The fields of a form, checked to come from a page of this session. Raises Problem."""
    form = await _fields(request)
    entrance: Entrance = request.app.state.entrance
    entrance.access.check_form(request.cookies.get(SESSION_COOKIE, ""), form.get("form_token", ""))
    return form


def here_of(request: Asked) -> str:
    """The address of the page, without the host."""
    query = request.scope["query_string"].decode("latin-1")
    path = (request.scope.get("raw_path") or b"").decode("latin-1") or request.scope["path"]
    return f"{path}?{query}" if query else path


def local_path(path: str) -> str:
    """Where to go back to: a page of the console, whatever a form says."""
    plain = path.isascii() and path.isprintable() and "\\" not in path and "//" not in path
    return path if plain and (path == HOME or path.startswith((f"{HOME}/", f"{HOME}?"))) else HOME


@get(SIGN_IN, name="console_sign_in_form", sync_to_thread=False)
def sign_in_form(request: Asked, entrance: Here) -> Response[Any]:
    """Ask for the token."""
    if not entrance.access.asks_for_token:
        return Redirect(HOME, status_code=SEE_OTHER)
    back = local_path(request.query_params.get("next", HOME))
    return render("sign_in.html", back=back, wrong=False)


@post(SIGN_IN, name="console_sign_in", status_code=303)
async def sign_in(request: Asked, entrance: Here) -> Response[Any]:
    """Take the token and give a session for it."""
    form = await _fields(request)
    back = local_path(form.get("next", HOME))
    if not entrance.access.is_token(form.get("token", "")):
        return render("sign_in.html", code=HTTPStatus.UNAUTHORIZED, back=back, wrong=True)
    response: Response[Any] = Redirect(back, status_code=SEE_OTHER)
    response.set_cookie(_cookie(request, entrance.access.new_session(), SESSION_SECONDS))
    return response


@post("/console/sign-out", name="console_sign_out", status_code=303)
async def sign_out(request: Asked) -> Response[Any]:
    """Forget the session."""
    await read_form(request)
    response: Response[Any] = Redirect(SIGN_IN, status_code=SEE_OTHER)
    response.set_cookie(_cookie(request, "", 0))
    return response


ROUTES = (sign_in_form, sign_in, sign_out)


async def _fields(request: Asked) -> dict[str, str]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong-media-type", "a form is expected")
    try:
        text = (await request.body()).decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS_MAX))
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad-parameter", "this is no form") from None


def _cookie(request: Asked, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=SESSION_COOKIE,
        value=value,
        path=HOME,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=request.scope["scheme"] == "https",
    )
