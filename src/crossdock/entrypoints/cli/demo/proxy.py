"""The network between the hub and the ERP: it passes calls on, counts them, and fails on demand."""

import re
import time

import httpx

from crossdock.transport.loopback import LoopbackServer, Request, Response

UPSTREAM_TIMEOUT_SECONDS = 120.0
MARK_BYTES_MAX = 400
_OWN_HEADERS = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "keep-alive", "date", "server"}
)


class Network:
    """A way to the ERP at one address of its own, wherever the ERP itself listens at the moment.

    `writes` matches calls that place an order, `decides` the one of them by which the ERP commits it, `creates`
    one that makes a customer; all are searched for in the path and the body behind it.
    """

    def __init__(self, writes: re.Pattern[bytes], decides: re.Pattern[bytes], creates: re.Pattern[bytes]) -> None:
        self._writes = writes
        self._decides = decides
        self._creates = creates
        self._customers_to_lose = 0
        self._port = 0
        self._server: LoopbackServer | None = None
        self._upstream: httpx.AsyncClient | None = None
        self._answers_to_lose = 0
        self._writes_in_flight = 0
        self.writes_in_flight_peak = 0
        self.answers_lost = 0
        self.calls = 0
        self.write_seconds: list[float] = []

    @property
    def url(self) -> str:
        """Where the hub finds the ERP."""
        return f"http://127.0.0.1:{self._port}"

    async def open(self, upstream: str = "") -> None:
        """Take connections and pass them on to `upstream`, where it moved."""
        if upstream:
            await self._leave_upstream()
            self._upstream = httpx.AsyncClient(
                base_url=upstream, timeout=httpx.Timeout(UPSTREAM_TIMEOUT_SECONDS), trust_env=False
            )
        if self._server is None:
            self._server = LoopbackServer(self._pass_on, port=self._port)
            await self._server.start_here()
            self._port = self._server.port

    async def cut(self) -> None:
        """Refuse connections, and cut those that stand; `open` takes them again."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop_here()

    async def close(self) -> None:
        """End for good; closing twice is fine."""
        await self.cut()
        await self._leave_upstream()

    def lose_answers(self, count: int) -> None:
        """Let the next so many orders be committed by the ERP, and cut the connection before its answer."""
        self._answers_to_lose += count

    def lose_customer(self) -> None:
        """Let the ERP make the next customer, and cut the connection before it says so."""
        self._customers_to_lose = 1

    async def _leave_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            await upstream.aclose()

    async def _pass_on(self, request: Request) -> Response:
        self.calls += 1
        told = request.path.encode() + b"\n" + request.body[:MARK_BYTES_MAX]
        if not self._writes.search(told):
            response = await self._ask(request)
            made = response.status < httpx.codes.MULTIPLE_CHOICES and self._creates.search(told)
            if made and self._customers_to_lose:
                self._customers_to_lose -= 1
                return Response(drop=True)
            return response
        self._writes_in_flight += 1
        self.writes_in_flight_peak = max(self.writes_in_flight_peak, self._writes_in_flight)
        begun = time.monotonic()
        try:
            response = await self._ask(request)
        finally:
            self._writes_in_flight -= 1
            self.write_seconds.append(time.monotonic() - begun)
        done = response.status < httpx.codes.MULTIPLE_CHOICES and self._decides.search(told)
        if done and self._answers_to_lose:
            self._answers_to_lose -= 1
            self.answers_lost += 1
            return Response(drop=True)
        return response

    async def _ask(self, request: Request) -> Response:
        upstream = self._upstream
        if upstream is None:
            return Response(drop=True)
        headers = {name: value for name, value in request.headers.items() if name not in _OWN_HEADERS}
        asked = upstream.build_request(
            request.method, request.path, params=request.query, headers=headers, content=request.body
        )
        try:
            answer = await upstream.send(asked, stream=True)
            try:
                body = b"".join([chunk async for chunk in answer.aiter_raw()])
            finally:
                await answer.aclose()
        except httpx.TransportError:
            return Response(drop=True)
        passed = {name: value for name, value in answer.headers.items() if name not in _OWN_HEADERS}
        return Response(status=answer.status_code, headers=passed, body=body)
