"""`crossdock customers`: what holds of a customer and why, whom stewards have to look at, and their words."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.entrypoints.cli import customer_views as views
from crossdock.entrypoints.cli.choosing import actor, or_fail
from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, ReasonOption, YesOption, open_hub
from crossdock.entrypoints.cli.exits import ExitCode, NotFound
from crossdock.entrypoints.cli.output import note, say, tell
from crossdock.entrypoints.cli.running import asynchronous
from crossdock.entrypoints.entrance import customer_answers as answers
from crossdock.entrypoints.entrance.mentions import mentions_of
from crossdock.identity.golden.fields import FieldValue
from crossdock.kit.errors import Misconfigured
from crossdock.processes.customer_stewardship import Word

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub
    from crossdock.processes.customer_stewardship import Customer, Stewards

app = typer.Typer(no_args_is_help=True, help="See what holds of customers, and decide where a person has to.")
LIST_MAX = 200
HOW_TO_FIND = "give a whole name, a whole e-mail address or phone number, or a number in any system"

CustomerArgument = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help="Its id in the hub.", show_default=False)
]
FieldArgument = Annotated[str, typer.Argument(metavar="FIELD", help="Such as contact.email.", show_default=False)]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, max=LIST_MAX, help="At most so many.")]
PinOption = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="FIELD=VALUE", help="A value that shall survive; may be repeated."),
]


class Said(StrEnum):
    """What a steward can say of a doubt."""

    SAME = "same"
    NOT_SAME = "not-same"
    LATER = "later"
    ASSIGN = "assign"


@app.command("find")
@asynchronous
async def find(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="An id, a system's number, a name, a mail or phone.")
    ],
    *,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="With whole e-mail addresses, which are shortened else.")
    ] = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find customers: who they are, where, and the id that other commands take.

    A name wants to be whole; a number is looked up in every system. That you looked is kept in the audit. With
    --json it is the ids alone.

    [bold]Examples[/]

      crossdock customers find anna@example.org
      crossdock customers find 001000000000123AAA
    """
    async with _desk(deployment) as (hub, stewards):
        found = await stewards.search(text)
        mentions = {} if as_json else await mentions_of(stewards, found, hub.deployment.titles, actor())
    if as_json:
        tell(found)
    elif found:
        views.print_found(list(mentions.values()), whole=show_values)
    if not found:
        raise NotFound(f"nobody like that is known: {HOW_TO_FIND}", code="customer-unknown")


@app.command("show")
@asynchronous
async def show_customer(
    customer: CustomerArgument, *, deployment: DeploymentOption = None, as_json: JsonOption = False
) -> None:
    """Show what holds of a customer, field by field, and by whose word. That you looked is kept in the audit.

    [bold]Example[/]

      crossdock customers show 0198c1f2-5b7e-7c3d-9a41-2f6f0c9d1e77
    """
    async with _desk(deployment) as (hub, stewards):
        told = answers.customer_told(await _customer(stewards, customer))
    tell(told) if as_json else views.print_customer(told, hub.deployment.titles)


@app.command("why")
@asynchronous
async def why(
    customer: CustomerArgument,
    field: FieldArgument,
    *,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why a value holds: the rule, the winner, and what every other record says.

    [bold]Example[/]

      crossdock customers why 0198c1f2-5b7e-7c3d-9a41-2f6f0c9d1e77 contact.email
    """
    async with _desk(deployment) as (_, stewards):
        told = answers.customer_told(await _customer(stewards, customer))
    for value in told.values:
        if value.field == field or field in value.values:
            tell(value) if as_json else views.print_why(value)
            return
    words = f"nobody says anything about {field}: crossdock customers show {customer} lists what is said"
    raise NotFound(words, code="field-unknown")


@app.command("reviews")
@asynchronous
async def reviews(
    number: Annotated[int | None, typer.Argument(metavar="REVIEW", min=1, help="One, side by side.")] = None,
    *,
    alike: Annotated[str, typer.Option("--alike", metavar="SIGNATURE", help="Only equal evidence.")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Only those of this team or person.")] = "",
    limit: LimitOption = 50,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """List whom stewards have to look at, oldest first; or show one doubt side by side with its evidence.

    [bold]Examples[/]

      crossdock customers reviews
      crossdock customers reviews 17
    """
    async with _desk(deployment) as (hub, stewards):
        if number is None:
            found = await hub.store.list_match_reviews(hub.clock.now(), signature=alike, owner=owner, limit=limit)
            await _tell_reviews(hub, stewards, [answers.review_row(each) for each in found], as_json=as_json)
            return
        doubt = await stewards.doubt(number)
        if doubt is None:
            raise NotFound(
                f"there is no review {number}: crossdock customers reviews lists them", code="review-unknown"
            )
        for customer in doubt.customers:
            await stewards.note_look(actor(), customer.file.party_id)
    told = answers.review_told(doubt)
    tell(told) if as_json else views.print_review(told)


@app.command("questions")
@asynchronous
async def questions(
    *, limit: LimitOption = 50, deployment: DeploymentOption = None, as_json: JsonOption = False
) -> None:
    """List where systems disagree about a value: proposals to its owner, and what nobody can know.

    [bold]Example[/]

      crossdock customers questions
    """
    async with _desk(deployment) as (hub, stewards):
        found = [answers.question_told(each) for each in await hub.store.list_questions(limit=limit)]
        titles = hub.deployment.titles
        mentions = {} if as_json else await mentions_of(stewards, [each.customer_id for each in found], titles)
    tell(found) if as_json else views.print_questions(found, mentions, titles)


@app.command("decide")
@asynchronous
async def decide(
    word: Annotated[Said, typer.Argument(metavar="WORD", help="What you say of them.", show_default=False)],
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="REVIEW", min=1, help="Reviews.", show_default=False)
    ] = None,
    *,
    reason: ReasonOption,
    all_alike: Annotated[
        str, typer.Option("--all-alike", metavar="SIGNATURE", help="All with equal evidence, up to 200.")
    ] = "",
    other: Annotated[str, typer.Option("--with", metavar="CUSTOMER", help="Which of several is meant.")] = "",
    survivor: Annotated[str, typer.Option("--survivor", metavar="CUSTOMER", help="Who keeps his id.")] = "",
    keep: PinOption = None,
    hours: Annotated[float, typer.Option("--hours", min=0.01, help="For how long it is put off.")] = 24.0,
    to: Annotated[str, typer.Option("--to", metavar="OWNER", help="Whose it is from now on.")] = "",
    yes: YesOption = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say whether two customers are the same, put a doubt off, or give it to somebody. "Not the same" is for good.

    [bold]Examples[/]

      crossdock customers decide same 17 --reason "called her"
      crossdock customers decide not-same --all-alike v1:5f0c66bb8a2f4b1e -r kin
      crossdock customers decide assign 17 --to olaf --reason "his town"
    """
    said = Word(
        word=word.value.replace("-", "_"),  # type: ignore[arg-type]
        by=actor(),
        reason=reason,
        other=other,
        survivor=survivor,
        pins=_values(keep),
        later_seconds=hours * 3_600,
        owner=to,
    )
    async with _desk(deployment) as (hub, stewards):
        wanted = list(numbers or [])
        if all_alike:
            found = await hub.store.list_match_reviews(hub.clock.now(), signature=all_alike, limit=LIST_MAX)
            wanted += [each.number for each in found]
            if not as_json:
                await _tell_reviews(hub, stewards, [answers.review_row(each) for each in found], as_json=False)
        if not wanted:
            raise NotFound("there is no review to decide: give its number, or --all-alike", code="review-unknown")
        if len(wanted) == 1:
            merge_id = await stewards.decide(wanted[0], said)
            return _told({"merge_id": merge_id}, merge_id, as_json=as_json)
        or_fail(yes=yes, question=f"{word.value} for these {len(wanted)}?")
        taken, not_taken = await stewards.decide_many(wanted, said)
    if as_json:
        tell({"taken": taken, "not_taken": {str(each): code for each, code in not_taken.items()}})
    else:
        say(f"{word.value}: {len(taken)} of {len(wanted)}", style="bad" if not_taken else "good")
        for each, code in not_taken.items():
            say(f"  {each}: {code}", style="quiet")
    return ExitCode.FAILED if not_taken else ExitCode.OK


@app.command("merge")
@asynchronous
async def merge(
    survivor: Annotated[str, typer.Argument(metavar="SURVIVOR", help="Who keeps the id.", show_default=False)],
    absorbed: Annotated[str, typer.Argument(metavar="ABSORBED", help="Who is the same.", show_default=False)],
    *,
    reason: ReasonOption,
    keep: PinOption = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say that two customers are one. A hub that is up carries it out, in other systems as well.

    [bold]Example[/]

      crossdock customers merge 0198c1f2-… 0198c1f3-… --reason "same passport"
    """
    async with _desk(deployment) as (_, stewards):
        merge_id = await stewards.merge(survivor, absorbed, by=actor(), reason=reason, pins=_values(keep))
    return _told({"merge_id": merge_id}, merge_id, as_json=as_json)


@app.command("unmerge")
@asynchronous
async def unmerge(
    merge_id: Annotated[
        str, typer.Argument(metavar="MERGE", help="As a decision or a merge named it.", show_default=False)
    ],
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; without it the merge is only shown.")] = "",
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a merge back, for good; without a reason only show it, and what came of its end.

    [bold]Examples[/]

      crossdock customers unmerge review-17
      crossdock customers unmerge review-17 --reason "mother and daughter"
    """
    async with _desk(deployment) as (_, stewards):
        if reason:
            await stewards.unmerge(merge_id, by=actor(), reason=reason)
        found = await stewards.merge_of(merge_id)
    if found is None:
        raise NotFound(f"there is no merge {merge_id}", code="merge-unknown")
    told = answers.merge_told(*found)
    tell(told) if as_json else views.print_merge(told)
    if reason:
        note("A hub that is up takes it back at once; ask again without --reason what came of it.")


@app.command("pin")
@asynchronous
async def pin(
    customer: CustomerArgument,
    values: Annotated[
        list[str], typer.Argument(metavar="FIELD=VALUE", help="What shall hold.", show_default=False)
    ],
    *,
    reason: ReasonOption,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Let values hold, whatever systems say, until that is taken back. A group goes as a whole.

    [bold]Example[/]

      crossdock customers pin 0198c1f2-… contact.email=a@x.org --reason "rang her"
    """
    async with _desk(deployment) as (_, stewards):
        await stewards.pin(customer, _values(values), by=actor(), reason=reason)
    return _told({"pinned": True}, "", as_json=as_json)


@app.command("unpin")
@asynchronous
async def unpin(
    customer: CustomerArgument,
    field: FieldArgument,
    *,
    reason: ReasonOption,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Let the rules decide on a field or group again.

    [bold]Example[/]

      crossdock customers unpin 0198c1f2-… contact.email --reason "she moved on"
    """
    async with _desk(deployment) as (_, stewards):
        await stewards.unpin(customer, field, by=actor(), reason=reason)
    return _told({"pinned": False}, "", as_json=as_json)


@app.command("accept")
@asynchronous
async def accept(
    customer: CustomerArgument,
    field: FieldArgument,
    record: Annotated[str, typer.Argument(metavar="RECORD", help="As `why` names it.", show_default=False)],
    *,
    reason: ReasonOption,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Let hold what a record says of a field, though its word does not count, or nobody can know which is newer.

    [bold]Example[/]

      crossdock customers accept 0198c1f2-… contact.email erp/party/17 -r rang
    """
    async with _desk(deployment) as (_, stewards):
        await stewards.accept(customer, field, record, by=actor(), reason=reason)
    return _told({"accepted": True}, "", as_json=as_json)


@asynccontextmanager
async def _desk(deployment: Path | None) -> "AsyncIterator[tuple[Hub, Stewards]]":
    """Raises Misconfigured where the deployment does not say who owns what."""
    async with open_hub(deployment) as hub:
        if hub.customers is None:
            raise Misconfigured("this hub keeps no customers: ownership.yaml is missing", code="no-customers")
        yield hub, hub.customers.stewards


async def _tell_reviews(
    hub: "Hub", stewards: "Stewards", rows: "Sequence[answers.ReviewRow]", *, as_json: bool
) -> None:
    if as_json:
        return tell(rows)
    named = [customer_id for row in rows for customer_id in (row.customer_id, *row.candidates)]
    views.print_reviews(rows, await mentions_of(stewards, named, hub.deployment.titles))
    return None


async def _customer(stewards: "Stewards", party_id: str) -> "Customer":
    found = await stewards.customer(party_id)
    if found is None:
        words = f"no customer has the id {party_id}: look for it with crossdock customers find TEXT"
        raise NotFound(words, code="customer-unknown")
    await stewards.note_look(actor(), party_id)
    return found


def _values(said: list[str] | None) -> dict[str, FieldValue]:
    """FIELD=VALUE; an empty value says that there is none."""
    pairs = [each.partition("=") for each in said or []]
    for name, equals, _ in pairs:
        if not equals:
            raise typer.BadParameter(f"{name}: say FIELD=VALUE")
    return {name: value or None for name, _, value in pairs}


def _told(plain: dict[str, object], merge_id: str, *, as_json: bool) -> int:
    if as_json:
        tell(plain)
    else:
        say("taken", style="good")
        if merge_id:
            note(
                f"A hub that is up carries it out at once: crossdock customers unmerge {merge_id} shows the merge."
            )
    return ExitCode.OK
