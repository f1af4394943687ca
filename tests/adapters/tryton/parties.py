"""Customers on the bench: parties entered, changed, closed and merged as the administrator, past the dock."""

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.adapters.tryton import ADAPTER, party_mapping
from crossdock.adapters.tryton.catalogue import CatalogueReader
from crossdock.adapters.tryton.client import EVEN_INACTIVE, TrytonClient, as_rows
from crossdock.adapters.tryton.local import LocalTryton
from crossdock.adapters.tryton.local.template import ADMIN_USER
from crossdock.adapters.tryton.wire import CustomerStateRow, fields_of
from crossdock.canonical.party import ExternalReference, Party
from crossdock.identity.golden import fields as golden
from crossdock.kit.clock import SystemClock
from crossdock.testing.bench import CustomerBench


class PartyBench(CustomerBench):
    """The part of the bench that concerns customers; `proxy` is the way that the dock takes."""

    local: LocalTryton
    admin: TrytonClient
    proxy: Any

    async def enter_customer(self, says: Party) -> ExternalReference:
        (made,) = await self.admin.create("party.party", [await self._values(says, None)])
        return party_mapping.reference_to(made)

    async def edit_customer(self, record: ExternalReference, says: Party) -> None:
        row = await self.party_row(record)
        await self.admin.write("party.party", [int(record.value)], await self._values(says, row))

    async def _values(self, says: Party, row: CustomerStateRow | None) -> dict[str, Any]:
        settings = ADAPTER.load_settings(self.local.settings(ADMIN_USER))
        catalogue = await CatalogueReader(self.admin, settings, SystemClock()).get()
        return party_mapping.values_of(golden.fields_of(says), row, catalogue, {})

    async def party_row(self, record: ExternalReference) -> CustomerStateRow | None:
        """A party as Tryton has it, also one that was closed; None where there is none."""
        domain = [("id", "=", int(record.value)), EVEN_INACTIVE]
        rows = await self.admin.search_read("party.party", domain, fields_of(CustomerStateRow))
        return as_rows(rows, CustomerStateRow)[0] if rows else None

    async def remove_customer(self, record: ExternalReference) -> None:
        await self.admin.command("model.party.party.delete", [int(record.value)])

    async def merge_customers(self, survivor: ExternalReference, absorbed: ExternalReference) -> None:
        form = {"source": int(absorbed.value), "destination": int(survivor.value)}
        record = ("party.party", int(absorbed.value))
        asked = [f"party.replace {what} {absorbed.value} {survivor.value}" for what in ("name", "tax_identifier")]
        await self.admin.wizard("party.replace", record, "replace", {"ask": form}, confirmed=asked)

    async def enter_unreadable_customer(self) -> str:
        (made,) = await self.admin.create("party.party", [{"name": "Ø" * 300}])
        return str(made)

    async def break_stream(self) -> None:
        self.proxy.cut_next_read = True

    async def customers_under(self, key: str) -> Sequence[ExternalReference]:
        domain = [("code", "like", f"{key}{party_mapping.MARK}%"), ("party.replaced_by", "=", None)]
        rows = await self.admin.search_read("party.identifier", domain, ["party"])
        return [party_mapping.reference_to(row["party"]) for row in rows]

    async def kept_fields(self, record: ExternalReference) -> Mapping[str, golden.FieldValue] | None:
        row = await self.party_row(record)
        return party_mapping.said_by(row, "Person") if row and not row.replaced_by else None

    async def write_calls(self) -> int:
        return int(self.proxy.writes)
