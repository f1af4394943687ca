"""Signing in: JWT bearer or client credentials, one sign-in at a time however many calls want one.

Neither flow has a refresh token: an expired session is replaced by signing in again. A refusal is remembered for
a short while, since knocking again at once would only lock the user out.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from crossdock.adapters.salesforce import failures, wire
from crossdock.adapters.salesforce.settings import SalesforceSettings
from crossdock.kit.clock import MICROSECONDS, Clock, Instant, seconds_to_us
from crossdock.kit.errors import Misconfigured, NotAuthorized
from crossdock.kit.redaction import Secret
from crossdock.transport.http import HttpClient
from crossdock.transport.payload import decode

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
ASSERTION_SECONDS = 180
REFUSAL_REMEMBERED_SECONDS = 15.0
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_OK = 200


class Session(msgspec.Struct, frozen=True):
    """A signed-in session: the token, where its API lives (no trailing slash), and the org it belongs to."""

    access_token: Secret
    instance_url: str
    organization_id: str


class SignIn:
    """Holds the present session and replaces it when somebody found it expired.

    `http` gives the connections of the moment. Raises Misconfigured at once where the settings do not fit.
    """

    def __init__(self, settings: SalesforceSettings, http: Callable[[], HttpClient], clock: Clock) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._key = _signing_key(settings)
        self._session: Session | None = None
        self._under_way: asyncio.Task[Session] | None = None
        self._refusal: tuple[Instant, NotAuthorized] | None = None

    async def session(self) -> Session:
        """The present session, signing in where there is none.

        Raises NotAuthorized (refused), Throttled, Unavailable or Misconfigured.
        """
        return self._session or await self._sign_in()

    async def renew(self, expired: Session) -> Session:
        """A session other than `expired`: somebody else's new one where there is one already."""
        if self._session is expired:
            self._session = None
        return await self.session()

    def forget(self) -> None:
        """Sign in anew next time, and forget a refusal: somebody may have mended the credential."""
        self._session = None
        self._refusal = None

    async def _sign_in(self) -> Session:
        """All who wait share one sign-in and its outcome; one who gives up does not take it from the others."""
        if self._refusal and self._clock.now() < self._refusal[0]:
            raise self._refusal[1]
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._request())
            self._under_way.add_done_callback(self._landed)
        return await asyncio.shield(self._under_way)

    def _landed(self, task: asyncio.Task[Session]) -> None:
        self._under_way = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._session, self._refusal = task.result(), None
        elif isinstance(error, NotAuthorized):
            until = self._clock.now() + seconds_to_us(REFUSAL_REMEMBERED_SECONDS)
            self._refusal = until, error

    async def _request(self) -> Session:
        url = self._settings.login_url.rstrip("/") + TOKEN_PATH
        answer = await self._http().send(
            "POST",
            url,
            system=wire.SYSTEM,
            writes=False,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            content=urlencode(self._grant()).encode(),
        )
        if answer.status != _OK:
            raise failures.from_token(answer.status, answer.body)
        granted = decode(answer.body, wire.TokenAnswer, system=wire.SYSTEM)
        return Session(
            access_token=Secret(granted.access_token),
            instance_url=granted.instance_url.rstrip("/"),
            organization_id=_organization(granted),
        )

    def _grant(self) -> dict[str, str]:
        settings = self._settings
        if self._key is None:
            assert settings.client_secret is not None
            return {
                "grant_type": "client_credentials",
                "client_id": settings.client_id,
                "client_secret": settings.client_secret.reveal(),
            }
        claims = {
            "iss": settings.client_id,
            "sub": settings.username,
            "aud": settings.audience or settings.login_url.rstrip("/"),
            "exp": self._clock.now() // MICROSECONDS + ASSERTION_SECONDS,
        }
        return {"grant_type": _JWT_GRANT, "assertion": jwt.encode({"alg": "RS256"}, claims, self._key)}


def _organization(granted: wire.TokenAnswer) -> str:
    """The org's id: a part of the identity URL, and the token's text before the exclamation mark."""
    parts = granted.id.rstrip("/").split("/")
    return parts[-2] if len(parts) > 1 and parts[-2].startswith("00D") else granted.access_token.partition("!")[0]


def _signing_key(settings: SalesforceSettings) -> RSAKey | None:
    """The key that signs assertions; None for client credentials."""
    if settings.flow == "client_credentials":
        if settings.client_secret is None:
            raise _incomplete("flow client_credentials needs client_secret")
        return None
    if settings.private_key is None or not settings.username:
        raise _incomplete("flow jwt_bearer needs username and private_key")
    try:
        return RSAKey.import_key(settings.private_key.reveal())
    except (JoseError, ValueError) as error:
        raise _incomplete(f"private_key is not an RSA key in PEM form ({type(error).__name__})") from None


def _incomplete(message: str) -> Misconfigured:
    return Misconfigured(message, code="salesforce-settings", system=wire.SYSTEM)
