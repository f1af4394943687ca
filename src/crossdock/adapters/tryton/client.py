"""JSON-RPC to one Tryton database: sign-in, sessions, calls, reads in pages.

A session is renewed by one task at a time, however many calls find it expired. Reads and writes are told
apart, because a lost answer means something else for each.
"""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec

from crossdock.adapters.tryton import codec, failures
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Conflict, Invalid, NotAuthorized, Unavailable
from crossdock.transport.http import HttpAnswer, HttpClient, retry_after_seconds
from crossdock.transport.payload import finding_of

PAGE_ROWS = 500
# Tryton leaves deactivated records out unless a search says this.
EVEN_INACTIVE: Final = ("active", "in", [True, False])

Domain = Sequence[Any]
Row = dict[str, Any]
Kind = TypeVar("Kind")


class Session:
    """A signed-in session: what proves it, whose it is, and the user's preferences (company, warehouse)."""

    def __init__(self, authorization: str, user_id: int, preferences: Mapping[str, Any]) -> None:
        self.authorization = authorization
        self.user_id = user_id
        self.preferences = preferences


class TrytonClient:
    """One user's connection to one database.

    Every call raises what `failures` makes of the answer: Unavailable or OutcomeUnknown (reads never the
    latter), Throttled, NotAuthorized, Rejected, Invalid, Conflict.
    """

    def __init__(self, settings: TrytonSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._path: Final = f"/{settings.database}/rpc/"
        self._places = asyncio.Semaphore(settings.in_flight_max)
        self._signing_in = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._session: Session | None = None
        self._present: dict[tuple[str, str], bool] = {}
        self._http: HttpClient | None = None

    async def open(self) -> None:
        """Connect and sign in; opening what is open does nothing."""
        if self._http is not None:
            return
        self._http = HttpClient(
            self._settings.base_url,
            timeout_seconds=self._settings.timeout_seconds,
            connect_seconds=self._settings.connect_timeout_seconds,
            connections_max=self._settings.in_flight_max,
        )
        try:
            await self.session()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the connections; closing twice is fine. The session is left to expire on the server."""
        http, self._http, self._session = self._http, None, None
        if http is not None:
            await http.close()

    async def session(self) -> Session:
        """The present session, signed in if need be."""
        return self._session or await self._sign_in(None)

    async def version(self) -> str:
        """The server's series, `8.0`."""
        async with self._places:
            response = await self._send("common.server.version", [], "", write=False, path="/rpc/")
        return str(self._result(response, write=False))

    async def query(self, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> Any:
        """Call a method that only reads."""
        return await self._call(method, params, context or {}, write=False)

    async def command(self, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> Any:
        """Call a method that may write: an answer that is lost raises OutcomeUnknown."""
        return await self._call(method, params, context or {}, write=True)

    async def search_read(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        rows_max: int | None = None,
        order: Sequence[tuple[str, str]] = (("id", "ASC"),),
        context: Mapping[str, Any] | None = None,
    ) -> list[Row]:
        """The rows of `model` that match, with the named fields (dots reach into relations).

        Raises Unavailable where somebody deleted one between Tryton's own search and its read: ask again.
        """
        try:
            found = await self.query(
                f"model.{model}.search_read", domain, 0, rows_max, order, fields, context=context
            )
        except Conflict as moved:
            words = f"a record was deleted in {model} while it was read"
            raise Unavailable(words, code=moved.code, system=failures.SYSTEM) from moved
        return _rows(found, model)

    async def has_field(self, model: str, field: str) -> bool:
        """Whether the model has the field, which may depend on an optional module; asked once."""
        if (model, field) not in self._present:
            domain = [("model", "=", model), ("name", "=", field)]
            self._present[model, field] = bool(await self.search_read("ir.model.field", domain, ["id"]))
        return self._present[model, field]

    async def pages(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        page_rows: int = PAGE_ROWS,
        context: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[list[Row]]:
        """All rows that match, by ascending id; a page continues after the last id, so none is skipped.

        `domain` is a plain conjunction.
        """
        after = 0
        while True:
            beyond = [*domain, ("id", ">", after)]
            page = await self.search_read(model, beyond, fields, rows_max=page_rows, context=context)
            if page:
                yield page
                after = page[-1]["id"]
            if len(page) < page_rows:
                return

    async def read(
        self, model: str, ids: Sequence[int], fields: Sequence[str], *, context: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """The named fields of those records. Raises Conflict where one does not exist (any more)."""
        return _rows(await self.query(f"model.{model}.read", ids, fields, context=context), model)

    async def create(
        self, model: str, values: Sequence[Mapping[str, Any]], *, context: Mapping[str, Any] | None = None
    ) -> list[int]:
        """Create records in one transaction and return their ids."""
        ids: list[int] = await self.command(f"model.{model}.create", values, context=context)
        return ids

    async def write(
        self,
        model: str,
        ids: Sequence[int],
        values: Mapping[str, Any],
        *,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Set `values` on all those records in one transaction."""
        await self.command(f"model.{model}.write", ids, values, context=context)

    async def button(self, model: str, name: str, ids: Sequence[int]) -> None:
        """Press a button (`quote`, `confirm`, ...) on records. Raises Conflict in a state that forbids it."""
        await self.command(f"model.{model}.{name}", ids)

    async def wizard(
        self,
        name: str,
        record: tuple[str, int],
        state: str,
        data: Mapping[str, Any],
        *,
        confirmed: Sequence[str] = (),
    ) -> None:
        """Run one state of a wizard on a record, with the values of its forms.

        `confirmed` are the names of warnings that a person has answered already: Tryton need not ask again.
        """
        if confirmed:
            user = (await self.session()).user_id
            await self.create("res.user.warning", [{"user": user, "name": warning} for warning in confirmed])
        model, row = record
        context = {"active_model": model, "active_id": row, "active_ids": [row]}
        session, *_ = await self.command(f"wizard.{name}.create", context=context)
        await self.command(f"wizard.{name}.execute", session, data, state, context=context)
        await self.command(f"wizard.{name}.delete", session, context=context)

    async def _call(self, method: str, params: Sequence[Any], context: Mapping[str, Any], *, write: bool) -> Any:
        session = await self.session()
        response = await self._send_as(session, method, params, context, write=write)
        if response.status == HTTPStatus.UNAUTHORIZED:
            # Refused before anything was done, so the same call may go again under a fresh session, once.
            session = await self._sign_in(session)
            response = await self._send_as(session, method, params, context, write=write)
        return self._result(response, write=write)

    async def _send_as(
        self, session: Session, method: str, params: Sequence[Any], context: Mapping[str, Any], *, write: bool
    ) -> HttpAnswer:
        with_context = [*params, {**session.preferences, **context}]
        async with self._places:
            return await self._send(method, with_context, session.authorization, write=write)

    async def _sign_in(self, stale: Session | None) -> Session:
        """A session in place of `stale`; many who find it stale at once sign in once."""
        async with self._signing_in, self._places:
            if self._session is not None and self._session is not stale:
                return self._session
            credential = [self._settings.user, {"password": self._settings.password.reveal()}, "en"]
            response = await self._send("common.db.login", credential, "", write=False)
            answer = self._result(response, write=False, login=True)
            if not isinstance(answer, list) or len(answer) < 2:  # noqa: PLR2004 - user id and session
                raise NotAuthorized("the ERP granted no session", code="credential", system=failures.SYSTEM)
            token = base64.b64encode(f"{self._settings.user}:{answer[0]}:{answer[1]}".encode()).decode("ascii")
            response = await self._send(
                "model.res.user.get_preferences", [True, {}], f"Session {token}", write=False
            )
            # English, because failures knows Tryton's messages by their words.
            preferences = {**self._result(response, write=False), "language": "en"}
            self._session = Session(f"Session {token}", int(answer[0]), preferences)
            return self._session

    async def _send(
        self, method: str, params: Sequence[Any], authorization: str, *, write: bool, path: str = ""
    ) -> HttpAnswer:
        if self._http is None:
            raise Unavailable("the dock is not open", code="not-open", system=failures.SYSTEM)
        body = codec.dumps({"id": next(self._numbers), "method": method, "params": params})
        headers = {"content-type": "application/json"}
        if authorization:
            headers["authorization"] = authorization
        return await self._http.send(
            "POST",
            path or self._path,
            system=failures.SYSTEM,
            writes=write,
            headers=headers,
            content=body,
        )

    def _result(self, response: HttpAnswer, *, write: bool, login: bool = False) -> Any:
        if response.status != HTTPStatus.OK:
            wait = retry_after_seconds(response.headers, self._clock.now())
            raise failures.from_status(response.status, wait, write=write, login=login)
        answer = codec.loads(response.body)
        if not isinstance(answer, dict) or not {"result", "error"} & answer.keys():
            raise Invalid("the answer is not JSON-RPC", code="vendor-payload", system=failures.SYSTEM)
        if "error" in answer:
            raise failures.from_answer(answer["error"])
        return answer["result"]


def _rows(found: Any, model: str) -> list[Row]:
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Invalid(f"the answer holds no rows of {model}", code="vendor-payload", system=failures.SYSTEM)
    return found


def as_rows(rows: Sequence[Row], kind: type[Kind]) -> list[Kind]:
    """`rows` as `kind`. Raises Invalid with the path of what is missing or has the wrong type."""
    try:
        return msgspec.convert(rows, list[kind])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        finding = finding_of(error)
        message = f"the ERP answered with something else than agreed: {finding.message} at {finding.path}"
        raise Invalid(message, code="vendor-payload", system=failures.SYSTEM, findings=[finding]) from None
