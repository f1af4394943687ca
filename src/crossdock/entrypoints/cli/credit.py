"""`crossdock credit`: companies that wait to be allowed to order on invoice."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossdock.entrypoints.cli.choosing import actor
from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, ReasonOption, open_hub
from crossdock.entrypoints.cli.exits import NotFound
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import ago, cell, clock_time, say, show, tell
from crossdock.entrypoints.cli.running import asynchronous
from crossdock.kit.clock import iso

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub
    from crossdock.identity.onboarding.ledger import CreditDecision
    from crossdock.processes.credit_desk import CreditDesk

app = typer.Typer(no_args_is_help=True, help="Decide which new companies may order on invoice.")

CustomerArgument = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help="The customer's id, as listed.", show_default=False)
]
ByOption = Annotated[
    str, typer.Option("--by", metavar="NAME", help="Who decides; by default whoever is at the keyboard.")
]


@app.command("list")
@asynchronous
async def list_reviews(*, deployment: DeploymentOption = None, as_json: JsonOption = False) -> None:
    """List the companies whose credit waits for a decision, the most urgent first.

    [bold]Example[/]

      crossdock credit list
    """
    async with open_hub(deployment) as hub:
        _desk(hub)
        files = await hub.store.list_reviews(limit=200)
        now = hub.clock.now()
    if as_json:
        tell([_row(file, now) for file in files])
        return
    listed = Listing("CUSTOMER", "ERP NUMBER", "ASKED", "WHOSE TURN", "DUE", "SINCE", numbers=(2,), spare=(5,))
    for file in files:
        listed.add_row(
            cell(file.party_id, "name"),
            cell(file.erp_number),
            cell(f"{file.asked} {file.currency}"),
            cell(file.owner),
            cell("overdue" if file.due_at < now else clock_time(file.due_at), "bad" if file.due_at < now else ""),
            cell(ago(file.numbered_at, now), "quiet"),
        )
    show(listed)


@app.command("approve")
@asynchronous
async def approve(
    customer: CustomerArgument,
    *,
    limit: Annotated[str, typer.Option("--limit", metavar="AMOUNT", help="Another limit than asked for.")] = "",
    terms: Annotated[str, typer.Option("--terms", metavar="CODE", help="The ERP's payment terms.")] = "",
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, for the audit.")] = "",
    by: ByOption = "",
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a company's credit: limit and terms are written in the ERP, and it may order on invoice.

    [bold]Example[/]

      crossdock credit approve 0197… --limit 8000 --terms N30
    """
    async with open_hub(deployment) as hub:
        decision = await _desk(hub).approve(customer, actor=by or actor(), reason=reason, limit=limit, terms=terms)
    _answer(customer, decision, as_json=as_json)


@app.command("refuse")
@asynchronous
async def refuse(
    customer: CustomerArgument,
    *,
    reason: ReasonOption,
    by: ByOption = "",
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refuse a company's credit; the reason is shown wherever credit is.

    [bold]Example[/]

      crossdock credit refuse 0197… --reason "two unpaid invoices elsewhere"
    """
    async with open_hub(deployment) as hub:
        decision = await _desk(hub).refuse(customer, actor=by or actor(), reason=reason)
    _answer(customer, decision, as_json=as_json)


def _desk(hub: "Hub") -> "CreditDesk":
    if hub.credit is None:
        raise NotFound("policies.yaml has no onboarding, so no credit is decided here", code="no-onboarding")
    return hub.credit


def _row(file: Any, now: int) -> dict[str, Any]:
    return {
        "customer_id": file.party_id,
        "erp_number": file.erp_number,
        "asked": file.asked,
        "currency": file.currency,
        "owner": file.owner,
        "overdue": file.due_at < now,
        "due_at": iso(file.due_at),
        "since": iso(file.numbered_at),
        "correlation_id": file.correlation_id,
    }


def _answer(customer: str, decision: "CreditDecision", *, as_json: bool) -> None:
    if as_json:
        tell({"customer_id": customer, "verdict": decision.verdict, "by": decision.by, "limit": decision.limit})
    else:
        say(f"the credit of {customer} is {decision.verdict} by {decision.by}")
