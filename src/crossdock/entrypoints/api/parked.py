"""Parked work over HTTP: see it, see what a retry would repeat, put it right, one or many at once."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import get, post
from msgspec import Meta

from crossdock.durable.records import RunState
from crossdock.durable.store import RunView
from crossdock.entrypoints.api.answers import (
    FindingTold,
    ParkedList,
    ParkedRow,
    Previews,
    PreviewTold,
    VerbDone,
)
from crossdock.entrypoints.api.findings import read_body
from crossdock.entrypoints.api.orders import read_json_bytes
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.entrypoints.entrance.paging import limit_of, text_of
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.kit.clock import iso
from crossdock.kit.errors import Invalid

RunId = Annotated[str, Meta(min_length=1, max_length=400, pattern=r"^[^\x00]*$")]
RunIds = Annotated[tuple[RunId, ...], Meta(min_length=1, max_length=200)]
Reason = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]
Name = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"\S")]


NOTHING = msgspec.Raw(b"null")


class ManyRuns(msgspec.Struct, frozen=True, kw_only=True):
    """Parked runs by their ids."""

    run_ids: RunIds


class Verb(msgspec.Struct, frozen=True, kw_only=True):
    """A verb on parked runs. `actor` is who decides and `reason` why: both go to the audit."""

    run_ids: RunIds
    actor: Name
    reason: Reason


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """Parked runs and whose they are from now on."""

    run_ids: RunIds
    actor: Name
    owner: Name


class Repair(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A parked run with its corrected `input`, or with `results` of steps that somebody did by hand."""

    run_id: RunId
    actor: Name
    reason: Reason
    input: msgspec.Raw = msgspec.field(default_factory=lambda: NOTHING)
    results: Mapping[str, msgspec.Raw] = {}


@get("/v1/parked", name="list_parked")
async def list_parked(request: Asked, entrance: Here) -> ParkedList:
    """What stands still, newest first; `signature` shows only equal causes."""
    query = request.query_params
    limit, signature, before = limit_of(query), text_of(query, "signature", 80), text_of(query, "before", 400)
    runs = await entrance.hub.store.list_runs(
        state=RunState.PARKED, signature=signature, before=before, limit=limit
    )
    more = ""
    if len(runs) == limit:
        kept = {"signature": signature, "limit": str(limit), "before": runs[-1].run_id}
        more = f"/v1/parked?{urlencode({name: value for name, value in kept.items() if value})}"
    return ParkedList(parked=tuple(parked_row(run) for run in runs), next=more)


@post("/v1/parked/preview", name="preview_parked", status_code=200)
async def preview_parked(request: Asked, entrance: Here) -> Previews:
    """What retrying these would and would not do again."""
    asked = read_body(await read_json_bytes(request), ManyRuns)
    previews = []
    for run_id in asked.run_ids:
        try:
            preview = await entrance.hub.desk.preview(run_id)
        except Invalid:
            continue  # it is not parked any more: nothing to show, and no fault of the caller
        previews.append(
            PreviewTold(
                run_id=preview.run_id,
                stays_done=preview.stays_done,
                asked_first=preview.asked_first,
                done_again=preview.done_again,
            )
        )
    return Previews(previews=tuple(previews))


@post("/v1/parked/retry", name="retry_parked", status_code=200)
async def retry_parked(request: Asked, entrance: Here) -> VerbDone:
    """Go on where each stopped."""
    asked = read_body(await read_json_bytes(request), Verb)
    return await _carried_out(entrance.hub.desk.retry, asked, entrance)


@post("/v1/parked/skip", name="skip_parked", status_code=200)
async def skip_parked(request: Asked, entrance: Here) -> VerbDone:
    """End each without doing the rest."""
    asked = read_body(await read_json_bytes(request), Verb)
    return await _carried_out(entrance.hub.desk.skip, asked, entrance)


@post("/v1/parked/compensate", name="compensate_parked", status_code=200)
async def compensate_parked(request: Asked, entrance: Here) -> VerbDone:
    """Turn back: undo what was done; the reason is what the customer's record will say."""
    asked = read_body(await read_json_bytes(request), Verb)
    return await _carried_out(entrance.hub.desk.compensate, asked, entrance)


@post("/v1/parked/assign", name="assign_parked", status_code=200)
async def assign_parked(request: Asked, entrance: Here) -> VerbDone:
    """Give each to somebody."""
    asked = read_body(await read_json_bytes(request), Assignment)
    done = await entrance.hub.desk.assign(asked.run_ids, actor=asked.actor, owner=asked.owner)
    return _told(done)


@post("/v1/parked/repair", name="repair_parked", status_code=200)
async def repair_parked(request: Asked, entrance: Here) -> VerbDone:
    """Put in a corrected input or the result of a step, and go on."""
    asked = read_body(await read_json_bytes(request), Repair)
    try:
        done = await entrance.hub.desk.repair(
            asked.run_id,
            actor=asked.actor,
            reason=asked.reason,
            new_input=bytes(asked.input) if asked.input != NOTHING else None,
            results={step: bytes(result) for step, result in asked.results.items()},
        )
    except Invalid as error:
        if error.code == "not-parked":
            raise Problem(HTTPStatus.CONFLICT, "not-parked", error.message) from error
        raise
    entrance.hub.worker.wake()
    return _told({asked.run_id: done})


ROUTES = (
    list_parked,
    preview_parked,
    retry_parked,
    skip_parked,
    compensate_parked,
    assign_parked,
    repair_parked,
)


def parked_row(run: RunView) -> ParkedRow:
    """A parked run for a list."""
    parking = run.parking
    assert parking is not None, "only parked runs are asked for"
    facts = {
        name: getattr(parking, name)
        for name in "category code reason signature owner severity domain at_risk step system vendor_code".split()
    }
    return ParkedRow(
        run_id=run.run_id,
        order_id=run.subject.removeprefix("order/").removeprefix("status/"),
        correlation_id=run.correlation_id,
        since=iso(run.parked_at or run.updated_at),
        findings=tuple(FindingTold(part.code, part.path, part.message) for part in parking.findings),
        **facts,
    )


async def _carried_out(
    verb: Callable[..., Awaitable[Mapping[str, bool]]], asked: Verb, entrance: Entrance
) -> VerbDone:
    done = await verb(asked.run_ids, actor=asked.actor, reason=asked.reason)
    entrance.hub.worker.wake()
    return _told(done)


def _told(done: Mapping[str, bool]) -> VerbDone:
    if not any(done.values()):
        raise Problem(HTTPStatus.CONFLICT, "not-parked")
    return VerbDone(done=done)
