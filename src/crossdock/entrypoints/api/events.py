"""The outbox over HTTP: pages of CloudEvents, and a stream that begins where the last one ended."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import get
from litestar.response import Stream

from crossdock.contracts.envelope import as_json
from crossdock.durable.relay import cloud_event
from crossdock.entrypoints.api.answers import EventPage
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.entrypoints.entrance.paging import INT64_MAX, limit_of, number_of, text_of

EVENT_STREAM = "text/event-stream"
EVENTS_MAX = 500
RECONNECT_MS = 2_000


@get("/v1/events", name="list_events")
async def list_events(request: Asked, entrance: Here) -> EventPage:
    """Events behind the sequence `after`, oldest first; of one `subject` (`order/O-1`), or of all."""
    query = request.query_params
    after = number_of(query, "after", default=0, least=0, most=INT64_MAX)
    limit, subject = limit_of(query, EVENTS_MAX), text_of(query, "subject", 400)
    events = await entrance.hub.store.read_events(after, limit, subject)
    return EventPage(events=tuple(map(cloud_event, events)), next=events[-1].sequence if events else after)


@get("/v1/events/stream", name="stream_events")
async def stream_events(request: Asked, entrance: Here) -> Stream:
    """Events as they happen (server-sent events). `Last-Event-ID` or `after` says where to go on; else: now."""
    after = number_of(request.query_params, "after", default=-1, least=0, most=INT64_MAX)
    seen = request.headers.get("last-event-id", "")
    if seen:
        after = number_of({"Last-Event-ID": seen}, "Last-Event-ID", default=-1, least=0, most=INT64_MAX)
    entrance.tail.check_room()
    if after < 0:
        after = await entrance.tail.latest()
    return sse(_events(entrance, after))


ROUTES = (list_events, stream_events)


def sse(messages: AsyncIterator[bytes]) -> Stream:
    """A response that streams server-sent events; no proxy should hold them back."""
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return Stream(messages, media_type=EVENT_STREAM, headers=headers)


def message(name: str, data: bytes, *, number: int | None = None) -> bytes:
    """One server-sent event; `data` holds no line breaks."""
    numbered = f"id: {number}\n" if number is not None else ""
    return f"{numbered}event: {name}\ndata: ".encode() + data + b"\n\n"


async def _events(entrance: Entrance, after: int) -> AsyncIterator[Any]:
    yield f"retry: {RECONNECT_MS}\n\n".encode()
    async for page in entrance.tail.follow(after):
        if not page:
            yield b": still here\n\n"
        for stored in page:
            yield message("event", as_json(cloud_event(stored)), number=stored.sequence)
