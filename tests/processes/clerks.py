"""Who edits customers by hand in a system, and what may go wrong there: the same words for every system."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tests.processes.books import Books
from tests.processes.orgs import Org

from crossdock.adapters.memory.simulator.faults import LoseAnswer, RefuseBeforeCommit
from crossdock.adapters.memory.simulator.ledger import Refusal
from crossdock.adapters.memory.wire import PartnerJoin
from crossdock.adapters.salesforce.party_mapping import SOBJECT
from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.faults import DropAfterCommit, Unavailable
from crossdock.identity.golden.fields import FieldValue

Card = Mapping[str, FieldValue]


class RefusedError(Exception):
    """The system would not: the record is gone, or was never there."""


class Clerk(Protocol):
    """Somebody at a system's own screens. Every deed raises RefusedError where the system would not."""

    @property
    def deeds(self) -> Sequence[str]:
        """What may happen to records here besides edits: names of methods with a record and another."""
        ...

    async def edit(self, number: str, card: Card) -> None:
        """Change a record."""
        ...

    async def present(self) -> set[str]:
        """The records that are there now, of all that were ever made in the storm."""
        ...

    def trouble(self, *, lost: bool, times: int | None) -> None:
        """Refuse the hub's writes, or do them and lose the answers: so many times, or until it is `clear`."""
        ...

    def clear(self) -> None:
        """Whatever was wrong is over."""
        ...


class Gone:
    """The records that a clerk put aside and may take back."""

    def __init__(self) -> None:
        self._gone: list[str] = []

    def put(self, number: str) -> None:
        self._gone.append(number)

    def draw(self, chance: random.Random) -> str:
        if not self._gone:
            raise RefusedError("nothing was put aside")
        return self._gone.pop(chance.randrange(len(self._gone)))


class OrgClerk:
    """A user of the Salesforce org."""

    deeds = ("delete", "undelete", "merge")

    def __init__(self, org: Org, chance: random.Random) -> None:
        self.org, self._chance, self._gone = org, chance, Gone()

    async def edit(self, number: str, card: Card) -> None:
        self._do(lambda: self.org.edit(number, card))

    async def delete(self, number: str, _other: str) -> None:
        self._do(lambda: self.org.simulator.seed.delete(SOBJECT, number))
        self._gone.put(number)

    async def undelete(self, _number: str, _other: str) -> None:
        number = self._gone.draw(self._chance)
        self._do(lambda: self.org.simulator.seed.undelete(SOBJECT, number))

    async def merge(self, number: str, other: str) -> None:
        self._do(lambda: self.org.simulator.seed.merge(SOBJECT, number, other))
        self._gone.put(other)

    @staticmethod
    def _do(deed: Any) -> None:
        try:
            deed()
        except ApiError as refusal:
            raise RefusedError(refusal.code) from refusal

    async def present(self) -> set[str]:
        rows = self.org.simulator.org.table(SOBJECT).rows
        return {number for number, row in rows.items() if not row["IsDeleted"]}

    def trouble(self, *, lost: bool, times: int | None) -> None:
        fault = DropAfterCommit if lost else Unavailable
        self.org.simulator.faults.add(fault(path="/(composite|sobjects)", times=times))

    def clear(self) -> None:
        self.org.simulator.faults.clear()


class BooksClerk:
    """A bookkeeper of the memory ERP."""

    deeds = ("delete", "undelete", "merge")

    def __init__(self, books: Books, chance: random.Random) -> None:
        self.books, self._chance, self._gone = books, chance, Gone()

    async def edit(self, number: str, card: Card) -> None:
        self._do(lambda: self.books.edit(number, card))

    async def delete(self, number: str, _other: str) -> None:
        self._do(lambda: self.books.book.delete(number))
        self._gone.put(number)

    async def undelete(self, _number: str, _other: str) -> None:
        number = self._gone.draw(self._chance)
        self._do(lambda: self.books.book.undelete(number))

    async def merge(self, number: str, other: str) -> None:
        asked = PartnerJoin(survivor=number, absorbed=other, how="merge", write="by-hand")
        self._do(lambda: self.books.book.join(asked))
        self._gone.put(other)

    @staticmethod
    def _do(deed: Any) -> None:
        try:
            deed()
        except Refusal as refusal:
            raise RefusedError(refusal.code) from refusal

    async def present(self) -> set[str]:
        return {partner.number for partner in self.books.book.present()}

    def trouble(self, *, lost: bool, times: int | None) -> None:
        wrong = LoseAnswer if lost else RefuseBeforeCommit
        self.books.surface.faults.add(wrong(on="/partners/write", times=times or 0))

    def clear(self) -> None:
        self.books.surface.faults.clear()
