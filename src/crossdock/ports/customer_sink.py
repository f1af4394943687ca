"""Where customers are written: field by field, by key, found again before anything is repeated."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from crossdock.canonical.party import ExternalReference, Party
from crossdock.kit.errors import CrossdockError

JoinedHow = Literal["block", "link", "merge"]


class CustomerRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A customer as the system has it now. `version` is what it calls this state, where it has such a thing.

    After a write `kept` is what the system, by its own rules, made of values that it does not keep as told: it has
    no such region, and so none. Where it only writes them in its own way (case, blanks), `says` is enough.
    `unset` is as in `CustomerChange`.
    """

    record: ExternalReference
    says: Party = Party()
    version: str = ""
    kept: Party = Party()
    unset: tuple[str, ...] = ()


class CustomerWrite(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change to one customer: nothing but the fields that `says` mentions is touched, `None` clears one.

    Without `record` the customer is created, and bears `key` so that it can be found by it. With `version` the
    write holds only while the record is still in that state. `origin` is the mark to leave with the change, where
    the system has room for one: by it our own echo is known. `key` names this write; the same one again is the
    same write. `correlation_id` is shown where there is room.
    """

    key: str
    record: ExternalReference | None = None
    says: Party
    version: str = ""
    origin: str = ""
    correlation_id: str = ""


class CustomerMerge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two records are one customer.

    `link`: both stay and refer to each other. `block`: `absorbed` stays as it is, and nobody can use it any more.
    `merge`: `absorbed` goes, and what belonged to it belongs to the survivor, for good.
    """

    key: str
    survivor: ExternalReference
    absorbed: ExternalReference
    how: JoinedHow = "link"
    origin: str = ""
    correlation_id: str = ""


class CustomerErasure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A customer is to be forgotten: `record` has to tell of nobody any more."""

    key: str
    record: ExternalReference
    origin: str = ""
    correlation_id: str = ""


class Belongings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The records that belong to a customer's. `complete` is False where there are more than `records` says."""

    records: tuple[ExternalReference, ...] = ()
    complete: bool = True


class CustomerSink(Protocol):
    """Writes customers. Whatever happens to an answer, the record can be read again and shows what landed."""

    async def write_customers(self, writes: Sequence[CustomerWrite]) -> Sequence[CustomerRecord | CrossdockError]:
        """Write up to the manifest's `batch_max` in as few calls as the system allows.

        Returns for each, in order, the record as far as the answer tells it, or the error: Rejected, Invalid,
        Conflict (`version` moved; nothing was written), OutcomeUnknown. The same create twice, also at once,
        makes one customer. Raises only where nothing was written at all (Unavailable, Throttled, NotAuthorized).
        """
        ...

    async def read_customers(self, records: Sequence[ExternalReference]) -> Sequence[CustomerRecord | None]:
        """Each record with all that its mapping knows, as the system has it now; None where it is gone."""
        ...

    async def find_customer(self, *, key: str) -> CustomerRecord | None:
        """The customer that was created under `key`, or None."""
        ...

    async def join_customers(self, merge: CustomerMerge) -> CustomerRecord:
        """Link, block or merge two records; the survivor as it is then. Doing so again changes nothing.

        Raises Unsupported where the system cannot do it `how` it is asked, Rejected, Conflict, Unavailable,
        Throttled, NotAuthorized or OutcomeUnknown.
        """
        ...

    async def part_customers(self, merge: CustomerMerge) -> CustomerRecord:
        """Take back a link, block or merge; the record that was absorbed, as it is then. Again it changes nothing.

        Raises Unsupported for what the system never takes back, Rejected where it does so no more, and what
        `join_customers` raises. What belonged to an absorbed record is not back yet: see `return_belongings`.
        """
        ...

    async def erase_customer(self, erasure: CustomerErasure) -> None:
        """Do what the system itself offers to forget somebody, beyond the fields that `write_customers` reaches.

        The record may stay, empty, or go. Again, and where it is gone, it changes nothing. Raises Unsupported
        where the system offers nothing of its own, Rejected or Invalid where it refuses (documents are open), with
        nothing changed then, Unavailable, Throttled, NotAuthorized or OutcomeUnknown.
        """
        ...

    async def list_belongings(self, record: ExternalReference) -> Belongings:
        """What belongs to a record, would go along when it is merged, and could come back: orders, cases.

        Empty where the system takes no merge back.
        """
        ...

    async def return_belongings(
        self, merge: CustomerMerge, records: Sequence[ExternalReference]
    ) -> Sequence[CrossdockError | None]:
        """Give what went to the survivor with a merge back to the absorbed record, which is there again.

        Returns for each, in order, None where it belongs to the absorbed record, or why it does not: Rejected,
        Invalid or Conflict (it went to somebody else since). Again it changes nothing. Raises Unsupported where no
        merge is taken back, Unavailable, Throttled, NotAuthorized or OutcomeUnknown.
        """
        ...
