"""What a day that does not end still waits for, in words: orders the hub has not got, and what open ones lack."""

from collections import defaultdict
from collections.abc import Mapping

from crossdock.entrypoints.cli.demo.trade import Entry
from crossdock.entrypoints.cli.demo.watch import Watch

SHOWN_MAX = 5
_DOORS = {"salesforce": "typed into Salesforce", "api": "sent to the API"}


def open_ends(handed: Mapping[str, Entry], watch: Watch, waiting_on: Mapping[str, str]) -> str:
    """What has not ended, grouped by what it waits for; `waiting_on` is per order id, in the words of the hub.

    Empty where all has ended.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for order_id, entry in handed.items():
        if order_id not in watch.rows:
            groups[f"{_DOORS[entry.door]} and not in the hub"].append(order_id)
        elif not watch.end_of(order_id):
            status = watch.rows[order_id].status.value.replace("_", " ")
            groups[f"{status}, waiting for {waiting_on.get(order_id) or 'its turn'}"].append(order_id)
    return "; ".join(f"{len(order_ids)} {words} ({_named(order_ids)})" for words, order_ids in groups.items())


def _named(order_ids: list[str]) -> str:
    shown = ", ".join(sorted(order_ids)[:SHOWN_MAX])
    return shown if len(order_ids) <= SHOWN_MAX else f"{shown}, …"
