"""Which runs a verb is meant for, who asks for it, and whether they are sure."""

import getpass
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import typer

from crossdock.durable.records import RunState
from crossdock.durable.store import RunView, Store
from crossdock.entrypoints.cli.exits import NotFound
from crossdock.kit.errors import Finding, Invalid

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

PAGE = 200
BULK_MAX = 10_000


def actor() -> str:
    """Who is at the keyboard, as the audit names them."""
    return f"cli:{getpass.getuser()}"


async def one_run(hub: "Hub", name: str) -> RunView:
    """The run of that name, or the submission of the order of that number. Raises NotFound."""
    for run_id in (name, hub.submission.run_id(name)):
        view = await hub.store.find_run(run_id)
        if view is not None:
            return view
    raise NotFound(f"there is no run or order {name}", code="run-unknown")


async def one_parked(hub: "Hub", name: str) -> RunView:
    """The parked run of that name. Raises NotFound, or Invalid where it is not parked."""
    view = await one_run(hub, name)
    if view.state is not RunState.PARKED:
        raise Invalid(f"{view.run_id} is {view.state.value}, not parked", code="not-parked")
    return view


async def parked_like(store: Store, signature: str) -> AsyncIterator[RunView]:
    """All parked runs of a cause, or all at all, newest first."""
    before = ""
    while True:
        page = await store.list_runs(state=RunState.PARKED, signature=signature, before=before, limit=PAGE)
        for run in page:
            yield run
        if len(page) < PAGE:
            return
        before = page[-1].run_id


async def choose(hub: "Hub", names: Sequence[str], all_like: str) -> list[RunView]:
    """The parked runs that are meant: named, or all of one cause. Raises NotFound or Invalid."""
    if bool(names) == bool(all_like):
        raise typer.BadParameter("name runs, or say --all-like SIGNATURE: one of the two")
    if names:
        return [await one_parked(hub, name) for name in dict.fromkeys(names)]
    chosen = []
    async for run in parked_like(hub.store, all_like):
        chosen.append(run)
        if len(chosen) > BULK_MAX:
            finding = Finding("too-many", "--all-like", f"at most {BULK_MAX} at once")
            raise Invalid(f"more than {BULK_MAX} are parked for this", code="too-many", findings=[finding])
    if not chosen:
        raise NotFound(f"nothing is parked for {all_like}", code="cause-unknown")
    return chosen


def or_fail(*, yes: bool, question: str) -> None:
    """Go on if the user is sure; without a terminal nobody can be asked, so --yes has to say it."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to be asked: look at the preview, then add --yes")
    typer.confirm(question, abort=True, err=True)
