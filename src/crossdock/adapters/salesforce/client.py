"""The REST API: signed in, paged, its limits read, its refusals named."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from crossdock.adapters.salesforce import failures, wire
from crossdock.adapters.salesforce.limits import parse_usage
from crossdock.adapters.salesforce.settings import ORIGIN_MARK, SalesforceSettings
from crossdock.adapters.salesforce.sign_in import Session, SignIn
from crossdock.kit.clock import MICROSECONDS, Clock, Instant, from_datetime
from crossdock.kit.errors import Misconfigured
from crossdock.ports.usage import ApiUsage
from crossdock.transport.http import HttpAnswer, HttpClient, retry_after_seconds
from crossdock.transport.payload import decode

CLOCKS_APART_US_MAX = 600 * MICROSECONDS
"""Clocks further apart could not even sign in: such a Date belongs to another time, as in a rehearsal."""

PAGES_MAX = 100_000
SUBREQUESTS_MAX = 25
_SUCCESS = range(200, 300)
_JSON = msgspec.json.Encoder(decimal_format="number")

Shape = TypeVar("Shape")


class SalesforceClient:
    """Calls one org's REST API.

    Every method raises Unavailable, Throttled, NotAuthorized or Misconfigured; writes raise OutcomeUnknown where
    the answer was lost, and Rejected, Invalid or Conflict where the vendor says so. `usage` is the org's API
    allowance as the latest answer told it; `on_usage` is called whenever an answer tells it.
    """

    def __init__(self, settings: SalesforceSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.usage: ApiUsage | None = None
        self.on_usage: Callable[[ApiUsage], None] | None = None
        self._ahead_us = 0
        self._trusted = _authorities(settings)
        self._connections: HttpClient | None = None
        self.sign_in = SignIn(settings, self._http, clock)
        self._version_path = f"/services/data/v{settings.api_version}/"

    async def close(self) -> None:
        """Let go of all connections; closing twice is fine, and the next call makes new ones."""
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()

    def server_now(self) -> Instant:
        """The org's clock, to a second or so: the latest answer's Date tells how far it is from ours."""
        return self.clock.now() + self._ahead_us

    async def call(
        self,
        method: str,
        path: str,
        *,
        writes: bool,
        json: Any = None,
        content: bytes = b"",
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """One request below `/services/data/vXX.0/` (or of an absolute path); returns the body of a 2xx answer.

        An expired session is renewed once and the call repeated: the vendor did nothing with the first one.
        """
        body = _JSON.encode(json) if json is not None else content
        headers = {**({"Content-Type": content_type} if body else {}), **(headers or {})}
        url = path if path.startswith("/") else self._version_path + path
        session = await self.sign_in.session()
        answer = await self._send(session, method, url, body, headers, params, writes=writes)
        if failures.is_expired(answer.status, answer.body):
            session = await self.sign_in.renew(session)
            answer = await self._send(session, method, url, body, headers, params, writes=writes)
        if answer.status not in _SUCCESS:
            wait = retry_after_seconds(answer.headers, self.clock.now())
            raise failures.from_answer(answer.status, answer.body, writes=writes, retry_after_seconds=wait)
        return answer.body

    async def soap(self, operation: str, *, origin: str = "") -> bytes:
        """One call of the SOAP API, for the little that REST cannot do; `operation` is the body's one element.

        Returns the envelope of a success; a fault raises like a refusal of the REST API, and an expired session
        is renewed once.
        """
        session = await self.sign_in.session()
        answer = await self._send_soap(session, operation, origin)
        if failures.is_soap_expired(answer.status, answer.body):
            session = await self.sign_in.renew(session)
            answer = await self._send_soap(session, operation, origin)
        if answer.status not in _SUCCESS:
            raise failures.from_soap(answer.status, answer.body)
        return answer.body

    async def _send_soap(self, session: Session, operation: str, origin: str) -> HttpAnswer:
        path = f"/services/Soap/u/{self.settings.api_version}/{session.organization_id}"
        document = wire.soap_document(session.access_token.reveal(), origin or ORIGIN_MARK, operation)
        headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""', "Accept": "text/xml"}
        return await self._send(session, "POST", path, document, headers, None, writes=True)

    async def query(self, soql: str, *, deleted: bool = False) -> AsyncIterator[wire.QueryPage]:
        """The pages of a query's result, as the org cuts them; of rows in the recycle bin, too, if so wished."""
        resource = "queryAll" if deleted else "query"
        page = _decoded(await self.call("GET", resource, params={"q": soql}, writes=False), wire.QueryPage)
        yield page
        async for following in self.more(page):
            yield following

    async def more(self, page: wire.QueryPage) -> AsyncIterator[wire.QueryPage]:
        """The pages after `page`, of a query or of a row's own children."""
        for _ in range(PAGES_MAX):
            if page.done or not page.next_records_url:
                return
            page = _decoded(await self.call("GET", page.next_records_url, writes=False), wire.QueryPage)
            yield page

    async def count(self, soql: str, *, deleted: bool = False) -> int:
        """The answer to a `SELECT COUNT()`."""
        body = await self.call("GET", "queryAll" if deleted else "query", params={"q": soql}, writes=False)
        return _decoded(body, wire.QueryPage).total_size

    async def composite(
        self,
        requests: Sequence[Mapping[str, Any]],
        *,
        writes: bool,
        all_or_none: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[wire.SubAnswer, ...]:
        """Up to 25 requests as one call: `{method, url, referenceId, body}`, urls below the version's path.

        The whole may succeed while its parts fail: each answer carries its own `http_status_code`.
        """
        assert 0 < len(requests) <= SUBREQUESTS_MAX
        absolute = [{**request, "url": self._version_path + str(request["url"])} for request in requests]
        payload = {"allOrNone": all_or_none, "compositeRequest": absolute}
        body = await self.call("POST", "composite", json=payload, writes=writes, headers=headers)
        return _decoded(body, wire.CompositeAnswer).composite_response

    async def describe(self, sobject: str) -> wire.ObjectDescription:
        """The object's fields that the user may see. Raises Rejected where there is no such object."""
        body = await self.call("GET", f"sobjects/{quote(sobject)}/describe", writes=False)
        return _decoded(body, wire.ObjectDescription)

    async def versions(self) -> tuple[wire.ApiVersion, ...]:
        """The versions of the API that the org offers."""
        body = await self.call("GET", "/services/data", writes=False)
        return _decoded(body, tuple[wire.ApiVersion, ...])

    async def allowances(self) -> Mapping[str, wire.Allowance]:
        """The org's limits by the vendor's names."""
        body = await self.call("GET", "limits", writes=False)
        return _decoded(body, dict[str, wire.Allowance])

    async def user(self) -> wire.UserFacts:
        """Who we are there."""
        body = await self.call("GET", "/services/oauth2/userinfo", writes=False)
        return _decoded(body, wire.UserFacts)

    def _http(self) -> HttpClient:
        if self._connections is None:
            self._connections = HttpClient(
                headers={"Accept": "application/json", "Sforce-Call-Options": f"client={ORIGIN_MARK}"},
                timeout_seconds=self.settings.timeout_seconds,
                connections_max=self.settings.connections_max,
                trusted=self._trusted,
            )
        return self._connections

    async def _send(
        self,
        session: Session,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        *,
        writes: bool,
    ) -> HttpAnswer:
        answer = await self._http().send(
            method,
            session.instance_url + path,
            system=wire.SYSTEM,
            writes=writes,
            content=body or None,
            params=params,
            headers={**headers, "Authorization": f"Bearer {session.access_token.reveal()}"},
        )
        self._read_signs(answer.headers)
        return answer

    def _read_signs(self, headers: Mapping[str, str]) -> None:
        """What every answer says besides its body: the API allowance, and the time over there."""
        now = self.clock.now()
        stamp = _server_time(headers.get("Date", ""))
        if stamp is not None and abs(stamp - now) <= CLOCKS_APART_US_MAX:
            self._ahead_us = stamp - now
        usage = parse_usage(headers.get("Sforce-Limit-Info", ""), now)
        if usage is not None:
            self.usage = usage
            if self.on_usage is not None:
                self.on_usage(usage)


def _authorities(settings: SalesforceSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.certificate_file or None)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(
            f"certificate_file cannot be read: {type(error).__name__}",
            code="salesforce-settings",
            system=wire.SYSTEM,
        ) from None


def _server_time(header: str) -> Instant | None:
    try:
        return from_datetime(parsedate_to_datetime(header))
    except ValueError:
        return None


def _decoded(body: bytes, shape: type[Shape]) -> Shape:
    return decode(body, shape, system=wire.SYSTEM)
