"""`crossdock parked`: the work that stands still, and the five ways to put it right."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.durable.records import RunState
from crossdock.entrypoints.cli import parked_views as views
from crossdock.entrypoints.cli.choosing import actor, choose, one_parked, or_fail
from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, ReasonOption, YesOption, open_hub
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.cli.output import err, note, say, tell
from crossdock.entrypoints.cli.repairs import Repair, read_repair
from crossdock.entrypoints.cli.running import asynchronous

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

LIST_MAX = 500

app = typer.Typer(no_args_is_help=True, help="See the work that stands still, and put it right.")

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run, or the order it is about.", show_default=False)
]
RunsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="RUN", help="Runs, or orders.", show_default=False)
]
AllLikeOption = Annotated[
    str,
    typer.Option(
        "--all-like", metavar="SIGNATURE", help="All that are parked for this cause, instead of naming them."
    ),
]


@app.command("list")
@asynchronous
async def list_parked(
    *,
    by_cause: Annotated[bool, typer.Option("--by-cause", help="Count by cause instead of listing runs.")] = False,
    like: Annotated[str, typer.Option("--like", metavar="SIGNATURE", help="Only this cause.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=LIST_MAX, help="At most so many.")] = 50,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """List parked work, newest first: what, why, since when, whose it is, what is at stake.

    [bold]Examples[/]

      crossdock parked list
      crossdock parked list --by-cause
      crossdock parked list --json | jq -r '.[].run_id'
    """
    async with open_hub(deployment) as hub:
        if by_cause:
            causes = await views.causes(hub.store, like)
        else:
            runs = await hub.store.list_runs(state=RunState.PARKED, signature=like, limit=limit)
        now = hub.clock.now()
    if by_cause:
        tell(causes) if as_json else views.print_causes(causes)
    elif as_json:
        tell([views.as_plain(run) for run in runs])
    else:
        views.print_list(runs, now)
        if len(runs) == limit:
            note(f"There may be more than these {limit}; --by-cause counts all.")


@app.command("show")
@asynchronous
async def show_parked(
    run: RunArgument,
    *,
    with_input: Annotated[bool, typer.Option("--input", help="Show the run's input as well.")] = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one parked run: the findings with their paths, what a retry repeats, who did what to it.

    [bold]Examples[/]

      crossdock parked show SF-00000123
      crossdock parked show SF-00000123 --input > order.json
    """
    async with open_hub(deployment) as hub:
        view = await one_parked(hub, run)
        preview = await hub.desk.preview(view.run_id)
        audit = await hub.store.list_audit(run_id=view.run_id)
    if as_json:
        tell(views.as_plain(view) | {"preview": preview, "audit": audit})
    elif with_input:
        views.print_input(view)
    else:
        views.print_one(view, preview, audit)


@app.command("retry")
@asynchronous
async def retry(
    runs: RunsArgument = None,
    *,
    all_like: AllLikeOption = "",
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why it will work now.")] = "",
    yes: YesOption = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Go on where each stopped, with a fresh count of attempts. What is done is not done again.

    [bold]Examples[/]

      crossdock parked retry SF-00000123
      crossdock parked retry --all-like v1:5f0c66bb8a2f4b1e --reason "mended"
    """

    async def verb(hub: "Hub", ids: list[str]) -> Mapping[str, bool]:
        return await hub.desk.retry(ids, actor=actor(), reason=reason)

    return await _carry_out(deployment, runs, all_like, "retry", verb, yes=yes, as_json=as_json)


@app.command("skip")
@asynchronous
async def skip(
    runs: RunsArgument = None,
    *,
    reason: ReasonOption,
    all_like: AllLikeOption = "",
    yes: YesOption = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """End each without doing the rest. The customer is told; later work on the same order goes on.

    [bold]Example[/]

      crossdock parked skip SF-00000123 --reason "ordered again by phone"
    """

    async def verb(hub: "Hub", ids: list[str]) -> Mapping[str, bool]:
        return await hub.desk.skip(ids, actor=actor(), reason=reason)

    return await _carry_out(deployment, runs, all_like, "skip", verb, yes=yes, as_json=as_json)


@app.command("compensate")
@asynchronous
async def compensate(
    runs: RunsArgument = None,
    *,
    reason: ReasonOption,
    all_like: AllLikeOption = "",
    yes: YesOption = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Turn back: undo what was done so far. The reason is what the sales rep will read.

    [bold]Example[/]

      crossdock parked compensate SF-00000123 --reason "Withdrawn."
    """

    async def verb(hub: "Hub", ids: list[str]) -> Mapping[str, bool]:
        return await hub.desk.compensate(ids, actor=actor(), reason=reason)

    return await _carry_out(deployment, runs, all_like, "compensate", verb, yes=yes, as_json=as_json)


@app.command("assign")
@asynchronous
async def assign(
    runs: RunsArgument = None,
    *,
    to: Annotated[str, typer.Option("--to", metavar="OWNER", help="Whose it is from now on.", show_default=False)],
    all_like: AllLikeOption = "",
    yes: YesOption = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Give parked work to somebody; it stays parked.

    [bold]Example[/]

      crossdock parked assign --all-like v1:5f0c66bb8a2f4b1e --to pricing-team
    """

    async def verb(hub: "Hub", ids: list[str]) -> Mapping[str, bool]:
        return await hub.desk.assign(ids, actor=actor(), owner=to)

    return await _carry_out(deployment, runs, all_like, "assign", verb, yes=yes, as_json=as_json)


@app.command("repair")
@asynchronous
async def repair(
    run: RunArgument,
    *,
    reason: ReasonOption,
    put: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Replace one value of the input; may be repeated."),
    ] = None,
    new_input: Annotated[
        Path | None, typer.Option("--input", metavar="FILE", help="A whole new input, as JSON; - reads it here.")
    ] = None,
    result: Annotated[
        list[str] | None,
        typer.Option("--result", metavar="STEP=JSON", help="What a step returned that somebody did by hand."),
    ] = None,
    yes: YesOption = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Put in a corrected input, or the result of a step that was done by hand, and go on.

    [bold]Examples[/]

      crossdock parked repair SF-00000123 --set '$.customer.number=C-17' -r agreed
      crossdock parked repair SF-00000123 --input order.json --reason mended
      crossdock parked repair SF-00000123 --result 'report=null' -r "by hand"
    """
    async with open_hub(deployment) as hub:
        view = await one_parked(hub, run)
        wanted: Repair = read_repair(view.input, put or [], new_input, result or [])
        if not as_json:
            for line in wanted.changes:
                err().print(line)
        or_fail(yes=yes or as_json or not wanted.changes, question="Put this in and go on?")
        done = await hub.desk.repair(
            view.run_id, actor=actor(), reason=reason, new_input=wanted.input, results=wanted.results
        )
    return _answer({view.run_id: done}, "repair", as_json=as_json)


async def _carry_out(
    deployment: Path | None,
    runs: list[str] | None,
    all_like: str,
    name: str,
    verb: "Callable[[Hub, list[str]], Awaitable[Mapping[str, bool]]]",
    *,
    yes: bool,
    as_json: bool,
) -> int:
    """Choose, show what it means, ask where it concerns many, do it."""
    async with open_hub(deployment) as hub:
        chosen = await choose(hub, runs or [], all_like)
        if len(chosen) > 1 and not as_json:
            await views.print_preview(hub.desk, name, chosen)
        or_fail(yes=yes or len(chosen) == 1, question=f"{name.capitalize()} these {len(chosen)}?")
        answers = await verb(hub, [run.run_id for run in chosen])
    return _answer(answers, name, as_json=as_json)


def _answer(answers: Mapping[str, bool], name: str, *, as_json: bool) -> int:
    failed = [run_id for run_id, done in answers.items() if not done]
    if as_json:
        tell({"verb": name, "done": [run_id for run_id, done in answers.items() if done], "not_done": failed})
    else:
        done = len(answers) - len(failed)
        say(f"{name}: {done} of {len(answers)}", style="bad" if failed else "good")
        for run_id in failed:
            say(f"  {run_id} is not parked any more: somebody else was faster", style="quiet")
        if done and name in {"retry", "repair", "compensate"}:
            note("A hub that is up goes on with it at once: crossdock orders show …")
    return ExitCode.FAILED if failed else ExitCode.OK
