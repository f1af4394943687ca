"""What a person does from a page: verbs on parked work, a hand on a lane's gate."""

from http import HTTPStatus
from typing import Any

from litestar import Response, post
from litestar.response import Redirect

from crossdock.entrypoints.console.rendering import SEE_OTHER
from crossdock.entrypoints.console.sessions import local_path, read_form
from crossdock.entrypoints.entrance.asking import pause, resume
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.kit.errors import Finding, Invalid

ACTOR_CHARACTERS_MAX = 80


@post("/console/verbs", name="console_verb", status_code=303)
async def console_verb(request: Asked, entrance: Here) -> Response[Any]:
    """Carry out one verb on one parked run, and go back to the page it came from."""
    form = await read_form(request)
    try:
        done = await _carry_out(entrance, form)
    except Invalid as error:
        status = HTTPStatus.CONFLICT if error.code == "not-parked" else HTTPStatus.UNPROCESSABLE_ENTITY
        raise Problem(status, error.code, error.message, findings=error.findings) from error
    if not done:
        raise Problem(HTTPStatus.CONFLICT, "not-parked", "Somebody else was quicker, or it went on by itself.")
    entrance.hub.worker.wake()
    return Redirect(local_path(form.get("back", "")), status_code=SEE_OTHER)


@post("/console/lanes", name="console_lane_verb", status_code=303)
async def console_lane_verb(request: Asked, entrance: Here) -> Response[Any]:
    """Pause or resume a lane."""
    form = await read_form(request)
    actor, name = actor_of(form), form.get("lane", "")
    if form.get("verb") == "pause":
        await pause(entrance, name, actor=actor, reason=needed(form, "reason"))
    else:
        await resume(entrance, name, actor=actor, reason=form.get("reason", "").strip())
    return Redirect("/console/lanes", status_code=SEE_OTHER)


ROUTES = (console_verb, console_lane_verb)


async def _carry_out(entrance: Entrance, form: dict[str, str]) -> bool:
    """Raises Invalid."""
    desk, run_id, actor = entrance.hub.desk, form.get("run_id", "").replace("\x00", ""), actor_of(form)
    reason = form.get("reason", "").strip()
    match form.get("verb"):
        case "retry":
            done = await desk.retry([run_id], actor=actor, reason=needed(form, "reason"))
        case "skip":
            done = await desk.skip([run_id], actor=actor, reason=reason)
        case "compensate":
            done = await desk.compensate([run_id], actor=actor, reason=reason)
        case "assign":
            done = await desk.assign([run_id], actor=actor, owner=needed(form, "owner"))
        case "repair":
            new_input = form.get("input", "").strip().encode()
            return await desk.repair(run_id, actor=actor, reason=reason, new_input=new_input or None)
        case _:
            raise Problem(HTTPStatus.BAD_REQUEST, "bad-parameter", "there is no such verb")
    return done.get(run_id, False)


def actor_of(form: dict[str, str]) -> str:
    """Who decides. Raises Invalid."""
    return needed(form, "actor")[:ACTOR_CHARACTERS_MAX]


def needed(form: dict[str, str], name: str) -> str:
    """A field that must be filled. Raises Invalid."""
    text = form.get(name, "").strip().replace("\x00", "")
    if not text:
        words = {"actor": "say who you are", "reason": "say why", "owner": "say whose it is from now on"}[name]
        raise Invalid(
            f"{words}: it is kept in the audit", code="missing", findings=[Finding("missing", name, words)]
        )
    return text
