"""Who waits for a record to be there, in the database."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

from crossdock.canonical.party import ExternalReference
from crossdock.durable.codec import decode
from crossdock.identity.golden.ledger import record_key
from crossdock.identity.golden.spreading import Question
from crossdock.storage.transaction import Transaction

T = TypeVar("T")


class WaitingStore(ABC):
    """See PartyLedger."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    async def list_waiting(self, records: Collection[ExternalReference]) -> Sequence[tuple[str, str]]:
        """See PartyLedger."""
        return await self._read(partial(list_waiting, records=records)) if records else ()


def list_waiting(tx: Transaction, records: Collection[ExternalReference]) -> list[tuple[str, str]]:
    """The parties whose parent is one of these records, and where it was missing."""
    keys = sorted(record_key(record) for record in records)
    rows = tx.select_in("SELECT party_id, kind, facts FROM party_question WHERE record", keys)
    waiting = [(row[0], decode(bytes(row[2]), Question)) for row in rows if row[1] == "parent_missing"]
    return sorted({(party_id, question.system) for party_id, question in waiting})
