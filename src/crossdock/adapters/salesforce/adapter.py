"""The Salesforce dock: orders and customers by events, statuses and customers back. It decides nothing."""

from collections.abc import AsyncGenerator, Callable, Sequence

from crossdock.adapters.salesforce import reading
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.consent_telling import ConsentTelling
from crossdock.adapters.salesforce.customer_stream import CustomerStream
from crossdock.adapters.salesforce.customers import Accounts
from crossdock.adapters.salesforce.erasing import Erasing
from crossdock.adapters.salesforce.joining import Joining
from crossdock.adapters.salesforce.loads import upsert_records
from crossdock.adapters.salesforce.mapping import long_id, status_row
from crossdock.adapters.salesforce.orders import OrderReader
from crossdock.adapters.salesforce.pubsub import EventBus
from crossdock.adapters.salesforce.relations import RelationTelling
from crossdock.adapters.salesforce.rows import RowOutcome, update_rows
from crossdock.adapters.salesforce.settings import SalesforceSettings
from crossdock.adapters.salesforce.stream import OrderStream
from crossdock.adapters.salesforce.wire import Row
from crossdock.canonical.party import ExternalReference
from crossdock.kit.clock import Clock
from crossdock.kit.errors import CrossdockError
from crossdock.ports.customer_sink import (
    Belongings,
    CustomerErasure,
    CustomerMerge,
    CustomerRecord,
    CustomerWrite,
)
from crossdock.ports.customer_source import CustomerBatch
from crossdock.ports.manifest import SystemCheck
from crossdock.ports.order_source import ArrivalBatch, Gap
from crossdock.ports.status_sink import StatusUpdate
from crossdock.ports.usage import ApiUsage


class SalesforceDock:
    """One org, signed in as one integration user."""

    def __init__(self, settings: SalesforceSettings, clock: Clock) -> None:
        self.client = SalesforceClient(settings, clock)
        self._settings = settings
        self._reader = OrderReader(self.client)
        self._accounts = Accounts(self.client)
        self._beside: list[ConsentTelling | RelationTelling] = []
        if self._accounts.consents is not None:
            self._beside.append(ConsentTelling(self.client, self._accounts, self._accounts.consents))
        if self._accounts.relations is not None:
            self._beside.append(RelationTelling(self.client, self._accounts, self._accounts.relations))
        self._joining = Joining(self.client, self._accounts)
        self._erasing = Erasing(self.client, self._accounts)
        self._bus = EventBus(settings, self.client.sign_in)

    @property
    def usage(self) -> ApiUsage | None:
        """See `TellsUsage`: the org's API allowance as `Sforce-Limit-Info` tells it."""
        return self.client.usage

    def on_usage(self, listener: Callable[[ApiUsage], None]) -> None:
        """See `TellsUsage`."""
        self.client.on_usage = listener

    async def open(self) -> None:
        """See `Dock.open`. Signs in and reads how this org describes orders."""
        self.client.sign_in.forget()
        await self._reader.prepare()

    async def close(self) -> None:
        """See `Dock.close`."""
        await self._bus.close()
        await self.client.close()

    async def check(self) -> SystemCheck:
        """See `Dock.check`. Says which fields are missing, and how much of the day's allowance is left."""
        version = self._settings.api_version
        product = f"Salesforce API {version}"
        self.client.sign_in.forget()
        try:
            user = await self.client.user()
            offered = {known.version for known in await self.client.versions()}
            missing = await self._reader.missing()
            missing += await self._accounts.missing()
            allowances = await self.client.allowances()
        except CrossdockError as error:
            return SystemCheck(ok=False, product=product, detail=f"{error.message} ({error.vendor_code})")
        facts = [f"org {user.organization_id}", f"user {user.user_id}"]
        daily = allowances.get("DailyApiRequests")
        if daily is not None:
            facts.append(f"{daily.remaining} of {daily.max} API calls left today")
        if version not in offered:
            facts.append(f"the org does not offer API {version}")
        if missing:
            facts.append(f"missing: {', '.join(finding.path.removeprefix('$.') for finding in missing)}")
        return SystemCheck(ok=version in offered and not missing, product=product, detail="; ".join(facts))

    def arrivals(self, position: str) -> AsyncGenerator[ArrivalBatch, None]:
        """See `OrderSource.arrivals`."""
        return OrderStream(self.client, self._bus, self._reader, position).batches()

    def refill(self, gap: Gap) -> AsyncGenerator[ArrivalBatch, None]:
        """See `OrderSource.refill`."""
        return self._reader.refill(gap)

    async def count_changed(self, gap: Gap) -> int:
        """See `OrderSource.count_changed`."""
        return await self._reader.count(gap)

    async def report_statuses(self, updates: Sequence[StatusUpdate]) -> Sequence[CrossdockError | None]:
        """See `StatusSink.report_statuses`.

        Records are updated by Id, which is safe to repeat. Of several updates of one record the latest is
        written. Rows are sent by account and record, so that two callers never lock them crosswise.
        """
        latest: dict[str, StatusUpdate] = {}
        for update in updates:
            record = long_id(update.record)
            if record not in latest or latest[record].as_of <= update.as_of:
                latest[record] = update
        records = sorted(latest, key=lambda record: (self._reader.account_of(record), record))
        rows = [status_row(latest[record], self._settings.statuses) for record in records]
        outcomes = dict(zip(records, await update_rows(self.client, rows), strict=True))
        return [_fault(outcomes[long_id(update.record)]) for update in updates]

    def customer_changes(self, position: str) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.customer_changes`."""
        return CustomerStream(self.client, self._bus, self._accounts, self._beside, position).batches()

    async def refill_customers(self, gap: Gap) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.refill_customers`: records first, then what changed of what is kept beside them."""
        async for batch in self._accounts.refill(gap):
            yield batch
        for telling in self._beside:
            async for arrivals in telling.refill(reading.changed_in(gap, self._settings.events)):
                if arrivals:
                    yield CustomerBatch(arrivals=tuple(arrivals), position="")

    async def count_changed_customers(self, gap: Gap) -> int:
        """See `CustomerSource.count_changed_customers`."""
        counted = await self._accounts.count(gap)
        for telling in self._beside:
            counted += await telling.count(reading.changed_in(gap, self._settings.events))
        return counted

    async def write_customers(self, writes: Sequence[CustomerWrite]) -> Sequence[CustomerRecord | CrossdockError]:
        """See `CustomerSink.write_customers`."""
        return await self._accounts.write(writes)

    async def read_customers(self, records: Sequence[ExternalReference]) -> Sequence[CustomerRecord | None]:
        """See `CustomerSink.read_customers`."""
        return await self._accounts.read(records)

    async def find_customer(self, *, key: str) -> CustomerRecord | None:
        """See `CustomerSink.find_customer`."""
        return await self._accounts.find(key=key)

    async def join_customers(self, merge: CustomerMerge) -> CustomerRecord:
        """See `CustomerSink.join_customers`."""
        return await self._joining.join(merge)

    async def part_customers(self, merge: CustomerMerge) -> CustomerRecord:
        """See `CustomerSink.part_customers`."""
        return await self._joining.part(merge)

    async def erase_customer(self, erasure: CustomerErasure) -> None:
        """See `CustomerSink.erase_customer`."""
        await self._erasing.erase(erasure)

    async def list_belongings(self, record: ExternalReference) -> Belongings:
        """See `CustomerSink.list_belongings`."""
        return await self._joining.belongings_of(record)

    async def return_belongings(
        self, merge: CustomerMerge, records: Sequence[ExternalReference]
    ) -> Sequence[CrossdockError | None]:
        """See `CustomerSink.return_belongings`."""
        return await self._joining.give_back(merge, records)

    def parent_of(self, update: StatusUpdate) -> str:
        """The account whose lock an update may need, where it is known: updates of one should not overlap."""
        return self._reader.account_of(long_id(update.record))

    async def upsert_records(
        self, sobject: str, external_id_field: str, rows: Sequence[Row], *, parent_field: str = ""
    ) -> list[RowOutcome]:
        """Load records of any object: see `loads.upsert_records`."""
        return await upsert_records(self.client, sobject, external_id_field, rows, parent_field=parent_field)


def _fault(outcome: RowOutcome) -> CrossdockError | None:
    return outcome if isinstance(outcome, CrossdockError) else None
