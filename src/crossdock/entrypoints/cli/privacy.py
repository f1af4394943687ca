"""`crossdock privacy`: what is known of a customer, who is to be forgotten, and what a backup has to forget."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossdock.durable.records import Commit
from crossdock.entrypoints.cli.choosing import actor, or_fail
from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, ReasonOption, YesOption, open_hub
from crossdock.entrypoints.cli.exits import ExitCode, NotFound
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import cell, note, say, show, tell
from crossdock.entrypoints.cli.privacy_seal import seal_rows
from crossdock.entrypoints.cli.progress import progress
from crossdock.entrypoints.cli.running import asynchronous
from crossdock.kit.clock import iso
from crossdock.kit.errors import Finding, Invalid, Rejected
from crossdock.kit.ids import new_id
from crossdock.kit.wording import counted

if TYPE_CHECKING:
    from crossdock.bootstrap.customers import CustomerProcesses
    from crossdock.bootstrap.hub import Hub

app = typer.Typer(no_args_is_help=True, help="Tell what is known of a customer, or forget them everywhere.")
REFUSED = "erase-refused"
HELD_SECONDS = 0.2
"""Before another look for keys that somebody else held."""

PartyArgument = Annotated[
    str, typer.Argument(metavar="PARTY", help="The customer's id in the hub.", show_default=False)
]
ReferenceOption = Annotated[
    str,
    typer.Option(
        "--reference",
        metavar="SYSTEM:KIND:NUMBER",
        help="One of its records, instead of its id.",
        show_default=False,
    ),
]


@app.command("erase")
@asynchronous
async def erase_party(
    party: PartyArgument = "",
    *,
    reference: ReferenceOption = "",
    reason: ReasonOption = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be cleared, or what forbids it.")
    ] = False,
    yes: YesOption = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Forget a party: clear its records in every system, then destroy its keys here.

    The hub or a worker of it carries this out. Orders that are not finished, money that is owed and a legal hold
    forbid it; what comes to forbid it later puts it off, see status. It cannot be taken back.

    [bold]Examples[/]

      crossdock privacy erase 0197f2c1-… --dry-run
      crossdock privacy erase 0197f2c1-… --reason "asked for on 2026-11-21"
    """
    from crossdock.identity.privacy.erasing import ErasureAsked  # noqa: PLC0415 - `--help` waits for no library
    from crossdock.processes.party_erasure import due_of, orders_left  # noqa: PLC0415 - the same

    async with open_hub(deployment) as hub:
        customers = _customers(hub)
        party_id = await _party(hub, party, reference)
        try:
            due = await due_of(party_id, customers.erasing)
        except Rejected as refusal:
            if not dry_run:
                raise
            told = {"party": party_id, "forbidden": refusal.findings}
            tell(told) if as_json else say(refusal.message)
            return ExitCode.REFUSED
        plan: list[dict[str, Any]] = [
            {
                "system": each.record.system,
                "kind": each.record.kind,
                "number": each.record.value,
                "cleared": list(each.fields),
            }
            for each in due
        ]
        if dry_run:
            left = await orders_left(party_id, customers.erasing)
            tell({"party": party_id, "records": plan, "orders_left": left}) if as_json else _print_plan(plan, left)
            return ExitCode.OK
        if not reason:
            raise Invalid("an erasure needs a reason", code="reason-missing")
        or_fail(yes=yes, question=f"Forget {party_id} in {counted(len(due), 'record')} for good?")
        asked = ErasureAsked(erasure_id=new_id(), party_id=party_id, by=actor(), reason=reason)
        start = customers.erasure.start(asked.erasure_id, asked)
        await hub.committer.submit(Commit(starts=(start,)))
    if as_json:
        tell({"party": party_id, "run": start.run_id, "records": plan})
    else:
        say(f"{start.run_id} will be carried out by the hub that runs.")
    return ExitCode.OK


@app.command("status")
@asynchronous
async def show_status(
    party: PartyArgument = "",
    *,
    reference: ReferenceOption = "",
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show whether a legal hold is on a party, and how far its erasure is: what it waits for, and who refused it.

    [bold]Example[/]

      crossdock privacy status 0197f2c1-…
    """
    from crossdock.contracts.customers import customer_subject  # noqa: PLC0415 - `--help` waits for no library
    from crossdock.identity.privacy.erasing import erasure_subject  # noqa: PLC0415 - the same

    async with open_hub(deployment) as hub:
        customers = _customers(hub)
        party_id = await _party(hub, party, reference)
        subject = customer_subject(party_id)
        held = await hub.store.held_since(party_id)
        names = {customers.erasure.name, customers.erasing_again.name}
        listed = [
            *await hub.store.list_runs(subject=subject),
            *await hub.store.list_runs(subject=erasure_subject(party_id)),
        ]
        runs = [run for run in listed if run.process in names]
        said = await hub.store.list_audit(run_id=subject)
    refusals = [
        {"system": one.actor, "code": one.reason, "at": iso(one.at)} for one in said if one.verb == REFUSED
    ]
    told: dict[str, Any] = {
        "party": party_id,
        "held_since": iso(held) if held else "",
        "erasures": [{"run": run.run_id, "state": run.state.value, "waits_for": run.waiting_on} for run in runs],
        "refused": refusals,
    }
    if as_json:
        tell(told)
        return
    say(f"a legal hold is on it since {told['held_since']}" if held else "no legal hold is on it")
    for each in told["erasures"]:
        say(f"{each['run']}: {each['state']} {each['waits_for']}")
    for each in refusals:
        say(f"  {each['at']} {each['system']} refused: {each['code']}")


@app.command("hold")
@asynchronous
async def hold_party(
    party: PartyArgument = "",
    *,
    reference: ReferenceOption = "",
    reason: ReasonOption = "",
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a legal hold on a party: nobody can have it erased until that is lifted, whatever it is merged with.

    [bold]Example[/]

      crossdock privacy hold 0197f2c1-… --reason "lawsuit 4 O 112/26"
    """
    await _change_hold(party, reference, reason, deployment, held=True, as_json=as_json)


@app.command("release")
@asynchronous
async def release_party(
    party: PartyArgument = "",
    *,
    reference: ReferenceOption = "",
    reason: ReasonOption = "",
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lift the legal hold on a party. An erasure that waited for it goes on.

    [bold]Example[/]

      crossdock privacy release 0197f2c1-… --reason "settled on 2026-11-21"
    """
    await _change_hold(party, reference, reason, deployment, held=False, as_json=as_json)


async def _change_hold(
    party: str, reference: str, reason: str, deployment: Path | None, *, held: bool, as_json: bool
) -> None:
    if not reason:
        raise Invalid("a legal hold is put on, and lifted, for a reason", code="reason-missing")
    async with open_hub(deployment) as hub:
        stewards = _customers(hub).stewards
        party_id = await _party(hub, party, reference)
        is_new = await (stewards.hold if held else stewards.release)(party_id, by=actor(), reason=reason)
    if as_json:
        tell({"party": party_id, "held": held, "changed": is_new})
    else:
        say(f"a legal hold is on {party_id}" if held else f"no legal hold is on {party_id}")


@app.command("replay")
@asynchronous
async def replay_erasures(*, deployment: DeploymentOption = None, as_json: JsonOption = False) -> None:
    """Forget anew whom the log of erasures names, after an older backup was restored.

    The hub does so by itself whenever it starts.

    [bold]Example[/]

      crossdock privacy replay
    """
    async with open_hub(deployment) as hub:
        await hub.replay_erasures()
        lines = await hub.store.list_erasures()
    if as_json:
        tell({"erasures": len(lines)})
    else:
        say(f"Erased in this database as logged: {counted(len(lines), 'customer')}.")


@app.command("rotate")
@asynchronous
async def rotate_keys(*, deployment: DeploymentOption = None, as_json: JsonOption = False) -> None:
    """Wrap every customer's key anew with the first secret of the keys, after which older secrets can go.

    First put the new secret on a line above the old one, and restart every process of the hub. The hub may run
    meanwhile. Stopped before its end, it goes on where it was when called again.

    [bold]Example[/]

      crossdock privacy rotate
    """
    async with open_hub(deployment) as hub:
        store = hub.store
        await store.check_rotation(hub.clock.now())
        total, done = await store.count_older_keys(), 0
        with progress() as told:
            while True:
                behind, count = await store.rotate_page()
                while count:
                    done += count
                    told("wrapping keys anew", min(1.0, done / max(total, done)))
                    behind, count = await store.rotate_page(behind)
                if await store.retire_secrets(actor(), hub.clock.now()):
                    break
                await asyncio.sleep(HELD_SECONDS)
    if as_json:
        tell({"keys": done})
    else:
        say(f"Wrapped anew: {counted(done, 'key')}. The database opens without the older secrets from now on.")
        note("Keep those as long as there are backups from before.")


app.command("seal")(seal_rows)


@app.command("export")
@asynchronous
async def export_party(
    party: PartyArgument = "",
    *,
    reference: ReferenceOption = "",
    folder: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the two files are written.")
    ] = Path(),
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write all that the hub knows about a party: what holds and why, who said what, decisions, orders, events.

    Two files, PARTY.json and PARTY.html, readable by you alone. Hand them over safely, and delete them.

    [bold]Example[/]

      crossdock privacy export --reference erp:party.party:17 --output /secure
    """
    from crossdock.entrypoints.cli.privacy_export import known_of, write_export  # noqa: PLC0415 - as above

    async with open_hub(deployment) as hub:
        _customers(hub)
        known = await known_of(hub, await _party(hub, party, reference))
    if known is None:
        raise NotFound("the hub knows no such party", code="party-unknown")
    paths = [str(path) for path in write_export(known, folder)]
    tell({"files": paths}) if as_json else say("wrote " + " and ".join(paths))


@app.command("consents")
@asynchronous
async def show_consents(
    party: PartyArgument = "",
    *,
    reference: ReferenceOption = "",
    within: Annotated[
        float, typer.Option("--within", metavar="MINUTES", min=0, max=525_600, help="So long a change may take.")
    ] = 15.0,
    first: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="List at most so many.")] = 200,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show which systems show a party's consents; without a party, every record that is told too late.

    A record is late when it has shown something else for longer than --within; then the exit code is 1. That you
    looked at a party is kept in the audit. Of a consent nothing is shown but its status.

    [bold]Examples[/]

      crossdock privacy consents --reference salesforce:Account:0015g00000XyZ
      crossdock privacy consents --within 15
    """
    from crossdock.entrypoints.cli import privacy_consents as views  # noqa: PLC0415 - as above

    async with open_hub(deployment) as hub:
        customers = _customers(hub)
        if party or reference:
            one = await views.consents_of_one(customers, await _party(hub, party, reference))
            tell(one) if as_json else views.print_consents(one)
            late = any(
                place.record and place.waiting_seconds > within * 60
                for consent in one.consents
                for place in consent.places
            )
            return ExitCode.FAILED if late else ExitCode.OK
        report = await views.late_of_all(customers, within, first=first, quiet=as_json)
    tell(report) if as_json else views.print_late(report)
    return ExitCode.FAILED if report.late else ExitCode.OK


def _customers(hub: "Hub") -> "CustomerProcesses":
    if hub.customers is None:
        raise NotFound("there is no ownership.yaml, so no customers are kept here", code="no-customers")
    return hub.customers


async def _party(hub: "Hub", party: str, reference: str) -> str:
    """The party that is meant. Raises NotFound or Invalid."""
    from crossdock.canonical.party import ExternalReference  # noqa: PLC0415 - `--help` waits for no library

    if bool(party) == bool(reference):
        raise typer.BadParameter("name a party, or say --reference: one of the two")
    if party:
        return party
    system, _, rest = reference.partition(":")
    kind, _, number = rest.partition(":")
    if not (system and kind and number):
        finding = Finding("reference-shape", "--reference", "SYSTEM:KIND:NUMBER, as in salesforce:Account:001…")
        raise Invalid("the reference is none", code="reference-shape", findings=[finding])
    record = ExternalReference(system, kind, number)
    found = await hub.store.find_parties([record])
    if record not in found:
        raise NotFound("no party has this record", code="party-unknown")
    return found[record]


def _print_plan(plan: list[dict[str, Any]], left: list[str]) -> None:
    rows = Listing("system", "kind", "number", "would be cleared")
    for each in plan:
        words = ", ".join(each["cleared"]) or "nothing personal is there"
        rows.add_row(*(cell(each[name]) for name in ("system", "kind", "number")), cell(words))
    show(rows)
    if left:
        note(f"Orders that stay, with its e-mail or telephone under another name: {', '.join(left)}", "wait")
    note("Then its keys are destroyed here, and it is taken out of every look-up. Nothing was done yet.")
