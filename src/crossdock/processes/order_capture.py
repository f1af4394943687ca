"""Taking responsibility for an order, whichever door it comes through: once, or with a clear no (EVT-10, RES-01).

The inbox row, the run and the event are one commit. The same order again is the same order; other content
under its number is a conflict that a person sees.
"""

import contextlib
from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec

from crossdock.canonical.order import Order
from crossdock.contracts.orders import OrderNeedsAttention, order_subject
from crossdock.durable.codec import encode
from crossdock.durable.parking import parking_for
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Commit, EffectStep, Fate, InboxRow, Outcome, Outgoing, RunStart
from crossdock.identity.privacy.tracing import TraceOrder, traces_of_order
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Conflict, Finding, Invalid
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import check_business_key
from crossdock.kit.wording import counted
from crossdock.policies.order_events import HUB, INBOX, UNTRANSLATABLE, captured, digest_of
from crossdock.ports.order_source import Arrival

Committing = Callable[[Commit], Awaitable[Outcome]]


class Captured(StrEnum):
    """What became of an arrival."""

    TAKEN = "taken"
    KNOWN = "known"
    CHANGED = "changed"
    PARKED = "parked"


class OrderCapture:
    """Commits orders into runs of the submission process. `commit` makes a commit durable."""

    def __init__(self, submission: Process[Order], commit: Committing, clock: Clock) -> None:
        self._submission = submission
        self._commit = commit
        self._clock = clock

    async def take(self, order: Order, *, correlation_id: str = "") -> Captured:
        """Take an order. `KNOWN`: we have it already; `CHANGED`: we have it with other content.

        Raises Invalid where it has no usable number, or amounts that no money can express.
        """
        check_business_key(order.order_id, "$.order_id")
        correlation_id = correlation_id or order.order_id
        start = self._submission.start(order.order_id, order, correlation_id=correlation_id)
        try:
            told = captured(order, at=self._clock.now(), correlation_id=correlation_id)
        except ValueError:
            finding = Finding("amount-too-large", "$.lines", "the order's amounts are more than money can express")
            raise Invalid(finding.message, code=finding.code, findings=[finding]) from None
        commit = Commit(
            inbox=InboxRow(INBOX, order.order_id, digest_of(start.input)),
            starts=(start,),
            events=(told,),
            effects=_traced(order),
        )
        failpoint("capture.commits")
        fate = (await self._commit(commit)).fate
        failpoint("capture.committed")
        return {Fate.DUPLICATE: Captured.KNOWN, Fate.CONFLICT: Captured.CHANGED}.get(fate, Captured.TAKEN)

    async def take_arrival(self, source: str, arrival: Arrival) -> Captured:
        """Take what a source brought; what cannot be taken as it is, is parked where people see it."""
        if arrival.order is None:
            return await self._park_poison(source, arrival)
        try:
            captured = await self.take(arrival.order)
        except Exception as error:  # noqa: BLE001 - a record the database refuses must not stop the stream
            return await self._park(arrival.order, error)
        if captured is Captured.CHANGED:
            changed = Conflict(
                f"{arrival.order.order_id} came again from {source} with other content than was submitted",
                code="changed-after-submission",
                system=source,
            )
            await self._park(arrival.order, changed)
        return captured

    async def _park(self, order: Order, error: Exception) -> Captured:
        variant = digest_of(encode(order))
        key = _usable(order.order_id)
        start = self._submission.start(f"{key}@{variant}", order, correlation_id=key)
        stake = Stake()
        with contextlib.suppress(Exception):  # what is wrong with it may be just what the stake is made of
            stake = self._submission.stake(order)
        parking = parking_for(error, self._submission, "capture", stake)
        parked = msgspec.structs.replace(start, parking=parking, subject=order_subject(f"{key}@{variant}"))
        await self._commit(Commit(starts=(parked,)))
        failpoint("capture.order_parked")
        return Captured.PARKED

    async def _park_poison(self, source: str, arrival: Arrival) -> Captured:
        """What could not be translated: parked with the paths, repairable, and its record told."""
        fault = Invalid(
            f"{counted(len(arrival.findings), 'finding')} in what {source} sent: "
            + "; ".join(finding.message for finding in arrival.findings[:5]),
            code=UNTRANSLATABLE,
            system=source,
            findings=arrival.findings,
        )
        external_id = _usable(arrival.external_id)
        key = f"{source}:{external_id}"
        parking = parking_for(fault, self._submission, "capture", Stake())
        start = RunStart(
            run_id=self._submission.run_id(key),
            process=self._submission.name,
            version=self._submission.version,
            subject=order_subject(key),
            input=arrival.raw or b"null",
            correlation_id=external_id,
            parking=parking,
        )
        event = OrderNeedsAttention(
            order_id=key,
            at=self._clock.now(),
            source=HUB,
            record=arrival.external_id,
            category=parking.category,
            code=parking.code,
            owner=parking.owner,
            reason=parking.reason,
        )
        told = Outgoing(event.type, start.subject, encode(event), external_id)
        row = InboxRow(f"arrival:{source}", external_id, digest_of(arrival.raw))
        outcome = await self._commit(Commit(inbox=row, starts=(start,), events=(told,)))
        failpoint("capture.poison_parked")
        return Captured.PARKED if outcome.fate is Fate.APPLIED else Captured.KNOWN


def _traced(order: Order) -> tuple[EffectStep, ...]:
    traces = traces_of_order(order)
    return (EffectStep("trace", TraceOrder(order_id=order.order_id, traces=traces)),) if traces else ()


def _usable(number: str) -> str:
    """A number that keys, subjects and databases can hold: itself, or what stands for it."""
    try:
        return check_business_key(number)
    except Invalid:
        return f"unusable-{digest_of(number.encode(errors='backslashreplace'))}"
