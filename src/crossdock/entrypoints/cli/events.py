"""`crossdock events`: what the hub tells the world, as it tells it."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from crossdock.contracts.envelope import as_json as cloud_json
from crossdock.durable.records import StoredEvent
from crossdock.durable.relay import cloud_event
from crossdock.entrypoints.cli import consumers
from crossdock.entrypoints.cli.deployments import DeploymentOption, open_hub
from crossdock.entrypoints.cli.output import clock_time, out, plain
from crossdock.entrypoints.cli.running import asynchronous

if TYPE_CHECKING:
    from crossdock.durable.store import Store

PAGE = 500
POLL_SECONDS = 0.5
MOMENTS = frozenset({"since", "until"})
LOOK_BACK_MAX = 20_000
"""How far back `--type` searches for the latest ones of its kind."""

QUIET_FIELDS = frozenset({"order_id", "at", "source", "record", "lines", "refused", "findings"})

app = typer.Typer(no_args_is_help=True, help="Follow what the hub tells the world, and see who gets it.")
app.command("consumers")(consumers.consumers)
app.command("replay")(consumers.replay)
app.command("asyncapi")(consumers.asyncapi)


@app.command("tail")
@asynchronous
async def tail(
    *,
    last: Annotated[int, typer.Option("--last", "-n", min=0, max=10_000, help="Begin with the latest.")] = 20,
    after: Annotated[int | None, typer.Option("--after", min=0, help="Begin behind this sequence number.")] = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", "-f", help="Go on until Ctrl-C.")] = True,
    subject: Annotated[str, typer.Option("--subject", metavar="SUBJECT", help="Only this, as order/SF-1.")] = "",
    kind: Annotated[str, typer.Option("--type", metavar="TEXT", help="Only types that contain this.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One CloudEvent per line.")] = False,
    deployment: DeploymentOption = None,
) -> None:
    """Print events in the order in which they were committed.

    [bold]Examples[/]

      crossdock events tail
      crossdock events tail --type exception --json
      crossdock events tail --subject order/SF-00000123 --last 100 --no-follow
    """
    async with open_hub(deployment) as hub:
        position = after if after is not None else await _position_before_last(hub.store, last, subject, kind)
        while True:
            events = await hub.store.read_events(position, PAGE, subject)
            for event in events:
                position = event.sequence
                if kind in event.type:
                    _print(event, as_json=as_json)
            if len(events) < PAGE:
                if not follow:
                    return
                await asyncio.sleep(POLL_SECONDS)


def _print(event: StoredEvent, *, as_json: bool) -> None:
    if as_json:
        typer.echo(cloud_json(cloud_event(event)).decode())
        return
    out().print(_words(event), soft_wrap=True)


def _words(event: StoredEvent) -> str:
    """One event on one line: when, what, about what, and the facts that say most."""
    facts: dict[str, Any] = msgspec.json.decode(event.data)
    kind = event.type.removeprefix("crossdock.").removesuffix(".v1")
    said = " ".join(
        f"{name}={_fact(name, value)}" for name, value in facts.items() if name not in QUIET_FIELDS and value
    )
    return f"{event.sequence:>8}  {clock_time(event.at)}  {kind:<18} {plain(event.subject):<28} {said}"


def _fact(name: str, value: Any) -> str:
    return clock_time(value) if name in MOMENTS else plain(str(value))


async def _position_before_last(store: "Store", count: int, subject: str, kind: str) -> int:
    """Behind which sequence number the latest `count` events lie that are wanted; looks back a bounded way."""
    end = await store.last_sequence()
    if not subject and not kind:
        return max(0, end - count)
    seen: list[int] = []
    position = 0 if subject else max(0, end - LOOK_BACK_MAX)
    while True:
        events = await store.read_events(position, PAGE, subject)
        seen = [*seen, *(event.sequence for event in events if kind in event.type)][-count:] if count else []
        if len(events) < PAGE:
            break
        position = events[-1].sequence
    return seen[0] - 1 if seen else end
