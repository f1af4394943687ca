"""NATS' own words: headers, error codes, and what a server must be able to do."""

from typing import Final

SYSTEM: Final = "nats"

MESSAGE_ID: Final = "Nats-Msg-Id"
CONTENT_TYPE: Final = "Content-Type"
CLOUD_EVENT_JSON: Final = "application/cloudevents+json; charset=UTF-8"

MESSAGE_TOO_LARGE: Final = 10054
"""The stream's `max_msg_size`."""

STREAM_FULL: Final = frozenset({10023, 10028, 10047, 10048, 10077})
"""Limits of stream, account or server are reached: somebody has to make room."""

WRONG_STREAM: Final = 10060
"""The subject belongs to another stream than was expected."""

STREAM_UNKNOWN: Final = 10059
CONSUMER_UNKNOWN: Final = 10014

SEVERAL_FILTERS_SINCE: Final = (2, 10)
"""Servers before take `filter_subjects` without a word and ignore it: the consumer would get everything."""

ACKNOWLEDGES_BEFORE_SYNC: Final = (
    "the server acknowledges before it syncs to disk, unless its jetstream.sync_interval is `always`"
)
