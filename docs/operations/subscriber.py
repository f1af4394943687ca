"""A subscriber of the hub's events, by FastStream on NATS: `faststream run subscriber:app`.

It needs `pip install 'faststream[nats]'` and the address in NATS_URL. Its place in the stream is its own: it goes
on where it stopped, whoever else reads.
"""

import os
from collections import OrderedDict
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.nats import JStream, NatsBroker, PullSub

KNOWN_MAX = 10_000

broker = NatsBroker(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
app = FastStream(broker)
mails: list[str] = []
_known: OrderedDict[str, None] = OrderedDict()


@broker.subscriber(
    "crossdock.events.order.>",
    stream=JStream("CROSSDOCK", declare=False),
    durable="mailer",
    pull_sub=PullSub(batch_size=1),
    ack_policy=AckPolicy.NACK_ON_ERROR,  # what fails comes again
)
async def mail_the_customer(event: dict[str, Any]) -> None:
    """Write a mail for each order that the ERP has taken, once."""
    if event["id"] in _known:
        return  # at least once means: sometimes twice
    if event["type"] == "crossdock.order.accepted.v1" and not event["data"].get("pending"):
        mails.append(f"{event['data']['order_id']} is on its way as {event['data']['erp_number']}")
    _known[event["id"]] = None
    if len(_known) > KNOWN_MAX:
        _known.popitem(last=False)  # a real one remembers in its own database, in the mail's transaction
