"""What is parked until something about a customer is mended or decided, and goes on by itself once that is so.

A company's onboarding that was parked for findings is checked again whenever somebody says something new of it.
Orders on invoice that were held for a credit go on, or are refused, once it is decided. The hub's own table is
asked for that again and again, so that none is forgotten whatever happens in between.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from crossdock.canonical.order import Order
from crossdock.durable.codec import decode
from crossdock.durable.desk import Desk
from crossdock.durable.parking import signature
from crossdock.durable.records import RunState, StepState
from crossdock.durable.store import RunView, Store
from crossdock.identity.onboarding.ledger import OnboardingLedger
from crossdock.kit.clock import Clock
from crossdock.kit.errors import CrossdockError, Finding, Invalid, Unavailable

ACTOR = "crossdock"
MENDED = "something new is said of the company"
DECIDED = "its credit is decided"
ONBOARDING, CHECK = "customer_onboarding", "check_company"
MENDABLE = frozenset({"company-incomplete", "possible-duplicate"})
SUBMISSION, ENRICH, PENDING = "order_submission", "enrich", "credit-pending"
LOOK_SECONDS = 15.0
PAGE_ROWS = 200

log = structlog.get_logger("releasing")


class HubStore(Store, OnboardingLedger, Protocol):
    """Where runs and onboardings are kept."""


class Releasing:
    """Lets parked work go on. `desk` is where people do so by hand; what is done here is audited as theirs is."""

    def __init__(self, store: HubStore, desk: Callable[[], Desk], clock: Clock) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        cause = Invalid("held", code=PENDING, findings=[Finding(PENDING, "$", "held")], system="crossdock")
        self._held = signature(cause, SUBMISSION, ENRICH)

    async def resume_onboarding(self, party_id: str) -> bool:
        """Have a company checked again that was parked for what was wrong with it; whether it was.

        Raises Unavailable (`onboarding-busy`) while it is being checked.
        """
        run = await self._store.find_run(f"{ONBOARDING}/{party_id}")
        if run is None:
            return False
        if run.state is RunState.RUNNING and not _is_checked(run):
            raise Unavailable("the company is being checked just now", code="onboarding-busy")
        if run.state is not RunState.PARKED or run.parking is None or run.parking.code not in MENDABLE:
            return False
        done = await self._desk().retry([run.run_id], actor=ACTOR, reason=MENDED)
        return done[run.run_id]

    async def release_orders(self) -> int:
        """Let the held orders go on whose customers' credit is decided; how many those were."""
        released, before = 0, ""
        while True:
            runs = await self._store.list_runs(
                state=RunState.PARKED, signature=self._held, before=before, limit=PAGE_ROWS
            )
            numbers = {run.run_id: number for run in runs if (number := _customer_of(run))}
            standing = await self._store.find_standing(set(numbers.values())) if numbers else {}
            decided = _not_pending(numbers, standing)
            if decided:
                done = await self._desk().retry(decided, actor=ACTOR, reason=DECIDED)
                released += sum(done.values())
            if len(runs) < PAGE_ROWS:
                return released
            before = runs[-1].run_id

    async def watch_orders(self) -> None:
        """Look again and again, forever."""
        while True:
            try:
                await self.release_orders()
            except CrossdockError as fault:
                log.warning("held orders could not be looked at", code=fault.code)
            await self._clock.sleep(LOOK_SECONDS)


def _is_checked(run: RunView) -> bool:
    return any(row.step == CHECK and row.state is StepState.DONE for row in run.journal)


def _customer_of(run: RunView) -> str:
    """The number by which its order names the customer; empty where it is no order any more."""
    try:
        return decode(run.input, Order).customer.number
    except Invalid:
        return ""


def _not_pending(numbers: Mapping[str, str], standing: Mapping[str, str]) -> Sequence[str]:
    return [run_id for run_id, number in numbers.items() if standing.get(number) != "credit_pending"]
