"""Sending one HTTP request and telling apart what matters: not taken, taken, or nobody knows.

Adapters reach the outside through `HttpClient`, so that a lost answer is named the same by all of them. Nothing
is retried and no redirect is followed here: the lane and the engine decide that.
"""

import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from crossdock.durable.lease import check_lease
from crossdock.kit.clock import MICROSECONDS, Instant, from_datetime
from crossdock.kit.errors import CrossdockError, OutcomeUnknown, Unavailable
from crossdock.kit.failpoints import failpoint

CONNECT_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 5.0
"""Connections that idle for longer are not used again: the other side may be about to close them."""

RETRY_AFTER_SECONDS_MAX = 24 * 3600.0

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)


class HttpAnswer(NamedTuple):
    """What came back. Header names are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Connections to one system, kept alive and made when they are needed.

    `base_url` stands before every path that is no URL by itself. `timeout_seconds` is how long the other side may
    be silent, `connect_seconds` how long a connection may take. `headers` go with every request. A proxy of the
    environment is used for `base_url`, unless that is this machine's own loopback.
    """

    def __init__(
        self,
        base_url: str = "",
        *,
        timeout_seconds: float,
        connect_seconds: float = CONNECT_SECONDS,
        connections_max: int = 100,
        headers: Mapping[str, str] | None = None,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(
            total=None, connect=connect_seconds, sock_connect=connect_seconds, sock_read=timeout_seconds
        )
        self._connections_max = connections_max
        self._headers = headers
        self._trusted = trusted
        self._proxy = _environment_proxy(self._base_url)
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        method: str,
        path: str,
        *,
        system: str,
        writes: bool,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> HttpAnswer:
        """Send and return the answer, whatever its status.

        Raises Unavailable when the request did not leave, or only read; OutcomeUnknown when it may have been
        carried out (`writes`) and no answer was heard; LeaseOver when a write must not leave any more.
        """
        url = self._base_url + path if path.startswith("/") else path
        session = self._session or self._connect()
        failpoint("http.sends")
        if writes:
            check_lease(system)
        try:
            async with session.request(
                method, url, headers=headers, data=content, params=params, allow_redirects=False, proxy=self._proxy
            ) as response:
                answer = HttpAnswer(response.status, response.headers, await response.read())
        except _NOT_SENT as error:
            failpoint("http.not_sent")
            raise Unavailable(
                f"{system} cannot be reached", code="unreachable", system=system, vendor_code=type(error).__name__
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failpoint("http.unheard")
            raise unheard(system, writes=writes, vendor_code=type(error).__name__) from None
        failpoint("http.answered")
        return answer

    async def close(self) -> None:
        """Let go of all connections; closing twice is fine, and the next request makes new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _connect(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections_max, keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=self._trusted or True
            ),
            headers=self._headers,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # It would send PUT and DELETE again by itself when a used connection breaks.
        self._session._retry_connection = False  # noqa: SLF001 - no public switch
        return self._session


def _environment_proxy(base_url: str) -> str | None:
    place = urlsplit(base_url)
    if not place.hostname or place.hostname in _LOOPBACK or proxy_bypass(place.hostname):
        return None
    return getproxies().get(place.scheme)


def unheard(system: str, *, writes: bool, vendor_code: str = "") -> CrossdockError:
    """The error for an answer that was not heard: a write may have landed, a read may simply be repeated."""
    if writes:
        return OutcomeUnknown(
            f"{system} gave no answer; the call may have taken effect",
            code="answer-lost",
            system=system,
            vendor_code=vendor_code,
        )
    return Unavailable(f"{system} gave no answer", code="answer-lost", system=system, vendor_code=vendor_code)


def retry_after_seconds(headers: Mapping[str, str], now: Instant) -> float | None:
    """The wait a `Retry-After` header asks for, in seconds or as a date; None where there is none to be read."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return min(float(text), RETRY_AFTER_SECONDS_MAX)
    try:
        moment = from_datetime(parsedate_to_datetime(text))
    except ValueError:
        return None
    return min(max(0.0, (moment - now) / MICROSECONDS), RETRY_AFTER_SECONDS_MAX)
