"""One call of the data API, from the wire or from inside a composite, and its answer."""

from collections.abc import Callable
from typing import Any

import msgspec

from crossdock.adapters.salesforce.simulator.api.bulk_jobs import BulkJobs
from crossdock.adapters.salesforce.simulator.api.cursors import Cursors
from crossdock.adapters.salesforce.simulator.directory import Session
from crossdock.adapters.salesforce.simulator.failures import ApiError, bad_json
from crossdock.adapters.salesforce.simulator.org import Actor, Org
from crossdock.transport.loopback import Routes

_TRUE = "true"


class Desk(msgspec.Struct, frozen=True):
    """What the handlers work on: the org, open query cursors and Bulk jobs."""

    org: Org
    cursors: Cursors
    jobs: BulkJobs


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a call: `content` becomes JSON unless `raw` holds something else; neither is an empty body."""

    status: int = 200
    content: Any = msgspec.UNSET
    raw: bytes | None = None
    headers: dict[str, str] = {}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `path` begins after the version; `payload` is the body of a sub-request, decoded already.

    `dispatch` runs another call with the same rights, which is what composites are made of.
    """

    method: str
    path: str
    version: str
    session: Session
    request: str
    dispatch: "Callable[[Call], Answer]"
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    variables: dict[str, str] = {}
    body: bytes = b""
    payload: Any = msgspec.UNSET

    def json(self) -> Any:
        """The body's value. Raises ApiError JSON_PARSER_ERROR."""
        if self.payload is not msgspec.UNSET:
            return self.payload
        if not self.body:
            raise bad_json("The HTTP entity body is required, but this request has no entity body.")
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as broken:
            raise bad_json(f"The body is not JSON: {broken}") from None

    def object(self) -> dict[str, Any]:
        """The body, which must be an object. Raises ApiError JSON_PARSER_ERROR."""
        value = self.json()
        if not isinstance(value, dict):
            raise bad_json("The body must be an object.")
        return value

    @property
    def client(self) -> str:
        """The name the caller gave itself by Sforce-Call-Options."""
        options = _options(self.headers.get("sforce-call-options", ""))
        return options.get("client", "")

    def actor(self, api: str = "rest") -> Actor:
        """On whose behalf rows are written."""
        suffix = f";client={self.client}" if self.client else ""
        duplicates = _options(self.headers.get("sforce-duplicate-rule-header", ""))
        return Actor(
            user_id=self.session.user_id,
            origin=f"com/salesforce/api/{api}/{self.version}{suffix}",
            request=self.request,
            allow_duplicates=duplicates.get("allowsave", "").lower() == _TRUE,
        )

    def row_url(self, sobject: str, record_id: str) -> str:
        """The path of a row in this call's version."""
        return f"/services/data/v{self.version}/sobjects/{sobject}/{record_id}"


Handler = Callable[[Desk, Call], Answer]
HandlerTable = Routes[Handler]


def table() -> HandlerTable:
    """An empty table of routes; the vendor reads paths regardless of case."""
    return Routes(ignore_case=True)


def failed(error: ApiError) -> Answer:
    """The answer that tells of a refusal."""
    return Answer(status=error.status, content=error.body())


def flag(value: Any) -> bool:
    """A switch of a request, written as JSON or as text."""
    return value is True or (isinstance(value, str) and value.lower() == _TRUE)


def listed(value: Any, name: str) -> list[Any]:
    """A list in a body. Raises ApiError JSON_PARSER_ERROR when it is none."""
    if not isinstance(value, list):
        raise bad_json(f"{name} must be a list")
    return value


def _options(header: str) -> dict[str, str]:
    """`a=1; b=2` (or with commas) as lower-case names and values."""
    pairs = (part.partition("=") for part in header.replace(",", ";").split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}
