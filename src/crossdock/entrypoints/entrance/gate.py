"""The gate before every handler: what a route's policy says is done here, for all of them alike."""

import asyncio
import hashlib
import re
import time
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

import structlog
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from crossdock.entrypoints.entrance.access import SESSION_COOKIE
from crossdock.entrypoints.entrance.context import Entrance
from crossdock.entrypoints.entrance.governance import SAFE, RoutePolicy
from crossdock.entrypoints.entrance.problems import Problem, unavailable
from crossdock.kit.ids import new_id

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
CORRELATION = "X-Correlation-Id"
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class Gate(ASGIMiddleware):
    """Host, rate limit, access, time limit, figures."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """See ASGIMiddleware."""
        name = str(scope["route_handler"].name or "")
        policy = self._entrance.policies.get(name, SAFE)
        begun, status = time.perf_counter(), 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            self._let_in(scope, policy)
            with structlog.contextvars.bound_contextvars(correlation_id=correlation_of(scope)):
                await self._in_time(policy, next_app, scope, receive, watch)
        except Problem as problem:
            status = problem.status
            raise
        finally:
            seconds = time.perf_counter() - begun if policy.timeout_seconds else None
            self._entrance.figures.answered(name or "other", status or HTTPStatus.INTERNAL_SERVER_ERROR, seconds)

    def _let_in(self, scope: Scope, policy: RoutePolicy) -> None:
        headers = Headers.from_scope(scope)
        access = self._entrance.access
        access.check_host(headers.get("host", ""))
        authorization = headers.get("authorization", "")
        allowance = self._entrance.limiter.take(policy.limit, _caller(scope, authorization))
        told = _told(scope)
        told.update(allowance.headers)
        if not allowance.allowed:
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests")
        access.check(policy.scope, authorization, _cookie(headers.get("cookie", "")))

    async def _in_time(
        self, policy: RoutePolicy, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if not policy.timeout_seconds:
            await app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(policy.timeout_seconds):
                await app(scope, receive, send)
        except TimeoutError:
            raise unavailable("timed-out") from None


async def stamp(message: Message, scope: Scope) -> None:
    """Litestar's hook before everything that is sent: what every answer carries, problems included."""
    if message["type"] != "http.response.start":
        return
    headers = message.setdefault("headers", [])
    present = {name.lower() for name, _ in headers}
    told = _told(scope)
    told.setdefault(CORRELATION, correlation_of(scope))
    told.setdefault("Cache-Control", "no-store")
    headers = [*headers, *((n, v) for n, v in _SECURITY if n not in present)]
    message["headers"] = headers + [
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in told.items()
        if name.lower().encode() not in present
    ]


def correlation_of(scope: Scope) -> str:
    """The caller's correlation id, or a new one; the same for the whole request."""
    told = _told(scope)
    if CORRELATION not in told:
        sent = Headers.from_scope(scope).get(CORRELATION, "")
        told[CORRELATION] = sent if _CORRELATION_ID.fullmatch(sent) else new_id()
    return told[CORRELATION]


def own_correlation_of(scope: Scope) -> str:
    """The correlation id the caller sent, or an empty text."""
    sent = Headers.from_scope(scope).get(CORRELATION, "")
    return sent if _CORRELATION_ID.fullmatch(sent) else ""


def _told(scope: Scope) -> MutableMapping[str, str]:
    told: MutableMapping[str, str] = scope["state"].setdefault("crossdock_told", {})
    return told


def _caller(scope: Scope, authorization: str) -> str:
    """Whom to count for: the token where one is shown, else the address."""
    if authorization:
        return hashlib.blake2s(authorization.encode(), digest_size=8).hexdigest()
    client: Any = scope.get("client")
    return str(client[0]) if client else "local"


def _cookie(header: str) -> str:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == SESSION_COOKIE:
            return value
    return ""
