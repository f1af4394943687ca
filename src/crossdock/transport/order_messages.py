"""Orders as channels publish them to a broker: the canonical order as JSON, one per message."""

import hashlib

import msgspec

from crossdock.canonical.order import Order
from crossdock.kit.clock import Instant
from crossdock.ports.order_source import Arrival
from crossdock.transport.payload import finding_of

_decoder = msgspec.json.Decoder(Order)


def arrival_of(body: bytes, *, message_id: str, received_at: Instant) -> Arrival:
    """A message as it arrives: an order, or the findings of what is none, with the body as it came.

    The same order is known by its own number. What cannot be read is known by the publisher's `message_id`, or
    by its content where it has none, so that it is parked once however often it comes.
    """
    try:
        order = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        known_as = message_id or hashlib.blake2s(body, digest_size=12).hexdigest()
        return Arrival(external_id=known_as, received_at=received_at, findings=(finding_of(error),), raw=body)
    return Arrival(external_id=order.order_id, received_at=received_at, order=order)
