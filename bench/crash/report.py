"""The report: one column per run, what was injected, what was left, and whether that is as promised."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from bench.crash.hub import NAMES
from bench.crash.run import Outcome

Figure = Callable[[Outcome], object]

LOAD: Sequence[tuple[str, Figure]] = (
    ("orders / sendings / of them again", lambda it: f"{it.plan.orders} / {it.offers} / {it.again}"),
    ("hubs at a time", lambda it: it.plan.hubs),
    ("ERP refuses a second order by itself", lambda it: "no" if it.plan.look_up_only else "yes"),
    ("seconds in all / to converge", lambda it: f"{it.seconds:.0f} / {it.converged_seconds:.1f}"),
    (
        "PostgreSQL back after seconds, median / worst",
        lambda it: f"{_median(it.recovery_seconds):.1f} / {max(it.recovery_seconds, default=0):.1f}",
    ),
)
LEFT: Sequence[tuple[str, Figure]] = (
    ("acknowledged", lambda it: it.reckoning.acknowledged),
    ("accepted, by the ERP's books", lambda it: it.reckoning.accepted),
    ("refused", lambda it: it.reckoning.refused),
    ("parked with an owner", lambda it: it.reckoning.parked_with_owner),
    ("lost", lambda it: len(it.reckoning.lost)),
    ("twice in the ERP", lambda it: len(it.reckoning.doubled)),
    ("money that differs, by currency", lambda it: _pairs(it.reckoning.money_difference)),
    ("stock that differs, by product", lambda it: _pairs(it.reckoning.stock_difference)),
    ("oversold, by product", lambda it: _pairs(it.reckoning.oversold)),
    ("holds left", lambda it: it.reckoning.still_held),
    ("told wrongly", lambda it: len(it.reckoning.told_wrongly)),
    ("shown wrongly", lambda it: len(it.reckoning.shown_wrongly)),
    ("parked without an owner", lambda it: len(it.reckoning.parked_without_owner)),
    ("not ended", lambda it: len(it.reckoning.unfinished)),
)
PEOPLE: Sequence[tuple[str, Figure]] = (
    ("customers / their records everywhere", lambda it: f"{it.people.people} / {it.people.records}"),
    ("merges / taken back", lambda it: f"{it.people.merged + it.people.parted} / {it.people.parted}"),
    ("forgotten / companies approved", lambda it: f"{it.people.erased} / {it.people.approved}"),
    ("fields that a person is asked about", lambda it: it.people.asked_of_a_person),
    ("not one party each", lambda it: len(it.people.not_one_party)),
    ("not once in the ERP", lambda it: len(it.people.not_once_in_the_erp)),
    ("records too many or too few at the doors", lambda it: len(it.people.made_at_doors)),
    ("values lost, or overwritten by who may not", lambda it: len(it.people.lost_or_overwritten)),
    ("merges that are half there", lambda it: len(it.people.merged_halfway)),
    ("companies not approved", lambda it: len(it.people.not_approved)),
    ("told of who was forgotten", lambda it: len(it.people.not_forgotten)),
)


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print everything."""
    table = Table(title="crash runs: the ERP and the stock ledger were asked")
    table.add_column("")
    for outcome in outcomes:
        table.add_column(outcome.plan.store, justify="right")
    for name, figure in LOAD:
        table.add_row(name, *(str(figure(outcome)) for outcome in outcomes))
    table.add_section()
    for kind in sorted({kind for outcome in outcomes for kind in outcome.faults}):
        table.add_row(kind, *(str(outcome.faults[kind]) for outcome in outcomes))
    table.add_row("[bold]faults in all", *(str(outcome.faults.total()) for outcome in outcomes))
    table.add_section()
    for name, figure in LEFT:
        table.add_row(name, *(str(figure(outcome)) for outcome in outcomes))
    table.add_section()
    for name, figure in PEOPLE:
        table.add_row(name, *(str(figure(outcome)) for outcome in outcomes))
    console.print(table)
    _show_places(outcomes, console)
    for outcome in outcomes:
        for words in outcome.amiss:
            console.print(f"[red]{outcome.plan.store}: {words}")
        for words in outcome.hangs:
            console.print(f"{outcome.plan.store} hangs: {words}", markup=False, highlight=False)


def _show_places(outcomes: Sequence[Outcome], console: Console) -> None:
    died = {name for outcome in outcomes for name in outcome.deaths}
    passed = {name for outcome in outcomes for name in outcome.passes}
    console.print(
        f"failpoints: {len(NAMES)} named, {len(passed)} passed, died at {len(died)} of them", highlight=False
    )
    missed = [name for name in NAMES if name not in passed]
    if missed:
        console.print(f"never passed: {', '.join(missed)}", highlight=False)


def _median(figures: Sequence[float]) -> float:
    return sorted(figures)[len(figures) // 2] if figures else 0.0


def _pairs(differences: object) -> str:
    return ", ".join(f"{name} {value}" for name, value in dict(differences).items()) or "0"  # type: ignore[call-overload]
