"""`crossdock events consumers`, `replay`, `asyncapi`: who gets events, how far they are, what to expect."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.contracts.asyncapi import asyncapi_document
from crossdock.durable.records import StoredEvent
from crossdock.durable.relay import cloud_event
from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, ReasonOption, open_hub
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import cell, note, say, show, tell
from crossdock.entrypoints.cli.running import asynchronous
from crossdock.entrypoints.entrance.backlogs import read_backlogs
from crossdock.kit.errors import Finding, Invalid

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

PAGE = 200


@asynchronous
async def consumers(*, deployment: DeploymentOption = None, as_json: JsonOption = False) -> None:
    """List who gets the hub's events, and how far behind each is.

    [bold]Example[/]

      crossdock events consumers --json | jq '.[] | select(.behind > 1000)'
    """
    async with open_hub(deployment) as hub:
        backlogs = await read_backlogs(hub.store, hub.clock.now())
    if as_json:
        tell(backlogs)
        return
    listed = Listing("CONSUMER", "GOT TO", "BEHIND", "OLDEST WAITS", numbers=(1, 2, 3))
    for backlog in backlogs:
        listed.add_row(
            cell(backlog.consumer, "name"),
            cell(backlog.position),
            cell(backlog.behind, "" if backlog.behind else "quiet"),
            cell(f"{backlog.oldest_seconds:.0f} s" if backlog.behind else "—", "quiet"),
        )
    show(listed, empty=("No consumer yet: the hub has not run.",))


@asynchronous
async def replay(
    system: Annotated[str, typer.Argument(help="The broker, as routes.yaml names it.")],
    *,
    after: Annotated[int, typer.Option("--after", min=0, help="Begin behind this sequence number.")],
    until: Annotated[int | None, typer.Option("--until", min=1, help="End with this sequence number.")] = None,
    subject: Annotated[str, typer.Option("--subject", metavar="SUBJECT", help="Only this, as order/SF-1.")] = "",
    kind: Annotated[str, typer.Option("--type", metavar="TEXT", help="Only types that contain this.")] = "",
    reason: ReasonOption,
    deployment: DeploymentOption = None,
) -> None:
    """Publish events again to one broker, under the ids they had: for what a broker has lost or let go.

    The hub's own progress is not touched. Consumers recognise what they know by its id; NATS itself suppresses
    what came within its window.

    [bold]Example[/]

      crossdock events replay broker --after 1200 --until 1800 --reason "backup"
    """
    if not reason.strip():
        finding = Finding("reason-missing", "$.reason", "say why")
        raise Invalid("say why: --reason TEXT", code="reason-missing", findings=[finding])
    async with open_hub(deployment) as hub:
        if system not in hub.deployment.routes.event_sinks:
            raise Invalid(f"routes.yaml names no event sink {system!r}", code="sink-unknown")
        count = await _publish(hub, system, after, until, subject, kind)
    note(f"reason: {reason}")
    say(f"{count} events published again to {system}")


def asyncapi(
    prefix: Annotated[
        str, typer.Option("--prefix", help="Where subjects begin at the broker; for Kafka, the topic.")
    ] = "crossdock.events",
) -> None:
    """Print the AsyncAPI 3.0 document of everything the hub publishes, made from its contracts.

    [bold]Example[/]

      crossdock events asyncapi > asyncapi.json
    """
    tell(asyncapi_document(version("crossdock"), prefix))


async def _publish(hub: "Hub", system: str, after: int, until: int | None, subject: str, kind: str) -> int:
    """How many were. Raises the broker's fault, whatever went before it: repeating is harmless."""
    dock, count = hub.docks[system], 0
    until = until if until is not None else await hub.store.last_sequence()
    await dock.open()
    try:
        while events := await hub.store.read_events(after, PAGE, subject):
            wanted = [event for event in events if event.sequence <= until and kind in event.type]
            _raise_first(await dock.publish_events([cloud_event(event) for event in wanted]), wanted)
            count += len(wanted)
            after = events[-1].sequence
            if after >= until:
                break
    finally:
        await dock.close()
    return count


def _raise_first(outcomes: "list[Exception | None]", events: list[StoredEvent]) -> None:
    for outcome, event in zip(outcomes, events, strict=True):
        if outcome is not None:
            note(f"stopped at sequence {event.sequence}: {event.subject}")
            raise outcome
