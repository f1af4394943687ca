"""Taking responsibility for a change of a customer, once: inbox row and run are one commit (EVT-10, RES-01).

A record is known here by its system's name in the deployment, whatever its adapter calls it: two systems may have
one adapter. What could not be translated is parked with its paths, beside the stream.
"""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from crossdock.canonical.party import ExternalReference, Party, under_name
from crossdock.durable.codec import encode
from crossdock.durable.parking import parking_for
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Commit, Fate, InboxRow, Outcome, RunStart
from crossdock.identity.golden.fields import fields_of
from crossdock.identity.golden.work import ArrivedChange
from crossdock.identity.privacy.erasing import tells_of_somebody
from crossdock.kit.errors import Invalid
from crossdock.kit.ids import check_business_key
from crossdock.kit.wording import counted
from crossdock.policies.order_events import UNTRANSLATABLE, digest_of
from crossdock.ports.customer_source import CustomerArrival, CustomerChange

Committing = Callable[[Commit], Awaitable[Outcome]]
IsErased = Callable[[ExternalReference], Awaitable[bool]]


class CustomerCapture:
    """Commits changes into runs of `taking`; `commit` makes durable, `is_erased` knows who was forgotten."""

    def __init__(self, taking: Process[ArrivedChange], commit: Committing, is_erased: IsErased) -> None:
        self._taking = taking
        self._commit = commit
        self._is_erased = is_erased

    async def take_arrival(self, source: str, arrival: CustomerArrival) -> str:
        """Take what a source brought; `taken`, `known`, or `parked` where people see it."""
        key = _usable(f"{source}:{arrival.external_id}")
        if arrival.change is None:
            return await self._park_poison(source, key, arrival)
        change = named_as(arrival.change, source)
        if await self._is_erased(change.record):
            return await self._refuse_erased(source, key, arrival, change)
        arrived = ArrivedChange(change=change, received_at=arrival.received_at)
        start = self._taking.start(key, arrived, correlation_id=change.correlation_id or key)
        row = InboxRow(f"customer:{source}", key, digest_of(encode(change)))
        outcome = await self._commit(Commit(inbox=row, starts=(start,)))
        return "taken" if outcome.fate is Fate.APPLIED else "known"

    async def _refuse_erased(self, source: str, key: str, arrival: CustomerArrival, change: CustomerChange) -> str:
        """What a record says whose party was forgotten is not kept; that it says something, a person is told."""
        row = InboxRow(f"customer:{source}", key, digest_of(key.encode()))
        if not tells_of_somebody(fields_of(change.says)):
            outcome = await self._commit(Commit(inbox=row))
            return "taken" if outcome.fate is Fate.APPLIED else "known"
        fault = Invalid(
            f"{source} tells of a customer who was erased: have the record erased there, too",
            code="customer-erased",
            system=source,
        )
        bare = ArrivedChange(change=replace(change, says=Party()), received_at=arrival.received_at)
        start = replace(
            self._taking.start(key, bare, correlation_id=key),
            parking=parking_for(fault, self._taking, "capture", Stake(domain="service")),
        )
        outcome = await self._commit(Commit(inbox=row, starts=(start,)))
        return "parked" if outcome.fate is Fate.APPLIED else "known"

    async def _park_poison(self, source: str, key: str, arrival: CustomerArrival) -> str:
        fault = Invalid(
            f"{counted(len(arrival.findings), 'finding')} in what {source} sent: "
            + "; ".join(finding.message for finding in arrival.findings[:5]),
            code=UNTRANSLATABLE,
            system=source,
            findings=arrival.findings,
        )
        start = RunStart(
            run_id=self._taking.run_id(key),
            process=self._taking.name,
            version=self._taking.version,
            subject=f"customer-record/{key}",
            input=arrival.raw or b"null",
            correlation_id=key,
            parking=parking_for(fault, self._taking, "capture", Stake(domain="service")),
        )
        row = InboxRow(f"customer:{source}", key, digest_of(arrival.raw))
        outcome = await self._commit(Commit(inbox=row, starts=(start,)))
        return "parked" if outcome.fate is Fate.APPLIED else "known"


def named_as(change: CustomerChange, source: str) -> CustomerChange:
    """The change with its own system's numbers under the deployment's name for that system."""
    own = change.record.system

    def named(reference: ExternalReference) -> ExternalReference:
        return replace(reference, system=source) if reference.system == own else reference

    return replace(
        change,
        record=named(change.record),
        into=named(change.into) if change.into else None,
        says=under_name(change.says, own, source),
    )


def _usable(number: str) -> str:
    """A number that keys and databases can hold: itself, or what stands for it."""
    try:
        return check_business_key(number)
    except Invalid:
        return f"unusable-{digest_of(number.encode(errors='backslashreplace'))}"
