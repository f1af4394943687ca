"""The way in: every HTTP request passes here, meets the faults that are switched on, and finds its handler."""

import gzip
import re
import uuid
import zlib

import msgspec

from crossdock.adapters.salesforce.simulator.api import (
    bulk_ingest,
    bulk_query,
    collections,
    composite,
    control,
    describe,
    queries,
    resources,
    rows,
    sign_in,
    soap,
    tree,
)
from crossdock.adapters.salesforce.simulator.api.bulk_jobs import BulkJobs
from crossdock.adapters.salesforce.simulator.api.call import Answer, Call, Desk, HandlerTable, failed, table
from crossdock.adapters.salesforce.simulator.api.cursors import Cursors
from crossdock.adapters.salesforce.simulator.failures import ApiError, bad_json, not_found
from crossdock.adapters.salesforce.simulator.faults import (
    ConcurrentLimit,
    DailyLimit,
    DropAfterCommit,
    DropBeforeWork,
    Latency,
    Unavailable,
)
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.transport.loopback import MethodNotAllowed, NoRoute, Request, Response, json_response

OLDEST_VERSION, NEWEST_VERSION = 20, 67
DATA = "/services/data"
_VERSIONED = re.compile(rf"{DATA}/v(\d+)\.0(?:/(.*))?")
_SEASONS = ("Winter", "Spring", "Summer")
_SEASON_OF_NEWEST = 2026 * 3 + 2
_ADDRESS_BYTES_MAX = 16_384
_UNCOUNTED = "versions"


def versions() -> list[dict[str, str]]:
    """Every version of the data API, oldest first."""
    listed = []
    for version in range(OLDEST_VERSION, NEWEST_VERSION + 1):
        year, season = divmod(_SEASON_OF_NEWEST - (NEWEST_VERSION - version), 3)
        label = f"{_SEASONS[season]} '{year % 100:02d}"
        listed.append({"label": label, "url": f"{DATA}/v{version}.0", "version": f"{version}.0"})
    return listed


class Front:
    """Answers HTTP requests for one org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.desk = Desk(org, Cursors(org.clock, org.settings.cursor_seconds), BulkJobs())
        self._routes = _all_routes()

    async def respond(self, request: Request) -> Response:
        """Answer one request; never raises for what a caller sent."""
        path = re.sub(r"/{2,}", "/", request.path)
        if path.startswith(control.PREFIX):
            return control.respond(self.desk.org, request, path)
        faults, method = self._org.faults, request.method
        if faults.take(DropBeforeWork, path=path, method=method):
            return Response(drop=True)
        late = faults.take(Latency, path=path, method=method)
        number = str(uuid.uuid4())
        response = self._answered(request, path, number)
        delay_seconds = (late.seconds if late else 0.0) + self._org.hold_seconds(number)
        drop = (
            response.status < _FIRST_ERROR and faults.take(DropAfterCommit, path=path, method=method) is not None
        )
        return msgspec.structs.replace(response, delay_seconds=delay_seconds, drop=drop)

    def _answered(self, request: Request, path: str, number: str) -> Response:
        org = self._org
        down = org.faults.take(Unavailable, path=path, method=request.method)
        if down is not None:
            body = ApiError("SERVER_UNAVAILABLE", "Server is temporarily unavailable", status=down.status).body()
            return json_response(body, status=down.status)
        if path.rstrip("/") == DATA:
            org.calls.note(f"GET {_UNCOUNTED}", api=False)
            return json_response(versions())
        match = _VERSIONED.fullmatch(path)
        if match is None:
            return self._sign_in(request, path)
        try:
            answer = self._data(request, match[1], match[2] or "", number)
        except ApiError as refusal:
            answer = failed(refusal)
        return _response(answer, self._limit_info())

    def _sign_in(self, request: Request, path: str) -> Response:
        try:
            match = soap.ROUTES.find(request.method, path)
        except MethodNotAllowed as wrong:
            return json_response(_wrong_method(request.method, wrong).body(), status=405)
        except NoRoute:
            return json_response(not_found().body(), status=404)
        self._org.calls.note(f"{request.method} {match.template.removeprefix('/services/')}", api=False)
        with self._org.guard:
            try:
                return match.handler(self._org, request, match.variables)
            except ApiError as refusal:
                return sign_in.sign_in_failed(refusal)

    def _data(self, request: Request, version: str, path: str, number: str) -> Answer:
        org = self._org
        session = sign_in.bearer(org, request)
        if not OLDEST_VERSION <= int(version) <= NEWEST_VERSION:
            raise not_found()
        self._check_limits(request.path)
        if len(request.path) + sum(len(k) + len(v) for k, v in request.query.items()) > _ADDRESS_BYTES_MAX:
            raise ApiError("URI_TOO_LONG", "The address is longer than 16,384 bytes", status=414)
        if "xml" in request.headers.get("content-type", ""):
            raise ApiError("UNSUPPORTED_MEDIA_TYPE", "This API takes JSON", status=415)
        call = Call(
            method=_method(request),
            path=path,
            version=f"{int(version)}.0",
            session=session,
            request=number,
            dispatch=self._dispatch,
            query=request.query,
            headers=request.headers,
            body=_plain(request),
        )
        with org.guard:
            return self._dispatch(call, counted=True)

    def _dispatch(self, call: Call, *, counted: bool = False) -> Answer:
        """Find and run the handler. A request inside another one costs nothing. Raises ApiError."""
        kind = f"{call.method} unknown"
        try:
            match = self._routes.find(call.method, call.path)
            kind = f"{call.method} {match.template or 'resources'}"
        except NoRoute:
            raise not_found() from None
        except MethodNotAllowed as wrong:
            raise _wrong_method(call.method, wrong) from None
        finally:
            if counted:
                self._org.calls.note(kind)
        return match.handler(self.desk, msgspec.structs.replace(call, variables=match.variables))

    def _check_limits(self, path: str) -> None:
        org = self._org
        used_up = org.calls.api_used_today >= org.settings.api_requests_per_day
        if used_up or org.faults.take(DailyLimit, path=path):
            raise ApiError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        if org.faults.take(ConcurrentLimit, path=path):
            raise ApiError(
                "REQUEST_LIMIT_EXCEEDED",
                "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
                status=403,
            )

    def _limit_info(self) -> str:
        return f"api-usage={self._org.calls.api_used_today}/{self._org.settings.api_requests_per_day}"


_FIRST_ERROR = 400


def _all_routes() -> HandlerTable:
    """Longer paths first where templates overlap: `sobjects/X/describe` is no row of X."""
    routes = table()
    for module in (describe, resources, queries, collections, composite, tree, bulk_ingest, bulk_query, rows):
        routes.include(module.ROUTES)
    return routes


def _response(answer: Answer, limit_info: str) -> Response:
    headers = {"sforce-limit-info": limit_info, **answer.headers}
    if answer.raw is not None:
        return Response(status=answer.status, body=answer.raw, headers=headers)
    if answer.content is msgspec.UNSET:
        return Response(status=answer.status, headers=headers)
    return json_response(answer.content, status=answer.status, headers=headers)


def _method(request: Request) -> str:
    """The method; some clients can't send PATCH and say so in the address."""
    if request.method == "POST":
        return request.query.get("_HttpMethod", request.method).upper()
    return request.method


def _wrong_method(method: str, wrong: MethodNotAllowed) -> ApiError:
    return ApiError(
        "METHOD_NOT_ALLOWED",
        f"HTTP Method '{method}' not allowed. Allowed are {','.join(wrong.allowed)}",
        status=405,
    )


def _plain(request: Request) -> bytes:
    """The body, unpacked where it came compressed. Raises ApiError JSON_PARSER_ERROR."""
    if request.headers.get("content-encoding", "").lower() != "gzip":
        return request.body
    try:
        return gzip.decompress(request.body)
    except (OSError, EOFError, zlib.error):
        raise bad_json("The body is not what its Content-Encoding says") from None
