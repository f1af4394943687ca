"""Who may do what: a bearer token for systems, a signed session for browsers, and the names this hub goes by.

Without a token the hub trusts whoever reaches its loopback address, and therefore answers to loopback names only:
a page elsewhere that points its own name at 127.0.0.1 gets nothing.
"""

import hashlib
import hmac
import secrets
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from crossdock.entrypoints.entrance.governance import Scope
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.kit.clock import MICROSECONDS, Clock
from crossdock.kit.redaction import Secret

SESSION_COOKIE = "crossdock_session"
SESSION_SECONDS = 8 * 3_600
_SCHEME = "bearer "


class Access:
    """The rules of one hub. With a `token` it allows everything, to whoever shows it."""

    def __init__(self, token: Secret | None, host: str, clock: Clock) -> None:
        self._token = token.reveal().encode() if token else b""
        self._clock = clock
        self._hosts = {"localhost", host.lower()}
        # Sessions survive a restart, and hold on every hub with the same token, where there is a token.
        seed = hashlib.blake2s(self._token, person=b"session").digest() if token else secrets.token_bytes(32)
        self._key = seed

    @property
    def asks_for_token(self) -> bool:
        """Whether anybody has to sign in."""
        return bool(self._token)

    def check_host(self, header: str) -> None:
        """Raises Problem for a name this hub does not go by."""
        if self._token:
            return
        try:
            name = (urlsplit(f"//{header}").hostname or "").lower()
        except ValueError:
            name = ""
        if name not in self._hosts and not _is_loopback(name):
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "wrong-host")

    def check(self, scope: Scope, authorization: str, session: str) -> None:
        """Raises Problem where neither the token nor, for the console, the session opens the route."""
        if scope == "public" or not self._token:
            return
        if self.is_token(authorization[len(_SCHEME) :] if authorization.lower().startswith(_SCHEME) else ""):
            return
        if scope == "console" and self.is_session(session):
            return
        raise Problem(
            HTTPStatus.UNAUTHORIZED, "not-signed-in", headers={"WWW-Authenticate": 'Bearer realm="crossdock"'}
        )

    def is_token(self, shown: str) -> bool:
        """Whether this is the token; takes equally long for every wrong one."""
        return bool(self._token) and hmac.compare_digest(shown.strip().encode(), self._token)

    # ── sessions of the console ─────────────────────────────────────────────────────────────────────

    def new_session(self) -> str:
        """A session's cookie: when it ends, a random name, a signature."""
        ends = self._clock.now() // MICROSECONDS + SESSION_SECONDS
        name = f"{ends}.{secrets.token_urlsafe(16)}"
        return f"{name}.{self._sign('session', name)}"

    def is_session(self, cookie: str) -> bool:
        """Whether we made it and it has not ended."""
        name, _, signature = cookie.rpartition(".")
        ends = name.partition(".")[0]
        if not (ends.isascii() and ends.isdigit()) or int(ends[:12]) * MICROSECONDS < self._clock.now():
            return False
        return hmac.compare_digest(signature.encode(), self._sign("session", name).encode())

    def form_token(self, session: str) -> str:
        """What a form of this session has to send along, so that no other site can send it."""
        return self._sign("form", session)

    def check_form(self, session: str, shown: str) -> None:
        """Raises Problem for a form that this session was not given."""
        if not self.is_session(session) or not hmac.compare_digest(
            shown.encode(), self.form_token(session).encode()
        ):
            raise Problem(HTTPStatus.FORBIDDEN, "foreign-form")

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
