"""Rehearsals over HTTP: another model, other bands or another ownership, tried on what the hub knows.

It takes as long as the hub has customers: whoever asks is told where to look. Values of customers are never told
here, only fields, rules and counts; samples name customers by their ids.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from crossdock.bootstrap.deployment import check_other_ownership
from crossdock.durable.codec import decode, encode
from crossdock.durable.records import RunState
from crossdock.entrypoints.api.findings import read_body, refuse
from crossdock.entrypoints.api.orders import idempotency_key, read_json_bytes
from crossdock.entrypoints.api.parked import Name, Reason
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.entrypoints.entrance.paging import limit_of
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.matching.catalogue import readable_model
from crossdock.identity.matching.model import Bands, decoded, encoded
from crossdock.identity.recognition.work import RehearsalAsked, RehearsalTold
from crossdock.kit.clock import iso
from crossdock.kit.errors import Finding, Invalid
from crossdock.kit.ids import new_id, write_key
from crossdock.processes.customer_rehearsal import Rehearsal, Rehearsals

Bits = Annotated[float, Meta(ge=-1_000, le=1_000)]
Standing = Literal["under_way", "done", "stands_still", "given_up"]


class RehearsalWord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is tried: a model as `crossdock match train` writes it, thresholds in bits, an ownership.

    What is not named stays as it is; where nothing is, what people said is judged as the hub judges now.
    """

    actor: Name
    reason: Reason
    model: Mapping[str, Any] | None = None
    link_from: Bits | None = None
    review_from: Bits | None = None
    ownership: Mapping[str, Any] | None = None


class RehearsalBegun(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look what comes of it."""

    rehearsal_id: str
    at: str


class RehearsalState(msgspec.Struct, frozen=True, kw_only=True):
    """A rehearsal. `model`, `bands` and `ownership` say what was tried, the model by its version.

    `against`: something would be judged against somebody's word. `code`: why it stands still.
    """

    rehearsal_id: str
    state: Standing
    by: str
    since: str
    until: str
    model: str
    bands: Bands | None
    ownership: bool
    against: bool
    code: str


class RehearsalFound(RehearsalState, frozen=True, kw_only=True):
    """A rehearsal with what came of it, once it is done."""

    found: RehearsalTold | None


class RehearsalList(msgspec.Struct, frozen=True, kw_only=True):
    """The latest first."""

    rehearsals: tuple[RehearsalState, ...]


@post("/v1/customers/rehearsals", name="rehearse_customers", status_code=202)
async def rehearse_customers(request: Asked, entrance: Here) -> Response[RehearsalBegun]:
    """Try a model, thresholds or an ownership on all customers. It goes on by itself, and changes nothing."""
    asked = read_body(await read_json_bytes(request), RehearsalWord)
    key = idempotency_key(request)
    await entrance.taking.bind("rehearsals", key, 0, asked)
    rehearsals = _rehearsals(entrance)
    number = write_key("rehearsal", key) if key else new_id()
    await rehearsals.begin(number, _tried(asked, entrance), asked.reason)
    entrance.hub.worker.wake()
    place = f"/v1/customers/rehearsals/{number}"
    return Response(RehearsalBegun(rehearsal_id=number, at=place), headers={"Location": place})


@get("/v1/customers/rehearsals", name="list_rehearsals")
async def list_rehearsals(request: Asked, entrance: Here) -> RehearsalList:
    """The latest rehearsals, newest first."""
    found = await _rehearsals(entrance).latest(limit_of(request.query_params))
    return RehearsalList(rehearsals=tuple(map(_state, found)))


@get("/v1/customers/rehearsals/{rehearsal_id:str}", name="get_rehearsal")
async def get_rehearsal(entrance: Here, rehearsal_id: FromPath[str]) -> RehearsalFound:
    """A rehearsal: who would be together with others, which values and writes would change, against whose word."""
    rehearsals = _rehearsals(entrance)
    found = await rehearsals.read(rehearsal_id) if "\x00" not in rehearsal_id else None
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "rehearsal-unknown")
    return RehearsalFound(**msgspec.structs.asdict(_state(found)), found=found.told)


ROUTES = (rehearse_customers, list_rehearsals, get_rehearsal)


def _rehearsals(entrance: Entrance) -> Rehearsals:
    if entrance.hub.rehearsals is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no-customers")
    return entrance.hub.rehearsals


def _tried(asked: RehearsalWord, entrance: Entrance) -> RehearsalAsked:
    """Raises Problem (422) with everything that is wrong with it."""
    deployment = entrance.hub.deployment
    findings: list[Finding] = []
    model, bands, ownership = b"", None, None
    try:
        if asked.model is not None:
            model = encoded(readable_model(encode(asked.model)))
    except ValueError as error:
        findings.append(Finding("model-unreadable", "$.model", str(error)))
    try:
        if (asked.link_from, asked.review_from) != (None, None):
            bands = deployment.policies.matching.changed(asked.link_from, asked.review_from)
    except ValueError as error:
        findings.append(Finding("thresholds-crossed", "$.link_from", str(error)))
    try:
        if asked.ownership is not None:
            ownership = decode(encode(asked.ownership), Ownership)
            findings += check_other_ownership(ownership, deployment, "$.ownership")
    except Invalid as error:
        findings += [Finding(each.code, f"$.ownership{each.path[1:]}", each.message) for each in error.findings]
    if findings:
        raise refuse(findings)
    return RehearsalAsked(model=model, bands=bands, ownership=ownership, by=asked.actor)


_STATES: Mapping[RunState, Standing] = {
    RunState.DONE: "done",
    RunState.PARKED: "stands_still",
    RunState.SKIPPED: "given_up",
}


def _state(found: Rehearsal) -> RehearsalState:
    asked = found.asked
    state = _STATES.get(found.state, "under_way")
    return RehearsalState(
        rehearsal_id=found.number,
        state=state,
        by=asked.by,
        since=iso(found.since),
        until="" if state == "under_way" else iso(found.until),
        model=decoded(asked.model).version if asked.model else "",
        bands=asked.bands,
        ownership=asked.ownership is not None,
        against=found.told is not None and found.told.against,
        code=found.code,
    )
