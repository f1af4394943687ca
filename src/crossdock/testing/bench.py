"""The test bench of a system: what an adapter's author gives the suite so that it can cause trouble and look.

A bench has the methods of the roles its dock takes. Those it cannot offer are left out: the suite then asks for
them by name, unless `quality.yaml` exempts the rule that needs them and says why.
"""
# ruff: noqa: ARG002 - a method that is left out says so, whatever it is asked

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NoReturn, Protocol

import msgspec

from crossdock.canonical.order import Order
from crossdock.canonical.party import Address, ExternalReference, Party
from crossdock.identity.golden.fields import FieldValue
from crossdock.ports.manifest import Role


class NotOnThisBench(NotImplementedError):
    """The bench lacks a method that a rule needs, and no exemption says why."""


def _lacks(method: str) -> NoReturn:
    raise NotOnThisBench(f"the bench has no `{method}`: write it, or exempt this rule in quality.yaml and say why")


class FaultBench(Protocol):
    """Trouble that every system knows. "The next call" is the dock's next one to the system, sign-in aside."""

    async def go_down(self) -> None:
        """Refuse connections from now on."""
        _lacks("go_down")

    async def come_back(self) -> None:
        """Take connections again."""
        _lacks("come_back")

    async def refuse_next(self) -> None:
        """Answer the next call with the vendor's "not now" (503), having done nothing."""
        _lacks("refuse_next")

    async def throttle_next(self, wait_seconds: float) -> None:
        """Answer the next call with the vendor's "too many" and this wait, having done nothing."""
        _lacks("throttle_next")

    async def break_next_read(self) -> None:
        """Cut the connection instead of answering the next call that only reads."""
        _lacks("break_next_read")

    async def lose_next_answer(self) -> None:
        """Carry the next writing call out, then cut the connection."""
        _lacks("lose_next_answer")

    async def stay_silent_next(self) -> None:
        """Carry the next writing call out and never answer; the dock's time limit should be short here."""
        _lacks("stay_silent_next")

    async def expire_credential(self) -> None:
        """Make every session or token worthless; signing in again helps."""
        _lacks("expire_credential")

    async def revoke_credential(self) -> None:
        """Make every session or token worthless; signing in again is refused."""
        _lacks("revoke_credential")

    async def add_unknown_fields(self, role: Role) -> None:
        """Give the objects of the next answer to this role's reading call a field nobody knows."""
        _lacks("add_unknown_fields")

    async def drop_field(self, role: Role) -> str:
        """Leave a needed field out of the next answer to this role's reading call; returns its JSON path."""
        _lacks("drop_field")

    async def slow_down(self, seconds: float) -> None:
        """Take so long for every answer from now on."""
        _lacks("slow_down")

    async def in_flight_peak(self) -> int:
        """The largest number of calls that were in work at once so far."""
        _lacks("in_flight_peak")


class StoredLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as the system keeps it. None: it keeps no such thing."""

    line_id: str
    product: str
    quantity: Decimal
    unit_price: Decimal
    description: str | None = None


class StoredOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the system keeps it, read past the dock. None: it keeps no such thing."""

    number: str
    cancelled: bool
    customer: str
    currency: str
    lines: tuple[StoredLine, ...]
    ordered_at: datetime | None = None
    shipping_address: Address | None = None
    correlation_id: str | None = None


class GatewayBench(FaultBench, Protocol):
    """Trouble with orders."""

    async def stored_orders(self, key: str) -> Sequence[StoredOrder]:
        """Every order that the system has under `key`: drafts and cancelled ones too."""
        _lacks("stored_orders")

    async def reject_next_order(self, vendor_code: str) -> None:
        """Refuse the next submission with this code, as the system refuses by itself."""
        _lacks("reject_next_order")

    async def reject_line(self, line_id: str, vendor_code: str) -> None:
        """Refuse this line of the next submission with this code, and accept the others."""
        _lacks("reject_line")

    async def commit_next_late(self) -> None:
        """Cut the next submission's connection at once, and carry it out later: at the latest during `settle`."""
        _lacks("commit_next_late")

    async def settle(self) -> None:
        """Return when whatever was to be carried out late has been."""
        _lacks("settle")

    async def stop_next_halfway(self) -> None:
        """Stop the next submission half-way (a draft, say) and cut the connection."""
        _lacks("stop_next_halfway")

    async def set_unknown_status(self, key: str) -> str:
        """Give the order a status that no release so far had; returns it as the vendor writes it."""
        _lacks("set_unknown_status")

    async def ship(self, key: str) -> None:
        """Let the goods of the order leave."""
        _lacks("ship")

    async def cancel_in_system(self, key: str) -> None:
        """Cancel the order as a clerk would, past the dock."""
        _lacks("cancel_in_system")


class Offered(msgspec.Struct, frozen=True):
    """An order that was captured: the id under which it arrives, and what it should look like to the hub."""

    external_id: str
    order: Order


class SourceBench(FaultBench, Protocol):
    """Trouble with captured orders."""

    async def offer(self, orders: Sequence[Order]) -> Sequence[Offered]:
        """Capture these orders, in this order. What the system numbers itself may differ in what is offered."""
        _lacks("offer")

    async def offer_untranslatable(self) -> str:
        """Capture something that is no order the hub can read; returns its external id."""
        _lacks("offer_untranslatable")

    async def redeliver(self, external_id: str) -> None:
        """Deliver once more what was delivered before."""
        _lacks("redeliver")

    async def break_stream(self) -> None:
        """Cut the connection over which arrivals come, once."""
        _lacks("break_stream")

    async def lose_events(self, orders: Sequence[Order]) -> Sequence[Offered]:
        """Capture these orders, but lose their events and let the stream say so as the system does."""
        _lacks("lose_events")

    async def delivered(self) -> int:
        """How many messages have left the system so far."""
        _lacks("delivered")


class ShownStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a record shows. None: it has no place for that."""

    status: str
    reason: str | None = None
    erp_number: str | None = None


class SinkBench(FaultBench, Protocol):
    """Trouble with shown statuses."""

    async def new_record(self) -> str:
        """A record on which a status can be shown; returns its number."""
        _lacks("new_record")

    async def missing_record(self) -> str:
        """The number of a record that existed once and does not any more."""
        _lacks("missing_record")

    async def shown_status(self, record: str) -> ShownStatus | None:
        """What the record shows now; None before anything was written."""
        _lacks("shown_status")

    async def write_calls(self) -> int:
        """How many writing calls the system has taken so far."""
        _lacks("write_calls")


class KeptEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it lies at the broker: the id and the key by which the broker knows it, and the envelope."""

    id: str
    partition_key: str
    body: bytes


class CustomerBench(FaultBench, Protocol):
    """Trouble with customers. What is entered, edited or merged here is done by hand, past the dock."""

    async def enter_customer(self, says: Party) -> ExternalReference:
        """Enter a customer; returns how the system's dock names the record."""
        _lacks("enter_customer")

    async def edit_customer(self, record: ExternalReference, says: Party) -> None:
        """Change what `says` mentions, and clear what it says is empty."""
        _lacks("edit_customer")

    async def remove_customer(self, record: ExternalReference) -> None:
        """Delete the record, as far as the system lets anybody."""
        _lacks("remove_customer")

    async def restore_customer(self, record: ExternalReference) -> None:
        """Bring a deleted record back."""
        _lacks("restore_customer")

    async def merge_customers(self, survivor: ExternalReference, absorbed: ExternalReference) -> None:
        """Merge two records; `absorbed` goes."""
        _lacks("merge_customers")

    async def enter_unreadable_customer(self) -> str:
        """Enter what the hub cannot read as a customer; returns the record's number."""
        _lacks("enter_unreadable_customer")

    async def redeliver_customer(self, record: ExternalReference) -> None:
        """Deliver the record's latest change once more."""
        _lacks("redeliver_customer")

    async def lose_customer_events(self, statements: Sequence[Party]) -> Sequence[ExternalReference]:
        """Enter these customers, but lose their events and let the stream say so as the system does."""
        _lacks("lose_customer_events")

    async def break_stream(self) -> None:
        """Cut the connection over which changes come, once."""
        _lacks("break_stream")

    async def delivered(self) -> int:
        """How many messages have left the system so far."""
        _lacks("delivered")

    async def customers_under(self, key: str) -> Sequence[ExternalReference]:
        """Every record that was created under `key` and is still there."""
        _lacks("customers_under")

    async def kept_fields(self, record: ExternalReference) -> Mapping[str, FieldValue] | None:
        """What the record holds, by the field catalogue's names; None where it is gone."""
        _lacks("kept_fields")

    async def write_calls(self) -> int:
        """How many writing calls the system has taken so far."""
        _lacks("write_calls")


class EventBench(FaultBench, Protocol):
    """Trouble with events."""

    async def kept_events(self) -> Sequence[KeptEvent]:
        """Everything the broker keeps, each key's events in the order in which its subscribers get them."""
        _lacks("kept_events")

    async def event_bytes_max(self) -> int:
        """So many bytes are more than the broker takes."""
        _lacks("event_bytes_max")


class AddressBench(FaultBench, Protocol):
    """Trouble with addresses."""

    async def answer_next_oddly(self) -> None:
        """Answer the next question with a complaint about the address that no release so far had."""
        _lacks("answer_next_oddly")

    async def asked_for(self) -> Sequence[str]:
        """All that the provider was told with its questions so far."""
        _lacks("asked_for")


class StockBench(FaultBench, Protocol):
    """Trouble with stock."""

    async def set_stock(self, product: str, location: str, *, on_hand: Decimal, promised: Decimal) -> None:
        """Put so much of a product at a location, and promise so much of it to others."""
        _lacks("set_stock")
