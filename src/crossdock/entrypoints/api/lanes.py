"""The lanes over HTTP: how the way to each system stands, and a person's hand on the gate."""

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from crossdock.entrypoints.api.answers import LaneList, LaneTold
from crossdock.entrypoints.api.findings import read_body
from crossdock.entrypoints.api.orders import read_json_bytes
from crossdock.entrypoints.entrance.asking import lane_of, pause, resume
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.kit.clock import iso


class LaneVerb(msgspec.Struct, frozen=True, kw_only=True):
    """Who stops or frees a lane, and why; it is kept in the audit, and whoever looks at the lane reads it."""

    actor: Annotated[str, Meta(min_length=1, max_length=80, pattern=r"\S")]
    reason: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]


@get("/v1/lanes", name="list_lanes")
async def list_lanes(entrance: Here) -> LaneList:
    """How the way to each system stands."""
    return LaneList(lanes=tuple(lane_told(entrance, name) for name in entrance.hub.lanes))


@post("/v1/lanes/{name:str}/pause", name="pause_lane", status_code=200)
async def pause_lane(request: Asked, entrance: Here, name: FromPath[str]) -> LaneTold:
    """Stop a lane on every worker: work waits as rows until it is resumed."""
    asked = read_body(await read_json_bytes(request), LaneVerb)
    await pause(entrance, name, actor=asked.actor, reason=asked.reason)
    return lane_told(entrance, name)


@post("/v1/lanes/{name:str}/resume", name="resume_lane", status_code=200)
async def resume_lane(request: Asked, entrance: Here, name: FromPath[str]) -> LaneTold:
    """Let a lane go on."""
    asked = read_body(await read_json_bytes(request), LaneVerb)
    await resume(entrance, name, actor=asked.actor, reason=asked.reason)
    return lane_told(entrance, name)


ROUTES = (list_lanes, pause_lane, resume_lane)


def lane_told(entrance: Entrance, name: str) -> LaneTold:
    """One lane's picture."""
    state = lane_of(entrance, name).state()
    same = {
        field: getattr(state, field)
        for field in (
            "status reason detail in_flight in_flight_max waiting rate_per_second rate_used_per_second "
            "daily_budget budget_left budget_forecast quota_left priority_ceiling"
        ).split()
    }
    return LaneTold(
        name=name,
        title=entrance.hub.deployment.title_of(name),
        since=iso(state.since) if state.since else "",
        reopens_at=iso(state.reopens_at) if state.reopens_at else "",
        **same,
    )
