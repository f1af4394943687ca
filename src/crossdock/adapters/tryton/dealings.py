"""What a customer owes and what was last done for them, as others need to see it (CUS-08, FIN-06).

None of it is kept in the party: it follows from sales, shipments and invoices, which are watched for it. It is
told by itself and is Tryton's own word, also where it comes of a sale that the hub wrote. What becomes overdue
because a day has passed moves no record; it is told with the next one that moves.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from crossdock.adapters.tryton import mapping
from crossdock.adapters.tryton.client import EVEN_INACTIVE, Domain, TrytonClient, as_rows
from crossdock.adapters.tryton.wire import DealingsRow, DocumentRow, StampRow, fields_of
from crossdock.identity.golden.fields import Fields, FieldValue
from crossdock.kit.clock import Instant
from crossdock.kit.money import Money

EXPOSURE = ("party.party", "credit_amount")
PAGE_ROWS = 200

Seen = tuple[str, int, Instant]


class Documents(msgspec.Struct, frozen=True):
    """A kind of document: whose it is, and which of them are worth telling of."""

    kind: str
    model: str
    party: str
    worth: Domain


DOCUMENTS = (
    Documents("order", "sale.sale", "party", [("state", "in", ["confirmed", "processing", "done"])]),
    Documents("delivery", "stock.shipment.out", "customer", [("state", "not in", ["draft", "cancelled"])]),
    Documents("invoice", "account.invoice", "party", [("type", "=", "out"), ("state", "in", ["posted", "paid"])]),
)


class Dealings:
    """Reads only, and only what the hub's user may read for orders anyway."""

    def __init__(self, client: TrytonClient) -> None:
        self._client = client

    async def newest(self) -> Instant:
        """The stamp of the document that moved last, 0 where there is none."""
        stamps: list[Instant] = [0]
        for documents in DOCUMENTS:
            rows = await self._client.search_read(
                documents.model, [], ["last_modified_at"], rows_max=1, order=[("last_modified_at", "DESC")]
            )
            stamps += [mapping.instant(row["last_modified_at"]) for row in rows]
        return max(stamps)

    async def touched(self, moved: Domain, seen: set[Seen]) -> Mapping[int, tuple[Seen, ...]]:
        """The parties whose documents match `moved`, with those documents, but for what was `seen` already."""
        found: dict[int, tuple[Seen, ...]] = {}
        for documents in DOCUMENTS:
            names = ("id", "last_modified_at", documents.party)
            async for page in self._client.pages(documents.model, moved, names):
                for row in as_rows(_by_party(page, documents), StampRow):
                    entry = (documents.model, row.id, mapping.instant(row.last_modified_at))
                    if row.party is not None and entry not in seen:
                        found[row.party] = (*found.get(row.party, ()), entry)
        return found

    async def read(self, parties: Sequence[int]) -> Mapping[int, Fields]:
        """What is to be told of these; nothing of a party that is no more."""
        names = fields_of(DealingsRow)
        if not await self._client.has_field(*EXPOSURE):
            names = tuple(name for name in names if name != EXPOSURE[1])
        domain = [("id", "in", list(parties)), EVEN_INACTIVE]
        rows = as_rows(await self._client.search_read("party.party", domain, names), DealingsRow)
        said: dict[int, dict[str, FieldValue]] = {row.id: _owed(row) for row in rows}
        for documents in DOCUMENTS:
            latest = await self._latest(documents, list(said))
            for party, fields in said.items():
                fields.update(_named(documents, latest.get(party)))
        return said

    async def _latest(self, documents: Documents, parties: Sequence[int]) -> Mapping[int, DocumentRow]:
        """The latest document of each party that has one. A page finds at least one more of them."""
        found: dict[int, DocumentRow] = {}
        left = list(parties)
        while left:
            page = await self._client.search_read(
                documents.model,
                [(documents.party, "in", left), *documents.worth],
                ("id", "number", "state", documents.party),
                rows_max=PAGE_ROWS,
                order=[("id", "DESC")],
            )
            for row in as_rows(_by_party(page, documents), DocumentRow):
                if row.party is not None:
                    found.setdefault(row.party, row)
            left = [party for party in left if party not in found] if len(page) == PAGE_ROWS else []
        return found


def is_worth_telling(said: Fields) -> bool:
    """Whether there is anything to tell of somebody who may never have bought a thing."""
    return any(
        value and (not name.endswith(".amount") or Decimal(str(value)))
        for name, value in said.items()
        if not name.endswith(".currency")
    )


def _by_party(rows: Sequence[Mapping[str, object]], documents: Documents) -> list[dict[str, object]]:
    return [{**row, "party": row[documents.party]} for row in rows]


def _owed(row: DealingsRow) -> dict[str, FieldValue]:
    """What is owed, what of it is due, and what a credit limit counts, in the company's currency."""
    currency = row.currency_.code if row.currency_ else None
    if not currency:
        return {}
    amounts = {"receivables.balance": row.receivable, "receivables.overdue": max(row.receivable_today, Decimal(0))}
    if not isinstance(row.credit_amount, msgspec.UnsetType):
        amounts["credit.exposure"] = row.credit_amount
    said: dict[str, FieldValue] = {}
    for name, amount in amounts.items():
        said |= {f"{name}.amount": Money.of(amount, currency).amount, f"{name}.currency": currency}
    return said


def _named(documents: Documents, row: DocumentRow | None) -> dict[str, FieldValue]:
    name = f"case_reference.last_{documents.kind}"
    said: dict[str, FieldValue] = {name: (row.number or None) if row else None}
    return said | ({f"{name}_status": row.state if row else None} if documents.kind == "delivery" else {})
